"""The amounts of an invoice follow from each other, or are named."""

from typing import Any

import pytest

from app.domain.totals import unexplained
from app.languages.invoice_lines import adjustments, until_due
from app.languages.language import Language

ENGLISH = Language("en")

RATE: dict[str, Any] = {"tax_rate": None, "taxable_amount": None, "reason": "standard_rated"}
ITEM: dict[str, Any] = {
    "amount": 10_000, "discounts": ["di_item"], "discount_amounts": [{"discount": "di_item", "amount": 1000}, {"discount": "di_all", "amount": 900}],
}  # fmt: skip
INVOICE: dict[str, Any] = {
    "status": "open",
    "items": [ITEM, {"amount": 500, "discounts": [], "discount_amounts": []}],
    "discounts": [{"discount": "di_item", "amount": 1000}, {"discount": "di_all", "amount": 900}],
    "total_pretax_credit_amounts": [
        {"type": "discount", "amount": 1900},
        {"type": "credit_balance_transaction", "amount": 100},
    ],
    "taxes": [
        {"amount": 1700, "inclusive": False, "label": "VAT", "percentage": "20", **RATE},
        {"amount": 300, "inclusive": True, "label": None, "percentage": None, **RATE},
    ],
    "amount_shipping": 700,
    "subtotal": 9500,
    "total": 10_900,
    "total_excluding_tax": 8900,
    "starting_balance": -2000,
    "ending_balance": 0,
    "pre_payment_credit_notes_amount": 400,
    "amount_due": 8500,
    "amount_paid": 3000,
    "amount_overpaid": 0,
    "amount_remaining": 5500,
}


def test_the_lines_explain_the_total_and_what_is_due() -> None:
    assert adjustments(INVOICE, ENGLISH) == [
        ("Discount", -1000), ("Discount", -900), ("Credit", -100), ("Shipping", 700), ("VAT 20%", 1700), ("Tax (included)", 300),
    ]  # fmt: skip
    assert until_due(INVOICE, ENGLISH) == [("Balance applied", -2000), ("Credit notes", -400)]
    assert unexplained(INVOICE) == {}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"subtotal": 9501}, {"subtotal": 1}),
        ({"discounts": [{"discount": "di_all", "amount": 900}]}, {"total": -1000, "discounts": -1000}),
        ({"total_pretax_credit_amounts": []}, {"total": -100}),
        ({"amount_shipping": 0}, {"total": 700}),
        ({"taxes": []}, {"total": 1700, "total_excluding_tax": -2000}),
        ({"total_excluding_tax": 0}, {"total_excluding_tax": -8900}),
        ({"starting_balance": 0}, {"amount_due": -2000}),
        ({"ending_balance": 50}, {"amount_due": 50}),
        ({"pre_payment_credit_notes_amount": 0}, {"amount_due": -400}),
        ({"amount_paid": 0}, {"amount_remaining": -3000}),
        ({"amount_overpaid": 10}, {"amount_remaining": -10}),
        ({"amount_remaining": 5501}, {"amount_remaining": 1}),
    ],
)
def test_an_amount_that_does_not_follow_is_named(change: dict[str, Any], wrong: dict[str, int]) -> None:
    assert unexplained(INVOICE | change) == wrong


def test_a_draft_owes_its_total_with_the_balance_and_never_less_than_nothing() -> None:
    draft = INVOICE | {
        "status": "draft",
        "ending_balance": None,
        "amount_paid": 0,
        "pre_payment_credit_notes_amount": 0,
    }
    assert unexplained(draft | {"amount_due": 8900, "amount_remaining": 8900}) == {}
    assert unexplained(draft | {"starting_balance": -20_000, "amount_due": 0, "amount_remaining": 0}) == {}
    assert unexplained(draft | {"amount_due": 10_900, "amount_remaining": 10_900}) == {"amount_due": 2000}


def test_what_an_older_document_does_not_say_is_not_judged() -> None:
    names = ("total_excluding_tax", "starting_balance", "ending_balance", "amount_overpaid")
    assert unexplained(INVOICE | dict.fromkeys(names)) == {}
    assert until_due(INVOICE | dict.fromkeys(names), ENGLISH) == [("Credit notes", -400)]


def test_what_the_lines_lack_is_a_line_of_its_own() -> None:
    assert adjustments(INVOICE | {"total": 10_950}, ENGLISH)[-1] == ("Other discounts and taxes", 50)
