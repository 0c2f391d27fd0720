"""Invoices as CSV: rows per second, and whether the API's memory grows. Asked for by name only; `--powers` says how many."""

import time
from datetime import UTC, datetime, timedelta

import httpx

from app.invoices.export import MOST_ROWS
from bench import rows
from bench.cpu import Meter, megabytes_of
from bench.report import Section, at_most
from bench.stage import API_KEY, Stage

EACH = timedelta(seconds=5)
"""From one invoice to the next, see rows.py."""
EVERY = 10_000
"""Rows that are read between two looks at the memory."""


async def run(stage: Stage) -> Section:
    """All invoices, by as many exports as it takes."""
    name, count = await stage.create("export"), 1000 if stage.quick else 10**stage.powers
    async with stage.connect(name) as connection:
        await rows.customers(connection)
        await rows.lives(connection, count)
    api = await stage.service(name)
    headers = {"Authorization": f"Bearer {API_KEY}"}
    address = f"http://127.0.0.1:{api.port}/v1/invoices.csv"
    written, weighed, begin = 0, [megabytes_of(api.pids)], datetime(2024, 1, 1, tzinfo=UTC)
    meter, started = Meter(api.pids, stage.database), time.perf_counter()
    meter.start()
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
        for first in range(0, count, MOST_ROWS):
            since, until = begin + first * EACH, begin + (first + MOST_ROWS) * EACH - EACH / 2
            wanted = {"created_from": since.isoformat(), "created_to": until.isoformat()}
            async with client.stream("GET", address, params=wanted) as answer:
                answer.raise_for_status()
                async for line in answer.aiter_lines():
                    written += line.startswith("in_row")
                    if written % EVERY == 0:
                        weighed.append(megabytes_of(api.pids))
    elapsed = time.perf_counter() - started
    server_s, postgres_s = meter.stop()
    stage.stop_all()
    if written != count:
        raise RuntimeError(f"{count} invoices, {written} rows")
    half = weighed[len(weighed) // 2 :]
    return Section(
        "export",
        f"{count:,} invoices as CSV",
        ["rows/s", "server ms per 1,000", "pg ms per 1,000", "MB at start", "MB at most"],
        [("CSV", [count / elapsed, server_s * 1e6 / count, postgres_s * 1e6 / count, weighed[0], max(weighed)])],
        [at_most("growth of the API over the second half", max(half) - half[0], 3, "MB")],
        {"megabytes": weighed},
    )
