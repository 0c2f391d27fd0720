"""The wire: forms, parameters, errors, headers and keys, as Stripe has them."""

from email.utils import parsedate_to_datetime

import pytest
import stripe

from offline_stripe.wire.errors import StripeError
from offline_stripe.wire.form import decode_form
from offline_stripe.wire.parameters import check_parameters
from tests.sandbox.process import PUBLISHABLE_KEY, SECRET_KEY, RunningSandbox


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1&b=x+y%21", {"a": "1", "b": "x y!"}),
        ("a[b]=1&a[c]=2", {"a": {"b": "1", "c": "2"}}),
        ("a[b][c]=1", {"a": {"b": {"c": "1"}}}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[1]=y&a[0]=x", {"a": ["x", "y"]}),
        ("a%5B0%5D=x", {"a": ["x"]}),
        ("a%5Bb%5D%5B0%5D%5Bc%5D=1", {"a": {"b": [{"c": "1"}]}}),
        ("a[0][n]=1&a[0][v]=2&a[1][n]=3", {"a": [{"n": "1", "v": "2"}, {"n": "3"}]}),
        ("a[][n]=1&a[][v]=2&a[][n]=3&a[][v]=4", {"a": [{"n": "1", "v": "2"}, {"n": "3", "v": "4"}]}),
        ("a[10]=k&a[9]=j", {"a": ["j", "k"]}),
        ("a=", {"a": ""}),
        ("a[b]=%5B1%5D", {"a": {"b": "[1]"}}),
        ("", {}),
    ],
)
def test_every_bracket_style_is_decoded(text: str, expected: object) -> None:
    assert decode_form(text) == expected


@pytest.mark.parametrize("text", ["a[b=1", "[a]=1", "a=1&a[b]=2", "a[b]=1&a=2", "a" + "[b]" * 20 + "=1"])
def test_a_malformed_name_is_refused(text: str) -> None:
    with pytest.raises(StripeError):
        decode_form(text)


@pytest.mark.parametrize(
    ("kind", "sent", "code", "param", "message"),
    [
        ("InvoiceCreateParams", {"bogus": "1"}, "parameter_unknown", "bogus", "Received unknown parameter: bogus"),
        (
            "CustomerCreateParams",
            {"invoice_settings": {"colour": "1"}},
            "parameter_unknown",
            "invoice_settings[colour]",
            "Received unknown parameter: invoice_settings[colour]",
        ),
        ("ProductCreateParams", {}, "parameter_missing", "name", "Missing required param: name."),
        (
            "InvoiceCreateParams",
            {"custom_fields": [{"name": "x"}]},
            "parameter_missing",
            "custom_fields[0][value]",
            "Missing required param: custom_fields[0][value].",
        ),
        ("InvoiceCreateParams", {"days_until_due": "abc"}, "parameter_invalid_integer", "days_until_due", "Invalid integer: abc"),
        ("InvoiceCreateParams", {"auto_advance": "perhaps"}, None, "auto_advance", "Invalid boolean: perhaps"),
        ("InvoiceAddLinesParams", {"lines": "x"}, None, "lines", "Invalid array"),
        ("InvoiceCreateParams", {"metadata": "x"}, None, "metadata", "Invalid object: x"),
        ("PriceCreateParams", {"currency": "usd", "unit_amount_decimal": "1e3"}, None, "unit_amount_decimal",
         "Invalid decimal: 1e3"),
        (
            "InvoiceCreateParams",
            {"collection_method": "barter"},
            None,
            "collection_method",
            "Invalid collection_method: must be one of charge_automatically or send_invoice",
        ),
        ("ProductCreateParams", {"name": ""}, "parameter_invalid_empty", "name", None),
        ("InvoiceCreateParams", {"api_key": "x"}, "parameter_unknown", "api_key", None),
    ],
)  # fmt: skip
def test_a_bad_parameter_gets_stripes_error(
    kind: str, sent: dict[str, object], code: str | None, param: str, message: str | None
) -> None:
    with pytest.raises(StripeError) as caught:
        check_parameters(kind, sent)
    assert (caught.value.code, caught.value.param) == (code, param)
    assert message is None or caught.value.message == message


def test_strings_become_the_types_the_sdk_declares() -> None:
    checked = check_parameters(
        "InvoiceCreateParams",
        {
            "customer": "cus_1",
            "days_until_due": "30",
            "auto_advance": "false",
            "custom_fields": "",
            "metadata": {"a": "1"},
        },
    )
    assert checked == {
        "customer": "cus_1",
        "days_until_due": 30,
        "auto_advance": False,
        "custom_fields": "",
        "metadata": {"a": "1"},
    }


def test_a_bound_or_a_number_filters_by_time() -> None:
    assert check_parameters("InvoiceListParams", {"created": "5"}) == {"created": 5}
    assert check_parameters("InvoiceListParams", {"created": {"gte": "5"}}) == {"created": {"gte": 5}}


