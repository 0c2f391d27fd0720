"""Credit notes: their statuses, and how much of an invoice may still be credited. Pure."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from app.domain.errors import CreditTooLarge, InvoiceBusy
from app.domain.json import JsonView
from app.domain.money import format_amount
from app.domain.refund import BUSY_S


class CreditNoteStatus(StrEnum):
    """Stripe's statuses of a credit note."""

    ISSUED = "issued"
    VOID = "void"


class CreditNoteType(StrEnum):
    """Whether a credit note reduces what is to be paid, gives back what was paid, or both."""

    PRE_PAYMENT = "pre_payment"
    POST_PAYMENT = "post_payment"
    MIXED = "mixed"


RANK: Final = {CreditNoteStatus.ISSUED: 0, CreditNoteStatus.VOID: 1}
"""The order of statuses: one that is void is never issued again."""


def credited(credit_notes: Iterable[JsonView]) -> tuple[int, int]:
    """What the credit notes that are not void credit before and after payment."""
    live = [note for note in credit_notes if note["status"] != CreditNoteStatus.VOID]
    return sum(note["pre_payment_amount"] for note in live), sum(note["post_payment_amount"] for note in live)


def require_creditable(amount: int, left: int, reserved: int, currency: str) -> None:
    """Raise CreditTooLarge if `amount` is more than what is `left` to credit.

    Raises InvoiceBusy if that depends on requests under way, which are about to credit `reserved`.
    """
    if amount > left:
        raise CreditTooLarge(
            f"amount: at most {format_amount(left, currency)} of this invoice can be credited.",
            param="amount",
            extra={"creditable": left},
        )
    if amount > left - reserved:
        raise InvoiceBusy(
            "Another request is refunding or crediting this invoice; ask again when it is done.", retry_after=BUSY_S
        )
