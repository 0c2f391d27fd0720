"""What an admin does about an invoice on its page: send, remind, refund, credit, void.

Each form asks first. It holds a number of its own, so that it acts once, however often it is sent.
"""

import secrets
from dataclasses import replace

from sqladmin import expose
from starlette.requests import Request
from starlette.responses import Response

from app.admin.login import require_admin
from app.admin.row_actions import act_on_chosen
from app.admin.views.mirrored import MirroredView
from app.admin.views.table import Button
from app.db.rows import load
from app.db.schema import invoices
from app.domain.errors import ValidationFailed
from app.domain.invoice import InvoiceStatus, allowed_acts
from app.domain.json import JsonView
from app.idempotency.operations import UseCase

AMOUNT = "Amount in the currency's minor unit (1200 for 12.00 EUR)"
LONGEST_AMOUNT = 12
HOW = {"refund": "as a refund", "credit": "to the customer's balance", "out_of_band": "outside of Stripe"}
"""How a credit note gives back what was paid: the beginnings of its parameters, and what they say."""
REMIND = "remind"
BUTTONS = {
    "send": Button("Send", "", confirm="Stripe mails the invoice to the customer. A draft is finalized first."),
    REMIND: Button(
        "Remind", "", confirm="The payer is reminded, by mail where mail is set up. This can be done once a day."
    ),
    "refund": Button(
        "Refund",
        "",
        confirm="What was paid goes back to the payer. This cannot be undone.",
        amount=f"{AMOUNT}; empty for all that is left",
    ),
    "credit": Button(
        "Credit",
        "",
        confirm="A credit note reduces what is due first. What was paid already is given back as chosen here.",
        amount=AMOUNT,
        choices=HOW,
    ),
    "void": Button("Void", "", confirm="Nobody has to pay the invoice any more. This cannot be undone."),
}


class InvoiceActs(MirroredView):
    """The buttons of an invoice's page, and what they do."""

    async def buttons(self, key: str) -> list[Button]:
        """The buttons of what the invoice's status allows. Without Stripe's key all is left out that asks Stripe."""
        async with self.container.database.connection() as connection:
            row = (await load(connection, invoices, [key])).get(key)
        if row is None or row["deleted_at"]:
            return []
        status = InvoiceStatus(row["status"])
        offered = {*allowed_acts(status)} | ({REMIND} if status is InvoiceStatus.OPEN and row["due_at"] else set())
        if not self.container.settings.stripe_secret_key.get_secret_value():
            offered &= {REMIND}
        owed = 0 if status is InvoiceStatus.PAID else row["amount_remaining"]
        return [
            replace(
                button,
                action=f"/console/invoice/{name}",
                values={"id": key, "once": secrets.token_hex(16), "owed": str(owed)},
            )
            for name, button in BUTTONS.items()
            if name in offered
        ]

    @expose("/send", methods=["POST"])
    async def send(self, request: Request) -> Response:
        """Have Stripe mail the invoice."""
        return await self._act(request, self.container.invoices.send_invoice, "sent.")

    @expose("/remind", methods=["POST"])
    async def remind(self, request: Request) -> Response:
        return await self._act(request, self.container.reminders().remind_invoice, "reminded about.")

    @expose("/void", methods=["POST"])
    async def void(self, request: Request) -> Response:
        return await self._act(request, self.container.invoices.void_invoice, "voided.")

    @expose("/refund", methods=["POST"])
    async def refund(self, request: Request) -> Response:
        """Refund an amount, or all that is left."""
        require_admin(request)
        amount = await _number(request, "amount")
        params = {"amount": amount} if amount else {}
        return await self._act(request, self.container.refunds.create_refund, "refunded.", params)

    @expose("/credit", methods=["POST"])
    async def credit(self, request: Request) -> Response:
        """Issue a credit note of an amount.

        What it gives back depends only on the form: the form says what was owed when its page was made. So the same
        form always asks for the same.
        """
        require_admin(request)
        amount, how = await _number(request, "amount"), str((await request.form()).get("how", ""))
        if amount is None:
            raise ValidationFailed(f"amount: {AMOUNT}.", param="amount")
        given_back = max(amount - (await _number(request, "owed") or 0), 0)
        back = {f"{how}_amount": given_back} if given_back and how in HOW else {}
        create = self.container.credit_notes.create_credit_note
        return await self._act(request, create, "credited.", {"amount": amount, **back})

    async def _act(self, request: Request, use_case: UseCase, done: str, params: JsonView | None = None) -> Response:
        return await act_on_chosen(request, self.container, use_case, noun="invoice", done=done, params=params or {})


async def _number(request: Request, name: str) -> int | None:
    """The amount in a field of the form, in minor units; None where it is empty, or nothing is owed. Raises ValidationFailed."""
    text = str((await request.form()).get(name, "")).strip()
    if not text or (name == "owed" and text == "0"):
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_AMOUNT and int(text)):
        raise ValidationFailed(f"{name}: {AMOUNT}.", param=name)
    return int(text)
