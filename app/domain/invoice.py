"""The state machine of an invoice: its statuses, and the acts that each allows. A status only moves forward.

Source: Stripe, "How invoice statuses work", and the refusals of the endive API. Pure.
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


class Settlement(StrEnum):
    """What made an invoice `paid`. Stripe also calls invoices paid that nobody had to pay."""

    PAYMENT = "payment"
    OUT_OF_BAND = "out_of_band"
    CREDIT_NOTE = "credit_note"
    CUSTOMER_BALANCE = "customer_balance"
    BELOW_MINIMUM = "below_minimum"
    NEGATIVE_TOTAL = "negative_total"
    NOTHING_DUE = "nothing_due"


RANK: Final = {
    InvoiceStatus.DRAFT: 0,
    InvoiceStatus.OPEN: 2,
    InvoiceStatus.UNCOLLECTIBLE: 3,
    InvoiceStatus.PAID: 4,
    InvoiceStatus.VOID: 4,
}
"""The lattice: a snapshot of lower rank than what is known is the older one, unless Stripe, asked, says otherwise."""

DELETED_RANK: Final = 1
"""A deleted draft is no draft again. Stripe deletes nothing but drafts: a finalized invoice was never deleted."""


class Act(StrEnum):
    """The acts that a caller may ask for."""

    UPDATE = "update"
    CHANGE_COLLECTION = "change_collection"
    DELETE = "delete"
    EDIT_ITEMS = "edit_items"
    FINALIZE = "finalize"
    SEND = "send"
    PAY = "pay"
    VOID = "void"
    MARK_UNCOLLECTIBLE = "mark_uncollectible"
    CLIENT_SECRET = "client_secret"  # noqa: S105 -- the name of an act, no secret
    PAYMENT_LINK = "payment_link"
    ATTACH_PAYMENT = "attach_payment"
    UPDATE_PAYMENT_INTENT = "update_payment_intent"
    REVISE = "revise"
    REFUND = "refund"
    CREDIT = "credit"


TRANSITIONS: Final[dict[Act, frozenset[InvoiceStatus]]] = {
    Act.UPDATE: frozenset({InvoiceStatus.DRAFT}),
    Act.CHANGE_COLLECTION: frozenset({InvoiceStatus.DRAFT, InvoiceStatus.OPEN}),
    Act.DELETE: frozenset({InvoiceStatus.DRAFT}),
    Act.EDIT_ITEMS: frozenset({InvoiceStatus.DRAFT}),
    Act.FINALIZE: frozenset({InvoiceStatus.DRAFT}),
    Act.SEND: frozenset({InvoiceStatus.DRAFT, InvoiceStatus.OPEN}),
    Act.PAY: frozenset({InvoiceStatus.DRAFT, InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}),
    Act.VOID: frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}),
    Act.MARK_UNCOLLECTIBLE: frozenset({InvoiceStatus.OPEN}),
    Act.CLIENT_SECRET: frozenset({InvoiceStatus.OPEN}),
    Act.PAYMENT_LINK: frozenset({InvoiceStatus.OPEN}),
    Act.ATTACH_PAYMENT: frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}),
    Act.REVISE: frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE}),
    Act.UPDATE_PAYMENT_INTENT: frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE, InvoiceStatus.PAID}),
    Act.REFUND: frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE, InvoiceStatus.PAID}),
    Act.CREDIT: frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE, InvoiceStatus.PAID}),
}
"""The statuses from which each act is allowed."""


LEADS_TO: Final[dict[Act, frozenset[InvoiceStatus]]] = {
    Act.FINALIZE: frozenset(InvoiceStatus) - {InvoiceStatus.DRAFT},
    Act.PAY: frozenset({InvoiceStatus.PAID}),
    Act.VOID: frozenset({InvoiceStatus.VOID}),
    Act.MARK_UNCOLLECTIBLE: frozenset({InvoiceStatus.UNCOLLECTIBLE}),
}
"""The statuses that show that an act was done. Acts that keep the status are missing."""


def allowed_acts(status: InvoiceStatus) -> list[str]:
    """The acts allowed from `status`, in the order of `Act`."""
    return [act.value for act in Act if status in TRANSITIONS[act]]


def require(act: Act, status: str) -> None:
    """Raise InvalidState, with the status and the acts it allows, unless `act` is allowed."""
    if InvoiceStatus(status) not in TRANSITIONS[act]:
        allowed = allowed_acts(InvoiceStatus(status))
        may = ", ".join(allowed) or "nothing"
        raise InvalidState(
            f"The invoice is {status}: {act.value} is not possible. Allowed from {status}: {may}.",
            extra={"invoice_status": status, "allowed": allowed},
        )


def advance(current: str | None, to: str, *, asked: bool = False) -> InvoiceStatus:
    """The status after a snapshot that says `to`, where `current` is known (None: nothing yet).

    The status only moves forward in the lattice; a snapshot from behind changes nothing. `asked`: Stripe said so, asked
    about `current`: a payment that is detached opens a paid invoice again.
    """
    target = InvoiceStatus(to)
    if current is None or asked:
        return target
    known = InvoiceStatus(current)
    return target if RANK[target] >= RANK[known] else known
