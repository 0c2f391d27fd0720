"""The markers of the schemas, compiled: from Stripe's object to the row, its digests and its document."""

from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from app.domain.snapshot import Verdict, Version, judge
from app.domain.sources import Feed, From, Identity, Mark, Ours, Passing, shown_time, time
from app.stripe.fields import Fields
from app.stripe.mapping import FIELDS, VERSIONS, Kind, ObservationWindow, lines_digest, snapshot

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OBJECTS: dict[str, Any] = {
    "tax_rate": {
        "id": "txr_1",
        "object": "tax_rate",
        "display_name": "VAT",
        "percentage": 19.0,
        "inclusive": False,
        "active": True,
        "country": "DE",
        "state": None,
        "jurisdiction": "DE",
        "tax_type": "vat",
        "description": None,
        "metadata": {"reference": "vat-de"},
        "livemode": False,
        "created": 1793000000,
    },
    "tax_id": {
        "id": "txi_1",
        "object": "tax_id",
        "customer": "cus_1",
        "type": "eu_vat",
        "value": "DE123456789",
        "country": "DE",
        "verification": {"status": "pending", "verified_address": None, "verified_name": None},
        "livemode": False,
        "created": 1793000000,
    },
    "coupon": {
        "id": "SPRING",
        "object": "coupon",
        "name": "Spring sale",
        "percent_off": 12.5,
        "amount_off": None,
        "currency": None,
        "duration": "once",
        "duration_in_months": None,
        "max_redemptions": 10,
        "times_redeemed": 1,
        "redeem_by": None,
        "valid": True,
        "metadata": {},
        "livemode": False,
        "created": 1793000000,
    },
    "promotion_code": {
        "id": "promo_1",
        "object": "promotion_code",
        "code": "SPRING",
        "promotion": {"type": "coupon", "coupon": "SPRING"},
        "active": True,
        "customer": None,
        "expires_at": None,
        "max_redemptions": None,
        "times_redeemed": 0,
        "restrictions": {"first_time_transaction": True, "minimum_amount": None, "minimum_amount_currency": None},
        "metadata": {},
        "livemode": False,
        "created": 1793000000,
    },
    "product": {
        "id": "prod_1",
        "object": "product",
        "name": "Consulting",
        "description": None,
        "active": True,
        "livemode": False,
        "created": 1793000000,
        "metadata": {"team": "a", "reference": "p-1"},
    },
    "price": {
        "id": "price_1",
        "object": "price",
        "product": {"id": "prod_1", "object": "product"},
        "active": True,
        "type": "one_time",
        "currency": "usd",
        "unit_amount": 1200,
        "unit_amount_decimal": "1200",
        "nickname": None,
        "lookup_key": "hour",
        "livemode": False,
        "created": 1793000000,
        "metadata": {},
    },
    "customer": {
        "id": "cus_1",
        "object": "customer",
        "name": "Jenny Rosen",
        "email": "jenny@example.com",
        "description": None,
        "phone": "+1",
        "address": {
            "line1": "1 Main St",
            "line2": None,
            "city": "X",
            "state": None,
            "postal_code": "1",
            "country": "US",
        },
        "livemode": False,
        "created": 1793000000,
        "metadata": {"reference": "c-1"},
        "invoice_settings": {"default_payment_method": "pm_1", "custom_fields": None, "footer": "Thanks"},
    },
    "invoice": {
        "id": "in_1",
        "object": "invoice",
        "number": "A-1",
        "status": "paid",
        "customer": "cus_1",
        "collection_method": "send_invoice",
        "auto_advance": False,
        "currency": "usd",
        "subtotal": 3600,
        "total": 3600,
        "amount_due": 3600,
        "amount_paid": 3600,
        "amount_remaining": 0,
        "due_date": 1795000000,
        "description": None,
        "footer": None,
        "custom_fields": [{"name": "PO", "value": "4711"}],
        "metadata": {"reference": "order-1", "team": "a"},
        "attempted": True,
        "amount_paid_off_stripe": 0,
        "account_name": "Shop",
        "hosted_invoice_url": "https://a",
        "invoice_pdf": "https://b",
        "livemode": False,
        "created": 1793000000,
        "status_transitions": {
            "finalized_at": 1793000001,
            "paid_at": 1793000002,
            "voided_at": None,
            "marked_uncollectible_at": None,
        },
        "lines": {
            "has_more": False,
            "data": [
                {
                    "id": "il_1",
                    "amount": 2400,
                    "currency": "usd",
                    "description": "Hours",
                    "quantity": 2,
                    "metadata": {},
                    "parent": {"invoice_item_details": {"invoice_item": "ii_1"}},
                    "pricing": {
                        "price_details": {"price": "price_1", "product": "prod_1"},
                        "unit_amount_decimal": "1200",
                    },
                },
                {
                    "id": "il_2",
                    "amount": 1200,
                    "currency": "usd",
                    "description": "Extra",
                    "quantity": 1,
                    "metadata": None,
                    "parent": None,
                    "pricing": None,
                },
            ],
        },
        "payments": {"data": []},
    },
    "refund": {
        "id": "re_1",
        "object": "refund",
        "payment_intent": {"id": "pi_1", "object": "payment_intent"},
        "charge": "ch_1",
        "amount": 1200,
        "currency": "usd",
        "status": "pending",
        "reason": "requested_by_customer",
        "pending_reason": "processing",
        "created": 1793000000,
        "metadata": {"reference": "r-1", "team": "a"},
    },
    "credit_note": {
        "id": "cn_1",
        "object": "credit_note",
        "number": "A-1-CN-01",
        "status": "issued",
        "invoice": "in_1",
        "customer": {"id": "cus_1", "object": "customer"},
        "type": "post_payment",
        "reason": None,
        "memo": "Sorry",
        "currency": "usd",
        "subtotal": 1200,
        "total": 1200,
        "pre_payment_amount": 0,
        "post_payment_amount": 1200,
        "out_of_band_amount": 100,
        "refunds": [{"refund": "re_1", "amount_refunded": 900, "type": "refund"}],
        "lines": {
            "data": [
                {
                    "id": "cnli_1",
                    "type": "custom_line_item",
                    "amount": 1200,
                    "description": "Hours",
                    "quantity": 1,
                    "unit_amount_decimal": "1200",
                }
            ]
        },
        "pdf": "https://c",
        "effective_at": 1793000000,
        "voided_at": None,
        "livemode": False,
        "created": 1793000000,
        "metadata": {},
    },
    "dispute": {
        "id": "du_1",
        "object": "dispute",
        "payment_intent": "pi_1",
        "charge": "ch_1",
        "amount": 1200,
        "currency": "usd",
        "status": "needs_response",
        "reason": "fraudulent",
        "balance_transactions": [{"amount": -1200}],
        "is_charge_refundable": False,
        "evidence_details": {"due_by": 1793900000, "has_evidence": False, "submission_count": 0},
        "livemode": False,
        "created": 1793000000,
    },
    "payment_method": {
        "id": "pm_1",
        "object": "payment_method",
        "customer": "cus_1",
        "type": "card",
        "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030, "fingerprint": "x"},
        "billing_details": {"name": "Jenny Rosen"},
        "livemode": False,
        "created": 1793000000,
    },
}
FIRST_DIGESTS = {
    "product": "c5fe67d0f161f7c61460abefe975aa29",
    "price": "b2f9b1f98e0a700154f1409804f6647a",
    "customer": "3ea3bf616d58d844d1a78932e24c0ac0",
    "invoice": "808f53d5bfb7aa2ff789cf815d52626b",
    "refund": "87e3e6e1b9a0977eb036ea2fc73ebcb1",
    "credit_note": "be4f5293877e6256ce47253dbe91d4bd",
    "dispute": "9cb327c8bdf945869a49f9c40b105456",
    "payment_method": "fa4c1dfa0da99a85f438ef3a44351e40",
    "tax_rate": "3a30d4d7394a2e0f202df67c7079d7c2",
    "tax_id": "9dcfe85ea5c512d0608f5145a820ec53",
    "coupon": "f825bbd949f0267245029dc4a63ab7c4",
    "promotion_code": "1ba993369271d8c2f4b93c44c73e758c",
}
"""What the first release that mirrored each kind computed of the same objects."""


