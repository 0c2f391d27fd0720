"""Parts of invoices that payers began to pay on payment pages: those that still wait, and how they are called off."""

from sqlalchemy import bindparam, select

from app.db.engine import Connection, Database
from app.db.schema import invoice_payments, operations, payment_links
from app.db.statement import Statement
from app.domain.errors import StripeInvalidRequest
from app.domain.json import JsonView
from app.idempotency.operations import Operation
from app.idempotency.steps import Steps
from app.stripe.client import StripeGateway

PATH = "/v1/payment_intents"
BEGUN = "part"
"""The name in an operation's progress of the part that it is about to begin."""

_L, _P, _O = payment_links.c, invoice_payments.c, operations.c
_WAITING = Statement(
    select(_L.payment_intent)
    .join(invoice_payments, _P.payment_intent == _L.payment_intent)
    .where(_P.invoice == bindparam("invoice"), _P.status == "open")
    .order_by(_L.payment_intent)
    .distinct()
)
_BEGINNING = Statement(
    select(_O.id).where(_O.subject == bindparam("invoice"), _O.answered_at.is_(None), _O.progress.has_key(BEGUN))
)


async def beginning(connection: Connection, invoice_id: str, operation: Operation) -> bool:
    """Whether another request is about to begin a part of the invoice."""
    found = await _BEGINNING.column(connection, invoice=invoice_id)
    return any(one != operation.id for one in found)


async def call_off(
    database: Database,
    gateway: StripeGateway,
    steps: Steps,
    operation: Operation,
    *,
    of: str | None = None,
    but: str | None = None,
) -> list[str]:
    """Cancel the parts of an invoice that wait for a payment method, `but` one. It is the operation's, or that of `of`.

    Returns those that are under way, which Stripe does not cancel any more.
    """
    async with database.connection() as connection:
        waiting: list[str] = await _WAITING.column(connection, invoice=of or str(operation.subject))
    found = [(one, await cancel(gateway, steps, operation, one)) for one in waiting if one != but]
    return [one for one, canceled in found if not canceled]


async def cancel(gateway: StripeGateway, steps: Steps, operation: Operation, intent: str) -> bool:
    """Cancel one PaymentIntent. Returns whether it is canceled."""
    of = f"{PATH}/{intent}"
    try:
        done = await steps.post(operation, f"cancel-{intent}", f"{of}/cancel", {}, of=of, done=_canceled)
    except StripeInvalidRequest:
        done = await gateway.get(of)
    return _canceled(done.data)


def _canceled(intent: JsonView) -> bool:
    return bool(intent["status"] == "canceled")
