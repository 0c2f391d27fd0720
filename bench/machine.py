"""The facts of the machine that belong to a result, and whether it has room for a benchmark."""

import os
import platform
import random
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from bench.stage import POSTGRES, PROJECT

PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "asyncpg", "msgspec", "stripe", "aiohttp")


def facts() -> dict[str, object]:
    """What it was measured on."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": _said("git", "rev-parse", "--short", "HEAD"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "postgresql": {"settings": POSTGRES},
        "load_average": os.getloadavg(),
        "reference": {
            "loop_ms": round(_loop_ms(), 1),
            "memory_ms": round(_memory_ms(), 1),
            "python_start_ms": round(_start_ms(), 1),
        },
    }


def require_room(folder: Path, gigabytes: float) -> None:
    """Refuse what would fill the disk: other things are on it, too."""
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes:
        raise RuntimeError(f"{gigabytes:,.0f} GB are needed in {folder}, and {free:,.0f} GB are free")


def _said(*command: str) -> str:
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _loop_ms() -> float:
    """Processor time of a million additions: how fast this machine is right now."""
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        total = 0
        for number in range(1_000_000):
            total += number
        best = min(best, time.process_time() - started)
    return best * 1000


def _memory_ms() -> float:
    """Processor time of looking at 300,000 objects all over 50 MB.

    On a virtual machine whose memory was in small pieces this took ten times as long, the benchmarks two or three times,
    and `_loop_ms` what it always takes. Caches dropped and memory compacted (/proc/sys/vm) mended it.
    """
    objects = [(number, str(number)) for number in range(300_000)]
    random.Random(1).shuffle(objects)
    started = time.process_time()
    for _number, _text in objects:
        pass
    return (time.process_time() - started) * 1000


def _start_ms() -> float:
    """How long an interpreter that does nothing takes."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        times.append(time.perf_counter() - started)
    return min(times) * 1000
