"""The policy that a caller gives an invoice's fulfillment."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.domain.policy import PARTIAL, Policy
from app.http.schema_rules import SchemaKeywords
from app.http.schemas import Create


def _partial(text: str) -> str:
    return Policy(reverse_on_partial=text).reverse_on_partial


class FulfillmentPolicy(Create):
    """When this invoice is fulfilled, and what reverses that. The deployment's settings decide what you leave out."""

    fulfill_on: Literal["paid", "processing"] | None = Field(
        default=None,
        description="`processing`: fulfill before a bank debit has settled. If the debit fails, that is reversed.",
    )
    reverse_on_partial: (
        Annotated[str, AfterValidator(_partial), SchemaKeywords({"pattern": f"^({PARTIAL.pattern})$"})] | None
    ) = Field(
        default=None,
        description="Whether the return of a part reverses it: `never`, `always`, or `above` and a percentage.",
        examples=["above 50"],
    )
    hold_on_dispute: bool | None = Field(default=None, description="Whether an undecided dispute makes it `disputed`.")
