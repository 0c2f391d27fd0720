"""`/v1/payment_intents`: retrieved, updated, confirmed and canceled, by the server or by Stripe.js.

It limits what a publishable key with a client secret may see and do.
"""

import hmac

from offline_stripe.billing import capturing, payments
from offline_stripe.billing.collection import collect, invoice_of, made_by_invoice
from offline_stripe.billing.currencies import check_charge, check_currency
from offline_stripe.billing.methods import attach_method, method_from, resolve_method
from offline_stripe.billing.payments import Presence, method_types
from offline_stripe.documents import Document
from offline_stripe.publishable import FROM_STRIPE_JS
from offline_stripe.resources.fields import apply_fields, require_known, require_return_url
from offline_stripe.shapes.customers import shipping
from offline_stripe.shapes.payments import card_options
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.search import search_documents
from offline_stripe.store.transaction import Transaction, merged_metadata
from offline_stripe.wire.errors import StripeError, invalid_request, parameter_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

_INVOICE_EDITABLE = frozenset(
    {"setup_future_usage", "metadata", "payment_method", "description", "receipt_email", "payment_method_data",
     "payment_method_options", "shipping", "expand"}
)  # fmt: skip
_COPIED = ("capture_method", "description", "receipt_email", "setup_future_usage", "statement_descriptor",
           "statement_descriptor_suffix", "transfer_group")  # fmt: skip
_CONFIRMABLE = {"requires_payment_method", "requires_confirmation", "requires_action"}


def create_payment_intent(call: Call) -> Document:
    tx, params = call.tx, call.params
    currency = check_currency(params["currency"])
    if "automatic_payment_methods" in params and "confirmation_method" in params:
        raise invalid_request(
            "You may only specify one of these parameters: automatic_payment_methods, confirmation_method."
        )
    automatic = {"allow_redirects": "always", "enabled": True} | params.get("automatic_payment_methods", {})
    fields: Document = {
        "automatic_payment_methods": automatic if automatic["enabled"] else {"enabled": False},
        "capture_method": "automatic_async",
        "confirmation_method": params.get("confirmation_method", "automatic"),
        "metadata": merged_metadata({}, params.get("metadata", {})),
        "payment_method_options": {},
        "payment_method_types": method_types(currency) if automatic["enabled"] else ["card"],
    }
    if "customer" in params:
        fields["customer"] = tx.need("customer", params["customer"], param="customer")["id"]
    _apply(fields, params)
    intent = payments.open_intent(tx, amount=params["amount"], currency=currency, **fields)
    if params.get("confirm"):
        require_return_url(intent, params, "PaymentIntent")
        return _confirm(tx, intent, params)
    if params.get("payment_method") or params.get("payment_method_data"):
        _choose_method(tx, intent, params)
    return intent


def _apply(intent: Document, params: Document) -> None:
    """Apply what create, update and confirm have in common."""
    apply_fields(intent, params, _COPIED)
    if params.get("allowed_payment_method_types"):
        allowed = list(params["allowed_payment_method_types"])
        intent |= {"allowed_payment_method_types": allowed, "payment_method_types": allowed}
    if "shipping" in params:
        intent["shipping"] = shipping(params["shipping"] or None)
    options = params.get("payment_method_options") or {}
    if "customer_balance" in options:
        intent["_transfer"] = options["customer_balance"].get("bank_transfer")
    asked = options.get("card")
    if asked:
        chosen = asked.get("request_three_d_secure", "automatic")
        intent["payment_method_options"]["card"] = card_options(request_three_d_secure=chosen)


def _intent(call: Call) -> Document:
    intent = call.tx.need("payment_intent", call.path["id"], param="intent", status=404)
    given = call.params.get("client_secret")
    if call.publishable and given is None:
        raise parameter_missing("client_secret")
    if given is not None and not hmac.compare_digest(str(given).encode(), intent["client_secret"].encode()):
        raise invalid_request(
            "The client_secret provided does not match the client_secret associated with the PaymentIntent.",
            code="payment_intent_invalid_parameter",
            param="client_secret",
        )
    return intent


def retrieve_payment_intent(call: Call) -> Document:
    return _intent(call)


