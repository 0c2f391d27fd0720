"""Drafts: create, change, and schedule those that advance by themselves.

A draft inherits fields from its customer, and has a due date and custom fields. `billing.finalization` finalizes it.
"""

from copy import deepcopy

from offline_stripe.billing.currencies import check_currency
from offline_stripe.billing.discounts import discounts_from
from offline_stripe.billing.items import attach, require_room, tax_rates
from offline_stripe.billing.promotions import Purchase
from offline_stripe.billing.rendering import render
from offline_stripe.billing.shipping import cost_from
from offline_stripe.documents import Document
from offline_stripe.presentation import updating
from offline_stripe.shapes import customers as customer_shapes
from offline_stripe.shapes import invoices as shapes
from offline_stripe.store.transaction import Transaction, merged_metadata
from offline_stripe.wire.errors import invalid_request, require_to_come

DAY = 86_400
FIVE_YEARS = 5 * 366 * DAY
MOST_CUSTOM_FIELDS = 4
MISSING_EMAIL = (
    "Missing email. In order to create invoices that are sent to the customer, the customer must have a valid email."
)
_PLAIN = ("description", "footer", "statement_descriptor", "number", "on_behalf_of", "effective_at")
AUTOMATIC_TAX = "automatic_tax{enabled liability{type=self}}"
PAYMENT_SETTINGS = "payment_settings{payment_method_types=card|customer_balance|us_bank_account|sepa_debit payment_method_options{card{request_three_d_secure} customer_balance{bank_transfer{eu_bank_transfer type} funding_type}}}"
"""What of these parameters has an effect."""


def open_draft(tx: Transaction, sent: Document, customer: Document) -> Document:
    """Create a draft for this customer, without items unless pending ones are asked for."""
    method = sent.get("collection_method", "charge_automatically")
    _check_due(sent, method)
    if method == "send_invoice" and not customer["email"] and tx.switches.send_invoice_requires_email:
        raise invalid_request(MISSING_EMAIL)
    pending = _pending_items(tx, customer, sent)
    currency = _currency(tx, sent, customer, pending)
    draft = shapes.invoice(
        id=tx.new_id("in"),
        account_country=tx.store.account["country"],
        account_name=tx.store.account["settings"]["dashboard"]["display_name"],
        collection_method=method,
        created=tx.now,
        currency=currency,
        customer=customer["id"],
        period_end=tx.now,
        period_start=tx.now,
        test_clock=customer["test_clock"],
    )
    _inherit(tx, draft, customer)
    apply_changes(tx, draft, sent)
    tx.add(draft)
    with updating(tx, "customer.updated", customer):
        customer["currency"] = customer["currency"] or currency
    require_room(tx, draft, len(pending))
    for item in pending:
        if item["currency"] == currency:
            attach(tx, item, draft)
    return draft


def _pending_items(tx: Transaction, customer: Document, sent: Document) -> list[Document]:
    """The customer's unattached items, newest first."""
    if sent.get("pending_invoice_items_behavior", "exclude") != "include":
        return []
    items = tx.where("invoiceitem", newest_first=True, customer=customer["id"])
    return [item for item in items if item["invoice"] is None]


def _currency(tx: Transaction, sent: Document, customer: Document, pending: list[Document]) -> str:
    if "currency" in sent:
        return check_currency(sent["currency"])
    fallback = pending[0]["currency"] if pending else tx.store.account["default_currency"]
    return str(customer["currency"] or fallback)


def _inherit(tx: Transaction, draft: Document, customer: Document) -> None:
    settings = customer["invoice_settings"]
    draft["custom_fields"] = deepcopy(settings["custom_fields"])
    draft["footer"] = settings["footer"]
    options = settings["rendering_options"]
    if options:
        draft["rendering"] = render(tx, draft["rendering"], options)


def apply_changes(tx: Transaction, draft: Document, sent: Document) -> None:
    """Apply the parameters of create and update to a draft."""
    require_to_come(tx.now, sent, "due_date", "automatically_finalizes_at")
    for name in _PLAIN:
        if name in sent:
            draft[name] = None if sent[name] == "" else sent[name]
    if "collection_method" in sent:
        draft["collection_method"] = sent["collection_method"]
    if "metadata" in sent:
        draft["metadata"] = merged_metadata(draft["metadata"], sent["metadata"])
    if "custom_fields" in sent:
        draft["custom_fields"] = checked_custom_fields(sent["custom_fields"], "custom_fields")
    if "default_payment_method" in sent:
        draft["default_payment_method"] = own_method(tx, draft, sent["default_payment_method"])
    if "default_tax_rates" in sent:
        kept = draft["default_tax_rates"]
        draft["default_tax_rates"] = tax_rates(tx, sent["default_tax_rates"], kept, param="default_tax_rates")
    if "discounts" in sent:
        purchase = Purchase(draft["customer"], draft["subtotal"], draft["currency"])
        draft["discounts"] = discounts_from(tx, sent["discounts"], purchase, invoice=draft["id"])
    if "account_tax_ids" in sent:
        draft["account_tax_ids"] = _own_tax_ids(tx, sent["account_tax_ids"] or [])
    _apply_objects(tx, draft, sent)
    _apply_due(draft, sent)
    _apply_schedule(tx, draft, sent)


