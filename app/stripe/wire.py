"""Owns how a call to Stripe is written and its answer read: as the SDK does it, without what the SDK does beside.

The connection, the headers, and what an answer means that is no success are the SDK's own: it is asked for the headers
once, and such answers are handed to it. Here is only what each call pays for, the form and the JSON; the SDK's raw
request spends more on lines of a log than on both. A test holds all that is sent, answered and raised against the SDK.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import msgspec
import stripe
from stripe import AIOHTTPClient

from app.domain.json import JsonObject, JsonView

ANY_KEY = "-"


@dataclass(frozen=True, slots=True)
class Response:
    """What Stripe answered with success."""

    data: JsonObject
    headers: Mapping[str, str]


class Nowhere(stripe.HTTPClient):
    """A transport that leads nowhere: it keeps what the SDK would send, and answers what it was given."""

    name = AIOHTTPClient.name  # which is what the SDK says of itself to Stripe

    def __init__(self, body: bytes = b"{}", status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._answer = (body, status, headers or {})
        self.headers: dict[str, str] = {}

    def request(self, *asked: Any, **_usage: Any) -> tuple[Any, int, Mapping[str, str]]:
        """Send nothing."""
        _method, _url, headers, *_form = asked
        self.headers = dict(headers)
        return self._answer

    def close(self) -> None:
        """There is nothing to close."""


class Wire:
    """Calls to Stripe over the SDK's `transport`. Raises what the SDK raises."""

    def __init__(self, secret_key: str, *, api_base: str, api_version: str, transport: AIOHTTPClient) -> None:
        self._secret_key = secret_key
        self._api_base = api_base
        self._api_version = api_version
        self._transport = transport
        self._headers = {method: self._headers_of(method) for method in ("post", "get", "delete")}

    async def request(self, method: str, path: str, params: JsonView, key: str | None) -> Response:
        """Send `params` to `path`: as a form with a POST, else as the query; with an idempotency key where there is one."""
        form = urlencode(list(_pairs(params))).replace("%5B", "[").replace("%5D", "]")
        headers = self._headers[method]
        if key is not None:
            headers = headers | {"Idempotency-Key": key}
        url = f"{self._api_base}{path}"
        if method != "post":
            url, form = (f"{url}?{form}" if form else url), ""
        body, status, said = await self._transport.request_async(
            method, url, headers, form if method == "post" else None
        )
        if status == 200:  # noqa: PLR2004 -- all that Stripe's API answers with success
            try:
                return Response(msgspec.json.decode(body), said)
            except ValueError:
                pass
        return self._explained(method, path, Nowhere(body, status, said), said)

    def _explained(self, method: str, path: str, answered: Nowhere, headers: Mapping[str, str]) -> Response:
        """What the SDK makes of an answer; most often it raises."""
        found = self._sdk(answered).raw_request(method, path)
        return Response(cast("JsonObject", found.data), headers)

    def _headers_of(self, method: str) -> dict[str, str]:
        """The headers that the SDK sends with every call."""
        asked = Nowhere()
        self._sdk(asked).raw_request(method, "/v1/products", idempotency_key=ANY_KEY)
        return {name: value for name, value in asked.headers.items() if name != "Idempotency-Key"}

    def _sdk(self, transport: stripe.HTTPClient) -> stripe.StripeClient:
        return stripe.StripeClient(
            self._secret_key,
            stripe_version=self._api_version,
            base_addresses={"api": self._api_base},
            http_client=transport,
            max_network_retries=0,
        )


def _pairs(params: JsonView) -> Iterator[tuple[str, object]]:
    """`params` as a form: `a[b]` for what is nested, `a[0]` in lists; what is None is left out."""
    for name, value in params.items():
        yield from _pair(name, value)


def _pair(name: str, value: object) -> Iterator[tuple[str, object]]:
    match value:
        case None:
            return
        case dict():
            for inner, nested in value.items():
                yield from _pair(f"{name}[{inner}]", nested)
        case list() | tuple():
            for index, nested in enumerate(value):
                yield from _pair(f"{name}[{index}]", nested)
        case bool():
            yield name, "true" if value else "false"
        case _:
            yield name, value
