"""Faults: which calls fail, how, and how often.

This module holds and matches the rules; `api` carries the faults out.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from offline_stripe.documents import Document

EXECUTING = frozenset({"drop_response", "slow", "stale_read", "malformed_body"})
KINDS = ("status", "timeout", "drop_request", "drop_response", "slow", "stale_read", "malformed_body")


@dataclass(slots=True)
class Fault:
    """A rule. `times` counts down; None means no limit."""

    kind: str
    method: str = "*"
    path: str = "*"
    status: int = 500
    code: str | None = None
    message: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_ms: int = 0
    times: int | None = None
    probability: float = 1.0
    executes: bool = False
    """Whether a `status` or `timeout` fault comes after the request was executed."""
    stored: bool = False
    """Whether a `status` fault's answer is kept under the request's idempotency key, as Stripe keeps its own 500s."""
    identifier: int = 0
    struck: int = 0
    dice: random.Random = field(default_factory=random.Random, repr=False)
    cleared: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def shown(self) -> Document:
        return {
            "id": self.identifier,
            "kind": self.kind,
            "match": {"method": self.method, "path": self.path},
            "times_left": self.times,
            "struck": self.struck,
        }

    async def hold(self) -> None:
        """Wait until the rule is removed, or `delay_ms` have passed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.delay_ms / 1000 if self.delay_ms else None):
                await self.cleared.wait()

    def strikes(self, method: str, path: str) -> bool:
        if self.times == 0 or self.method not in {"*", method}:
            return False
        return fnmatchcase(path, self.path) and self.dice.random() < self.probability


class Faults:
    """The rules in force. The oldest matching one applies."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._count = 0

    def add(self, sent: Document) -> Fault:
        """Add a rule. Raises ValueError with what is wrong."""
        match = sent.get("match") or {}
        kind = sent.get("kind")
        if kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        self._count += 1
        fault = Fault(
            kind=kind,
            method=str(match.get("method", "*")).upper(),
            path=str(match.get("path", "*")),
            status=int(sent.get("status", 500)),
            code=sent.get("code"),
            message=sent.get("message"),
            headers={str(name): str(value) for name, value in (sent.get("headers") or {}).items()},
            delay_ms=int(sent.get("delay_ms", 0)),
            times=None if sent.get("times") is None else int(sent["times"]),
            probability=float(sent.get("probability", 1.0)),
            executes=kind in EXECUTING or bool(sent.get("executes", False)),
            stored=bool(sent.get("stored", False)),
            identifier=self._count,
            dice=random.Random(sent.get("seed")),
        )
        self._rules.append(fault)
        return fault

    def strike(self, method: str, path: str) -> Fault | None:
        for fault in self._rules:
            if fault.strikes(method, path):
                fault.struck += 1
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def remove(self, identifier: int) -> Fault:
        """Remove one rule. Raises ValueError if there is none."""
        for fault in self._rules:
            if fault.identifier == identifier:
                fault.cleared.set()
                self._rules.remove(fault)
                return fault
        raise ValueError(f"no such fault: {identifier}")

    def clear(self) -> None:
        for fault in self._rules:
            fault.cleared.set()
        self._rules.clear()

    def shown(self) -> list[Document]:
        return [fault.shown() for fault in self._rules]
