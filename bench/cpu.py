"""Measures processor time, user and system, of process trees and of a PostgreSQL server."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


def seconds_of(pids: Iterable[int]) -> float:
    """Processor seconds that these processes and their descendants have used so far."""
    return sum(_own(member) for pid in pids for member in _family(psutil.Process(pid)))


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def postgres_seconds(data: Path) -> float:
    """Processor seconds of a PostgreSQL server: what runs, what has ended and waits for its postmaster, and the rest."""
    postmaster = psutil.Process(int((data / "postmaster.pid").read_text().split("\n", 1)[0]))
    total = 0.0
    for child in postmaster.children():
        with contextlib.suppress(psutil.NoSuchProcess):  # the postmaster counts it from now on
            total += _own(child)
    times = postmaster.cpu_times()
    return total + times.user + times.system + times.children_user + times.children_system


def megabytes_of(pids: Iterable[int]) -> float:
    """The largest process of these and their descendants, by its own pages and its share of shared ones."""
    sizes = []
    for pid in pids:
        for member in _family(psutil.Process(pid)):
            full = member.memory_full_info()
            sizes.append(getattr(full, "pss", full.rss) / 1e6)
    return max(sizes)


@dataclass(slots=True)
class Meter:
    """Processor time of one contestant, between two looks."""

    pids: Sequence[int]
    database: Path | None
    server_s: float = 0.0
    postgres_s: float = 0.0

    def start(self) -> None:
        """The first look."""
        self.server_s = seconds_of(self.pids)
        self.postgres_s = postgres_seconds(self.database) if self.database else 0.0

    def stop(self) -> tuple[float, float]:
        """The second look: seconds of the server, and of PostgreSQL, since the first."""
        postgres = postgres_seconds(self.database) - self.postgres_s if self.database else 0.0
        return seconds_of(self.pids) - self.server_s, postgres
