import pytest

from app.domain.web_address import on_this_machine, origin_of


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://Shop.example:8443/orders/1?paid=yes#top", "https://shop.example:8443"),
        ("http://localhost:3000/back", "http://localhost:3000"),
        ("http://127.0.0.1/", "http://127.0.0.1"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
    ],
)
def test_the_origin_is_what_a_browser_connects_to(address: str, origin: str) -> None:
    assert origin_of(address) == origin
    assert on_this_machine(origin) == origin.startswith("http://")


@pytest.mark.parametrize(
    "address",
    [
        "http://shop.example/",
        "//shop.example/",
        "javascript:alert(1)",
        "https://shop.example@evil.example/",
        "https://evil.example\\@shop.example/",
        "https://evil.example\\.shop.example/",
        "https://shop.example /",
        "https://shop.example/a b",
        "https://shop.example/\n",
        "https://shop.example;script-src/",
        "https://xn--münchen.example/",
        "https://",
        " https://shop.example/",
        "http://localhost.evil.example/",
    ],
)
def test_an_address_that_could_lead_elsewhere_has_no_origin(address: str) -> None:
    assert origin_of(address) is None
