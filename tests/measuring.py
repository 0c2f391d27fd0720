"""Which lines and branches of app/ the tests run, as SlipCover finds it: a tracer would double the time of the tests.

`COVERAGE_TO` names a folder. A process that imports this module before the service notes there, at its end, what it ran;
so do the processes that it forks. `python -m tests.measuring FOLDER` says what none of them ran, and fails where that is
too much. Processes that are killed, and those that start cold, note nothing.

SlipCover's own plugin for xdist does not run with this pytest, and knows no forked processes that outlive their test. So this relies on these
names of its `Slipcover`, which it does not document: `all_seen`, `newly_seen`, `lock` and `signal_child_process`.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import warnings
from pathlib import Path
from types import FrameType

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
    import slipcover

PACKAGE = Path(__file__).resolve().parents[1] / "app"
LEAST = 95.0
"""Percent of the lines and branches."""
MIGRATIONS = "*/migrations/*"
PASSES = 20_000
"""How often a line is run before its code is made anew without what notes it. SlipCover's own 50 takes a third of the tests' time."""
NOT_COUNTED = ["if TYPE_CHECKING:", "@overload", r"\.\.\.$", r"assert_never\(", "if __name__ == .__main__.:"]


class Measuring:
    """Notes what this process runs of the package from now on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seeing = slipcover.Slipcover(branch=True, d_miss_threshold=PASSES)
        slipcover.ImportManager(self._seeing, slipcover.FileMatcher(sources=[str(PACKAGE)])).__enter__()
        atexit.register(self.note)
        os.register_at_fork(after_in_child=self._forked)

    def note(self) -> None:
        """Write what was run."""
        with self._seeing.lock:
            for file, lines in self._seeing.newly_seen.items():
                self._seeing.all_seen[file].update(lines)
            seen = {file: list(lines) for file, lines in self._seeing.all_seen.items()}
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._folder / f"{os.getpid()}.unfinished"  # as long as the process may be killed
        unfinished.write_text(json.dumps(seen))
        unfinished.replace(unfinished.with_suffix(".json"))

    def _forked(self) -> None:
        self._seeing.signal_child_process()
        signal.signal(signal.SIGTERM, self._terminated)

    def _terminated(self, number: int, _: FrameType | None) -> None:
        """Uvicorn sends itself the signal that it was stopped with, which ends a process without further words."""
        self.note()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


def main(folder: Path) -> int:
    """Print what of the package no process ran; 1 where it is more than allowed."""
    total = slipcover.Slipcover(branch=True, source=[str(PACKAGE)], omit=[MIGRATIONS], exclude_also=NOT_COUNTED)
    for noted in folder.glob("*.json"):
        for file, seen in json.loads(noted.read_text()).items():
            total.all_seen[file].update(tuple(it) if isinstance(it, list) else it for it in seen)
    found = total.get_coverage()
    slipcover.print_coverage(found, skip_covered=True)
    covered: float = found["summary"]["percent_covered"]
    sys.stdout.write(
        f"\n{covered:.2f} % of the lines and branches of {PACKAGE.name}/ were run; {LEAST:.0f} are required.\n"
    )
    return int(covered < LEAST)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

WRITING = Measuring(Path(os.environ["COVERAGE_TO"]).resolve())
