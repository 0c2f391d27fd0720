"""The way to other people's servers: what is sent, what is refused, and what servers may do to us."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import WebhookVerificationError

from app.domain.egress import EgressPolicy
from app.domain.outgoing import Attempt, Failure, new_secret, ping_document
from app.outgoing.delivery_statements import DueDelivery
from app.outgoing.encryption import SecretEncryption
from app.outgoing.endpoint_statements import StoredSecret
from app.outgoing.sender import LARGEST_ANSWER, Sender, SendingSettings
from tests.fixtures.consumer import CLOSE, Answer, Consumer, MakeConsumer, Raw

LOCAL = EgressPolicy([ip_network("127.0.0.0/8")], plain=True)
SEAL = SecretEncryption([b"k" * 32])
BODY = ping_document("ping_1", "whe_1", datetime(2026, 11, 22, tzinfo=UTC), "https://invoicing.example")
MakeSender = Callable[..., Sender]


class SystemResolver(AbstractResolver):
    """A name server in the test's hands: each question is answered with the next of `answers`, the last for ever."""

    def __init__(self, *answers: Sequence[str] | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:  # noqa: ARG002 -- the interface
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in answer
        ]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def make_sender() -> AsyncIterator[MakeSender]:
    async with contextlib.AsyncExitStack() as stack:

        def make(
            reach: EgressPolicy = LOCAL,
            *,
            timeout_s: float = 5,
            resolver: AbstractResolver | None = None,
            tls: ssl.SSLContext | None = None,
        ) -> Sender:
            sender = Sender(SendingSettings(reach, timeout_s, 10), SEAL, resolver=resolver, tls=tls)
            stack.push_async_callback(sender.close)
            return sender

        yield make


def due(url: str, *secrets: StoredSecret) -> DueDelivery:
    kept = list(secrets) or [sealed(new_secret())]
    return DueDelivery("dlv_1", "whe_1", "ping_1", "ping", 1, 1, datetime.now(UTC), url, kept, datetime.now(UTC), None)


def sealed(secret: str, expires_in_s: float | None = None, seal: SecretEncryption = SEAL) -> StoredSecret:
    now = datetime.now(UTC)
    end = None if expires_in_s is None else now + timedelta(seconds=expires_in_s)
    return StoredSecret(seal.close(secret, "whe_1"), now, end)


def seen(attempt: Attempt) -> tuple[int | None, Failure | None]:
    return attempt.status, attempt.failure


# What is sent


async def test_a_delivery_is_one_signed_post_of_the_document(consumer: Consumer, make_sender: MakeSender) -> None:
    secret = new_secret()
    attempt = await make_sender().send(due(consumer.url + "?a=b%20c", sealed(secret)), BODY)
    (received,) = consumer.received
    assert seen(attempt) == (200, None)
    assert received.body == BODY
    assert received.path == "/hooks?a=b%20c"
    assert received.verified(secret)["id"] == received.id == "ping_1"
    assert received.headers["content-type"] == "application/cloudevents+json; charset=UTF-8"
    assert received.headers["user-agent"].startswith("Invoicing-Webhooks")
    assert abs(int(received.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 10
    assert {"authorization", "cookie"}.isdisjoint(received.headers)


async def test_every_secret_in_force_signs_and_no_other(consumer: Consumer, make_sender: MakeSender) -> None:
    new, old, expired = new_secret(), new_secret(), new_secret()
    secrets = [sealed(new), sealed(old, 60), sealed(expired, -1)]
    await make_sender().send(due(consumer.url, *secrets), BODY)
    (received,) = consumer.received
    assert received.headers["webhook-signature"].count("v1,") == 2
    assert received.verified(new)
    assert received.verified(old)
    with pytest.raises(WebhookVerificationError):
        received.verified(expired)


async def test_a_secret_that_no_key_opens_sends_nothing(
    consumer: Consumer,
    make_sender: MakeSender,
) -> None:
    lost = sealed(new_secret(), seal=SecretEncryption([b"another key, that was taken away"]))
    attempt = await make_sender().send(due(consumer.url, lost), BODY)
    assert seen(attempt) == (None, Failure.SECRET)
    assert not consumer.received


async def test_connections_are_used_again(consumer: Consumer, make_sender: MakeSender) -> None:
    sender = make_sender()
    consumer.answer = lambda _: Answer(200, body=b"thank you")
    for _ in range(5):
        await sender.send(due(consumer.url), BODY)
    assert (len(consumer.received), consumer.opened) == (5, 1)


async def test_no_proxy_of_the_environment_is_asked(
    consumer: Consumer, make_consumer: MakeConsumer, make_sender: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await make_consumer()
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert seen(await make_sender().send(due(consumer.url), BODY)) == (200, None)
    assert not proxy.received


async def test_cookies_are_not_sent_back(consumer: Consumer, make_sender: MakeSender) -> None:
    sender = make_sender()
    consumer.answer = lambda _: Answer(200, {"Set-Cookie": "session=1"})
    for _ in range(2):
        await sender.send(due(consumer.url), BODY)
    assert "cookie" not in consumer.received[1].headers


# Where it is not sent


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"],
)
async def test_a_name_that_leads_to_a_refused_address_is_not_connected_to(
    consumer: Consumer, make_sender: MakeSender, address: str
) -> None:
    sender = make_sender(EgressPolicy(), resolver=SystemResolver([address]))
    attempt = await sender.send(due(f"https://shop.example:{consumer.port}/"), BODY)
    assert seen(attempt) == (None, Failure.ADDRESS)
    assert consumer.opened == 0


async def test_an_address_in_the_url_is_checked_as_well(consumer: Consumer, make_sender: MakeSender) -> None:
    attempt = await make_sender(EgressPolicy()).send(due(consumer.url.replace("http:", "https:")), BODY)
    assert seen(attempt) == (None, Failure.ADDRESS)
    assert consumer.opened == 0


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "localhost"])
async def test_other_ways_to_write_this_machine_are_refused(
    consumer: Consumer, make_sender: MakeSender, host: str
) -> None:
    attempt = await make_sender(EgressPolicy()).send(due(f"https://{host}:{consumer.port}/"), BODY)
    assert attempt.failure is Failure.ADDRESS
    assert consumer.opened == 0


