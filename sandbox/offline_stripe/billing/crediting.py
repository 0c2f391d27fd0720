"""Credit notes: they take back part of a finalized invoice.

A credit first reduces what remains to be paid. The rest is refunded, credited to the balance, or settled out of band.
"""

from dataclasses import dataclass
from decimal import Decimal

from offline_stripe.billing.balances import adjust_balance
from offline_stripe.billing.collection import close_paid, intent_of, invoice_of, release_intent, request_remainder
from offline_stripe.billing.currencies import display
from offline_stripe.billing.numbering import number_credit_note
from offline_stripe.billing.pricing import plain, rounded, whole
from offline_stripe.billing.refunding import refund_charge
from offline_stripe.billing.totals import Sums, add_taxes, pretax, taxes_at
from offline_stripe.documents import Document, public
from offline_stripe.presentation import announce, show
from offline_stripe.shapes import credits as shapes
from offline_stripe.store.transaction import Transaction, merged_metadata
from offline_stripe.wire.errors import StripeError, invalid_request, parameter_missing, resource_missing

_VALID_FOR = {
    "amount": "invoice_line_item",
    "invoice_line_item": "invoice_line_item",
    "description": "custom_line_item",
    "tax_rates": "custom_line_item",
    "unit_amount": "custom_line_item",
    "unit_amount_decimal": "custom_line_item",
}
"""The type of line that each parameter is valid for, by Stripe's SDK."""


@dataclass(frozen=True, slots=True)
class Split:
    """How a credit note's total is settled."""

    pre_payment: int
    refunded: int
    credited: int
    out_of_band: int
    linked: int

    @property
    def post_payment(self) -> int:
        return self.refunded + self.credited + self.out_of_band + self.linked

    @property
    def kind(self) -> str:
        if self.pre_payment and self.post_payment:
            return "mixed"
        return "post_payment" if self.post_payment else "pre_payment"


def issue(tx: Transaction, sent: Document) -> Document:
    """Create a credit note with all its effects."""
    invoice = tx.need("invoice", sent["invoice"], param="invoice")
    if invoice["status"] not in {"open", "paid", "uncollectible"}:
        raise invalid_request(
            "You can only create a credit note for an invoice that is open, paid or uncollectible.", param="invoice"
        )
    note = shapes.credit_note(
        id=tx.new_id("cn"),
        created=tx.now,
        currency=invoice["currency"],
        customer=invoice["customer"],
        effective_at=sent.get("effective_at", tx.now),
        invoice=invoice["id"],
        memo=sent.get("memo"),
        metadata=merged_metadata({}, sent.get("metadata", {})),
        number=number_credit_note(tx, invoice),
        reason=sent.get("reason"),
    )
    note["pdf"] = f"{tx.store.base_url}/credit_notes/{note['id']}/pdf"
    lines = _lines(tx, sent, invoice, note)
    _sum_up(note, lines)
    split = _split(tx, sent, invoice, note["total"])
    note |= {
        "pre_payment_amount": split.pre_payment,
        "post_payment_amount": split.post_payment,
        "out_of_band_amount": split.out_of_band or None,
        "type": split.kind,
    }
    tx.add(note)
    _settle(tx, sent, invoice, note, split)
    announce(tx, "credit_note.created", note)
    _reduce(tx, invoice, split)
    if sent.get("email_type", "credit_note") == "credit_note":
        _mail(tx, note, invoice)
    return note


def _mail(tx: Transaction, note: Document, invoice: Document) -> None:
    about = {"created": tx.now, "kind": "credit_note", "invoice": invoice["id"], "to": invoice["customer_email"]}
    subject = f"Credit note {note['number']} from {invoice['account_name']}"
    tx.write_mail({**about, "subject": subject, "url": note["pdf"]})


def _lines(tx: Transaction, sent: Document, invoice: Document, note: Document) -> list[Document]:
    if "lines" in sent and "amount" in sent:
        raise invalid_request("You may only specify one of these parameters: amount, lines.", param="amount")
    if "lines" in sent:
        return [tx.add(_line(tx, entry, index, invoice, note)) for index, entry in enumerate(sent["lines"])]
    if "amount" not in sent:
        raise invalid_request("One of `amount`, `lines`, or `shipping_cost` must be provided.")
    whole_line = shapes.credit_note_line(
        id=tx.new_id("cnli"), amount=sent["amount"], description=sent.get("memo") or "Credit", _link=note["id"]
    )
    return [tx.add(whole_line)]


