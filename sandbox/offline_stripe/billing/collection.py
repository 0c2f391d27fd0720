"""Collecting an invoice: from a payment's result to the invoice's state.

It handles `pay`, payments out of band, attempts and their count, and the invoice's events about them.
`billing.payments` takes the money.
"""

from offline_stripe.billing import payments
from offline_stripe.billing.balances import adjust_balance
from offline_stripe.billing.bank_transfers import KIND, awaits_transfer, complete, request_transfer
from offline_stripe.billing.methods import resolve_method
from offline_stripe.billing.payments import Presence
from offline_stripe.billing.test_methods import BY_TOKEN, OUTCOMES, Outcome
from offline_stripe.documents import Document
from offline_stripe.presentation import announce, show
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import StripeError, invalid_request

RETRY_DAYS = (3, 5, 7)
DAY = 86_400
ACTION_REQUIRED = (
    "This payment requires additional user action before it can be completed successfully. Payment can be completed"
    " using the PaymentIntent associated with the invoice."
)


def require_payable(invoice: Document) -> None:
    if invoice["status"] == "paid":
        raise invalid_request("Invoice is already paid")
    if invoice["status"] not in {"open", "uncollectible"}:
        raise not_open()


def not_open() -> StripeError:
    return invalid_request("You can only pass in open invoices. This invoice isn't open.")


def payment_of(tx: Transaction, invoice: Document) -> Document | None:
    """The invoice's default payment."""
    found = tx.where("invoice_payment", invoice=invoice["id"])
    return next((payment for payment in found if payment["is_default"]), None)


def attached(tx: Transaction, invoice: Document) -> list[Document]:
    """The payments besides the default one."""
    return [it for it in tx.where("invoice_payment", invoice=invoice["id"]) if not it["is_default"]]


def intent_of(tx: Transaction, invoice: Document) -> Document | None:
    payment = payment_of(tx, invoice)
    return tx.get("payment_intent", payment["payment"]["payment_intent"]) if payment else None


def invoice_of(tx: Transaction, intent: Document) -> Document | None:
    found = tx.where("invoice_payment", _link=intent["id"])
    return tx.get("invoice", found[0]["invoice"]) if found else None


def made_by_invoice(tx: Transaction, intent: Document) -> bool:
    """Whether the PaymentIntent is an invoice's default one, which cannot be edited or canceled directly."""
    return any(payment["is_default"] for payment in tx.where("invoice_payment", _link=intent["id"]))


def pay(tx: Transaction, invoice: Document, sent: Document) -> StripeError | None:
    """Pay an open invoice with a payment method. Returns the error of a decline."""
    require_payable(invoice)
    intent = intent_of(tx, invoice)
    if intent is None:
        raise not_open()
    if intent["status"] == "processing":
        raise invalid_request("Invoice payment is already being processed.", code="invoice_payment_intent_processing")
    method = _method_to_charge(tx, invoice, sent.get("payment_method"))
    off_session = sent.get("off_session", True)
    declines = off_session and tx.switches.invoice_authentication_declines
    error = collect(tx, intent, method, Presence(off_session=declines, by_merchant=off_session))
    if error is None and intent["status"] == "requires_action":
        return StripeError(
            ACTION_REQUIRED,
            status=402,
            kind="card_error",
            code="invoice_payment_intent_requires_action",
            details={"payment_intent": {k: v for k, v in intent.items() if k[0] != "_"}},
            keeps_changes=True,
        )
    return error


def _method_to_charge(tx: Transaction, invoice: Document, asked: str | None) -> Document:
    customer = tx.need("customer", invoice["customer"], param="customer")
    on_file = None if asked else method_on_file(tx, invoice)
    chosen = asked or (on_file["id"] if on_file else None)
    if chosen is None:
        raise invalid_request(
            "This customer has no attached payment source or default payment method. Please consider adding a"
            " default payment method. For more information, visit"
            " https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
            code="resource_missing",
        )
    method = resolve_method(tx, chosen)
    if method["customer"] == customer["id"]:
        return method
    if chosen in BY_TOKEN and tx.switches.pay_accepts_templates:
        return method
    raise invalid_request(
        f"The customer does not have a payment method with the ID {chosen}. The payment method must be attached to"
        " the customer.",
        code="resource_missing",
        param="payment_method",
    )


def method_on_file(tx: Transaction, invoice: Document) -> Document | None:
    """What the invoice is charged to: its own method, or its customer's; not one that was detached."""
    customer = tx.need("customer", invoice["customer"], param="customer")
    named = (invoice["default_payment_method"], customer["invoice_settings"]["default_payment_method"])
    methods = (tx.get("payment_method", one) for one in named if one)
    return next((method for method in methods if method and method["customer"] == customer["id"]), None)


