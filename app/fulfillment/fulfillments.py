"""Fulfillments within one transaction: they follow their invoices, the attempts to pay, and the money that comes back.

This only computes; projection/unit_of_work.py loads and writes the rows.
"""

from dataclasses import asdict, astuple, dataclass
from datetime import datetime

from app.domain.actions import Occasion
from app.domain.changes import Change, fulfillment_state, note, payment_state
from app.domain.events import FULFILLMENT, PAYMENT
from app.domain.fulfillment import (
    BEGUN,
    Attempt,
    AttemptReport,
    Fulfillment,
    FulfillmentStatus,
    Payment,
    attempt_of,
    follow,
    later,
    paying,
    read,
    report_of,
    stored,
)
from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonObject, JsonView
from app.domain.payment_attempts import (
    FRAUD_WARNING,
    MOST_ATTEMPTS,
    SUCCEEDED,
    UNEXPECTED,
    Outcome,
    PaymentAttempt,
    arrived,
    surplus,
    unexpected,
)
from app.domain.policy import DEFAULT, METADATA, Policy
from app.domain.returns import Returned, worth
from app.fulfillment.history import added, occasions, returned_of, with_entry


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt to pay failed: Stripe's codes, and its message for the customer."""

    code: str | None
    decline_code: str | None
    message: str | None


