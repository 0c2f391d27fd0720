"""The money that came back of one invoice: refunds, credit notes after payment, and disputes. Pure.

The sums are a function of the latest state of each object, so neither order nor repetition of events matters.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from app.domain.credit_note import CreditNoteStatus
from app.domain.dispute import TO_ANSWER, DisputeStatus
from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonView
from app.domain.refund import NEVER_HAPPENED

UNDECIDED: Final = frozenset(
    {
        DisputeStatus.NEEDS_RESPONSE,
        DisputeStatus.UNDER_REVIEW,
        DisputeStatus.APPEAL_NEEDS_RESPONSE,
        DisputeStatus.APPEAL_UNDER_REVIEW,
    }
)
"""Disputes whose money is withdrawn until they are decided. Stripe withdraws nothing for a warning (an inquiry)."""
DECIDED_AGAINST_US: Final = frozenset({DisputeStatus.LOST, DisputeStatus.PREVENTED})
"""Disputes whose money, once withdrawn, does not come again."""


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund of a payment of the invoice, in Stripe's words."""

    id: str
    amount: int
    status: str | None


@dataclass(frozen=True, slots=True)
class CreditNote:
    """A credit note of the invoice.

    amount: what it credits of what was paid (`post_payment_amount`). refunds: how much of it each refund pays out, by
    the refund's id.
    """

    amount: int
    status: str
    refunds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute over a payment of the invoice. withdrawn: whether Stripe shows that it took the money."""

    amount: int
    status: str
    withdrawn: bool = False

    @property
    def counts(self) -> bool:
        """Whether the money is gone. Of a prevented dispute, and of a status new at Stripe, the balance tells."""
        return (
            self.status in UNDECIDED
            or self.status == DisputeStatus.LOST
            or (self.withdrawn and self.status != DisputeStatus.WON)
        )


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back, in minor units. Each cent counts once: a refund that a credit note made is the credit note's.

    refunded: by refunds beside credit notes. credited: by credit notes after payment, whichever way. disputed:
    withdrawn by disputes that are undecided or lost. undecided: the part of `disputed` that may come again. to_answer: how
    many disputes wait for evidence.
    """

    refunded: int = 0
    credited: int = 0
    disputed: int = 0
    undecided: int = 0
    to_answer: int = field(default=0, compare=False)

    @property
    def decided(self) -> int:
        """What came back for good, as far as is known."""
        return self.refunded + self.credited + self.disputed - self.undecided

    @property
    def total(self) -> int:
        """All that is not there now."""
        return self.refunded + self.credited + self.disputed

    def beyond(self, surplus: int) -> Self:
        """What came back of the invoice's own money, where `surplus` that nobody owed had arrived besides."""
        refunded = max(self.refunded - surplus, 0)
        disputed = max(self.disputed - max(surplus - self.refunded, 0), 0)
        return replace(self, refunded=refunded, disputed=disputed, undecided=min(self.undecided, disputed))


NOTHING: Final = Returned()


def worth(invoice: JsonView) -> int:
    """The amount that returns are compared with: the amount paid, less the excess that Stripe credited to the balance.

    A payment that is under way, or was made elsewhere, need not be in `amount_paid`.
    """
    paid: int = invoice["amount_paid"] - (invoice.get("amount_overpaid") or 0)
    if invoice["status"] != InvoiceStatus.PAID or invoice["paid_out_of_band"]:
        paid = max(paid, invoice["amount_due"])
    return paid or max(invoice["total"] - (invoice.get("pre_payment_credit_notes_amount") or 0), 0)


def read(
    invoice: JsonView,
    refunds: Iterable[JsonView],
    credit_notes: Iterable[JsonView],
    disputes: Iterable[JsonView],
    *,
    detached: Collection[str] = (),
) -> Returned:
    """What came back by the rows of an invoice's refunds, credit notes and disputes.

    A dispute in another currency than the invoice's counts as one over the whole invoice. Money that came back of
    `detached` PaymentIntents does not count, but their disputes must be answered all the same.
    """
    return returned(
        [Refund(row["id"], row["amount"], row["status"]) for row in refunds if row["payment_intent"] not in detached],
        [CreditNote(row["post_payment_amount"], row["status"], _paid_out(row["refunds"])) for row in credit_notes],
        [Dispute(_disputed(invoice, row, detached), row["status"], row["withdrawn"]) for row in disputes],
    )


def _disputed(invoice: JsonView, dispute: JsonView, detached: Collection[str]) -> int:
    if dispute["payment_intent"] in detached:
        return 0
    return int(dispute["amount"] if dispute["currency"] == invoice["currency"] else invoice["amount_due"])


def _paid_out(refunds: Iterable[JsonView]) -> dict[str, int]:
    """How much of a credit note each of its refunds pays out, by the refund's id."""
    return {one["refund"]: one["amount"] for one in refunds if one["refund"]}


def returned(refunds: Iterable[Refund], credit_notes: Iterable[CreditNote], disputes: Iterable[Dispute]) -> Returned:
    """The sums over all refunds, credit notes and disputes of one invoice.

    A credit note counts with its amount, less the amount of its failed refunds. A refund counts with the part that no live
    credit note accounts for.
    """
    known = {refund.id: refund for refund in refunds}
    failed = {refund.id for refund in known.values() if refund.status in NEVER_HAPPENED}
    credited, accounted = 0, Counter[str]()
    for note in credit_notes:
        if note.status == CreditNoteStatus.ISSUED:
            accounted.update(note.refunds)
            credited += max(note.amount - sum(part for paid_by, part in note.refunds.items() if paid_by in failed), 0)
    refunded = sum(max(one.amount - accounted[one.id], 0) for one in known.values() if one.id not in failed)
    listed = list(disputes)
    withdrawn = [dispute for dispute in listed if dispute.counts]
    undecided = sum(dispute.amount for dispute in withdrawn if dispute.status not in DECIDED_AGAINST_US)
    to_answer = sum(dispute.status in TO_ANSWER for dispute in listed)
    return Returned(refunded, credited, sum(dispute.amount for dispute in withdrawn), undecided, to_answer)