def _check_line(entry: Document, path: str, invoice: Document) -> None:
    """Refuse what Stripe's SDK says is not valid for this type of line, or this invoice."""
    for name, kind in _VALID_FOR.items():
        if entry.get(name) not in (None, "") and entry["type"] != kind:
            raise invalid_request(f"`{name}` is only valid when `type` is `{kind}`.", param=f"{path}[{name}]")
    automatic = invoice["automatic_tax"]["enabled"]
    if automatic and entry["type"] == "custom_line_item":
        raise invalid_request("The invoice has automatic tax: its items can be credited only.", param=f"{path}[type]")
    if entry.get("tax_amounts") and (automatic or entry.get("tax_rates")):
        raise invalid_request(
            "`tax_amounts` is not valid with `tax_rates` or automatic tax.", param=f"{path}[tax_amounts]"
        )


def _line(tx: Transaction, entry: Document, index: int, invoice: Document, note: Document) -> Document:
    _check_line(entry, f"lines[{index}]", invoice)
    metadata = merged_metadata({}, entry.get("metadata", {}))
    line = shapes.credit_note_line(id=tx.new_id("cnli"), type=entry["type"], metadata=metadata, _link=note["id"])
    line |= {"description": entry.get("description"), "quantity": entry.get("quantity")}
    if entry["type"] == "invoice_line_item":
        _credit_invoice_line(tx, line, entry, f"lines[{index}]", invoice)
        _tax_line(tx, line, entry, f"lines[{index}]")
        return line
    if "unit_amount" not in entry and "unit_amount_decimal" not in entry:
        raise parameter_missing(f"lines[{index}][unit_amount]")
    unit = Decimal(str(entry.get("unit_amount", entry.get("unit_amount_decimal"))))
    line |= {"unit_amount": whole(unit), "unit_amount_decimal": plain(unit)}
    line["amount"] = rounded(unit * entry.get("quantity", 1))
    _tax_line(tx, line, entry, f"lines[{index}]")
    return line


def _tax_line(tx: Transaction, line: Document, entry: Document, path: str) -> None:
    """Tax a line at the rates that are named, or with the amounts that are."""
    if entry.get("tax_rates"):
        rates = [tx.need("tax_rate", rate, param=f"{path}[tax_rates]") for rate in entry["tax_rates"]]
        line |= {"tax_rates": [public(rate) for rate in rates], "taxes": taxes_at(rates, line["amount"])}
    if entry.get("tax_amounts"):
        line["taxes"] = [_stated_tax(tx, tax, f"{path}[tax_amounts]") for tax in entry["tax_amounts"]]


def _stated_tax(tx: Transaction, sent: Document, path: str) -> Document:
    rate = tx.need("tax_rate", sent["tax_rate"], param=f"{path}[tax_rate]")
    [tax] = taxes_at([rate], sent["taxable_amount"])
    return {**tax, "amount": sent["amount"], "taxable_amount": sent["taxable_amount"]}


def _credit_invoice_line(tx: Transaction, line: Document, entry: Document, path: str, invoice: Document) -> None:
    identifier = entry.get("invoice_line_item")
    if identifier is None:
        raise parameter_missing(f"{path}[invoice_line_item]")
    original = tx.get("line_item", identifier)
    if original is None or original["invoice"] != invoice["id"]:
        raise resource_missing("line_item", identifier, param=f"{path}[invoice_line_item]")
    off = sum(discount["amount"] for discount in original["discount_amounts"])
    net = original["amount"] - off
    quantity = Decimal(original["quantity_decimal"])
    share = Decimal(1)
    if "amount" in entry:
        share = Decimal(entry["amount"]) / net if net else Decimal(0)
    elif "quantity" in entry and quantity:
        share = Decimal(entry["quantity"]) / quantity
    line |= {
        "amount": rounded(original["amount"] * share),
        "description": line["description"] or original["description"],
        "discount_amount": rounded(off * share),
        "discount_amounts": (discounts := _shares(original["discount_amounts"], share, "amount")),
        "pretax_credit_amounts": pretax(discounts),
        "invoice_line_item": identifier,
        "quantity": entry.get("quantity", None if "amount" in entry else original["quantity"]),
        "taxes": _shares(original["taxes"], share, "amount", "taxable_amount"),
    }


def _shares(amounts: list[Document], share: Decimal, *names: str) -> list[Document]:
    return [{**each, **{name: rounded(each[name] * share) for name in names}} for each in amounts]


def _sum_up(note: Document, lines: list[Document]) -> None:
    subtotal = sum(line["amount"] for line in lines)
    off = sum(line["discount_amount"] for line in lines)
    add_taxes(sums := Sums(), [tax for line in lines for tax in line["taxes"]])
    total = subtotal - off + sums.exclusive
    note |= {
        "amount": total,
        "discount_amount": off,
        "discount_amounts": (discounts := _summed([it for line in lines for it in line["discount_amounts"]])),
        "pretax_credit_amounts": pretax(discounts),
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - sums.inclusive,
        "total": total,
        "total_excluding_tax": total - sums.exclusive - sums.inclusive,
        "total_taxes": list(sums.taxes.values()),
    }


