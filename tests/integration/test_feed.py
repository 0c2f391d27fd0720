"""The feed: every change is an event in it, and whoever pages through misses none, however late it was committed."""

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest
from sqlalchemy import select

from app.db.statement import Statement
from app.domain.changes import Change, note
from app.domain.errors import ValidationFailed
from app.domain.events import START, TYPES, Cursor, envelope, event_type, require_types
from app.events import feed_statements
from app.events.feed_statements import GAP, Query
from app.projection import change_statements
from tests.fixtures.feed import settled
from tests.fixtures.postgres import Database, PrivatePostgres
from tests.fixtures.stage import Stage
from tests.fixtures.waiting import until

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def changed(invoice: str, was: str | None = "draft", became: str = "open", **state: Any) -> dict[str, Any]:
    told = {"id": invoice, "status": became, "customer": "cus_1", **state}
    return Change("invoice", was, told, "evt_1").row(told)


HELD_S = Statement(select(feed_statements.HELD_S))


@pytest.fixture
async def writers(database: Database) -> AsyncIterator[list[Connection]]:
    made = [await database.connect() for _ in range(4)]
    yield made
    for one in made:
        await one.close()


@pytest.fixture
async def reader(database: Database) -> AsyncIterator[Connection]:
    one = await database.connect()
    yield one
    await one.close()


async def all_of(reader: Connection, wanted: Query = feed_statements.EVERYTHING, *, limit: int = 2) -> list[str]:
    """The invoices of all events, page by page, read when no transaction is in the way any more."""
    found, after = [], START
    while True:
        page = await feed_statements.read(reader, after, wanted, limit=limit)
        found += [event.invoice for event in page.events]
        after = page.upto
        if not page.more and not page.held:
            return found


# The order


@pytest.mark.parametrize("commits", list(itertools.permutations(range(3))))
async def test_a_reader_that_pages_while_writers_commit_in_any_order_misses_nothing(
    writers: list[Connection], reader: Connection, commits: tuple[int, ...]
) -> None:
    transactions = [one.transaction() for one in writers[:3]]
    for number, (writer, transaction) in enumerate(zip(writers, transactions, strict=False)):
        await transaction.start()
        await change_statements.add(writer, [changed(f"in_{number}a"), changed(f"in_{number}b")])
    seen: list[str] = []
    after = START
    for number in commits:
        await transactions[number].commit()
        while (page := await feed_statements.read(reader, after, limit=1)).events:
            seen += [event.invoice for event in page.events]
            after = page.upto
        after = page.upto
    while (page := await feed_statements.read(reader, after, limit=1)).events or page.held:
        seen += [event.invoice for event in page.events]
        after = page.upto
    assert seen == ["in_0a", "in_0b", "in_1a", "in_1b", "in_2a", "in_2b"]


async def test_what_a_transaction_in_the_way_holds_back_is_said_to_be_held_and_comes_when_it_ends(
    writers: list[Connection], reader: Connection
) -> None:
    slow, quick, *_ = writers
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute("SELECT pg_current_xact_id()")  # it may yet write
    await change_statements.add(quick, [changed("in_quick")])
    held = await feed_statements.read(reader, START, limit=10)
    assert (held.events, held.held) == ([], True)
    assert await HELD_S.value(reader) > 0
    await change_statements.add(slow, [changed("in_slow")])
    await transaction.commit()
    assert await all_of(reader) == ["in_slow", "in_quick"]
    assert await HELD_S.value(reader) == 0


async def test_a_transaction_that_is_rolled_back_leaves_no_event(writers: list[Connection], reader: Connection) -> None:
    transaction = writers[0].transaction()
    await transaction.start()
    await change_statements.add(writers[0], [changed("in_never")])
    await transaction.rollback()
    await change_statements.add(writers[1], [changed("in_1")])
    assert await all_of(reader) == ["in_1"]


async def test_a_cursor_of_an_empty_page_goes_on_before_whatever_comes(
    writers: list[Connection], reader: Connection
) -> None:
    transaction = writers[0].transaction()
    await transaction.start()
    await change_statements.add(writers[0], [changed("in_late")])
    empty = await feed_statements.read(reader, START, limit=5)
    latest = await feed_statements.last_position(reader)
    await transaction.commit()
    for after in (empty.upto, latest):
        assert [event.invoice for event in (await feed_statements.read(reader, after, limit=5)).events] in (
            [],
            ["in_late"],
        )
        assert "in_late" in await from_(reader, after)


