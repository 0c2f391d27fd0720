"""One call to the service: its headers, when it is tried again, and what its answer means. No input or output."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx

Query: TypeAlias = Mapping[str, object]
JSON = "application/json"
BUSY = frozenset({"idempotency_in_progress", "invoice_busy"})
"""Codes of 409 that end by themselves: another request is at work."""
AGAIN = frozenset({429, 502, 503, 504})
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 20.0
MOST_DOUBLINGS = 10


class InvoicingError(Exception):
    """The service refused a call. Decide by `code`; the message is for people.

    `param` names the field that is wrong, and `problem` is the whole problem document. A write that was refused because the
    service or Stripe is away may have happened: send it again with `idempotency_key`.
    """

    def __init__(self, problem: Mapping[str, Any], status: int, idempotency_key: str | None = None) -> None:
        super().__init__(problem, status, idempotency_key)  # as it was called, so that it can be pickled
        self.problem = problem
        self.status = status
        self.code: str = problem.get("code", "unknown")
        self.param: str | None = problem.get("param")
        self.request_id: str | None = problem.get("request_id")
        self.idempotency_key = idempotency_key

    def __str__(self) -> str:
        """What a person reads."""
        return self.problem.get("detail") or f"HTTP {self.status}"


class InvoicingUnavailable(Exception):
    """No answer came, however often it was tried. A write may have happened: send it again with `idempotency_key`."""

    def __init__(self, reason: Exception, idempotency_key: str | None) -> None:
        super().__init__(reason, idempotency_key)
        self.idempotency_key = idempotency_key

    def __str__(self) -> str:
        """What a person reads."""
        return f"the service did not answer: {self.args[0]!r}"


@dataclass(frozen=True)
class Service:
    """Where the service is, who calls, and how often a call is tried again."""

    url: str
    api_key: str = field(repr=False)
    retries: float

    def address(self, path: str) -> str:
        """The whole address of a path."""
        return f"{self.url.rstrip('/')}{path}"

    def headers(self, **more: str) -> dict[str, str]:
        """What every request carries, and `more`."""
        return {"Authorization": f"Bearer {self.api_key.strip()}", "Accept": JSON, **more}  # as read from a file


@dataclass
class Call:
    """A call and its attempts. Every write has an Idempotency-Key, so that trying again never does it twice."""

    service: Service
    method: str
    path: str
    query: Query
    body: object = None
    idempotency_key: str | None = None
    tried: int = 0

    def __post_init__(self) -> None:
        """Give a write its key."""
        if self.method != "GET" and self.idempotency_key is None:
            self.idempotency_key = str(uuid.uuid4())

    def request(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """The request of one attempt."""
        key = {"Idempotency-Key": self.idempotency_key} if self.idempotency_key else {}
        limits = client.timeout.as_dict()
        wait = self.query.get("wait")  # of a long poll, which may be silent for so long
        if isinstance(wait, (int, float)) and limits["read"] is not None:
            limits["read"] += wait
        return client.build_request(
            self.method,
            self.service.address(self.path),
            params=parameters(self.query),
            json=self.body,
            headers=self.service.headers(**key),
            timeout=httpx.Timeout(**limits),
        )

    def wait_after(self, response: httpx.Response) -> float | None:
        """How many seconds to wait before the next attempt; None if this answer stands. Raises InvoicingError."""
        if response.is_success:
            return None
        problem = _problem(response)
        if self.tried < self.service.retries and (response.status_code in AGAIN or problem.get("code") in BUSY):
            return self._wait(response.headers.get("Retry-After"))
        raise InvoicingError(problem, response.status_code, self.idempotency_key)

    def wait_without_answer(self, error: httpx.TransportError) -> float:
        """How many seconds to wait after no answer came. Raises InvoicingUnavailable."""
        if self.tried < self.service.retries:
            return self._wait(None)
        raise InvoicingUnavailable(error, self.idempotency_key) from error

    def _wait(self, asked: str | None) -> float:
        self.tried += 1
        if asked and asked.isdecimal():
            return min(float(asked), LONGEST_WAIT_S)
        longest: float = min(FIRST_WAIT_S * 2 ** min(self.tried, MOST_DOUBLINGS), LONGEST_WAIT_S)
        return longest * (0.5 + random.random() / 2)  # noqa: S311 -- spreads attempts, keeps no secret


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        return {"detail": response.text[:200], "code": "unknown"}
    return problem if isinstance(problem, dict) else {"code": "unknown"}


def parameters(query: Query) -> httpx.QueryParams:
    """The query in the service's form: lists repeat their name, a dictionary is `name[key]`.

    A name that is a keyword of Python ends in `_` here.
    """
    return httpx.QueryParams(
        [
            (name.removesuffix("_"), str(one).lower() if isinstance(one, bool) else str(one))
            for name, value in _flat(query)
            for one in (value if isinstance(value, (list, tuple)) else [value])
            if one is not None
        ]
    )


def _flat(query: Query) -> Iterator[tuple[str, object]]:
    for name, value in query.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}[{key}]", inner) for key, inner in value.items())
        else:
            yield name, value


def quoted(name: str) -> str:
    """An id as a part of a path. Raises ValueError for one that would change which object the path leads to."""
    if name in {"", ".", ".."}:
        raise ValueError(f"{name!r} is no id")
    return quote(name, safe="")