async def test_of_several_addresses_only_those_that_are_allowed_are_tried(
    consumer: Consumer, make_sender: MakeSender
) -> None:
    sender = make_sender(resolver=SystemResolver(["10.0.0.1", "127.0.0.1"]))
    assert seen(await sender.send(due(f"http://shop.example:{consumer.port}/"), BODY)) == (200, None)


async def test_a_resolver_that_changes_its_answer_gains_nothing(consumer: Consumer, make_sender: MakeSender) -> None:
    """The address that is checked is the one that is connected to, at every connection: there is nothing in between."""
    names = SystemResolver(["127.0.0.1"], ["127.0.0.2"], ["169.254.169.254"])
    sender = make_sender(EgressPolicy([ip_network("127.0.0.1/32")], plain=True), resolver=names)
    url = f"http://shop.example:{consumer.port}/"
    consumer.answer = lambda _: Answer(200, {"Connection": "close"})
    assert seen(await sender.send(due(url), BODY)) == (200, None)
    for _ in range(2):
        sender._session(encrypted=False).connector.clear_dns_cache()  # type: ignore[union-attr]
        assert seen(await sender.send(due(url), BODY)) == (None, Failure.ADDRESS)
    assert names.asked == 3
    assert len(consumer.received) == 1


async def test_a_remembered_address_is_checked_again_at_every_connection(
    consumer: Consumer, make_sender: MakeSender
) -> None:
    names = SystemResolver(["127.0.0.2"])
    sender = make_sender(EgressPolicy([ip_network("127.0.0.1/32")], plain=True), resolver=names)
    for _ in range(3):
        assert seen(await sender.send(due(f"http://shop.example:{consumer.port}/"), BODY)) == (None, Failure.ADDRESS)
    assert names.asked == 1


async def test_a_name_that_nobody_knows_is_said_to_be_so(make_sender: MakeSender) -> None:
    sender = make_sender(resolver=SystemResolver(OSError("no such name")))
    assert seen(await sender.send(due("https://nobody.example/"), BODY)) == (None, Failure.DNS)


async def test_the_systems_resolver_is_asked_where_none_is_given(consumer: Consumer, make_sender: MakeSender) -> None:
    attempt = await make_sender().send(due(f"http://localhost:{consumer.port}/"), BODY)
    assert seen(attempt) == (200, None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(
    consumer: Consumer, make_consumer: MakeConsumer, make_sender: MakeSender, status: int
) -> None:
    elsewhere = await make_consumer()
    consumer.answer = lambda _: Answer(status, {"Location": elsewhere.url})
    assert seen(await make_sender().send(due(consumer.url), BODY)) == (status, Failure.REDIRECT)
    assert not elsewhere.received


# What servers may do to us


async def test_nobody_listening_is_a_failed_connection(consumer: Consumer, make_sender: MakeSender) -> None:
    url = consumer.url
    await consumer.stop()
    assert seen(await make_sender().send(due(url), BODY)) == (None, Failure.CONNECTION)


async def test_a_server_that_closes_without_an_answer_did_not_receive(
    consumer: Consumer, make_sender: MakeSender
) -> None:
    consumer.answer = lambda _: CLOSE
    assert seen(await make_sender().send(due(consumer.url), BODY)) == (None, Failure.CONNECTION)


async def test_a_server_that_never_answers_is_left_in_time(consumer: Consumer, make_sender: MakeSender) -> None:
    async def never(_: object) -> Answer:
        await asyncio.Event().wait()
        return Answer(200)

    consumer.answer = never
    attempt = await make_sender(timeout_s=0.3).send(due(consumer.url), BODY)
    assert seen(attempt) == (None, Failure.TIMEOUT)
    assert 250 < attempt.ms < 3000


async def test_headers_that_drip_are_left_in_time(consumer: Consumer, make_sender: MakeSender) -> None:
    consumer.answer = lambda _: Raw([b"HTTP/1.1 200 OK\r\n", *[b"X-Drip: 1\r\n"] * 1000], every_s=0.05)
    attempt = await make_sender(timeout_s=0.4).send(due(consumer.url), BODY)
    assert seen(attempt) == (None, Failure.TIMEOUT)


async def test_a_body_that_drips_is_not_waited_for(consumer: Consumer, make_sender: MakeSender) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    consumer.answer = lambda _: Raw([head, *[b"."] * 1000], every_s=0.1)
    attempt = await make_sender(timeout_s=20).send(due(consumer.url), BODY)
    assert seen(attempt) == (200, None)
    assert attempt.ms < 5000


async def test_an_endless_body_is_not_read(consumer: Consumer, make_sender: MakeSender) -> None:
    sent = 0

    async def flood(_: object) -> Raw:
        nonlocal sent
        sent += 1
        return Raw(
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"10000\r\n%s\r\n" % (b"x" * 65536)] * 500]
        )

    consumer.answer = flood
    attempt = await make_sender().send(due(consumer.url), BODY)
    assert seen(attempt) == (200, None)
    assert LARGEST_ANSWER < 100_000
    assert sent == 1


