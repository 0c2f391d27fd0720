"""Products, prices, coupons and tax rates."""

import pytest
import stripe

from tests.sandbox.process import RunningSandbox


def test_a_product_keeps_the_id_its_caller_chose(box: RunningSandbox) -> None:
    assert box.v1.products.create({"id": "widget", "name": "Widget"}).id == "widget"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.products.create({"id": "widget", "name": "Other"})
    assert caught.value.code == "resource_already_exists"


def test_metadata_merges_and_an_empty_value_deletes(box: RunningSandbox) -> None:
    product = box.v1.products.create({"name": "W", "metadata": {"a": "1", "b": "2"}})
    product = box.v1.products.update(product.id, {"metadata": {"a": "", "c": "3"}})
    assert product.to_dict()["metadata"] == {"b": "2", "c": "3"}
    assert box.v1.products.update(product.id, {"metadata": ""}).to_dict()["metadata"] == {}


@pytest.mark.parametrize(
    "body",
    [
        f"metadata[{'k' * 41}]=v",
        f"metadata[k]={'v' * 501}",
        "&".join(f"metadata[k{n}]=v" for n in range(51)),
    ],
)
def test_metadata_is_limited(box: RunningSandbox, body: str) -> None:
    assert box.post("/v1/products", f"name=W&{body}").json()["error"]["param"].startswith("metadata")


def test_an_empty_string_unsets_a_field(box: RunningSandbox) -> None:
    product = box.v1.products.create({"name": "W", "description": "x"})
    assert box.v1.products.update(product.id, {"description": ""}).description is None


def test_a_product_with_prices_cannot_be_deleted(box: RunningSandbox) -> None:
    product = box.v1.products.create({"name": "W"})
    box.v1.prices.create({"product": product.id, "unit_amount": 1, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="it has one or more user-created prices"):
        box.v1.products.delete(product.id)
    alone = box.v1.products.create({"name": "Alone"})
    assert box.v1.products.delete(alone.id).deleted is True
    assert box.get(f"/v1/products/{alone.id}").status_code == 404


@pytest.mark.parametrize(
    ("sent", "unit_amount", "unit_amount_decimal"),
    [
        ("unit_amount=1500", 1500, "1500"),
        ("unit_amount_decimal=0.5", None, "0.5"),
        ("unit_amount_decimal=150.00", 150, "150"),
    ],
)
def test_a_price_shows_its_amount_whole_and_as_a_decimal_string(
    box: RunningSandbox, sent: str, unit_amount: int | None, unit_amount_decimal: str
) -> None:
    price = box.post("/v1/prices", f"currency=usd&product_data[name]=W&{sent}").json()
    assert (price["unit_amount"], price["unit_amount_decimal"]) == (unit_amount, unit_amount_decimal)


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ("currency=usd&product_data[name]=W", "unit_amount"),
        ("currency=usd&unit_amount=1", "product"),
        ("currency=xyz&unit_amount=1&product_data[name]=W", "currency"),
        ("currency=usd&unit_amount=1&unit_amount_decimal=1&product_data[name]=W", "unit_amount_decimal"),
        ("currency=usd&unit_amount=-1&product_data[name]=W", "unit_amount"),
        ("currency=kwd&unit_amount=1001&product_data[name]=W", "unit_amount"),
        ("unit_amount=1&product_data[name]=W", "currency"),
    ],
)  # fmt: skip
def test_a_bad_price_is_refused(box: RunningSandbox, sent: str, param: str) -> None:
    answer = box.post("/v1/prices", sent)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_lookup_key_moves_only_when_asked_to(box: RunningSandbox) -> None:
    sent = "currency=usd&unit_amount=1&product_data[name]=W&lookup_key=std"
    first = box.post("/v1/prices", sent).json()
    assert "already uses that lookup key" in box.post("/v1/prices", sent).json()["error"]["message"]
    second = box.post("/v1/prices", f"{sent}&transfer_lookup_key=true").json()
    assert box.v1.prices.retrieve(first["id"]).lookup_key is None
    assert [price.id for price in box.v1.prices.list({"lookup_keys": ["std"]}).data] == [second["id"]]


def test_lists_filter(box: RunningSandbox) -> None:
    product = box.v1.products.create({"name": "A"})
    box.v1.products.create({"name": "B", "active": False})
    assert [p.name for p in box.v1.products.list({"active": True}).data] == ["A"]
    assert [p.name for p in box.v1.products.list({"ids": [product.id]}).data] == ["A"]
    assert box.v1.products.list({"created": {"lt": product.created}}).data == []
    box.v1.prices.create({"product": product.id, "unit_amount": 1, "currency": "eur"})
    assert len(box.v1.prices.list({"product": product.id, "currency": "eur"}).data) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("metadata['ref']:'X1'", ["Apple pie"]),
        ('metadata["ref"]:"x2" AND active:"true"', ["Banana split"]),
        ("name~'ANA'", ["Banana split"]),
        ("name:'apple' OR name:'banana split'", ["Banana split", "Apple pie"]),
        ("name:'app' OR name~'_pl'", []),
        ("-name:'Apple pie'", ["Banana split"]),
        ("metadata['ref']:NULL", []),
    ],
)
def test_search_understands_stripes_query_language(box: RunningSandbox, query: str, found: list[str]) -> None:
    for name, ref in (("Apple pie", "x1"), ("Banana split", "x2")):
        box.v1.products.create({"name": name, "metadata": {"ref": ref}})
    result = box.v1.products.search({"query": query})
    assert [product.name for product in result.data] == found
    assert box.get("/v1/products/search", query=query).json()["object"] == "search_result"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "colour:'red'",
        "name:'A' AND name:'B' OR name:'C'",
        "name='A'",
        "name~'ab'",
        "name>'A'",
        "metadata['a']~'abc'",
        "active~'tru'",
    ],
)
def test_a_query_that_cannot_be_read_is_refused(box: RunningSandbox, query: str) -> None:
    assert box.get("/v1/products/search", query=query).status_code == 400


