"""Invoice items and their lines on a draft.

Items are created, moved, changed and removed here, up to their limit, and only on drafts. `billing.totals` computes the
totals once per request.
"""

from collections.abc import Sequence
from copy import deepcopy
from decimal import Decimal

from offline_stripe.billing.discounts import DISCOUNTS, discounts_from
from offline_stripe.billing.pricing import Priced, amount_for, in_currency, plain, price_item, quantity_of
from offline_stripe.billing.promotions import Purchase
from offline_stripe.documents import Document, to_text
from offline_stripe.shapes import invoices as shapes
from offline_stripe.shapes.catalog import tax_rate
from offline_stripe.store.transaction import Transaction, merged_metadata
from offline_stripe.wire.errors import StripeError, invalid_request

MOST_ITEMS = 250
ITEM = f"{DISCOUNTS} amount description discountable metadata period quantity quantity_decimal tax_rates"
PRICE_DATA = "currency product tax_behavior unit_amount unit_amount_decimal"
"""What of an item's parameters has an effect."""


def require_draft(invoice: Document) -> None:
    if invoice["status"] != "draft":
        raise invalid_request(
            "Invalid invoice: This invoice is no longer editable", code="invoice_not_editable", param="invoice"
        )


def require_room(tx: Transaction, invoice: Document, added: int) -> None:
    tx.flush()
    count = tx.store.database.count(
        "SELECT count(*) FROM objects WHERE kind = 'line_item' AND json_extract(doc, '$.invoice') = ?",
        (invoice["id"],),
    )
    if count + added > MOST_ITEMS:
        raise invalid_request(f"You can have a maximum of {MOST_ITEMS} items on an invoice.", param="invoice")


def make_item(tx: Transaction, sent: Document, customer: Document, invoice: Document | None) -> Document:
    """Create an invoice item. It is pending unless it is attached afterwards."""
    settled = (invoice or customer)["currency"]
    priced = price_item(tx, sent, currency=settled)
    negative = priced.amount < 0
    item = shapes.invoice_item(
        id=tx.new_id("ii"),
        currency=priced.currency,
        customer=customer["id"],
        date=tx.now,
        discountable=sent.get("discountable", not negative),
        metadata=merged_metadata({}, sent.get("metadata", {})),
        period=_period(sent) or {"end": tx.now, "start": tx.now},
        tax_rates=tax_rates(tx, sent.get("tax_rates")),
        test_clock=customer["test_clock"],
        _tax_amounts=tax_amounts(tx, sent.get("tax_amounts")),
    )
    purchase = Purchase(customer["id"], priced.amount, priced.currency)
    item["discounts"] = discounts_from(tx, sent.get("discounts"), purchase, invoice_item=item["id"])
    _apply_price(item, priced)
    return tx.add(item)


def _period(sent: Document) -> Document | None:
    period: Document | None = sent.get("period")
    if period and period["end"] < period["start"]:
        raise invalid_request("The end of a period must not be before its start.", param="period[end]")
    return period


def _apply_price(item: Document, priced: Priced) -> None:
    item |= {
        "amount": priced.amount,
        "net_amount": priced.amount,
        "description": priced.description,
        "pricing": priced.pricing,
        "quantity": int(priced.quantity),
        "quantity_decimal": plain(priced.quantity),
    }


def tax_rates(
    tx: Transaction, identifiers: object, kept: Sequence[Document] = (), *, param: str = "tax_rates"
) -> list[Document]:
    """The rates with these ids, as they are now. An archived one is not added; one of `kept` may stay."""
    if not isinstance(identifiers, list):
        return []
    rates = [tx.need("tax_rate", identifier, param=param) for identifier in identifiers]
    known = {rate["id"] for rate in kept}
    if archived := next((it["id"] for it in rates if not it["active"] and it["id"] not in known), None):
        raise invalid_request(f"The tax rate {archived} is archived: it cannot be added.", param=param)
    return [deepcopy(rate) for rate in rates]


def tax_amounts(tx: Transaction, sent: object) -> list[Document] | None:
    """The taxes that the caller computed. Each creates, or uses again, the archived tax rate that Stripe would."""
    if not isinstance(sent, list):
        return None
    return [_tax_amount(tx, amount) for amount in sent]


