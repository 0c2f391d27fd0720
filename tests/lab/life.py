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
        self.refunded = ""
        self.credited = ""
        self.disputed = ""

    async def post(self, path: str = "", **form: Any) -> Any:
        return await self._dashboard.post(f"invoices/{self.invoice}{path}", **form)

    async def intent(self) -> str:
        found = await self._dashboard.get("invoice_payments", invoice=self.invoice)
        return str(found["data"][0]["payment"]["payment_intent"])

    async def draft(self) -> None:
        await self._dashboard.sandbox.switch(
            debit_settlement_s=86_400
        )  # a step settles a debit, not another life's clock
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
        await self._dashboard.post(
            f"payment_intents/{intent['id']}/confirm", payment_method=method, return_url="https://shop.example/"
        )

    async def delete(self) -> None:
        await self._dashboard.delete(f"invoices/{self.invoice}")

    async def paying(self) -> str:
        """The PaymentIntent that paid the invoice, the newest of several."""
        found = await self._dashboard.get("invoice_payments", invoice=self.invoice, status="paid")
        return str(found["data"][0]["payment"]["payment_intent"])

    async def refund(self, amount: int | None = None) -> None:
        """Refund a part of the newest payment, or all that is left of it."""
        form = {} if amount is None else {"amount": amount}
        self.refunded = (await self._dashboard.post("refunds", payment_intent=await self.paying(), **form))["id"]

    async def refund_becomes(self, status: str) -> None:
        await self._dashboard.sandbox.settle_refund(self.refunded, status)

    async def credit(self, amount: int, **form: Any) -> None:
        made = await self._dashboard.post("credit_notes", invoice=self.invoice, amount=amount, **form)
        self.credited = made["id"]
        self.refunded = made["refunds"][0]["refund"] if made["refunds"] else self.refunded

    async def credit_refunded(self, amount: int) -> None:
        """Write a credit note for a refund that was made before."""
        await self.credit(amount, **{"refunds[0][refund]": self.refunded, "refunds[0][amount_refunded]": amount})

    async def void_credit(self) -> None:
        await self._dashboard.post(f"credit_notes/{self.credited}/void")

    async def dispute(self, **how: Any) -> None:
        self.disputed = (await self._dashboard.sandbox.dispute(await self.paying(), **how))["id"]

    async def decide(self, decision: str) -> None:
        await self._dashboard.sandbox.decide(self.disputed, decision)

    async def detach(self) -> None:
        """Detach the newest payment, long after it was made: within seconds nobody can tell the order."""
        await self._dashboard.sandbox.advance(10)
        await self.post("/detach_payment", payment_intent=await self.paying())


def _pay(method: str) -> Step:
    return lambda life: life.post("/pay", payment_method=method)


def _part(amount: int, method: str = "pm_card_visa") -> Step:
    return lambda life: life.pay_part(amount, method)


def _act(path: str, **form: Any) -> Step:
    return lambda life: life.post(path, **form)


def _refund(amount: int | None = None) -> Step:
    return lambda life: life.refund(amount)


def _becomes(status: str) -> Step:
    return lambda life: life.refund_becomes(status)


def _credit(amount: int, **form: Any) -> Step:
    return lambda life: life.credit(amount, **form)


def _dispute(**how: Any) -> Step:
    return lambda life: life.dispute(**how)


def _decide(decision: str) -> Step:
    return lambda life: life.decide(decision)


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
PAID = [*OPEN, CARD]
DEBITED = [*OPEN, DEBIT, _settle]

BEFORE_PAYMENT: dict[str, list[Step]] = {
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

MONEY_BACK: dict[str, list[Step]] = {
    "refunded": [*PAID, _refund()],
    "refunded in part": [*PAID, _refund(2000)],
    "refunded twice": [*PAID, _refund(2000), _refund(3000)],
    "refund failed": [*PAID, _refund(), _becomes("failed")],
    "refund failed, then refunded": [*PAID, _refund(), _becomes("failed"), _refund(5000)],
    "refund pending": [*OPEN, _pay("pm_card_pendingRefund"), _refund()],
    "refund pending, then done": [*OPEN, _pay("pm_card_pendingRefund"), _refund(), _becomes("succeeded")],
    "refund pending, then failed": [*OPEN, _pay("pm_card_pendingRefund"), _refund(2000), _becomes("failed")],
    "refund canceled": [*DEBITED, _refund(), _becomes("requires_action"), _becomes("canceled")],
    "debit refunded": [*DEBITED, _refund(), _becomes("succeeded")],
    "paid in parts, one refunded": [*OPEN, _part(2000), _part(3000), _refund()],
    "credited to the balance": [*PAID, _credit(1500, credit_amount=1500)],
    "credited out of band": [*PAID, _credit(5000, out_of_band_amount=5000)],
    "credited by a refund": [*PAID, _credit(5000, refund_amount=5000)],
    "credited by a refund that failed": [*PAID, _credit(5000, refund_amount=5000), _becomes("failed")],
    "credited for a refund": [*PAID, _refund(2000), lambda life: life.credit_refunded(2000)],
    "refunded, and credited": [*PAID, _refund(1000), _credit(4000, credit_amount=1500, out_of_band_amount=2500)],
    "credited before it was paid": [*OPEN, _credit(1000), CARD],
    "credited before, and after": [*OPEN, _credit(1000), CARD, _credit(4000, refund_amount=4000)],
    "called off by a credit note": [*OPEN, _credit(5000)],
    "credit note voided": [*OPEN, _credit(1000), Life.void_credit, CARD],
    "disputed": [*PAID, _dispute()],
    "disputed in part": [*PAID, _dispute(amount=2000)],
    "dispute won": [*PAID, _dispute(), _decide("won")],
    "dispute lost": [*PAID, _dispute(), _decide("lost")],
    "inquiry, closed": [*PAID, _dispute(inquiry=True), _decide("warning_closed")],
    "inquiry, escalated, won": [*PAID, _dispute(inquiry=True), _decide("escalated"), _decide("won")],
    "refunded in part, the rest disputed": [*PAID, _refund(2000), _dispute(), _decide("lost")],
    "debit returned": [*OPEN, _pay("pm_usBankAccount_dispute"), _settle],
    "detached": [*PAID, Life.detach],
    "detached, then paid": [*PAID, Life.detach, CARD],
    "paid in parts, one detached": [*OPEN, _part(2000), _part(3000), Life.detach],
}

PATHS = BEFORE_PAYMENT | MONEY_BACK