def test_search_pages(box: RunningSandbox) -> None:
    for number in range(3):
        box.v1.products.create({"name": f"Watch{number}"})
    found = [p.name for p in box.v1.products.search({"query": "name~'wat'", "limit": 2}).auto_paging_iter()]
    assert found == ["Watch2", "Watch1", "Watch0"]


@pytest.mark.parametrize("sent", ["", "percent_off=10&amount_off=10", "amount_off=10", "percent_off=101"])
def test_a_coupon_takes_off_either_a_share_or_an_amount(box: RunningSandbox, sent: str) -> None:
    assert box.post("/v1/coupons", sent).status_code == 400


def test_an_exhausted_coupon_is_no_longer_valid(box: RunningSandbox, customer: stripe.Customer) -> None:
    coupon = box.v1.coupons.create({"percent_off": 10, "max_redemptions": 1})
    box.v1.invoices.create({"customer": customer.id, "discounts": [{"coupon": coupon.id}]})
    assert box.v1.coupons.retrieve(coupon.id).valid is False
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.invoices.create({"customer": customer.id, "discounts": [{"coupon": coupon.id}]})
    assert caught.value.code == "coupon_expired"
    assert box.v1.coupons.delete(coupon.id).deleted is True


def test_a_tax_rate_is_archived_not_deleted(box: RunningSandbox) -> None:
    rate = box.v1.tax_rates.create({"display_name": "VAT", "inclusive": True, "percentage": 19.5})
    assert rate.percentage == 19.5
    assert box.v1.tax_rates.update(rate.id, {"active": False}).active is False
    assert box.http.delete(f"/v1/tax_rates/{rate.id}", auth=("sk_test_x", "")).status_code == 404


def test_coupons_and_tax_rates_are_renamed_and_listed(box: RunningSandbox) -> None:
    coupon = box.v1.coupons.create({"id": "TEN", "amount_off": 10, "currency": "usd", "duration": "forever"})
    assert box.v1.coupons.update("TEN", {"name": "Ten", "metadata": {"a": "b"}}).name == "Ten"
    assert [c.id for c in box.v1.coupons.list().data] == [coupon.id]
    assert box.post("/v1/coupons", "id=TEN&percent_off=1").json()["error"]["code"] == "resource_already_exists"
    rate = box.v1.tax_rates.create({"display_name": "VAT", "inclusive": False, "percentage": 7})
    assert box.v1.tax_rates.update(rate.id, {"metadata": {"a": "b"}}).to_dict()["metadata"] == {"a": "b"}
    assert [r.id for r in box.v1.tax_rates.list({"active": True, "inclusive": False}).data] == [rate.id]
    assert box.v1.tax_rates.retrieve(rate.id).percentage == 7
    assert box.post("/v1/tax_rates", "display_name=x&inclusive=true&percentage=101").status_code == 400


def test_a_price_is_renamed_but_never_repriced(box: RunningSandbox) -> None:
    price = box.v1.prices.create({"currency": "usd", "unit_amount": 1, "product_data": {"name": "W"}})
    changed = box.v1.prices.update(price.id, {"nickname": "One", "active": False, "metadata": {"a": "b"}})
    assert (changed.nickname, changed.active) == ("One", False)
    assert box.post(f"/v1/prices/{price.id}", "unit_amount=2").json()["error"]["code"] == "parameter_unknown"
    assert [p.id for p in box.v1.prices.search({"query": f"product:'{price.product}'"}).data] == [price.id]


@pytest.mark.parametrize(
    ("sent", "param"),
    [("tax_behavior=inclusive", "tax_behavior"), ("currency_options[usd][unit_amount]=2", "currency_options[usd]")],
)
def test_what_never_changes_of_a_price_is_refused(box: RunningSandbox, sent: str, param: str) -> None:
    made = "currency=usd&unit_amount=1&product_data[name]=W&tax_behavior=exclusive"
    price = box.post("/v1/prices", made).json()["id"]
    answer = box.post(f"/v1/prices/{price}", sent)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert box.post(f"/v1/prices/{price}", "tax_behavior=exclusive").status_code == 200


def test_a_price_may_let_the_customer_choose(box: RunningSandbox) -> None:
    price = box.v1.prices.create(
        {"currency": "usd", "custom_unit_amount": {"enabled": True, "minimum": 100}, "product_data": {"name": "Tip"}}
    )
    assert (price.unit_amount, price.custom_unit_amount and price.custom_unit_amount.minimum) == (None, 100)


def test_a_product_takes_a_default_price_along(box: RunningSandbox) -> None:
    product = box.v1.products.create({"name": "W", "default_price_data": {"currency": "usd", "unit_amount": 5}})
    other = box.v1.prices.create({"currency": "usd", "unit_amount": 6, "product": product.id})
    assert box.v1.prices.retrieve(str(product.default_price)).unit_amount == 5
    assert box.v1.products.update(product.id, {"default_price": other.id}).default_price == other.id
    assert box.v1.prices.update(str(product.default_price), {"active": False}).active is False
    with pytest.raises(stripe.InvalidRequestError, match="it is the default price of its product"):
        box.v1.prices.update(other.id, {"active": False})
    assert box.v1.products.update(product.id, {"default_price": ""}).default_price is None
    assert box.v1.prices.update(other.id, {"active": False}).active is False
    assert box.post("/v1/products", "name=W&" + "&".join(f"images[{n}]=x" for n in range(9))).status_code == 400
