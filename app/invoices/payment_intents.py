"""Changes the PaymentIntent of a finalized invoice, as far as Stripe lets anybody."""

from contextlib import suppress
from http import HTTPStatus

import msgspec

from app.domain.errors import InvalidState, NotFound, StripeInvalidRequest
from app.domain.invoice import Act
from app.domain.json import JsonObject, JsonView
from app.domain.sources import id_of
from app.idempotency.operations import Answer, Operation
from app.idempotency.steps import Done
from app.invoices.payment_intent_schemas import (
    InvoicePaymentIntentRead,
    InvoicePaymentIntentUpdate,
    PaymentShippingRead,
)
from app.invoices.service import OfInvoices
from app.payments.lookup import intent_of
from app.stripe.parameters import named_as, stripe_parameters

TELLS = ("setup_future_usage", "payment_method", "description", "receipt_email")
"""The fields that a PaymentIntent shows as they were given."""
PATH = "/v1/payment_intents"


class PaymentIntents(OfInvoices):
    """The use case. The operation's subject is the invoice."""

    async def update_payment_intent(self, operation: Operation, params: JsonView) -> Answer:
        """Change the PaymentIntent of a finalized invoice (InvoicePaymentIntentUpdate).

        A payment method that Stripe does not take is looked at once more: it may have been detached meanwhile.
        """
        invoice = await self._invoices.require_act(operation, Act.UPDATE_PAYMENT_INTENT)
        intent = await intent_of(self._database, self._gateway, invoice["id"], str(operation.id))
        if intent is None:
            raise NotFound(f"The invoice {invoice['id']!r} has no PaymentIntent.")
        path, wanted = f"{PATH}/{intent}", stripe_parameters(InvoicePaymentIntentUpdate, params)
        try:
            with named_as(InvoicePaymentIntentUpdate):
                answer = await self._steps.post(operation, "update_payment", path, wanted, of=path, done=_shows(wanted))
        except StripeInvalidRequest as error:
            await self._invoices.methods.look_again(params.get("payment_method"), operation)
            if (error.stripe or {}).get("code") == "payment_intent_unexpected_state":
                with suppress(StripeInvalidRequest):
                    await self._invoices.explain(operation, Act.UPDATE_PAYMENT_INTENT, error)
                raise InvalidState(error.detail, stripe=error.stripe) from error
            raise
        body = msgspec.json.encode(_shown(answer.data, invoice["id"])).decode()
        async with self._database.unit_of_work() as connection:
            return await operation.finish(connection, HTTPStatus.OK, body)


def _shows(wanted: JsonView) -> Done:
    """A function that tells whether a PaymentIntent shows the change. What it cannot show is done once more, to no harm."""
    told = {name: wanted[name] for name in TELLS if name in wanted}
    return lambda intent: bool(told) and all((id_of(intent.get(name)) or "") == value for name, value in told.items())


def _shown(intent: JsonView, invoice: str) -> JsonObject:
    found = {name: intent.get(name) for name in InvoicePaymentIntentRead.model_fields}
    shipping = intent.get("shipping")
    return found | {
        "invoice": invoice,
        "payment_method": id_of(intent.get("payment_method")),
        "shipping": {name: shipping.get(name) for name in PaymentShippingRead.model_fields} if shipping else None,
    }
