"""Parts of invoices that payers began to pay on payment pages: those that still wait, and how they are called off."""

from app.db.engine import Database
from app.domain.errors import StripeInvalidRequest
from app.domain.json import JsonView
from app.idempotency.operations import Operation
from app.idempotency.steps import Steps
from app.payments import statements
from app.stripe.client import StripeGateway

PATH = "/v1/payment_intents"


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
        waiting = await statements.parts_waiting(connection, of or str(operation.subject))
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
