"""Email addresses that mail can be sent to. Pure."""

import re
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Self

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.|\Z))+(?<!\.)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
LONGEST_LOCAL = 64
LONGEST_LINE = 200


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A sender or recipient. `address` is ASCII; an international domain is in punycode."""

    address: str
    name: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """The mailbox in `text`: `jenny@shop.example` or `Shop <orders@shop.example>`. Raises ValueError."""
        if _CONTROL.search(text):
            raise ValueError("an email address is one line of printable characters")
        name, address = parseaddr(text.strip())
        local, at, domain = address.rpartition("@")
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError:
            at = ""
        if not at or len(local) > LONGEST_LOCAL or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
            raise ValueError("that is no email address mail can be sent to")
        if not name and text.strip() not in {address, f"<{address}>"}:
            raise ValueError("an email address stands alone, or in angle brackets behind a name")
        return cls(f"{local}@{domain}", name)

    @property
    def domain(self) -> str:
        """The domain of the address."""
        return self.address.rpartition("@")[2]


def one_line(text: str) -> str:
    """`text` for a mail header: one line, without control characters, at most LONGEST_LINE characters."""
    return " ".join(_CONTROL.sub(" ", text).split())[:LONGEST_LINE]
