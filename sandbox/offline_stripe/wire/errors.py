"""Stripe's errors: their types, codes, statuses and wording.

It builds error bodies, and holds the wording that several resources share. Resources and billing rules decide when an
error is due.
"""

from offline_stripe.documents import Document

DOCS = "https://stripe.com/docs/error-codes"

_NOUNS = {
    "payment_method": "PaymentMethod",
    "setup_intent": "setupintent",
    "webhook_endpoint": "webhook endpoint",
    "promotion_code": "promotion code",
    "invoice_rendering_template": "invoice rendering template",
    "shipping_rate": "shipping rate",
    "tax_id": "tax ID",
    "test_helpers.test_clock": "test clock",
    "tax_rate": "tax rate",
    "line_item": "invoice line item",
    "event": "event",
    "balance_transaction": "balance transaction",
    "file": "file upload",
    "radar.early_fraud_warning": "early fraud warning",
}


class StripeError(Exception):
    """An error answer. With `keeps_changes` the transaction that raised it commits all the same."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        details: Document | None = None,
        keeps_changes: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.details = details or {}
        self.keeps_changes = keeps_changes
        self.headers = headers or {}

    def body(self, request_id: str) -> Document:
        error: Document = {}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"{DOCS}/{self.code.replace('_', '-')}"
        error |= self.details
        error["message"] = self.message
        if self.param:
            error["param"] = self.param
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        error["type"] = self.kind
        return {"error": error}


def invalid_request(message: str, *, code: str | None = None, param: str | None = None) -> StripeError:
    return StripeError(message, code=code, param=param)


def resource_missing(kind: str, identifier: str, *, param: str, status: int = 400) -> StripeError:
    noun = _NOUNS.get(kind, kind)
    message = f"No such {noun}: '{identifier}'"
    return StripeError(message, status=status, code="resource_missing", param=param)


def parameter_missing(name: str) -> StripeError:
    return invalid_request(f"Missing required param: {name}.", code="parameter_missing", param=name)


def require_positive(sent: Document, *names: str) -> None:
    """Refuse numbers that are not at least one. Raises StripeError."""
    for name in names:
        if sent.get(name) is not None and sent[name] < 1:
            raise invalid_request("Invalid positive integer", code="parameter_invalid_integer", param=name)


def require_to_come(now: int, sent: Document, *names: str) -> None:
    """Refuse moments that have passed. Raises StripeError."""
    for name in names:
        if isinstance(moment := sent.get(name), int) and moment <= now:
            raise invalid_request("Invalid timestamp: must be an integer Unix timestamp in the future.", param=name)


def parameter_unknown(names: list[str]) -> StripeError:
    plural = "s" if len(names) > 1 else ""
    message = f"Received unknown parameter{plural}: {', '.join(names)}"
    return invalid_request(message, code="parameter_unknown", param=names[0])


def parameter_empty(name: str) -> StripeError:
    message = (
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a "
        f"parameter; however '{name}' cannot be unset. You should remove '{name}' from your request or "
        "supply a non-empty value."
    )
    return invalid_request(message, code="parameter_invalid_empty", param=name)
