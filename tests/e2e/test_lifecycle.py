"""Every step of Stripe's invoicing integration, end to end: API, worker and sandbox as processes, events over HTTP.

docs/contributing/lifecycle.md lists the steps and the tests here that run them.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import stripe

from tests.fixtures.caller import ITEM, Caller, Json
from tests.fixtures.sandbox import PUBLISHABLE_KEY, SECRET_KEY, Sandbox
from tests.fixtures.service import Service

pytestmark = pytest.mark.e2e

FIELDS = [{"name": "PO number", "value": "4711"}]
VAT = [{"name": "VAT ID", "value": "DE123456789"}]
Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


class Merchant(Caller):
    """The caller of a service that runs; waits for what events bring about."""

    def __init__(self, service: Service, sandbox: Sandbox, eventually: Eventually) -> None:
        super().__init__(service.client, sandbox)
        self.service = service
        self.sandbox = sandbox
        self._eventually = eventually

    async def fulfillment(self, invoice: str, status: str, **expected: Any) -> Json:
        """The invoice's fulfillment as soon as it has `status`."""

        async def arrived() -> Json | None:
            found = await self.client.get(f"/v1/invoices/{invoice}/fulfillment")
            return dict(found.json()) if found.is_success and found.json()["status"] == status else None

        found: Json = await self._eventually(arrived)
        assert {name: found[name] for name in expected} == expected
        return found

    async def at_rest(self) -> None:
        """Return when every delivery was answered and every event received is through."""
        await self.sandbox.idle()

        async def through() -> bool:
            open_ = [await self.get("/v1/webhook-events", status=status) for status in ("received", "processing")]
            return not any(page["data"] for page in open_)

        await self._eventually(through)

    async def known(self, path: str) -> Json:
        """What is at `path` as soon as it is known here."""

        async def there() -> Json | None:
            found = await self.client.get(path)
            return dict(found.json()) if found.is_success else None

        found: Json = await self._eventually(there)
        return found

    async def confirm(self, invoice: Json, method: str) -> Json:
        """Pay as Stripe.js does in a browser: with the publishable key and the client secret, past the service."""
        answer = await self.sandbox.dashboard.post(
            f"/v1/payment_intents/{invoice['payment_intent']}/confirm",
            data={
                "key": PUBLISHABLE_KEY,
                "client_secret": invoice["client_secret"],
                "payment_method": method,
                "return_url": "https://example.com/paid",
            },
            auth=(PUBLISHABLE_KEY, ""),
        )
        return dict(answer.json())


@pytest.fixture
def merchant(lasting_service: Service, sandbox: Sandbox, eventually: Eventually) -> Merchant:
    return Merchant(lasting_service, sandbox, eventually)


@pytest.fixture
async def dashboard(sandbox: Sandbox) -> AsyncIterator[stripe.StripeClient]:
    """What a person does in Stripe's Dashboard, or another program with Stripe's SDK, past the service."""
    transport = stripe.AIOHTTPClient()
    yield stripe.StripeClient(SECRET_KEY, base_addresses={"api": sandbox.url}, http_client=transport)
    await transport.close_async()  # type: ignore[no-untyped-call]


async def test_the_whole_way_from_product_to_fulfilled(merchant: Merchant) -> None:
    product = await merchant.post("/v1/products", {"name": "Consulting"})
    price = await merchant.post("/v1/prices", {"product": product["id"], "unit_amount": 12000, "currency": "usd"})
    customer = await merchant.customer(invoice_settings={"custom_fields": VAT})
    assert (await merchant.get(f"/v1/customers/{customer['id']}"))["id"] == customer["id"]

    draft = await merchant.post(
        "/v1/invoices", {"customer": customer["id"], "collection_method": "send_invoice", "days_until_due": 30}
    )
    assert (draft["status"], draft["custom_fields"]) == ("draft", VAT)
    path = f"/v1/invoices/{draft['id']}"
    assert (await merchant.patch(path, {"custom_fields": VAT + FIELDS}))["custom_fields"] == VAT + FIELDS
    billed = await merchant.post(f"{path}/items", {"price": price["id"], "quantity": 2})
    assert billed["total"] == 24000

    opened = await merchant.post(f"{path}/finalize")
    assert opened["client_secret"].startswith(opened["payment_intent"])
    await merchant.fulfillment(draft["id"], "awaiting_payment", attempts=0)

    confirmed = await merchant.confirm(opened, "pm_card_visa")
    assert confirmed["status"] == "succeeded"
    await merchant.fulfillment(
        draft["id"],
        "fulfilled",
        amount_paid=24000,
        paid_out_of_band=False,
        payment_intent=opened["payment_intent"],
        customer=customer["id"],
    )
    paid = await merchant.get(path)
    assert (paid["status"], paid["amount_remaining"]) == ("paid", 0)
    assert paid["fulfillment"]["fulfilled_at"]


