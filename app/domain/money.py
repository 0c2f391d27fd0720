"""Amounts: integers in the currency's minor unit, as Stripe counts it. Pure.

Nothing else in the service knows a currency's decimals. Source: Stripe's documentation of zero-decimal and
three-decimal currencies and of the charge limits.
"""

from decimal import Decimal

ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
"""Currencies without a minor unit. (isk and ugx are sent with two decimals.)"""

THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
"""Currencies with three decimals; Stripe requires the last digit to be 0."""

MAX_AMOUNT = 99_999_999
"""The largest amount of one payment, in minor units: Stripe accepts at most eight digits of most currencies."""

LONGER = {"idr": 999_999_999_999}
"""The largest amounts of the currencies of which Stripe accepts more digits."""

MOST_AMOUNT = max(LONGER.values())
"""The largest amount of any currency."""


def exponent(currency: str) -> int:
    """The number of decimals of `currency` (lower-case ISO 4217) at Stripe: 0, 2 or 3."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def problem_with_size(amount: int, currency: str) -> str | None:
    """Why `amount` minor units of `currency` are too many for Stripe; None if they are not."""
    most = LONGER.get(currency, MAX_AMOUNT)
    return f"must be at most {most} in the minor unit of {currency}" if abs(amount) > most else None


def problem_with_amount(amount: int, currency: str) -> str | None:
    """Why Stripe would refuse `amount` minor units of `currency`; None if it would not."""
    if problem := problem_with_size(amount, currency):
        return problem
    if currency in THREE_DECIMAL and amount % 10:
        return f"must be a multiple of 10: {currency} has three decimals and Stripe uses two of them"
    return None


def plain(number: str | float) -> str:
    """A decimal number without needless zeros and without an exponent: plain("2.50") == "2.5"."""
    return f"{Decimal(str(number)).normalize():f}"


def major(amount: int, currency: str) -> str:
    """`amount` minor units as a plain decimal of the currency itself: major(1999, "usd") == "19.99"."""
    places = exponent(currency)
    return f"{Decimal(amount).scaleb(-places):.{places}f}"


def format_amount(amount: int, currency: str) -> str:
    """`amount` minor units for a person to read: format_amount(1999, "usd") == "19.99 USD"."""
    return f"{Decimal(major(amount, currency)):,} {currency.upper()}"