async def test_headers_without_end_are_refused(consumer: Consumer, make_sender: MakeSender) -> None:
    sender = make_sender()
    for header in (b"X-Long: " + b"x" * 20_000 + b"\r\n", b"".join(b"X-%d: 1\r\n" % number for number in range(500))):
        answer = b"HTTP/1.1 200 OK\r\n" + header + b"Content-Length: 0\r\n\r\n"
        consumer.answer = lambda _, answer=answer: Raw([answer])  # type: ignore[misc]
        assert seen(await sender.send(due(consumer.url), BODY)) == (None, Failure.RESPONSE)


async def test_what_is_no_http_is_a_bad_response(consumer: Consumer, make_sender: MakeSender) -> None:
    consumer.answer = lambda _: Raw([b"220 mail.example ESMTP\r\n"])
    assert seen(await make_sender().send(due(consumer.url), BODY)) == (None, Failure.RESPONSE)


async def test_a_compressed_bomb_is_not_unpacked(consumer: Consumer, make_sender: MakeSender) -> None:
    consumer.answer = lambda _: Answer(200, {"Content-Encoding": "gzip"}, b"not gzip at all")
    assert seen(await make_sender().send(due(consumer.url), BODY)) == (200, None)


@pytest.mark.parametrize(
    ("said", "expected"),
    [("120", 120), ("0", 0), ("soon", None), ("", None), ("-5", None), ("9" * 400, 999_999_999)],
)
async def test_retry_after_is_read_where_it_says_something(
    consumer: Consumer, make_sender: MakeSender, said: str, expected: float | None
) -> None:
    consumer.answer = lambda _: Answer(503, {"Retry-After": said})
    attempt = await make_sender().send(due(consumer.url), BODY)
    assert (attempt.failure, attempt.retry_after_s) == (Failure.STATUS, expected)


async def test_retry_after_may_be_a_date(consumer: Consumer, make_sender: MakeSender) -> None:
    at = datetime.now(UTC) + timedelta(minutes=10)
    consumer.answer = lambda _: Answer(429, {"Retry-After": at.strftime("%a, %d %b %Y %H:%M:%S GMT")})
    attempt = await make_sender().send(due(consumer.url), BODY)
    assert attempt.retry_after_s is not None
    assert 590 < attempt.retry_after_s <= 601


# TLS


def certificate(folder: Path, *names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's context with a certificate for `names`, and a client's that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "certificate.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_tls_verifies_the_hosts_name_though_we_connect_to_the_address_that_was_checked(
    make_consumer: MakeConsumer, make_sender: MakeSender, tmp_path: Path
) -> None:
    server, trusting = certificate(tmp_path, "shop.example")
    consumer = await make_consumer(server)
    sender = make_sender(resolver=SystemResolver(["127.0.0.1"]), tls=trusting)
    assert seen(await sender.send(due(f"https://shop.example:{consumer.port}/"), BODY)) == (200, None)
    assert seen(await sender.send(due(f"https://other.example:{consumer.port}/"), BODY)) == (None, Failure.TLS)
    assert len(consumer.received) == 1


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    make_consumer: MakeConsumer, make_sender: MakeSender, tmp_path: Path
) -> None:
    consumer = await make_consumer(certificate(tmp_path, "shop.example")[0])
    sender = make_sender(resolver=SystemResolver(["127.0.0.1"]))
    assert seen(await sender.send(due(f"https://shop.example:{consumer.port}/"), BODY)) == (None, Failure.TLS)


async def test_a_server_that_speaks_no_tls_is_refused(consumer: Consumer, make_sender: MakeSender) -> None:
    sender = make_sender(timeout_s=0.5, resolver=SystemResolver(["127.0.0.1"]))
    attempt = await sender.send(due(f"https://shop.example:{consumer.port}/"), BODY)
    assert attempt.failure in {Failure.TLS, Failure.CONNECTION, Failure.TIMEOUT}
    assert not consumer.received
