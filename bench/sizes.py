"""Compares the same work among growing numbers of rows: sizes, table, targets, and what was scanned."""

from collections.abc import Awaitable, Callable, Sequence

from bench.report import Target, at_most
from bench.rounds import Contest, Sample, Samples, middle, ratio
from bench.rows import Connection
from bench.scenarios.worker import drain, paid
from bench.stage import Stage
from dev.processes import Child

LARGE = 5000
"""Rows from which on reading a whole table is a fault."""
_SCANS = """
SELECT coalesce(sum(seq_scan), 0)::int FROM pg_stat_user_tables JOIN pg_class ON pg_class.oid = relid WHERE reltuples >= $1
"""


def sizes_of(stage: Stage) -> list[int]:
    """How many rows there are, the smallest first."""
    return [10**power for power in ([2, 3] if stage.quick else sorted({4, 6, stage.powers}))]


def among(title: str, size: int) -> str:
    """The name of a contestant."""
    return f"{title}, among {size:,}"


async def scans(connection: Connection) -> int:
    """How often a large table has been read as a whole so far; of other sessions, what those said that have ended."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    found: int = await connection.fetchval(_SCANS, LARGE)
    return found


def draining(stage: Stage, workers: dict[int, tuple[str, Child]], backlog: int, tables: str) -> Contest:
    """Events that wait, each of which pays an invoice and fulfils it: a worker at each size."""

    def of(name: str, worker: Child) -> Callable[[], Awaitable[Sample]]:
        async def drained() -> Sample:
            per_s, server_ms, postgres_ms = await drain(stage, name, [worker], paid(backlog), tables)
            return Sample(backlog, per_s, server_ms, postgres_ms, 0, 0)

        return drained

    return {among("process an event", size): of(name, worker) for size, (name, worker) in workers.items()}


def _titles(samples: Samples, size: int) -> list[str]:
    tail = among("", size)
    return [name.removesuffix(tail) for name in samples if name.endswith(tail)]


def table(samples: Samples, sizes: Sequence[int]) -> list[tuple[str, list[float | str]]]:
    """Two rows for each kind of work: all its processor time, and PostgreSQL's part."""
    rows: list[tuple[str, list[float | str]]] = []
    for title in _titles(samples, sizes[0]):
        found = [middle(samples[among(title, size)]) for size in sizes]
        rows.append((f"{title}: total ms", [one.total_ms for one in found]))
        rows.append((f"{title}: of it PostgreSQL", [one.postgres_ms for one in found]))
    return rows


def targets(samples: Samples, sizes: Sequence[int]) -> list[Target]:
    """The cost among the most rows, of that among the fewest."""
    first, last = sizes[0], sizes[-1]
    return [
        at_most(f"{title}: CPU among {last:,}, of that among {first:,}",
                ratio(samples, among(title, last), among(title, first)), 1.1)
        for title in _titles(samples, first)
    ]  # fmt: skip
