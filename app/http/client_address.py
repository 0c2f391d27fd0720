"""Where a request comes from: the peer, or what a trusted proxy says of it. Nobody else is believed."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

Network = IPv4Network | IPv6Network
UNKNOWN = "unknown"
HOST_PREFIX = 64
"""What one IPv6 subscriber has is a /64: its addresses count as one."""


def client_address(scope: Scope, forwarded: bytes, trusted: Sequence[Network]) -> str:
    """The address of whoever asks, as rate limits count it.

    `forwarded` is X-Forwarded-For. It is read from its end, where trusted proxies wrote, up to the first address that
    is not one of them; what stands before that could have been written by anybody.
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
    """Whether `address` is in one of the networks `trusted`."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)


@lru_cache(maxsize=4096)
def counted_address(address: str) -> str:
    """The address as limits count it: an IPv6 address as its /64, text that is no address as UNKNOWN."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Network((parsed, HOST_PREFIX), strict=False))
    return str(parsed)
