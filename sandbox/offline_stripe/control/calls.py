"""The control calls under `/_sandbox/…`, with which tests and newcomers control the sandbox.

They take and answer JSON. They are refused unless they come over loopback and not from another site's page.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import msgspec

from offline_stripe.billing import schedule
from offline_stripe.billing.collection import authenticate, settle
from offline_stripe.billing.test_methods import OUTCOMES
from offline_stripe.control.decisions import DecisionControl
from offline_stripe.control.faults import Faults
from offline_stripe.control.journal import Journal
from offline_stripe.control.versions import Versions
from offline_stripe.control.webhooks import WebhookControl
from offline_stripe.documents import Document, from_text, public
from offline_stripe.store.transaction import Cause, Store, Transaction
from offline_stripe.webhooks.delivery import Deliveries
from offline_stripe.wire.errors import StripeError
from offline_stripe.wire.keys import RestrictedKeys
from offline_stripe.wire.messages import Request, Response, json_response

SETTLING_S = 5.0
Handler = Callable[[Document], Document | Awaitable[Document]]
Handlers = dict[tuple[str, str], Handler]


class Controlled(Protocol):
    """An account, as the control calls see it."""

    store: Store
    faults: Faults
    versions: Versions
    journal: Journal
    deliveries: Deliveries

    @property
    def id(self) -> str: ...

    async def reset(self, *, endpoints: bool = True) -> None: ...


class Control:
    """Answers `/_sandbox/…`."""

    def __init__(self, account: Controlled, restricted: RestrictedKeys, more: Handlers) -> None:
        self._account = account
        self._restricted = restricted
        self._store = store = account.store
        self._faults = faults = account.faults
        self._versions = account.versions
        self._journal = journal = account.journal
        self._deliveries = deliveries = account.deliveries
        webhooks = WebhookControl(store, deliveries)
        self._routes: dict[tuple[str, str], Handler] = {
            ("GET", "health"): lambda _: {"ok": True},
            ("POST", "reset"): self.reset,
            ("POST", "faults"): self.add_fault,
            ("GET", "faults"): lambda _: {"faults": faults.shown()},
            ("DELETE", "faults"): self.clear_faults,
            ("DELETE", "faults/{id}"): lambda sent: faults.remove(int(sent["id"])).shown(),
            ("POST", "keys"): self.restrict_key,
            ("POST", "versions"): self.add_version,
            ("DELETE", "versions"): self.clear_versions,
            ("GET", "requests"): self.requests,
            ("DELETE", "requests"): self.clear_requests,
            ("GET", "refused"): lambda _: {"refused": journal.refused()},
            ("GET", "clock"): lambda _: self.clock(),
            ("POST", "clock"): self.move_clock,
            ("GET", "outbox"): lambda _: self.outbox(),
            ("GET", "state"): lambda _: self.state(),
            ("GET", "switches"): lambda _: {"switches": store.switches.as_dict()},
            ("POST", "switches"): self.set_switches,
            ("POST", "payment_intents/{id}/settle"): self.settle_intent,
            ("POST", "payment_intents/{id}/fail"): self.fail_intent,
            ("POST", "payment_intents/{id}/authenticate"): self.authenticate_intent,
            **DecisionControl(store, deliveries).routes(),
            **webhooks.routes(),
            **more,
        }

    def calls(self) -> list[tuple[str, str]]:
        """All methods and paths."""
        return list(self._routes)

    async def answer(self, request: Request) -> Response:
        name = request.path.removeprefix("/_sandbox").strip("/")
        handler, path = self._find(request.method, name)
        if handler is None:
            return refusal(404, f"No control call {request.method} /_sandbox/{name}.")
        try:
            sent = {**_query(request.query), **_body(request.body), **path}
            answer = handler(sent)
            return json_response(200, await answer if isinstance(answer, Awaitable) else answer)
        except StripeError as error:
            return refusal(error.status, error.message)
        except (ValueError, TypeError, KeyError, msgspec.DecodeError) as problem:
            return refusal(400, f"The control call was not understood: {problem}")

    def _find(self, method: str, name: str) -> tuple[Handler | None, Document]:
        exact = self._routes.get((method, name))
        if exact is not None:
            return exact, {}
        match name.split("/"):
            case [kind, identifier]:
                return self._routes.get((method, f"{kind}/{{id}}")), {"id": identifier}
            case [kind, identifier, verb]:
                return self._routes.get((method, f"{kind}/{{id}}/{verb}")), {"id": identifier}
        return None, {}

    # State

    async def reset(self, sent: Document) -> Document:
        await self._account.reset(endpoints=bool(sent.get("endpoints", True)))
        return {"reset": True}

    def state(self) -> Document:
        """All objects by kind, without private fields."""
        kinds: dict[str, list[Document]] = {}
        for row in self._store.database.all("SELECT kind, doc FROM objects ORDER BY seq"):
            kinds.setdefault(str(row[0]), []).append(public(from_text(str(row[1]))))
        return {"objects": kinds}

    def set_switches(self, sent: Document) -> Document:
        self._store.switches = self._store.switches.changed(sent)
        return {"switches": self._store.switches.as_dict()}

    # Faults and the journal

    def add_fault(self, sent: Document) -> Document:
        return self._faults.add(sent).shown()

    def clear_faults(self, sent: Document) -> Document:  # noqa: ARG002 (a Handler)
        self._faults.clear()
        return {"faults": []}

    def add_version(self, sent: Document) -> Document:
        self._versions.add(sent)
        return {"version": sent["version"]}

    def restrict_key(self, sent: Document) -> Document:
        permissions = sent.get("permissions", [])
        self._restricted.restrict(str(sent.get("key")), permissions, self._account.id)
        return {"permissions": permissions}

    def clear_versions(self, sent: Document) -> Document:  # noqa: ARG002 (a Handler)
        self._versions.clear()
        return {}

    def requests(self, sent: Document) -> Document:
        entries = self._journal.entries(
            method=sent.get("method"), path=sent.get("path"), limit=int(sent.get("limit", 1000))
        )
        return {"requests": entries}

    def clear_requests(self, sent: Document) -> Document:  # noqa: ARG002 (a Handler)
        self._journal.clear()
        return {"requests": []}

    # The clock, mail

    def clock(self) -> Document:
        clock = self._store.clock
        return {"now": clock.now(), "offset_s": clock.offset, "next_timer_at": schedule.next_due(self._store)}

    async def move_clock(self, sent: Document) -> Document:
        """Move the clock. Due deliveries come first, as a draft advances only once its webhooks were acknowledged."""
        advance = float(sent["advance_s"])
        if advance < 0:
            raise ValueError("the clock only moves forward")
        await self._deliveries.wait_heard(SETTLING_S)
        done = schedule.run_due(self._store, self._store.clock.now() + advance)
        self._deliveries.wake()
        return {**self.clock(), "timers_run": done}

    def outbox(self) -> Document:
        rows = self._store.database.all("SELECT doc FROM outbox ORDER BY seq")
        return {"emails": [from_text(str(row[0])) for row in rows]}

    # Payments that end later

    def settle_intent(self, sent: Document) -> Document:
        return self._on_intent(sent, settle)

    def fail_intent(self, sent: Document) -> Document:
        name = str(sent.get("outcome", "debit_insufficient_funds"))
        if name not in OUTCOMES:
            raise ValueError(f"outcome is one of {', '.join(OUTCOMES)}")
        return self._on_intent(sent, lambda tx, intent: settle(tx, intent, fails=OUTCOMES[name]))

    def authenticate_intent(self, sent: Document) -> Document:
        passed = sent.get("outcome", "succeed") == "succeed"
        return self._on_intent(sent, lambda tx, intent: authenticate(tx, intent, passed=passed))

    def _on_intent(self, sent: Document, work: Callable[[Transaction, Document], object]) -> Document:
        with self._store.database.writing():
            tx = Transaction(self._store, Cause())
            intent = tx.need("payment_intent", str(sent["id"]), param="id", status=404)
            work(tx, intent)
            tx.finish()
        self._deliveries.wake()
        return public(intent)


def allowed(request: Request, *, remote: bool) -> bool:
    """Whether a call does not come from another site's page and, unless `remote`, comes from this machine and is addressed to it."""
    origin = request.headers.get("origin")
    same = origin is None or origin.partition("://")[2] == request.headers.get("host")
    if remote:
        return same
    try:
        local = request.client == "" or ipaddress.ip_address(request.client).is_loopback
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return False
    return local and host in {"127.0.0.1", "localhost", "::1", "testserver", "sandbox"} and same


def refusal(status: int, message: str) -> Response:
    return json_response(status, {"error": {"message": message}})


def _query(query: str) -> Document:
    return {name: values[-1] for name, values in parse_qs(query).items()}


def _body(body: bytes) -> Document:
    if not body.strip():
        return {}
    sent = from_text(body)
    if not isinstance(sent, dict):
        raise TypeError("a JSON object is expected")
    return sent
