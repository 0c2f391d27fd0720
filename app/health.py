"""Whether the process is alive, and whether it can do its work."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from app.db import migrations
from app.db.engine import Database
from app.domain.errors import DatabaseUnavailable
from app.http.dependencies import service_of
from app.http.problems import answer
from app.http.schemas import Health
from app.inbox import statements as inbox_statements
from app.settings import Settings
from app.stripe.circuit import CircuitState
from app.stripe.client import StripeGateway

router = APIRouter(tags=["health"])

Excluded = Annotated[
    list[Literal["database", "migrations", "inbox"]],
    Query(description="Checks that are shown but do not count: `inbox` for a probe that decides over one pod."),
]


@router.get("/healthz", operation_id="healthz")
async def healthz() -> Health:
    """Alive: this process answers."""
    return Health(status="ok")


UNREADY = {"model": Health, "description": "Not ready; says which check failed."}


@router.get("/readyz", operation_id="readyz", responses={422: answer(["validation_error"]), 503: UNREADY})
async def readyz(request: Request, response: Response, exclude: Excluded = []) -> Health:  # noqa: B006 -- FastAPI copies
    """Ready: the database is reachable, its migrations are at head or newer, and the inbox keeps up.

    Stripe's circuit is shown, but does not count: reads and deliveries work without Stripe.
    """
    checks = {"database": "ok", "migrations": "ok", "inbox": "ok"}
    try:
        async with service_of(request, Database).spare() as connection:
            applied = await migrations.revision(connection)
            if not migrations.serves(applied):
                checks["migrations"] = f"at {applied}, expected {migrations.head()}"
                checks["inbox"] = "unknown"
            else:
                lag = await inbox_statements.lag_s(connection)
                if lag > service_of(request, Settings).inbox_lag_limit_s:
                    checks["inbox"] = f"the oldest unprocessed event waits for {lag:.0f} s"
    except DatabaseUnavailable:
        checks = {"database": "unreachable", "migrations": "unknown", "inbox": "unknown"}
    ready = all(found == "ok" for name, found in checks.items() if name not in exclude)
    circuit = service_of(request, StripeGateway).state.circuit
    checks["stripe"] = "ok" if circuit is CircuitState.CLOSED else f"circuit {circuit}"
    response.status_code = 200 if ready else 503
    return Health(status="ready" if ready else "not ready", checks=checks)
