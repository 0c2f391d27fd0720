"""What Stripe has and the sandbox lacks is refused by name, and told apart from a typo."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from dev import specification
from dev.stripe_operations import listed
from offline_stripe.resources import MODULES
from offline_stripe.wire.declared import Declared, declared
from offline_stripe.wire.errors import StripeError
from offline_stripe.wire.lengths import longest
from offline_stripe.wire.routing import Route
from offline_stripe.wire.simulated import OPERATIONS, Taken, operations, require_simulated, taken_by
from tests.sandbox.process import RunningSandbox

JSON = dict[str, Any]
TAKES = "name address metadata discounts{coupon} rendering{pdf{page_size}} type=card|us_bank_account enabled=false"


def refused(**sent: object) -> str | None:
    try:
        require_simulated(taken_by(TAKES), sent)
    except StripeError as error:
        return error.message.removeprefix("not simulated here: ")
    return None


@pytest.mark.parametrize(
    ("sent", "what"),
    [
        ({"name": "Ada", "metadata": {"any": "key"}, "address": {"city": "Rome"}, "expand": ["data"]}, None),
        ({"phone": "1"}, "phone"),
        ({"phone": ""}, "phone"),
        ({"discounts": [{"coupon": "a"}, {"coupon": "b", "discount": "c"}]}, "discounts[1][discount]"),
        ({"discounts": ""}, None),
        ({"rendering": {"pdf": {"page_size": "a4"}}}, None),
        ({"rendering": {"template": "t"}}, "rendering[template]"),
        ({"type": "card", "enabled": False}, None),
        ({"type": "klarna"}, "type=klarna"),
        ({"enabled": True}, "enabled=true"),
    ],
)
def test_a_parameter_is_taken_or_refused_by_its_name(sent: dict[str, object], what: str | None) -> None:
    assert refused(**sent) == what


@pytest.mark.parametrize("takes", ["a{b", "a{b}}", "a}"])
def test_braces_that_do_not_match_are_an_error(takes: str) -> None:
    with pytest.raises(ValueError, match="brace"):
        taken_by(takes)


ROUTES = [route for module in MODULES for route in module.ROUTES]
PREVIEWS = {("POST", "/v1/invoices/{}/detach_payment")}
"""Operations that Stripe has in preview: neither its document nor the SDK knows them."""


def undeclared(taken: Taken, known: Declared | None, path: str = "") -> Iterator[str]:
    for name, inner in (taken.parts or {}).items():
        if known is None or name not in known:
            yield path + name
        elif inner.parts is not None:
            yield from undeclared(inner, known[name], f"{path}{name}.")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_what_a_route_takes_is_what_stripe_has(route: Route) -> None:
    assert set(undeclared(taken_by(route.takes), declared(route.params))) <= {"expand"}


def test_every_route_is_an_operation_of_stripes() -> None:
    ours = {(route.method, re.sub(r"\{\w+\}", "{}", route.path)) for route in ROUTES}
    assert ours - operations() == PREVIEWS


def lengths(schema: JSON, taken: Taken, *names: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """The texts that are taken, with the length that Stripe's document gives them."""
    for branch in [schema, *schema.get("anyOf", [])]:
        if branch.get("maxLength") and "enum" not in branch:
            yield names, branch["maxLength"]
        if "items" in branch:
            yield from lengths(branch["items"], taken, *names)
        for name, inner in branch.get("properties", {}).items():
            if (taken.parts is None or name in taken.parts) and name != "payment_method_data":
                yield from lengths(inner, (taken.parts or {}).get(name, taken), *names, name)


def test_texts_may_be_as_long_as_stripes_document_says() -> None:
    paths = {re.sub(r"\{\w+\}", "{}", path): methods for path, methods in specification.document()["paths"].items()}
    for route in ROUTES:
        operation = paths.get(re.sub(r"\{\w+\}", "{}", route.path), {}).get(route.method.lower(), {})
        for body in operation.get("requestBody", {}).get("content", {}).values():
            for names, most in lengths(body["schema"], taken_by(route.takes)):
                assert (route.path, names, longest(route.path, names)) == (route.path, names, most)


def test_a_text_that_is_too_long_is_refused(box: RunningSandbox) -> None:
    answer = box.post(
        "/v1/customers", f"address[line1]={'x' * 5000}&tax_id_data[0][type]=eu_vat&tax_id_data[0][value]={'1' * 5001}"
    )
    assert answer.json()["error"]["param"] == "tax_id_data[0][value]"
    assert box.post("/v1/tax_rates", f"display_name={'x' * 51}&percentage=1&inclusive=false").status_code == 400


def test_the_list_of_stripes_operations_is_current() -> None:
    assert listed() == OPERATIONS.read_text()


def test_an_operation_of_stripes_that_the_sandbox_lacks_is_refused(box: RunningSandbox) -> None:
    answer = box.post("/v1/subscriptions", "customer=cus_1")
    assert answer.status_code == 501
    assert answer.json()["error"] | {"request_log_url": ""} == {
        "code": "sandbox_not_simulated",
        "doc_url": "https://stripe.com/docs/error-codes/sandbox-not-simulated",
        "message": "not simulated here: POST /v1/subscriptions",
        "request_log_url": "",
        "type": "api_error",
    }
    assert answer.headers["stripe-should-retry"] == "false"
    assert box.get("/v2/core/events").status_code == 501
    refused = box.control("GET", "refused")["refused"]
    assert [(line["method"], line["path"]) for line in refused] == [
        ("POST", "/v1/subscriptions"),
        ("GET", "/v2/core/events"),
    ]


def test_a_refused_parameter_changes_nothing_and_its_key_stays_free(box: RunningSandbox) -> None:
    customer = box.v1.customers.create({"name": "Ada"}).id
    key = {"Idempotency-Key": "k1"}
    refused = box.post("/v1/invoices", f"customer={customer}&application_fee_amount=5", **key)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (
        501,
        "sandbox_not_simulated",
        "application_fee_amount",
    )
    assert error["message"] == "not simulated here: application_fee_amount"
    [line] = box.control("GET", "refused")["refused"]
    assert (line["path"], line["message"]) == ("/v1/invoices", error["message"])
    assert box.v1.invoices.list().data == []
    assert box.post("/v1/invoices", f"customer={customer}", **key).status_code == 200


def test_a_typo_is_told_apart_from_what_is_not_simulated(box: RunningSandbox) -> None:
    answer = box.post("/v1/customers", "nmae=Ada&test_clcok=1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "parameter_unknown")


def test_a_path_that_stripe_does_not_have_is_a_404(box: RunningSandbox) -> None:
    assert box.post("/v1/invoices/in_1/finalise").status_code == 404
    assert box.control("GET", "refused")["refused"] == []
