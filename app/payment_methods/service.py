"""The use cases of saved payment methods: attach, detach, choose as default, and let a front end save one."""

from http import HTTPStatus

from app.db import documents, resources
from app.db.rows import load
from app.db.schema import payment_methods
from app.domain.errors import NotFound, StripeInvalidRequest
from app.domain.json import JsonView
from app.domain.sources import id_of
from app.idempotency.operations import Answer, Operation
from app.idempotency.steps import Done
from app.payment_methods.schemas import SetupIntentCreate
from app.projection import observation, setup_intent_statements
from app.projection.unit_of_work import Subject
from app.projection.write_through import AtStripe
from app.stripe.mapping import Kind
from app.stripe.parameters import named_as, stripe_parameters

PATH = observation.PATHS[Kind.PAYMENT_METHOD]
CUSTOMERS = observation.PATHS[Kind.CUSTOMER]


class PaymentMethods(AtStripe):
    """The use cases. An operation's subject is the customer."""

    async def attach_payment_method(self, operation: Operation, params: JsonView) -> Answer:
        """Attach a payment method to a customer (PaymentMethodAttach), and make it the default one if asked."""
        customer, method = await self._customer(operation), params["payment_method"]
        path = f"{PATH}/{method}"
        answer = await self._steps.post(
            operation, "attach", f"{path}/attach", {"customer": customer}, of=path, done=_belongs_to(customer)
        )
        attached = observation.snapshot_of(Kind.PAYMENT_METHOD, answer)
        if params.get("set_default"):
            await self._make_default(operation, customer, attached.id)
        return await self._writer.finish(operation, attached, HTTPStatus.CREATED)

    async def detach_payment_method(self, operation: Operation, params: JsonView) -> Answer:
        """Detach a payment method: it can never be charged again. One that is detached at Stripe counts as done."""
        customer, method = await self._customer(operation), params["payment_method"]
        await self._require(operation, customer, method)
        path = f"{PATH}/{method}"
        try:
            answer = await self._steps.post(operation, "detach", f"{path}/detach", {}, of=path, done=_belongs_to(None))
        except StripeInvalidRequest:
            now = await observation.observe(self._gateway, Subject(Kind.PAYMENT_METHOD, method))
            if not now.deleted:
                raise
            return await self._writer.finish(operation, now)
        return await self._writer.finish(operation, observation.snapshot_of(Kind.PAYMENT_METHOD, answer))

    async def set_default_payment_method(self, operation: Operation, params: JsonView) -> Answer:
        """Charge the customer's invoices to this payment method from now on, where they name no other."""
        customer, method = await self._customer(operation), params["payment_method"]
        await self._require(operation, customer, method)
        try:
            await self._make_default(operation, customer, method)
        except StripeInvalidRequest:
            await self.look_again(method, operation)
            await self._require(operation, customer, method)  # raises NotFound if it was detached meanwhile
            raise
        async with self._database.unit_of_work() as connection:
            body = await documents.require(connection, resources.PAYMENT_METHOD, method)
            operation.subject = method
            return await operation.finish(connection, HTTPStatus.OK, body)

    async def create_setup_intent(self, operation: Operation, params: JsonView) -> Answer:
        """Let a front end save a payment method of the customer (SetupIntentCreate). The answer carries its secret."""
        customer = await self._customer(operation)
        wanted = {"customer": customer, "usage": "off_session", **stripe_parameters(SetupIntentCreate, params)}
        with named_as(SetupIntentCreate):
            answer = await self._steps.post(operation, "create", setup_intent_statements.PATH, wanted)
        made, secret = setup_intent_statements.read(answer.data, answer.until), str(answer.data["client_secret"])
        operation.subject = made.id
        operation.progress["secret_of"] = made.id
        async with self._database.unit_of_work() as connection:
            await setup_intent_statements.keep(connection, [made])
            body = await documents.require(connection, resources.SETUP_INTENT, made.id)
            done = await operation.finish(connection, HTTPStatus.CREATED, body)
        return Answer(done.status, done.body, secret_of=made.id, secret=secret)

    async def secret_of(self, answer: Answer) -> str | None:
        """The client secret that belongs to `answer`. For a replay it is fetched from Stripe again."""
        if not answer.replayed:
            return answer.secret
        setup = (await self._gateway.get(f"{setup_intent_statements.PATH}/{answer.secret_of}")).data
        return None if setup["status"] in setup_intent_statements.ENDED else setup["client_secret"]

    async def look_again(self, method: str | None, operation: Operation) -> None:
        """Take over a saved method that Stripe did not take from `operation`: it may have been detached meanwhile."""
        async with self._database.connection() as connection:
            row = (await load(connection, payment_methods, [method])).get(method) if method else None
        if row and not row["deleted_at"]:
            now = await observation.observe(self._gateway, Subject(Kind.PAYMENT_METHOD, str(method)))
            await self._writer.write(now, str(operation.id))

    async def _customer(self, operation: Operation) -> str:
        """The operation's customer. Raises NotFound if it is not known here."""
        customer = str(operation.subject)
        if operation.fresh:
            async with self._database.connection() as connection:
                await documents.require(connection, resources.CUSTOMER, customer)
        return customer

    async def _require(self, operation: Operation, customer: str, method: str) -> None:
        """Raise NotFound unless the method is the customer's. A continued operation may have detached it itself."""
        async with self._database.connection() as connection:
            row = (await load(connection, payment_methods, [method])).get(method)
        if row is None or row["customer"] != customer or (row["deleted_at"] and operation.fresh):
            raise NotFound(f"The customer {customer!r} has no payment method {method!r}.")

    async def _make_default(self, operation: Operation, customer: str, method: str) -> None:
        path, settings = f"{CUSTOMERS}/{customer}", {"default_payment_method": method}
        answer = await self._steps.post(
            operation, "set_default", path, {"invoice_settings": settings}, of=path, done=_is_default(method)
        )
        await self._writer.write(observation.snapshot_of(Kind.CUSTOMER, answer), str(operation.id))


def _belongs_to(customer: str | None) -> Done:
    return lambda method: id_of(method.get("customer")) == customer


def _is_default(method: str) -> Done:
    return lambda customer: id_of((customer.get("invoice_settings") or {}).get("default_payment_method")) == method
