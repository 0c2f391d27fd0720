"""Saved payment methods of a customer, and SetupIntents, by which a front end saves one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from app.db.resources import CUSTOMER, PAYMENT_METHOD, SETUP_INTENT
from app.http.dependencies import WriteDep, creating, json_answer, service, service_of, writing
from app.http.parameters import CustomerId, PaymentMethodId, SetupIntentId
from app.http.queries import Paging, read
from app.http.reads import listing, many, one, reading, require_known
from app.http.routing import AuthorizedRoute
from app.http.schemas import Deleted
from app.payment_methods.schemas import (
    PaymentMethodAttach,
    PaymentMethodRead,
    SetupIntentCreate,
    SetupIntentRead,
    SetupIntentWithSecret,
)
from app.payment_methods.service import PaymentMethods
from app.settings import Settings

PaymentMethodsDep = Annotated[PaymentMethods, Depends(service(PaymentMethods))]
router = APIRouter(prefix="/v1/customers/{customer_id}", tags=["payment methods"], route_class=AuthorizedRoute)
ONE = "/payment-methods/{payment_method_id}"


class PaymentMethodsQuery(Paging):
    """Which payment methods of a customer are listed."""

    type: Annotated[str | None, Field(pattern=r"^[a-z0-9_]{1,50}$")] = None


@router.get("/payment-methods", **listing(PaymentMethodRead, PaymentMethodsQuery, "not_found"))
async def list_payment_methods(customer_id: CustomerId, request: Request) -> Response:
    """List a customer's saved payment methods, newest first, as they are known here; Stripe is not asked."""
    await require_known(request, CUSTOMER, customer_id)
    return await many(request, PAYMENT_METHOD, read(request, PaymentMethodsQuery), customer=customer_id)


@router.post("/payment-methods", **creating(PaymentMethodRead, "not_found", "payment_failed"))
async def attach_payment_method(
    customer_id: CustomerId, body: PaymentMethodAttach, methods: PaymentMethodsDep, write: WriteDep
) -> Response:
    """Attach a payment method to a customer, so that the customer's invoices can be charged to it."""
    return await write.run(methods.attach_payment_method, body.params(), customer_id)


@router.delete(ONE, **writing(Deleted, "not_found"))
async def detach_payment_method(
    customer_id: CustomerId, payment_method_id: PaymentMethodId, methods: PaymentMethodsDep, write: WriteDep
) -> Response:
    """Detach a payment method: nothing is ever charged to it again."""
    return await write.run(methods.detach_payment_method, {"payment_method": payment_method_id}, customer_id)


@router.post(f"{ONE}/default", **writing(PaymentMethodRead, "not_found"))
async def set_default_payment_method(
    customer_id: CustomerId, payment_method_id: PaymentMethodId, methods: PaymentMethodsDep, write: WriteDep
) -> Response:
    """Charge the customer's invoices to this payment method from now on, unless they name another."""
    return await write.run(methods.set_default_payment_method, {"payment_method": payment_method_id}, customer_id)


@router.post("/setup-intent", **creating(SetupIntentWithSecret, "not_found"))
async def create_setup_intent(
    customer_id: CustomerId,
    request: Request,
    methods: PaymentMethodsDep,
    write: WriteDep,
    body: SetupIntentCreate | None = None,
) -> Response:
    """Let a front end save a payment method. The client secret is for Stripe.js, and stored nowhere."""
    answer = await write.answer(methods.create_setup_intent, body.params() if body else {}, customer_id)
    key = service_of(request, Settings).stripe_publishable_key
    return json_answer(answer, client_secret=await methods.secret_of(answer), publishable_key=key)


@router.get("/setup-intent/{setup_intent_id}", **reading(SetupIntentRead))
async def get_setup_intent(customer_id: CustomerId, setup_intent_id: SetupIntentId, request: Request) -> Response:
    """Read a SetupIntent, as Stripe last reported it."""
    return await one(request, SETUP_INTENT, setup_intent_id, customer=customer_id)
