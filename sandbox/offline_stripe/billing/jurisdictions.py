"""The jurisdictions that automatic tax knows: a small table of standard rates that stands for Stripe Tax.

Rates are percentages of November 2026, the state's part only in the United States. They are for tests, not for filing.
"""

from dataclasses import dataclass
from decimal import Decimal

from offline_stripe.documents import Document


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """A country, or a state in the United States, and its rate."""

    country: str
    state: str | None
    percentage: Decimal
    tax_type: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a customer is, and which address said so."""

    country: str
    state: str | None
    source: str


_EU = {
    "AT": "20", "BE": "21", "BG": "20", "CY": "19", "CZ": "21", "DE": "19", "DK": "25", "EE": "24", "ES": "21",
    "FI": "25.5", "FR": "20", "GR": "24", "HR": "25", "HU": "27", "IE": "23", "IT": "22", "LT": "21", "LU": "17",
    "LV": "21", "MT": "18", "NL": "21", "PL": "23", "PT": "23", "RO": "21", "SE": "25", "SI": "22", "SK": "23",
}  # fmt: skip
_OTHERS = {
    "AU": ("10", "gst", "GST"), "CH": ("8.1", "vat", "VAT"), "GB": ("20", "vat", "VAT"), "JP": ("10", "jct", "JCT"),
    "NO": ("25", "vat", "VAT"), "NZ": ("15", "gst", "GST"), "SG": ("9", "gst", "GST"),
}  # fmt: skip
_STATES = {
    "AK": ("0", 995, 999), "CA": ("7.25", 900, 961), "CO": ("2.9", 800, 816), "DE": ("0", 197, 199),
    "FL": ("6", 320, 349), "IL": ("6.25", 600, 629), "MA": ("6.25", 10, 27), "MT": ("0", 590, 599),
    "NH": ("0", 30, 38), "NJ": ("6.625", 70, 89), "NY": ("4", 100, 149), "OR": ("0", 970, 979),
    "PA": ("6", 150, 196), "TX": ("6.25", 750, 799), "WA": ("6.5", 980, 994),
}  # fmt: skip
"""Rates, and the first three digits of the ZIP codes from … to."""
EU_COUNTRIES = frozenset(_EU)
_ZIP_DIGITS = 3


def place_of(customer: Document) -> Place | None:
    """The customer's place: the shipping address, or the billing address. None if neither says enough."""
    shipping = customer["shipping"]
    found = _place(shipping["address"], "shipping_destination") if shipping else None
    return found or _place(customer["address"], "billing_address")


def _place(address: Document | None, source: str) -> Place | None:
    country = str((address or {}).get("country") or "").upper()
    if address is None or not country:
        return None
    if country != "US":
        return Place(country, None, source)
    state = _state(address)
    return Place(country, state, source) if state else None


def _state(address: Document) -> str | None:
    if address.get("state"):
        return str(address["state"]).upper()
    digits = str(address.get("postal_code") or "")[:_ZIP_DIGITS]
    if len(digits) < _ZIP_DIGITS or not digits.isdigit():
        return None
    return next((name for name, (_, first, last) in _STATES.items() if first <= int(digits) <= last), "other")


def jurisdiction_of(place: Place) -> Jurisdiction | None:
    """The jurisdiction that taxes a sale there; None for a place that the table lacks."""
    if place.country in _EU:
        return Jurisdiction(place.country, None, Decimal(_EU[place.country]), "vat", "VAT")
    if place.country in _OTHERS:
        percentage, tax_type, name = _OTHERS[place.country]
        return Jurisdiction(place.country, None, Decimal(percentage), tax_type, name)
    if place.country == "US" and place.state in _STATES:
        return Jurisdiction("US", place.state, Decimal(_STATES[place.state][0]), "sales_tax", "Sales Tax")
    return None
