"""The control calls about what others decide later: banks on disputes, refunds and payouts, authorities on tax ids."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from offline_stripe.billing import payouts
from offline_stripe.billing.disputes import Case, decide, open_dispute
from offline_stripe.billing.fraud_warnings import warn
from offline_stripe.billing.methods import renew
from offline_stripe.billing.refunding import settle_refund
from offline_stripe.billing.rendering import make_template
from offline_stripe.billing.setups import authenticate_setup, set_mandate
from offline_stripe.billing.tax_ids import verify
from offline_stripe.documents import Document
from offline_stripe.presentation import show
from offline_stripe.store.transaction import Cause, Store, Transaction
from offline_stripe.webhooks.delivery import Deliveries
from offline_stripe.wire.errors import resource_missing

Handler = Callable[[Document], Document | Awaitable[Document]]


class DecisionControl:
    """Answers with the object that a bank or an authority made or changed."""

    def __init__(self, store: Store, deliveries: Deliveries) -> None:
        self._store = store
        self._deliveries = deliveries

    def routes(self) -> dict[tuple[str, str], Handler]:
        return {
            ("POST", "charges/{id}/dispute"): self.dispute,
            ("POST", "charges/{id}/early_fraud_warning"): self.warn,
            ("POST", "disputes/{id}/decide"): self.decide,
            ("POST", "refunds/{id}/settle"): self.settle_refund,
            ("POST", "tax_ids/{id}/verify"): self.verify_tax_id,
            ("POST", "setup_intents/{id}/authenticate"): self.authenticate_setup,
            ("POST", "mandates/{id}/update"): self.update_mandate,
            ("POST", "payment_methods/{id}/renew"): self.renew_card,
            ("POST", "invoice_rendering_templates"): self.make_template,
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
        return self._on("dispute", sent, lambda tx, it: decide(tx, it, str(sent["decision"])))

    def settle_refund(self, sent: Document) -> Document:
        status, reason = str(sent.get("status")), str(sent.get("failure_reason", "unknown"))
        return self._on("refund", sent, lambda tx, it: settle_refund(tx, it, status, reason))

    def verify_tax_id(self, sent: Document) -> Document:
        status, name, address = str(sent.get("status")), sent.get("verified_name"), sent.get("verified_address")
        return self._on("tax_id", sent, lambda tx, it: verify(tx, it, status, name=name, address=address))

    def authenticate_setup(self, sent: Document) -> Document:
        passed = sent.get("outcome", "succeed") == "succeed"
        return self._on("setup_intent", sent, lambda tx, it: authenticate_setup(tx, it, passed=passed))

    def update_mandate(self, sent: Document) -> Document:
        return self._on("mandate", sent, lambda tx, it: set_mandate(tx, it, str(sent.get("status"))))

    def renew_card(self, sent: Document) -> Document:
        month, year = int(sent.get("exp_month", 12)), int(sent["exp_year"])
        return self._on("payment_method", sent, lambda tx, it: renew(tx, it, exp_month=month, exp_year=year))

    def make_template(self, sent: Document) -> Document:
        return self._change(lambda tx: make_template(tx, sent.get("nickname")))

    def pay_out(self, sent: Document) -> Document:
        return self._change(lambda tx: payouts.sweep(tx, str(sent.get("currency", "usd"))))

    def fail_payout(self, sent: Document) -> Document:
        code = str(sent.get("failure_code", "could_not_process"))
        return self._on("payout", sent, lambda tx, it: payouts.fail(tx, it, code))

    def _on(self, kind: str, sent: Document, work: Callable[[Transaction, Document], object]) -> Document:
        def change(tx: Transaction) -> Document:
            found = tx.need(kind, str(sent["id"]), param="id", status=404)
            work(tx, found)
            return found

        return self._change(change)

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