async def from_(reader: Connection, after: Cursor) -> list[str]:
    while (page := await feed_statements.read(reader, after, limit=5)).held:
        pass
    return [event.invoice for event in page.events]


async def test_many_writers_and_a_reader_at_the_same_time_agree_on_every_event(
    database: Database, writers: list[Connection], reader: Connection
) -> None:
    """Each writer holds its transactions open for as long as others take, and rolls some back."""
    written: list[str] = []
    turn = asyncio.Condition()
    done = 0

    async def write(number: int) -> None:
        nonlocal done
        for round_ in range(25):
            kept = (number + round_) % 5 != 0
            transaction = writers[number].transaction()
            await transaction.start()
            names = [f"in_{number}_{round_}_{nth}" for nth in range(1 + round_ % 3)]
            await change_statements.add(writers[number], [changed(name) for name in names])
            async with turn:  # somebody else moves on before this one commits, now and then
                turn.notify_all()
                if round_ % (number + 2) == 0 and done < 3:
                    await asyncio.wait_for(turn.wait(), 10)
            await (transaction.commit() if kept else transaction.rollback())
            written.extend(names if kept else [])
            async with turn:
                turn.notify_all()
        done += 1
        async with turn:
            turn.notify_all()

    async def follow() -> list[str]:
        seen, after = [], START
        while True:
            ended = done == len(writers)
            page = await feed_statements.read(reader, after, limit=3)
            seen += [event.invoice for event in page.events]
            assert page.upto >= after
            after = page.upto
            if ended and not page.more and not page.held:
                return seen
            await asyncio.sleep(0)

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(number) for number in range(len(writers))))
    seen = await following
    assert sorted(seen) == sorted(written)
    assert seen == await all_of(reader, limit=100)


async def test_after_a_restore_into_a_cluster_that_counts_lower_the_feed_goes_on_behind_what_is_stored(
    writers: list[Connection], reader: Connection
) -> None:
    await change_statements.add(writers[0], [changed("in_before")])
    await writers[0].execute("UPDATE changes SET position = position + 1000000000")  # as the old cluster counted
    assert await feed_statements.rebase(writers[0])
    last = (await settled(reader)).events[-1].cursor
    assert last.position > 1_000_000_000
    await change_statements.add(writers[1], [changed("in_after")])
    behind = (await settled(reader, last)).events
    assert [event.invoice for event in behind] == ["in_after"]
    assert behind[0].cursor.position > last.position + GAP // 2
    assert not await feed_statements.rebase(writers[0])


async def test_after_a_restore_the_feed_goes_on_behind_what_was_read_also_where_the_cluster_counts_higher(
    writers: list[Connection], reader: Connection
) -> None:
    await change_statements.add(writers[0], [changed("in_before")])
    stored = (await settled(reader)).events[-1].cursor
    lost = Cursor(stored.position + 1_000_000, 1)  # read before the loss; the backup is older
    await feed_statements.rebase(writers[0], restored=True)
    await change_statements.add(writers[1], [changed("in_after")])
    behind = (await settled(reader, lost)).events
    assert [event.invoice for event in behind] == ["in_after"]


def recover(data: Path) -> None:
    """Have the server that starts here next recover from its archive, in which there is nothing."""
    for name, text in {"recovery.signal": "", "postgresql.auto.conf": "restore_command = 'false'"}.items():
        (data / name).write_text(text)
        shutil.chown(data / name, data.owner(), data.group())


