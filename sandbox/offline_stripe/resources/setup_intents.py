"""`/v1/setup_intents`, their attempts and mandates: payment methods kept for later, by the server or by Stripe.js.

The rules are in `billing.setups`.
"""

import hmac

from offline_stripe.billing import setups
from offline_stripe.billing.methods import method_from, resolve_method
from offline_stripe.billing.payments import Presence
from offline_stripe.documents import Document
from offline_stripe.publishable import FROM_STRIPE_JS
from offline_stripe.resources.fields import apply_fields, require_return_url
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.transaction import Transaction, merged_metadata
from offline_stripe.wire.errors import StripeError, invalid_request, parameter_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

_ALL = {"allow_redirects": "always", "enabled": True}
_KINDS = ["card", "sepa_debit", "us_bank_account"]
_CHANGEABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


def create_setup_intent(call: Call) -> Document:
    tx, params = call.tx, call.params
    allowed = params.get("allowed_payment_method_types")
    setup = setups.open_setup(
        tx,
        allowed_payment_method_types=allowed,
        automatic_payment_methods=None if allowed else _ALL | params.get("automatic_payment_methods", {}),
        customer=_customer(tx, params),
        description=params.get("description"),
        metadata=merged_metadata({}, params.get("metadata", {})),
        payment_method_types=allowed or _KINDS,
        usage=params.get("usage", "off_session"),
    )
    if params.get("confirm"):
        require_return_url(setup, params, "SetupIntent")
        return _confirm(tx, setup, params)
    if params.get("payment_method") or params.get("payment_method_data"):
        _choose_method(tx, setup, params)
    return setup


def _customer(tx: Transaction, params: Document) -> str | None:
    return str(tx.need("customer", params["customer"], param="customer")["id"]) if params.get("customer") else None


def _setup(call: Call) -> Document:
    setup = call.tx.need("setup_intent", call.path["id"], param="intent", status=404)
    given = call.params.get("client_secret")
    if call.publishable and given is None:
        raise parameter_missing("client_secret")
    if given is not None and not hmac.compare_digest(str(given).encode(), setup["client_secret"].encode()):
        raise invalid_request(
            "The client_secret provided does not match the client_secret associated with the SetupIntent.",
            code="setup_intent_invalid_parameter",
            param="client_secret",
        )
    return setup


def retrieve_setup_intent(call: Call) -> Document:
    return _setup(call)


def update_setup_intent(call: Call) -> Document:
    tx, params, setup = call.tx, call.params, _setup(call)
    if setup["status"] not in _CHANGEABLE and params.keys() - {"metadata", "description", "expand"}:
        raise _unexpected_state(setup, "update")
    apply_fields(setup, params, ("description",))
    if "metadata" in params:
        setup["metadata"] = merged_metadata(setup["metadata"], params["metadata"])
    if "customer" in params:
        setup["customer"] = _customer(tx, params)
    if params.get("payment_method") or params.get("payment_method_data"):
        _choose_method(tx, setup, params)
    tx.save(setup)
    return setup


def _choose_method(tx: Transaction, setup: Document, params: Document) -> Document:
    sent = params.get("payment_method_data")
    method = method_from(tx, sent) if sent else resolve_method(tx, params["payment_method"])
    if method["type"] not in setup["payment_method_types"]:
        raise invalid_request(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this SetupIntent. Please attach a"
            f" PaymentMethod of one of the following types: {', '.join(setup['payment_method_types'])}.",
            code="setup_intent_invalid_parameter",
            param="payment_method",
        )
    if method["customer"] is not None and method["customer"] != setup["customer"]:
        raise invalid_request(
            f"The payment method {method['id']} belongs to another customer than the SetupIntent.",
            param="payment_method",
        )
    setup |= {"payment_method": method["id"], "status": "requires_confirmation"}
    tx.save(setup)
    return method


def confirm_setup_intent(call: Call) -> Document:
    setup = _setup(call)
    if not call.publishable and setup["status"] in _CHANGEABLE:
        require_return_url(setup, call.params, "SetupIntent")
    return _confirm(call.tx, setup, call.params)


