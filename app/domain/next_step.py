"""The one thing to do about an unpaid invoice, who must do it, and from when on a person here must look. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.domain.fulfillment import BEGUN, Fulfillment, FulfillmentStatus, under_way
from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonView
from app.domain.payment_attempts import unexpected
from app.domain.reminders import METADATA, ReminderChannel


class NextStep(StrEnum):
    """What to do next."""

    NONE = "none"
    WAIT = "wait"
    FINALIZE = "finalize"
    CORRECT_AND_FINALIZE = "correct_and_finalize"
    PAY = "pay"
    AUTHENTICATE = "authenticate"
    VERIFY_BANK_ACCOUNT = "verify_bank_account"
    TRANSFER_MONEY = "transfer_money"
    TRY_AGAIN = "try_again"
    CORRECT_PAYMENT_DETAILS = "correct_payment_details"
    TRY_ANOTHER_PAYMENT_METHOD = "try_another_payment_method"
    CONTACT_BANK = "contact_bank"
    CHARGE = "charge"
    ASK_FOR_PAYMENT_METHOD = "ask_for_payment_method"
    CONTACT_CUSTOMER = "contact_customer"
    CHECK_PAYMENT = "check_payment"
    ANSWER_DISPUTE = "answer_dispute"
    REFUND_PAYMENT = "refund_payment"
    REPLAY_EVENTS = "replay_events"


STEP: Final = NextStep
WHAT_TO_DO: Final = {
    STEP.NONE: None,
    STEP.WAIT: "Nothing: it goes on by itself.",
    STEP.FINALIZE: "Finalize it, so that it can be paid.",
    STEP.CORRECT_AND_FINALIZE: "{advice}, then finalize it again.",
    STEP.PAY: "The payer pays it: send them the payment link.",
    STEP.AUTHENTICATE: "The payer authenticates the payment: send them the payment link.",
    STEP.VERIFY_BANK_ACCOUNT: "The payer verifies the bank account by its microdeposits.",
    STEP.TRANSFER_MONEY: "The payer transfers the money to the account that the payment page shows.",
    STEP.TRY_AGAIN: "The payer tries again a little later.",
    STEP.CORRECT_PAYMENT_DETAILS: "The payer enters the payment details again: they were wrong.",
    STEP.TRY_ANOTHER_PAYMENT_METHOD: "The payer tries another payment method.",
    STEP.CONTACT_BANK: "The payer asks their bank why it declined, or tries another payment method.",
    STEP.CHARGE: "Charge it: nothing was tried.",
    STEP.ASK_FOR_PAYMENT_METHOD: "Ask the customer for another payment method, then charge it: nothing is tried any more.",
    STEP.CONTACT_CUSTOMER: "Contact the customer: it is not paid in time.",
    STEP.CHECK_PAYMENT: "Look at the payment at Stripe: it should have settled by now.",
    STEP.ANSWER_DISPUTE: "Answer the dispute in Stripe's Dashboard{by}.",
    STEP.REFUND_PAYMENT: "Refund what arrived at Stripe: nobody owed it.",
    STEP.REPLAY_EVENTS: "Look at its events that failed for good, then replay them.",
}
"""What to do, for a person of ours."""

STUCK: Final = frozenset(
    {
        STEP.CORRECT_AND_FINALIZE, STEP.CHARGE, STEP.ASK_FOR_PAYMENT_METHOD, STEP.CONTACT_CUSTOMER, STEP.CHECK_PAYMENT,
        STEP.ANSWER_DISPUTE, STEP.REFUND_PAYMENT,
    }
)  # fmt: skip
"""What nobody but a person of ours does. A draft that waits is work in progress, and dead events have a list of their own."""
OURS: Final = STUCK | {STEP.FINALIZE, STEP.REPLAY_EVENTS}
NOBODYS: Final = frozenset({STEP.NONE, STEP.WAIT})

ACTIONS: Final = {
    "verify_with_microdeposits": STEP.VERIFY_BANK_ACCOUNT,
    "display_bank_transfer_instructions": STEP.TRANSFER_MONEY,
}
"""What the payer must do, by Stripe's type of the next action; anything else is authentication."""

DECLINES: Final = {
    **dict.fromkeys(
        (
            "approve_with_id", "issuer_not_available", "no_action_taken", "processing_error", "reenter_transaction",
            "try_again_later",
        ),
        STEP.TRY_AGAIN,
    ),
    **dict.fromkeys(
        (
            "incorrect_address", "incorrect_cvc", "incorrect_number", "incorrect_pin", "incorrect_zip", "invalid_cvc",
            "invalid_expiry_month", "invalid_expiry_year", "invalid_number", "invalid_pin",
        ),
        STEP.CORRECT_PAYMENT_DETAILS,
    ),
    **dict.fromkeys(("authentication_required", "payment_intent_authentication_failure"), STEP.AUTHENTICATE),
    **dict.fromkeys(
        (
            "account_closed", "bank_account_closed", "bank_account_restricted", "bank_account_unusable",
            "card_not_supported", "card_velocity_exceeded", "currency_not_supported", "debit_not_authorized", "expired_card",
            "insufficient_funds", "invalid_account", "lost_card", "new_account_information_available", "no_account",
            "offline_pin_required", "online_or_offline_pin_required", "pickup_card", "pin_try_exceeded", "restricted_card",
            "stolen_card", "testmode_decline", "withdrawal_count_limit_exceeded",
        ),
        STEP.TRY_ANOTHER_PAYMENT_METHOD,
    ),
}  # fmt: skip
"""What the payer does after a decline, by Stripe's code. Of any other, only their bank knows."""

