"""The addresses of Stripe's pages for an invoice: the hosted page and the PDF. They expire, so old ones are read anew."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from app.db.engine import Database
from app.db.rows import require_row
from app.db.schema import invoices
from app.domain.errors import Overtaken
from app.domain.json import JsonObject
from app.invoices.joined import Joined
from app.projection import observation
from app.projection.unit_of_work import Subject
from app.stripe.client import StripeGateway
from app.stripe.mapping import Kind

FRESH = timedelta(days=7)
"""How long an address is handed out after Stripe gave it. Each holds for at least ten days from then."""
CAUSE = "hosted pages"
"""The cause recorded with changes that are seen when Stripe is asked."""


class HostedPages:
    """Hands out the addresses of invoices' hosted pages and PDFs, whatever the invoices' status."""

    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway
        self._reading = Joined(self._read_anew)

    async def of(self, invoice_id: str) -> JsonObject:
        """The fields of HostedPagesRead; the addresses hold for days. Both are null for a draft.

        Stripe is asked if they are older than FRESH, once for all requests that come meanwhile. If Stripe cannot be asked,
        this raises the gateway's error and hands out no old address. Raises NotFound.
        """
        row = await require_row(self._database, invoices, invoice_id)
        as_of = datetime.fromisoformat(row["snapshot_since"])
        if row["hosted_invoice_url"] and abs(datetime.now(UTC) - as_of) > FRESH:
            as_of = await self._reading.ask(invoice_id)
            row = await require_row(self._database, invoices, invoice_id)
        return {
            "hosted_invoice_url": row["hosted_invoice_url"],
            "invoice_pdf": row["invoice_pdf"],
            "as_of": as_of.isoformat(),
        }

    async def _read_anew(self, invoice_id: str) -> datetime:
        """Take over the invoice from Stripe. Returns when Stripe was asked."""
        asked_at = datetime.now(UTC)
        with suppress(Overtaken):  # others change the invoice all the time, and with it its addresses
            await observation.take_over(self._database, self._gateway, Subject(Kind.INVOICE, invoice_id), CAUSE)
        return asked_at
