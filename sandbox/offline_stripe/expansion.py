"""`expand`: replaces ids by their objects, along dotted paths.

Fields that exist only when asked for (`confirmation_secret`, `payments`, …) are added here.
"""

from collections.abc import Callable

from offline_stripe.billing.automatic_tax import customer_tax
from offline_stripe.billing.cash import show_cash
from offline_stripe.billing.collection import intent_of
from offline_stripe.documents import Document
from offline_stripe.presentation import show
from offline_stripe.store.listing import Filters, count, list_documents
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import StripeError, invalid_request

Include = Callable[[Transaction, Document], object]
ABSENT = object()
"""A field that stays away although it was asked for, because the object has none."""


def expand(tx: Transaction, shown: Document, paths: list[str]) -> Document:
    """Expand a shown object (or list envelope) in place."""
    for path in paths:
        segments = path.split(".")
        if len(segments) > tx.switches.expand_depth:
            raise invalid_request(
                f"You cannot expand more than {tx.switches.expand_depth} levels of a property. Property: {path}",
                code="property_expansion_max_depth",
            )
        _walk(tx, shown, segments, path)
    return shown


def _walk(tx: Transaction, node: Document, segments: list[str], path: str) -> None:
    name, rest = segments[0], segments[1:]
    if name not in node:
        include = _INCLUDABLE.get((str(node.get("object")), name))
        if include is None:
            raise _cannot_expand(node, name, path)
        included = include(tx, node)
        if included is ABSENT:
            return
        node[name] = included
        if not rest:
            return
    value = node[name]
    if isinstance(value, list):
        node[name] = [_child(tx, item, rest, name, path) for item in value]
    elif value is not None:
        node[name] = _child(tx, value, rest, name, path)


def _child(tx: Transaction, value: object, rest: list[str], name: str, path: str) -> object:
    if isinstance(value, str):
        found = tx.find(value)
        if found is None or name == "id":
            raise _cannot_expand({}, name, path)
        value = show(tx, found)
    if rest and isinstance(value, dict):
        _walk(tx, value, rest, path)
    elif not isinstance(value, dict) or "object" not in value:
        raise _cannot_expand({}, name, path)
    return value


def _cannot_expand(node: Document, name: str, path: str) -> StripeError:
    hint = ""
    if node.get("object") in {"list", "search_result"}:
        hint = f" You may want to try expanding 'data.{name}' instead."
    return invalid_request(f"This property cannot be expanded ({path}).{hint}")


def _confirmation_secret(tx: Transaction, invoice: Document) -> object:
    intent = intent_of(tx, invoice)
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


def _inline(tx: Transaction, kind: str, filters: Filters, url: str) -> Document:
    page = list_documents(tx, kind, {}, filters, url)
    data = [show(tx, doc) for doc in page.items]
    return {
        "object": "list",
        "data": data,
        "has_more": page.has_more,
        "total_count": count(tx, kind, filters),
        "url": url,
    }


def _payments(tx: Transaction, invoice: Document) -> object:
    return _inline(tx, "invoice_payment", Filters().equal("invoice", invoice["id"]), "/v1/invoice_payments")


def _refunds(tx: Transaction, charge: Document) -> object:
    return _inline(tx, "refund", Filters().equal("_link", charge["id"]), f"/v1/charges/{charge['id']}/refunds")


def _tax_ids(tx: Transaction, customer: Document) -> object:
    url = f"/v1/customers/{customer['id']}/tax_ids"
    return _inline(tx, "tax_id", Filters().equal("customer", customer["id"]), url)


def _empty(name: str) -> Include:
    def include(tx: Transaction, node: Document) -> object:  # noqa: ARG001 (an Include)
        return {
            "object": "list",
            "data": [],
            "has_more": False,
            "total_count": 0,
            "url": f"/v1/customers/{node['id']}/{name}",
        }

    return include


def _tiers(tx: Transaction, price: Document) -> object:
    stored = tx.get("price", price["id"])
    return stored.get("_tiers", ABSENT) if stored else ABSENT


def _nothing(tx: Transaction, node: Document) -> object:  # noqa: ARG001 (an Include)
    return None


def _private(tx: Transaction, shown: Document, name: str) -> Document:
    """What the stored object keeps to itself."""
    return (tx.find(shown["id"]) or {}).get(name) or {}


def _applies_to(tx: Transaction, coupon: Document) -> object:
    products = _private(tx, coupon, "_applies_to")
    return {"products": products} if products else ABSENT


def _coupon_options(tx: Transaction, coupon: Document) -> object:
    options = _private(tx, coupon, "_currency_options")
    if coupon["amount_off"] is None:
        return ABSENT
    return {
        currency: {"amount_off": off} for currency, off in {coupon["currency"]: coupon["amount_off"], **options}.items()
    }


def _currency_options(tx: Transaction, price: Document) -> object:
    own = {name: price[name] for name in ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")}
    tiers = _tiers(tx, price)
    if tiers is not ABSENT:
        own["tiers"] = tiers
    return {price["currency"]: own, **_private(tx, price, "_currency_options")}


_INCLUDABLE: dict[tuple[str, str], Include] = {
    ("invoice", "confirmation_secret"): _confirmation_secret,
    ("invoice", "payments"): _payments,
    ("charge", "refunds"): _refunds,
    ("customer", "sources"): _empty("sources"),
    ("customer", "subscriptions"): _empty("subscriptions"),
    ("customer", "tax_ids"): _tax_ids,
    ("customer", "tax"): lambda tx, customer: customer_tax(customer),  # noqa: ARG005 (an Include)
    ("customer", "cash_balance"): lambda tx, shown: show_cash(tx.need("customer", shown["id"], param="id")),
    ("customer", "invoice_credit_balance"): lambda tx, node: {},  # noqa: ARG005 (an Include)
    ("price", "tiers"): _tiers,
    ("price", "currency_options"): _currency_options,
    ("coupon", "applies_to"): _applies_to,
    ("coupon", "currency_options"): _coupon_options,
}
