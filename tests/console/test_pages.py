"""What every answer of the console says to a browser, and what it says when something is wrong."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.admin import read_sessions
from app.admin.charts import Series, bars, lines
from app.admin.overview import Bucket
from app.db.engine import Database as Pool
from app.settings import Settings
from tests.console.conftest import MakeVisitor, Visitor
from tests.fixtures.postgres import Database, PrivatePostgres
from tests.fixtures.sandbox import PROJECT


async def test_every_answer_keeps_the_browser_to_this_console(operator: Visitor) -> None:
    for path in ("", "login", "console.css", "console.js", "invoice/list", "nothing/list"):
        headers = (await operator.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert path.startswith("console.") or headers["cache-control"] == "no-store"


async def test_the_console_is_found_from_its_address_alone(visitor: Visitor) -> None:
    for path in ("/", "/console"):
        assert (await visitor.client.get(path)).headers["location"] == "/console/"
    assert (await visitor.client.get("/healthz")).text == "ok"


async def test_a_page_that_would_take_too_long_says_so(
    make_visitor: MakeVisitor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(read_sessions.READ_ONLY, "statement_timeout", "50ms")
    visitor = await make_visitor()
    await visitor.login()
    database = Pool(settings.database_url.get_secret_value())
    other = await database.dedicated()
    try:
        async with other.transaction():
            await other.execute("LOCK TABLE invoices")
            answer = await visitor.get("invoice/list")
    finally:
        await other.close()
    assert answer.status_code == 503
    assert "look for something narrower" in answer.text
    assert (await visitor.get("invoice/list")).status_code == 200


async def test_a_database_that_is_away_is_told_and_comes_back(
    make_visitor: MakeVisitor, postgres_server: type[PrivatePostgres]
) -> None:
    server = postgres_server()  # type: ignore[call-arg]
    visitor = await make_visitor(database_url=type("Url", (), {"get_secret_value": lambda _: server.url})())
    await visitor.login()
    await visitor.page("invoice/list")
    server.stop()
    for path in ("invoice/list", ""):
        answer = await visitor.get(path)
        assert answer.status_code == 503
        assert "cannot be reached" in answer.text
    server.start()
    await visitor.page("invoice/list")


async def test_what_nobody_foresaw_is_told_without_its_details(operator: Visitor, database: Database) -> None:
    connection = await database.connect()
    await connection.execute("ALTER TABLE rate_buckets RENAME TO not_there_any_more")
    await connection.close()
    answer = await operator.get("rate-bucket/list")
    assert answer.status_code == 500
    assert "Something went wrong here; it was logged." in answer.text
    assert "rate_buckets" not in answer.text


async def test_what_the_console_looks_with_cannot_write(settings: Settings) -> None:
    engine = read_sessions.reader(Pool(settings.database_url.get_secret_value()))
    async with read_sessions.sessions(engine)() as session:
        with pytest.raises(DBAPIError, match="read-only transaction"):
            await session.execute(text("DELETE FROM rate_buckets"))
    await engine.dispose()


def test_the_service_runs_without_what_the_console_needs() -> None:
    loaded = (
        "import sys, app.cli, app.main; print([name for name in ('sqlalchemy.orm', 'sqladmin') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", loaded], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def bucket(hour: int, **values: float) -> Bucket:
    return Bucket(datetime(2026, 11, 1, hour, tzinfo=UTC), values)


def test_bars_are_as_high_as_their_numbers() -> None:
    drawn = bars([bucket(0, paid=3, failed=1), bucket(1, paid=0, failed=0)], [Series("paid", "paid"), Series("failed", "failed")], "%H:%M", "Payments")  # fmt: skip
    assert drawn.count('class="paid"') == 1
    assert 'class="paid" x="81.2" y="53.0" width="265.6" height="123.0"' in drawn
    assert 'class="failed" x="81.2" y="12.0" width="265.6" height="41.0"' in drawn
    assert "<title>00:00: 3 paid, 1 failed</title>" in drawn


def test_lines_tell_short_times_in_milliseconds() -> None:
    drawn = lines([bucket(0, half=0.25), bucket(1, half=40)], [Series("half", "half within")], "%H:%M", "Lag")
    assert "<title>00:00: half within 250 ms</title>" in drawn
    assert "<title>01:00: half within 40.0 s</title>" in drawn
    assert 'points="214.0,175.0 546.0,12.0"' in drawn


def test_a_line_leaves_out_what_nobody_measured() -> None:
    drawn = lines([bucket(0, half=1), bucket(1), bucket(2, half=1)], [Series("half", "half within")], "%H:%M", "Lag")
    assert drawn.count("<circle") == 2
    assert "<title>01:00: nothing</title>" in drawn


@pytest.mark.parametrize("draw", [bars, lines])
def test_a_chart_of_nothing_is_empty_but_whole(draw: type) -> None:
    assert draw([], [Series("paid", "paid")], "%H", "Lag").startswith("<svg")
    assert "nan" not in draw([bucket(0, paid=0)], [Series("paid", "paid")], "%H", "Lag")
