"""What came back of invoices: our rows are Stripe's, the sums are those of Stripe's balance, each action runs once."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import asyncpg

from app.reports.balance import BalanceCheck

Json = dict[str, Any]

SAME = {
    "refund": ("id", "amount", "currency", "status", "reason", "payment_intent", "charge", "failure_reason", "pending_reason"),
    "credit_note": (
        "id", "invoice", "number", "status", "type", "currency", "subtotal", "total", "pre_payment_amount",
        "post_payment_amount", "memo", "reason",
    ),
    "dispute": ("id", "amount", "currency", "status", "reason", "payment_intent", "charge", "is_charge_refundable"),
}  # fmt: skip
"""The fields that have the same name here and at Stripe."""
TIMES = {"refund": {"created_at": "created"}, "dispute": {"created_at": "created"}}
TIMES["credit_note"] = {"created_at": "created", "voided_at": "voided_at", "effective_at": "effective_at"}
TABLES = {"refund": "refunds", "credit_note": "credit_notes", "dispute": "disputes"}
NEVER_HAPPENED = {"failed", "canceled"}
ONCE = {"processing", "fulfilled"}
EACH_TIME = {"action_required", "disputed", "partly_reversed", "reversed", "reinstated"}
BACK = {"disputed", "reversed", "partly_reversed", "reinstated"}
AMOUNTS = ("amount_paid", "amount_refunded", "amount_credited", "amount_disputed")
CLOCK_AHEAD = timedelta(days=1)
"""How far the sandbox's clock may have been advanced."""


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class Money:
    """What Stripe has of the money that came back, told from its objects alone."""

    def __init__(self, objects: dict[str, list[Json]]) -> None:
        self._invoices = {
            payment["payment"]["payment_intent"]: payment["invoice"] for payment in objects.get("invoice_payment", [])
        }
        self.objects = {kind: objects.get(kind, []) for kind in TABLES}

    def invoice_of(self, kind: str, returned: Json) -> str | None:
        """The invoice that the object belongs to; None where its payment pays none, or none any more."""
        return returned["invoice"] if kind == "credit_note" else self._invoices.get(returned["payment_intent"])

    def of(self, kind: str, invoice: str) -> list[Json]:
        return [one for one in self.objects[kind] if self.invoice_of(kind, one) == invoice]

    def sums(self, invoice: str) -> dict[str, int]:
        """What was refunded beside credit notes, credited after payment, and what Stripe's balance lacks by disputes."""
        refunds = {one["id"]: one for one in self.of("refund", invoice)}
        failed = {key for key, one in refunds.items() if one["status"] in NEVER_HAPPENED}
        notes = [note for note in self.of("credit_note", invoice) if note["status"] == "issued"]
        listed = [entry for note in notes for entry in note["refunds"]]
        unpaid = sum(entry["amount_refunded"] for entry in listed if entry["refund"] in failed)
        by_notes = sum(entry["amount_refunded"] for entry in listed if entry["refund"] not in failed)
        return {
            "amount_refunded": sum(one["amount"] for key, one in refunds.items() if key not in failed) - by_notes,
            "amount_credited": sum(note["post_payment_amount"] for note in notes) - unpaid,
            "amount_disputed": sum(_withdrawn(one) for one in self.of("dispute", invoice)),
        }

    def status(self, invoice: Json) -> str:
        """The status of a fulfillment that was fulfilled once."""
        if invoice["status"] != "paid":
            return "reversed"  # its payment was detached
        open_ = [one for one in self.of("dispute", invoice["id"]) if one["status"] != "lost"]
        undecided = sum(_withdrawn(one) for one in open_)
        worth = invoice["amount_paid"] or invoice["total"]
        if 0 < worth <= sum(self.sums(invoice["id"]).values()) - undecided:
            return "reversed"
        return "disputed" if undecided else "fulfilled"


def _withdrawn(dispute: Json) -> int:
    """What Stripe's balance transactions took for a dispute, and did not give back."""
    return -sum(int(entry["amount"]) for entry in dispute["balance_transactions"])


async def money_must_hold(money: Money, connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Compare all that came back. Raises AssertionError naming what differs."""
    for kind, table in TABLES.items():
        rows = await connection.fetch(f"SELECT * FROM {table} WHERE deleted_at IS NULL")  # noqa: S608
        found = {row["id"]: _ours(kind, row) for row in rows}
        belonging = [one for one in money.objects[kind] if money.invoice_of(kind, one)]
        assert found == {one["id"]: _theirs(money, kind, one) for one in belonging}, kind
    for row in await connection.fetch("SELECT * FROM fulfillments"):
        sums = money.sums(row["invoice"])
        assert {name: row[name] for name in sums} == sums, row["invoice"]
        await _told_once(row, connection)


def _ours(kind: str, row: asyncpg.Record) -> Json:
    found = {name: row[name] for name in (*SAME[kind], *TIMES[kind], "invoice")}
    if kind == "credit_note":
        found["refunds"] = sorted((it["refund"], it["amount"]) for it in json.loads(row["refunds"]))
    if kind == "dispute":
        found["withdrawn"], found["evidence_due_at"] = row["withdrawn"], row["evidence_due_at"]
    return found


def _theirs(money: Money, kind: str, returned: Json) -> Json:
    expected = {name: returned.get(name) for name in SAME[kind]}
    expected |= {name: _time(returned[theirs]) for name, theirs in TIMES[kind].items()}
    expected["invoice"] = money.invoice_of(kind, returned)
    if kind == "credit_note":
        expected["refunds"] = sorted((it["refund"], it["amount_refunded"]) for it in returned["refunds"])
    if kind == "dispute":
        expected["withdrawn"] = _withdrawn(returned) > 0
        expected["evidence_due_at"] = _time(returned["evidence_details"]["due_by"])
    return expected


async def _told_once(fulfillment: asyncpg.Record, connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Each entry of the history is news, the last one is the state, and each moment's actions are there once."""
    history = json.loads(fulfillment["history"] or "[]")
    about = fulfillment["invoice"]
    state = {name: fulfillment[name] for name in AMOUNTS}
    state["status"] = fulfillment["later_status"] or fulfillment["status"]
    states = [{name: entry[name] for name in state} for entry in history]
    if states and any(entry["what"] in BACK for entry in history):
        assert states[-1] == state, about
    for (before, after), entry in zip(pairwise(states), history[1:], strict=True):
        assert entry["what"] not in BACK or before != after, f"{about}: {entry['what']} twice"
    rows = await connection.fetch(
        "SELECT moment FROM fulfillment_actions WHERE fulfillment = $1 AND action = 'count'", fulfillment["id"]
    )
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM configured_actions WHERE action = 'count')"):
        return
    reached = {entry["what"] for entry in history} & ONCE
    reached |= {"fulfilled" for entry in history if entry["what"] == "reinstated"}
    reached |= {f"{entry['what']}:{entry['number']}" for entry in history if entry["what"] in EACH_TIME}
    assert Counter(row["moment"] for row in rows) == dict.fromkeys(reached, 1), about


async def must_balance(check: BalanceCheck) -> None:
    """Stripe's balance transactions say what our rows say, to the cent."""
    now = datetime.now(UTC)
    days = await check.check(now - CLOCK_AHEAD, now + CLOCK_AHEAD)
    assert [one for day in days for one in day.differences] == []
