"""Hands mail over to an SMTP server.

A permanent refusal (5xx) raises Permanent, all else NotNow. The errors hold the server's codes and not its text, which
often quotes addresses.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

import aiosmtplib

from app.domain.actions import NotNow, Permanent
from app.domain.mailbox import Mailbox

ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
PERMANENT = 500
GOODBYE_S = 2.0
CONNECTING = "connecting"

Deliver = Callable[[EmailMessage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MailServer:
    """The mail server.

    `timeout_s` covers all that precedes the message. `acceptance_s` is how long the server may take to accept a
    message. It is long, because whoever gives up earlier sends the mail twice (RFC 5321, 4.5.3.2.6).
    """

    host: str
    port: int
    sender: Mailbox
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = 20.0
    acceptance_s: float = 600.0


class Mailer:
    """Hands over one message per session."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._tls = None if server.security == "none" else ssl.create_default_context()

    @property
    def acceptance_s(self) -> float:
        """The most seconds that `deliver` may take."""
        return self._server.acceptance_s

    @asynccontextmanager
    async def session(self, recipient: Mailbox) -> AsyncIterator[Deliver]:
        """Begin a session, yield the function that hands over the message, and end the session.

        Once that function returns, the server has the message, and nothing that follows can fail.
        """
        client = self._client()
        try:
            try:
                async with asyncio.timeout(self._server.timeout_s):
                    await self._begin(client, recipient)
            except TimeoutError:
                raise NotNow(f"The mail server took longer than {self._server.timeout_s:g} s to begin.") from None
            yield lambda message: self._deliver(client, message)
        finally:
            await _part(client)

    async def greet(self) -> None:
        """Connect, log in and quit, to check that mail can be handed over. Raises NotNow."""
        client = self._client()
        try:
            with _told(CONNECTING):
                async with asyncio.timeout(self._server.timeout_s):
                    await client.connect()
        finally:
            await _part(client)

    async def _begin(self, client: aiosmtplib.SMTP, recipient: Mailbox) -> None:
        with _told(CONNECTING):
            await client.connect()
        with _told("MAIL FROM"):
            await client.mail(self._server.sender.address)
        with _told("RCPT TO"):
            await client.rcpt(recipient.address)

    async def _deliver(self, client: aiosmtplib.SMTP, message: EmailMessage) -> None:
        with _told("DATA"):
            await client.data(message.as_bytes(), timeout=self._server.acceptance_s)

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=self._tls,
            local_hostname=server.sender.domain,
            timeout=server.timeout_s,
        )


async def _part(client: aiosmtplib.SMTP) -> None:
    """Quit if the connection is still open; errors are ignored."""
    try:
        if client.is_connected:
            await client.quit(timeout=GOODBYE_S)
    except (aiosmtplib.SMTPException, OSError, ValueError):
        pass
    finally:
        client.close()


@contextmanager
def _told(step: str) -> Iterator[None]:
    """Raise Permanent or NotNow for the library's errors in a step. A refused connection is never Permanent."""
    try:
        yield
    except aiosmtplib.SMTPResponseException as error:
        said = f"The mail server answered {_codes(error)} to {step}."
        raise Permanent(said) if error.code >= PERMANENT and step != CONNECTING else NotNow(said) from None
    except ssl.SSLError as error:
        raise NotNow(f"TLS with the mail server failed: {error.reason or type(error).__name__}.") from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise NotNow(f"The mail server failed at {step}: {type(error).__name__}.") from None


def _codes(error: aiosmtplib.SMTPResponseException) -> str:
    enhanced = ENHANCED.match(error.message)
    return f"{error.code} {enhanced[0]}" if enhanced else str(error.code)
