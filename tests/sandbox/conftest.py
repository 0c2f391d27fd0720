"""Fixtures of the sandbox's own tests: one process for the run, emptied before each test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from tests.sandbox.process import RunningSandbox
from tests.sandbox.receiver import Receiver

SECRET = "whsec_of_the_sandbox_tests"


@pytest.fixture(scope="session")
def sandbox_for_all() -> Iterator[RunningSandbox]:
    running = RunningSandbox()
    yield running
    running.stop()


@pytest.fixture
def box(sandbox_for_all: RunningSandbox) -> Iterator[RunningSandbox]:
    """An empty sandbox without webhook endpoints. What passed is held against Stripe's OpenAPI document afterwards."""
    sandbox_for_all.reset()
    sandbox_for_all.recorded()
    yield sandbox_for_all
    violations = sandbox_for_all.violations()
    assert not violations, "\n".join(violations)


@pytest.fixture
def hook(box: RunningSandbox) -> Iterator[Receiver]:
    """A webhook endpoint that the sandbox delivers to, with `SECRET`."""
    receiver = Receiver()
    box.control("POST", "webhooks/endpoint", url=receiver.url, secret=SECRET)
    yield receiver
    receiver.close()


@pytest.fixture
def customer(box: RunningSandbox) -> stripe.Customer:
    return box.v1.customers.create({"name": "Ada", "email": "ada@example.com"})


Drafting = Callable[..., stripe.Invoice]


@pytest.fixture
def draft(box: RunningSandbox, customer: stripe.Customer) -> Drafting:
    """`draft(2500)`: a draft to be sent, with one item; further keywords go to the invoice."""

    def make(amount: int | None = 1000, **more: object) -> stripe.Invoice:
        defaults: Any = {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 30}
        if more.get("collection_method") == "charge_automatically":
            del defaults["days_until_due"]
        sent: Any = {**defaults, **more}
        invoice = box.v1.invoices.create(sent)
        if amount is not None:
            item: Any = {
                "customer": invoice.customer,
                "invoice": invoice.id,
                "amount": amount,
                "currency": invoice.currency,
            }
            box.v1.invoice_items.create(item)
        return box.v1.invoices.retrieve(invoice.id)

    return make


@pytest.fixture
def opened(box: RunningSandbox, draft: Drafting) -> Drafting:
    """The same, finalized."""

    def make(amount: int = 1000, **more: object) -> stripe.Invoice:
        return box.v1.invoices.finalize_invoice(draft(amount, **more).id, {"expand": ["payments"]})

    return make
