"""`/v1/test_helpers/test_clocks`: Stripe's calls to move time. The rules are in `billing.test_clocks`."""

from offline_stripe.billing.test_clocks import KIND, advance, make_clock
from offline_stripe.documents import Document
from offline_stripe.presentation import announce
from offline_stripe.resources.customers import remove_customer
from offline_stripe.resources.fields import deleted
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

PATH = "/v1/test_helpers/test_clocks"


def create_clock(call: Call) -> Document:
    return make_clock(call.tx, call.params["frozen_time"], call.params.get("name"))


def _clock(call: Call) -> Document:
    return call.tx.need(KIND, call.path["id"], param="test_clock", status=404)


def retrieve_clock(call: Call) -> Document:
    return _clock(call)


def advance_clock(call: Call) -> Document:
    clock = _clock(call)
    advance(call.tx, clock, call.params["frozen_time"])
    return clock


def delete_clock(call: Call) -> Document:
    """Delete a test clock, and its customers."""
    clock = _clock(call)
    for customer in call.tx.where("customer", test_clock=clock["id"]):
        remove_customer(call.tx, customer)
    call.tx.unschedule("test_clock", clock["id"])
    announce(call.tx, f"{KIND}.deleted", clock)
    call.tx.remove(clock)
    return deleted(clock)


def list_clocks(call: Call) -> Page:
    return list_documents(call.tx, KIND, call.params, Filters(), PATH)


ROUTES = (
    Route("POST", PATH, create_clock, "test_helpers.TestClockCreateParams", "frozen_time name"),
    Route("GET", PATH, list_clocks, "test_helpers.TestClockListParams", PAGE),
    Route("GET", f"{PATH}/{{id}}", retrieve_clock, "test_helpers.TestClockRetrieveParams", ""),
    Route("DELETE", f"{PATH}/{{id}}", delete_clock, "test_helpers.TestClockDeleteParams", ""),
    Route("POST", f"{PATH}/{{id}}/advance", advance_clock, "test_helpers.TestClockAdvanceParams", "frozen_time"),
)
