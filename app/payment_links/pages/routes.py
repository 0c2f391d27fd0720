"""The routes under /pay: pages, and what their scripts request. The link's token is the only credential."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.db.engine import Database
from app.domain.errors import Forbidden, InvalidState, InvoicingError, NotFound, RateLimited, Refused, ValidationFailed
from app.domain.idempotency import MAX_KEY_LENGTH
from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonObject, JsonView
from app.domain.payment_link import HOSTED_PAGES
from app.events import feed_statements
from app.events.feed_statements import Query
from app.events.sse import EventStream, Listener, nudge
from app.http.dependencies import service_of
from app.http.problems import STATUS
from app.languages.language import Language, choose
from app.payment_links.pages.assets import asset, served
from app.payment_links.pages.brand import brand_of
from app.payment_links.pages.headers import page_headers
from app.payment_links.promotion_codes import PromotionCodes
from app.payment_links.service import PaymentLinks
from app.settings import Settings

if TYPE_CHECKING:
    from app.payment_links.pages.rendering import Pages

LONGEST_FORM = 2000
"""Bytes that are read of a form."""
TRANSFER = "display_bank_transfer_instructions"
"""Stripe's word for a payment that comes by bank transfer."""
NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}

Endpoint = Callable[[Request], Awaitable[Response]]


def install(app: FastAPI, settings: Settings) -> None:
    found = PageRoutes(settings)
    app.router.routes += [
        Route("/pay/assets/{version}/{name}", asset, methods=["GET"]),
        Route("/pay/brand/{version}.css", found.brand, methods=["GET"]),
        Route("/pay/{token}", found.page(found.pay), methods=["GET"]),
        Route("/pay/{token}/complete", found.page(found.complete), methods=["GET"]),
        *(
            Route(f"/pay/{{token}}/{it}", found.page(partial(found.forward, it)), methods=["GET"])
            for it in HOSTED_PAGES
        ),
        Route("/pay/{token}/receipt", found.page(found.receipt), methods=["GET"]),
        Route("/pay/{token}/payment", found.payment, methods=["GET"]),
        Route("/pay/{token}/promotion-code", found.page(found.promotion_code), methods=["POST"]),
        Route("/pay/{token}/finalize", found.page(found.finalize), methods=["POST"]),
        Route("/pay/{token}/session", found.session, methods=["GET"]),
        Route("/pay/{token}/part", found.part, methods=["POST"]),
        Route("/pay/{token}/status", found.status, methods=["GET"]),
        Route("/pay/{token}/status", found.catch_up, methods=["POST"]),
        Route("/pay/{token}/events", found.events, methods=["GET"]),
    ]


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """How much of the invoice the payer wants to pay."""

    amount: int


