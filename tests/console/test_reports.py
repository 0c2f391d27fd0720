"""The reports: figures of hand-made invoices, to the cent, in the statements and on the page."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.admin.charts import Column, columns
from app.reports import receivable_statements as receivables
from app.reports.receivable_statements import Aging, Collected, DaysToPay
from tests.console.conftest import Visitor
from tests.fixtures.stage import Stage

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
INVOICE = """
INSERT INTO invoices (id, livemode, created_at, updated_at, snapshot_since, snapshot_until, snapshot_digest, status, currency,
    subtotal, total, amount_due, amount_paid, amount_remaining, due_at, finalized_at, paid_at, paid_out_of_band,
    collection_method, auto_advance, custom_fields, metadata, lines_digest)
VALUES ($1, false, $2, $2, $2, $2, '', $3, $4, $5::bigint, $5, $5, $6::bigint, $5 - $6, $7, $2, $8, $9, 'send_invoice', false, '[]', '{}', '')
"""
PAYMENT = """
INSERT INTO invoice_payments (payment_intent, invoice, is_default, status, amount_paid, paid_at, payment_record)
VALUES ($1, $2, true, $3, $4, $5, $6)
"""
REFUND = """
INSERT INTO refunds (id, livemode, created_at, updated_at, snapshot_since, snapshot_until, snapshot_digest, invoice, status,
    currency, amount, metadata) VALUES ($1, false, $2, $2, $2, $2, '', 'in_march', $3, 'eur', $4, '{}')
"""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Books:
    """Invoices, payments and refunds, written by hand."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def invoice(
        self,
        name: str,
        amount: int,
        currency: str = "eur",
        *,
        status: str = "open",
        paid: int = 0,
        due: timedelta | None = None,
        finalized: str = "2025-12-01",
        paid_at: str | None = None,
        out_of_band: bool = False,
    ) -> None:
        when = None if due is None else NOW + due
        settled = at(paid_at) if paid_at else None
        await self._stage.rows(
            INVOICE, f"in_{name}", at(finalized), status, currency, amount, paid, when, settled, out_of_band
        )

    async def payment(
        self, name: str, amount: int, when: str, *, status: str = "paid", record: str | None = None
    ) -> None:
        await self._stage.rows(PAYMENT, record or f"pi_{name}{when}", f"in_{name}", status, amount, at(when), record)

    async def refund(self, name: str, amount: int, when: str, status: str = "succeeded") -> None:
        await self._stage.rows(REFUND, f"re_{name}", at(when), status, amount)

    async def read(self, report: Any) -> Any:
        async with self._stage.container.database.connection() as connection:
            return await report(connection, NOW)


@pytest.fixture
async def books(stage: Stage) -> Books:
    return Books(stage)


async def test_what_is_owed_is_told_by_age_and_currency(books: Books) -> None:
    second = timedelta(seconds=1)
    days: dict[str, timedelta | None] = {
        "a": None, "b": timedelta(0), "c": timedelta(days=9), "d": -second, "e": -timedelta(days=30),
        "f": -timedelta(days=30) - second, "g": -timedelta(days=60), "h": -timedelta(days=60) - second,
        "i": -timedelta(days=90), "j": -timedelta(days=90) - second, "k": -timedelta(days=700),
    }  # fmt: skip
    for position, (name, due) in enumerate(days.items()):
        await books.invoice(name, 10**position + 5, paid=5, due=due)
    await books.invoice("yen", 700, "jpy", due=-timedelta(days=45))
    for status in ("draft", "paid", "void", "uncollectible"):
        await books.invoice(status, 99, status=status, due=-timedelta(days=45))
    assert await books.read(receivables.aging) == [
        Aging("eur", [111, 11_000, 1_100_000, 110_000_000, 11_000_000_000], [3, 2, 2, 2, 2]),
        Aging("jpy", [0, 0, 700, 0, 0], [0, 0, 1, 0, 0]),
    ]


