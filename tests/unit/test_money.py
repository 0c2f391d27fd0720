"""Amounts: integers in the currency's minor unit, and nothing else."""

import pytest

from app.domain.money import MAX_AMOUNT, exponent, format_amount, problem_with_amount


@pytest.mark.parametrize(
    ("currency", "places"),
    [("usd", 2), ("eur", 2), ("jpy", 0), ("krw", 0), ("clp", 0), ("kwd", 3), ("bhd", 3), ("isk", 2), ("ugx", 2)],
)
def test_a_currency_has_the_decimals_it_has_at_stripe(currency: str, places: int) -> None:
    assert exponent(currency) == places


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (1999, "usd", "19.99 USD"),
        (0, "usd", "0.00 USD"),
        (-5, "eur", "-0.05 EUR"),
        (500, "jpy", "500 JPY"),
        (5120, "kwd", "5.120 KWD"),
        (MAX_AMOUNT, "usd", "999,999.99 USD"),
    ],
)
def test_an_amount_is_written_for_a_person(amount: int, currency: str, written: str) -> None:
    assert format_amount(amount, currency) == written


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(MAX_AMOUNT, "usd"), (-MAX_AMOUNT, "usd"), (999_999_999_999, "idr"), (0, "kwd"), (10, "kwd"), (1, "jpy")],
)
def test_an_amount_that_stripe_takes_has_no_problem(amount: int, currency: str) -> None:
    assert problem_with_amount(amount, currency) is None


@pytest.mark.parametrize(
    ("amount", "currency", "says"),
    [(MAX_AMOUNT + 1, "usd", "99999999"), (-MAX_AMOUNT - 1, "usd", "99999999"), (5125, "kwd", "multiple of 10")],
)
def test_an_amount_that_stripe_refuses_has_a_problem_that_says_why(amount: int, currency: str, says: str) -> None:
    assert says in (problem_with_amount(amount, currency) or "")
