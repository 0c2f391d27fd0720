"""The egress policy: which URLs callers may register, and which addresses the service connects to.

The URL is checked when it is given. The address is checked at each connection, and that check decides. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from app.domain.errors import ValidationFailed

Network = IPv4Network | IPv6Network

LONGEST_URL = 2000
HTTPS = 443
FIRST_FREE_PORT = 1024
"""Ports below this one belong to other kinds of services (mail, shells, directories); only HTTPS is allowed there."""

REFUSED = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; some clouds' metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host, public in form only
        "169.254.0.0/16",  # link-local; most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "2001::/23",  # protocol assignments; Teredo, which hides an IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which hides an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
GLOBAL_IPV6 = IPv6Network("2000::/3")
"""All IPv6 addresses outside are refused as well: loopback, mapped and translated IPv4 (::ffff:0:0/96, 64:ff9b::/96),
unique local (also clouds' metadata), link-local, site-local, multicast, and unassigned ones."""


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """The egress policy of a deployment.

    `private` lists networks of the operator's that are allowed although they would be refused. With `plain`, http:// is
    allowed, too, but only to addresses in `private`.
    """

    private: Sequence[Network] = ()
    plain: bool = False

    def allows(self, address: str, *, encrypted: bool) -> bool:
        """Whether a connection to `address` is allowed. `address` is text, as a resolver or URL writes it."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        if getattr(found, "scope_id", None):
            return False
        if any(found in network for network in self.private if network.version == found.version):
            return encrypted or self.plain
        return encrypted and _is_public(found)

    def require(self, url: str) -> str:
        """Return `url` if callers may register it. Raises ValidationFailed."""
        try:
            self._require(url)
        except ValueError as error:
            raise ValidationFailed(f"url {error}", param="url") from None
        return url

    def _require(self, url: str) -> None:
        if len(url) > LONGEST_URL:
            raise ValueError(f"must have at most {LONGEST_URL} characters")
        if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
            raise ValueError("must be written in printable ASCII: other characters percent-encoded, hosts in punycode")
        parts = urlsplit(url)
        if not url.startswith(("https://", "http://") if self.plain else "https://"):
            raise ValueError("must start with https://")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not hold a user or a password: deliveries are signed")
        if parts.fragment or "#" in url:
            raise ValueError("must not hold a fragment")
        host, port = parts.hostname or "", parts.port  # raises ValueError for what is no port
        if not host:
            raise ValueError("must name a host")
        if port is not None and port not in self._ports(parts.scheme) and port < FIRST_FREE_PORT:
            raise ValueError(f"must not name a port below {FIRST_FREE_PORT} other than {HTTPS}")
        if _is_address(host) and not self.allows(host, encrypted=parts.scheme == "https"):
            raise ValueError("must not name an address that is private, reserved, or otherwise not of the internet")

    def _ports(self, scheme: str) -> tuple[int, ...]:
        return (HTTPS, 80) if scheme == "http" else (HTTPS,)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if any(address in network for network in REFUSED if network.version == address.version):
        return False
    return address.is_global and (address.version == 4 or address in GLOBAL_IPV6)  # noqa: PLR2004 -- IPv4


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
