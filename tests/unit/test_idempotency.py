"""What makes two requests the same, and the keys under which Stripe is asked."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.idempotency import (
    COMPLETION,
    LEASE_FACTOR,
    MAX_KEY_LENGTH,
    RETENTION,
    STRIPE_KEEPS_KEYS,
    fingerprint,
    stripe_key,
)
from app.domain.json import JsonView
from app.idempotency.operations import Answer, Operation, use_cases


class Payouts:
    async def make(self, operation: Operation, params: JsonView) -> Answer: ...  # type: ignore[empty-body]
    async def make_later(self, operation: "Operation", params: "JsonView") -> "Answer": ...  # type: ignore[empty-body]
    async def undo(self, operation: Operation, params: JsonView) -> None: ...
    async def _draft(self, operation: Operation, params: JsonView) -> Answer: ...  # type: ignore[empty-body]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(st.text(max_size=5), JSON, max_size=4)


def test_use_cases_are_found_also_where_the_evaluation_of_annotations_is_put_off() -> None:
    assert list(use_cases(Payouts())) == ["make", "make_later"]


@given(BODIES)
def test_the_order_of_fields_makes_no_other_request(body: dict[str, object]) -> None:
    assert fingerprint("POST /a", body) == fingerprint("POST /a", dict(reversed(body.items())))


@given(BODIES, BODIES)
def test_another_body_is_another_request(one: dict[str, object], other: dict[str, object]) -> None:
    same = repr(sorted(one.items())) == repr(sorted(other.items()))
    assert (fingerprint("POST /a", one) == fingerprint("POST /a", other)) == same or one == other


@pytest.mark.parametrize(("one", "other"), [({}, {"a": None}), ({"a": 1}, {"a": True}), ({"a": "1"}, {"a": 1})])
def test_what_only_looks_alike_is_another_request(one: dict[str, object], other: dict[str, object]) -> None:
    assert fingerprint("POST /a", one) != fingerprint("POST /a", other)


def test_another_address_is_another_request() -> None:
    assert fingerprint("POST /a", {}) != fingerprint("POST /b", {})
    assert fingerprint("POST /a", {}) != fingerprint("PATCH /a", {})


def test_the_key_of_a_stripe_call_is_stable_and_belongs_to_one_step_of_one_operation() -> None:
    operation = UUID(int=7)
    assert stripe_key(operation, "create") == stripe_key(UUID(int=7), "create")
    keys = {
        stripe_key(operation, "create"),
        stripe_key(operation, "items"),
        stripe_key(operation, "create", 1),
        stripe_key(uuid4(), "create"),
    }
    assert len(keys) == 4
    assert all(len(key) <= MAX_KEY_LENGTH and key.isprintable() for key in keys)


def test_answers_are_kept_for_longer_than_promised() -> None:
    assert timedelta(hours=24) <= RETENTION


def test_a_lease_outlives_the_request_and_completion_ends_while_stripe_knows_the_keys() -> None:
    assert LEASE_FACTOR > 1
    assert COMPLETION < STRIPE_KEEPS_KEYS < timedelta(hours=24)
