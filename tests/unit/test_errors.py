"""Errors: each is told and stored in full, and each code has one class and one status."""

import msgspec
import pytest

from app.domain.errors import BY_CODE, InvoicingError, Refused, Unavailable, restore
from app.http.problems import STATUS, Problem


@pytest.mark.parametrize("code", BY_CODE)
def test_an_error_comes_back_from_its_document_as_it_was(code: str) -> None:
    error = BY_CODE[code](
        "It went wrong.",
        param="items[0]",
        stripe={"request_id": "req_1", "code": "x", "decline_code": None},
        retry_after=3,
        extra={"allowed": ["pay"], "invoice_status": "open"},
    )
    stored = msgspec.json.decode(msgspec.json.encode(error.to_document()))
    again = restore(stored)
    assert type(again) is type(error)
    assert again.to_document() == error.to_document()
    assert str(again) == "It went wrong."
    assert again.replayed is False


def test_an_error_that_says_little_comes_back_too() -> None:
    again = restore(BY_CODE["not_found"]("There is none.").to_document())
    assert (again.param, again.stripe, again.retry_after, again.extra) == (None, None, None, {})


def test_every_error_is_either_refused_or_unavailable() -> None:
    for error in BY_CODE.values():
        assert issubclass(error, InvoicingError)
        assert issubclass(error, Refused) != issubclass(error, Unavailable)


def test_every_code_has_a_status_and_what_is_refused_is_the_callers() -> None:
    for code, error in BY_CODE.items():
        assert 400 <= STATUS[code] <= 504
        if issubclass(error, Refused):
            assert STATUS[code] < 500


def test_what_errors_add_to_a_problem_is_described() -> None:
    assert {"existing", "allowed", "invoice_status"} <= set(Problem.model_fields)
