"""The account's balance: an entry for each movement of money, with fees; when money is available; payouts."""

from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox
from tests.sandbox.test_disputes import answered, charged, disputed
from tests.sandbox.test_payments import intent_of

DAY = 86_400


def entries(box: RunningSandbox, **which: Any) -> list[tuple[str, int, int, int]]:
    sent: Any = {"limit": 100, **which}
    found = box.v1.balance_transactions.list(sent).data
    return [(str(it.type), it.amount, it.fee, it.net) for it in found[::-1]]


def sums(box: RunningSandbox) -> tuple[int, int]:
    """What is available and pending in dollars."""
    balance = box.v1.balance.retrieve()
    available, pending = ({it.currency: it.amount for it in funds} for funds in (balance.available, balance.pending))
    return available["usd"], pending["usd"]


def test_an_empty_account_has_nothing_in_its_own_currency(box: RunningSandbox) -> None:
    assert sums(box) == (0, 0)
    assert box.v1.balance_transactions.list().data == []


def test_a_card_payment_costs_a_share_and_a_fixed_part(box: RunningSandbox, opened: Drafting) -> None:
    invoice = box.v1.invoices.pay(opened(10_000).id, {"payment_method": "pm_card_visa", "expand": ["payments"]})
    (charge,) = box.v1.charges.list({"payment_intent": intent_of(invoice)}).data
    entry = box.v1.balance_transactions.retrieve(str(charge.balance_transaction), {"expand": ["source"]})
    assert (entry.type, entry.amount, entry.fee, entry.net) == ("charge", 10_000, 320, 9_680)
    assert [(it.amount, it.type, it.currency) for it in entry.fee_details] == [(320, "stripe_fee", "usd")]
    assert (entry.status, entry.available_on % DAY) == ("pending", 0)
    assert isinstance(entry.source, stripe.Charge)
    assert entry.source.id == charge.id


def test_a_bank_debit_costs_a_share_up_to_a_limit(box: RunningSandbox) -> None:
    for amount in (10_000, 100_000):
        charged(box, "pm_usBankAccount_success", amount)
        box.advance(60)
    assert entries(box) == [("payment", 10_000, 80, 9_920), ("payment", 100_000, 500, 99_500)]


def test_fees_are_rounded_half_up(box: RunningSandbox) -> None:
    charged(box, "pm_card_visa", 50)
    charged(box, "pm_card_visa", 1050)
    assert [fee for _, _, fee, _ in entries(box)] == [31, 60]


def test_money_becomes_available_at_midnight(box: RunningSandbox) -> None:
    charge = charged(box, "pm_card_visa")
    assert sums(box) == (0, 1912)
    box.advance(3 * DAY)
    assert sums(box) == (1912, 0)
    assert box.v1.balance_transactions.retrieve(str(charge.balance_transaction)).status == "available"
    charged(box, "pm_card_bypassPending")
    assert sums(box) == (3824, 0)


def test_every_movement_is_entered_once_and_adds_up(box: RunningSandbox) -> None:
    won = disputed(box)
    answered(box, won.id, "winning_evidence")
    failed = charged(box, "pm_card_refundFail")
    box.v1.refunds.create({"charge": failed.id, "amount": 500})
    box.advance(60)
    assert sorted(entries(box)) == [
        ("adjustment", -2000, 1500, -3500),
        ("adjustment", 2000, 0, 2000),
        ("charge", 2000, 88, 1912),
        ("charge", 2000, 88, 1912),
        ("refund", -500, 0, -500),
        ("refund_failure", 500, 0, 500),
    ]
    assert sum(sums(box)) == sum(net for *_, net in entries(box))


def test_entries_are_found_by_what_they_are_about(box: RunningSandbox) -> None:
    charge = charged(box, "pm_card_visa")
    refund = box.v1.refunds.create({"charge": charge.id, "amount": 5})
    euro: Any = {
        "amount": 900,
        "currency": "eur",
        "confirm": True,
        "return_url": "https://example.com/",
        "payment_method": "pm_card_visa",
    }
    box.v1.payment_intents.create(euro)
    dispute = disputed(box)
    assert [it[0] for it in entries(box, source=charge.id)] == ["charge"]
    assert [it[0] for it in entries(box, source=refund.id)] == ["refund"]
    assert entries(box, source=dispute.id) == []
    assert [it[1] for it in entries(box, currency="eur")] == [900]
    assert [it[1] for it in entries(box, type="adjustment")] == [-2000]
    assert entries(box, created={"gt": charge.created + 900}) == []