async def test_a_sent_invoice_is_emailed_and_awaits_payment(merchant: Merchant, sandbox: Sandbox) -> None:
    invoice = await merchant.draft(custom_fields=FIELDS)
    sent = await merchant.post(f"/v1/invoices/{invoice['id']}/send")
    assert sent["status"] == "open"
    (mail,) = await sandbox.outbox()
    assert (mail["invoice"], mail["url"]) == (invoice["id"], sent["hosted_invoice_url"])
    await merchant.fulfillment(invoice["id"], "awaiting_payment")


async def test_a_bank_debit_is_processing_until_it_settles(merchant: Merchant, sandbox: Sandbox) -> None:
    invoice = await merchant.open()
    assert (await merchant.confirm(invoice, "pm_usBankAccount_success"))["status"] == "processing"
    await merchant.fulfillment(invoice["id"], "processing", fulfilled_at=None)
    assert (await merchant.get(f"/v1/invoices/{invoice['id']}"))["status"] == "open"
    await sandbox.settle(invoice["payment_intent"])
    await merchant.fulfillment(invoice["id"], "fulfilled", amount_paid=2000)


async def test_a_bank_debit_that_fails_can_be_paid_otherwise(merchant: Merchant, sandbox: Sandbox) -> None:
    invoice = await merchant.open()
    await merchant.confirm(invoice, "pm_usBankAccount_insufficientFunds")
    await merchant.fulfillment(invoice["id"], "processing")
    await sandbox.fail(invoice["payment_intent"])
    await merchant.at_rest()
    failed = await merchant.fulfillment(invoice["id"], "payment_failed", attempts=1)
    assert "insufficient funds" in failed["failure"]["message"]
    assert (await merchant.confirm(invoice, "pm_card_visa"))["status"] == "succeeded"
    await merchant.fulfillment(invoice["id"], "fulfilled", attempts=1)


async def test_a_declined_card_is_told_and_another_one_pays(merchant: Merchant) -> None:
    invoice = await merchant.open()
    declined = await merchant.confirm(invoice, "pm_card_visa_chargeDeclinedInsufficientFunds")
    assert declined["error"]["decline_code"] == "insufficient_funds"
    await merchant.at_rest()
    failed = await merchant.fulfillment(invoice["id"], "payment_failed", attempts=1)
    assert (failed["failure"]["code"], failed["failure"]["decline_code"]) == ("card_declined", "insufficient_funds")
    assert (await merchant.confirm(invoice, "pm_card_visa"))["status"] == "succeeded"
    await merchant.fulfillment(invoice["id"], "fulfilled", attempts=1, amount_paid=2000)


async def test_a_card_that_asks_for_authentication_pays_after_it(merchant: Merchant, sandbox: Sandbox) -> None:
    invoice = await merchant.open()
    assert (await merchant.confirm(invoice, "pm_card_authenticationRequired"))["status"] == "requires_action"
    await merchant.at_rest()
    await merchant.fulfillment(invoice["id"], "action_required")
    await sandbox.authenticate(invoice["payment_intent"])
    await merchant.fulfillment(invoice["id"], "fulfilled")


