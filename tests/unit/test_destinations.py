"""Where callers may have the service connect to."""

from ipaddress import ip_network

import pytest

from app.domain.egress import EgressPolicy
from app.domain.errors import ValidationFailed

INTERNET = EgressPolicy()
DEVELOPMENT = EgressPolicy([ip_network("127.0.0.0/8"), ip_network("::1/128")], plain=True)
INSIDE = EgressPolicy([ip_network("10.20.0.0/16")])

REFUSED = {
    "this host": ["0.0.0.0", "0.1.2.3", "::"],
    "loopback": ["127.0.0.1", "127.8.9.1", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
    "unique local": ["fc00::1", "fd12:3456::1"],
    "link-local": ["169.254.1.1", "fe80::1", "fe80::1%eth0"],
    "metadata of clouds": ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"],
    "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved and broadcast": ["240.0.0.1", "255.255.255.255"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "IPv4 mapped into IPv6": ["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:a9fe:a9fe"],
    "IPv4 compatible IPv6": ["::127.0.0.1", "::8.8.8.8"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1"],
    "6to4": ["2002:7f00:1::1", "2002:808:808::1", "192.88.99.1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "site-local": ["fec0::1"],
    "unassigned": ["4000::1", "e000::1", "100::1"],
    "protocol assignments": ["192.0.0.8", "192.31.196.1", "192.52.193.1", "192.175.48.1", "2620:4f:8000::1"],
    "no address": ["localhost", "", "2130706433", "127.1", "0x7f.1", "1.2.3.4.5"],
}


@pytest.mark.parametrize("address", [one for found in REFUSED.values() for one in found])
def test_what_is_not_of_the_internet_is_not_connected_to(address: str) -> None:
    assert not INTERNET.allows(address, encrypted=True)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "52.94.236.248", "2606:4700:4700::1111", "2a00:1450::1"])
def test_what_is_of_the_internet_is_connected_to_but_never_without_tls(address: str) -> None:
    assert INTERNET.allows(address, encrypted=True)
    assert not INTERNET.allows(address, encrypted=False)
    assert not DEVELOPMENT.allows(address, encrypted=False)


def test_a_private_network_that_is_configured_is_connected_to_and_no_other() -> None:
    assert INSIDE.allows("10.20.0.1", encrypted=True)
    assert not INSIDE.allows("10.20.0.1", encrypted=False)
    assert not INSIDE.allows("10.21.0.1", encrypted=True)
    assert not INSIDE.allows("::ffff:10.20.0.1", encrypted=True)
    assert DEVELOPMENT.allows("127.0.0.1", encrypted=False)
    assert DEVELOPMENT.allows("::1", encrypted=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hooks",
        "https://shop.example:443/",
        "https://shop.example:8443/hooks?source=invoicing",
        "https://1.1.1.1/hooks",
        "https://[2606:4700:4700::1111]/hooks",
        "https://xn--bcher-kva.example/hooks",
    ],
)
def test_an_address_of_the_internet_is_taken(url: str) -> None:
    assert INTERNET.require(url) == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://shop.example/", "must start with https://"),
        ("ftp://shop.example/", "must start with https://"),
        ("HTTPS://shop.example/", "must start with https://"),
        ("shop.example/hooks", "must start with https://"),
        ("", "must start with https://"),
        ("https://", "must name a host"),
        ("https:///hooks", "must name a host"),
        ("https://user:secret@shop.example/", "must not hold a user"),
        ("https://user@shop.example/", "must not hold a user"),
        ("https://@shop.example/", "must not hold a user"),
        ("https://shop.example/#here", "must not hold a fragment"),
        ("https://shop.example/#", "must not hold a fragment"),
        ("https://shop.example:22/", "must not name a port below 1024"),
        ("https://shop.example:80/", "must not name a port below 1024"),
        ("https://shop.example:0/", "must not name a port below 1024"),
        ("https://shop.example:99999/", "Port out of range"),
        ("https://shop.example:x/", "Port could not be cast"),
        ("https://127.0.0.1/", "must not name an address"),
        ("https://[::1]/", "must not name an address"),
        ("https://[::ffff:169.254.169.254]/", "must not name an address"),
        ("https://169.254.169.254/latest/meta-data", "must not name an address"),
        ("https://shop.example/\r\nHost: other", "printable ASCII"),
        ("https://shop.example\\@127.0.0.1/", "printable ASCII"),
        ("https://bücher.example/", "printable ASCII"),
        ("https://[::1/", "Invalid IPv6 URL"),
        ("https://shop.example/" + "a" * 2000, "at most 2000 characters"),
    ],
)
def test_a_url_that_is_none_for_us_is_refused_with_its_reason(url: str, why: str) -> None:
    with pytest.raises(ValidationFailed, match=why) as refused:
        INTERNET.require(url)
    assert refused.value.param == "url"


def test_plain_http_is_taken_in_development_only() -> None:
    assert DEVELOPMENT.require("http://127.0.0.1:9000/hooks")
    assert DEVELOPMENT.require("http://localhost:80/hooks")
    with pytest.raises(ValidationFailed, match="port below 1024"):
        DEVELOPMENT.require("https://127.0.0.1:80/hooks")
    with pytest.raises(ValidationFailed, match="must start with https"):
        INSIDE.require("http://10.20.0.1:9000/hooks")
