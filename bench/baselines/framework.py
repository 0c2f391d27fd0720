"""The usual good way: FastAPI on asyncpg, one statement a request, JSON built by PostgreSQL."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI, Request, Response

from bench.baselines import delivery
from bench.baselines.statements import LIST, MIRROR, ONE

JSON = "application/json"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=10) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_lifespan, openapi_url=None)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    """Up."""
    return {}


@app.post("/webhooks/stripe")
async def receive_webhook(request: Request) -> Response:
    """Take a delivery."""
    body = await request.body()
    event = delivery.read(body, request.headers.get("stripe-signature", "").encode())
    if event is None:
        return Response(status_code=400)
    await request.app.state.pool.execute(MIRROR, *delivery.mirror_arguments(event, body))
    return Response(b'{"received":true}', media_type=JSON)


@app.get("/v1/invoices/{invoice_id}")
async def get_invoice(request: Request, invoice_id: str) -> Response:
    """Read one."""
    text: Any = await request.app.state.pool.fetchval(ONE, invoice_id)
    return Response(text, media_type=JSON) if text else Response(status_code=404)


@app.get("/v1/invoices")
async def list_invoices(request: Request, limit: int = 20) -> Response:
    """Read the newest."""
    assert limit == 20  # noqa: S101 -- what the statement answers
    text: Any = await request.app.state.pool.fetchval(LIST)
    return Response(text, media_type=JSON)
