"""Sends deliveries: one signed POST to a checked address, within limits.

The address is checked where the socket is made, so the checked address is the one connected to, whatever a resolver
says before or after. TLS verifies the host's name as usual. No redirect is followed, and proxies and cookies are not
used. The status decides the outcome. The body is read only so that the connection can be used again.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks import Webhook

from app.domain.egress import EgressPolicy
from app.domain.events import written
from app.domain.outgoing import Attempt, Failure, judge
from app.outgoing.delivery_statements import DueDelivery
from app.outgoing.encryption import DecryptionFailed, SecretEncryption
from app.outgoing.endpoint_statements import StoredSecret

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
USER_AGENT = "Invoicing-Webhooks/1"
CONNECT_WITHIN_S = 8.0
BODY_WITHIN_S = 1.0
"""Seconds for reading an answer's body, before its connection is closed instead of used again."""
LARGEST_ANSWER = 64 * 1024
LONGEST_HEADER = 8 * 1024
MOST_HEADERS = 64
NAMES_FOR_S = 30
"""Seconds for which a host's addresses are cached. They are checked at each connection."""
RESOLVERS = 32
"""Threads of the resolver. A name server that hangs delays only the hosts that need it."""
KEEP_ALIVE_S = 20.0
MOST_SIGNERS = 10_000


class AddressRefused(OSError):
    """The egress policy refuses the address."""

    def __init__(self) -> None:
        super().__init__("address refused")


class SystemResolver(AbstractResolver):
    """The system's resolver in its own threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVERS, "resolve")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        ask = asyncio.get_running_loop().run_in_executor
        found = await ask(self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=socket.AI_NUMERICHOST
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class SendingSettings:
    """Limits of sending. `timeout_s` covers an attempt from the name lookup to the answer's headers."""

    reach: EgressPolicy
    timeout_s: float
    concurrency: int


class Sender:
    """Sends deliveries. Every failure is returned as an Attempt, not raised."""

    def __init__(
        self,
        settings: SendingSettings,
        seal: SecretEncryption,
        *,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings
        self._seal = seal
        self._resolver = resolver
        self._tls = tls
        self._signers: dict[str, Webhook] = {}
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        if self._resolver is not None:
            await self._resolver.close()
            self._resolver = None

    async def send(self, due: DueDelivery, body: bytes) -> Attempt:
        """Send `body` as `due`, signed with each secret in force. Returns the attempt."""
        now = datetime.now(UTC)
        started = time.perf_counter()
        status: int | None = None
        retry_after_s: float | None = None
        failure: Failure | None
        try:
            status, retry_after_s = await self._post(due, body, now)
        except DecryptionFailed:
            log.error("signing_secret_unreadable", endpoint=due.endpoint)  # noqa: TRY400 -- there is nothing to trace
            failure = Failure.SECRET
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            failure = _failure(error)
        else:
            failure = judge(status)
        ms = round((time.perf_counter() - started) * 1000)
        return Attempt(written(now), ms, status, failure, retry_after_s)

    async def _post(self, due: DueDelivery, body: bytes, now: datetime) -> tuple[int, float | None]:
        headers = self._headers(due, body, now)
        session = self._session(encrypted=due.url.startswith("https://"))
        async with session.post(due.url, data=body, headers=headers, allow_redirects=False) as answer:
            await _read_out(answer)
            return answer.status, _retry_after(answer.headers.get("Retry-After"), now)

    def _headers(self, due: DueDelivery, body: bytes, now: datetime) -> dict[str, str]:
        text = body.decode()
        signatures = [
            self._signer(secret, due.endpoint).sign(due.event, now, text)
            for secret in due.secrets
            if secret.in_force(now)
        ]
        return {
            "Content-Type": CONTENT_TYPE,
            "User-Agent": USER_AGENT,
            "webhook-id": due.event,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }

    def _signer(self, secret: StoredSecret, endpoint: str) -> Webhook:
        signer = self._signers.get(secret.sealed)
        if signer is None:
            if len(self._signers) >= MOST_SIGNERS:
                self._signers.clear()
            signer = self._signers[secret.sealed] = Webhook(self._seal.open(secret.sealed, endpoint))
        return signer

    def _session(self, *, encrypted: bool) -> aiohttp.ClientSession:
        session = self._sessions.get(encrypted)
        if session is None:
            self._resolver = self._resolver or SystemResolver()
            self._tls = self._tls or ssl.create_default_context()
            connector = aiohttp.TCPConnector(
                limit=self._settings.concurrency,
                ttl_dns_cache=NAMES_FOR_S,
                keepalive_timeout=KEEP_ALIVE_S,
                resolver=self._resolver,
                ssl=self._tls,
                socket_factory=lambda found: self._socket(found, encrypted=encrypted),
            )
            session = self._sessions[encrypted] = aiohttp.ClientSession(
                connector=connector,
                connector_owner=True,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s, connect=CONNECT_WITHIN_S),
                auto_decompress=False,
                trust_env=False,
                read_bufsize=LARGEST_ANSWER,
                max_line_size=LONGEST_HEADER,
                max_field_size=LONGEST_HEADER,
                max_headers=MOST_HEADERS,
            )
        return session

    def _socket(
        self, found: tuple[int, int, int, str, tuple[object, ...] | Sequence[object]], *, encrypted: bool
    ) -> socket.socket:
        """A socket for the address that is about to be connected to. Raises AddressRefused."""
        family, kind, protocol, _, address = found
        if not self._settings.reach.allows(str(address[0]), encrypted=encrypted):
            raise AddressRefused
        return socket.socket(family, kind, protocol)


async def _read_out(answer: aiohttp.ClientResponse) -> None:
    """Read a small body, so that the connection can be used again. Close the connection if it is large or slow."""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            size = 0
            while chunk := await answer.content.readany():
                size += len(chunk)
                if size > LARGEST_ANSWER:
                    break
            else:
                return
    except (aiohttp.ClientError, TimeoutError, OSError):
        pass
    answer.close()


def _failure(error: Exception) -> Failure:
    match error:
        case TimeoutError():
            return Failure.TIMEOUT
        case aiohttp.ClientConnectorDNSError():
            return Failure.DNS
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return Failure.TLS
        case aiohttp.ClientConnectorError(os_error=AddressRefused()) | aiohttp.InvalidURL():
            return Failure.ADDRESS
        case aiohttp.ServerDisconnectedError() | OSError():
            return Failure.CONNECTION
        case _:
            return Failure.RESPONSE


def _retry_after(said: str | None, now: datetime) -> float | None:
    """The seconds that Retry-After asks for, given as a number or a date."""
    if said is None:
        return None
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        return (parsedate_to_datetime(said) - now).total_seconds()
    except (ValueError, TypeError):
        return None
