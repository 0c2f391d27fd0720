"""Promotion codes: made, found, redeemed within their limits."""

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox


def code_for(box: RunningSandbox, **more: Any) -> stripe.PromotionCode:
    terms: Any = {"percent_off": 10, **more.pop("coupon", {})}
    coupon = box.v1.coupons.create(terms)
    sent: Any = {"promotion": {"type": "coupon", "coupon": coupon.id}, **more}
    return box.v1.promotion_codes.create(sent)


def redeemed(draft: Drafting, code: stripe.PromotionCode, **more: Any) -> stripe.Invoice:
    return draft(1000, discounts=[{"promotion_code": code.id}], **more)


def test_a_code_takes_its_coupon_off(box: RunningSandbox, draft: Drafting) -> None:
    code = code_for(box, code="SUMMER", metadata={"a": "b"})
    invoice = redeemed(draft, code)
    assert invoice.total == 900
    shown = box.v1.invoices.retrieve(invoice.id, {"expand": ["discounts.promotion_code"]})
    assert shown.discounts
    discount = shown.discounts[0]
    assert isinstance(discount, stripe.Discount)
    assert isinstance(discount.promotion_code, stripe.PromotionCode)
    assert (discount.promotion_code.code, discount.promotion_code.times_redeemed) == ("SUMMER", 1)
    assert discount.source.coupon == code.promotion.coupon
    told = [kind for kind in box.event_types() if kind.startswith("promotion_code")]
    assert told == ["promotion_code.created"]


