"""The client's address: the peer's, or the one that a trusted proxy forwards. Other forwarded addresses are ignored."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

Network = IPv4Network | IPv6Network
UNKNOWN = "unknown"
HOST_PREFIX = 64
"""An IPv6 subscriber has a whole /64, so its addresses count as one."""


def client_address(scope: Scope, forwarded: bytes, trusted: Sequence[Network]) -> str:
    """The client's address, as rate limits count it.

    `forwarded` is X-Forwarded-For. It is read from its end, where trusted proxies write, up to the first address that
    is not theirs. Anybody could have written what stands before that.
    """
    peer = scope.get("client")
    address = peer[0] if peer else ""
    if trusted and forwarded and is_trusted(address, tuple(trusted)):
        for hop in reversed(forwarded.decode("latin-1").split(",")):
            address = hop.strip()
            if not is_trusted(address, tuple(trusted)):
                break
    return counted_address(address)


@lru_cache(maxsize=4096)
def is_trusted(address: str, trusted: tuple[Network, ...]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in trusted)


@lru_cache(maxsize=4096)
def counted_address(address: str) -> str:
    """The address as limits count it: an IPv6 address as its /64, other text as UNKNOWN."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, HOST_PREFIX), strict=False))
    return UNKNOWN if parsed is None else str(parsed)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """The address that a text names; None if it is none. A socket for both versions writes IPv4 as `::ffff:10.0.0.1`."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return (parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None) or parsed
