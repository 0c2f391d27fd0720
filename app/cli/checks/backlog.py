"""Checks what waits: the inbox's lag, and all that waits for a person."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from app.cli.checks.findings import Finding, fail, ok, warn
from app.container import Container
from app.db import server
from app.inbox import statements as inbox_statements

LATE = 0.2
"""The share of the limit from which there is a warning."""
WAITING = {
    "dead_events": ("events were given up on", "invoicing events list --status dead, then events replay"),
    "dead_actions": ("fulfillment actions were given up on", "invoicing actions list --status dead, then retry"),
    "disabled_endpoints": ("endpoints of others are disabled", "invoicing endpoints list"),
    "stuck_operations": ("operations are unfinished for more than ten minutes", "invoicing operations list --stuck"),
    "disputes_to_answer": ("disputes wait for evidence", "invoicing disputes list --due, then Stripe's Dashboard"),
}
"""What waits for a person, and what to do about it, by the names of server.backlog."""


async def check(container: Container) -> AsyncIterator[Finding]:
    async with container.database.connection() as connection:
        lag_s = await inbox_statements.lag_s(connection)
        backlog = await server.backlog(connection)
    yield _lag(lag_s, container.settings.inbox_lag_limit_s, backlog["last_event_at"])
    waiting = [
        warn("backlog", f"{backlog[it]} {what}", advice) for it, (what, advice) in WAITING.items() if backlog[it]
    ]
    for finding in waiting or [ok("backlog", "nothing waits for a person")]:
        yield finding


def _lag(lag_s: float, limit_s: float, last: datetime | None) -> Finding:
    says = f"the oldest event that is due has waited for {lag_s:,.1f} s"
    if lag_s > limit_s:
        return fail(
            "inbox", says, "Is a worker running? Its log, `invoicing events list --status failed`, docs/operations.md."
        )
    if lag_s > LATE * limit_s:
        return warn("inbox", says, "Watch it; more workers help if they are busy.")
    heard = (
        f"the last event came {(datetime.now(UTC) - last).total_seconds() / 60:,.0f} min ago"
        if last
        else "none ever came"
    )
    return ok("inbox", f"{says}; {heard}")