@pytest.mark.parametrize("kind", Kind)
def test_the_first_versions_digest_never_changes(kind: Kind) -> None:
    """Another one would cost a call to Stripe for each object there is: a later field says `since`."""
    taken = snapshot(kind, OBJECTS[kind.value], ObservationWindow(NOW, NOW))
    assert taken.version.digest == FIRST_DIGESTS[kind.value]
    assert len(taken.version.later) == VERSIONS[kind] - 1


def test_the_digest_of_an_invoices_lines_never_changes() -> None:
    taken = snapshot(Kind.INVOICE, OBJECTS["invoice"], ObservationWindow(NOW, NOW))
    assert lines_digest(taken.items) == "2a308be99794deb5fc3ebd190f0c04f3"


def test_a_document_is_written_of_the_row() -> None:
    row = snapshot(Kind.CUSTOMER, OBJECTS["customer"], ObservationWindow(NOW, NOW)).row | {
        "updated_at": "2026-11-22T10:18:00.5+00:00"
    }
    shown = FIELDS[Kind.CUSTOMER].document(row, 1)
    assert shown["created_at"] == "2026-10-26T07:33:20.000Z"
    assert shown["updated_at"] == "2026-11-22T10:18:00.500Z"
    assert shown["reference"] == "c-1"
    assert shown["invoice_settings"] == {"default_payment_method": "pm_1", "custom_fields": [], "footer": "Thanks"}


