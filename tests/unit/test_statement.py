from uuid import uuid4

import pytest
from sqlalchemy import Text, bindparam, func, select, update

from app.db.schema import invoices, operations
from app.db.statement import Statement, any_of, parameters

C = invoices.c


def ordered(statement: Statement, **given: object) -> list[object]:
    return statement._ordered(given)


def test_constants_stand_in_the_text_and_named_parameters_do_not() -> None:
    found = Statement(select(C.id).where(C.status == "open", C.customer == bindparam("customer")).limit(20))
    assert " ".join(found.text.split()) == (
        "SELECT invoices.id FROM invoices WHERE invoices.status = 'open' AND invoices.customer = $1::VARCHAR LIMIT 20"
    )
    assert ordered(found, customer="cus_1") == ["cus_1"]


def test_a_parameter_that_is_named_twice_is_sent_once() -> None:
    found = Statement(select(C.id).where((C.customer == bindparam("who")) | (C.reference == bindparam("who"))))
    assert ordered(found, who="x") == ["x"]
    assert found.text.count("$1") == 2


def test_parameters_are_sent_in_the_order_of_the_text_however_they_are_given() -> None:
    found = Statement(select(C.id).where(C.customer == bindparam("customer"), C.status == bindparam("status")))
    assert ordered(found, status="open", customer="cus_1") == ["cus_1", "open"]


def test_a_list_of_any_length_is_one_parameter() -> None:
    found = Statement(select(C.id).where(C.id == any_of("ids", Text)))
    assert found.text.endswith("invoices.id = ANY ($1::TEXT[])")
    assert ordered(found, ids=("in_1", "in_2")) == [["in_1", "in_2"]]


def test_json_is_written_as_postgresql_takes_it() -> None:
    o = operations.c
    found = Statement(update(operations).values(parameters("progress")).where(o.id == bindparam("operation")))
    operation = uuid4()
    assert ordered(found, operation=operation, progress={"step": "a\0b"}) == ['{"step":"a\ufffdb"}', operation]
    assert ordered(found, operation=operation, progress=None) == [None, operation]


@pytest.mark.parametrize("given", [{}, {"customer": 1, "other": 2}, {"other": 2}])
def test_other_parameters_than_it_has_are_refused(given: dict[str, object]) -> None:
    found = Statement(select(C.id).where(C.customer == bindparam("customer")))
    with pytest.raises(TypeError, match="customer"):
        ordered(found, **given)


def test_a_constant_with_a_backslash_is_refused() -> None:
    with pytest.raises(ValueError, match="backslash"):
        _ = Statement(select(C.id).where(C.number == "\\")).text


def test_constants_of_values_and_returned_columns_stand_in_the_text_too() -> None:
    o = operations.c
    found = Statement(
        update(operations)
        .values(last_error=None, name="it's")
        .where(o.id == bindparam("id"))
        .returning(func.left("ab", 1))
    )
    assert found.text == (
        "UPDATE operations SET name='it''s', last_error=NULL WHERE operations.id = $1::UUID RETURNING left('ab', 1) AS left_1"
    )


def test_a_parameter_may_be_named_as_an_argument_of_its_methods_is() -> None:
    found = Statement(select(C.id).where(C.status == bindparam("kind"), C.customer == bindparam("connection")))
    assert ordered(found, kind="open", connection="cus_1") == ["open", "cus_1"]
