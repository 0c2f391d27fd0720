"""`python -m dev.install [--anew] [--alone] VENV LOCK`: the virtual environment with what the lock names, each file held against its hash.

uv installs in a tenth of the time that pip takes, and pip brings uv. Where uv cannot be had or cannot reach the index,
pip installs everything; one line says which of the two did, and why the other did not. Both are told how this machine
reaches an index (dev/index.py), and no other setting of this machine's pip.

The Python that runs it becomes the environment's. It uses the standard library alone.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from dev import index
from dev.patience import run

PROJECT = Path(__file__).resolve().parents[1]
UV_ENTRY = re.compile(r"^uv==(?:.*\\\n)*.*\n", re.MULTILINE)
TAIL = 25
"""Lines of a failed program's output that are shown."""


class InstallError(RuntimeError):
    """A step failed. The message is its output."""


def reason(said: str) -> str:
    """Return the line in which a program names its error: the last, or with uv the innermost cause."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("error:", "ERROR:", "cause:"))]
    return ([*lines, *errors] or ["it said nothing"])[-1].removeprefix("cause:").strip()


def _must(what: str, command: list[str | Path], env: dict[str, str]) -> None:
    status, said = run(what, command, env)
    if status:
        raise InstallError("\n".join(said.splitlines()[-TAIL:]))


class Environment:
    """A virtual environment and the two programs that install into it."""

    def __init__(self, folder: Path, *, alone: bool = False) -> None:
        self.folder = folder
        self._only = ["--no-deps"] if alone else []
        self.python = folder / "bin" / "python"
        self.uv = folder / "bin" / "uv"
        self._for_pip: dict[str, str] = {}
        self._for_uv: dict[str, str] = {}

    def prepare(self, *, anew: bool) -> None:
        """Create it with only pip in it, and find out how to reach the index."""
        if anew:
            _must(f"Making {self.folder}", [sys.executable, "-m", "venv", "--clear", self.folder], dict(os.environ))
        settings = index.read(self.python)
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        self._for_pip = foreign | index.for_pip(settings)
        self._for_uv = index.for_uv(settings) | {"UV_INDEX_STRATEGY": "unsafe-best-match"} | dict(os.environ)

    def _pip(self, *arguments: str | Path) -> list[str | Path]:
        return [self.python, "-m", "pip", "install", "--disable-pip-version-check", *arguments]

    def install(self, lock: Path) -> str:
        """Install the lock. Returns which program did it, and why the other did not."""
        refused = self._bring_uv(lock) or self._install_with_uv(lock)
        if not refused:
            return "installed by uv, so pip was not needed"
        print(f"uv cannot install here ({refused}), so pip does, which takes longer.", flush=True)
        _must(f"Installing {lock.name} with pip", self._pip("--require-hashes", *self._only, "-r", lock), self._for_pip)
        return f"installed by pip, because uv could not: {refused}"

    def _bring_uv(self, lock: Path) -> str:
        """Install uv. Returns why that is not possible; an empty text if it is."""
        if self.uv.exists():
            return ""
        entry = UV_ENTRY.search(lock.read_text())
        if entry is None:
            return f"{lock.name} has none"
        alone = self.folder / "uv.txt"
        alone.write_text(entry[0])
        status, said = run("Fetching uv", self._pip("--require-hashes", "-r", alone), self._for_pip)
        return reason(said) if status else ""

    def _install_with_uv(self, lock: Path) -> str:
        command: list[str | Path] = [
            self.uv,
            "pip",
            "install",
            "--system-certs",
            "--python",
            self.python,
            "--require-hashes",
            *self._only,
            "-r",
            lock,
        ]
        status, said = run(f"Installing {lock.name} with uv", command, self._for_uv)
        return reason(said) if status else ""

    def install_project(self) -> None:
        """Make `invoicing` and `offline-stripe` commands that run this folder's code."""
        both: list[str | Path] = ["--editable", PROJECT, "--editable", PROJECT / "sandbox"]
        linked = self._pip("--no-deps", "--no-index", "--no-build-isolation", *both)
        _must("Linking the project", linked, self._for_pip)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.install", description=__doc__)
    parser.add_argument("--anew", action="store_true", help="make the environment, and clear it where it is there")
    parser.add_argument("--alone", action="store_true", help="only what the lock names, not what that declares to need")
    parser.add_argument("venv", type=Path)
    parser.add_argument("lock", type=Path)
    asked = parser.parse_args()
    environment = Environment(asked.venv.absolute(), alone=asked.alone)
    try:
        environment.prepare(anew=asked.anew)
        told = environment.install(asked.lock)
        if not asked.alone:  # it is linked already
            environment.install_project()
    except InstallError as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"{asked.lock.name}: {told}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