def _apply_objects(tx: Transaction, draft: Document, sent: Document) -> None:
    for name in ("payment_settings", "issuer"):
        if name in sent:
            known = draft[name].keys()
            draft[name] |= {key: value or None for key, value in sent[name].items() if key in known}
    if "automatic_tax" in sent:
        enabled = sent["automatic_tax"]["enabled"]
        draft["automatic_tax"] |= {
            "enabled": enabled,
            "liability": {"type": "self"} if enabled else None,
            "provider": "stripe" if enabled else None,
        }
    if "rendering" in sent:
        draft["rendering"] = render(tx, draft["rendering"], sent["rendering"] or {})
    if "shipping_details" in sent:
        draft["shipping_details"] = customer_shapes.shipping(sent["shipping_details"] or None)
    if "shipping_cost" in sent:
        draft["shipping_cost"] = cost_from(tx, sent["shipping_cost"] or None, draft["currency"])


def _own_tax_ids(tx: Transaction, identifiers: list[str]) -> list[str] | None:
    """The account's tax ids; None if there are none."""
    found = [tx.need("tax_id", identifier, param="account_tax_ids") for identifier in identifiers]
    if any(tax_id["customer"] is not None for tax_id in found):
        raise invalid_request("Tax IDs of a customer cannot stand for the account.", param="account_tax_ids")
    return [tax_id["id"] for tax_id in found] or None


def own_method(tx: Transaction, draft: Document, identifier: str) -> str | None:
    """The payment method, if it is the customer's; None for an empty text. Raises StripeError for another's."""
    if identifier == "":
        return None
    method = tx.need("payment_method", identifier, param="default_payment_method")
    if method["customer"] != draft["customer"]:
        raise invalid_request(
            f"The customer does not have a payment method with the ID {identifier}. The payment method must be"
            " attached to the customer.",
            code="resource_missing",
            param="default_payment_method",
        )
    return identifier


def checked_custom_fields(sent: object, param: str) -> list[Document] | None:
    """Check custom fields: at most four; an empty string clears them."""
    if not isinstance(sent, list) or not sent:
        return None
    if len(sent) > MOST_CUSTOM_FIELDS:
        raise invalid_request(f"You can only specify up to {MOST_CUSTOM_FIELDS} custom fields.", param=param)
    return [{"name": entry["name"], "value": entry["value"]} for entry in sent]


def _check_due(sent: Document, method: str) -> None:
    named = [name for name in ("days_until_due", "due_date") if name in sent]
    if method == "send_invoice" and not named:
        raise invalid_request(
            "If invoices are set to `send_invoice`, you must specify either `due_date` or `days_until_due`."
        )
    if method == "charge_automatically" and named:
        raise invalid_request(
            "You can only specify `days_until_due` or `due_date` if invoices are set to `send_invoice`."
        )
    if len(named) > 1:
        raise invalid_request("You may only specify one of these parameters: days_until_due, due_date.")


def _apply_due(draft: Document, sent: Document) -> None:
    method = draft["collection_method"]
    if "days_until_due" in sent or "due_date" in sent:
        _check_due(sent, method)
    if method == "charge_automatically":
        draft["due_date"] = None
        return
    if "days_until_due" in sent:
        draft["due_date"] = draft["created"] + sent["days_until_due"] * DAY
    elif "due_date" in sent:
        draft["due_date"] = sent["due_date"]
    if draft["due_date"] is None:
        _check_due({}, method)


def _apply_schedule(tx: Transaction, draft: Document, sent: Document) -> None:
    """Set when an advancing draft will be finalized and charged; null for one that does not advance."""
    if "auto_advance" in sent:
        draft["auto_advance"] = sent["auto_advance"]
    chosen = sent.get("automatically_finalizes_at")
    if chosen is not None and chosen > tx.now + FIVE_YEARS:
        raise invalid_request(
            "`automatically_finalizes_at` must be at most 5 years in the future.", param="automatically_finalizes_at"
        )
    if chosen is not None:
        if not draft["auto_advance"]:
            raise invalid_request(
                "`automatically_finalizes_at` needs `auto_advance=true`.", param="automatically_finalizes_at"
            )
        draft["automatically_finalizes_at"] = chosen
    window = tx.switches.draft_window_s
    charged = draft["collection_method"] == "charge_automatically"
    if not draft["auto_advance"]:
        draft["automatically_finalizes_at"] = draft["next_payment_attempt"] = None
        tx.unschedule("advance", draft["id"])
        return
    if chosen is None and draft["automatically_finalizes_at"] is None:
        draft["automatically_finalizes_at"] = draft["created"] + window + 1
    draft["next_payment_attempt"] = draft["automatically_finalizes_at"] - 1 if charged else None
    tx.schedule("advance", draft["id"], draft["automatically_finalizes_at"])
