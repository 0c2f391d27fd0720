"""What the gateway sends, and what it makes of an answer, is what the unmodified SDK sends and makes: to the byte."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from stripe import AIOHTTPClient

from app.stripe.wire import Nowhere, Wire, _pairs

KEY = "inv-0123456789abcdef-create"
VERSION = stripe.api_version
Json = dict[str, Any]

CALLS: list[tuple[str, str, Json, str | None]] = [
    ("post", "/v1/customers", {"name": "Jenny Rösén & Co", "email": "", "metadata": {"a b": "c[d]", "é": "%"}}, KEY),
    (
        "post",
        "/v1/invoices",
        {"auto_advance": False, "days_until_due": 30, "footer": None, "expand": ["payments"]},
        KEY,
    ),
    (
        "post",
        "/v1/invoices/in_1/add_lines",
        {
            "lines": [
                {"amount": -700, "quantity": 2, "discountable": True, "metadata": {"x": "1"}},
                {"pricing": {"price": "price_1"}, "tax_amounts": [{"tax_rate_data": {"percentage": 7.5}}]},
            ]
        },
        KEY,
    ),
    ("post", "/v1/invoices/in_1/finalize", {}, KEY),
    ("get", "/v1/invoices/in_1", {}, None),
    ("get", "/v1/invoices/in_1", {"expand": ["payments", "confirmation_secret"]}, None),
    ("get", "/v1/events", {"created": {"gte": 1700000000}, "limit": 100, "types": ["a.b", "c d"]}, None),
    ("delete", "/v1/customers/cus_1", {}, None),
]
JSON = "Content-Type: application/json\r\nRequest-Id: req_1\r\n"
DECLINED = b"""{"error": {"type": "card_error", "code": "card_declined", "decline_code": "lost_card", "message": "No.",
    "param": "payment_method", "payment_intent": {"id": "pi_1", "object": "payment_intent"}}}"""
ANSWERS: dict[str, tuple[str, bytes]] = {
    "an object": ("200 OK\r\n" + JSON, '{"id": "cus_1", "n": 1, "f": 0.1, "t": "é", "nested": [{"a": null}]}'.encode()),
    "a number beyond 64 bits": ("200 OK\r\n" + JSON, b'{"id": 123456789012345678901234567890}'),
    "created": ("201 Created\r\n" + JSON, b'{"id": "cus_1"}'),
    "no JSON": ("200 OK\r\n" + JSON, b'{"id": "cus_1'),
    "nothing": ("200 OK\r\n" + JSON, b""),
    "no UTF-8": ("200 OK\r\n" + JSON, b'{"id": "\xff"}'),
    "400": (
        "400 Bad Request\r\n" + JSON,
        b'{"error": {"type": "invalid_request_error", "param": "a", "message": "?"}}',
    ),
    "spent": ("400 Bad Request\r\n" + JSON, b'{"error": {"type": "idempotency_error", "message": "Keys ..."}}'),
    "401": ("401 Unauthorized\r\n" + JSON, b'{"error": {"type": "invalid_request_error", "message": "key"}}'),
    "402": ("402 Payment Required\r\n" + JSON, DECLINED),
    "403": ("403 Forbidden\r\n" + JSON, b'{"error": {"message": "lacks rak_invoice_write"}}'),
    "404": ("404 Not Found\r\n" + JSON, b'{"error": {"type": "invalid_request_error", "code": "resource_missing"}}'),
    "409": ("409 Conflict\r\nStripe-Should-Retry: true\r\n" + JSON, b'{"error": {"code": "lock_timeout"}}'),
    "429": ("429 Too Many Requests\r\n" + JSON, b'{"error": {"code": "rate_limit", "message": "slow"}}'),
    "500": ("500 Internal Server Error\r\nIdempotent-Replayed: true\r\n" + JSON, b'{"error": {"type": "api_error"}}'),
    "502 of somebody between": ("502 Bad Gateway\r\nContent-Type: text/html\r\n", b"<html>"),
    "503 without an error": ("503 Service Unavailable\r\n" + JSON, b'{"message": "down"}'),
    "503 with a word": ("503 Service Unavailable\r\n" + JSON, b'{"error": "down"}'),
    "a redirect to nowhere": ("304 Not Modified\r\n" + JSON, b""),
}


@dataclass
class Listening:
    """A server that keeps what it is sent, to the byte, and answers always the same; with no answer it hangs up."""

    answer: bytes = b""
    port: int = 0
    requests: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((line[15:] for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), b"0")
        self.requests.append(head + await reader.readexactly(int(length)))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening(answer: bytes = b"") -> AsyncIterator[tuple[Listening, Wire, stripe.StripeClient]]:
    """A server, and both ways to call it."""
    here = Listening(answer)
    server = await asyncio.start_server(here.serve, "127.0.0.1", 0)
    here.port = server.sockets[0].getsockname()[1]
    base = f"http://127.0.0.1:{here.port}"
    ours, theirs = AIOHTTPClient(timeout=5), AIOHTTPClient(timeout=5)
    wire = Wire("sk_test_wire", api_base=base, api_version=VERSION, transport=ours)
    sdk = stripe.StripeClient(
        "sk_test_wire", stripe_version=VERSION, base_addresses={"api": base}, http_client=theirs, max_network_retries=0
    )
    try:
        yield here, wire, sdk
    finally:
        for transport in (ours, theirs):
            await transport.close_async()  # type: ignore[no-untyped-call]
        server.close()


def answering(head: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


async def sdk_call(sdk: stripe.StripeClient, method: str, path: str, params: Json, key: str | None) -> Any:
    options = {"idempotency_key": key} if key else {}
    return await sdk.raw_request_async(method, path, **params, **options)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]} {call[1]}")
async def test_what_is_sent_is_what_the_sdk_sends(call: tuple[str, str, Json, str | None]) -> None:
    async with listening(answering(*ANSWERS["an object"])) as (here, wire, sdk):
        await wire.request(*call)
        await sdk_call(sdk, *call)
    ours, theirs = here.requests
    assert sorted(ours.split(b"\r\n")) == sorted(theirs.split(b"\r\n"))


def described(error: Exception) -> Json:
    """Everything that the table of errors asks of an error, and more."""
    found: Json = {"class": type(error).__name__, "cause": type(error.__cause__).__name__}
    if isinstance(error, stripe.StripeError):
        said = error.error
        parts = ("type", "code", "decline_code", "param", "message")
        found |= {name: getattr(said, name, None) for name in parts}
        found |= {"status": error.http_status, "request_id": error.request_id, "user_message": error.user_message}
        found |= {"headers": {name.lower(): value for name, value in dict(error.headers or {}).items()}}
        found |= {"body": error.http_body}
    return found


async def outcome(call: Callable[[], Any]) -> Any:
    try:
        answered = await call()
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is compared
        return described(error)
    return answered.data, {name.lower(): value for name, value in answered.headers.items()}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_what_the_sdk_makes_of_it(name: str) -> None:
    call = CALLS[0]
    async with listening(answering(*ANSWERS[name])) as (_, wire, sdk):
        ours = await outcome(lambda: wire.request(*call))
        theirs = await outcome(lambda: sdk_call(sdk, *call))
    assert ours == theirs


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", b"nonsense\r\n\r\n"],
    ids=["none", "cut", "nonsense"],
)
async def test_a_connection_fails_as_it_does_for_the_sdk(answer: bytes) -> None:
    call = CALLS[0]
    async with listening(answer) as (_, wire, sdk):
        ours = await outcome(lambda: wire.request(*call))
        theirs = await outcome(lambda: sdk_call(sdk, *call))
    assert "class" in ours
    assert ours == theirs


async def test_a_refused_connection_fails_as_it_does_for_the_sdk() -> None:
    call = CALLS[0]
    async with listening() as (here, wire, sdk):
        pass
    assert here.requests == []
    ours = await outcome(lambda: wire.request(*call))
    theirs = await outcome(lambda: sdk_call(sdk, *call))
    assert ours["class"] == "APIConnectionError"
    assert ours == theirs


PLAIN = st.text(max_size=8) | st.integers() | st.floats(allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | PLAIN,
    lambda inner: (
        st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3)
        | st.lists(PLAIN | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3), max_size=3)
    ),
    max_leaves=12,
)


class Keeping(Nowhere):
    """Keeps the form as well."""

    form: Any = None

    def request(self, *asked: Any, **usage: Any) -> Any:
        self.form = asked[3]
        return super().request(*asked, **usage)


@given(st.dictionaries(st.sampled_from(["name", "lines", "metadata", "a b", "é"]), VALUES, max_size=4))
def test_a_form_is_what_the_sdk_writes(params: Json) -> None:
    kept = Keeping()
    sdk = stripe.StripeClient("sk_test_wire", http_client=kept, max_network_retries=0)
    sdk.raw_request("post", "/v1/customers", **params)
    assert urlencode(list(_pairs(params))).replace("%5B", "[").replace("%5D", "]") == kept.form
