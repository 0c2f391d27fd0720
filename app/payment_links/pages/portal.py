"""A customer's own pages, behind a portal link: all invoices, saved payment methods, tax ids, receipts and PDFs.

Reads are made here. The page's script calls the API with the link's token, in the header Authorization: no cookie is
set, so another site cannot act for the customer.
"""

import json
from http import HTTPStatus

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.access.authentication import Authentication
from app.access.portal_links import PortalLinks
from app.db import documents
from app.db.engine import Database
from app.db.resources import CUSTOMER, INVOICE, PAYMENT_METHOD, TAX_ID
from app.db.rows import load
from app.db.schema import fulfillments
from app.domain.access import Caller, CallerKind
from app.domain.errors import NotFound
from app.domain.fulfillment import under_way
from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonObject
from app.domain.payment_link import HOSTED_PAGES, PortalLink
from app.http.dependencies import service_of
from app.http.routing import require_own_invoice
from app.invoices.hosted_pages import HostedPages
from app.payment_links.pages.routes import NO_STORE, PageRoutes
from app.payment_links.service import PaymentLinks
from app.settings import Settings

SHOWN = 100
"""The most open invoices, earlier invoices and payment methods of one page."""


def install(app: FastAPI, settings: Settings) -> None:
    found = PortalRoutes(settings)
    app.router.routes += [
        Route("/portal/{token}", found.page(found.portal), methods=["GET"]),
        Route("/portal/{token}/{invoice_id}/{name}", found.page(found.forward_invoice), methods=["GET"]),
    ]


class PortalRoutes(PageRoutes):
    async def portal(self, request: Request) -> Response:
        """Show what the customer owes, has paid, and pays with."""
        link = await _link_of(request)
        shown = await _shown(request, link.customer)
        appearance = json.dumps(self._settings.payment_page_appearance)
        language = self._language(request, shown["customer"])
        page = self._pages.portal(shown, request.path_params["token"], appearance, language)
        return HTMLResponse(page, headers=self._headers)

    async def forward_invoice(self, request: Request) -> Response:
        """Forward to an invoice's payment page, or to one of Stripe's pages for it."""
        invoice, name = request.path_params["invoice_id"], request.path_params["name"]
        link = await _link_of(request)
        await require_own_invoice(request, link.customer)
        if name == "pay":
            url: str | None = await service_of(request, PaymentLinks).url_in_portal(link, invoice)
        else:
            await service_of(request, Authentication).limit_client_secrets(link.id)
            url = (await service_of(request, HostedPages).of(invoice)).get(HOSTED_PAGES.get(name, ""))
        if url is None:
            raise NotFound("There is no such page.")
        return RedirectResponse(url, HTTPStatus.FOUND, NO_STORE)


async def _link_of(request: Request) -> PortalLink:
    """The link of the page, whose requests are counted together with those that the page's script sends to the API."""
    link = await service_of(request, PortalLinks).link_of(request.path_params["token"])
    await service_of(request, Authentication).limit_caller(Caller(link.id, CallerKind.CUSTOMER))
    return link


async def _shown(request: Request, customer: str) -> JsonObject:
    """What the page shows. Drafts are not shown: they may change."""
    cursor = request.query_params.get("cursor")
    async with service_of(request, Database).connection() as connection:
        known = await documents.require(connection, CUSTOMER, customer)
        mine = {"customer": customer}
        opened = await documents.page(
            connection, INVOICE, {**mine, "status": InvoiceStatus.OPEN}, limit=SHOWN, cursor=None
        )
        all_of_them = await documents.page(connection, INVOICE, mine, limit=SHOWN, cursor=cursor)
        methods = await documents.page(connection, PAYMENT_METHOD, mine, limit=SHOWN, cursor=None)
        tax_ids = await documents.page(connection, TAX_ID, mine, limit=SHOWN, cursor=None)
        pages = [msgspec.json.decode(page) for page in (opened, all_of_them, methods, tax_ids)]
        stand = await load(connection, fulfillments, [it["id"] for it in pages[0]["data"]], by="invoice")
    past = [
        invoice for invoice in pages[1]["data"] if invoice["status"] not in {InvoiceStatus.DRAFT, InvoiceStatus.OPEN}
    ]
    listed = [*pages[0]["data"], *past]
    return {
        "customer": msgspec.json.decode(known),
        "merchant": listed[0]["account_name"] if listed else None,
        "open": pages[0]["data"],
        "under_way": {invoice for invoice, row in stand.items() if under_way(row)},
        "past": past,
        "methods": pages[2]["data"],
        "tax_ids": pages[3]["data"],
        "next_cursor": pages[1]["next_cursor"],
    }
