"""Which invoices are listed."""

from typing import Annotated

from pydantic import Field

from app.http.parameters import IdQuery, ReferenceQuery, TimeQuery
from app.http.queries import Paging
from app.invoices.read_schemas import Status


class InvoicesQuery(Paging):
    """Which invoices are listed."""

    customer: IdQuery = None
    status: Status | None = None
    reference: ReferenceQuery = None
    created_from: TimeQuery = None
    created_to: TimeQuery = None
    due_before: TimeQuery = None
    stuck: Annotated[
        bool | None,
        Field(
            description="Those about which a person of yours must do something, oldest money first. Of the other filters "
            "only `customer` goes with it. False is the same as nothing."
        ),
    ] = None
    overdue: Annotated[bool | None, Field(description="Open and past their due date, or not.")] = None
