"""pip install offline-stripe pytest && pytest. No key, no network, no set-up: the fixture comes with the package."""

from stripe import CardError, StripeClient, Webhook


def test_an_invoice_is_declined_then_paid(stripe_sandbox):
    stripe = StripeClient(stripe_sandbox.secret_key, base_addresses={"api": stripe_sandbox.url})
    customer = stripe.v1.customers.create({"name": "Ada", "email": "ada@example.com"})
    invoice = stripe.v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 30}
    )
    stripe.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 2500, "description": "Consulting"}]})
    stripe.v1.invoices.finalize_invoice(invoice.id)

    try:
        stripe.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa_chargeDeclined"})
    except CardError as declined:
        assert declined.code == "card_declined"
    failed = stripe_sandbox.webhooks.wait_for("invoice.payment_failed")
    Webhook.construct_event(failed.body, failed.signature, stripe_sandbox.webhook_secret)

    assert stripe.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"}).status == "paid"
    assert stripe_sandbox.webhooks.wait_for("invoice.paid").object["amount_paid"] == 2500


def test_an_invoice_falls_overdue_in_no_time(stripe_sandbox):
    stripe = StripeClient(stripe_sandbox.secret_key, base_addresses={"api": stripe_sandbox.url})
    customer = stripe.v1.customers.create({"name": "Bea", "email": "bea@example.com"})
    invoice = stripe.v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 7}
    )
    stripe.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 900, "description": "Support"}]})
    stripe.v1.invoices.finalize_invoice(invoice.id)
    stripe_sandbox.advance(8 * 24 * 3600)
    assert stripe_sandbox.webhooks.wait_for("invoice.overdue").object["id"] == invoice.id


def test_the_network_fails_and_the_client_tries_again(stripe_sandbox):
    stripe = StripeClient(stripe_sandbox.secret_key, base_addresses={"api": stripe_sandbox.url}, max_network_retries=2)
    with stripe_sandbox.fault("POST", "/v1/customers", kind="drop_response", times=1) as fault:
        stripe.v1.customers.create({"name": "Cleo"})
    assert fault.struck == 1
    assert len(stripe.v1.customers.list().data) == 1  # the idempotency key made it one
