"""Payment methods: made from test tokens and card numbers, and attached to customers.

This module does not pay with them.
"""

from offline_stripe.billing.test_methods import BY_NUMBER, BY_TOKEN, OUTCOMES, TestMethod
from offline_stripe.documents import Document
from offline_stripe.presentation import announce, updating
from offline_stripe.shapes import customers as shapes
from offline_stripe.store.transaction import Transaction, merged_metadata
from offline_stripe.wire.errors import StripeError, invalid_request, parameter_missing, resource_missing

ATTACHABLE = "declines_once_attached"
CENTURY = 2000
SHORTEST_YEAR = 1000
TEST_CARDS = "https://stripe.com/docs/testing"


def resolve_method(tx: Transaction, identifier: str, *, param: str = "payment_method", status: int = 400) -> Document:
    """The payment method with this id. A `pm_card_…` template creates a new one."""
    template = BY_TOKEN.get(identifier)
    if template is not None:
        return mint(tx, template)
    method = tx.get("payment_method", identifier)
    if method is None:
        raise resource_missing("payment_method", identifier, param=param, status=status)
    return method


def mint(tx: Transaction, template: TestMethod, **fields: object) -> Document:
    exp_year = fields.pop("exp_year", None) or 2000 + (_year(tx) + 1) % 100
    exp_month = fields.pop("exp_month", None) or 12
    if template.kind == "card":
        details = shapes.card(
            brand=template.brand,
            last4=template.number[-4:],
            fingerprint=template.fingerprint,
            exp_month=int(str(exp_month)),
            exp_year=int(str(exp_year)),
            funding=template.funding,
            country=template.country,
        )
        details["checks"] |= dict.fromkeys(template.checks, "fail")
    elif template.kind == "sepa_debit":
        details = shapes.sepa_debit(iban=template.number, fingerprint=template.fingerprint)
    else:
        details = shapes.us_bank_account(last4=template.number[-4:], fingerprint=template.fingerprint)
    return tx.add(
        shapes.payment_method(
            template.kind, details, id=tx.new_id("pm"), created=tx.now, _outcome=template.outcome, **fields
        )
    )


def _year(tx: Transaction) -> int:
    return 1970 + tx.now // 31_556_952


def method_from(tx: Transaction, sent: Document) -> Document:
    """Create a payment method from `type` and its details, as Stripe.js and the API send them."""
    kind = sent.get("type")
    if kind == "customer_balance":
        return make_transfer(tx, billing_details=shapes.billing_details(sent.get("billing_details")))
    if kind not in {"card", "sepa_debit", "us_bank_account"}:
        raise invalid_request(f"The sandbox has no payment methods of type {kind}.", param="type")
    details = sent.get(kind)
    if not isinstance(details, dict):
        raise parameter_missing(str(kind))
    fields: Document = {
        "billing_details": shapes.billing_details(sent.get("billing_details")),
        "metadata": merged_metadata({}, sent.get("metadata", {})),
        "allow_redisplay": sent.get("allow_redisplay", "unspecified"),
    }
    if kind == "card":
        return _card_from(tx, details, fields)
    account = str(details.get("iban" if kind == "sepa_debit" else "account_number", ""))
    template = BY_NUMBER.get(account.replace(" ", ""))
    if template is None or template.kind != kind:
        raise invalid_request(
            "You must use a test bank account number in test mode.", code="bank_account_unusable", param=kind
        )
    method = mint(tx, template, **fields)
    if kind == "us_bank_account":
        describe_account(method, details)
    return method


def make_transfer(tx: Transaction, **fields: object) -> Document:
    """The payment method of bank transfers."""
    return tx.add(
        shapes.payment_method(
            "customer_balance", {}, id=tx.new_id("pm"), created=tx.now, _outcome="transfers", **fields
        )
    )


def describe_account(method: Document, sent: Document) -> None:
    """Whose account it is, and of which type, as far as that was sent."""
    for name in ("account_holder_type", "account_type", "routing_number"):
        if name in sent:
            method["us_bank_account"][name] = sent[name]


