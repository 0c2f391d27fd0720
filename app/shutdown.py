"""Shutdown of the processes: the first signal drains within a deadline, the second ends at once.

Ending at once is safe. Work under way is finished by the caller's retry, the completer, or a worker after the lease.
"""

import asyncio
import signal
from collections.abc import Callable, Sequence
from types import FrameType

DRAIN_S = 28
"""Seconds requests and jobs have to end; a little less than platforms grant before they kill."""

HANGS_S = 30
"""Seconds without a sign of life after which one of several API processes is replaced.

On a busy machine, importing the service takes several seconds without a sign of life. With a shorter time the process
would be killed and started again for as long as the machine stays busy.
"""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def drain_on_signal(*stops: Callable[[], None]) -> None:
    """Call each of `stops` at the first signal; a second signal ends the process. Needs a running loop."""
    loop = asyncio.get_running_loop()

    def first() -> None:
        for sign in SIGNALS:
            loop.remove_signal_handler(sign)
        _restore_defaults()
        loop.call_later(DRAIN_S, signal.raise_signal, signal.SIGTERM)
        for stop in stops:
            stop()

    for sign in SIGNALS:
        loop.add_signal_handler(sign, first)


def end_at_second_signal(*stops: Callable[[], None]) -> None:
    """Let the installed signal handlers, a server's, run at the first signal only, after each of `stops`."""
    for sign in SIGNALS:
        signal.signal(sign, _once(signal.getsignal(sign), stops))


def _once(handler: object, stops: Sequence[Callable[[], None]]) -> Callable[[int, FrameType | None], None]:
    def first(number: int, frame: FrameType | None) -> None:
        _restore_defaults()
        for stop in stops:
            stop()
        if callable(handler):
            handler(number, frame)

    return first


def _restore_defaults() -> None:
    for sign in SIGNALS:
        signal.signal(sign, signal.SIG_DFL)
