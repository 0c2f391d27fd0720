"""Owns how the processes end: the first signal drains within a deadline, a second one ends at once.

Ending at once is safe: what was under way is finished by the caller's retry, by the completer, or by the inbox's lease.
"""

import asyncio
import signal
from collections.abc import Callable, Sequence
from types import FrameType

DRAIN_S = 28
"""How long requests and jobs may take to end; a little less than what platforms grant before they kill."""

HANGS_S = 30
"""After how long without a sign of life one of several API processes is replaced.

On a busy machine one needs several seconds to import the service, and gives no sign until then: with less patience it
is killed and started again for as long as the machine stays busy.
"""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def drain_on_signal(*stops: Callable[[], None]) -> None:
    """Call each of `stops` at the first signal to the running loop's process."""
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
    """Let whoever handles the signals now, a server, handle the first one only, and call each of `stops` with it."""
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