async def test_what_was_collected_is_told_by_month_less_refunds(books: Books) -> None:
    await books.invoice("march", 10_001, status="paid", paid=10_001, paid_at="2026-03-31T10:00")
    await books.payment("march", 4_000, "2026-02-28T23:59:59")
    await books.payment("march", 6_001, "2026-03-01T00:00")
    await books.payment("march", 77, "2026-03-02T00:00", status="open")
    await books.payment("march", 55, "2025-03-31T23:59:59")  # a second before the first month
    await books.invoice("cash", 2_500, status="paid", paid=2_500, paid_at="2026-03-05T00:00", out_of_band=True)
    await books.invoice("wire", 900, status="paid", paid=900, paid_at="2026-03-05T00:00", out_of_band=True)
    await books.payment("wire", 300, "2026-02-01T00:00")
    await books.payment("wire", 600, "2026-03-05T00:00", record="pr_wire")
    await books.invoice("yen", 700, "jpy")
    await books.payment("yen", 350, "2026-03-03T00:00")
    await books.refund("part", 1, "2026-03-10T00:00")
    await books.refund("waits", 6_000, "2026-03-11T00:00", "pending")
    for status in ("failed", "canceled", "requires_action"):
        await books.refund(status, 99, "2026-03-11T00:00", status)
    await books.refund("more", 5_000, "2026-02-11T00:00")
    found = await books.read(receivables.collected)
    assert found == [
        Collected(date(2026, 2, 1), "eur", 4_300, 5_000),
        Collected(date(2026, 3, 1), "eur", 6_001 + 2_500 + 600, 6_001),
        Collected(date(2026, 3, 1), "jpy", 350, 0),
    ]
    assert [one.net for one in found] == [-700, 3_100, 350]


async def test_payments_that_an_older_release_recorded_are_collected(books: Books, stage: Stage) -> None:
    await books.invoice("old", 800, status="paid", paid=800, paid_at="2026-01-05T00:00")
    await books.invoice("mixed", 500, status="paid", paid=500, paid_at="2026-01-05T00:00")
    await books.payment("mixed", 200, "2026-01-04T00:00")
    for name in ("old", "mixed"):
        await stage.rows(PAYMENT, f"pi_{name}", f"in_{name}", None, None, None, None)
        await stage.rows("UPDATE invoices SET payment_intent = $1 WHERE id = $2", f"pi_{name}", f"in_{name}")
    assert await books.read(receivables.collected) == [Collected(date(2026, 1, 1), "eur", 800 + 500, 0)]


async def test_days_to_payment_have_a_median_and_an_average(books: Books) -> None:
    for name, day in (("a", "2026-03-02"), ("b", "2026-03-04"), ("c", "2026-03-31T12:00"), ("d", "2026-02-01")):
        finalized = "2026-03-01" if day > "2026-03" else "2026-01-31"
        await books.invoice(name, 100, status="paid", paid=100, finalized=finalized, paid_at=day)
    await books.invoice("free", 0, status="paid", finalized="2026-03-01", paid_at="2026-03-01")
    await books.invoice("old", 1, status="paid", paid=1, finalized="2025-03-01", paid_at="2025-03-31T23:59:59")
    assert await books.read(receivables.days_to_pay) == [
        DaysToPay(date(2026, 2, 1), 1, 1.0, 1.0),
        DaysToPay(date(2026, 3, 1), 3, 3.0, (1 + 3 + 30.5) / 3),
    ]


async def test_the_page_has_a_table_beside_each_chart(books: Books, operator: Visitor) -> None:
    await books.invoice("march", 123_456, due=timedelta(days=3))
    await books.invoice("old", 99, "jpy", due=-timedelta(days=9999))
    month = datetime.now(UTC).date().replace(day=1)
    await books.payment("march", 3_456, f"{month}T00:00")
    await books.refund("it", 4_456, f"{month}T00:00")
    page = await operator.page("reports")
    assert page.count("<svg") == page.count("<table") == 4
    assert re.search(r"over 90 days</th><td>1</td><td>99 JPY", page)
    assert "34.56 EUR</td><td>44.56 EUR</td><td>-10.00 EUR" in page
    assert "Nothing yet." in page


def test_columns_below_nothing_hang_from_the_line() -> None:
    drawn = columns([Column("a", 3, "3"), Column("b", -1, "-1")], "paid", "Some")
    up, down = (float(found) for found in re.findall(r'class="paid"[^>]* y="([\d.]+)"', drawn))
    assert up < down
    assert 'aria-label="Some"' in drawn


async def test_the_statements_read_indexes_alone(stage: Stage) -> None:
    async with stage.container.database.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        plans = [
            "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement.text}", NOW))
            for statement in (receivables._AGING, receivables._COLLECTED, receivables._DAYS)
        ]
    for plan, index in zip(plans, ("ix_invoices_owed", "ix_invoice_payments_paid", "ix_invoices_paid"), strict=True):
        assert f"Index Only Scan using {index}" in plan, plan
        assert "Seq Scan" not in plan, plan
