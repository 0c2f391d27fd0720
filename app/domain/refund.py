"""Refunds: their statuses, and how much of an invoice's payments may still be refunded. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.domain.errors import InvoiceBusy, NothingToRefund, PaymentDisputed, RefundTooLarge, Refused, ValidationFailed
from app.domain.money import format_amount


class RefundStatus(StrEnum):
    """Stripe's statuses of a refund."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


RANK: Final = {
    RefundStatus.PENDING: 0,
    RefundStatus.REQUIRES_ACTION: 0,
    RefundStatus.SUCCEEDED: 1,
    RefundStatus.FAILED: 2,
    RefundStatus.CANCELED: 2,
}
"""The order of statuses: one that succeeded may still fail."""

NEVER_HAPPENED: Final = frozenset({RefundStatus.FAILED, RefundStatus.CANCELED})
"""The statuses of refunds that give nothing back."""

BUSY_S: Final = 1
"""Seconds after which a request may be repeated that another one was in the way of."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment of an invoice, in minor units.

    paid: what it paid. refunded: what refunds gave back or will give back. disputed: what a dispute withdrew. reserved:
    what requests under way are about to refund.
    """

    payment_intent: str
    paid: int
    refunded: int = 0
    disputed: int = 0
    reserved: int = 0

    @property
    def refundable(self) -> int:
        """What may be refunded as far as it is known here, requests under way aside."""
        return max(self.paid - self.refunded - self.disputed, 0)

    @property
    def free(self) -> int:
        """What may be refunded and that no request under way is about to refund."""
        return max(self.refundable - self.reserved, 0)


@dataclass(frozen=True, slots=True)
class Part:
    """What is refunded of one payment: one call to Stripe."""

    payment_intent: str
    amount: int


def plan(
    payments: Sequence[Payment],
    amount: int | None,
    named: str | None,
    currency: str,
    *,
    credited: int = 0,
    reserved: int = 0,
) -> list[Part]:
    """Which payments to refund, and how much of each.

    `payments` come newest first, and are refunded in that order, or only the one that is `named`. Without an `amount`
    all that is left is refunded. `credited`: what credit notes gave back otherwise, which is not left to refund.
    `reserved`: what requests under way are about to refund of any payment.

    Raises ValidationFailed for a payment of another invoice, NothingToRefund, PaymentDisputed, RefundTooLarge, and
    InvoiceBusy where it depends on requests under way.
    """
    chosen = [one for one in payments if named is None or one.payment_intent == named]
    if named is not None and not chosen:
        raise ValidationFailed(f"payment_intent: {named} did not pay this invoice.", param="payment_intent")
    left = _left(payments, chosen, "refundable", credited)
    wanted = left if amount is None else amount
    if wanted == 0 or wanted > left:
        raise _refusal(chosen, amount, left, currency)
    if wanted > _left(payments, chosen, "free", credited + reserved):
        raise InvoiceBusy(
            "Another request is refunding or crediting this invoice; ask again when it is done.", retry_after=BUSY_S
        )
    parts: list[Part] = []
    for one in chosen:
        taken = min(one.free, wanted - sum(part.amount for part in parts))
        if taken:
            parts.append(Part(one.payment_intent, taken))
    return parts


def _left(payments: Sequence[Payment], chosen: Sequence[Payment], measure: str, less: int) -> int:
    """What is left of the `chosen` payments, and of all `payments` less what is given back of any."""
    of_chosen: int = sum(getattr(one, measure) for one in chosen)
    of_all: int = sum(getattr(one, measure) for one in payments)
    return max(min(of_chosen, of_all - less), 0)


def _refusal(chosen: Sequence[Payment], amount: int | None, left: int, currency: str) -> Refused:
    """Why not `amount`, or anything at all, can be refunded of the `chosen` payments."""
    disputed = sum(one.disputed for one in chosen)
    extra = {"refundable": left}
    if disputed and (amount is None or amount <= left + disputed):
        return PaymentDisputed(
            f"A dispute holds {format_amount(disputed, currency)} of what was paid: that cannot be refunded. "
            f"{format_amount(left, currency)} can.",
            param=None if amount is None else "amount",
            extra=extra,
        )
    if not left:
        paid = sum(one.paid for one in chosen)
        why = "all of it was given back already" if paid else "nothing was paid through Stripe"
        return NothingToRefund(f"There is nothing to refund: {why}.", extra=extra)
    return RefundTooLarge(
        f"amount: at most {format_amount(left, currency)} can be refunded.", param="amount", extra=extra
    )