class PageRoutes:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._headers = page_headers(settings)
        self._brand = brand_of(settings)

    @cached_property
    def _pages(self) -> Pages:
        from app.payment_links.pages.rendering import Pages  # noqa: PLC0415 -- importing Jinja would delay the start

        return Pages(self._settings, self._brand)

    def page(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint of a page. Its errors are told as a page, too."""

        async def shown(request: Request) -> Response:
            try:
                return await endpoint(request)
            except InvoicingError as error:
                about = str(error.extra.get("link", error.code))
                headers = dict(self._headers)
                if error.retry_after is not None:
                    headers["Retry-After"] = str(error.retry_after)
                return HTMLResponse(self._pages.notice(about, self._language(request)), STATUS[error.code], headers)

        return shown

    async def brand(self, request: Request) -> Response:
        """Serve the style sheet with the merchant's color."""
        return served(self._brand.styles, ".css", current=request.path_params["version"] == self._brand.version)

    async def pay(self, request: Request) -> Response:
        element: Literal["card", "payment"] = "card" if request.query_params.get("element") == "card" else "payment"
        token = request.path_params["token"]
        links, another_way, transfer = service_of(request, PaymentLinks), "another_way" in request.query_params, None
        invoice = await links.page(token)
        waits = invoice["required_action"] == TRANSFER or "transfer" in request.query_params
        if waits and invoice["status"] == InvoiceStatus.OPEN and not another_way:
            transfer = await links.bank_transfer(token)
        language, said = self._language(request, invoice), request.query_params.get("said", "")
        if transfer:
            page = self._pages.transfer(invoice, token, transfer, language)
        else:
            page = self._pages.invoice(invoice, token, element, language, said, another_way=another_way)
        return HTMLResponse(page, headers=self._headers)

    async def forward(self, name: str, request: Request) -> Response:
        """Forward to one of Stripe's pages for the link's invoice, at an address that has not expired."""
        found = await service_of(request, PaymentLinks).hosted_pages(request.path_params["token"])
        if found[HOSTED_PAGES[name]] is None:
            raise NotFound("The invoice of this link has no such page.")
        return RedirectResponse(found[HOSTED_PAGES[name]], HTTPStatus.FOUND, NO_STORE)

    async def receipt(self, request: Request) -> Response:
        """Forward to Stripe's receipt of the last payment, at an address that Stripe gives now."""
        charge = (await service_of(request, PaymentLinks).payment(request.path_params["token"]))["charge"]
        if not charge or not charge["receipt_url"]:
            raise NotFound("The invoice of this link has no receipt.")
        return RedirectResponse(charge["receipt_url"], HTTPStatus.FOUND, NO_STORE)

    async def payment(self, request: Request) -> Response:
        """Return what the page says of the last payment: when, with what, and whether there is a receipt."""
        invoice = await service_of(request, PaymentLinks).payment(request.path_params["token"])
        return _json(self._pages.payment(invoice, self._language(request, invoice)))

    async def complete(self, request: Request) -> Response:
        """Show the page that Stripe sends the person back to."""
        token = request.path_params["token"]
        invoice = await service_of(request, PaymentLinks).page(token, following=True)
        page = self._pages.outcome(invoice, token, self._language(request, invoice))
        return HTMLResponse(page, headers=self._headers)

    async def promotion_code(self, request: Request) -> Response:
        """Take the entered promotion code off the draft of the link, and show the page again."""
        form = dict(parse_qsl((await request.body())[:LONGEST_FORM].decode(errors="replace")))
        codes = service_of(request, PromotionCodes)
        entering = codes.enter(request.path_params["token"], form.get("code", "").strip())
        return await self._done(request, entering, "applied")

    async def finalize(self, request: Request) -> Response:
        """Finalize the draft of the link, and show the page, which now takes the payment."""
        codes = service_of(request, PromotionCodes)
        return await self._done(request, codes.finalize(request.path_params["token"]), "")

    async def _done(self, request: Request, doing: Awaitable[None], said: str) -> Response:
        """Back to the page, which says how it ended. What the link itself forbids is said at once."""
        try:
            await doing
        except RateLimited:
            said = "spent"
        except (NotFound, Forbidden):
            raise
        except InvalidState:
            said = ""
        except Refused as error:
            refused = error.param in {"code", "discounts"} or request.url.path.endswith("code")
            said = "refused" if refused else "unfinished"
        address = f"/pay/{request.path_params['token']}"
        return RedirectResponse(f"{address}?said={said}" if said else address, HTTPStatus.SEE_OTHER, NO_STORE)

    async def session(self, request: Request) -> Response:
        """Return what the page's script needs to take a payment for the link's invoice."""
        return self._session(await service_of(request, PaymentLinks).client_secret(request.path_params["token"]))

    async def part(self, request: Request) -> Response:
        """Return the same for a part of the invoice. With an Idempotency-Key the request may be repeated."""
        token, key = request.path_params["token"], request.headers.get("idempotency-key")
        try:
            amount = msgspec.json.decode(await request.body(), type=Part).amount
        except msgspec.MsgspecError as error:
            raise ValidationFailed("amount must be an integer in the currency's minor unit.", param="amount") from error
        if key is not None and not (key.isascii() and key.isprintable() and len(key) <= MAX_KEY_LENGTH):
            raise ValidationFailed("Idempotency-Key: printable characters of ASCII.", param="Idempotency-Key")
        links, request_id = service_of(request, PaymentLinks), request.scope.get("request_id")
        return self._session(await links.part(token, amount, key=key or None, request_id=request_id))

    def _session(self, found: JsonObject) -> Response:
        settings = self._settings
        shown = {"publishable_key": settings.stripe_publishable_key, "appearance": settings.payment_page_appearance}
        return _json(found | shown)

    async def status(self, request: Request) -> Response:
        """Return the state of the invoice and its fulfillment, as stored here."""
        return _json(await service_of(request, PaymentLinks).status(request.path_params["token"]))

    async def catch_up(self, request: Request) -> Response:
        """Return the state after asking Stripe, for a person whose webhook is late."""
        return _json(await service_of(request, PaymentLinks).catch_up(request.path_params["token"]))

    async def events(self, request: Request) -> Response:
        """Stream when to look again. It does not say what changed: that needs the scope to read events."""
        links, token = service_of(request, PaymentLinks), request.path_params["token"]
        invoice = await links.invoice(token)
        listener = Listener(links.made_for(token), self._settings.stream_limit_customer, partial(links.invoice, token))
        async with service_of(request, Database).connection() as connection:
            now = await feed_statements.last_position(connection)
        return EventStream(request, listener, Query(invoice=invoice), now, shown=nudge)

    def _language(self, request: Request, invoice: JsonView | None = None) -> Language:
        """The language of the customer, or of the browser."""
        wanted = (invoice or {}).get("preferred_locales") or []
        return choose(wanted, request.headers.get("accept-language", ""), self._settings.default_locale)


def _json(document: JsonObject) -> Response:
    return Response(msgspec.json.encode(document), headers=NO_STORE, media_type="application/json")