async def test_a_payment_method_on_file_pays_through_the_service(merchant: Merchant) -> None:
    invoice = await merchant.open()
    path = f"/v1/invoices/{invoice['id']}/pay"
    await merchant.refused("POST", path, 402, "payment_failed", {"payment_method": "pm_card_chargeDeclined"})
    await merchant.at_rest()
    await merchant.fulfillment(invoice["id"], "payment_failed", attempts=1)
    assert (await merchant.post(path, {"payment_method": "pm_card_visa"}))["status"] == "paid"
    await merchant.fulfillment(invoice["id"], "fulfilled")


async def test_a_payment_out_of_band_is_fulfilled_and_says_so(merchant: Merchant) -> None:
    invoice = await merchant.open()
    await merchant.post(f"/v1/invoices/{invoice['id']}/pay", {"paid_out_of_band": True})
    await merchant.fulfillment(invoice["id"], "fulfilled", paid_out_of_band=True, payment_intent=None)


async def test_an_invoice_over_nothing_is_fulfilled_when_it_is_finalized(merchant: Merchant) -> None:
    invoice = await merchant.open(items=[{**ITEM, "amount": 0}])
    assert (invoice["status"], invoice["client_secret"]) == ("paid", None)
    await merchant.fulfillment(invoice["id"], "fulfilled", amount_paid=0, paid_out_of_band=False)


async def test_a_voided_invoice_is_canceled(merchant: Merchant) -> None:
    invoice = await merchant.void()
    await merchant.fulfillment(invoice["id"], "canceled", fulfilled_at=None)


async def test_an_uncollectible_invoice_is_written_off_and_fulfilled_if_it_is_paid_after_all(
    merchant: Merchant,
) -> None:
    invoice = await merchant.uncollectible()
    await merchant.fulfillment(invoice["id"], "written_off")
    await merchant.post(f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})
    await merchant.fulfillment(invoice["id"], "fulfilled", amount_paid=2000)


async def test_a_deleted_draft_leaves_nothing_behind(merchant: Merchant) -> None:
    invoice = await merchant.draft()
    await merchant.at_rest()
    await merchant.delete(f"/v1/invoices/{invoice['id']}")
    await merchant.at_rest()
    await merchant.refused("GET", f"/v1/invoices/{invoice['id']}", 404, "not_found")
    assert await merchant.every("/v1/fulfillments", customer=invoice["customer"]) == []


async def test_what_is_made_in_the_dashboard_appears_with_its_payments(
    merchant: Merchant, dashboard: stripe.StripeClient
) -> None:
    v1 = dashboard.v1
    product = await v1.products.create_async({"name": "Training", "metadata": {"reference": "sku-1"}})
    price = await v1.prices.create_async({"product": product.id, "unit_amount": 500, "currency": "usd"})
    customer = await v1.customers.create_async({"name": "Made by hand", "email": "hand@example.com"})
    draft = await v1.invoices.create_async(
        {
            "customer": customer.id,
            "collection_method": "send_invoice",
            "days_until_due": 7,
            "custom_fields": [{"name": "PO number", "value": "4711"}],
        }
    )
    await v1.invoices.add_lines_async(draft.id, {"lines": [{"pricing": {"price": price.id}, "quantity": 3}]})
    await v1.invoices.finalize_invoice_async(draft.id)
    await merchant.fulfillment(draft.id, "awaiting_payment")
    await merchant.at_rest()
    assert (await merchant.known(f"/v1/products/{product.id}"))["reference"] == "sku-1"
    assert (await merchant.known(f"/v1/prices/{price.id}"))["unit_amount"] == 500
    assert (await merchant.known(f"/v1/customers/{customer.id}"))["email"] == "hand@example.com"
    invoice = await merchant.known(f"/v1/invoices/{draft.id}")
    assert (invoice["status"], invoice["total"], invoice["custom_fields"]) == ("open", 1500, FIELDS)
    assert [(item["price"], item["quantity"]) for item in invoice["items"]] == [(price.id, 3)]

    secret = await merchant.get(f"/v1/invoices/{draft.id}/client-secret")
    await merchant.confirm(secret, "pm_card_chargeDeclined")
    await merchant.at_rest()
    await merchant.fulfillment(draft.id, "payment_failed", attempts=1, payment_intent=secret["payment_intent"])
    await merchant.confirm(secret, "pm_card_visa")
    await merchant.fulfillment(draft.id, "fulfilled", amount_paid=1500)


