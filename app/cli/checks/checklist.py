"""The doctor's checks, in order."""

from collections.abc import AsyncIterator

from app.cli.checks import account, backlog, database, endpoint, surroundings
from app.cli.checks.findings import Check, Finding, Level, examined
from app.container import built
from app.settings import Settings

STRIPE_WITHIN_S = 8.0
"""Seconds a call to Stripe may take here, because a person waits."""

WITHOUT_DATABASE: tuple[tuple[str, Check], ...] = (
    ("stripe", account.check),
    ("webhook endpoint", endpoint.check),
    ("mail", surroundings.check_mail),
    ("reminders", surroundings.check_reminders),
    ("identity provider", surroundings.check_identity),
    ("open files", surroundings.check_files),
)
WITH_DATABASE: tuple[tuple[str, Check], ...] = (
    ("webhook secret", endpoint.check_secret),
    ("coverage", endpoint.check_coverage),
    ("inbox", backlog.check),
    ("secrets key", surroundings.check_secrets_key),
    ("callers", surroundings.check_callers),
)
"""Checks that need the database at this build's schema."""


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Run all checks. The settings must be safe and complete."""
    hasty = settings.model_copy(
        update={
            "stripe_max_retries": 0,
            "stripe_timeout_s": min(settings.stripe_timeout_s, STRIPE_WITHIN_S),
            "stripe_deadline_s": STRIPE_WITHIN_S,
        }
    )
    async with built(hasty) as container:
        there = True
        async for finding in examined(container, (("database", database.check),)):
            there = there and not (finding.level is Level.FAIL and finding.check in {"database", "migrations"})
            yield finding
        async for finding in examined(container, WITHOUT_DATABASE):
            yield finding
        if there:
            async for finding in examined(container, WITH_DATABASE):
                yield finding