def renew(tx: Transaction, method: Document, *, exp_month: int, exp_year: int) -> None:
    """The card's issuer sends a new card. Raises StripeError for anything but a card of a customer."""
    if method["type"] != "card" or method["customer"] is None:
        raise invalid_request("Only a customer's card is updated automatically.", param="id")
    with updating(tx, "payment_method.automatically_updated", method):
        method["card"] |= {"exp_month": exp_month, "exp_year": exp_year}


def _card_from(tx: Transaction, details: Document, fields: Document) -> Document:
    if "token" in details:
        return _card_from_token(tx, str(details["token"]), fields)
    template, expiry = read_card(tx, details)
    method = mint(tx, template, **expiry, **fields)
    if not details.get("cvc"):
        method["card"]["checks"]["cvc_check"] = None
    return method


def _card_from_token(tx: Transaction, identifier: str, fields: Document) -> Document:
    """From a token that `/v1/tokens` made, which counts once, or from one of Stripe's test tokens."""
    template = BY_TOKEN.get(f"pm_card_{identifier.removeprefix('tok_')}")
    if template is not None:
        return mint(tx, template, **fields)
    token = tx.get("token", identifier)
    if token is None:
        raise resource_missing("token", identifier, param="card[token]")
    if token["used"]:
        raise invalid_request(
            f"You cannot use a Stripe token more than once: {identifier}.", code="token_already_used", param="token"
        )
    token["used"] = True
    tx.save(token)
    expiry = {name: token["card"][name] for name in ("exp_month", "exp_year")}
    return mint(tx, BY_TOKEN[token["_token"]], **expiry, **fields)


def read_card(tx: Transaction, details: Document) -> tuple[TestMethod, dict[str, int]]:
    """The test card with this number, and when it expires. Raises StripeError for what Stripe refuses."""
    number = "".join(ch for ch in str(details.get("number", "")) if ch.isdigit())
    if not _passes_luhn(number):
        raise _card_error("incorrect_number", "Your card number is incorrect.", "number")
    year = _number(details.get("exp_year"), "exp_year")
    year += CENTURY if year < SHORTEST_YEAR else 0
    if year < _year(tx):
        raise _card_error("invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year")
    month = _number(details.get("exp_month"), "exp_month")
    if month not in range(1, 13):
        raise _card_error("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")
    template = BY_NUMBER.get(number)
    if template is None or template.kind != "card":
        raise _card_error(
            "card_declined",
            "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid"
            f" test cards, visit: {TEST_CARDS}.",
            None,
            {"decline_code": "test_mode_live_card"},
        )
    return template, {"exp_month": month, "exp_year": year}


def _card_error(code: str, message: str, param: str | None, details: Document | None = None) -> StripeError:
    return StripeError(message, status=402, kind="card_error", code=code, param=param, details=details)


def _number(value: object, param: str) -> int:
    text = str(value or "0")
    if not text.isdigit():
        raise invalid_request(f"Invalid integer: {text}", param=param)
    return int(text)


def _passes_luhn(number: str) -> bool:
    if len(number) not in range(12, 20):
        return False
    doubled = [int(digit) * (2 if index % 2 else 1) for index, digit in enumerate(reversed(number))]
    return sum(sum(divmod(value, 10)) for value in doubled) % 10 == 0


def attach_method(tx: Transaction, method: Document, customer: Document) -> None:
    if method["customer"] == customer["id"]:
        return
    if method["customer"] is not None:
        raise invalid_request(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    if method.get("_spent"):
        raise invalid_request(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a"
            " Customer, and may not be used again."
        )
    outcome = OUTCOMES[method["_outcome"]]
    if outcome.kind == "declines" and method["_outcome"] != ATTACHABLE and tx.switches.attaching_checks_card:
        raise _card_error(
            str(outcome.code), str(outcome.message), None, {"decline_code": outcome.decline_code or outcome.code}
        )
    method["customer"] = customer["id"]
    tx.save(method)
    announce(tx, "payment_method.attached", method)
