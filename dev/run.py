"""`python -m dev.run [--once]`: the whole service on one machine. `make run` and `make demo` call it.

It parses the command line, locks DATA_DIR and prints the progress. The supervisor starts everything.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dev.environment import Environment, SettingsError, read_settings
from dev.postgres import PostgresError
from dev.processes import die_with_parent
from dev.supervisor import StartError, Supervisor

PROJECT = Path(__file__).resolve().parent.parent


def _teller() -> Callable[[str], None]:
    """Build the function that prints progress, each line with the seconds since the start."""
    began = time.monotonic()

    def say(text: str) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more; stopping in order matters more
            print(f"{time.monotonic() - began:6.2f} s  {text}", flush=True)

    return say


@contextlib.contextmanager
def _alone_in(data_dir: Path) -> Iterator[None]:
    """Lock DATA_DIR against a second supervisor.

    The kernel releases the lock when this process ends, however it ends.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"DATA_DIR ({data_dir}) cannot be made: {error.strerror}") from None
    with (data_dir / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise SettingsError(
                f"{data_dir} is in use by another `make run` (pid {lock.read().strip()}): "
                "stop that one, or choose another folder with DATA_DIR"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


async def _run(environment: Environment, *, once: bool, demo: bool) -> int:
    return await Supervisor(environment, _teller(), demo=demo).run(once=once)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="run the main job, stop, and exit with its status")
    parser.add_argument("--with-parent", action="store_true", help="stop when the calling process dies")
    parser.add_argument(
        "--no-demo", action="store_true", help="start everything, and run no main job: for tests of others"
    )
    parser.add_argument("--env-file", type=Path, default=PROJECT / ".env", help="settings below the environment's")
    arguments = parser.parse_args()
    if arguments.with_parent:
        die_with_parent(signal.SIGTERM)
    try:
        environment = Environment(PROJECT, read_settings(arguments.env_file))
        environment.check(main_job_required=arguments.once)
        with _alone_in(environment.data_dir):
            environment.logs.mkdir(exist_ok=True)
            return asyncio.run(_run(environment, once=arguments.once, demo=not arguments.no_demo))
    except (SettingsError, StartError, PostgresError, OSError) as problem:
        print(f"cannot start: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
