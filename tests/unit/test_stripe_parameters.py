"""Each parameter of Stripe's calls is supported, refused by name, or out of scope with a reason; the docs say which."""

from pathlib import Path
from typing import TypedDict

import pytest
import stripe.params

from tests import stripe_parameters
from tests.stripe_parameters import CALLS, Call, decided, emptied, of_the_sdk

PAGE = Path(__file__).resolve().parents[2] / "docs" / "contributing" / "stripe-coverage.md"


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_somebody_decided_on_each_parameter_of_the_installed_sdk(call: Call) -> None:
    found = decided(call)
    assert found.undecided == [], "new in the SDK: support it, or refuse it by name with a reason"
    assert found.unknown == [], "Stripe has no such parameter"
    assert found.supported


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_nothing_is_emptied_that_stripe_cannot_empty(call: Call) -> None:
    assert emptied(call) == []


def test_a_parameter_that_an_upgrade_brings_is_noticed_also_within_others(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pdf(TypedDict):
        page_size: str
        page_color: str

    class Rendering(TypedDict):
        pdf: Pdf

    class Upgraded(TypedDict):
        rendering: list[Rendering]
        number: str
        surcharge: int

    monkeypatch.setattr(stripe.params, "InvoiceCreateParams", Upgraded)
    call = next(call for call in CALLS if call.name == "create an invoice")
    assert decided(call).undecided == ["rendering.pdf.page_color", "surcharge"]
    assert list(of_the_sdk(Upgraded))[:3] == ["rendering", "rendering.pdf", "rendering.pdf.page_size"]


def test_the_table_of_the_docs_is_what_is_decided() -> None:
    page = PAGE.read_text()
    assert stripe_parameters.written(page) == page, (
        "run python -m tests.stripe_parameters docs/contributing/stripe-coverage.md"
    )
