"""Which invoices are listed."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.domain import search
from app.http.parameters import IdQuery, ReferenceQuery, TextQuery, TimeQuery
from app.http.queries import Paging
from app.http.schemas import MetadataKey, MetadataValue
from app.invoices.read_schemas import CollectionMethod, Status

Words = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(search.query)]


class InvoicesFilter(BaseModel):
    """Which invoices are meant, and in which order."""

    model_config = ConfigDict(extra="forbid")  # a filter that is misspelt would be none

    repeated: ClassVar[frozenset[str]] = frozenset({"status"})
    keyed: ClassVar[frozenset[str]] = frozenset({"metadata"})

    customer: IdQuery = None
    number: TextQuery = None
    status: Annotated[list[Status] | None, Field(max_length=5, description="One, or any of several.")] = None
    collection_method: CollectionMethod | None = None
    reference: ReferenceQuery = None
    metadata: Annotated[
        dict[MetadataKey, MetadataValue] | None,
        Field(max_length=10, description="`metadata[key]=value`; all must match."),
    ] = None
    q: Annotated[
        Words | None,
        Field(
            description="Words of the number, the customer's name and email as frozen with the invoice, or the description; "
            "all must be there. One to eight words, of letters and digits. Three letters or more also find words that begin with them."
        ),
    ] = None
    created_from: TimeQuery = None
    created_to: TimeQuery = None
    due_before: TimeQuery = None
    overdue: Annotated[bool | None, Field(description="Open and past their due date, or not.")] = None
    sort: Annotated[
        str,
        Field(
            pattern="^-?(created_at|due_at|amount_due)$",
            description="`created_at`, `due_at` or `amount_due`; with a minus sign the greatest comes first.",
        ),
    ] = "-created_at"


class InvoicesQuery(InvoicesFilter, Paging):
    """A page of them."""

    stuck: Annotated[
        bool | None,
        Field(
            description="Those about which a person of yours must do something, oldest money first. Of the other filters "
            "only `customer` goes with it. False is the same as nothing."
        ),
    ] = None