async def test_what_is_changed_in_the_dashboard_changes_here(
    merchant: Merchant, dashboard: stripe.StripeClient
) -> None:
    product = await merchant.post("/v1/products", {"name": "A"})
    customer = await merchant.customer()
    draft = await merchant.draft(customer=customer["id"])
    v1 = dashboard.v1
    await v1.products.update_async(product["id"], {"name": "B"})
    await v1.customers.update_async(customer["id"], {"email": "new@example.com"})
    await v1.invoices.update_async(draft["id"], {"description": "by hand"})
    await merchant.at_rest()
    assert (await merchant.get(f"/v1/products/{product['id']}"))["name"] == "B"
    assert (await merchant.get(f"/v1/customers/{customer['id']}"))["email"] == "new@example.com"
    assert (await merchant.get(f"/v1/invoices/{draft['id']}"))["description"] == "by hand"
    await v1.products.delete_async(product["id"])
    await v1.invoices.delete_async(draft["id"])
    await v1.customers.delete_async(customer["id"])
    await merchant.at_rest()
    for path in (f"products/{product['id']}", f"invoices/{draft['id']}", f"customers/{customer['id']}"):
        await merchant.refused("GET", f"/v1/{path}", 404, "not_found")


async def test_duplicates_and_disorder_change_nothing(merchant: Merchant, sandbox: Sandbox) -> None:
    await sandbox.mode(hold=True, duplicate=2)
    invoices = [await merchant.open() for _ in range(2)]
    declined, unpaid = invoices
    await merchant.confirm(declined, "pm_card_chargeDeclined")
    await merchant.confirm(declined, "pm_card_visa")
    await merchant.post(f"/v1/invoices/{unpaid['id']}/mark-uncollectible")
    await merchant.post(f"/v1/invoices/{unpaid['id']}/void")
    await sandbox.mode(hold=False, duplicate=0)
    await sandbox.release(order="reversed")
    await merchant.at_rest()
    await merchant.fulfillment(declined["id"], "fulfilled", attempts=1, amount_paid=2000)
    await merchant.fulfillment(unpaid["id"], "canceled")
    events = await merchant.every("/v1/webhook-events", limit=100)
    assert len(events) == len({event["id"] for event in events})
    assert {event["status"] for event in events} <= {"processed", "ignored"}
    for invoice in invoices:
        assert len(await merchant.every("/v1/fulfillments", customer=invoice["customer"])) == 1


async def test_a_worker_killed_in_between_misses_nothing_and_repeats_nothing(
    merchant: Merchant, sandbox: Sandbox
) -> None:
    merchant.service.kill("worker")
    invoice = await merchant.open()
    await merchant.confirm(invoice, "pm_card_visa")
    await sandbox.idle()
    assert await merchant.every("/v1/fulfillments", customer=invoice["customer"]) == []
    merchant.service.start("worker")
    await merchant.fulfillment(invoice["id"], "fulfilled", amount_paid=2000)


async def test_the_same_request_sent_twice_is_done_once(merchant: Merchant, sandbox: Sandbox) -> None:
    customer = await merchant.customer()
    body = {"customer": customer["id"], "days_until_due": 1, "items": [ITEM], "finalize": True}
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = await merchant.send("POST", "/v1/invoices", body, headers=headers)
    again = await merchant.send("POST", "/v1/invoices", body, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert len((await sandbox.state())["invoice"]) == 1


async def test_no_client_secret_and_no_key_stands_in_a_log(merchant: Merchant, sandbox: Sandbox) -> None:
    invoice = await merchant.open()
    await merchant.get(f"/v1/invoices/{invoice['id']}/client-secret")
    await merchant.confirm(invoice, "pm_card_visa")
    await merchant.fulfillment(invoice["id"], "fulfilled")
    logs = merchant.service.logs("api") + merchant.service.logs("worker")
    assert invoice["id"] in logs
    for secret in (invoice["client_secret"], SECRET_KEY, merchant.service.api_key, sandbox.webhook_secret):
        assert secret not in logs
