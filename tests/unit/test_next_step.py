"""For every state of an invoice: why it is unpaid, the one thing to do, who does it, and when a person must look."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.fulfillment import FulfillmentStatus
from app.domain.invoice import InvoiceStatus
from app.domain.next_step import DECLINES, STUCK, WHAT_TO_DO, Facts, NextStep, next_step, stuck, who
from app.domain.unpaid_reason import Standing, unpaid_because

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BEFORE, AFTER = NOW - 5 * DAY, NOW + 5 * DAY
OWED = {"owed_since": NOW - 30 * DAY}
DUE = {"status": "open", "due_at": AFTER}
LATE = {"status": "open", "due_at": BEFORE}
CHARGED = {"status": "open", "charged": True}
FAILED = {"fulfillment": "payment_failed"}
ASKED = {"fulfillment": "action_required", "attempt_at": NOW - DAY}

STATES: list[tuple[str, dict[str, Any], dict[str, Any], str | None, str]] = [
    # what it is, facts, what else the sentence knows, the sentence's beginning, the next step
    ("a draft", {"status": "draft"}, {}, "It is still a draft: finalize it", "finalize"),
    ("a draft that Stripe finalizes", {"status": "draft", "auto_advance": True}, {"by_itself": True}, "It is still a draft: Stripe finalizes it by itself.", "wait"),
    ("a draft that was refused", {"status": "draft", "refused": True}, {"refused": ("tax_location_invalid", "No.")}, "It is still a draft, because Stripe refused to finalize it: No. Correct the customer's address", "correct_and_finalize"),
    ("a deleted draft", {"status": "draft", "deleted": True}, {"deleted": True}, "The draft was deleted.", "none"),
    ("not tried yet", DUE, {}, "It is open, and nobody has tried to pay it yet. It is due on 2026-06-06.", "pay"),
    ("overdue", LATE, {}, "It is open, and nobody has tried to pay it yet. It was due on 2026-05-27.", "contact_customer"),
    ("overdue and reminded, with more to come", LATE | {"patience": AFTER}, {"reminded": (2, BEFORE)}, "It is open, and nobody has tried to pay it yet. It was due on 2026-05-27. The payer was reminded 2 times, last on 2026-05-27.", "pay"),
    ("overdue, and all reminders are sent", LATE | {"patience": BEFORE}, {"reminded": (1, BEFORE)}, "It is open, and nobody has tried to pay it yet. It was due on 2026-05-27. The payer was reminded once", "contact_customer"),
    ("paused", DUE, {"paused": True}, "It is open, and nobody has tried to pay it yet. It is due on 2026-06-06. Its reminders are paused.", "pay"),
    ("part paid", DUE, {"paid": "1.00 USD of 5.00 USD", "left": "4.00 USD"}, "It is open, and only 1.00 USD of 5.00 USD is paid: 4.00 USD is left.", "pay"),
    ("part paid and that disputed", DUE | {"disputed": True}, {"paid": "1.00 USD of 5.00 USD", "part_disputed": True}, "It is open, and only 1.00 USD of 5.00 USD is paid. A dispute over what was paid is not decided.", "answer_dispute"),
    ("authentication", DUE | ASKED | {"required_action": "use_stripe_sdk"}, {"required_action": "use_stripe_sdk"}, "It is open, and the payment waits for the payer, who must authenticate it (3-D Secure).", "authenticate"),
    ("microdeposits", DUE | ASKED | {"required_action": "verify_with_microdeposits"}, {"required_action": "verify_with_microdeposits"}, "It is open, and the payment waits for the payer, who must verify the bank account", "verify_bank_account"),
    ("a bank transfer", DUE | ASKED | {"required_action": "display_bank_transfer_instructions"}, {"required_action": "display_bank_transfer_instructions"}, "It is open, and the payment waits for the payer, who must transfer the money.", "transfer_money"),
    ("a debit under way", LATE | {"fulfillment": "processing", "under_way": True, "attempt_at": NOW - DAY}, {"settles_by": AFTER}, "A payment is processing and has not settled yet. It settles by 2026-06-06 at the latest.", "wait"),
    ("a debit under way that fulfilled already", LATE | {"fulfillment": "fulfilled", "under_way": True, "attempt_at": NOW - DAY}, {}, None, "wait"),
    ("a charge under way that fulfilled already", CHARGED | {"fulfillment": "fulfilled", "under_way": True, "attempt_at": NOW - DAY}, {}, None, "wait"),
    ("a debit that fulfilled and never settled", LATE | {"fulfillment": "fulfilled", "under_way": True, "attempt_at": NOW - 21 * DAY}, {}, None, "check_payment"),
    ("a debit that never settled", DUE | {"fulfillment": "processing", "under_way": True, "attempt_at": NOW - 21 * DAY}, {}, "A payment is processing and has not settled yet.", "check_payment"),
    ("declined, insufficient funds", DUE | FAILED | {"decline": "insufficient_funds"}, {"attempts": 1, "failure": "card_declined, insufficient_funds"}, "It is open, and the attempt to pay it failed: card_declined, insufficient_funds.", "try_another_payment_method"),
    ("declined for a reason that the bank knows", DUE | FAILED | {"decline": "do_not_honor"}, {"attempts": 2}, "It is open, and the last of 2 attempts to pay it failed", "contact_bank"),
    ("declined, wrong code", DUE | FAILED | {"decline": "incorrect_cvc"}, {"attempts": 1}, "It is open, and the attempt", "correct_payment_details"),
    ("declined for the moment", DUE | FAILED | {"decline": "processing_error"}, {"attempts": 1}, "It is open, and the attempt", "try_again"),
    ("declined without authentication", DUE | FAILED | {"decline": "authentication_required"}, {"attempts": 1}, "It is open, and the attempt", "authenticate"),
    ("declined and overdue", LATE | FAILED | {"decline": "expired_card"}, {"attempts": 1}, "It is open, and the attempt", "contact_customer"),
    ("charged by Stripe, not yet", CHARGED | {"auto_advance": True, "owed_since": NOW - DAY}, {"by_itself": True}, "It is open, and Stripe charges it by itself.", "wait"),
    ("to be charged, and nobody does", CHARGED, {}, "It is open, and nobody has tried to pay it yet.", "charge"),
    ("a collection that is tried again", CHARGED | FAILED | {"next_attempt_at": AFTER}, {"attempts": 1, "next_attempt_at": AFTER}, "It is open, and the attempt to pay it failed: Stripe gave no reason. Stripe tries again on 2026-06-06.", "wait"),
    ("a collection that failed for good", CHARGED | FAILED, {"attempts": 4}, "It is open, and the last of 4 attempts", "ask_for_payment_method"),
    ("a charge to authenticate", CHARGED | ASKED, {}, "It is open, and the payment waits for the payer", "authenticate"),
    ("a charge that was never authenticated", CHARGED | ASKED | {"attempt_at": BEFORE}, {}, "It is open, and the payment waits for the payer", "contact_customer"),
    ("paid, not fulfilled yet", {"status": "paid"}, {}, "It is paid, and its fulfillment is about to follow.", "wait"),
    ("fulfilled", {"status": "paid", "fulfillment": "fulfilled"}, {}, None, "none"),
    ("fulfilled, with an inquiry", {"status": "paid", "fulfillment": "fulfilled", "disputed": True}, {}, None, "answer_dispute"),
    ("disputed", {"status": "paid", "fulfillment": "disputed", "disputed": True}, {"returned": "5.00 USD disputed of 5.00 USD"}, "It was paid, and a dispute that is not decided withdrew the money", "answer_dispute"),
    ("disputed and answered", {"status": "paid", "fulfillment": "disputed"}, {"returned": "5.00 USD disputed of 5.00 USD"}, "It was paid, and a dispute that is not decided withdrew the money", "wait"),
    ("reversed", {"status": "paid", "fulfillment": "reversed"}, {"returned": "5.00 USD refunded of 5.00 USD"}, "It was paid, and the money came back", "none"),
    ("opened again", LATE | {"fulfillment": "reversed"}, {}, "It was fulfilled, and the payment was detached or failed.", "contact_customer"),
    ("opened again, and a debit is under way", LATE | {"fulfillment": "reversed", "under_way": True, "attempt_at": NOW - DAY}, {"settles_by": AFTER}, "It was fulfilled, and the payment was detached or failed. A payment is processing and has not settled yet. It settles by 2026-06-06 at the latest.", "wait"),
    ("fulfilled by the debit of a part, and the rest is overdue", LATE | {"fulfillment": "fulfilled", "attempt_at": BEFORE}, {}, None, "contact_customer"),
    ("credited", {"status": "paid", "fulfillment": "canceled"}, {}, "A credit note covers all of it", "none"),
    ("void", {"status": "void", "fulfillment": "canceled"}, {}, "It was voided: nobody owes it.", "none"),
    ("void, and paid all the same", {"status": "void", "fulfillment": "canceled", "unexpected": True}, {"unexpected": ("5.00 USD arrived all the same.",)}, "It was voided: nobody owes it. 5.00 USD arrived all the same.", "refund_payment"),
    ("written off", {"status": "uncollectible", "fulfillment": "written_off"}, {}, "It was written off as uncollectible; it can still be paid.", "none"),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "more", "because", "step"), [it[1:] for it in STATES], ids=[it[0] for it in STATES])
def test_each_state_has_its_sentence_and_its_next_step(
    facts: dict[str, Any], more: dict[str, Any], because: str | None, step: str
) -> None:
    found = Facts(**(OWED | facts))
    assert next_step(found, NOW) == step
    known = {"deleted": False, "attempts": 0, "failure": None, "waiting": 0, "dead": 0}
    known |= {name: getattr(found, name) for name in ("status", "due_at", "fulfillment", "under_way")}
    told = unpaid_because(Standing(**(known | more)), NOW)
    assert told is None if because is None else (told or "").startswith(because)


def test_every_next_step_is_reached_and_says_what_to_do() -> None:
    assert {it[4] for it in STATES} | {NextStep.REPLAY_EVENTS} == set(NextStep)
    assert WHAT_TO_DO.keys() == set(NextStep)
    assert {who(step) for step in NextStep} == {"nobody", "payer", "operator"}
    assert {it[1]["decline"] for it in STATES if "decline" in it[1]} - DECLINES.keys() == {"do_not_honor"}
    assert all(who(step) == "payer" for step in DECLINES.values())


TIMES = st.one_of(st.none(), st.integers(-40, 40).map(lambda days: NOW + days * DAY))
FACTS = st.builds(
    Facts,
    status=st.sampled_from([it.value for it in InvoiceStatus]),
    owed_since=st.integers(-40, 0).map(lambda days: NOW + days * DAY),
    deleted=st.booleans(),
    charged=st.booleans(),
    auto_advance=st.booleans(),
    due_at=TIMES,
    refused=st.booleans(),
    fulfillment=st.one_of(st.none(), st.sampled_from([it.value for it in FulfillmentStatus])),
    under_way=st.booleans(),
    attempt_at=TIMES,
    decline=st.one_of(st.none(), st.sampled_from([*DECLINES, "do_not_honor"])),
    next_attempt_at=TIMES,
    patience=TIMES,
    disputed=st.booleans(),
    unexpected=st.booleans(),
)


@given(FACTS)
def test_it_is_stuck_exactly_when_the_next_step_is_one_of_ours(facts: Facts) -> None:
    step, since = stuck(facts)
    assert (since is not None and since <= NOW) == (next_step(facts, NOW) in STUCK)
    assert since is None or (step in STUCK and who(step) == "operator")


@given(FACTS, st.integers(1, 30))
def test_a_reminder_to_come_never_makes_it_more_urgent(facts: Facts, days: int) -> None:
    patient = replace(facts, patience=(facts.patience or NOW) + days * DAY)
    before, after = stuck(facts)[1], stuck(patient)[1]
    assert (before is None) == (after is None)
    assert before is None or after is None or before <= after
