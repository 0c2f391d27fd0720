"""Reminders: on which days, each once, by mail or by an event alone, and what stops them.

Time is given: `remind(now)` looks as of `now`, so that ninety days pass at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any, Self

import pytest

from app.domain.reminders import KEPT
from app.fulfillment.performer import Performer
from app.invoices.reminders import Reminders
from app.projection import reminder_statements
from tests.fixtures.caller import Caller
from tests.fixtures.dying import DIED, Process
from tests.fixtures.mail import DROP, MailServer
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.stage import Stage

Json = dict[str, Any]
MakeApp = Callable[..., Awaitable[Caller]]
DAYS = (-3, 0, 7, 14)
DAY = timedelta(days=1)


class Shop(Stage):
    """A stage whose worker reminds."""

    reminders: Reminders
    performer: Performer

    async def open(self, **form: Any) -> tuple[str, datetime]:
        """Make an open invoice at Stripe; answers its id and when it is due."""
        invoice = await self.invoice(**form)
        await self.tell(*await self.events())
        row = await self.row("invoices", invoice["id"])
        assert row is not None
        return str(invoice["id"]), row["due_at"]

    async def told(self, invoice: str | None = None) -> list[str]:
        """What the feed told of due dates, oldest first: the type, and the day of a reminder."""
        rows = await self.rows(
            "SELECT type, (data #>> '{reminder,day}') AS day FROM changes WHERE ($1::text IS NULL OR invoice = $1) "
            "AND type IN ('invoice.will_be_due', 'invoice.overdue', 'invoice.reminded') ORDER BY id",
            invoice,
        )
        return [row["type"].removeprefix("invoice.") + (f" {row['day']}" if row["day"] else "") for row in rows]

    async def pass_days(self, due_at: datetime, first: int, last: int) -> None:
        """Let the days from `first` to `last` after the due date pass, with four looks a day."""
        for quarter in range(4 * first, 4 * last + 1):
            await self.reminders.remind(due_at + quarter * DAY / 4)


@contextlib.asynccontextmanager
async def opened(make_app: MakeApp, sandbox: Sandbox, **settings: Any) -> AsyncIterator[Shop]:
    await sandbox.mode(drop=1.0)
    caller = await make_app(reminders=DAYS, **settings)
    shop = Shop(caller.container, caller.client, sandbox)
    shop.reminders, shop.performer = caller.container.reminders(), caller.container.performer()
    await shop.performer.announce()
    yield shop
    await sandbox.mode(drop=0.0)


@pytest.fixture
async def shop(make_app: MakeApp, sandbox: Sandbox, mail: MailServer) -> AsyncIterator[Shop]:
    smtp = {"smtp_host": "127.0.0.1", "smtp_from": "Shop <orders@shop.example>", "smtp_port": mail.port}
    async with opened(make_app, sandbox, **smtp, smtp_security="none") as made:
        yield made


async def test_over_ninety_days_each_reminder_is_told_and_mailed_once(shop: Shop, mail: MailServer) -> None:
    invoice, due_at = await shop.open(days_until_due=30)
    other, _ = await shop.open(days_until_due=30)
    await shop.rows("UPDATE invoices SET due_at = due_at + interval '10 days' WHERE id = $1", other)
    for quarter in range(4 * -30, 4 * 60 + 1):
        before = len(await shop.told())
        await shop.reminders.remind(due_at + quarter * DAY / 4)
        if len(await shop.told()) > before:
            await shop.performer.drain()
    whole = ["will_be_due", "reminded -3", "overdue", "reminded 0", "reminded 7", "reminded 14"]
    assert await shop.told(invoice) == whole
    assert await shop.told(other) == whole
    subjects = Counter(str(message.parsed["Subject"]).split(":")[0] for message in mail.messages)
    assert subjects == {"Reminder": 4, "Overdue": 4}
    assert len(set(mail.ids)) == 8
    texts = [message.part("plain") for message in mail.messages]
    assert "$50.00 is due on " in texts[0]
    assert sum("$50.00 was due on " in text for text in texts) == 4
    assert all(f"{shop.container.settings.public_base_url}/pay/" in text for text in texts)
    timeline = (await shop.client.get(f"/v1/invoices/{invoice}/timeline")).json()
    days = [it["data"]["day"] for it in timeline["data"] if it["what"] == "invoice.reminded"]
    assert days == [-3, 0, 7, 14]


async def test_a_late_start_sends_only_the_newest_that_is_due(shop: Shop) -> None:
    invoice, due_at = await shop.open()
    await shop.pass_days(due_at, 9, 20)
    assert await shop.told(invoice) == ["overdue", "reminded 7", "reminded 14"]
    old, due_at = await shop.open()
    await shop.pass_days(due_at, 45, 90)
    assert await shop.told(old) == []  # whoever turns reminders on does not write to everybody who ever owed


async def _paid(shop: Shop, invoice: str) -> None:
    await shop.dashboard(f"invoices/{invoice}/pay", payment_method="pm_card_visa")


async def _under_way(shop: Shop, invoice: str) -> None:
    await shop.dashboard(f"invoices/{invoice}/pay", payment_method="pm_usBankAccount_success")


async def _fulfilled_early(shop: Shop, invoice: str) -> None:
    early = '{"fulfill_on": "processing", "reverse_on_partial": "never", "hold_on_dispute": true}'
    await shop.rows("UPDATE fulfillments SET policy = $2::jsonb WHERE invoice = $1", invoice, early)
    await _under_way(shop, invoice)


async def _failed_beside(shop: Shop, invoice: str) -> None:
    """While a debit that fulfilled is under way, another payment fails."""
    await _fulfilled_early(shop, invoice)
    await shop.tell(*await shop.events())
    await shop.sandbox.advance(2)
    customer = (await shop.client.get(f"/v1/invoices/{invoice}")).json()["customer"]
    part = await shop.dashboard("payment_intents", amount=2000, currency="usd", customer=customer)
    await shop.dashboard(f"invoices/{invoice}/attach_payment", payment_intent=part["id"])
    declined = {"payment_method": "pm_card_visa_chargeDeclined", "return_url": "https://shop.example/"}
    await shop.dashboard(f"payment_intents/{part['id']}/confirm", **declined)


async def _under_way_again(shop: Shop, invoice: str) -> None:
    await _paid(shop, invoice)
    await shop.tell(*await shop.events())
    await shop.sandbox.advance(2)
    payments = (await shop.client.get(f"/v1/invoices/{invoice}/payments")).json()["data"]
    intent = next(one["payment_intent"] for one in payments if one["status"] == "paid")
    await shop.dashboard(f"invoices/{invoice}/detach_payment", payment_intent=intent)
    await shop.tell(*await shop.events())
    await _under_way(shop, invoice)


async def _void(shop: Shop, invoice: str) -> None:
    await shop.dashboard(f"invoices/{invoice}/void")


async def _uncollectible(shop: Shop, invoice: str) -> None:
    await shop.dashboard(f"invoices/{invoice}/mark_uncollectible")


async def _paused(shop: Shop, invoice: str) -> None:
    answer = await shop.client.patch(f"/v1/invoices/{invoice}", json={"reminders": "off"})
    assert (answer.status_code, answer.json()["metadata"]) == (200, {"reminders": "off"})


async def _disputed(shop: Shop, invoice: str) -> None:
    await shop.rows("UPDATE fulfillments SET amount_disputed = 100, amount_undecided = 100 WHERE invoice = $1", invoice)


STOPS = [
    _paid,
    _under_way,
    _fulfilled_early,
    _failed_beside,
    _under_way_again,
    _void,
    _uncollectible,
    _paused,
    _disputed,
]


async def test_reminders_stop_also_those_that_wait_to_be_mailed(shop: Shop, mail: MailServer) -> None:
    opened = [await shop.open() for _ in STOPS]
    due_at = opened[-1][1]
    await shop.pass_days(due_at, -3, -2)
    for stop, (invoice, _) in zip(STOPS, opened, strict=True):
        await stop(shop, invoice)
    await shop.tell(*await shop.events())
    await shop.pass_days(due_at, -1, 30)
    await shop.performer.drain()
    assert not any("Reminder" in str(message.parsed["Subject"]) for message in mail.messages)
    for stop, (invoice, _) in zip(STOPS, opened, strict=True):
        assert [it for it in await shop.told(invoice) if it != "overdue"] == ["will_be_due", "reminded -3"], stop
        jobs = await shop.rows(
            "SELECT * FROM fulfillment_actions WHERE moment LIKE 'reminder%' AND invoice = $1", invoice
        )
        assert [job["status"] for job in jobs] == ["skipped"], (stop, jobs)


async def test_a_pause_ends_and_a_debit_that_fails_is_reminded_of(shop: Shop) -> None:
    invoice, due_at = await shop.open()
    await _paused(shop, invoice)
    await shop.pass_days(due_at, -3, 8)
    assert await shop.told(invoice) == ["will_be_due", "overdue"]
    resumed = await shop.client.patch(f"/v1/invoices/{invoice}", json={"reminders": None})
    assert resumed.json()["metadata"] == {}
    await shop.pass_days(due_at, 9, 9)
    await _under_way(shop, invoice)
    await shop.tell(*await shop.events())
    await shop.pass_days(due_at, 14, 15)
    assert await shop.told(invoice) == ["will_be_due", "overdue", "reminded 7"]
    await shop.rows(
        "UPDATE fulfillments SET status = 'payment_failed', attempt = 'payment_failed', payment_attempts = NULL "
        "WHERE invoice = $1",
        invoice,
    )
    await shop.pass_days(due_at, 16, 16)
    assert (await shop.told(invoice))[3:] == ["reminded 14"]


async def test_an_invoice_may_be_told_by_an_event_alone(shop: Shop, mail: MailServer) -> None:
    made = await shop.client.post(
        "/v1/invoices",
        json={
            "customer": (await shop.client.post("/v1/customers", json={"email": "jenny@example.com"})).json()["id"],
            "items": [{"amount": 900, "currency": "usd"}],
            "reminders": "event",
            "finalize": True,
        },
    )
    assert made.status_code == 201, made.text
    assert made.json()["metadata"] == {"reminders": "event"}
    invoice, due_at = made.json()["id"], datetime.fromisoformat(made.json()["due_at"])
    await shop.pass_days(due_at, -3, 20)
    assert await shop.told(invoice) == [
        "will_be_due", "reminded -3", "overdue", "reminded 0", "reminded 7", "reminded 14",
    ]  # fmt: skip
    await shop.performer.drain()
    assert mail.messages == []
    feed = (await shop.client.get("/v1/events?types=invoice.reminded")).json()["data"]
    assert [event["data"]["reminder"] for event in feed] == [{"day": day, "channel": "event"} for day in DAYS]


async def test_without_days_only_the_facts_are_told_once(shop: Shop) -> None:
    invoice, due_at = await shop.open()
    shop.reminders = Reminders(shop.container.database, ())
    await shop.pass_days(due_at, -30, 60)
    assert await shop.told(invoice) == ["overdue"]


async def test_another_due_date_counts_from_then_on(shop: Shop) -> None:
    invoice, due_at = await shop.open()
    await shop.pass_days(due_at, -3, -3)
    await shop.rows("UPDATE invoices SET due_at = due_at + interval '20 days' WHERE id = $1", invoice)
    await shop.pass_days(due_at, 0, 19)
    assert await shop.told(invoice) == ["will_be_due", "reminded -3"]
    await shop.pass_days(due_at, 20, 40)
    assert (await shop.told(invoice))[2:] == ["overdue", "reminded 0", "reminded 7", "reminded 14"]


async def test_what_stripe_tells_of_the_due_date_is_told_once_whoever_tells_first(shop: Shop) -> None:
    await shop.sandbox.switch(will_be_due_days=5)
    first, due_at = await shop.open()
    second, _ = await shop.open()
    await shop.pass_days(due_at, 0, 0)
    await shop.rows("DELETE FROM reminders WHERE invoice = $1", second)
    await shop.rows("DELETE FROM changes WHERE invoice = $1", second)
    await shop.sandbox.advance(31 * 86400)
    told = await shop.events("invoice.will_be_due", "invoice.overdue")
    assert len(told) == 4
    await shop.tell(*told, *told)
    assert sorted(await shop.told(first)) == ["overdue", "reminded 0", "will_be_due"]
    assert sorted(await shop.told(second)) == ["overdue", "will_be_due"]
    causes = await shop.rows("SELECT cause FROM changes WHERE type IN ('invoice.will_be_due', 'invoice.overdue')")
    assert len({row["cause"] for row in causes} & {event["id"] for event in told}) == 3
    await shop.pass_days(due_at, 1, 1)
    assert sorted(await shop.told(second)) == ["overdue", "reminded 0", "will_be_due"]


# Faults


async def test_a_worker_that_dies_anywhere_leaves_each_reminder_once(shop: Shop, mail: MailServer) -> None:
    outcome, at = DIED, 0
    seen = set()
    invoice, due_at = await shop.open()
    while outcome is DIED:
        at += 1
        await shop.rows("DELETE FROM reminders")
        await shop.rows("DELETE FROM fulfillment_actions")
        await shop.rows("DELETE FROM changes")
        outcome = await Process(shop.container).run(shop.reminders.remind(due_at), dies_at=at)
        await shop.container.database.close()
        await shop.container.database.open()
        seen.add(len(await shop.told(invoice)))
        await shop.reminders.remind(due_at)
        assert await shop.told(invoice) == ["overdue", "reminded 0"]
        assert len(await shop.rows("SELECT FROM reminders")) == 2
        assert len(await shop.rows("SELECT FROM fulfillment_actions")) == 1
    assert seen == {0, 2}  # all of it, or nothing
    assert at > 5


async def test_two_workers_remind_once(shop: Shop) -> None:
    invoices = [await shop.open() for _ in range(6)]
    due_at = invoices[-1][1]
    other = Reminders(shop.container.database, DAYS)
    await asyncio.gather(*(one.remind(due_at) for one in (shop.reminders, other, shop.reminders, other)))
    for invoice, _ in invoices:
        assert await shop.told(invoice) == ["overdue", "reminded 0"]
    assert len(await shop.rows("SELECT FROM fulfillment_actions")) == 6


async def test_a_worker_whose_clock_is_ahead_reminds_nobody_early(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(time.time(), tz) + 40 * DAY

    monkeypatch.setattr("app.invoices.reminders.datetime", Ahead)
    await shop.open()  # it is due in thirty days
    assert await shop.reminders.look() == 0


async def test_a_mail_that_the_server_took_before_the_worker_heard_of_it_is_sent_again_with_its_id(
    shop: Shop, mail: MailServer
) -> None:
    mail.answers["DATA"] = [DROP]
    _, due_at = await shop.open()
    await shop.reminders.remind(due_at)
    await shop.performer.drain()
    await shop.rows("UPDATE fulfillment_actions SET next_attempt_at = now()")
    await shop.performer.drain()
    assert len(mail.messages) == 2
    assert len(set(mail.ids)) == 1


async def test_what_was_told_is_forgotten_after_its_time(shop: Shop) -> None:
    _, due_at = await shop.open()
    await shop.reminders.remind(due_at)
    await shop.rows("UPDATE reminders SET created_at = now() - $1::interval WHERE type = 'invoice.overdue'", KEPT + DAY)
    async with shop.container.database.connection() as connection:
        assert await reminder_statements.forget(connection, KEPT, 100) == 1
    assert [row["type"] for row in await shop.rows("SELECT type FROM reminders")] == ["invoice.reminded"]


async def _require_reminder_after_a_week(shop: Shop, mail: MailServer, invoice: str, due_at: datetime) -> None:
    await shop.performer.drain()
    before = len(mail.messages)
    await shop.pass_days(due_at, 7, 7)
    await shop.performer.drain()
    assert (await shop.told(invoice))[-1] == "reminded 7"
    assert [str(message.parsed["Subject"]).split(":")[0] for message in mail.messages[before:]] == ["Overdue"]


async def test_what_is_owed_again_is_reminded_of(shop: Shop, mail: MailServer) -> None:
    invoice, due_at = await shop.open()
    await _paid(shop, invoice)
    await shop.tell(*await shop.events())
    await shop.sandbox.advance(2)
    intent = (await shop.event("payment_intent.succeeded"))["data"]["object"]["id"]
    await shop.dashboard(f"invoices/{invoice}/detach_payment", payment_intent=intent)
    await shop.tell(*await shop.events())
    await _require_reminder_after_a_week(shop, mail, invoice, due_at)


async def test_the_rest_is_reminded_of_after_a_part_that_fulfilled(shop: Shop, mail: MailServer) -> None:
    invoice, due_at = await shop.open()
    early = '{"fulfill_on": "processing", "reverse_on_partial": "never", "hold_on_dispute": true}'
    await shop.rows("UPDATE fulfillments SET policy = $2::jsonb WHERE invoice = $1", invoice, early)
    customer = (await shop.client.get(f"/v1/invoices/{invoice}")).json()["customer"]
    part = await shop.dashboard("payment_intents", amount=2000, currency="usd", customer=customer)
    await shop.dashboard(f"invoices/{invoice}/attach_payment", payment_intent=part["id"])
    await shop.dashboard(
        f"payment_intents/{part['id']}/confirm",
        payment_method="pm_usBankAccount_processing",
        return_url="https://shop.example/",
    )
    await shop.tell(*await shop.events())
    await shop.pass_days(due_at, 0, 0)
    assert await shop.told(invoice) == ["overdue"]
    await shop.sandbox.settle(part["id"])
    await shop.tell(*await shop.events())
    await _require_reminder_after_a_week(shop, mail, invoice, due_at)
