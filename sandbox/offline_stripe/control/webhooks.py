"""The control calls about deliveries: modes, held events, attempts, retries, endpoints, secrets.

`webhooks.delivery` sends the events.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from offline_stripe.documents import Document, from_text, public
from offline_stripe.store.transaction import Cause, Store, Transaction
from offline_stripe.webhooks.delivery import Deliveries, Delivery
from offline_stripe.webhooks.endpoints import add_endpoint, roll_secret

Handler = Callable[[Document], Document | Awaitable[Document]]
_ORDERS = ("given", "reversed", "shuffled")
_SELECT = "SELECT seq, event, endpoint, attempts, created_at, copies FROM deliveries"


class WebhookControl:
    """Answers `/_sandbox/webhooks/…`."""

    def __init__(self, store: Store, deliveries: Deliveries) -> None:
        self._store = store
        self._deliveries = deliveries

    def routes(self) -> dict[tuple[str, str], Handler]:
        return {
            ("GET", "webhooks/mode"): lambda _: self.mode(),
            ("POST", "webhooks/mode"): self.set_mode,
            ("POST", "webhooks/release"): self.release,
            ("GET", "webhooks/attempts"): self.attempts,
            ("GET", "webhooks/pending"): lambda _: self._deliveries.waiting(),
            ("GET", "webhooks/idle"): self.idle,
            ("POST", "webhooks/idle"): self.idle,
            ("POST", "webhooks/retry"): self.retry,
            ("GET", "webhooks/endpoint"): lambda _: self.endpoints(),
            ("POST", "webhooks/endpoint"): self.set_endpoint,
            ("POST", "webhooks/roll_secret"): self.roll_secret,
        }

    def mode(self) -> Document:
        return asdict(self._store.emission.misbehaviour)

    def set_mode(self, sent: Document) -> Document:
        """Change the modes that are named."""
        changes: Document = {}
        for name in ("hold", "shuffle"):
            if name in sent:
                changes[name] = bool(sent[name])
        for name in ("duplicate", "delay_ms", "shuffle_ms"):
            if name in sent:
                changes[name] = int(sent[name])
        if "drop" in sent:
            changes["drop"] = float(sent["drop"])
        if sent.get("seed") is not None:
            changes["seed"] = int(sent["seed"])
        unknown = sent.keys() - changes.keys() - {"seed"}
        if unknown:
            raise ValueError(f"unknown mode: {', '.join(sorted(unknown))}")
        self._store.emission.misbehave(**changes)
        return self.mode()

    async def release(self, sent: Document) -> Document:
        """Send the held events one by one, in the order asked for."""
        order = sent.get("order", "given")
        if order not in _ORDERS:
            raise ValueError(f"order is one of {', '.join(_ORDERS)}")
        rows = self._store.database.all(f"{_SELECT} WHERE state = 'held' ORDER BY seq")
        held = [Delivery(*row) for row in rows]  # type: ignore[arg-type]
        if order == "reversed":
            held.reverse()
        elif order == "shuffled":
            random.Random(sent.get("seed")).shuffle(held)
        accepted = [await self._deliveries.attempt(delivery) for delivery in held]
        return {"released": len(held), "accepted": sum(accepted), "events": [delivery.event for delivery in held]}

    def attempts(self, sent: Document) -> Document:
        limit = int(sent.get("limit", 1000))
        if "event" in sent:
            rows = self._store.database.all(
                "SELECT doc FROM attempts WHERE event = ? ORDER BY seq DESC LIMIT ?", (sent["event"], limit)
            )
        else:
            rows = self._store.database.all("SELECT doc FROM attempts ORDER BY seq DESC LIMIT ?", (limit,))
        return {"attempts": [from_text(str(row[0])) for row in reversed(rows)]}

    async def idle(self, sent: Document) -> Document:
        retries = str(sent.get("retries", "false")).lower() == "true"
        return await self._deliveries.wait_idle(float(sent.get("timeout_s", 10)), retries=retries)

    def retry(self, sent: Document) -> Document:
        """Make all failed or waiting deliveries due now, or those of one event."""
        only = " AND event = ?" if "event" in sent else ""
        values = (self._store.clock.now(), *([str(sent["event"])] if only else []))
        with self._store.database.writing():
            done = self._store.database.execute(
                f"UPDATE deliveries SET state = 'pending', due_at = ?"  # noqa: S608
                f" WHERE (state IN ('failed', 'dropped') OR (state = 'pending' AND attempts > 0)){only}",
                values,
            )
        self._deliveries.wake()
        return {"retried": done.rowcount}

    def endpoints(self) -> Document:
        tx = Transaction(self._store, Cause())
        return {"endpoints": [public(endpoint) for endpoint in tx.where("webhook_endpoint")]}

    def set_endpoint(self, sent: Document) -> Document:
        """Add an endpoint, or with `replace` make it the only one."""
        url, secret = str(sent["url"]), sent.get("secret")
        if secret is not None and not str(secret).strip():
            raise ValueError("the secret must not be empty")
        with self._store.database.writing():
            tx = Transaction(self._store, Cause())
            if sent.get("replace"):
                for endpoint in tx.where("webhook_endpoint"):
                    tx.remove(endpoint)
            events = sent.get("enabled_events", ["*"])
            made = add_endpoint(tx, url, secret=secret, enabled_events=list(events))
            tx.finish()
        shown = public(made)
        return shown if secret else {**shown, "secret": made["_secret"]}

    def roll_secret(self, sent: Document) -> Document:
        """Make a new secret for one endpoint (or the only one). Both sign for `overlap_s`."""
        with self._store.database.writing():
            tx = Transaction(self._store, Cause())
            known = tx.where("webhook_endpoint")
            endpoint = next((e for e in known if sent.get("endpoint") in {None, e["id"]}), None)
            if endpoint is None:
                raise ValueError("no such endpoint")
            secret = roll_secret(
                tx, endpoint, secret=sent.get("secret"), overlap_s=float(sent.get("overlap_s", 86_400))
            )
            tx.finish()
        return {"endpoint": endpoint["id"], "secret": secret}
