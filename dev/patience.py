"""`python -m dev.patience WHAT COMMAND…`: runs a command that is silent for long, and shows that it still runs.

It prints WHAT, a dot each second, and the time it took. The command's output is shown only if it fails. The exit status
is the command's. It uses only the standard library, because it runs before anything is installed.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

DOT_S = 1.0


def run(what: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run the command to its end. Returns its exit status, 127 if it cannot be started, and its output."""
    began = time.monotonic()
    print(what, end=" ", flush=True)
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        except OSError as problem:
            print("cannot be started", flush=True)
            return 127, str(problem)
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(DOT_S)
                break
            print(".", end="", flush=True)
        status = process.returncode
        print(f" {'done' if status == 0 else 'failed'} after {time.monotonic() - began:.0f} s", flush=True)
        said.seek(0)
        return status, said.read().decode(errors="replace").strip()


def main() -> int:
    what, *command = sys.argv[1:]
    try:
        status, said = run(what, command)
    except KeyboardInterrupt:
        return 130
    if status:
        print(said, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
