"""Disputes: their statuses and the order of these. Pure."""

from enum import StrEnum
from typing import Final


class DisputeStatus(StrEnum):
    """Stripe's statuses of a dispute. An inquiry (`warning_…`) withdraws no money, but may become a dispute."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    APPEAL_NEEDS_RESPONSE = "appeal_needs_response"
    APPEAL_UNDER_REVIEW = "appeal_under_review"
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"


RANK: Final = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: 0,
    DisputeStatus.WARNING_UNDER_REVIEW: 1,
    DisputeStatus.WARNING_CLOSED: 2,
    DisputeStatus.NEEDS_RESPONSE: 3,
    DisputeStatus.UNDER_REVIEW: 4,
    DisputeStatus.APPEAL_NEEDS_RESPONSE: 5,
    DisputeStatus.APPEAL_UNDER_REVIEW: 5,
    DisputeStatus.WON: 5,
    DisputeStatus.LOST: 5,
    DisputeStatus.PREVENTED: 5,
}
"""The order of statuses. An inquiry that becomes a dispute moves on. What is decided may be appealed and decided again."""

TO_ANSWER: Final = frozenset(
    {DisputeStatus.WARNING_NEEDS_RESPONSE, DisputeStatus.NEEDS_RESPONSE, DisputeStatus.APPEAL_NEEDS_RESPONSE}
)
"""The statuses of disputes that wait for evidence."""

CLOSED: Final = frozenset(
    {DisputeStatus.WON, DisputeStatus.LOST, DisputeStatus.PREVENTED, DisputeStatus.WARNING_CLOSED}
)
"""The statuses of disputes that are decided."""
