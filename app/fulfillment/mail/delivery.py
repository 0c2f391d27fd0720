"""Owns the handing over of mail to an SMTP server: the only speaker to it.

A refusal that stands (5xx) is Permanent; everything else raises NotNow. What is said of a failure holds the server's
codes and never its words: they like to quote addresses.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
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
    """Where mail is handed over, and how.

    timeout_s: of all that comes before the message. acceptance_s: how long the server may take to accept a message it has got: long, because
    whoever gives up earlier sends it twice (RFC 5321, 4.5.3.2.6).
    """

    host: str
    port: int
    sender: Mailbox
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = None
    timeout_s: float = 20.0
    acceptance_s: float = 600.0


class Mailer:
    """Hands over one message per session."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._tls = None if server.security == "none" else ssl.create_default_context()

    @property
    def acceptance_s(self) -> float:
        """The longest that `deliver` may take."""
        return self._server.acceptance_s

    @asynccontextmanager
    async def session(self, recipient: Mailbox) -> AsyncIterator[Deliver]:
        """Everything up to the message itself; then hand it over by what this yields, and end the session.

        When that has returned the server has the message. Whatever is still to be said afterwards cannot fail.
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
        """Connect, log in, and say goodbye: whether mail could be handed over. Raises NotNow."""
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
    """Say goodbye where somebody may listen; it changes nothing any more."""
    try:
        if client.is_connected:
            await client.quit(timeout=GOODBYE_S)
    except (aiosmtplib.SMTPException, OSError, ValueError):
        pass
    finally:
        client.close()


@contextmanager
def _told(step: str) -> Iterator[None]:
    """Turn what the library raises during a step into Permanent or NotNow.

    A refusal to let us in at all, 5xx or not, is about this deployment and no fault of the message.
    """
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