@pytest.mark.parametrize("query", ["source=ch_none", "payout=po_none"])
def test_an_unknown_id_in_a_filter_is_missing(box: RunningSandbox, query: str) -> None:
    name, value = query.split("=")
    answer = box.get("/v1/balance_transactions", **{name: value})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "resource_missing")


@pytest.mark.parametrize("path", ["balance_transactions/txn_none", "payouts/po_none"])
def test_an_unknown_id_is_missing(box: RunningSandbox, path: str) -> None:
    assert box.get(f"/v1/{path}").status_code == 404


def test_a_won_dispute_may_return_its_fee(box: RunningSandbox) -> None:
    box.switch(dispute_won_returns_fee=True)
    answered(box, disputed(box).id, "winning_evidence")
    box.advance(60)
    assert ("adjustment", 2000, -1500, 3500) in entries(box)


# Payouts


def test_a_payout_by_hand_takes_what_is_available(box: RunningSandbox) -> None:
    charged(box, "pm_card_bypassPending")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.payouts.create({"amount": 1913, "currency": "usd"})
    assert caught.value.code == "balance_insufficient"
    payout = box.v1.payouts.create({"amount": 1000, "currency": "usd", "metadata": {"week": "1"}})
    assert (payout.status, payout.automatic) == ("pending", False)
    assert sums(box) == (912, 0)
    box.advance(3 * DAY)
    assert box.v1.payouts.retrieve(payout.id).status == "paid"
    told = [kind for kind in box.event_types() if kind.startswith("payout")]
    assert told == ["payout.created", "payout.paid"]
    with pytest.raises(stripe.InvalidRequestError, match="not manual"):
        box.v1.balance_transactions.list({"payout": payout.id})
    assert box.v1.payouts.update(payout.id, {"metadata": {"week": "2"}}).to_dict()["metadata"] == {"week": "2"}


def test_an_automatic_payout_names_what_it_paid_out(box: RunningSandbox) -> None:
    charged(box, "pm_card_bypassPending")
    charged(box, "pm_card_visa")
    payout = box.control("POST", "payouts")
    assert (payout["amount"], payout["automatic"]) == (1912, True)
    assert entries(box, payout=payout["id"]) == [("charge", 2000, 88, 1912), ("payout", -1912, 0, -1912)]
    assert box.http.post("/_sandbox/payouts").status_code == 400
    with pytest.raises(stripe.InvalidRequestError, match="only be canceled"):
        box.v1.payouts.cancel(payout["id"])


def test_a_canceled_or_failed_payout_returns_its_money(box: RunningSandbox) -> None:
    charged(box, "pm_card_bypassPending")
    first, second = (box.v1.payouts.create({"amount": 900, "currency": "usd"}) for _ in range(2))
    assert box.v1.payouts.cancel(first.id).status == "canceled"
    failed = box.control("POST", f"payouts/{second.id}/fail", failure_code="account_closed")
    assert (failed["status"], failed["failure_code"]) == ("failed", "account_closed")
    assert sums(box) == (1912, 0)
    assert [it[0] for it in entries(box)][-2:] == ["payout_cancel", "payout_failure"]
    assert [found.id for found in box.v1.payouts.list({"status": "failed"}).data] == [second.id]
    assert box.http.post(f"/_sandbox/payouts/{second.id}/fail").status_code == 400


@pytest.mark.parametrize(
    ("sent", "param"), [("amount=0&currency=usd", "amount"), ("amount=5&currency=xyz", "currency")]
)
def test_a_payout_of_nothing_is_refused(box: RunningSandbox, sent: str, param: str) -> None:
    answer = box.post("/v1/payouts", sent)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_payout_whose_answer_was_lost_is_made_once(box: RunningSandbox) -> None:
    charged(box, "pm_card_bypassPending")
    box.fault("drop_response", "/v1/payouts", "POST", times=1)
    key = {"Idempotency-Key": "payout-1"}
    with pytest.raises(httpx.TransportError):
        box.post("/v1/payouts", "amount=500&currency=usd", **key)
    assert box.post("/v1/payouts", "amount=500&currency=usd", **key).headers["idempotent-replayed"] == "true"
    assert sums(box) == (1412, 0)