def test_a_later_field_is_read_back_from_the_document_as_rows_write_it() -> None:
    customer = OBJECTS["customer"] | {"shipping": {"name": "Jenny", "address": None}, "balance": -500}
    customer["invoice_settings"] = {"rendering_options": {"amount_tax_display": "exclude_tax", "template": None}}
    invoice = OBJECTS["invoice"] | {"effective_at": 1793000000, "period_start": None}
    for kind, given in ((Kind.CUSTOMER, customer), (Kind.INVOICE, invoice)):
        fields, taken = FIELDS[kind], snapshot(kind, given, ObservationWindow(NOW, NOW))
        row = taken.row | {"updated_at": None, "payment_intent": None}
        told = fields.later_in(fields.document(row, fields.version))
        assert told == {name: row[name] for name in fields.later}
        assert fields.later_in(fields.document(row, 1)) == {}
        assert fields.document(row, fields.version).get("effective_at") in {None, "2026-10-26T07:33:20.000Z"}


class Listed(BaseModel):
    id: Annotated[str, From("id"), Identity]
    number: Annotated[str | None, From("number"), Feed]
    paid_at: Annotated[datetime | None, From("status_transitions", "paid_at", time)]
    url: Annotated[str | None, From("url"), Passing]
    receipt: Annotated[str | None, From("receipt?", "number", since=2), Feed]
    taxes: Annotated[list[str], From("taxes", list, since=3)]
    updated_at: Annotated[datetime, Ours]


class Kept(Listed):
    name: Annotated[str, From("name", str)]


STRIPE = {"id": "x", "number": "1", "status_transitions": {"paid_at": 0}, "name": "n", "taxes": ["t"]}