def collect(
    tx: Transaction, intent: Document, method: Document, presence: Presence, *, automatic: bool = False
) -> StripeError | None:
    """Make one attempt on a PaymentIntent, and apply the result to its invoice, if any."""
    if method["type"] == KIND:
        request_transfer(tx, intent, method)
        if intent["status"] == "succeeded":
            carry_over(tx, intent, automatic=automatic)
        return None
    error = payments.attempt(tx, intent, method, presence)
    carry_over(tx, intent, automatic=automatic)
    return error


def authenticate(tx: Transaction, intent: Document, *, passed: bool) -> StripeError | None:
    """Apply the customer's answer to a 3-D Secure challenge."""
    if intent["status"] != "requires_action":
        raise invalid_request("This PaymentIntent is not waiting for authentication.")
    method = tx.need("payment_method", intent["payment_method"], param="payment_method")
    if passed:
        method["_set_up"] = True
        intent["_authenticated"] = method["id"]
        tx.save(method)
        if intent["confirmation_method"] == "manual":
            intent |= {"status": "requires_confirmation", "next_action": None}
            tx.save(intent)
            return None
        error = payments.charge_method(tx, intent, method, _after_authentication(method))
    else:
        refused = Outcome("declines", "payment_intent_authentication_failure", None, payments.AUTHENTICATION_FAILED)
        error = payments.fail(tx, intent, method, refused, None)
    carry_over(tx, intent)
    return error


def _after_authentication(method: Document) -> Outcome:
    outcome = OUTCOMES[method["_outcome"]]
    return Outcome("declines" if outcome.code else "succeeds", outcome.code, outcome.decline_code, outcome.message)


def settle(tx: Transaction, intent: Document, *, fails: Outcome | None = None) -> None:
    """End a pending bank debit."""
    if intent["status"] != "processing":
        raise invalid_request("This PaymentIntent is not processing.")
    charge = tx.need("charge", intent["latest_charge"], param="charge")
    tx.unschedule("settle", intent["id"])
    if fails is not None:
        method = tx.need("payment_method", intent["payment_method"], param="payment_method")
        payments.decline(tx, intent, method, fails, charge)
    else:
        payments.succeed(tx, intent, charge)
    carry_over(tx, intent)


def carry_over(tx: Transaction, intent: Document, *, automatic: bool = False) -> None:
    """Update the invoice from its PaymentIntent."""
    invoice = invoice_of(tx, intent)
    status = intent["status"]
    if invoice is None:
        if status == "succeeded":
            payments.book(tx, tx.need("charge", intent["latest_charge"], param="charge"))
        return
    if intent_of(tx, invoice) is not intent:
        _carry_over_attached(tx, invoice, intent)
        return
    if invoice["status"] == "void" or (invoice["status"] == "paid" and status != "succeeded"):
        if status == "succeeded":
            payments.book(tx, tx.need("charge", intent["latest_charge"], param="charge"))
        release_intent(tx, invoice, None, announced=False)
        return
    before = show(tx, invoice)
    counted = status != "requires_action"
    if counted and (not invoice["attempt_count"] or automatic):
        invoice["attempt_count"] += 1
    invoice["attempted"] = True
    tx.save(invoice)
    if status == "succeeded":
        _paid_by(tx, invoice, intent, before)
    elif status == "requires_payment_method":
        _plan_retry(tx, invoice)
        announce(tx, "invoice.payment_failed", invoice)
    elif status == "requires_action":
        announce(tx, "invoice.payment_action_required", invoice)


def _carry_over_attached(tx: Transaction, invoice: Document, intent: Document) -> None:
    """Update the invoice from a payment besides the default one, which counts only if it succeeds."""
    if intent["status"] == "succeeded":
        [payment] = tx.where("invoice_payment", _link=intent["id"])
        credit(tx, invoice, payment, intent["amount_received"])
        payments.book(tx, tx.need("charge", intent["latest_charge"], param="charge"))


def credit(tx: Transaction, invoice: Document, payment: Document, amount: int, *, off_stripe: bool = False) -> None:
    """Count an attached payment that succeeded. The one that leaves nothing to pay makes the invoice paid."""
    before = show(tx, invoice)
    over = _count(tx, invoice, amount)
    if off_stripe:
        invoice["amount_paid_off_stripe"] += amount
    invoice["attempted"] = True
    tx.save(invoice)
    if invoice["amount_remaining"]:
        request_remainder(tx, invoice)
    elif invoice["status"] != "paid":
        close_paid(tx, invoice, before)
        announce(tx, "invoice.paid", invoice)
        if not off_stripe:
            announce(tx, "invoice.payment_succeeded", invoice)
        release_intent(tx, invoice, None, announced=False)
    _keep_overpayment(tx, invoice, over)
    _mark_soon(tx, payment, amount)


def _count(tx: Transaction, invoice: Document, amount: int) -> int:
    """Count what a payment brought. Returns what of it was too much."""
    over: int = max(0, amount - invoice["amount_remaining"])
    invoice["amount_paid"] += amount
    invoice["amount_overpaid"] += over
    invoice["amount_remaining"] -= amount - over
    tx.save(invoice)
    return over


