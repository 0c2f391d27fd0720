"""`expand`: what becomes an object, what is refused."""

import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox


def test_dotted_paths_nest(box: RunningSandbox, opened: Drafting) -> None:
    shown = box.v1.invoices.retrieve(
        opened().id,
        {"expand": ["customer", "lines.data.discounts", "payments.data.payment.payment_intent"]},
    ).to_dict()
    line = box.v1.invoices.line_items.list(shown["id"], {"expand": ["data.pricing.price_details.price"]}).data[0]
    assert shown["customer"]["object"] == "customer"
    assert line.to_dict()["pricing"]["price_details"]["price"]["object"] == "price"
    assert shown["payments"]["data"][0]["payment"]["payment_intent"]["object"] == "payment_intent"


def test_lists_expand_below_data(box: RunningSandbox, opened: Drafting) -> None:
    opened()
    assert isinstance(box.v1.invoices.list({"expand": ["data.customer"]}).data[0].customer, stripe.Customer)
    with pytest.raises(stripe.InvalidRequestError, match=r"try expanding 'data\.customer'"):
        box.v1.invoices.list({"expand": ["customer"]})


@pytest.mark.parametrize("path", ["currency", "payment_intent", "nonsense", "customer.name", "id", "metadata"])
def test_what_is_no_reference_cannot_be_expanded(box: RunningSandbox, opened: Drafting, path: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        box.v1.invoices.retrieve(opened().id, {"expand": [path]})


@pytest.mark.parametrize("path", ["a.b.c.d.e", "data.payments.data.payment.payment_intent"])
def test_depth_is_bounded_and_the_data_of_lists_counts(box: RunningSandbox, opened: Drafting, path: str) -> None:
    opened()
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels") as refused:
        box.v1.invoices.list({"expand": [path]})
    assert (refused.value.code, refused.value.param) == ("property_expansion_max_depth", None)


def test_expanding_works_on_writes_and_an_impossible_one_undoes_them(
    box: RunningSandbox, customer: stripe.Customer
) -> None:
    made = box.v1.invoices.create({"customer": customer.id, "expand": ["customer"]})
    assert isinstance(made.customer, stripe.Customer)
    with pytest.raises(stripe.InvalidRequestError):
        box.v1.invoices.create({"customer": customer.id, "expand": ["nonsense"]})
    assert len(box.v1.invoices.list().data) == 1


def test_a_null_reference_stays_null(box: RunningSandbox, opened: Drafting) -> None:
    shown = box.v1.invoices.retrieve(opened().id, {"expand": ["default_payment_method"]})
    assert shown.default_payment_method is None
