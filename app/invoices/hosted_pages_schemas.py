"""What is answered about Stripe's pages for an invoice."""

from datetime import datetime

from pydantic import Field

from app.http.schemas import Shown


class HostedPagesRead(Shown):
    """Addresses that hold for days from now on; null for a draft."""

    hosted_invoice_url: str | None = Field(examples=["https://invoice.stripe.com/i/acct_1/test_1"])
    invoice_pdf: str | None = Field(examples=["https://pay.stripe.com/invoice/acct_1/test_1/pdf"])
    as_of: datetime = Field(description="When Stripe gave these addresses.")
