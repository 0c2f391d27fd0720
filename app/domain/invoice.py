"""Owns the invoice's state machine: its statuses, which act is allowed from which, and that it only moves forward.

It knows nothing of how an invoice is stored or of Stripe's wire format.
Source: Stripe, "How invoice statuses work", and the endive API's refusals.
"""

from enum import StrEnum
from typing import Final

from app.domain.errors import InvalidState


class InvoiceStatus(StrEnum):
    """Stripe's five statuses of an invoice."""

    DRAFT = "draft"
    OPEN = "open"
    UNCOLLECTIBLE = "uncollectible"
    PAID = "paid"
    VOID = "void"


RANK: Final = {
    InvoiceStatus.DRAFT: 0,
    InvoiceStatus.OPEN: 1,
    InvoiceStatus.UNCOLLECTIBLE: 2,
    InvoiceStatus.PAID: 3,
    InvoiceStatus.VOID: 3,
}
"""The lattice: a snapshot of lower rank than what is known is always the older one."""

DELETED_RANK: Final = 4
"""A deleted draft is gone for good: nothing that is said of it later counts."""


class Act(StrEnum):
    """What a caller may ask of an invoice, in Stripe's words."""

    UPDATE = "update"
    DELETE = "delete"
    EDIT_ITEMS = "edit_items"
    FINALIZE = "finalize"
    SEND = "send"
    PAY = "pay"
    VOID = "void"
    MARK_UNCOLLECTIBLE = "mark_uncollectible"
    CLIENT_SECRET = "client_secret"  # noqa: S105 -- the name of an act, no secret
    PAYMENT_LINK = "payment_link"


TRANSITIONS: Final[dict[Act, frozenset[InvoiceStatus]]] = {
    Act.UPDATE: frozenset({InvoiceStatus.DRAFT}),
    Act.DELETE: frozenset({InvoiceStatus.DRAFT}),
    Act.EDIT_ITEMS: frozenset({InvoiceStatus.DRAFT}),
    Act.FINALIZE: frozenset({InvoiceStatus.DRAFT}),
    Act.SEND: frozenset({InvoiceStatus.DRAFT, InvoiceStatus.OPEN}),
    Act.PAY: frozenset({InvoiceStatus.DRAFT, InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}),
    Act.VOID: frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}),
    Act.MARK_UNCOLLECTIBLE: frozenset({InvoiceStatus.OPEN}),
    Act.CLIENT_SECRET: frozenset({InvoiceStatus.OPEN}),
    Act.PAYMENT_LINK: frozenset({InvoiceStatus.OPEN}),
}
"""From which statuses each act is allowed."""


LEADS_TO: Final[dict[Act, frozenset[InvoiceStatus]]] = {
    Act.FINALIZE: frozenset(InvoiceStatus) - {InvoiceStatus.DRAFT},
    Act.PAY: frozenset({InvoiceStatus.PAID}),
    Act.VOID: frozenset({InvoiceStatus.VOID}),
    Act.MARK_UNCOLLECTIBLE: frozenset({InvoiceStatus.UNCOLLECTIBLE}),
}
"""The statuses that show that an act was done; acts that leave the status as it is are not here."""


def allowed_acts(status: InvoiceStatus) -> list[str]:
    """The acts allowed from `status`, in the order of `Act`."""
    return [act.value for act in Act if status in TRANSITIONS[act]]


def require(act: Act, status: str) -> None:
    """Raise InvalidState, naming `status` and what is allowed from it, unless `act` is."""
    if InvoiceStatus(status) not in TRANSITIONS[act]:
        allowed = allowed_acts(InvoiceStatus(status))
        may = ", ".join(allowed) or "nothing"
        raise InvalidState(
            f"The invoice is {status}: {act.value} is not possible. Allowed from {status}: {may}.",
            extra={"invoice_status": status, "allowed": allowed},
        )


def advance(current: str | None, to: str) -> InvoiceStatus:
    """The status after a snapshot that says `to`, where `current` is known (None: nothing yet).

    The status only moves forward in the lattice; a snapshot from behind changes nothing.
    """
    target = InvoiceStatus(to)
    if current is None:
        return target
    known = InvoiceStatus(current)
    return target if RANK[target] >= RANK[known] else known