def update_payment_intent(call: Call) -> Document:
    tx, params, intent = call.tx, call.params, _intent(call)
    if made_by_invoice(tx, intent):
        refused = [name for name in params if name not in _INVOICE_EDITABLE]
        if refused:
            raise invalid_request(
                f"You cannot update `{refused[0]}` on a PaymentIntent created by an invoice.", param=refused[0]
            )
    if intent["status"] in {"succeeded", "canceled"} and params.keys() - {"metadata", "description", "expand"}:
        raise _unexpected_state(intent, "update")
    _apply(intent, params)
    if "amount" in params or "currency" in params:
        _reprice(intent, params)
    if "metadata" in params:
        intent["metadata"] = merged_metadata(intent["metadata"], params["metadata"])
    if params.get("payment_method") or params.get("payment_method_data"):
        _choose_method(tx, intent, params)
    tx.save(intent)
    return intent


def _reprice(intent: Document, params: Document) -> None:
    if intent["status"] in {"processing", "requires_capture"}:
        raise _unexpected_state(intent, "update")
    asked = {**intent, **params}
    currency = check_currency(asked["currency"])
    check_charge(asked["amount"], currency)
    intent |= {"amount": asked["amount"], "currency": currency}


def _choose_method(tx: Transaction, intent: Document, params: Document) -> Document:
    method = (
        method_from(tx, params["payment_method_data"])
        if "payment_method_data" in params
        else resolve_method(tx, params["payment_method"])
    )
    automatic = intent["automatic_payment_methods"]
    open_to_all = automatic is not None and automatic["enabled"] and not intent["allowed_payment_method_types"]
    if method["type"] not in intent["payment_method_types"] and not open_to_all:
        allowed = ", ".join(intent["payment_method_types"])
        raise invalid_request(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent. Please attach a"
            f" PaymentMethod of one of the following types: {allowed}.",
            code="payment_intent_invalid_parameter",
            param="payment_method",
        )
    _require_own(intent, method)
    intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    tx.save(intent)
    return method


def _require_own(intent: Document, method: Document) -> None:
    if method["customer"] is not None and method["customer"] != intent["customer"]:
        raise invalid_request(
            f"The customer {intent['customer']} does not own the payment method {method['id']}.",
            param="payment_method",
        )
    if method.get("_spent"):
        raise invalid_request(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a"
            " Customer, and may not be used again."
        )


def confirm_payment_intent(call: Call) -> Document:
    intent = _intent(call)
    if call.publishable and intent["confirmation_method"] == "manual":
        raise invalid_request(
            "This PaymentIntent cannot be confirmed using your publishable key because its `confirmation_method` is set"
            " to `manual`. Please use your secret key instead, or create a PaymentIntent with `confirmation_method` set"
            " to `automatic`.",
            code="payment_intent_invalid_parameter",
        )
    if not call.publishable and intent["status"] in _CONFIRMABLE:
        require_return_url(intent, call.params, "PaymentIntent")
    return _confirm(call.tx, intent, call.params)


def _confirm(tx: Transaction, intent: Document, params: Document) -> Document:
    if intent["status"] not in _CONFIRMABLE:
        raise _unexpected_state(intent, "confirm")
    _require_open_invoice(tx, intent)
    if params.get("payment_method") or params.get("payment_method_data"):
        method = _choose_method(tx, intent, params)
    elif intent["payment_method"]:
        method = tx.need("payment_method", intent["payment_method"], param="payment_method")
    else:
        raise invalid_request(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the"
            " PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a"
            " payment method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
        )
    _apply(intent, params)
    presence = Presence(
        off_session=bool(params.get("off_session") or params.get("error_on_requires_action")),
        by_merchant=bool(params.get("off_session")),
        return_url=params.get("return_url"),
        uses_stripe_js=bool(params.get("use_stripe_sdk")),
    )
    error = collect(tx, intent, method, presence)
    if error is not None:
        raise error
    _keep_for_later(tx, intent, method)
    return intent


def _keep_for_later(tx: Transaction, intent: Document, method: Document) -> None:
    """Attach the method if `setup_future_usage` is set; any other can be used only once."""
    if intent["status"] not in {"succeeded", "processing"} or method["customer"] is not None:
        return
    customer = tx.get("customer", intent["customer"]) if intent["customer"] else None
    if intent["setup_future_usage"] and customer is not None:
        attach_method(tx, method, customer)
        return
    method["_spent"] = True
    tx.save(method)


def _require_open_invoice(tx: Transaction, intent: Document) -> None:
    invoice = invoice_of(tx, intent)
    if invoice is not None and invoice["status"] not in {"open", "uncollectible"}:
        raise invalid_request("This PaymentIntent's invoice is no longer open.", code="payment_intent_unexpected_state")