def test_a_field_says_where_it_comes_from_and_since_when() -> None:
    fields = Fields(Kept, Listed)
    row = fields.read(STRIPE | {"receipt": {"number": "r"}})
    assert row == {
        "id": "x", "number": "1", "paid_at": "1970-01-01T00:00:00+00:00", "url": None, "receipt": "r", "taxes": ["t"],
        "name": "n",
    }  # fmt: skip
    assert [fields.content(row, since) for since in (1, 2, 3, 4)] == [
        {"number": "1", "paid_at": "1970-01-01T00:00:00+00:00", "name": "n"}, {"receipt": "r"}, {"taxes": ["t"]}, {},
    ]  # fmt: skip
    assert fields.version == 3
    assert fields.marked(Feed) == ("number", "receipt")
    assert fields.lacking(0) == fields.lacking(1) == {"receipt": None, "taxes": []}
    assert fields.lacking(2) == {"taxes": []}
    assert fields.lacking(3) == {}


def test_what_a_function_needs_may_not_be_missing() -> None:
    fields = Fields(Kept, Listed)
    assert fields.read(STRIPE | {"receipt": None})["receipt"] is None
    for name in ("name", "status_transitions"):
        with pytest.raises(KeyError, match=name):
            fields.read({key: value for key, value in STRIPE.items() if key != name})


def test_a_document_has_the_fields_of_its_version() -> None:
    row = {"id": "x", "number": None, "paid_at": None, "url": None, "name": "n", "updated_at": None}
    fields = Fields(Kept, Listed)
    first = {"id": "x", "number": None, "paid_at": None, "url": None, "updated_at": None}
    assert fields.document(row, 1) == first
    assert fields.document(row | {"receipt": "r", "taxes": []}, 2) == first | {"receipt": "r"}
    assert fields.told(row, ("receipt", "paid_at")) == {"receipt": None, "paid_at": None}


def test_a_field_without_a_source_is_refused() -> None:
    class Wrong(Listed):
        color: str

    with pytest.raises(TypeError, match=r"Wrong\.color does not say"):
        Fields(Wrong)


def test_a_later_field_that_can_not_be_empty_is_refused() -> None:
    class Wrong(Listed):
        color: Annotated[int, From("color", since=2)]

    with pytest.raises(TypeError, match=r"Wrong\.color may be unknown"):
        Fields(Wrong)


def test_a_later_field_that_nothing_would_hold_is_refused() -> None:
    class Wrong(Listed):
        color: Annotated[str | None, From("color", since=2)]

    with pytest.raises(TypeError, match="color came later and is no field of the document"):
        Fields(Wrong, Listed)


def test_every_mark_is_used() -> None:
    assert {mark for fields in FIELDS.values() for mark in Mark if fields.marked(mark)} == set(Mark)


def version(*later: str, digest: str = "a") -> Version:
    return Version(1, NOW, NOW, digest, later)


@pytest.mark.parametrize(
    ("known", "incoming", "verdict"),
    [
        (version(), version("b"), Verdict.SAME),  # an older release wrote what is known
        (version("b", "c"), version("b"), Verdict.SAME),  # a newer one did
        (version("b"), version("c"), Verdict.FETCH),
        (version("b", digest="z"), version("b"), Verdict.FETCH),
        (version("b"), version("b", "c"), Verdict.SAME),
    ],
)
def test_two_releases_compare_what_both_know(known: Version, incoming: Version, verdict: Verdict) -> None:
    assert judge(known, incoming) is verdict
    assert judge(incoming, known) is verdict


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("2026-11-22T10:18:00+00:00", "2026-11-22T10:18:00.000Z"),
        ("2026-11-22T10:18:00.5+00:00", "2026-11-22T10:18:00.500Z"),
        ("2026-11-22T10:18:00.123456+00:00", "2026-11-22T10:18:00.123Z"),
        ("2026-11-22T12:18:00.123456+02:00", "2026-11-22T10:18:00.123Z"),
        (None, None),
    ],
)
def test_times_are_shown_as_the_api_writes_them(stored: str | None, shown: str | None) -> None:
    assert shown_time(stored) == shown