async def test_after_a_failover_the_feed_goes_on_behind_what_was_read_without_being_told(
    postgres_server: Callable[[], PrivatePostgres],
) -> None:
    """Each recovery that ends in a server of its own, a promoted replica's or a backup's, begins a timeline."""
    server = postgres_server()
    connection = await asyncpg.connect(server.url)
    await change_statements.add(connection, [changed("in_before")])
    stored = (await settled(connection)).events[-1].cursor
    lost = Cursor(stored.position + 1_000_000, 1)  # read before the loss
    data = Path(await connection.fetchval("SHOW data_directory"))
    await connection.close()
    server.stop()
    recover(data)
    server.start()
    connection = await asyncpg.connect(server.url)

    async def recovered() -> bool:
        return not await connection.fetchval("SELECT pg_is_in_recovery()")

    await until(recovered)
    assert await connection.fetchval(f"SELECT {change_statements.TIMELINE}") == 2
    await change_statements.add(connection, [changed("in_after")])
    behind = (await settled(connection, lost)).events
    assert [event.invoice for event in behind] == ["in_after"]
    assert not await feed_statements.rebase(connection)
    assert await feed_statements.rebase(connection, restored=True)
    await change_statements.add(connection, [changed("in_last")])
    assert [event.invoice for event in (await settled(connection, behind[0].cursor)).events] == ["in_last"]
    await connection.close()


async def test_after_a_crash_the_feed_goes_on_behind_what_was_read(
    postgres_server: Callable[[], PrivatePostgres],
) -> None:
    """Transactions that left nothing on disk used up ids, which are given again after a crash."""
    server = postgres_server()
    connection = await asyncpg.connect(server.url)
    await change_statements.add(connection, [changed("in_before")])
    await connection.execute("CHECKPOINT")
    for _ in range(20):
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT pg_current_xact_id()")
        await transaction.rollback()
    read = [
        (await feed_statements.read(connection, START, wanted, limit=5)).upto
        for wanted in (Query(), Query(types=frozenset({"invoice.deleted"})), Query(invoice="in_other"))
    ]
    read.append(await feed_statements.last_position(connection))
    server.crash()
    server.start()
    connection = await asyncpg.connect(server.url)
    await change_statements.add(connection, [changed("in_after")])
    for after in read:
        page = await settled(connection, after)
        assert [event.invoice for event in page.events] == ["in_after"]
        assert after < page.end
    await connection.close()


async def test_a_feed_that_needs_no_new_base_keeps_its_own(writers: list[Connection]) -> None:
    assert not await feed_statements.rebase(writers[0])
    await change_statements.add(writers[0], [changed("in_1")])
    assert not await feed_statements.rebase(writers[0])


# What is wanted


async def test_events_are_read_by_type_by_invoice_and_by_customer(stage: Stage) -> None:
    mine, other = await stage.invoice(), await stage.invoice()
    await stage.tell(*await stage.events())
    async with stage.container.database.connection() as connection:
        everything = (await settled(connection)).events
        kinds = {event.type for event in everything}
        for wanted in (
            Query(types=frozenset({"invoice.finalized"})),
            Query(invoice=mine["id"]),
            Query(customer=other["customer"]),
            Query(types=frozenset({"invoice.finalized"}), invoice=mine["id"]),
        ):
            found = (await settled(connection, START, wanted)).events
            assert found == [event for event in everything if wanted.includes(event)]
            assert found
    assert {"invoice.created", "invoice.finalized", "fulfillment.awaiting_payment"} <= kinds


async def test_a_reader_of_a_rare_type_goes_through_the_others_in_steps(
    writers: list[Connection], reader: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_statements, "EXAMINED", 3)
    feed_statements._read.cache_clear()
    await change_statements.add(writers[0], [changed(f"in_{number}") for number in range(7)])
    await change_statements.add(writers[0], [changed("in_rare", "open", "void")])
    wanted = Query(types=frozenset({"invoice.voided"}))
    assert len((await settled(reader)).events) == 8
    steps, after = [], START
    while (page := await feed_statements.read(reader, after, wanted, limit=5)).more:
        steps.append([event.invoice for event in page.events])
        after = page.upto
    assert steps == [[], []]
    assert [event.invoice for event in page.events] == ["in_rare"]
    feed_statements._read.cache_clear()


# What an event says