def _unexpected_state(intent: Document, verb: str) -> StripeError:
    shown = {key: value for key, value in intent.items() if key[0] != "_"}
    return StripeError(
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
        + (" It has already succeeded after being previously confirmed." if intent["status"] == "succeeded" else ""),
        code="payment_intent_unexpected_state",
        details={"payment_intent": shown},
    )


def capture_payment_intent(call: Call) -> Document:
    intent, params = _intent(call), call.params
    apply_fields(intent, params, ("statement_descriptor", "statement_descriptor_suffix"))
    if "metadata" in params:
        intent["metadata"] = merged_metadata(intent["metadata"], params["metadata"])
    capturing.capture(call.tx, intent, params.get("amount_to_capture"))
    return intent


def cancel_payment_intent(call: Call) -> Document:
    tx, intent = call.tx, _intent(call)
    if made_by_invoice(tx, intent):
        raise invalid_request(
            "You cannot cancel this PaymentIntent because it was created by an invoice. Void the invoice instead."
        )
    if intent["status"] in {"succeeded", "canceled", "processing"}:
        raise _unexpected_state(intent, "cancel")
    capturing.release(tx, intent)
    payments.cancel(tx, intent, call.params.get("cancellation_reason"))
    for payment in tx.where("invoice_payment", _link=intent["id"]):
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = tx.now
        tx.save(payment)
    return intent


def list_payment_intents(call: Call) -> Page:
    require_known(call.tx, call.params, "customer")
    filters = Filters().equal("customer", call.params.get("customer"))
    filters.within("created", call.params.get("created"))
    return list_documents(call.tx, "payment_intent", call.params, filters, "/v1/payment_intents")


def search_payment_intents(call: Call) -> Page:
    return search_documents(call.tx, "payment_intent", call.params, "/v1/payment_intents/search")


METHOD = (
    "payment_method payment_method_data{allow_redisplay billing_details metadata type=card|customer_balance|us_bank_account us_bank_account}"
    " payment_method_options{card{request_three_d_secure} customer_balance{bank_transfer{eu_bank_transfer type} funding_type}}"
)
_SHARED = "capture_method receipt_email setup_future_usage shipping"
_INTENT = (
    f"{_SHARED} allowed_payment_method_types amount currency description metadata"
    " statement_descriptor statement_descriptor_suffix transfer_group"
)
_CONFIRM = f"{METHOD} error_on_requires_action off_session return_url use_stripe_sdk"
ROUTES = (
    Route(
        "POST",
        "/v1/payment_intents",
        create_payment_intent,
        "PaymentIntentCreateParams",
        takes=f"{_INTENT} {_CONFIRM} automatic_payment_methods confirm confirmation_method customer",
    ),
    Route(
        "GET", "/v1/payment_intents", list_payment_intents, "PaymentIntentListParams", takes=f"{PAGE} created customer"
    ),
    Route(
        "GET",
        "/v1/payment_intents/search",
        search_payment_intents,
        "PaymentIntentSearchParams",
        takes="limit page query",
    ),
    Route(
        "GET",
        "/v1/payment_intents/{id}",
        retrieve_payment_intent,
        "PaymentIntentRetrieveParams",
        takes="client_secret",
        publishable=True,
        also=FROM_STRIPE_JS,
    ),
    Route(
        "POST",
        "/v1/payment_intents/{id}",
        update_payment_intent,
        "PaymentIntentUpdateParams",
        takes=f"{_INTENT} {METHOD}",
    ),
    Route(
        "POST",
        "/v1/payment_intents/{id}/confirm",
        confirm_payment_intent,
        "PaymentIntentConfirmParams",
        takes=f"{_CONFIRM} {_SHARED} allowed_payment_method_types",
        publishable=True,
        also=FROM_STRIPE_JS,
    ),
    Route(
        "POST",
        "/v1/payment_intents/{id}/capture",
        capture_payment_intent,
        "PaymentIntentCaptureParams",
        takes="amount_to_capture final_capture=true metadata statement_descriptor statement_descriptor_suffix",
    ),
    Route(
        "POST",
        "/v1/payment_intents/{id}/cancel",
        cancel_payment_intent,
        "PaymentIntentCancelParams",
        takes="cancellation_reason",
    ),
)