def _mark_soon(tx: Transaction, payment: Document, amount: int) -> None:
    """Mark what was counted as paid, which Stripe does some seconds later."""
    payment["_brought"] = amount
    tx.save(payment)
    if tx.switches.invoice_payment_lag_s:
        tx.schedule("payment_marked", payment["id"], tx.now + tx.switches.invoice_payment_lag_s)
    else:
        mark(tx, payment)


def mark_all(tx: Transaction, invoice: Document) -> None:
    """Mark what was counted before more becomes of an invoice's payments."""
    for payment in tx.where("invoice_payment", invoice=invoice["id"]):
        mark(tx, payment)


def mark(tx: Transaction, payment: Document) -> None:
    """The payment of an invoice is paid, if it was counted and is not marked yet."""
    if "_brought" not in payment:
        return
    payment |= {"status": "paid", "amount_paid": payment.pop("_brought")}
    payment["status_transitions"]["paid_at"] = tx.now
    tx.save(payment)
    announce(tx, "invoice_payment.paid", payment, caused=False)


def _keep_overpayment(tx: Transaction, invoice: Document, over: int) -> None:
    """Credit what was paid too much to the customer's balance."""
    if not over:
        return
    customer = tx.get("customer", invoice["customer"])
    if customer is not None:
        about: Document = {"invoice": invoice["id"], "currency": invoice["currency"]}
        adjust_balance(tx, customer, -over, "invoice_overpaid", **about)
    announce(tx, "invoice.overpaid", invoice)


def request_remainder(tx: Transaction, invoice: Document) -> None:
    """Set the default payment's amount to what remains, which transfers may have covered already."""
    intent, payment = intent_of(tx, invoice), payment_of(tx, invoice)
    if intent is None or payment is None or intent["status"] == "processing":
        return
    intent["amount"] = payment["amount_requested"] = invoice["amount_remaining"]
    tx.save(intent)
    tx.save(payment)
    if awaits_transfer(intent) and complete(tx, intent):
        carry_over(tx, intent)


def _plan_retry(tx: Transaction, invoice: Document) -> None:
    """Plan the next automatic attempt, some days later. A manual invoice waits for the caller."""
    invoice["next_payment_attempt"] = None
    tries = invoice["attempt_count"] - 1
    if invoice["auto_advance"] and invoice["collection_method"] == "charge_automatically" and tries < len(RETRY_DAYS):
        invoice["next_payment_attempt"] = tx.now + RETRY_DAYS[tries] * DAY
        tx.schedule("collect", invoice["id"], invoice["next_payment_attempt"])
    tx.save(invoice)


def _paid_by(tx: Transaction, invoice: Document, intent: Document, before: Document) -> None:
    [payment] = tx.where("invoice_payment", _link=intent["id"])
    over = _count(tx, invoice, intent["amount_received"])
    if invoice["status"] != "paid":
        close_paid(tx, invoice, before)
        announce(tx, "invoice.paid", invoice)
        announce(tx, "invoice.payment_succeeded", invoice)
    _keep_overpayment(tx, invoice, over)
    _mark_soon(tx, payment, intent["amount_received"])
    payments.book(tx, tx.need("charge", intent["latest_charge"], param="charge"))


def close_paid(tx: Transaction, invoice: Document, before: Document) -> None:
    """Make an invoice paid. `before` is how it was shown before anything about its payment changed."""
    invoice |= {"status": "paid", "amount_remaining": 0, "auto_advance": False, "next_payment_attempt": None}
    invoice["status_transitions"]["paid_at"] = tx.now
    unschedule_invoice(tx, invoice)
    tx.save(invoice)
    if tx.switches.finalize_emits_updated:
        tx.emit_update("invoice.updated", before, show(tx, invoice))


def unschedule_invoice(tx: Transaction, invoice: Document) -> None:
    for kind in ("advance", "collect", "overdue", "will_be_due"):
        tx.unschedule(kind, invoice["id"])


def pay_out_of_band(tx: Transaction, invoice: Document) -> None:
    """Mark as paid by other means. Nothing is charged, and the PaymentIntent no longer can be."""
    require_payable(invoice)
    before = show(tx, invoice)
    due = invoice["amount_remaining"]
    invoice["amount_paid_off_stripe"] += due
    if tx.switches.out_of_band_counts_as_paid:
        invoice["amount_paid"] += due
    close_paid(tx, invoice, before)
    announce(tx, "invoice.paid", invoice)
    release_intent(tx, invoice, None, announced=tx.switches.out_of_band_emits_payment_intent_canceled)


def release_intent(tx: Transaction, invoice: Document, reason: str | None, *, announced: bool) -> None:
    """Cancel the payment that an invoice no longer waits for. One that is processing goes on."""
    payment, intent = payment_of(tx, invoice), intent_of(tx, invoice)
    if payment is None or intent is None or intent["status"] in {"succeeded", "canceled", "processing"}:
        return
    payment["status"] = "canceled"
    payment["status_transitions"]["canceled_at"] = tx.now
    tx.save(payment)
    payments.cancel(tx, intent, reason, announced=announced)