class Fulfillments:
    """Fulfillments by invoice id. `reached` are the occasions for actions: fulfillment, invoice, occasion."""

    def __init__(self, rows: dict[str, JsonObject], now: str, cause: str | None, policy: Policy = DEFAULT) -> None:
        """`rows` are as they are stored. `policy` is that of fulfillments which are made here."""
        self._rows = {invoice_id: read(row) for invoice_id, row in rows.items()}
        self._now = now
        self._policy = policy
        self._changed: set[str] = set()
        self._beside: dict[str, str] = {}
        self.reached: list[tuple[str, str, Occasion]] = []
        self.changes: list[Change] = []
        self.cause = cause

    def of(self, invoice_id: str) -> Fulfillment | None:
        return self._rows.get(invoice_id)

    def changed(self) -> list[JsonObject]:
        return [stored(self._rows[invoice_id]) for invoice_id in self._changed]

    def follow_earlier(self, invoice: JsonView, paid: JsonView) -> None:
        """Make up for a payment that was undone before it became known here: `invoice` as it is, `paid` as it was then."""
        known = self._rows.get(invoice["id"])
        if known is None or known["status"] not in BEGUN:
            then = {name: paid[name] for name in ("status", "amount_paid", "paid_out_of_band", "settled_by", "paid_at")}
            self.follow({**invoice, **then})
            self.follow(invoice)

    def follow_returns(self, invoice: JsonView, returned: Returned) -> bool:
        """Follow the money that came back: the sums over all refunds, credit notes and disputes of the invoice.

        Returns whether the fulfillment's status changed. A draft has no fulfillment, and nothing of it can come back.
        """
        row = self._row(invoice)
        row |= {"amount_refunded": returned.refunded, "amount_credited": returned.credited}
        row |= {"amount_disputed": returned.disputed, "amount_undecided": returned.undecided}
        row |= {"disputes_to_answer": returned.to_answer}
        return self.follow(invoice, row)

    def follow(self, invoice: JsonView, row: Fulfillment | None = None) -> bool:
        """Follow the invoice's status. Returns whether the fulfillment's status changed. `row` is what is known besides.

        Only this method marks a payment fulfilled, and takes that back.
        """
        known, row = self._rows.get(invoice["id"]), row or self._row(invoice)
        status = follow(known["status"] if known else None, invoice["status"], _payment(row, invoice))
        if status is None:
            return False
        row |= {"status": status}
        if status in BEGUN:
            paid = invoice["amount_paid"] + surplus(row["payment_attempts"] or [], invoice)
            row |= {"amount_paid": paid, "fulfilled_at": row["fulfilled_at"] or self._now}
            if invoice["status"] == InvoiceStatus.PAID:
                _settle(row, invoice)
        if row != known:
            self._put(row)
            self._tell_unexpected(invoice)
        return known is None or known["status"] != status

    def link(self, invoice_id: str, payment_intent: str, *, instead_of: str | None) -> None:
        """Record the invoice's default PaymentIntent, unless another one is known to have paid."""
        known = self._rows.get(invoice_id)
        if known is None or known["paid_out_of_band"] or known["payment_intent"] not in {None, instead_of}:
            return
        if known["status"] != FulfillmentStatus.FULFILLED or known["amount_paid"]:
            self._put(known | {"payment_intent": payment_intent})

    def paid_beside(self, invoice_id: str, payment_intent: str, *, default: str | None) -> None:
        """Record that another PaymentIntent than the `default` one paid the invoice, or a part of it.

        Of several, the one with the greatest id counts, so that their order does not matter.
        """
        known = self._rows.get(invoice_id)
        paying = known["payment_intent"] if known else self._beside.get(invoice_id)
        if paying not in {None, default} and paying >= payment_intent:
            return
        if known:
            self._put(known | {"payment_intent": payment_intent})
        else:
            self._beside[invoice_id] = payment_intent  # for the row, if this transaction makes it

    def follow_attempt(
        self, invoice: JsonView, said: AttemptReport, failure: Failure | None = None, required_action: str | None = None
    ) -> bool:
        """Apply a report on an attempt to pay, and why it failed or what the payer must do.

        Returns False if it contradicts a report of the same second; then the PaymentIntent must be asked.
        """
        row = self._row(invoice)
        word = later(report_of(row), said)
        if word is None or not _fits(row, said.at, failure):
            return False
        if said.attempt is word.attempt is Attempt.ACTION_REQUIRED:
            _ask_payer(row, required_action)
        self._take(invoice, row, word, said.at, failure)
        return True

    def settle_attempt(
        self,
        invoice: JsonView,
        said: AttemptReport,
        failure: Failure | None,
        required_action: str | None = None,
        *,
        certain: bool,
    ) -> None:
        """Apply the answer of a PaymentIntent that was asked because reports of one second contradict each other.

        `certain`: the PaymentIntent itself says so. Otherwise it has moved on, and a rule decides that does not need an
        order.
        """
        row = self._row(invoice)
        known = report_of(row)
        if certain:
            word = AttemptReport(said.attempt, max(said.at, known.at) if known else said.at)
            row["failure_at"] = None if failure else row["failure_at"]
            if word.attempt is Attempt.ACTION_REQUIRED:
                _ask_payer(row, required_action)
            self._take(invoice, row, word, word.at, failure)
            return
        word = later(known, said) or AttemptReport(Attempt.FAILED, said.at)
        if failure and not _fits(row, said.at, failure):
            failure = max(failure, _failure(row), key=lambda reason: tuple(map(str, astuple(reason))))
        self._take(invoice, row, word, said.at, failure)

    def last_word(self, invoice_id: str) -> tuple[object, ...]:
        """What is known about attempts to pay. It stays equal until there is another report."""
        row = self._rows.get(invoice_id)
        return (row["attempt"], row["attempt_at"], row["failure_at"], _failure(row)) if row else ()

    def count_attempt(self, invoice: JsonView) -> None:
        """Count a failed attempt. Called once per event, so that the order of events does not matter."""
        row = self._row(invoice)
        self._put(row | {"attempts": row["attempts"] + 1})

    def record_attempt(
        self, invoice: JsonView, made: PaymentAttempt, required_action: str | None = None, asked: int | None = None
    ) -> None:
        """Record what Stripe reported of an attempt in its list. Reporting it again changes nothing.

        A PaymentIntent pays once, so of two reports the earlier one counts. Others are told of a payer who must act, with
        what is `asked` of them, of a part that arrived by bank transfer, once for each report, and of each payment that
        succeeded.
        """
        row = self._row(invoice)
        entry, listed = asdict(made), row["payment_attempts"] or []
        same = (entry["outcome"], entry["payment_intent"])
        paid = [it for it in listed if made.outcome is Outcome.PAID and (it["outcome"], it["payment_intent"]) == same]
        kept = sorted(
            [*(it for it in listed if it not in paid), entry],
            key=lambda it: (it["at"], it["payment_intent"] or "", it["outcome"]),
        )
        if entry in listed or entry not in kept[-MOST_ATTEMPTS:] or any(it["at"] < entry["at"] for it in paid):
            return
        self._put(row | {"payment_attempts": kept[-MOST_ATTEMPTS:]})
        if made.outcome is Outcome.PAID and not paid:
            self._tell(invoice, entry, SUCCEEDED)
        elif made.outcome in {Outcome.ACTION_REQUIRED, Outcome.PARTLY_FUNDED}:
            told = entry if made.amount is not None else entry | {"amount": asked}
            self._tell(invoice, told, made.outcome.value, required_action)
        self._tell_unexpected(invoice)
        if surplus(kept, invoice) or made.outcome in {Outcome.FAILED, Outcome.PROCESSING}:
            self.follow(invoice)

    def warn(self, invoice: JsonView, payment_intent: str | None, at: datetime) -> None:
        """Tell of a payment that its card's issuer reports as fraud. It changes nothing."""
        amount = arrived(self._row(invoice)["payment_attempts"] or [], payment_intent) or invoice["amount_paid"]
        reported = {"payment_intent": payment_intent, "amount": amount, "at": at.isoformat()}
        self._tell(invoice, reported, FRAUD_WARNING)

    def _tell(self, invoice: JsonView, entry: JsonView, status: str, required_action: str | None = None) -> None:
        """Tell of one payment of the invoice."""
        self.changes.append(Change(PAYMENT, None, payment_state(invoice, entry, status, required_action), self.cause))

    def _tell_unexpected(self, invoice: JsonView) -> None:
        """Tell of payments that arrived although the invoice was called off or paid otherwise; of each once."""
        row = self._rows[invoice["id"]]
        known = {entry.get("payment_intent") for entry in row["history"] or [] if entry["what"] == UNEXPECTED}
        for entry in unexpected(row["payment_attempts"] or [], invoice):
            if entry["payment_intent"] not in known:
                self._tell(invoice, entry, UNEXPECTED)
                noted = {"what": UNEXPECTED, "payment_intent": entry["payment_intent"], "amount": entry["amount"]}
                row = self._rows[invoice["id"]] = added(row, noted | {"at": self._now, "cause": self.cause})
                self._changed.add(invoice["id"])

    def _take(
        self, invoice: JsonView, row: Fulfillment, word: AttemptReport, at: datetime, failure: Failure | None
    ) -> None:
        row |= {"attempt": word.attempt.value, "attempt_at": word.at.isoformat()}
        if failure and (row["failure_at"] is None or datetime.fromisoformat(row["failure_at"]) <= at):
            row |= {"failure_code": failure.code, "failure_decline_code": failure.decline_code}
            row |= {"failure_message": failure.message, "failure_at": at.isoformat()}
        if row != self._rows.get(invoice["id"]):
            self._put(row)
            self.follow(invoice)

    def _row(self, invoice: JsonView) -> Fulfillment:
        known = self._rows.get(invoice["id"])
        if known:
            return known.copy()
        return {
            "id": fulfillment_id(invoice["id"]),
            "invoice": invoice["id"],
            "customer": invoice["customer"],
            "status": FulfillmentStatus.AWAITING_PAYMENT,
            "amount_paid": 0,
            "currency": invoice["currency"],
            "payment_intent": self._beside.get(invoice["id"], invoice["payment_intent"]),
            "paid_out_of_band": False,
            "attempts": 0,
            "created_at": self._now,
            "updated_at": self._now,
            "attempt": None,
            "attempt_at": None,
            "failure_code": None,
            "failure_decline_code": None,
            "failure_message": None,
            "failure_at": None,
            "fulfilled_at": None,
            "amount_refunded": 0,
            "amount_credited": 0,
            "amount_disputed": 0,
            "amount_undecided": 0,
            "disputes_to_answer": 0,
            "required_action": None,
            "payment_attempts": None,
            "history": None,
            "policy": self._policy.changed(invoice["metadata"].get(METADATA)).written(),
        }

    def _put(self, row: Fulfillment) -> None:
        invoice_id = row["invoice"]
        known = self._rows.get(invoice_id)
        row = with_entry(known, row | {"updated_at": self._now}, self._now, self.cause)
        self._rows[invoice_id] = row
        self._changed.add(invoice_id)
        self.reached += [(row["id"], invoice_id, occasion) for occasion in occasions(known, row)]
        was, state = known["status"] if known else None, fulfillment_state(row)
        if known is None or fulfillment_state(known) | {"updated_at": state["updated_at"]} != state:
            note(self.changes, Change(FULFILLMENT, was, state, self.cause))