SETTLES_WITHIN: Final = timedelta(days=20)
"""Bank debits settle within fourteen business days."""
CHARGED_WITHIN: Final = timedelta(days=2)
"""How long nobody need look at an invoice that is to be charged, or whose payer must authenticate a charge."""


def who(step: NextStep) -> str:
    """Who does it: `nobody`, the `payer`, or an `operator` of ours."""
    if step in NOBODYS:
        return "nobody"
    return "operator" if step in OURS else "payer"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the next step follows from.

    owed_since: when it was finalized or, if it is a draft, created. patience: until when reminders are sent. disputed: a
    dispute waits for evidence. unexpected: money that nobody owed has arrived and was not refunded.
    """

    status: str
    owed_since: datetime
    deleted: bool = False
    charged: bool = False
    auto_advance: bool = False
    due_at: datetime | None = None
    refused: bool = False
    fulfillment: str | None = None
    under_way: bool = False
    attempt_at: datetime | None = None
    required_action: str | None = None
    decline: str | None = None
    next_attempt_at: datetime | None = None
    patience: datetime | None = None
    disputed: bool = False
    unexpected: bool = False


def next_step(facts: Facts, now: datetime) -> NextStep:
    step, since = stuck(facts)
    return step if facts.deleted or (since and since <= now) else _meanwhile(facts)


def stuck(facts: Facts) -> tuple[NextStep, datetime | None]:
    """What a person of ours must do, and since when, or from when on; the step of others and None where it never comes to that."""
    if facts.deleted:
        return STEP.NONE, None
    if facts.disputed:
        return STEP.ANSWER_DISPUTE, facts.owed_since
    if facts.unexpected:
        return STEP.REFUND_PAYMENT, facts.owed_since
    if facts.status == InvoiceStatus.DRAFT and facts.refused:
        return STEP.CORRECT_AND_FINALIZE, facts.owed_since
    return _stuck_open(facts) if facts.status == InvoiceStatus.OPEN else (_meanwhile(facts), None)


def _stuck_open(facts: Facts) -> tuple[NextStep, datetime | None]:
    if facts.under_way:
        return STEP.CHECK_PAYMENT, (facts.attempt_at or facts.owed_since) + SETTLES_WITHIN
    if facts.charged:
        return _stuck_charge(facts)
    due_at = facts.due_at or facts.owed_since
    return STEP.CONTACT_CUSTOMER, max(due_at, facts.patience or due_at)


def _stuck_charge(facts: Facts) -> tuple[NextStep, datetime | None]:
    if facts.next_attempt_at:
        return STEP.WAIT, None
    if facts.fulfillment == FulfillmentStatus.PAYMENT_FAILED:
        return STEP.ASK_FOR_PAYMENT_METHOD, facts.owed_since
    if facts.fulfillment == FulfillmentStatus.ACTION_REQUIRED:
        return STEP.CONTACT_CUSTOMER, (facts.attempt_at or facts.owed_since) + CHARGED_WITHIN
    return STEP.CHARGE, facts.owed_since + CHARGED_WITHIN


def _meanwhile(facts: Facts) -> NextStep:
    """What others do, or nobody."""
    if facts.status == InvoiceStatus.DRAFT:
        return STEP.WAIT if facts.auto_advance else STEP.FINALIZE
    if facts.status != InvoiceStatus.OPEN:
        waits = facts.status == InvoiceStatus.PAID and facts.fulfillment not in {*BEGUN, FulfillmentStatus.CANCELED}
        return STEP.WAIT if waits or facts.fulfillment == FulfillmentStatus.DISPUTED else STEP.NONE
    if facts.under_way or facts.next_attempt_at:
        return STEP.WAIT
    if facts.fulfillment == FulfillmentStatus.ACTION_REQUIRED:
        return ACTIONS.get(facts.required_action or "", STEP.AUTHENTICATE)
    if facts.fulfillment == FulfillmentStatus.PAYMENT_FAILED:
        return DECLINES.get(facts.decline or "", STEP.CONTACT_BANK)
    return STEP.WAIT if facts.charged and facts.auto_advance else STEP.PAY


def facts_of(invoice: JsonView, fulfillment: Fulfillment | None) -> Facts:
    """The facts in the row of an invoice and its fulfillment."""
    paused = invoice["metadata"].get(METADATA) == ReminderChannel.OFF
    facts = Facts(
        status=invoice["status"],
        owed_since=datetime.fromisoformat(invoice["finalized_at"] or invoice["created_at"]),
        deleted=invoice["deleted_at"] is not None,
        charged=invoice["collection_method"] == "charge_automatically",
        auto_advance=bool(invoice["auto_advance"] or invoice.get("automatically_finalizes_at")),
        due_at=_time(invoice["due_at"]),
        refused=invoice.get("last_finalization_error") is not None,
        next_attempt_at=_time(invoice.get("next_payment_attempt")),
        patience=None if paused else _time(invoice.get("reminded_until")),
    )
    if fulfillment is None:
        return facts
    arrived = [attempt["amount"] or 0 for attempt in unexpected(fulfillment["payment_attempts"] or [], invoice)]
    return replace(
        facts,
        fulfillment=fulfillment["status"],
        under_way=under_way(fulfillment),
        attempt_at=_time(fulfillment["attempt_at"]),
        required_action=fulfillment["required_action"],
        decline=fulfillment["failure_decline_code"] or fulfillment["failure_code"],
        disputed=bool(fulfillment["disputes_to_answer"]),
        unexpected=sum(arrived) > fulfillment["amount_refunded"] + fulfillment["amount_disputed"],
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
