"""What happens to invoices at Stripe: every way through their lifecycle, a step at a time.

A path is a list of steps; a step is a coroutine function on the life of one invoice. Steps of several invoices are
interleaved by whoever runs them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.fixtures.stage import Dashboard

Step = Callable[["Life"], Awaitable[object]]


class Life:
    """One invoice at Stripe, and what a person does to it there."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self.customer = ""
        self.invoice = ""

    async def post(self, path: str = "", **form: Any) -> Any:
        return await self._dashboard.post(f"invoices/{self.invoice}{path}", **form)

    async def intent(self) -> str:
        found = await self._dashboard.get("invoice_payments", invoice=self.invoice)
        return str(found["data"][0]["payment"]["payment_intent"])

    async def draft(self) -> None:
        self.customer = (await self._dashboard.post("customers", name="Jenny", email="jenny@example.com"))["id"]
        terms = {"customer": self.customer, "collection_method": "send_invoice", "days_until_due": 30}
        self.invoice = (await self._dashboard.post("invoices", **terms))["id"]
        await self.item()

    async def item(self, description: str = "an item") -> None:
        item = {"customer": self.customer, "invoice": self.invoice, "amount": 5000, "currency": "usd"}
        await self._dashboard.post("invoiceitems", description=description, **item)

    async def pay_part(self, amount: int, method: str) -> None:
        """Pay a part by a PaymentIntent beside the invoice's own, as "Charge customer" does."""
        terms = {"amount": amount, "currency": "usd", "customer": self.customer}
        intent = await self._dashboard.post("payment_intents", **terms)
        await self.post("/attach_payment", payment_intent=intent["id"])
        await self._dashboard.post(f"payment_intents/{intent['id']}/confirm", payment_method=method)

    async def delete(self) -> None:
        await self._dashboard.delete(f"invoices/{self.invoice}")


def _pay(method: str) -> Step:
    return lambda life: life.post("/pay", payment_method=method)


def _part(amount: int, method: str = "pm_card_visa") -> Step:
    return lambda life: life.pay_part(amount, method)


def _act(path: str, **form: Any) -> Step:
    return lambda life: life.post(path, **form)


async def _settle(life: Life) -> None:
    await life._dashboard.sandbox.settle(await life.intent())


async def _fail(life: Life) -> None:
    await life._dashboard.sandbox.fail(await life.intent())


DRAFT: Step = Life.draft
FINALIZE = _act("/finalize")
CARD = _pay("pm_card_visa")
DECLINE = _pay("pm_card_visa_chargeDeclined")
NO_FUNDS = _pay("pm_card_visa_chargeDeclinedInsufficientFunds")
DEBIT = _pay("pm_usBankAccount_processing")
VOID = _act("/void")
WRITE_OFF = _act("/mark_uncollectible")
OPEN = [DRAFT, FINALIZE]

PATHS: dict[str, list[Step]] = {
    "draft": [DRAFT],
    "draft, edited": [DRAFT, _act("", description="one"), _act("", description="two"), Life.item],
    "draft, deleted": [DRAFT, Life.delete],
    "open, sent": [*OPEN, _act("/send"), _act("", **{"metadata[note]": "after"})],
    "paid": [*OPEN, CARD],
    "declined": [*OPEN, DECLINE],
    "declined, then paid": [*OPEN, DECLINE, NO_FUNDS, CARD],
    "declined twice": [*OPEN, NO_FUNDS, DECLINE],
    "debit, settled": [*OPEN, DEBIT, _settle],
    "debit, processing": [*OPEN, DEBIT],
    "debit, failed": [*OPEN, DEBIT, _fail],
    "debit failed, then paid": [*OPEN, DEBIT, _fail, CARD],
    "out of band": [*OPEN, _act("/pay", paid_out_of_band="true")],
    "declined, out of band": [*OPEN, DECLINE, _act("/pay", paid_out_of_band="true")],
    "part paid": [*OPEN, _part(2000)],
    "part paid, then the rest": [*OPEN, _part(2000), CARD],
    "paid in parts": [*OPEN, _part(2000), _part(3000)],
    "part paid by a debit": [*OPEN, _part(2000, "pm_usBankAccount_processing"), _settle],
    "void": [*OPEN, VOID],
    "declined, void": [*OPEN, DECLINE, VOID],
    "written off": [*OPEN, WRITE_OFF],
    "written off, then paid": [*OPEN, WRITE_OFF, CARD],
    "written off, then void": [*OPEN, WRITE_OFF, VOID],
}