def _confirm(tx: Transaction, setup: Document, params: Document) -> Document:
    if setup["status"] not in _CHANGEABLE:
        raise _unexpected_state(setup, "confirm")
    if params.get("payment_method") or params.get("payment_method_data"):
        method = _choose_method(tx, setup, params)
    elif setup["payment_method"]:
        method = tx.need("payment_method", setup["payment_method"], param="payment_method")
    else:
        raise invalid_request(
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a"
            " payment method and then confirm it again.",
            code="setup_intent_unexpected_state",
        )
    presence = Presence(return_url=params.get("return_url"), uses_stripe_js=bool(params.get("use_stripe_sdk")))
    acceptance = (params.get("mandate_data") or {}).get("customer_acceptance")
    error = setups.attempt(tx, setup, method, presence, acceptance)
    if error is not None:
        raise error
    return setup


def _unexpected_state(setup: Document, verb: str) -> StripeError:
    shown = {key: value for key, value in setup.items() if key[0] != "_"}
    return StripeError(
        f"You cannot {verb} this SetupIntent because it has a status of {setup['status']}.",
        code="setup_intent_unexpected_state",
        details={"setup_intent": shown},
    )


def cancel_setup_intent(call: Call) -> Document:
    setup = _setup(call)
    if setup["status"] not in _CHANGEABLE:
        raise _unexpected_state(setup, "cancel")
    setups.cancel_setup(call.tx, setup, call.params.get("cancellation_reason"))
    return setup


def list_setup_intents(call: Call) -> Page:
    tx, params = call.tx, call.params
    filters = Filters()
    for name in ("customer", "payment_method"):
        if name in params:
            filters.equal(name, tx.need(name, params[name], param=name)["id"])
    filters.within("created", params.get("created"))
    return list_documents(tx, "setup_intent", params, filters, "/v1/setup_intents")


def list_attempts(call: Call) -> Page:
    setup = call.tx.need("setup_intent", call.params["setup_intent"], param="setup_intent")
    filters = Filters().equal("_link", setup["id"]).within("created", call.params.get("created"))
    return list_documents(call.tx, "setup_attempt", call.params, filters, "/v1/setup_attempts")


def retrieve_mandate(call: Call) -> Document:
    return call.tx.need("mandate", call.path["id"], param="mandate", status=404)


_METHOD = "payment_method payment_method_data"
_ACCEPTANCE = "mandate_data { customer_acceptance { accepted_at offline online type } }"
ROUTES = (
    Route(
        "POST",
        "/v1/setup_intents",
        create_setup_intent,
        "SetupIntentCreateParams",
        "allowed_payment_method_types automatic_payment_methods { allow_redirects enabled=true } confirm customer"
        f" description {_ACCEPTANCE} metadata {_METHOD} return_url usage use_stripe_sdk",
    ),
    Route(
        "GET",
        "/v1/setup_intents",
        list_setup_intents,
        "SetupIntentListParams",
        PAGE + "created customer payment_method",
    ),
    Route(
        "GET",
        "/v1/setup_intents/{id}",
        retrieve_setup_intent,
        "SetupIntentRetrieveParams",
        "client_secret",
        publishable=True,
        also=FROM_STRIPE_JS,
    ),
    Route(
        "POST",
        "/v1/setup_intents/{id}",
        update_setup_intent,
        "SetupIntentUpdateParams",
        f"customer description metadata {_METHOD}",
    ),
    Route(
        "POST",
        "/v1/setup_intents/{id}/confirm",
        confirm_setup_intent,
        "SetupIntentConfirmParams",
        f"{_ACCEPTANCE} {_METHOD} return_url use_stripe_sdk",
        publishable=True,
        also=FROM_STRIPE_JS,
    ),
    Route(
        "POST",
        "/v1/setup_intents/{id}/cancel",
        cancel_setup_intent,
        "SetupIntentCancelParams",
        "cancellation_reason",
    ),
    Route("GET", "/v1/setup_attempts", list_attempts, "SetupAttemptListParams", PAGE + "created setup_intent"),
    Route("GET", "/v1/mandates/{id}", retrieve_mandate, "MandateRetrieveParams", ""),
)
