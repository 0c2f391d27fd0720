"""The whole life of an invoice, with the unmodified Python SDK in each of its transports."""

import pytest
import stripe

from tests.sandbox.process import SECRET_KEY, RunningSandbox


def test_sync_sdk_takes_an_invoice_from_product_to_paid(box: RunningSandbox) -> None:
    v1 = box.v1
    product = v1.products.create({"name": "Widget"})
    price = v1.prices.create({"product": product.id, "unit_amount": 1500, "currency": "usd"})
    customer = v1.customers.create(
        {
            "name": "Ada",
            "email": "ada@example.com",
            "payment_method": "pm_card_visa",
            "invoice_settings": {
                "default_payment_method": "pm_card_visa",
                "custom_fields": [{"name": "PO", "value": "4711"}],
                "footer": "Thank you",
            },
        }
    )
    invoice = v1.invoices.create({"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 30})
    assert invoice.status == "draft"
    assert invoice.custom_fields is not None
    assert [(entry.name, entry.value) for entry in invoice.custom_fields] == [("PO", "4711")]
    assert invoice.footer == "Thank you"
    v1.invoice_items.create(
        {"customer": customer.id, "invoice": invoice.id, "pricing": {"price": price.id}, "quantity": 2}
    )
    v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 500, "description": "Delivery"}]})
    invoice = v1.invoices.finalize_invoice(
        invoice.id, {"expand": ["confirmation_secret", "payments.data.payment.payment_intent"]}
    )
    assert (invoice.status, invoice.total, invoice.amount_due) == ("open", 3500, 3500)
    assert invoice.confirmation_secret is not None
    assert invoice.payments is not None
    intent = invoice.payments.data[0].payment.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert invoice.confirmation_secret.client_secret == intent.client_secret
    paid = v1.invoices.pay(invoice.id)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 3500, 0)
    assert v1.payment_intents.retrieve(intent.id).status == "succeeded"


async def _life(client: stripe.StripeClient) -> stripe.Invoice:
    v1 = client.v1
    customer = await v1.customers.create_async({"email": "ada@example.com"})
    invoice = await v1.invoices.create_async(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 1}
    )
    await v1.invoices.add_lines_async(invoice.id, {"lines": [{"amount": 700, "description": "Work"}]})
    await v1.invoices.finalize_invoice_async(invoice.id, {"expand": ["confirmation_secret"]})
    await v1.invoices.send_invoice_async(invoice.id)
    return await v1.invoices.pay_async(invoice.id, {"payment_method": "pm_card_visa"})


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the SDK's own call to httpx
async def test_async_sdk_over_httpx_takes_an_invoice_to_paid(box: RunningSandbox) -> None:
    http = stripe.HTTPXClient()
    try:
        invoice = await _life(box.client_with(SECRET_KEY, http_client=http))
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]
    assert invoice.status == "paid"


async def test_async_sdk_over_aiohttp_takes_an_invoice_to_paid(box: RunningSandbox) -> None:
    http = stripe.AIOHTTPClient()
    try:
        invoice = await _life(box.client_with(SECRET_KEY, http_client=http))
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]
    assert invoice.status == "paid"


async def test_raw_requests_over_aiohttp_are_understood(box: RunningSandbox) -> None:
    http = stripe.AIOHTTPClient()
    client = box.client_with(SECRET_KEY, http_client=http)
    fields = [{"name": "PO", "value": "ä & [b]=c"}]
    try:
        answer = await client.raw_request_async(
            "post", "/v1/customers", email="a@b.example", invoice_settings={"custom_fields": fields}
        )
    finally:
        await http.close_async()  # type: ignore[no-untyped-call]
    assert answer.code == 200
    assert answer.data["invoice_settings"]["custom_fields"] == fields
