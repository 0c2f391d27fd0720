"""The errors that this service answers with. A `Refused` request gets the same answer again; `Unavailable` may pass.

The codes are the contract. Only app/http/problems.py decides which HTTP status each gets. An error's `detail` is for
people, holds no secret, and names the field that is to blame, if there is one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Self

from app.domain.json import JsonObject, JsonView
from app.domain.redaction import cut, redacted

LONGEST_DETAIL = 2000
"""The most characters stored of an error's text, ours or Stripe's."""


class InvoicingError(Exception):
    """The root of all errors. `replayed`: a stored answer. `unsure`: Stripe may have done what was asked."""

    code: ClassVar[str]
    replayed = False
    unsure = False

    def __init__(
        self,
        detail: str,
        *,
        param: str | None = None,
        stripe: JsonView | None = None,
        retry_after: int | None = None,
        extra: JsonView | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.param = param
        self.stripe = stripe
        self.retry_after = retry_after
        self.extra = extra or {}

    def to_document(self) -> JsonObject:
        """The error as JSON, without secrets; `restore` reads it."""
        return {
            "code": self.code,
            "detail": redacted(cut(self.detail, LONGEST_DETAIL)),
            "param": self.param,
            "stripe": _redacted(self.stripe) if self.stripe else None,
            "retry_after": self.retry_after,
            "extra": dict(self.extra),
        }

    @classmethod
    def _from_document(cls, document: JsonView) -> Self:
        error = cls.__new__(cls)
        InvoicingError.__init__(
            error,
            document["detail"],
            param=document["param"],
            stripe=document["stripe"],
            retry_after=document["retry_after"],
            extra=document["extra"],
        )
        return error


class Refused(InvoicingError):
    """A retry gives the same answer, so the answer may be stored and replayed."""


class NotFound(Refused):
    code = "not_found"


class Unauthenticated(Refused):
    code = "unauthenticated"


class Forbidden(Refused):
    code = "forbidden"


class InvalidState(Refused):
    """The object's state does not allow the act. Names the state and the acts it allows."""

    code = "invalid_state"


class NothingToBill(Refused):
    """Finalizing a draft without items: Stripe would call it paid."""

    code = "nothing_to_bill"


class ReferenceTaken(Refused):
    code = "reference_taken"


class NothingToRefund(Refused):
    """Nothing was paid through Stripe, or all of it was given back."""

    code = "nothing_to_refund"


class RefundTooLarge(Refused):
    """More than what is left of what was paid. Names what can be refunded."""

    code = "refund_too_large"


class PaymentDisputed(Refused):
    """A dispute holds the money that was to be refunded."""

    code = "payment_disputed"


class CreditTooLarge(Refused):
    """More than what is left of the invoice to credit. Names what can be credited."""

    code = "credit_too_large"


class IdempotencyMismatch(Refused):
    code = "idempotency_mismatch"


class ValidationFailed(Refused):
    code = "validation_error"


class MalformedRequest(Refused):
    code = "malformed_request"


class PayloadTooLarge(Refused):
    code = "payload_too_large"


class StripeInvalidRequest(Refused):
    code = "stripe_invalid_request"

    @property
    def object_missing(self) -> bool:
        """Whether Stripe refused because it has no such object."""
        return self.stripe is not None and self.stripe["code"] == "resource_missing"

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Give a refusal of ours that the block raises what Stripe answered: it says the same in our words."""
        try:
            yield
        except Refused as refusal:
            refusal.stripe = self.stripe
            raise refusal from self


class AutomaticTaxFailed(StripeInvalidRequest):
    """Stripe cannot compute the tax, as a rule because it does not know where the customer is. Says what to do."""

    code = "automatic_tax_failed"


class PaymentFailed(Refused):
    code = "payment_failed"


class PaymentActionRequired(Refused):
    code = "payment_action_required"


class Unavailable(InvoicingError):
    """A retry may succeed, so this is never stored as an answer."""


class IdempotencyInProgress(Unavailable):
    code = "idempotency_in_progress"


class InvoiceBusy(Unavailable):
    """Whether it is possible depends on another request that is changing what was paid of the invoice."""

    code = "invoice_busy"


class RateLimited(Unavailable):
    code = "rate_limited"


class StripeError(Unavailable):
    code = "stripe_error"


class StripeKeySpent(StripeError):
    """Stripe stored a failure, or another request, under this Idempotency-Key."""


class StripeKeyRefused(StripeError):
    """Stripe refuses this service's key. `permission` is what a restricted key lacks, if Stripe says so."""

    permission: str | None = None


class NotAtStripe(StripeError):
    """Stripe, asked with our key, does not know an object that cannot have been deleted."""

    def __init__(self, kind: str, object_id: str) -> None:
        super().__init__(
            f"Stripe does not know the {kind} {object_id}, which was not deleted: "
            "STRIPE_SECRET_KEY is of another account or of another test environment than the one it was made in."
        )


class StripeUnavailable(Unavailable):
    code = "stripe_unavailable"


class Overtaken(StripeUnavailable):
    """Others change an object faster than Stripe answers about it."""

    def __init__(self, object_id: str) -> None:
        super().__init__(f"Others keep changing {object_id}: ask again, and this continues.", retry_after=1)


class StripeTimeout(Unavailable):
    code = "stripe_timeout"


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"


class DatabaseContention(DatabaseUnavailable):
    """The database rolled the transaction back in favour of another. A retry may succeed at once."""


class IdentityProviderUnavailable(Unavailable):
    """Tokens cannot be verified, so callers with tokens are refused."""

    code = "identity_provider_unavailable"


class RequestTimeout(Unavailable):
    code = "request_timeout"


def _redacted(said: JsonView) -> JsonObject:
    """Stripe's error, without secrets that it may have repeated from the request."""
    return {
        name: redacted(cut(value, LONGEST_DETAIL)) if isinstance(value, str) else value for name, value in said.items()
    }


def _leaves(cls: type[InvoicingError]) -> dict[str, type[InvoicingError]]:
    found = {cls.code: cls} if "code" in vars(cls) else {}
    for child in cls.__subclasses__():
        found |= _leaves(child)
    return found


BY_CODE = _leaves(InvoicingError)
"""The class of each error code of the contract."""


def restore(document: JsonView) -> InvoicingError:
    """The error that `to_document` wrote. One that only a newer release knows is left to that: asked again, it may answer."""
    return BY_CODE.get(document["code"], IdempotencyInProgress)._from_document(document)  # noqa: SLF001 -- its pair
