"""`invoicing demo`: takes one invoice from draft to fulfilled, through the public API only, one line per step.

It is an ordinary client. It pays with one of Stripe's test payment methods, so it needs a test key.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import httpx

PATIENCE_S = 60.0
POLL_S = 0.1
DONE = "fulfilled"


Document = dict[str, Any]


def _id(document: Document) -> str:
    return str(document["id"])


class Api:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._steps = 0

    async def post(self, path: str, body: Document | None = None) -> Document:
        """POST with an idempotency key."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return self._read(await self._client.post(path, json=body, headers=headers))

    async def get(self, path: str) -> Document:
        return self._read(await self._client.get(path))

    async def step(self, title: str, asking: Awaitable[Document], says: Callable[[Document], str] = _id) -> Document:
        """The document that `asking` answers. Prints a line with what it `says`, and how long it took."""
        started = time.perf_counter()
        found = await asking
        self._steps += 1
        took = (time.perf_counter() - started) * 1000
        typer.echo(f"  {self._steps:2}  {title:<26} {says(found):<62} {took:7.0f} ms")
        return found

    @staticmethod
    def _read(response: httpx.Response) -> Document:
        asked = f"{response.request.method} {response.request.url}"
        try:
            document: Document = response.json()
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
            invoice, page = await _lifecycle(api)
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


async def _another(api: Api, paid: Document) -> str:
    """Leave one more invoice like `paid` open. Returns the address of its payment page."""
    items = [{"amount": paid["total"], "currency": paid["currency"], "description": "Consulting, one more time"}]
    terms = {"customer": paid["customer"], "days_until_due": 30, "finalize": True}
    invoice = await api.post("/v1/invoices", {**terms, "items": items})
    link = await api.post(f"/v1/invoices/{invoice['id']}/payment-link")
    return str(link["url"])


async def _lifecycle(api: Api) -> tuple[Document, str]:
    """Returns the final invoice and the address of its payment page."""
    order = f"demo-{uuid.uuid4().hex[:8]}"
    product = await api.step("product", api.post("/v1/products", {"name": "Consulting"}))
    wanted: Document = {"product": product["id"], "unit_amount": 12000, "currency": "usd"}
    price = await api.step("price", api.post("/v1/prices", wanted))
    fields = [{"name": "VAT ID", "value": "DE123456789"}]
    wanted = {
        "name": "Jenny Rosen",
        "email": "jenny.rosen@example.com",
        "payment_method": "pm_card_visa",
        "invoice_settings": {"default_payment_method": "pm_card_visa", "custom_fields": fields},
    }
    customer = await api.step("customer", api.post("/v1/customers", wanted))
    terms = {"days_until_due": 30, "custom_fields": [{"name": "Order", "value": order}], "reference": order}
    draft = await api.step("draft invoice", api.post("/v1/invoices", {"customer": customer["id"], **terms}))
    path = f"/v1/invoices/{draft['id']}"
    items = [
        {"price": price["id"], "quantity": 2},
        {"amount": 4900, "currency": "usd", "description": "Travel"},
    ]
    await api.step(
        "items",
        api.post(f"{path}/items", {"items": items}),
        lambda it: f"{len(it['items'])} items, {it['total']} {it['currency']}",
    )
    await api.step("finalize", api.post(f"{path}/finalize"), lambda it: f"{it['number']} {it['status']}")
    await api.step(
        "client secret",
        api.get(f"{path}/client-secret"),
        lambda it: f"{it['payment_intent']} (the secret is for the payment page)",
    )
    link = await api.step(
        "payment link",
        api.post(f"{path}/payment-link"),
        lambda it: f"{it['id']}, good until {it['expires_at'][:10]}",
    )
    await api.step("payment", api.post(f"{path}/pay"), lambda it: f"{it['payment_intent']} {it['status']}")
    fulfilled = await api.step(
        "signed webhook, fulfillment",
        _fulfilled(api, path),
        lambda it: str((it["fulfillment"] or {}).get("status", "no webhook arrived")),
    )
    return fulfilled, str(link["url"])


async def _fulfilled(api: Api, path: str) -> Document:
    """Wait until the signed webhook has arrived and is applied."""
    deadline = time.monotonic() + PATIENCE_S
    invoice = await api.get(path)
    while (invoice["fulfillment"] or {}).get("status") != DONE and time.monotonic() < deadline:
        await asyncio.sleep(POLL_S)
        invoice = await api.get(path)
    return invoice