def _ask_payer(row: Fulfillment, required_action: str | None) -> None:
    """Note what the payer must do. Of two reports on one attempt, only one says it."""
    if required_action or row["attempt"] != Attempt.ACTION_REQUIRED:
        row["required_action"] = required_action


def _settle(row: Fulfillment, invoice: JsonView) -> None:
    """Take over what a paid invoice says of its payment. Reports on attempts from before are over."""
    paid_at, said = invoice.get("paid_at"), report_of(row)
    row |= {"paid_out_of_band": invoice["paid_out_of_band"], "payment_intent": paying(row, invoice)}
    if paid_at is not None and (said is None or said.at <= datetime.fromisoformat(paid_at)):
        row |= {"attempt": Attempt.PAID.value, "attempt_at": paid_at}


def _payment(fulfillment: Fulfillment, invoice: JsonView) -> Payment:
    return Payment(
        attempt_of(fulfillment),
        invoice.get("settled_by"),
        worth(invoice),
        returned_of(fulfillment).beyond(surplus(fulfillment["payment_attempts"] or [], invoice)),
        Policy.read(fulfillment["policy"]),
        detached=invoice["amount_paid"] < fulfillment["amount_paid"],
    )


def fulfillment_id(invoice_id: str) -> str:
    return f"ful_{invoice_id.removeprefix('in_')}"


def _failure(fulfillment: Fulfillment) -> Failure:
    return Failure(fulfillment["failure_code"], fulfillment["failure_decline_code"], fulfillment["failure_message"])


def _fits(fulfillment: Fulfillment, at: datetime, failure: Failure | None) -> bool:
    """Whether no other reason is known for the same second."""
    known_at = fulfillment["failure_at"]
    if failure is None or known_at is None or datetime.fromisoformat(known_at) != at:
        return True
    return _failure(fulfillment) == failure
