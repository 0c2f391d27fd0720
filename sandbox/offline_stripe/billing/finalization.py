"""Finalizes a draft, so that it can be paid.

That sets the number, freezes the customer's details, applies the customer's balance, and makes the PaymentIntent with
its default payment. `billing.collection` charges it.
"""

from copy import deepcopy

from offline_stripe.billing import automatic_tax
from offline_stripe.billing.balances import adjust_balance
from offline_stripe.billing.bank_transfers import KIND, request_transfer
from offline_stripe.billing.closing import give_back, void
from offline_stripe.billing.currencies import chargeable, least_charge, most_charge, too_large
from offline_stripe.billing.methods import make_transfer
from offline_stripe.billing.numbering import number_invoice
from offline_stripe.billing.payments import method_types, open_intent
from offline_stripe.billing.totals import recompute
from offline_stripe.documents import Document
from offline_stripe.presentation import MIRRORED, announce, original_of, show, tax_ids_of
from offline_stripe.shapes import invoices as shapes
from offline_stripe.shapes.payments import card_options
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import StripeError, invalid_request, resource_missing

DAY = 86_400
LETTER_COUNTRIES = frozenset({"CA", "MX", "US"})


def finalize(tx: Transaction, invoice: Document, *, auto_advance: bool | None = None) -> None:
    """Finalize a draft: it becomes open, or paid if nothing is due."""
    if invoice["status"] != "draft":
        raise invalid_request("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    if invoice["automatic_tax"]["enabled"]:
        recompute(tx, invoice)
    _require_finalizable(tx, invoice)
    before = show(tx, invoice)
    customer = tx.need("customer", invoice["customer"], param="customer")
    if auto_advance is not None:
        invoice["auto_advance"] = auto_advance
    _freeze(tx, invoice, customer)
    _apply_balance(tx, invoice, customer)
    number_invoice(tx, invoice, customer)
    _stamp(tx, invoice)
    if invoice["amount_due"] == 0:
        _close_without_payment(tx, invoice)
    else:
        _open_for_payment(tx, invoice)
    announce(tx, "invoice.finalized", invoice)
    if tx.switches.finalize_emits_updated:
        tx.emit_update("invoice.updated", before, show(tx, invoice))
    if invoice["status"] == "paid":
        announce(tx, "invoice.paid", invoice)
        if tx.switches.zero_due_emits_payment_succeeded:
            announce(tx, "invoice.payment_succeeded", invoice)
    elif invoice["collection_method"] == "send_invoice" and tx.switches.finalize_emits_sent:
        announce(tx, "invoice.sent", invoice)
    if invoice["from_invoice"] is not None:
        _replace(tx, invoice)


def _require_finalizable(tx: Transaction, invoice: Document) -> None:
    """Record and announce an obstacle on the draft, which then stays a draft."""
    obstacle = _obstacle(tx, invoice)
    if obstacle is None:
        return
    told = {"code": obstacle.code, "message": obstacle.message, "param": obstacle.param, "type": obstacle.kind}
    invoice["last_finalization_error"] = {name: value for name, value in told.items() if value is not None}
    tx.save(invoice)
    announce(tx, "invoice.finalization_failed", invoice)
    obstacle.keeps_changes = True
    raise obstacle


def _obstacle(tx: Transaction, invoice: Document) -> StripeError | None:
    customer = tx.get("customer", invoice["customer"])
    if customer is None:
        return resource_missing("customer", invoice["customer"], param="customer")
    if invoice["total"] + customer["balance"] > most_charge(invoice["currency"]):
        return too_large(invoice["currency"])
    return automatic_tax.obstacle_to(invoice)


def _replace(tx: Transaction, revision: Document) -> None:
    """Let a finalized revision replace the invoice it revises."""
    original = tx.need("invoice", revision["from_invoice"]["invoice"], param="from_invoice")
    original["latest_revision"] = revision["id"]
    tx.save(original)
    if original["status"] in {"open", "uncollectible"}:
        void(tx, original)


def _freeze(tx: Transaction, invoice: Document, customer: Document) -> None:
    invoice["customer_tax_ids"] = tax_ids_of(tx, customer)
    for name in MIRRORED:
        invoice[f"customer_{name}"] = deepcopy(customer[name])
    page = invoice["rendering"]["pdf"]
    if page["page_size"] == "auto":
        page["page_size"] = "letter" if tx.store.account["country"] in LETTER_COUNTRIES else "a4"


def _apply_balance(tx: Transaction, invoice: Document, customer: Document) -> None:
    """Apply the customer's balance to what is due.

    Credit lowers it, debt raises it. What is too small to charge, or less than a currency's whole unit, is carried over.
    """
    if original := original_of(tx, invoice):
        give_back(tx, original)
    start, total = customer["balance"], invoice["total"]
    if customer["currency"] != invoice["currency"]:
        start = 0
    due = chargeable(max(0, total + start), invoice["currency"])
    too_small = 0 < due < least_charge(invoice["currency"])
    if too_small:
        due = 0
    left = total + start - due
    if left != start:
        kind = "invoice_too_small" if too_small else "applied_to_invoice" if start else "adjustment"
        adjust_balance(tx, customer, left - start, kind, invoice=invoice["id"], currency=invoice["currency"])
        invoice["_applied"] = left - start
    invoice |= {"starting_balance": start, "ending_balance": left, "amount_due": due, "amount_remaining": due}


def _stamp(tx: Transaction, invoice: Document) -> None:
    invoice |= {
        "effective_at": invoice["effective_at"] or tx.now,
        "automatically_finalizes_at": None,
        "last_finalization_error": None,
        "_link": tx.store.identifiers.draw(40),
    }
    invoice["status_transitions"]["finalized_at"] = tx.now
    tx.unschedule("advance", invoice["id"])
    tx.save(invoice)


def _close_without_payment(tx: Transaction, invoice: Document) -> None:
    invoice |= {"status": "paid", "attempted": True, "auto_advance": False, "next_payment_attempt": None}
    invoice["status_transitions"]["paid_at"] = tx.now
    tx.save(invoice)


def _open_for_payment(tx: Transaction, invoice: Document) -> None:
    invoice["status"] = "open"
    request_payment(tx, invoice)
    _schedule(tx, invoice)
    tx.save(invoice)


def request_payment(tx: Transaction, invoice: Document) -> None:
    """Make the PaymentIntent that collects what remains, with the invoice's default payment."""
    intent = open_intent(
        tx,
        amount=invoice["amount_remaining"],
        currency=invoice["currency"],
        customer=invoice["customer"],
        description="Payment for Invoice",
        payment_method_options=_method_options(invoice),
        payment_method_types=_method_types(invoice),
        setup_future_usage=None,
        statement_descriptor=invoice["statement_descriptor"],
        _transfer=_transfer(invoice),
    )
    tx.add(
        shapes.invoice_payment(
            id=tx.new_id("inpay"),
            amount_requested=invoice["amount_remaining"],
            created=tx.now,
            currency=invoice["currency"],
            invoice=invoice["id"],
            payment={"payment_intent": intent["id"], "type": "payment_intent"},
            _link=intent["id"],
        )
    )
    if intent["payment_method_types"] == [KIND]:
        request_transfer(tx, intent, make_transfer(tx))


def _method_options(invoice: Document) -> Document:
    asked = (invoice["payment_settings"]["payment_method_options"] or {}).get("card")
    return {"card": card_options(**asked)} if asked else {}


def _transfer(invoice: Document) -> Document | None:
    """The bank transfer that was asked for, if any."""
    asked: Document = (invoice["payment_settings"]["payment_method_options"] or {}).get(KIND) or {}
    return asked.get("bank_transfer")


def _method_types(invoice: Document) -> list[str]:
    asked = invoice["payment_settings"]["payment_method_types"]
    return list(asked) if asked else method_types(invoice["currency"])


def _schedule(tx: Transaction, invoice: Document) -> None:
    """Schedule what happens to an open invoice: collection, or the notice that it is overdue."""
    if invoice["collection_method"] == "charge_automatically":
        invoice["next_payment_attempt"] = None
        if invoice["auto_advance"]:
            invoice["next_payment_attempt"] = tx.now + tx.switches.auto_charge_delay_s
            tx.schedule("collect", invoice["id"], invoice["next_payment_attempt"])
    if invoice["due_date"] is not None:
        tx.schedule("overdue", invoice["id"], invoice["due_date"])
        days = tx.switches.will_be_due_days
        if days:
            tx.schedule("will_be_due", invoice["id"], invoice["due_date"] - days * DAY)
