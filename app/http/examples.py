"""The examples in the OpenAPI document: a request and an answer for each operation, a problem for each error code.

They are built from the schemas, so a new field or resource gets one by itself: from the field's own `examples`, then
from VALUES by its name, then null or the plainest value of its type. A request's example has the required fields and
those with `examples`. A test checks each against its schema.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from app.http.problems import STATUS

Schema = Mapping[str, Any]

VALUES: dict[str, Any] = {
    "id": "in_1PgF",
    "customer": "cus_QXg1",
    "invoice": "in_1PgF",
    "price": "price_1Pgf",
    "product": "prod_QZ4a",
    "payment_intent": "pi_3Pgf",
    "reference": "order-1042",
    "name": "Jenny Rosen",
    "email": "jenny.rosen@example.com",
    "number": "XK4C7QPL-0001",
    "currency": "usd",
    "quantity": 2,
    "unit_amount": 12000,
    "unit_amount_decimal": "12000",
    "amount": 24000,
    "subtotal": 24000,
    "total": 24000,
    "amount_due": 24000,
    "amount_paid": 0,
    "amount_remaining": 24000,
    "attempts": 0,
    "description": "Consulting in May",
    "footer": "Thank you for your business.",
    "metadata": {"team": "emea"},
    "active": True,
    "livemode": False,
    "auto_advance": False,
    "collection_method": "send_invoice",
    "hosted_invoice_url": "https://invoice.stripe.com/i/acct_1/test_1",
    "invoice_pdf": "https://pay.stripe.com/invoice/acct_1/test_1/pdf",
    "publishable_key": "pk_test_51Pgf",
    "request_id": "5b0c2f1e9a7d4c3f8e6b1a2d4c5e6f70",
    "created_at": "2026-11-22T10:18:00.000Z",
    "updated_at": "2026-11-22T10:18:02.000Z",
    "received_at": "2026-11-22T10:18:01.000Z",
    "processed_at": "2026-11-22T10:18:02.000Z",
    "finalized_at": "2026-11-22T10:18:02.000Z",
    "expires_at": "2099-12-31T00:00:00.000Z",
    "due_at": "2026-12-22T10:18:00.000Z",
    "status": "open",
    "source": "delivery",
    "api_version": "2026-10-28.endive",
    "payload": {"id": "evt_1Pgf", "object": "event"},
    "deleted": True,
    "value": "12345",
    "caller": "shop",
    "discounts": "di_1Pgf",
    "account_tax_ids": "atxi_1Pgf",
    "default_tax_rates": "txr_1Pgf",
    "tax_rates": "txr_1Pgf",
    "payment_method_types": "card",
    "images": "https://shop.example/consulting.png",
    "has_more": False,
    "next_cursor": None,
}
"""The value of fields of this name, in all schemas."""

DETAILS = {
    "malformed_request": "The body is not JSON.",
    "invalid_signature": "No signature in Stripe-Signature matches the body under any configured secret.",
    "unauthenticated": "Authorization must be `Bearer` and an API key of this service.",
    "forbidden": "This key may not do that.",
    "payment_failed": "Your card has insufficient funds.",
    "payment_action_required": "This payment requires additional user action before it can be completed.",
    "not_found": "There is no invoice 'in_1PgF'.",
    "method_not_allowed": "PUT is not possible at this address, which takes GET, POST.",
    "invalid_state": "The invoice is open: finalize is not possible. Allowed from open: send, pay, void.",
    "nothing_to_bill": "The invoice has no items: nothing would be billed, and Stripe would call it paid.",
    "automatic_tax_failed": "Stripe cannot tell where the customer is taxed. Set the customer's address, then try again.",
    "reference_taken": "The reference 'order-1042' belongs to in_1PgF.",
    "nothing_to_refund": "There is nothing to refund: all of it was given back already.",
    "refund_too_large": "amount: at most 120.00 USD can be refunded.",
    "payment_disputed": "A dispute holds 240.00 USD of what was paid: that cannot be refunded. 0.00 USD can.",
    "credit_too_large": "amount: at most 120.00 USD of this invoice can be credited.",
    "invoice_busy": "Another request is refunding or crediting this invoice; ask again when it is done.",
    "idempotency_in_progress": "A request with this Idempotency-Key is still running.",
    "idempotency_mismatch": "This Idempotency-Key was used for another request.",
    "payload_too_large": "The body is larger than 1048576 bytes.",
    "unsupported_media_type": "The body must be sent as Content-Type: application/json.",
    "validation_error": "items[0].amount: must be a valid integer",
    "stripe_invalid_request": "No such price: 'price_1Pgf'",
    "rate_limited": "Too many requests.",
    "internal_error": "Something went wrong here; it was logged.",
    "stripe_error": "Stripe answered with an error of its own.",
    "stripe_unavailable": "Stripe cannot be reached.",
    "stripe_timeout": "Stripe did not answer in time.",
    "database_unavailable": (
        "The database cannot be reached right now. What was asked may have been recorded all the same: ask again, with "
        "the same Idempotency-Key."
    ),
}
MORE: dict[str, dict[str, Any]] = {
    "invalid_state": {"invoice_status": "open", "allowed": ["send", "pay", "void"]},
    "reference_taken": {"param": "reference", "existing": "in_1PgF"},
    "nothing_to_refund": {"refundable": 0},
    "refund_too_large": {"param": "amount", "refundable": 12000},
    "payment_disputed": {"refundable": 0},
    "credit_too_large": {"param": "amount", "creditable": 12000},
    "invoice_busy": {"retry_after": 1},
    "validation_error": {
        "param": "items[0].amount",
        "errors": [{"loc": ["items", 0, "amount"], "msg": "must be a valid integer", "type": "int_type"}],
    },
    "payment_failed": {
        "stripe": {
            "request_id": "req_1Pgf",
            "type": "card_error",
            "code": "card_declined",
            "decline_code": "insufficient_funds",
            "param": None,
        }
    },
}


def problems() -> dict[str, Any]:
    """A problem of each code, as components that operations refer to."""
    return {code: {"value": _problem(code, status)} for code, status in STATUS.items()}


def _problem(code: str, status: int) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    told = {"type": "about:blank", "title": title, "status": status, "detail": DETAILS.get(code, title), "code": code}
    return {**told, "request_id": VALUES["request_id"], **MORE.get(code, {})}


def illustrate(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    document["components"]["examples"] = problems()
    for operations in document["paths"].values():
        for operation in operations.values():
            _show(operation.get("requestBody", {}), schemas, asked=True)
            for status, response in operation["responses"].items():
                if status.startswith("2"):
                    _show(response, schemas, asked=False)


def _show(message: dict[str, Any], schemas: Schema, *, asked: bool) -> None:
    for media in message.get("content", {}).values():
        if "schema" in media and not media.keys() & {"example", "examples"}:
            media["example"] = example(media["schema"], schemas, asked=asked)


def example(schema: Schema, schemas: Schema, *, asked: bool, name: str = "") -> Any:
    """An example of `schema`, for a field called `name`. `asked` means that it belongs to a request."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas, asked=asked, name=name)
    if "examples" in schema:
        return schema["examples"][0]
    if "properties" in schema:
        return {
            field: example(inner, schemas, asked=asked, name=field)
            for field, inner in schema["properties"].items()
            if not asked or field in schema.get("required", ()) or "examples" in inner
        }
    choices = [choice for key in ("anyOf", "oneOf") for choice in schema.get(key, ())]
    if choices:
        return _chosen(choices, schemas, asked=asked, name=name)
    if schema.get("type") == "array":
        return [example(schema["items"], schemas, asked=asked, name=name)]
    return _plain(schema, name)


PLAIN = {"string": "text", "integer": 0, "number": 0, "boolean": False, "null": None}


def _plain(schema: Schema, name: str) -> Any:
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if allowed:
        return VALUES[name] if VALUES.get(name) in allowed else allowed[0]
    usual = VALUES["created_at"] if schema.get("format") == "date-time" else PLAIN.get(schema.get("type", ""), {})
    return VALUES.get(name, usual)


def _chosen(choices: list[Schema], schemas: Schema, *, asked: bool, name: str) -> Any:
    """An example of the first choice, or null if that is allowed and no example of the choice is known."""
    first, nullable = choices[0], {"type": "null"} in choices
    known = name in VALUES or "examples" in first or not nullable or asked or first.get("type") == "array"
    return example(first, schemas, asked=asked, name=name) if known or "$ref" in first else None
