"""The circuit breaker: while Stripe does not answer, calls are refused at once instead of waiting."""

import time
from collections.abc import Callable
from enum import StrEnum
from math import ceil

import structlog

from app.domain.errors import StripeUnavailable
from app.observability import metrics

log = structlog.get_logger(__name__)


class CircuitState(StrEnum):
    """closed: calls pass. open: they are refused. half_open: one may pass, as a probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Circuit:
    """Opens for `open_s` seconds after `failures` failed tries in a row; then one call decides what follows."""

    def __init__(self, failures: int, open_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = failures
        self._open_s = open_s
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

    @property
    def state(self) -> CircuitState:
        if self._opened_at is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if self.opens_in_s > 0 or self._probing else CircuitState.HALF_OPEN

    @property
    def opens_in_s(self) -> float:
        """Seconds until the next call may try; 0 if it may now."""
        return 0.0 if self._opened_at is None else max(0.0, self._opened_at + self._open_s - self._clock())

    def enter(self) -> None:
        """Let a call pass. Raises StripeUnavailable if the circuit is open.

        The caller reports `succeeded`, `failed` or `undecided` afterwards.
        """
        if self._opened_at is None:
            return
        wait = self.opens_in_s
        if wait > 0 or self._probing:
            metrics.STRIPE_TURNED_AWAY("circuit").inc()
            raise StripeUnavailable("Stripe did not answer for a while; it is left alone.", retry_after=ceil(wait) or 1)
        self._probing = True

    def succeeded(self) -> None:
        """Stripe answered, with success or a refusal."""
        if self._opened_at is not None:
            log.info("stripe_circuit_closed")
        self._failures, self._opened_at, self._probing = 0, None, False

    def failed(self) -> None:
        """Stripe did not answer, or answered with a failure of its own."""
        self._failures += 1
        self._probing = False
        if self._failures >= self._most:
            if self._opened_at is None:
                log.error("stripe_circuit_opened", failures=self._failures, open_s=self._open_s)
            self._opened_at = self._clock()

    def undecided(self) -> None:
        """The call ended for reasons of ours before Stripe answered."""
        self._probing = False