def _summed(discounts: list[Document]) -> list[Document]:
    """One entry for each discount."""
    sums: dict[str, int] = {}
    for each in discounts:
        sums[each["discount"]] = sums.get(each["discount"], 0) + each["amount"]
    return [{"amount": amount, "discount": discount} for discount, amount in sums.items()]


def _split(tx: Transaction, sent: Document, invoice: Document, total: int) -> Split:
    currency = invoice["currency"]
    if total <= 0:
        raise invalid_request("The credit note amount must be greater than 0.", param="amount")
    paid = invoice["amount_paid"] - invoice["amount_overpaid"] - invoice["post_payment_credit_notes_amount"]
    if total > invoice["amount_remaining"] + paid:
        raise invalid_request(
            f"The credit note amount ({display(total, currency)}) is greater than what can be credited on this invoice"
            f" ({display(invoice['amount_remaining'] + paid, currency)}).",
            param="amount",
        )
    pre = min(total, invoice["amount_remaining"])
    linked = sum(_linked_amount(tx, entry, invoice) for entry in sent.get("refunds", []))
    split = Split(
        pre, sent.get("refund_amount", 0), sent.get("credit_amount", 0), sent.get("out_of_band_amount", 0), linked
    )
    if split.post_payment != total - pre:
        raise invalid_request(
            f"The sum of credit amount, refund amount and out of band amount ({display(split.post_payment, currency)})"
            f" must equal the credit note's post payment amount ({display(total - pre, currency)})."
        )
    return split


def _linked_amount(tx: Transaction, entry: Document, invoice: Document) -> int:
    """How much of a refund is linked. Raises StripeError if it is another invoice's, or that much was not refunded."""
    refund = tx.need("refund", entry.get("refund", ""), param="refunds")
    amount = int(entry.get("amount_refunded") or refund["amount"])
    intent = tx.get("payment_intent", refund["payment_intent"])
    if intent is None or invoice_of(tx, intent) is not invoice:
        raise invalid_request(f"The refund {refund['id']} is not of a payment of this invoice.", param="refunds")
    linked = (it for note in tx.where("credit_note", invoice=invoice["id"]) for it in note["refunds"])
    if amount + sum(it["amount_refunded"] for it in linked if it["refund"] == refund["id"]) > refund["amount"]:
        raise invalid_request(f"The credit notes exceed the refund {refund['id']}.", param="refunds")
    return amount


def _settle(tx: Transaction, sent: Document, invoice: Document, note: Document, split: Split) -> None:
    """Return what was paid already: by refund, to the balance, or out of band."""
    for entry in sent.get("refunds", []):
        note["refunds"].append(_refund_entry(entry["refund"], _linked_amount(tx, entry, invoice)))
    if split.refunded:
        intent = intent_of(tx, invoice)
        if intent is None or intent["latest_charge"] is None:
            raise invalid_request("There is no charge to refund on this invoice.", param="refund_amount")
        charge = tx.need("charge", intent["latest_charge"], param="charge")
        refund = refund_charge(tx, charge, split.refunded)
        note["refunds"].append(_refund_entry(refund["id"], split.refunded))
    if split.credited:
        customer = tx.need("customer", invoice["customer"], param="customer")
        entry = adjust_balance(
            tx, customer, -split.credited, "credit_note", credit_note=note["id"], currency=note["currency"]
        )
        note["customer_balance_transaction"] = entry["id"]
    tx.save(note)


def _refund_entry(refund: str, amount: int) -> Document:
    return {"amount_refunded": amount, "payment_record_refund": None, "refund": refund, "type": "refund"}


def _reduce(tx: Transaction, invoice: Document, split: Split, sign: int = 1) -> None:
    """Reduce the invoice, and the payment it waits for, to what remains."""
    before = show(tx, invoice)
    pre = split.pre_payment * sign
    invoice["pre_payment_credit_notes_amount"] += pre
    invoice["post_payment_credit_notes_amount"] += split.post_payment * sign
    invoice["amount_due"] -= pre
    invoice["amount_remaining"] -= pre
    tx.save(invoice)
    if not pre:
        return
    if invoice["amount_remaining"] == 0:
        close_paid(tx, invoice, before)
        announce(tx, "invoice.paid", invoice)
        release_intent(tx, invoice, None, announced=False)
        return
    request_remainder(tx, invoice)


def void_note(tx: Transaction, note: Document) -> None:
    """Void a credit note. Only one that reduced a still open invoice can be voided."""
    invoice = tx.need("invoice", note["invoice"], param="invoice")
    if note["status"] == "void":
        raise invalid_request("This credit note has already been voided.")
    if note["type"] != "pre_payment" or invoice["status"] not in {"open", "uncollectible"}:
        raise StripeError("You can only void credit notes of open invoices.")
    note |= {"status": "void", "voided_at": tx.now}
    tx.save(note)
    _reduce(tx, invoice, Split(note["pre_payment_amount"], 0, 0, 0, 0), sign=-1)
    announce(tx, "credit_note.voided", note)
