"""The HTTP application: routes, lifespan, middleware, error answers and OpenAPI document."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app import health, openapi
from app.access import portal_routes
from app.access import routes as access_routes
from app.catalog import routes as catalog_routes
from app.container import built
from app.credit_notes import routes as credit_notes_routes
from app.customers import routes as customers_routes
from app.discounts import routes as discounts_routes
from app.disputes import routes as disputes_routes
from app.events import routes as events_routes
from app.events.live import LiveFeed
from app.fulfillment import routes as fulfillment_routes
from app.http import connections, docs, problems
from app.http.cors import allow_origins
from app.http.middleware import PROBES, RequestMiddleware
from app.http.routing import operations
from app.inbox import routes as inbox_routes
from app.inbox.route import PATH, WebhookEndpoint
from app.introduction import DESCRIPTION, TAGS
from app.invoices import item_routes, payment_routes
from app.invoices import routes as invoices_routes
from app.observability import tracing
from app.outgoing import routes as outgoing_routes
from app.payment_links import routes as payment_links_routes
from app.payment_links.pages import portal
from app.payment_links.pages import routes as pages
from app.payment_methods import routes as payment_methods_routes
from app.refunds import routes as refunds_routes
from app.reports import routes as reports_routes
from app.scraping.server import scraped
from app.settings import Settings
from app.taxes import routes as taxes_routes
from app.version import VERSION

log = structlog.get_logger(__name__)

ROUTERS = (
    invoices_routes.router, invoices_routes.files, item_routes.router, payment_routes.router,
    refunds_routes.router, credit_notes_routes.router, disputes_routes.router, reports_routes.router,
    customers_routes.router, portal_routes.router, payment_methods_routes.router, catalog_routes.products,
    catalog_routes.prices, taxes_routes.rates, taxes_routes.ids, discounts_routes.coupons, discounts_routes.codes,
    payment_links_routes.router, fulfillment_routes.fulfillments, fulfillment_routes.actions, inbox_routes.router,
    events_routes.events, events_routes.of_invoices, outgoing_routes.deliveries, outgoing_routes.router,
    access_routes.router, access_routes.audit,
)  # fmt: skip
"""The routers that need a key or a token. The rule of each operation is in domain/access.py."""


BUSY = PlainTextResponse("Service Unavailable", 503, {"Connection": "close"})
"""The answer on reserved connections, which only serve deliveries and probes."""


class WebhookMiddleware:
    """Middleware that hands Stripe's deliveries straight to their endpoint, and refuses others on reserved connections.

    Matching the route through the router would take longer than recording the delivery.
    """

    def __init__(self, app: ASGIApp, endpoint: ASGIApp) -> None:
        self._app = app
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            if scope["path"] == PATH and scope["method"] == "POST":
                app = self._endpoint
            elif scope["path"] not in PROBES and scope["app"].state.connections.full:
                app = BUSY
        await app(scope, receive, send)


def create_app(settings: Settings) -> FastAPI:
    """Build the application. It opens its services when it starts and closes them when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tracing.start(settings.otel_exporter_otlp_endpoint, settings.otel_service_name or "invoicing-api")
        try:
            async with built(settings) as container, scraped(container, settings.metrics_port, VERSION):
                app.state.container, app.state.services = container, container.services()
                log.info("listening", url=f"http://{settings.host}:{settings.port}", version=VERSION)
                yield
        finally:
            await asyncio.to_thread(tracing.stop)

    app = FastAPI(
        title="Invoicing",
        summary="Stripe invoices from draft to fulfilled, exactly once.",
        description=DESCRIPTION,
        openapi_tags=[{"name": name, "description": told} for name, told in TAGS.items()],
        version=VERSION,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # middleware does it; asking costs time
    )
    for router in ROUTERS:
        app.router.routes += operations(router)  # including routers would be slower: it matches each of them first
    app.router.routes += health.router.routes
    most = connections.MOST + settings.stream_limit
    app.state.connections = connections.Connections(most, settings.connections_per_address, settings.trusted_proxies)
    webhook = WebhookEndpoint(settings)
    app.router.routes.append(Route(PATH, webhook, methods=["POST"]))  # for its other methods, which are refused
    pages.install(app, settings)
    portal.install(app, settings)
    problems.install(app)
    docs.install(app, guide=docs.GUIDE if settings.environment == "development" else None)
    openapi.install(app)
    app.add_middleware(RequestMiddleware, settings=settings)
    allow_origins(app, settings.cors_origins)
    app.add_middleware(WebhookMiddleware, endpoint=webhook)
    return app


def end_streams(app: FastAPI) -> None:
    """End all streams of `app`. A signal handler may call this before the application has started."""
    if hasattr(app.state, "services"):
        app.state.services[LiveFeed].end()
