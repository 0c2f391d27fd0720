"""Refunds that are asked for at once: whatever a dozen requests want, Stripe is never asked for more than was paid."""

from __future__ import annotations

import asyncio
import contextlib
from random import Random

from app.domain.errors import InvoicingError
from app.idempotency.operations import Call
from tests.fixtures.stage import Json, Stage

PAID = 5000
AT_ONCE = 6


async def broken(stage: Stage, dice: Random) -> list[str]:
    """What did not hold while several requests refunded one invoice at the same moment."""
    invoice = await stage.invoice(amount=PAID)
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    amounts = [dice.choice([1500, 2600, 3500, PAID]) for _ in range(AT_ONCE)]
    await asyncio.gather(*(_refund(stage, invoice, amount) for amount in amounts))
    asked = [int(call["params"]["amount"]) for call in await stage.sandbox.requests(method="POST", path="/v1/refunds")]
    made = sum(refund["amount"] for refund in (await stage.sandbox.state()).get("refund", []))
    return [
        *([f"Stripe was asked to refund {sum(asked)} of {PAID}"] if sum(asked) > PAID else []),
        *(["nothing was refunded"] if not made else []),
    ]


async def _refund(stage: Stage, invoice: Json, amount: int) -> None:
    asked = f"POST /v1/invoices/{invoice['id']}/refunds"
    call = Call("tests", asked, {"amount": amount}, subject=invoice["id"])
    with contextlib.suppress(InvoicingError):  # refused by name
        await stage.container.operations.run(call, stage.container.refunds.create_refund)
