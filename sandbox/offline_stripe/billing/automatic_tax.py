"""Automatic tax: what a line of an invoice is taxed with, by the customer's place and tax ids.

The account counts as registered wherever the table has a jurisdiction. A business of the EU that buys across a border
owes the tax itself (reverse charge). Source: Stripe Tax's documentation.
"""

from decimal import Decimal

from offline_stripe.billing.jurisdictions import EU_COUNTRIES, Jurisdiction, Place, jurisdiction_of, place_of
from offline_stripe.billing.pricing import rounded
from offline_stripe.documents import Document
from offline_stripe.shapes.catalog import tax_rate
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import StripeError, invalid_request

NONTAXABLE = "txcd_00000000"
_ADDED_ON_TOP = frozenset({"cad", "usd"})
"""Currencies whose prices are without tax unless they say otherwise, as in Stripe Tax's default."""


def status_of(tx: Transaction, invoice: Document) -> str | None:
    """`automatic_tax.status` of a draft."""
    if not invoice["automatic_tax"]["enabled"]:
        return None
    if tx.switches.automatic_tax_fails:
        return "failed"
    return "complete" if _place(tx, invoice) else "requires_location_inputs"


def obstacle_to(invoice: Document) -> StripeError | None:
    """Why the invoice cannot be finalized, if its tax is unknown."""
    match invoice["automatic_tax"]["status"]:
        case "requires_location_inputs":
            return location_invalid()
        case "failed":
            return StripeError(
                "An error occurred while calculating tax. Please try again later.", status=500, kind="api_error"
            )
    return None


def location_invalid() -> StripeError:
    return invalid_request(
        "The customer's location isn't recognized. Set a valid customer address in order to automatically calculate"
        " tax.",
        code="customer_tax_location_invalid",
    )


def customer_tax(customer: Document) -> Document:
    """`customer.tax`."""
    place = place_of(customer)
    supported = "unrecognized_location"
    if place is not None:
        supported = "supported" if jurisdiction_of(place) else "not_collecting"
    location = place and {"country": place.country, "source": place.source, "state": place.state}
    return {"automatic_tax": supported, "ip_address": None, "location": location, "provider": "stripe"}


def line_taxes(tx: Transaction, invoice: Document, line: Document, net: int) -> list[Document]:
    """The taxes on what a line costs after its discounts. None as long as the place is unknown."""
    price = _price(tx, line)
    product = tx.get("product", price["product"]) if price else None
    behavior = price["tax_behavior"] if price else "unspecified"
    return _taxes(tx, invoice, net, behavior, product["tax_code"] if product else None)


def shipping_taxes(tx: Transaction, invoice: Document, behavior: str) -> list[Document]:
    """The taxes on what shipping costs."""
    return _taxes(tx, invoice, invoice["shipping_cost"]["amount_subtotal"], behavior, None)


def _taxes(tx: Transaction, invoice: Document, net: int, behavior: str, tax_code: str | None) -> list[Document]:
    place = _place(tx, invoice)
    if place is None or tx.switches.automatic_tax_fails:
        return []
    jurisdiction = jurisdiction_of(place) or Jurisdiction(place.country, place.state, Decimal(0), "vat", "Tax")
    reason = _reason(tx, invoice, tax_code, place)
    inclusive = behavior == "inclusive"
    if behavior == "unspecified":
        inclusive = invoice["currency"] not in _ADDED_ON_TOP
    base, amount = Decimal(net), Decimal(0)
    if reason == "standard_rated":
        if inclusive:
            base = net / (1 + jurisdiction.percentage / 100)
        amount = base * jurisdiction.percentage / 100
    return [
        {
            "amount": rounded(amount),
            "tax_behavior": "inclusive" if inclusive else "exclusive",
            "tax_rate_details": {"tax_rate": _rate(tx, jurisdiction, inclusive=inclusive)["id"]},
            "taxability_reason": reason,
            "taxable_amount": rounded(base) if reason == "standard_rated" else 0,
            "type": "tax_rate_details",
        }
    ]


def _place(tx: Transaction, invoice: Document) -> Place | None:
    customer = tx.get("customer", invoice["customer"]) if invoice["customer"] else None
    return place_of(customer) if customer else None


def _reason(tx: Transaction, invoice: Document, tax_code: str | None, place: Place) -> str:
    customer = tx.need("customer", invoice["customer"], param="customer")
    jurisdiction = jurisdiction_of(place)
    if jurisdiction is None:
        return "not_collecting"
    if customer["tax_exempt"] == "exempt":
        return "customer_exempt"
    if customer["tax_exempt"] == "reverse" or _owes_itself(tx, customer, place):
        return "reverse_charge"
    if tax_code == NONTAXABLE:
        return "product_exempt"
    return "standard_rated" if jurisdiction.percentage else "not_subject_to_tax"


def _owes_itself(tx: Transaction, customer: Document, place: Place) -> bool:
    if place.country not in EU_COUNTRIES or place.country == tx.store.account["country"]:
        return False
    return any(it["type"] == "eu_vat" for it in tx.where("tax_id", customer=customer["id"]))


def _price(tx: Transaction, line: Document) -> Document | None:
    pricing = line["pricing"]
    return tx.get("price", pricing["price_details"]["price"]) if pricing else None


def _rate(tx: Transaction, jurisdiction: Jurisdiction, *, inclusive: bool) -> Document:
    """Stripe's own tax rate for a jurisdiction; it is not listed as active."""
    place = ":".join(filter(None, (jurisdiction.country, jurisdiction.state)))
    link = f"automatic:{place}:{jurisdiction.percentage}:{inclusive}"
    found = tx.where("tax_rate", _link=link)
    if found:
        return found[0]
    percentage = float(jurisdiction.percentage)
    return tx.add(
        tax_rate(
            id=tx.new_id("txr"),
            active=False,
            country=jurisdiction.country,
            created=tx.now,
            display_name=jurisdiction.display_name,
            effective_percentage=percentage,
            inclusive=inclusive,
            jurisdiction=jurisdiction.state or jurisdiction.country,
            jurisdiction_level="state" if jurisdiction.state else "country",
            percentage=percentage,
            state=jurisdiction.state,
            tax_type=jurisdiction.tax_type,
            _link=link,
        )
    )