def test_every_answer_carries_stripes_headers(box: RunningSandbox) -> None:
    answer = box.post("/v1/customers", "email=a@b.example")
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["stripe-version"] == "2026-10-28.endive"
    assert answer.headers["content-type"] == "application/json"
    assert answer.text.startswith('{\n  "id": "cus_')


def test_the_date_header_follows_the_virtual_clock(box: RunningSandbox) -> None:
    before = parsedate_to_datetime(box.get("/v1/customers").headers["date"])
    box.advance(7200)
    after = parsedate_to_datetime(box.get("/v1/customers").headers["date"])
    assert 7200 <= (after - before).total_seconds() < 7230


def test_a_call_without_a_key_is_unauthorized(box: RunningSandbox) -> None:
    answer = box.post("/v1/customers", key=None)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="Stripe"'
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_live_key_is_refused_and_not_repeated(box: RunningSandbox) -> None:
    answer = box.post("/v1/customers", key="sk_live_abcdefghijklmnopqrstuvwxyz")
    assert answer.status_code == 401
    assert "abcdefgh" not in answer.text


def test_basic_authentication_works_as_with_curl(box: RunningSandbox) -> None:
    assert box.http.get("/v1/customers", auth=("sk_test_x", "")).status_code == 200


def test_a_publishable_key_cannot_do_a_secret_keys_work(box: RunningSandbox) -> None:
    answer = box.post("/v1/customers", key=PUBLISHABLE_KEY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "secret_key_required")


def test_an_unknown_path_is_a_404_that_names_it(box: RunningSandbox) -> None:
    answer = box.get("/v1/nonsense")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith("Unrecognized request URL (GET: /v1/nonsense)")


def test_a_body_that_is_no_form_is_refused(box: RunningSandbox) -> None:
    headers = {"Authorization": f"Bearer {SECRET_KEY}", "Content-Type": "application/json"}
    answer = box.http.post("/v1/products", json={"name": "A"}, headers=headers)
    assert "check that your POST content type is" in answer.json()["error"]["message"]
    assert "name" in box.http.post("/v1/products", headers=headers).json()["error"]["message"]  # there is no body


def test_another_api_version_is_refused(box: RunningSandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"speaks 2026-10-28\.endive only"):
        box.client_with("sk_test_x", stripe_version="2019-01-01").v1.customers.list()


def test_an_unknown_id_is_404_in_the_path_and_400_in_the_body(box: RunningSandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as in_path:
        box.v1.invoices.retrieve("in_none")
    assert (in_path.value.http_status, in_path.value.code, in_path.value.param) == (404, "resource_missing", "invoice")
    assert str(in_path.value.user_message) == "No such invoice: 'in_none'"
    with pytest.raises(stripe.InvalidRequestError) as in_body:
        box.v1.invoices.create({"customer": "cus_none"})
    assert (in_body.value.http_status, in_body.value.code, in_body.value.param) == (400, "resource_missing", "customer")


@pytest.mark.parametrize(
    ("verb", "param"),
    [("finalize", "id"), ("pay", "id"), ("void", "id"), ("mark_uncollectible", "id"), ("send", "invoice")],
)
def test_a_missing_invoice_names_the_parameter_as_stripe_does(box: RunningSandbox, verb: str, param: str) -> None:
    answer = box.post(f"/v1/invoices/in_none/{verb}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, param)


def test_browsers_may_call_from_any_origin(box: RunningSandbox) -> None:
    asked = box.http.options("/v1/payment_intents/pi_1/confirm", headers={"Origin": "https://shop.example"})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, "*")
    answer = box.http.get("/v1/payment_intents/pi_1", headers={"Origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_page_size_is_bounded(box: RunningSandbox) -> None:
    for limit in ("0", "101", "x"):
        assert box.get("/v1/customers", limit=limit).status_code == 400


def test_a_list_pages_in_both_directions_newest_first(box: RunningSandbox) -> None:
    made = [box.v1.customers.create({"name": str(number)}).id for number in range(5)][::-1]
    first = box.v1.customers.list({"limit": 2})
    assert ([c.id for c in first.data], first.has_more, first.url) == (made[:2], True, "/v1/customers")
    second = box.v1.customers.list({"limit": 2, "starting_after": made[1]})
    assert [c.id for c in second.data] == made[2:4]
    back = box.v1.customers.list({"limit": 2, "ending_before": made[4]})
    assert [c.id for c in back.data] == made[2:4]
    assert [c.id for c in box.v1.customers.list({"limit": 2}).auto_paging_iter()] == made


def test_another_account_is_out_of_reach(box: RunningSandbox) -> None:
    with pytest.raises(stripe.PermissionError):
        box.v1.customers.list({}, {"stripe_account": "acct_other"})
    own = box.v1.accounts.retrieve_current().id
    assert box.v1.customers.list({}, {"stripe_account": own}).data == []


def test_a_body_beyond_all_measure_is_refused(box: RunningSandbox) -> None:
    assert box.post("/v1/customers", "name=" + "x" * 5_000_000).status_code == 413
