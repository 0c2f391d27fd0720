import asyncio

import pytest

from app.domain.errors import StripeUnavailable
from app.stripe.pace import BURST_S, RECOVERY_S, Limiter, Pace, StripeLimits


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def calls_within(pace: Pace, start: float, seconds: float) -> int:
    """Count how many calls start in that time, when one is always ready to."""
    now, calls = start, 0
    while now < start + seconds:
        now += pace.wait(now)
        if now < start + seconds:
            pace.take(now)
            calls += 1
    return calls


@pytest.mark.parametrize("rate", [5.0, 20.0, 80.0])
def test_no_second_sees_more_than_the_rate_and_its_small_burst(rate: float) -> None:
    pace = Pace(rate)
    assert calls_within(pace, 0.0, 1.0) <= rate * (1 + BURST_S) + 1
    assert rate - 1 <= calls_within(pace, 1.0, 10.0) / 10 <= rate + 1


def test_the_defaults_keep_under_what_stripe_publishes() -> None:
    assert StripeLimits().rate_per_s * (1 + BURST_S) < 100
    assert StripeLimits().endpoint_rate_per_s * (1 + BURST_S) < 25


def test_a_429_halves_the_pace_once_and_it_grows_back_within_a_minute() -> None:
    pace = Pace(80.0)
    pace.slow_down(100.0)
    pace.slow_down(100.1)
    assert pace.rate(100.1) == pytest.approx(40, abs=1)
    pace.slow_down(102.0)
    assert pace.rate(102.0) < 25
    assert pace.rate(102.0 + RECOVERY_S) == 80.0


def test_a_pace_never_falls_to_a_standstill() -> None:
    pace = Pace(64.0)
    for second in range(100):
        pace.slow_down(float(second * 2))
    assert pace.rate(198.0) >= 2.0


async def test_a_call_that_would_wait_too_long_is_refused_and_told_when_to_come_back() -> None:
    clock = Clock()
    limiter = Limiter(StripeLimits(rate_per_s=1.0, endpoint_rate_per_s=1.0, queue_s=0.0), clock)
    async with limiter.turn("post invoices"):
        pass
    with pytest.raises(StripeUnavailable) as refused:
        async with limiter.turn("post invoices"):
            pass
    assert refused.value.retry_after == 1
    assert not refused.value.unsure
    assert limiter.shed == 1
    clock.now += 1.0
    async with limiter.turn("post invoices"):
        assert limiter.in_flight == 1
    assert limiter.in_flight == 0


async def test_one_endpoint_at_its_limit_leaves_the_others_alone() -> None:
    limiter = Limiter(StripeLimits(rate_per_s=100.0, endpoint_rate_per_s=1.0, queue_s=0.0), Clock())
    async with limiter.turn("post invoices"):
        pass
    async with limiter.turn("get invoices"):
        pass
    with pytest.raises(StripeUnavailable):
        async with limiter.turn("get invoices"):
            pass


async def test_no_more_calls_than_allowed_are_under_way_at_once() -> None:
    limiter = Limiter(StripeLimits(rate_per_s=1e6, endpoint_rate_per_s=1e6, concurrency=2, queue_s=5.0))
    release = asyncio.Event()
    most = 0

    async def call() -> None:
        nonlocal most
        async with limiter.turn("post invoices"):
            most = max(most, limiter.in_flight)
            await release.wait()

    calls = [asyncio.create_task(call()) for _ in range(5)]
    for _ in calls:
        await asyncio.sleep(0)
    assert limiter.waiting == 3
    release.set()
    await asyncio.gather(*calls)
    assert most == 2


async def test_waiting_for_a_free_slot_ends_with_a_refusal() -> None:
    limiter = Limiter(StripeLimits(rate_per_s=1e6, endpoint_rate_per_s=1e6, concurrency=1, queue_s=0.01))
    async with limiter.turn("post invoices"):
        with pytest.raises(StripeUnavailable):
            async with limiter.turn("post invoices"):
                pass
    assert (limiter.waiting, limiter.in_flight, limiter.shed) == (0, 0, 1)


async def test_calls_that_wait_for_their_endpoint_hold_no_slot_that_others_need() -> None:
    limiter = Limiter(StripeLimits(rate_per_s=1e6, endpoint_rate_per_s=1.0, concurrency=2, queue_s=60.0))

    async def call() -> None:
        async with limiter.turn("get invoices"):
            pass

    crowd = [asyncio.create_task(call()) for _ in range(30)]
    await asyncio.sleep(0)
    async with asyncio.timeout(15), limiter.turn("post invoices"):
        assert limiter.waiting > 20
    for one in crowd:
        one.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    assert (limiter.waiting, limiter.in_flight) == (0, 0)


async def test_calls_that_wait_for_their_endpoint_do_not_count_against_the_common_pace() -> None:
    limiter = Limiter(StripeLimits(rate_per_s=10.0, endpoint_rate_per_s=1.0, queue_s=60.0))

    async def call() -> None:
        async with limiter.turn("get invoices"):
            pass

    crowd = [asyncio.create_task(call()) for _ in range(30)]
    await asyncio.sleep(0)
    async with asyncio.timeout(15), limiter.turn("post invoices"):
        pass
    for one in crowd:
        one.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)


async def test_an_endpoints_queue_is_bounded() -> None:
    limiter = Limiter(StripeLimits(rate_per_s=1e6, endpoint_rate_per_s=10.0, queue_s=1.0), Clock())

    async def call() -> None:
        async with limiter.turn("get invoices"):
            pass

    crowd = [asyncio.create_task(call()) for _ in range(100)]
    await asyncio.sleep(0)
    assert 5 < limiter.waiting <= 12
    for one in crowd:
        one.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    assert limiter.shed >= 85


async def test_reads_leave_room_for_writes() -> None:
    limiter = Limiter(StripeLimits(rate_per_s=1e6, endpoint_rate_per_s=1e6, concurrency=4, queue_s=5.0))
    release = asyncio.Event()

    async def read(endpoint: str) -> None:
        async with limiter.turn(endpoint):
            await release.wait()

    reads = [asyncio.create_task(read(f"get {number}")) for number in range(8)]
    for _ in reads:
        await asyncio.sleep(0)
    assert limiter.in_flight == 3
    async with asyncio.timeout(15), limiter.turn("post invoices"):
        assert limiter.in_flight == 4
    release.set()
    await asyncio.gather(*reads)
    assert limiter.in_flight == 0