def _tax_amount(tx: Transaction, sent: Document) -> Document:
    data = dict(sorted(sent["tax_rate_data"].items()))
    same = tx.where("tax_rate", _link=(link := f"stated:{to_text(data)}"))
    rate = same[0] if same else tx.add(tax_rate(id=tx.new_id("txr"), active=False, created=tx.now, _link=link, **data))
    return {
        "amount": sent["amount"],
        "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": sent.get("taxability_reason", "not_available"),
        "taxable_amount": sent["taxable_amount"],
        "type": "tax_rate_details",
    }


def attach(tx: Transaction, item: Document, invoice: Document) -> Document:
    """Put an item on a draft. Returns its new line."""
    if item["customer"] != invoice["customer"]:
        raise invalid_request(
            "The customer of the invoice item must match the customer of the invoice.", param="customer"
        )
    if item["currency"] != invoice["currency"]:
        raise invalid_request("You cannot combine currencies on a single invoice.", param="currency")
    item["invoice"] = invoice["id"]
    tx.save(item)
    line = shapes.invoice_line(
        id=tx.new_id("il"),
        invoice=invoice["id"],
        parent={
            "invoice_item_details": {
                "invoice_item": item["id"],
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": None,
            },
            "subscription_item_details": None,
            "type": "invoice_item_details",
        },
        _link=item["id"],
    )
    copy_to_line(item, line)
    return tx.add(line)


def copy_to_line(item: Document, line: Document) -> None:
    """Copy an item's values to its line."""
    shared = ("amount", "currency", "description", "discountable", "discounts", "metadata", "period", "pricing",
              "quantity", "quantity_decimal")  # fmt: skip
    line |= {name: deepcopy(item[name]) for name in shared}
    line["subtotal"] = item["amount"]
    line["_tax_rates"] = [rate["id"] for rate in item["tax_rates"]]
    line["_tax_amounts"] = item.get("_tax_amounts")


def line_of(tx: Transaction, item: Document) -> Document | None:
    lines = tx.where("line_item", _link=item["id"])
    return lines[0] if lines else None


def item_of(tx: Transaction, line: Document) -> Document:
    item = tx.get("invoiceitem", line["parent"]["invoice_item_details"]["invoice_item"])
    if item is None:
        raise StripeError("The line has lost its invoice item.", status=500, kind="api_error")
    return item


def change_item(tx: Transaction, item: Document, sent: Document) -> None:
    """Update an item, and its line if it is on an invoice."""
    if {"pricing", "price_data", "amount", "unit_amount_decimal", "quantity", "quantity_decimal"} & sent.keys():
        _reprice(tx, item, sent)
    _period(sent)
    for name in ("description", "discountable", "period"):
        if name in sent:
            item[name] = sent[name] if sent[name] != "" else None
    if "metadata" in sent:
        item["metadata"] = merged_metadata(item["metadata"], sent["metadata"])
    if "tax_rates" in sent:
        item["tax_rates"] = tax_rates(tx, sent["tax_rates"], item["tax_rates"])
    if "tax_amounts" in sent:
        item["_tax_amounts"] = tax_amounts(tx, sent["tax_amounts"])
    if "discounts" in sent:
        purchase = Purchase(item["customer"], item["amount"], item["currency"])
        item["discounts"] = discounts_from(tx, sent["discounts"], purchase, invoice_item=item["id"])
    tx.save(item)
    line = line_of(tx, item)
    if line is not None:
        copy_to_line(item, line)
        tx.save(line)


def _reprice(tx: Transaction, item: Document, sent: Document) -> None:
    current = Decimal(item["quantity_decimal"])
    described = {**sent, "description": sent.get("description") or item["description"]}
    if not {"pricing", "price_data", "amount", "unit_amount_decimal"} & sent.keys():
        price = tx.need("price", item["pricing"]["price_details"]["price"], param="pricing[price]")
        quantity = quantity_of(sent, current)
        item |= {"quantity": int(quantity), "quantity_decimal": plain(quantity)}
        item["amount"] = item["net_amount"] = amount_for(in_currency(price, item["currency"]), quantity)
        return
    keeps = None if "amount" in sent else current
    _apply_price(item, price_item(tx, described, currency=item["currency"], quantity=keeps))


def detach(tx: Transaction, line: Document, *, keep_item: bool) -> None:
    """Remove a line from its draft. Its item becomes pending again, or is deleted."""
    item = item_of(tx, line)
    tx.remove(line)
    if keep_item:
        item["invoice"] = None
        tx.save(item)
    else:
        tx.remove(item)
