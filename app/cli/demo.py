"""`invoicing demo`: takes one invoice from draft to fulfilled, through the public API only, one line per step.

It is an ordinary client. It pays with one of Stripe's test payment methods, so it needs a test key.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import httpx

PATIENCE_S = 60.0
POLL_S = 0.1
DONE = "fulfilled"


class Steps:
    """Prints each step when it is done, with its result and its time."""

    def __init__(self) -> None:
        self._number = 0

    @asynccontextmanager
    async def step(self, title: str) -> AsyncIterator[list[str]]:
        """Time one step. What the block appends is printed after its title."""
        self._number += 1
        said: list[str] = []
        started = time.perf_counter()
        yield said
        took = (time.perf_counter() - started) * 1000
        typer.echo(f"  {self._number:2}  {title:<26} {'  '.join(said):<62} {took:7.0f} ms")


class Api:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """POST with an idempotency key."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return self._read(await self._client.post(path, json=body, headers=headers))

    async def get(self, path: str) -> dict[str, Any]:
        return self._read(await self._client.get(path))

    @staticmethod
    def _read(response: httpx.Response) -> dict[str, Any]:
        asked = f"{response.request.method} {response.request.url}"
        try:
            document: dict[str, Any] = response.json()
        except ValueError:
            raise RuntimeError(f"{asked}: {response.status_code} without JSON; is that the API?") from None
        if response.is_error:
            raise RuntimeError(f"{asked}: {document.get('detail')}")
        return document


def demo(
    url: Annotated[str | None, typer.Option(help="Where the API is; PUBLIC_BASE_URL otherwise.")] = None,
    another: Annotated[bool, typer.Option(help="Leave one more invoice open, and say where to pay it.")] = True,
) -> None:
    """Run the main job once against the running service: an invoice from draft to fulfilled."""
    from app.cli.environment import settings

    found = settings()
    if found.livemode:
        typer.echo(
            "The demo would make objects in your live account: give it a test key in STRIPE_SECRET_KEY.", err=True
        )
        raise typer.Exit(2)
    key = found.api_bootstrap_key
    if key is None:
        typer.echo("API_BOOTSTRAP_KEY is not set; the demo calls the API with it.", err=True)
        raise typer.Exit(2)
    fulfilled = asyncio.run(run(url or found.public_base_url, key.get_secret_value(), another=another))
    raise typer.Exit(0 if fulfilled else 1)


async def run(base_url: str, key: str, *, another: bool) -> bool:
    """Take one invoice from draft to fulfilled. Returns whether it succeeded. Prints its progress.

    With `another`, it leaves one more invoice open and prints where to look at both.
    """
    import httpx

    headers = {"Authorization": f"Bearer {key}"}
    typer.echo("\nThe main job: one invoice from draft to fulfilled\n")
    started = time.perf_counter()
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=60, trust_env=False) as client:
        try:
            api = Api(client)
            invoice, page = await _lifecycle(api, Steps())
            pages = [page, await _another(api, invoice)] if another else []
        except httpx.HTTPError as error:
            typer.echo(f"\nThe main job failed: {base_url}: {str(error) or type(error).__name__}", err=True)
            return False
        except RuntimeError as error:
            typer.echo(f"\nThe main job failed: {error}", err=True)
            return False
    took = time.perf_counter() - started
    fulfilled = bool(invoice["fulfillment"] and invoice["fulfillment"]["status"] == DONE)
    outcome = "fulfilled" if fulfilled else f"NOT fulfilled: {invoice['fulfillment']}"
    typer.echo(
        f"\nInvoice {invoice['number']} ({invoice['id']}) is {invoice['status']} and {outcome}, in {took:.1f} s."
    )
    for name, address in zip(("its payment page", "pay one yourself"), pages, strict=False):
        typer.echo(f"  {name} {address}")
    return fulfilled


async def _another(api: Api, paid: dict[str, Any]) -> str:
    """Leave one more invoice like `paid` open. Returns the address of its payment page."""
    items = [{"amount": paid["total"], "currency": paid["currency"], "description": "Consulting, one more time"}]
    terms = {"customer": paid["customer"], "days_until_due": 30, "finalize": True}
    invoice = await api.post("/v1/invoices", {**terms, "items": items})
    link = await api.post(f"/v1/invoices/{invoice['id']}/payment-link")
    return str(link["url"])


async def _lifecycle(api: Api, steps: Steps) -> tuple[dict[str, Any], str]:
    """Returns the final invoice and the address of its payment page."""
    order = f"demo-{uuid.uuid4().hex[:8]}"
    async with steps.step("product") as said:
        product = await api.post("/v1/products", {"name": "Consulting"})
        said.append(product["id"])
    async with steps.step("price") as said:
        price = await api.post("/v1/prices", {"product": product["id"], "unit_amount": 12000, "currency": "usd"})
        said.append(price["id"])
    async with steps.step("customer") as said:
        customer = await api.post(
            "/v1/customers",
            {
                "name": "Jenny Rosen",
                "email": "jenny.rosen@example.com",
                "payment_method": "pm_card_visa",
                "invoice_settings": {
                    "default_payment_method": "pm_card_visa",
                    "custom_fields": [{"name": "VAT ID", "value": "DE123456789"}],
                },
            },
        )
        said.append(customer["id"])
    invoice = await _invoice(api, steps, customer["id"], price["id"], order)
    async with steps.step("payment link") as said:
        link = await api.post(f"/v1/invoices/{invoice['id']}/payment-link")
        said.append(f"{link['id']}, good until {link['expires_at'][:10]}")
    async with steps.step("payment") as said:
        paid = await api.post(f"/v1/invoices/{invoice['id']}/pay")
        said.append(f"{paid['payment_intent']} {paid['status']}")
    return await _fulfilled(api, steps, invoice["id"]), str(link["url"])


async def _invoice(api: Api, steps: Steps, customer: str, price: str, order: str) -> dict[str, Any]:
    async with steps.step("draft invoice") as said:
        fields = [{"name": "Order", "value": order}]
        terms = {"days_until_due": 30, "custom_fields": fields, "reference": order}
        invoice = await api.post("/v1/invoices", {"customer": customer, **terms})
        said.append(invoice["id"])
    path = f"/v1/invoices/{invoice['id']}"
    async with steps.step("items") as said:
        extra = {"amount": 4900, "currency": "usd", "description": "Travel"}
        invoice = await api.post(f"{path}/items", {"items": [{"price": price, "quantity": 2}, extra]})
        said.append(f"{len(invoice['items'])} items, {invoice['total']} {invoice['currency']}")
    async with steps.step("finalize") as said:
        invoice = await api.post(f"{path}/finalize")
        said.append(f"{invoice['number']} {invoice['status']}")
    async with steps.step("client secret") as said:
        secret = await api.get(f"{path}/client-secret")
        said.append(f"{secret['payment_intent']} (the secret is for the payment page)")
    return invoice


async def _fulfilled(api: Api, steps: Steps, invoice_id: str) -> dict[str, Any]:
    """Wait until the signed webhook has arrived and is applied."""
    async with steps.step("signed webhook, fulfillment") as said:
        deadline = time.monotonic() + PATIENCE_S
        invoice = await api.get(f"/v1/invoices/{invoice_id}")
        while (invoice["fulfillment"] or {}).get("status") != DONE and time.monotonic() < deadline:
            await asyncio.sleep(POLL_S)
            invoice = await api.get(f"/v1/invoices/{invoice_id}")
        said.append(str((invoice["fulfillment"] or {}).get("status", "no webhook arrived")))
    return invoice
