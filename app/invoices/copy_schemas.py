"""What requests give to revise or copy an invoice."""

from typing import Annotated

from pydantic import Field

from app.http.schemas import Create, Metadata, OwnReference, Reference, StripeId, Text


class InvoiceRevise(Create):
    description: Text | None = Field(default=None, max_length=1500)
    footer: Text | None = Field(default=None, max_length=5000)
    metadata: Metadata | None = Field(default=None, description="Added to the metadata of the revised invoice.")
    reference: OwnReference = Field(default=None, description="The revised invoice keeps its own reference.")


class InvoiceCopy(Create):
    customer: StripeId | None = Field(default=None, description="Another customer than that of the copied invoice.")
    days_until_due: Annotated[int, Field(ge=0, le=1825)] | None = Field(
        default=None, description="Without it, as many days as the copied invoice has from its creation."
    )
    description: Text | None = Field(default=None, max_length=1500)
    metadata: Metadata | None = Field(default=None, description="Added to the metadata of the copied invoice.")
    reference: Reference | None = None
    finalize: bool = Field(default=False, examples=[False])
