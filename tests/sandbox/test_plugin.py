"""The pytest plugin: in a project of its own, as a process, and the fixture in this one."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import stripe

from offline_stripe.pytest_plugin import StripeSandbox
from tests.sandbox.process import RunningSandbox
from tests.sandbox.receiver import Receiver

PROJECT = """
from stripe import StripeClient, Webhook

def test_an_invoice_is_paid(stripe_sandbox):
    client = StripeClient(stripe_sandbox.secret_key, base_addresses={"api": stripe_sandbox.url})
    customer = client.v1.customers.create({"name": "Ada"})
    invoice = client.v1.invoices.create({"customer": customer.id})
    client.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 500, "description": "Work"}]})
    client.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    paid = stripe_sandbox.webhooks.wait_for("invoice.paid")
    assert Webhook.construct_event(paid.body, paid.signature, stripe_sandbox.webhook_secret).type == "invoice.paid"

def test_another_test_has_another_account(stripe_sandbox):
    client = StripeClient(stripe_sandbox.secret_key, base_addresses={"api": stripe_sandbox.url})
    assert client.v1.customers.list().data == []
    stripe_sandbox.webhooks.wait_for("invoice.paid", timeout=0.1)
"""


def run(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_mine.py").write_text(PROJECT)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "test_mine.py"]
    environment = {**os.environ, "PYTEST_ADDOPTS": "", **more}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=100
    )


def test_an_empty_project_has_the_fixture_and_sees_what_fails(tmp_path: Path) -> None:
    ran = run(tmp_path)
    assert "1 failed, 1 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "AssertionError: 0 of 1 invoice.paid within 0.1 s; what arrived: nothing" in ran.stdout


def test_a_sandbox_that_runs_is_used(tmp_path: Path, box: RunningSandbox) -> None:
    before = box.control("GET", "accounts")
    assert "1 failed, 1 passed" in run(tmp_path, OFFLINE_STRIPE_URL=box.url).stdout
    assert box.control("GET", "accounts") == before, "the accounts are deleted after each test"


@pytest.fixture
def client(stripe_sandbox: StripeSandbox) -> stripe.StripeClient:
    return stripe.StripeClient(
        stripe_sandbox.secret_key, base_addresses={"api": stripe_sandbox.url}, max_network_retries=0
    )


def test_time_passes_at_once(stripe_sandbox: StripeSandbox, client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"email": "a@b.example"})
    invoice = client.v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 7}
    )
    client.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 500, "description": "Work"}]})
    client.v1.invoices.finalize_invoice(invoice.id)
    stripe_sandbox.advance(8 * 86_400)
    overdue = stripe_sandbox.webhooks.wait_for("invoice.overdue")
    assert overdue.object["id"] == invoice.id
    assert stripe_sandbox.account == client.v1.accounts.retrieve_current().id
    assert "invoice.finalized" in stripe_sandbox.webhooks.types
    stripe_sandbox.webhooks.clear()
    assert len(stripe_sandbox.webhooks) == 0
    assert [*stripe_sandbox.webhooks] == []


def test_a_fault_lasts_as_long_as_its_block(stripe_sandbox: StripeSandbox, client: stripe.StripeClient) -> None:
    with stripe_sandbox.fault("POST", "/v1/customers", status=503) as fault:
        with pytest.raises(stripe.APIError):
            client.v1.customers.create({"name": "A"})
        assert fault.struck == 1
    assert client.v1.customers.create({"name": "A"}).name == "A"
    assert fault.struck == 1
    with pytest.raises(ZeroDivisionError), stripe_sandbox.fault(kind="status"):
        raise ZeroDivisionError
    assert stripe_sandbox.control("GET", "faults")["faults"] == []


def test_an_endpoint_of_yours_gets_the_events_too(stripe_sandbox: StripeSandbox, client: stripe.StripeClient) -> None:
    receiver = Receiver()
    secret = stripe_sandbox.deliver_to(receiver.url)
    for name in ("A", "B"):
        client.v1.customers.create({"name": name})
    receiver.wait_for("customer.created")
    stripe.Webhook.construct_event(receiver.bodies[0], receiver.headers[0]["stripe-signature"], secret)
    assert stripe_sandbox.webhooks.wait_for("customer.created", count=2).object["name"] in {"A", "B"}
    receiver.close()


def test_the_browser_s_key_is_the_account_s(stripe_sandbox: StripeSandbox, client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    told = {
        "client_secret": intent.client_secret,
        "payment_method": "pm_card_visa",
        "key": stripe_sandbox.publishable_key,
    }
    url = f"{stripe_sandbox.url}/v1/payment_intents/{intent.id}/confirm"
    assert httpx.post(url, data=told, trust_env=False).json()["status"] == "succeeded"
    assert os.environ.get("OFFLINE_STRIPE_URL") is None
