"""A small client: Stripe's forms over the standard library's HTTP. Live keys are refused before anything is sent."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from offline_stripe.settings import API_VERSION, DEFAULT_SECRET_KEY

DEFAULT_URL = "http://127.0.0.1:8001"
TIMEOUT_S = 60.0
JSON = dict[str, Any]


class UnusableError(Exception):
    """A command cannot go on. The message is one line for the person who started it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call was answered."""

    status: int
    body: JSON
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """Calls one server with one key."""

    url: str
    key: str = field(default=DEFAULT_SECRET_KEY, repr=False)
    account: str | None = None
    version: str = API_VERSION

    def call(self, method: str, path: str, params: JSON | None = None, *, idempotency_key: str | None = None) -> Answer:
        """One API call."""
        form = urlencode([*pairs(params or {})])
        url = f"{self.url}{path}" + (f"?{form}" if form and method != "POST" else "")
        headers = {"Authorization": f"Bearer {self.key}", "Stripe-Version": self.version}
        if self.account:
            headers["Stripe-Account"] = self.account
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        body = form.encode() if method == "POST" else None
        return self._send(urllib.request.Request(url, body, headers, method=method))  # noqa: S310 (checked_url)

    def control(self, method: str, path: str, **sent: Any) -> JSON:
        """One control call of a sandbox, about the key's account. Raises UnusableError if it is refused."""
        body = json.dumps(sent).encode() if sent else None
        headers = {"Authorization": f"Bearer {self.key}"} | ({"Stripe-Account": self.account} if self.account else {})
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", body, headers, method=method)  # noqa: S310
        answer = self._send(request)
        if answer.status >= 400:  # noqa: PLR2004 (HTTP)
            said = answer.body.get("error", {}).get("message", answer.body)
            raise UnusableError(f"{method} /_sandbox/{path}: {said}")
        return answer.body

    def _send(self, request: urllib.request.Request) -> Answer:
        local = urlsplit(self.url).hostname in {"127.0.0.1", "localhost", "::1"}
        opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if local else []))
        try:
            with opener.open(request, timeout=TIMEOUT_S) as answer:
                status, text, headers = answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as refused:
            status, text, headers = refused.code, refused.read(), refused.headers
        except OSError as problem:
            reason = getattr(problem, "reason", problem)
            raise UnusableError(f"nobody answers at {self.url} ({reason}); start it: offline-stripe serve") from problem
        try:
            return Answer(status, json.loads(text), headers.get("Request-Id", ""))
        except ValueError as problem:
            raise UnusableError(f"{self.url} does not answer as Stripe does (HTTP {status}, no JSON)") from problem


def pairs(params: JSON, prefix: str = "") -> list[tuple[str, str]]:
    """Nested parameters in Stripe's form encoding."""
    made: list[tuple[str, str]] = []
    for name, value in params.items():
        key = f"{prefix}[{name}]" if prefix else str(name)
        if isinstance(value, list):
            value = {str(index): item for index, item in enumerate(value)}  # noqa: PLW2901 (the same, by index)
        if isinstance(value, dict):
            made += pairs(value, key)
        else:
            made.append((key, str(value).lower() if isinstance(value, bool) else str(value)))
    return made


def checked_key(key: str) -> str:
    """The key, if it is one of test mode. Raises UnusableError."""
    if not key.startswith(("sk_test_", "rk_test_")):
        live = " Never give a live key to this program." if "_live" in key else ""
        raise UnusableError(f"the key must be a secret key of test mode, sk_test_… or rk_test_….{live}")
    return key


def checked_url(url: str) -> str:
    """The address without a slash at its end. Raises UnusableError."""
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise UnusableError(f"not an address: {url!r}; it looks like {DEFAULT_URL}")
    return url.rstrip("/")


def default_url() -> str:
    return os.environ.get("OFFLINE_STRIPE_URL", DEFAULT_URL)
