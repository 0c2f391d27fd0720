"""Owns the HTTP application: its routers, its life, its error answers, its description."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app import tracing
from app.api import docs, errors, openapi
from app.api.cors import allow_origins
from app.api.gate import Gate
from app.api.operation import Directory, Operation
from app.api.routers import (
    access,
    customers,
    feed,
    fulfillments,
    health,
    invoices,
    items,
    outgoing,
    payment_links,
    products,
)
from app.api.webhook import PATH, WebhookEndpoint
from app.pages import routes as pages
from app.scraping import scraped
from app.settings import Settings
from app.version import VERSION
from app.wiring import built

ROUTERS = (
    invoices.router,
    items.router,
    customers.router,
    products.products,
    products.prices,
    payment_links.router,
    fulfillments.fulfillments,
    fulfillments.actions,
    fulfillments.events,
    feed.events,
    feed.of_invoices,
    outgoing.deliveries,
    outgoing.endpoints,
    access.keys,
    access.audit,
)
"""What is behind a key or a token: the rule of each operation stands in domain/access.py."""


class Application(FastAPI):
    """The framework's application, which Stripe's deliveries pass by: it takes longer to find them than they take."""

    deliveries: WebhookEndpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if self.deliveries.takes(scope):
            await self.deliveries(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings) -> Application:
    """The application; it opens its parts when it starts and closes them when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tracing.start(settings.otel_exporter_otlp_endpoint, settings.otel_service_name or "invoicing-api", VERSION)
        try:
            async with built(settings) as parts, scraped(parts, settings.metrics_port, VERSION):
                app.state.parts = parts
                yield
        finally:
            await asyncio.to_thread(tracing.stop)

    app = Application(
        title="Invoicing",
        summary="Stripe invoices from draft to fulfilled, exactly once.",
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # the gate does it; asking costs at each request
    )
    operations = [route for router in ROUTERS for route in router.routes if isinstance(route, Operation)]
    app.router.routes += [*operations, *health.router.routes]
    app.deliveries = WebhookEndpoint(app, settings)
    app.router.routes.append(Route(PATH, app.deliveries, methods=["POST"]))
    pages.install(app, settings)
    errors.install(app)
    docs.install(app)
    openapi.install(app)
    app.add_middleware(Directory, operations=operations)
    app.add_middleware(Gate, settings=settings)
    allow_origins(app, settings.cors_origins)
    return app


def end_streams(app: FastAPI) -> None:
    """Have the streams of `app` end; a signal's handler may call it, whether the application has started or not."""
    if hasattr(app.state, "parts"):
        app.state.parts.live.end()
