"""The table of errors: what each failure of a call to Stripe means for us."""

import asyncio
import re
from http import HTTPStatus

import aiohttp
import stripe

from app.domain.errors import (
    AutomaticTaxFailed,
    InvoicingError,
    PaymentActionRequired,
    PaymentFailed,
    RateLimited,
    StripeError,
    StripeInvalidRequest,
    StripeKeyRefused,
    StripeKeySpent,
    StripeTimeout,
    StripeUnavailable,
)
from app.domain.json import JsonObject, without_nul

ACTION_REQUIRED = frozenset({"authentication_required", "invoice_payment_intent_requires_action"})
"""Codes of a 402 that the customer can solve by authenticating, not with another card."""

_LOCATION = (
    "Stripe cannot tell where the customer is taxed. Set the customer's address with its country (in the United States also "
    "postal_code), or its shipping address, then try again; or do without automatic_tax."
)
TAX_PROBLEMS = {
    "customer_tax_location_invalid": _LOCATION,
    "tax_location_invalid": _LOCATION,
    "shipping_address_invalid": _LOCATION,
    "stripe_tax_inactive": (
        "Stripe Tax is not active in this account. Activate it in Stripe's Dashboard, then try again; or do without automatic_tax."
    ),
    "taxes_calculation_failed": "Stripe could not compute the tax. Try again in a moment; or do without automatic_tax.",
}
"""What to do where Stripe cannot compute the tax, by its code."""
RETRY_AFTER_S = 2
PERMISSION = re.compile(r"rak_[a-z_]+")
"""The permission that a restricted key lacks, as Stripe's message names it."""

FAILURES = (stripe.StripeError, aiohttp.ClientError, asyncio.TimeoutError, OSError)
"""All errors that a call may raise: the SDK's, and those that escape it (aiohttp's truncated bodies)."""


NOT_EXECUTED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
"""Answers that Stripe gives before it executes anything."""


def _described(error: stripe.StripeError) -> JsonObject:
    said = error.error
    described = {
        "request_id": error.request_id,
        "type": getattr(said, "type", None),
        "code": getattr(said, "code", None),
        "decline_code": getattr(said, "decline_code", None),
        "param": getattr(said, "param", None),
    }
    return without_nul(described)


def _from_answer(error: stripe.StripeError) -> InvoicingError:  # noqa: PLR0911 -- one table, a line per case
    status = error.http_status or 0
    described = _described(error)
    message = without_nul(error.user_message or "Stripe refused the request.")
    if key_is_spent(error):
        return StripeKeySpent("Stripe keeps an answer under this call's key that is none.", stripe=described)
    if status == HTTPStatus.PAYMENT_REQUIRED:
        failure = PaymentActionRequired if described["code"] in ACTION_REQUIRED else PaymentFailed
        return failure(message, stripe=described)
    if is_too_fast(error):
        return RateLimited("Stripe's rate limit is reached.", stripe=described, retry_after=RETRY_AFTER_S)
    if status in {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}:
        return StripeUnavailable(
            "Stripe is still busy with the same object.", stripe=described, retry_after=RETRY_AFTER_S
        )
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _key_refused(message, described)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return StripeUnavailable("Stripe is not available.", stripe=described, retry_after=RETRY_AFTER_S)
    if described["code"] in TAX_PROBLEMS:
        return AutomaticTaxFailed(TAX_PROBLEMS[described["code"]], param="automatic_tax", stripe=described)
    if status >= HTTPStatus.BAD_REQUEST and not _is_failure(status):
        return StripeInvalidRequest(message, param=described["param"], stripe=described)
    return StripeError("Stripe answered with an error of its own.", stripe=described, retry_after=RETRY_AFTER_S)


def _key_refused(message: str, described: JsonObject) -> StripeKeyRefused:
    lacks = PERMISSION.search(message)
    why = f" for this: it lacks {lacks[0]}" if lacks else ""
    refused = StripeKeyRefused(
        f"Stripe did not accept this service's key{why}; its operator must look.", stripe=described
    )
    refused.permission = lacks[0] if lacks else None
    return refused


def translate(error: BaseException) -> InvoicingError:
    """Our error for `error`, which is one of FAILURES or already ours."""
    if isinstance(error, InvoicingError):
        return error
    if isinstance(error, stripe.APIConnectionError):
        cause = error.__cause__ or error.__context__
        if isinstance(cause, (TimeoutError, asyncio.TimeoutError)):
            return StripeTimeout("Stripe did not answer in time.", retry_after=RETRY_AFTER_S)
        return StripeUnavailable("Stripe cannot be reached.", retry_after=RETRY_AFTER_S)
    if isinstance(error, stripe.StripeError):
        return _from_answer(error)
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return StripeTimeout("Stripe did not answer in time.", retry_after=RETRY_AFTER_S)
    return StripeError("Stripe's answer was cut short.", retry_after=RETRY_AFTER_S)


def _is_failure(status: int) -> bool:
    """Whether something failed, rather than was refused: at Stripe, or (424) at what Stripe depends on."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.FAILED_DEPENDENCY


def key_is_spent(error: stripe.StripeError) -> bool:
    """Whether nothing can be executed under the call's key, because a failure or another request is stored there."""
    if _is_failure(error.http_status or 0):
        return (error.headers or {}).get("Idempotent-Replayed") == "true"
    return error.http_status == HTTPStatus.BAD_REQUEST and getattr(error.error, "type", None) == "idempotency_error"


def worth_another_try(error: BaseException) -> bool:
    """Whether a retry may succeed: Stripe's own hint decides, then no answer, 409, 424, 429 and 5xx."""
    if isinstance(error, InvoicingError):
        return False
    if not isinstance(error, stripe.StripeError) or isinstance(error, stripe.APIConnectionError):
        return True
    hint = (error.headers or {}).get("Stripe-Should-Retry")
    if key_is_spent(error) or hint in {"true", "false"}:
        return hint == "true" and not key_is_spent(error)
    status = error.http_status or HTTPStatus.INTERNAL_SERVER_ERROR
    return status < HTTPStatus.BAD_REQUEST or status in {409, 429} or _is_failure(status)


def may_have_executed(error: BaseException) -> bool:
    """Whether Stripe may have done what was asked although the call failed."""
    if isinstance(error, InvoicingError):
        return False
    if isinstance(error, stripe.APIConnectionError):
        return not isinstance(error.__cause__ or error.__context__, aiohttp.ClientConnectorError)
    if isinstance(error, stripe.StripeError):
        return error.http_status not in NOT_EXECUTED
    return True


def is_outage(error: BaseException) -> bool:
    """Whether Stripe seems to be down: no answer, an unreadable one, or a new 5xx."""
    if isinstance(error, stripe.StripeError) and not isinstance(error, stripe.APIConnectionError):
        status = error.http_status or HTTPStatus.INTERNAL_SERVER_ERROR
        return status >= HTTPStatus.INTERNAL_SERVER_ERROR and not key_is_spent(error)
    return True


def is_too_fast(error: BaseException) -> bool:
    """Whether Stripe asks for a slower pace. A locked object is also a 429, but does not concern the pace."""
    return (
        isinstance(error, stripe.StripeError)
        and error.http_status == HTTPStatus.TOO_MANY_REQUESTS
        and getattr(error.error, "code", None) != "lock_timeout"
    )
