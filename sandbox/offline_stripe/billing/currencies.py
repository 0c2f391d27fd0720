"""Currencies: which exist, their least charge, and Stripe's limits on amounts.

Amounts are integers in the currency's smallest unit.
"""

from decimal import Decimal

from offline_stripe.wire.errors import StripeError, invalid_request

SUPPORTED = frozenset(
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf"  # noqa: SIM905 (a table, not a list of lines)
    " chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf"
    " idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop"
    " mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd"
    " scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xcg"
    " xof xpf yer zar zmw".split()
)
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())  # noqa: SIM905
WHOLE_UNITS = frozenset({"isk", "ugx"})
"""Currencies without a smaller unit whose amounts are sent in hundredths all the same."""
LEAST_CHARGE = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
    "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
HUNDREDTHS = 100
MOST_CHARGE = 99_999_999
MOST_RUPIAH = 999_999_999_999


def least_charge(currency: str) -> int:
    """The smallest amount that Stripe charges; 1 if it publishes none."""
    return LEAST_CHARGE.get(currency, 1)


def most_charge(currency: str) -> int:
    """The largest amount that Stripe charges."""
    return MOST_RUPIAH if currency == "idr" else MOST_CHARGE


def check_currency(currency: str, param: str = "currency") -> str:
    lowered = currency.lower()
    if lowered not in SUPPORTED:
        listed = ", ".join(sorted(SUPPORTED))
        raise invalid_request(
            f"Invalid currency: {lowered}. Stripe currently supports these currencies: {listed}", param=param
        )
    return lowered


def check_charge(amount: int, currency: str, param: str = "amount") -> None:
    """Check that an amount can be charged. Raises StripeError."""
    if amount < 1:
        raise invalid_request(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=param
        )
    if amount < least_charge(currency):
        raise invalid_request(
            f"Amount must be at least {display(least_charge(currency), currency)}.",
            code="amount_too_small",
            param=param,
        )
    check_amount(amount, currency, param)
    if currency in WHOLE_UNITS and amount % HUNDREDTHS:
        raise invalid_request(
            f"Invalid amount. Currency {currency.upper()} has become effectively zero-decimal and charged amounts must"
            " be evenly divisible by 100.",
            code="invalid_charge_amount_no_decimal_compatible",
            param=param,
        )


def check_most(amount: Decimal | int, currency: str, param: str = "amount") -> None:
    """Refuse what is above the most that can be charged. Raises StripeError."""
    if abs(Decimal(amount)) > most_charge(currency):
        raise too_large(currency, param)


def too_large(currency: str, param: str = "amount") -> StripeError:
    """The refusal of an amount above the most that can be charged."""
    most = most_charge(currency)
    told = f"${most / HUNDREDTHS:,.2f}" if currency == "usd" else display(most, currency)
    return invalid_request(f"Amount must be no more than {told}", code="amount_too_large", param=param)


def chargeable(amount: int, currency: str) -> int:
    """The amount rounded to what can be charged: whole units where a currency has no smaller ones."""
    return (amount + HUNDREDTHS // 2) // HUNDREDTHS * HUNDREDTHS if currency in WHOLE_UNITS else amount


def check_amount(amount: int, currency: str, param: str = "amount") -> None:
    """Check an amount's limits. Three-decimal currencies take multiples of ten."""
    check_most(amount, currency, param)
    if currency in THREE_DECIMAL and amount % 10:
        raise invalid_request(
            f"Invalid amount: {amount}. Amounts in {currency} must be evenly divisible by 10.", param=param
        )


def display(amount: int, currency: str) -> str:
    """An amount for people, like `$10.00`, without a locale."""
    if currency in ZERO_DECIMAL:
        return f"{amount} {currency.upper()}"
    places = 3 if currency in THREE_DECIMAL else 2
    sign, units = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}{units // 10**places}.{units % 10**places:0{places}d} {currency.upper()}"
