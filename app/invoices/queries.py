"""Which invoices are listed."""

from typing import Annotated

from pydantic import Field

from app.http.parameters import IdWanted, ReferenceWanted, TimeWanted
from app.http.queries import Paging
from app.invoices.schemas import Status


class InvoicesWanted(Paging):
    """Which invoices are listed."""

    customer: IdWanted = None
    status: Status | None = None
    reference: ReferenceWanted = None
    created_from: TimeWanted = None
    created_to: TimeWanted = None
    due_before: TimeWanted = None
    overdue: Annotated[bool | None, Field(description="Open and past their due date, or not.")] = None