async def test_an_invoice_from_draft_to_fulfilled_is_told_step_by_step(stage: Stage) -> None:
    invoice = await stage.invoice(finalize=False)
    await stage.tell(*await stage.events())
    await stage.dashboard(f"invoices/{invoice['id']}/finalize")
    await stage.tell(*await stage.events())
    await stage.dashboard(f"invoices/{invoice['id']}/pay", paid_out_of_band="true")
    await stage.tell(*await stage.events())
    async with stage.container.database.connection() as connection:
        events = (await settled(connection, START, Query(invoice=invoice["id"]))).events
    told = [(event.type, json.loads(event.data)["previous_status"]) for event in events]
    assert [one for one in told if not one[0].endswith("updated")] == [
        ("invoice.created", None),
        ("invoice.finalized", "draft"),
        ("fulfillment.awaiting_payment", None),
        ("invoice.paid", "open"),
        ("fulfillment.fulfilled", "awaiting_payment"),
    ]
    fulfilled = json.loads(envelope(events[-1], "https://billing.example"))
    assert fulfilled | {"id": "", "time": "", "sequence": "", "data": {}} == {
        "specversion": "1.0",
        "id": "",
        "source": "https://billing.example",
        "type": "fulfillment.fulfilled",
        "subject": invoice["id"],
        "time": "",
        "datacontenttype": "application/json",
        "dataschema": "https://billing.example/openapi.json#/components/schemas/FulfillmentEventData",
        "schemaversion": 1,
        "sequence": "",
        "data": {},
    }
    assert fulfilled["data"]["invoice"]["status"] == "paid"
    assert fulfilled["data"]["fulfillment"]["paid_out_of_band"] is True
    assert Cursor.read(fulfilled["sequence"]) == events[-1].cursor


async def test_no_event_holds_what_is_personal_or_secret(stage: Stage) -> None:
    invoice = await stage.invoice()
    await stage.tell(*await stage.events())
    async with stage.container.database.connection() as connection:
        events = (await settled(connection)).events
    written = "".join(event.data for event in events)
    assert invoice["id"] in written
    for hidden in ("Jenny", "jenny@example.com", "_secret_", "hosted_invoice_url", "invoice_pdf", "https://"):
        assert hidden not in written


async def test_every_event_has_an_id_of_its_own_that_a_replay_does_not_change(stage: Stage) -> None:
    await stage.invoice()
    events = await stage.events()
    await stage.tell(*events)
    before = await stage.rows("SELECT event FROM changes ORDER BY position, id")
    await stage.tell(*events)
    assert await stage.rows("SELECT event FROM changes ORDER BY position, id") == before
    assert len({row["event"] for row in before}) == len(before) > 0


def test_what_happens_within_one_transaction_is_told_once() -> None:
    told: list[Change] = []
    for was, became, total in ((None, "draft", 1), ("draft", "draft", 2), ("draft", "open", 3), ("open", "open", 4)):
        note(told, Change("invoice", was, {"id": "in_1", "status": became, "total": total}, None))
    assert [(one.was, one.became, one.state["total"]) for one in told] == [(None, "draft", 2), ("draft", "open", 4)]


def test_event_types_are_called_what_happened() -> None:
    assert event_type("invoice", "open", "uncollectible") == "invoice.marked_uncollectible"
    assert event_type("fulfillment", "processing", "payment_failed") == "fulfillment.payment_failed"
    assert event_type("fulfillment", "processing", "processing") == "fulfillment.updated"
    assert event_type("invoice", None, "open") == "invoice.finalized"
    assert event_type("invoice", "paid", "open") == "invoice.reopened"
    assert len(set(TYPES)) == len(TYPES) == 37


def test_every_type_has_its_webhook_in_the_contract() -> None:
    contract = Path(__file__).resolve().parents[2] / "openapi" / "openapi.json"
    assert set(json.loads(contract.read_text())["webhooks"]) == {*TYPES, "ping"}


def test_a_type_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(ValidationFailed, match=r"invoice\.paidd") as refused:
        require_types(["invoice.paid", "invoice.paidd"])
    assert refused.value.param == "types"


@pytest.mark.parametrize("text", ["", "x", "0" * 31, "0" * 33, "g" * 32, "f" * 32, " " * 32, "0x" + "0" * 30, "٣" * 32])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed):
        Cursor.read(text)


def test_cursors_sort_as_their_texts_do() -> None:
    cursors = [START, Cursor(1, 1), Cursor(1, 2**40), Cursor(2, 0), Cursor(2**62, 3)]
    assert cursors == sorted(cursors)
    assert [str(one) for one in cursors] == sorted(str(one) for one in cursors)
    assert [Cursor.read(str(one)) for one in cursors] == cursors
