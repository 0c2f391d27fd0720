"""Checks Stripe's deliveries: the endpoint at Stripe, undelivered events, and coverage."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from app.cli.checks.findings import Finding, fail, ok, warn
from app.container import Container
from app.db import coverage, server
from app.domain.errors import DatabaseUnavailable, StripeKeyRefused
from app.domain.json import JsonObject
from app.inbox.handlers import HANDLERS
from app.inbox.reconciler import ALARM, KEPT
from app.inbox.signers import last_signer
from app.inbox.stripe_endpoint import PATH
from app.stripe.client import API_VERSION

DAY = timedelta(days=1)
ON_ITS_WAY = timedelta(minutes=10)
"""An event may be on its way for so long."""
PASSES = 3
"""The passes of the reconciler that may fail before there is a warning."""


async def check(container: Container) -> AsyncIterator[Finding]:
    url = f"{container.settings.public_base_url}/webhooks/stripe"
    try:
        there = [it async for it in container.gateway.pages(PATH, {}) if it["url"] == url]
    except StripeKeyRefused as error:
        advice = "Give the key Webhook Endpoints: Read, or look in Stripe's Dashboard yourself."
        yield warn(
            "webhook endpoint", f"cannot be looked at: the key lacks {error.permission or 'read access'}", advice
        )
    else:
        for finding in _endpoint(there, url, await _last_version(container)):
            yield finding
    yield await _undelivered(container)


async def _last_version(container: Container) -> str | None:
    try:
        async with container.database.connection() as connection:
            return await server.delivered_version(connection)
    except DatabaseUnavailable:
        return API_VERSION  # not known, so nothing is said of it


def _endpoint(there: list[JsonObject], url: str, delivered: str | None) -> list[Finding]:
    """The problems of the endpoints for `url`. One without a version delivers in its account's version."""
    advice = f"invoicing webhooks setup --url {url}"
    enabled = [it for it in there if it["status"] == "enabled"]
    if not there:
        says = f"Stripe has none that delivers to {url}"
        return [
            fail("webhook endpoint", says, f"{advice} (or correct PUBLIC_BASE_URL, or take the key of the other mode)")
        ]
    if not enabled:
        return [fail("webhook endpoint", f"{there[0]['id']} is disabled: Stripe delivers nothing", advice)]
    best = min(enabled, key=lambda it: (len(_missing(it)), (it["api_version"] or delivered) != API_VERSION))
    findings = []
    if missing := _missing(best):
        says = f"{best['id']} does not deliver {', '.join(sorted(missing))}"
        findings.append(fail("webhook endpoint", says, advice))
    version = best["api_version"] or delivered
    if version != API_VERSION:
        says = f"{best['id']} delivers in API version {version or 'of the account'}, this build reads {API_VERSION}"
        findings.append(warn("webhook endpoint", f"{says}: each event costs a call to Stripe", advice))
    if len(enabled) > 1:
        says = f"{len(enabled)} enabled endpoints deliver to {url}: each event comes so often, and counts once"
        findings.append(
            warn("webhook endpoint", says, "Fine while a version or a secret is changed; then delete the old one.")
        )
    return findings or [ok("webhook endpoint", f"{best['id']} delivers every handled event to {url}")]


def _missing(endpoint: JsonObject) -> set[str]:
    return set() if "*" in endpoint["enabled_events"] else HANDLERS.keys() - set(endpoint["enabled_events"])


async def _undelivered(container: Container) -> Finding:
    """The finding about events of the last day that Stripe could not deliver here; what other endpoints missed is theirs."""
    now = datetime.now(UTC)
    span = {"gte": int((now - DAY).timestamp()), "lte": int((now - ON_ITS_WAY).timestamp())}
    try:
        page = (
            await container.gateway.get("/v1/events", {"created": span, "delivery_success": False, "limit": 100})
        ).data
    except StripeKeyRefused as error:
        return warn(
            "deliveries",
            f"cannot be looked at: the key lacks {error.permission or 'read access'}",
            "Give the key Events: Read.",
        )
    ours = [event for event in page["data"] if event["type"] in HANDLERS]
    with suppress(DatabaseUnavailable):
        async with container.database.connection() as connection:
            came = await server.delivered(connection, [event["id"] for event in ours])
        ours = [event for event in ours if event["id"] not in came]
    if not ours:
        newest = " among the newest 100" if page["has_more"] else ""
        return ok("deliveries", f"Stripe tells of no event of the last day{newest} that did not arrive here")
    more = "or more " if page["has_more"] else ""
    says = f"{len(ours)} {more}events of the last day were not delivered, the last {ours[0]['id']} ({ours[0]['type']})"
    advice = (
        "Stripe's Dashboard shows the answers it got: 400 means that STRIPE_WEBHOOK_SECRETS is of another endpoint. "
        "`invoicing reconcile` fetches what is missing now."
    )
    return warn("deliveries", says, advice)


async def check_secret(container: Container) -> AsyncIterator[Finding]:
    """Check that the secret of the last delivery is still configured. Stripe does not say with which it signs."""
    async with container.database.connection() as connection:
        used = await last_signer(connection)
    configured = [secret.name for secret in container.secrets]
    if used is None:
        yield ok("webhook secret", "nothing was delivered yet that could show which one Stripe signs with")
    elif used in configured:
        yield ok("webhook secret", f"{used} verified the last delivery")
    else:
        says = f"{used} verified the last delivery, and STRIPE_WEBHOOK_SECRETS holds only {', '.join(configured)}"
        advice = "Unless it was just replaced: every delivery is refused. Put the endpoint's signing secret there."
        yield warn("webhook secret", says, advice)


async def check_coverage(container: Container) -> AsyncIterator[Finding]:
    async with container.database.connection() as connection:
        covered, lost = await coverage.read(connection), await coverage.lost(connection)
    if covered is None:
        yield warn(
            "coverage",
            "Stripe's events were never compared with the inbox",
            "Is a worker running? Else: invoicing reconcile",
        )
        return
    age = datetime.now(UTC) - covered.complete_until
    says = f"nothing is missing up to {covered.complete_until:%Y-%m-%d %H:%M:%S} UTC"
    if lost:
        says += f", but for {lost[0]:%Y-%m-%d %H:%M} to {lost[1]:%Y-%m-%d %H:%M}: Stripe no longer had those events"
    if age > ALARM:
        left = max(timedelta(0), KEPT - age)
        yield fail("coverage", f"{says}; Stripe keeps its events for {left.days} days more", "invoicing reconcile, now")
    elif age > max(PASSES * timedelta(seconds=container.settings.reconcile_every_s), ON_ITS_WAY):
        yield warn(
            "coverage",
            f"{says}, and that was {age.total_seconds() / 60:,.0f} min ago",
            "Is a worker running? Its log says why not.",
        )
    elif lost and datetime.now(UTC) - lost[1] < 2 * KEPT:  # that was less than KEPT ago; later it is only mentioned
        yield warn("coverage", says, f"invoicing reconcile --money --since {lost[0]:%Y-%m-%d} names missing payments.")
    else:
        yield ok("coverage", says)
