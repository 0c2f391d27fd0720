"""What schemathesis cannot know from the contract: keys that were never used, signatures that are right, and states.

It is loaded by schemathesis itself (SCHEMATHESIS_HOOKS). A request that the contract describes must not be refused but
for a reason listed here: what depends on what is there, on the clock or on Stripe cannot stand in a schema.
"""

from __future__ import annotations

import gc
import hashlib
import hmac
import json
import os
import re
import time
import uuid
from typing import Any

import schemathesis

SECRET = os.environ["FUZZ_WEBHOOK_SECRET"].encode()
DELIVERY = "/webhooks/stripe"

STRIPE_DECIDES = (
    "Stripe, or what stands in for it, refuses it: an id it does not know, an email or a currency it does not take"
)
NOT_NOW = "the payment method on file is declined, or there is none"
A_FEW_OPTIONS = {"card", "customer_balance"}
NOT_SIMULATED = "sandbox_not_simulated"
A_CLOCK = "must lie in the future, which no schema can say"
OPAQUE = "a cursor is good only where a list answered it"

ONE_CURRENCY = "all items of an invoice are in its currency, and no schema can compare two fields"
WHAT_IS_PAID = "what credit notes give back depends on what is paid, and a payment must be one of the invoice"
SPAN = "days are reported in order and for a year at most, and no schema can compare two fields"
ADDRESSES = "which addresses may be called is decided by taking them apart and resolving them"

WORDS = "what a letter is, Unicode says, and no pattern that all readers of a schema know"
SUM = "the address and the headers are bounded as a whole, and no schema can add up"

STATES = {
    "headers_too_large": SUM,
    "stripe_invalid_request": STRIPE_DECIDES,
    "payment_failed": NOT_NOW,
    "payment_action_required": NOT_NOW,
    "validation_error due_at": A_CLOCK,
    "validation_error automatically_finalizes_at": A_CLOCK,
    "validation_error redeem_by": A_CLOCK,
    "validation_error expires_at": A_CLOCK,
    "validation_error cursor": OPAQUE,
    "validation_error after": OPAQUE,
    "validation_error Last-Event-ID": OPAQUE,
    "validation_error q": WORDS,
    "validation_error url": ADDRESSES,
    "validation_error return_url": "where pages may lead back to is a setting",
    "validation_error from": SPAN,
    "validation_error items[]": ONE_CURRENCY,
    "validation_error refund_amount": WHAT_IS_PAID,
    "validation_error credit_amount": WHAT_IS_PAID,
    "validation_error out_of_band_amount": WHAT_IS_PAID,
    "validation_error payment_intent": WHAT_IS_PAID,
}
"""Why a request that is as described may be refused all the same, by the code and, where it matters, the field.

404 and 409 are schemathesis' own: an id that nobody has, a state that does not allow it."""


# Schemas and their strategies are large and live to the end: looking through them for garbage took a tenth of the time.
gc.freeze()
gc.set_threshold(100_000)


@schemathesis.hook
def before_load_schema(_context: Any, raw_schema: dict[str, Any]) -> None:
    """Put what a body's fields demand of each other where a generator of requests reads it."""
    schemas = raw_schema["components"]["schemas"]
    for schema in schemas.values():
        schema.update(schema.pop("x-demands", {}))
    options = schemas["PaymentMethodOptionsParams"]["properties"]
    for name in options.keys() - A_FEW_OPTIONS:  # they are declared alike, and the sandbox has these
        del options[name]


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Use an Idempotency-Key once, write whole numbers as such, and sign a delivery whose signature has its shape.

    JSON Schema takes 1.0 for an integer; an amount must not be written so.
    """
    headers = case.headers or {}
    if _is_a_key(headers.get("Idempotency-Key")):
        headers["Idempotency-Key"] = uuid.uuid4().hex
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    case.body = _whole(case.body)
    if case.operation.path == DELIVERY:
        at = int(time.time())
        signed = b"%d.%b" % (at, json.dumps(case.body).encode())  # to the byte what the HTTP client will send
        digest = hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
        headers["Stripe-Signature"] = f"t={at},v1={digest}"


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_a_key(given: object) -> bool:
    return isinstance(given, str) and 0 < len(given) <= 255 and given.isascii() and given.isprintable()


@schemathesis.hook
def filter_failure(_context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Drop what is refused for a reason that is known, a body of `null` where a body is optional, and right requests.

    Schemathesis also says of requests that it calls positive itself that they should have been refused.
    """
    optional = not case.operation.definition.raw.get("requestBody", {}).get("required")
    if type(failure).__name__ == "AcceptedNegativeData" and (
        (case.body is None and optional) or "positive test case" in failure.message
    ):
        return False
    problem = response.json() if "json" in response.headers.get("content-type", [""])[0] else {}
    if isinstance(problem, dict) and (problem.get("stripe") or {}).get("code") == NOT_SIMULATED:
        return False  # what Stripe would take, and the sandbox says that it does not have
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    if "cannot be combined with" in problem["detail"]:
        return False  # which filters one index serves together is listed in docs/reference/api.md, and no schema can say it
    where = re.sub(r"\[\d+\].*", "[]", problem.get("param") or "")
    return not {problem["code"], f"{problem['code']} {where}"} & STATES.keys()
