"""Rate limits: what all processes together let through, and what a database that is away means."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from ipaddress import ip_network

import httpx
import pytest

from app.access.authentication import address_limit
from app.access.rate_limits import Limit, Limits
from app.db.engine import Database as Pool
from app.domain.errors import DatabaseUnavailable, RateLimited
from app.domain.keys import new_key
from app.http.client_address import client_address
from app.main import create_app
from app.settings import Settings
from tests.fixtures.application import running
from tests.fixtures.postgres import Database
from tests.fixtures.service import client_of

SLOW = 0.001
"""A rate that adds nothing within a test: what is let through is the burst."""


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    opened = Pool(database.url, pool_size=8)
    await opened.open()
    yield opened
    await opened.close()


async def allowed(limits: Limits, limit: Limit, who: str, times: int) -> int:
    async def one() -> bool:
        try:
            await limits.take(limit, who)
        except RateLimited:
            return False
        return True

    return sum(await asyncio.gather(*(one() for _ in range(times))))


@pytest.mark.parametrize("burst", [1, 7, 100])
async def test_several_processes_together_let_through_what_one_would(pool: Pool, burst: int) -> None:
    processes = [Limits(pool) for _ in range(3)]
    limit = Limit("caller", SLOW, burst)
    let_in = await asyncio.gather(*(allowed(process, limit, "somebody", 60) for process in processes))
    # A chunk may be left in the hands of the others; never is more let in than the bucket holds.
    assert burst - 2 * (burst // 20) <= sum(let_in) <= burst
    assert await allowed(Limits(pool), Limit("caller", SLOW, burst), "somebody else", 1) == 1


async def test_a_bucket_fills_with_time_and_says_how_long_to_wait(pool: Pool, database: Database) -> None:
    limits, limit = Limits(pool), Limit("caller", 0.1, 1)
    await limits.take(limit, "x")
    with pytest.raises(RateLimited) as refused:
        await limits.take(limit, "x")
    assert refused.value.retry_after is not None
    assert 9 <= refused.value.retry_after <= 10
    connection = await database.connect()
    await connection.execute("UPDATE rate_buckets SET filled_at = filled_at - interval '10 seconds'")
    await connection.close()
    await Limits(pool).take(limit, "x")


async def test_a_limit_of_less_than_one_a_second_lets_somebody_in_again(
    pool: Pool, database: Database, settings: Settings
) -> None:
    limit = address_limit(settings.model_copy(update={"rate_limit_address": 0.1}))
    assert await allowed(Limits(pool), limit, "x", 2) == 1
    connection = await database.connect()
    await connection.execute("UPDATE rate_buckets SET filled_at = filled_at - interval '10 seconds'")
    await connection.close()
    assert await allowed(Limits(pool), limit, "x", 2) == 1


async def test_an_empty_bucket_is_not_asked_again_before_it_can_have_filled(pool: Pool, database: Database) -> None:
    limits, limit = Limits(pool), Limit("caller", SLOW, 1)
    assert await allowed(limits, limit, "x", 5) == 1
    connection = await database.connect()
    at = await connection.fetchval("SELECT filled_at FROM rate_buckets")
    assert await allowed(limits, limit, "x", 50) == 0
    assert await connection.fetchval("SELECT filled_at FROM rate_buckets") == at
    with pytest.raises(RateLimited):
        limits.require_open(limit, "x")
    await connection.close()


async def test_one_statement_serves_a_whole_chunk(pool: Pool, database: Database) -> None:
    limits, limit = Limits(pool), Limit("caller", SLOW, 100)
    assert await allowed(limits, limit, "x", 5) == 5
    connection = await database.connect()
    assert await connection.fetchval("SELECT tokens FROM rate_buckets") == 95
    await connection.close()


async def test_without_a_database_nobody_is_let_through_uncounted(database: Database) -> None:
    closed = Pool(database.url)
    with pytest.raises(DatabaseUnavailable):
        await Limits(closed).take(Limit("caller", 1, 1), "x")


async def test_buckets_nobody_draws_from_are_dropped(pool: Pool, database: Database) -> None:
    connection = await database.connect()
    await connection.execute(
        "INSERT INTO rate_buckets (name, tokens, granted, filled_at) VALUES ('old', 1, 0, now() - interval '1 hour')"
    )
    await Limits(pool).take(Limit("caller", 1, 1), "x")
    assert [row["name"] for row in await connection.fetch("SELECT name FROM rate_buckets")] == ["caller:x"]
    await connection.close()


@contextlib.asynccontextmanager
async def served(settings: Settings, **changes: object) -> AsyncIterator[httpx.AsyncClient]:
    application = create_app(settings.model_copy(update=changes))
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with running(application), client_of("http://x", transport) as client:
        yield client


async def test_a_caller_over_its_limit_answers_429_with_when_to_come_again(settings: Settings) -> None:
    async with served(settings, rate_limit_caller=0.01) as client:
        answers = [await client.get("/v1/invoices") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 429, 429]
        assert answers[1].json()["code"] == "rate_limited"
        assert int(answers[1].headers["retry-after"]) >= 1
        assert (await client.get("/healthz")).status_code == 200


async def test_an_address_over_its_limit_is_refused_before_its_credentials_are_looked_at(settings: Settings) -> None:
    async with served(settings, rate_limit_address=0.01) as client:
        stranger = {"Authorization": ""}
        assert (await client.get("/v1/invoices", headers=stranger)).status_code == 401
        assert (await client.get("/v1/invoices", headers=stranger)).status_code == 429
        assert (await client.get("/pay/x")).status_code == 429


async def test_trying_keys_is_stopped_while_known_callers_of_the_same_address_go_on(settings: Settings) -> None:
    async with served(settings, rate_limit_failed=0.01) as client:
        made = (await client.post("/v1/api-keys", json={"name": "x", "scopes": ["invoices:read"]})).json()
        known = {"Authorization": f"Bearer {made['key']}"}
        assert (await client.get("/v1/invoices", headers=known)).status_code == 200

        async def guess() -> int:
            headers = {"Authorization": f"Bearer {new_key(livemode=False)}"}
            return (await client.get("/v1/invoices", headers=headers)).status_code

        assert [await guess() for _ in range(4)] == [401, 429, 429, 429]
        assert (await client.get("/v1/invoices", headers=known)).status_code == 200


PROXY = (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        ("1.2.3.4", b"", (), "1.2.3.4"),
        ("1.2.3.4", b"9.9.9.9", (), "1.2.3.4"),
        ("1.2.3.4", b"9.9.9.9", PROXY, "1.2.3.4"),
        ("10.0.0.1", b"9.9.9.9", PROXY, "9.9.9.9"),
        ("10.0.0.1", b"6.6.6.6, 9.9.9.9", PROXY, "9.9.9.9"),
        ("10.0.0.1", b"6.6.6.6, 9.9.9.9, 10.0.0.2", PROXY, "9.9.9.9"),
        ("10.0.0.1", b"10.0.0.3,10.0.0.2", PROXY, "10.0.0.3"),
        ("10.0.0.1", b"nonsense", PROXY, "unknown"),
        ("2001:db8:1:2:3:4:5:6", b"", (), "2001:db8:1:2::/64"),
        ("::ffff:1.2.3.4", b"", (), "1.2.3.4"),
        ("::ffff:10.0.0.1", b"9.9.9.9, ::ffff:10.0.0.2", PROXY, "9.9.9.9"),
    ],
)
def test_an_address_is_what_trusted_proxies_say_and_nobody_else(
    peer: str, forwarded: bytes, trusted: tuple[object, ...], address: str
) -> None:
    assert client_address({"type": "http", "client": (peer, 1)}, forwarded, trusted) == address  # type: ignore[arg-type]


def test_a_request_without_an_address_still_has_a_bucket() -> None:
    assert client_address({"type": "http", "client": None}, b"", ()) == "unknown"
