"""The origins of addresses that a payer's browser is led to: https, or http on this machine. Pure."""

import re
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_ADDRESS = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[::1\])(?::\d{1,5})?(?:[/?#][!-~]*)?")
"""No user and password, no white space and no backslash before the path: browsers read those in ways of their own."""


def origin_of(address: str) -> str | None:
    if not _ADDRESS.fullmatch(address):
        return None
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc.lower()}"
    return origin if parts.scheme == "https" or on_this_machine(origin) else None


def on_this_machine(origin: str) -> bool:
    return re.sub(r":\d+$", "", origin.partition("://")[2]) in LOOPBACK
