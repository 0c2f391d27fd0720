"""The control calls about money that moves later: disputes, early fraud warnings, refunds and payouts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sandbox.billing import payouts
from sandbox.billing.disputes import Case, decide, open_dispute
from sandbox.billing.fraud_warnings import warn
from sandbox.billing.refunding import settle_refund
from sandbox.documents import Document
from sandbox.presentation import show
from sandbox.store.transaction import Cause, Store, Transaction
from sandbox.webhooks.delivery import Deliveries
from sandbox.wire.errors import resource_missing

Handler = Callable[[Document], Document | Awaitable[Document]]


class MoneyControl:
    """Answers `/_sandbox/charges/…`, `…/disputes/…`, `…/refunds/…` and `…/payouts` with the object that was made or changed."""

    def __init__(self, store: Store, deliveries: Deliveries) -> None:
        self._store = store
        self._deliveries = deliveries

    def routes(self) -> dict[tuple[str, str], Handler]:
        return {
            ("POST", "charges/{id}/dispute"): self.dispute,
            ("POST", "charges/{id}/early_fraud_warning"): self.warn,
            ("POST", "disputes/{id}/decide"): self.decide,
            ("POST", "refunds/{id}/settle"): self.settle_refund,
            ("POST", "payouts"): self.pay_out,
            ("POST", "payouts/{id}/fail"): self.fail_payout,
        }

    def dispute(self, sent: Document) -> Document:
        case = Case(str(sent.get("reason", "fraudulent")), inquiry=bool(sent.get("inquiry", False)))
        amount = None if sent.get("amount") is None else int(sent["amount"])
        return self._change(lambda tx: open_dispute(tx, _charge(tx, sent), case, amount))

    def warn(self, sent: Document) -> Document:
        fraud_type = str(sent.get("fraud_type", "made_with_stolen_card"))
        return self._change(lambda tx: warn(tx, _charge(tx, sent), fraud_type))

    def decide(self, sent: Document) -> Document:
        def work(tx: Transaction) -> Document:
            dispute = tx.need("dispute", str(sent["id"]), param="id", status=404)
            decide(tx, dispute, str(sent["decision"]))
            return dispute

        return self._change(work)

    def settle_refund(self, sent: Document) -> Document:
        def work(tx: Transaction) -> Document:
            refund = tx.need("refund", str(sent["id"]), param="id", status=404)
            settle_refund(tx, refund, str(sent["status"]), str(sent.get("failure_reason", "unknown")))
            return refund

        return self._change(work)

    def pay_out(self, sent: Document) -> Document:
        return self._change(lambda tx: payouts.sweep(tx, str(sent.get("currency", "usd"))))

    def fail_payout(self, sent: Document) -> Document:
        def work(tx: Transaction) -> Document:
            payout = tx.need("payout", str(sent["id"]), param="id", status=404)
            payouts.fail(tx, payout, str(sent.get("failure_code", "could_not_process")))
            return payout

        return self._change(work)

    def _change(self, work: Callable[[Transaction], Document]) -> Document:
        with self._store.database.writing():
            tx = Transaction(self._store, Cause())
            changed = work(tx)
            tx.finish()
        self._deliveries.wake()
        return show(tx, changed)


def _charge(tx: Transaction, sent: Document) -> Document:
    """The charge with this id, or the latest charge of the PaymentIntent with this id."""
    named = str(sent["id"])
    found = tx.find(named)
    if found is not None and found["object"] == "payment_intent" and found["latest_charge"]:
        found = tx.find(found["latest_charge"])
    if found is None or found["object"] != "charge":
        raise resource_missing("charge", named, param="id", status=404)
    return found