def test_an_item_takes_a_code(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(None)
    item: Any = {"customer": invoice.customer, "invoice": invoice.id, "amount": 5000, "currency": "usd"}
    item["discounts"] = [{"promotion_code": code_for(box).id}]
    box.v1.invoice_items.create(item)
    assert box.v1.invoices.retrieve(invoice.id).total == 4500


def test_codes_are_found_and_turned_off(box: RunningSandbox, customer: stripe.Customer) -> None:
    first, second = code_for(box, code="ONE", customer=customer.id), code_for(box)
    assert len(second.code) == 8
    assert [it.id for it in box.v1.promotion_codes.list({"code": "ONE"}).data] == [first.id]
    assert [it.id for it in box.v1.promotion_codes.list({"customer": customer.id}).data] == [first.id]
    assert [it.id for it in box.v1.promotion_codes.list({"coupon": str(second.promotion.coupon)}).data] == [second.id]
    assert box.v1.promotion_codes.update(first.id, {"active": False, "metadata": {"a": "b"}}).active is False
    assert [it.id for it in box.v1.promotion_codes.list({"active": True}).data] == [second.id]
    assert box.event_types()[-1] == "promotion_code.updated"
    assert code_for(box, code="one").code == "one"


LIMITS: list[tuple[dict[str, Any], str]] = [
    ({"active": False}, "is not active"),
    ({"customer": "other"}, "another customer"),
    ({"restrictions": {"minimum_amount": 5000, "minimum_amount_currency": "usd"}}, "less than 50.00 USD"),
    ({"restrictions": {"minimum_amount": 1, "minimum_amount_currency": "eur"}}, "less than"),
    ({"restrictions": {"first_time_transaction": True}}, "prior transactions"),
]


@pytest.mark.parametrize(("limit", "told"), LIMITS, ids=lambda value: str(value)[:40])
def test_a_code_is_redeemed_within_its_limits(
    box: RunningSandbox, draft: Drafting, opened: Drafting, limit: dict[str, Any], told: str
) -> None:
    box.v1.invoices.pay(opened().id, {"payment_method": "pm_card_visa"})
    other = {"customer": box.v1.customers.create({}).id} if "customer" in limit else {}
    code = code_for(box, **{**limit, **other})
    invoice = draft(1000)
    with pytest.raises(stripe.InvalidRequestError, match=told) as caught:
        box.v1.invoices.update(invoice.id, {"discounts": [{"promotion_code": code.id}]})
    assert caught.value.param == "discounts"
    assert (caught.value.code == "promotion_code_customer_mismatch") is bool(other)
    assert box.v1.promotion_codes.retrieve(code.id).times_redeemed == 0


def test_a_code_is_spent_or_late(box: RunningSandbox, draft: Drafting) -> None:
    now = int(box.control("GET", "clock")["now"])
    once, late, over = (
        code_for(box, max_redemptions=1),
        code_for(box, expires_at=now + 60),
        code_for(box, coupon={"max_redemptions": 1}),
    )
    for code in (once, over):
        assert redeemed(draft, code).total == 900
    box.advance(120)
    for code in (once, late, over):
        assert box.v1.promotion_codes.retrieve(code.id).active is False
        with pytest.raises(stripe.InvalidRequestError, match="is not active"):
            redeemed(draft, code)


def test_a_minimum_amount_is_met_by_what_is_billed(box: RunningSandbox, draft: Drafting) -> None:
    code = code_for(box, restrictions={"minimum_amount": 1000, "minimum_amount_currency": "usd"})
    invoice = draft(1000)
    assert box.v1.invoices.update(invoice.id, {"discounts": [{"promotion_code": code.id}]}).total == 900


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ("promotion[type]=coupon", "promotion[coupon]"),
        ("promotion[type]=coupon&promotion[coupon]=none", "promotion[coupon]"),
        ("{promotion}&code=TAKEN", "code"),
        ("{promotion}&code=taken", "code"),
        ("{promotion}&code=a b", "code"),
        ("{promotion}&code=a_b", "code"),
        ("{promotion}&expires_at=1900000001", "expires_at"),
        ("{promotion}&max_redemptions=8", "max_redemptions"),
        ("{promotion}&customer=cus_none", "customer"),
        ("{promotion}&expires_at=1", "expires_at"),
        ("{promotion}&restrictions[minimum_amount]=5", "restrictions[minimum_amount_currency]"),
        ("{promotion}&restrictions[minimum_amount_currency]=usd", "restrictions[minimum_amount]"),
    ],
)
def test_a_code_that_cannot_be_is_refused(box: RunningSandbox, more: str, param: str) -> None:
    taken = code_for(box, code="TAKEN", coupon={"redeem_by": 1_900_000_000, "max_redemptions": 7})
    promotion = f"promotion[type]=coupon&promotion[coupon]={taken.promotion.coupon}"
    answer = box.post("/v1/promotion_codes", more.format(promotion=promotion))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert len(box.v1.promotion_codes.list().data) == 1


def test_customers_may_have_the_same_code(box: RunningSandbox, customer: stripe.Customer) -> None:
    other = box.v1.customers.create({}).id
    made = [code_for(box, code="SAME", customer=one).id for one in (customer.id, other)]
    assert {it.id for it in box.v1.promotion_codes.list({"code": "same"}).data} == set(made)
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        code_for(box, code="same")
    everybodys = code_for(box, code="OTHER")
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        code_for(box, code="other", customer=customer.id)
    box.v1.promotion_codes.update(everybodys.id, {"active": False})
    code_for(box, code="other", customer=customer.id)
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        box.v1.promotion_codes.update(everybodys.id, {"active": True})
    assert box.v1.promotion_codes.update(made[0], {"active": True}).active


def test_a_code_that_is_spent_is_not_turned_on_again(box: RunningSandbox, draft: Drafting) -> None:
    code = code_for(box, max_redemptions=1)
    redeemed(draft, code)
    box.v1.promotion_codes.update(code.id, {"active": False})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.promotion_codes.update(code.id, {"active": True})
    assert caught.value.param == "active"


def test_an_unknown_code_is_missing(box: RunningSandbox, draft: Drafting) -> None:
    assert box.get("/v1/promotion_codes/promo_none").status_code == 404
    with pytest.raises(stripe.InvalidRequestError, match="No such promotion code"):
        draft(1000, discounts=[{"promotion_code": "promo_none"}])
