"""Sets up this service's webhook endpoint at Stripe, and tells the state of its secrets."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.domain.json import JsonObject
from app.inbox.handlers import HANDLERS
from app.inbox.signers import Signer
from app.stripe.client import API_VERSION, StripeGateway

PATH = "/v1/webhook_endpoints"
DESCRIPTION = "Invoicing service"
QUIET = timedelta(hours=24)
"""Stripe signs with an expiring secret for at most this long, so an unused older one can be removed."""


@dataclass(frozen=True, slots=True)
class EndpointSetup:
    """The result: `created`, `updated` or `unchanged`, and the secret if Stripe showed it, which it does once.

    `outdated` are endpoints for the same address in other API versions, which Stripe cannot change. Delete them once
    the new secret is deployed.
    """

    outcome: str
    id: str
    secret: str | None = field(repr=False)
    outdated: list[str]


async def set_up(gateway: StripeGateway, url: str, *, key: str) -> EndpointSetup:
    """Have Stripe deliver exactly the handled events to `url`, in our API version."""
    there = [it async for it in gateway.pages(PATH, {}) if it["url"] == url]
    outdated = [it["id"] for it in there if it["api_version"] != API_VERSION]
    ours: JsonObject | None = next((it for it in there if it["api_version"] == API_VERSION), None)
    wanted = {"enabled_events": sorted(HANDLERS)}
    if ours is None:
        params = {"url": url, "api_version": API_VERSION, "description": DESCRIPTION, **wanted}
        made = (await gateway.post(PATH, params, key=key)).data
        return EndpointSetup("created", made["id"], made["secret"], outdated)
    if sorted(ours["enabled_events"]) == wanted["enabled_events"] and ours["status"] == "enabled":
        return EndpointSetup("unchanged", ours["id"], None, outdated)
    await gateway.post(f"{PATH}/{ours['id']}", {**wanted, "disabled": False}, key=key)
    return EndpointSetup("updated", ours["id"], None, outdated)


def advice(signer: Signer, *, configured: bool, others_newer: bool, now: datetime) -> str:
    """Advice for an operator about one secret: whether it works, and whether it can be removed."""
    if not configured:
        return "not configured here any more"
    if signer.last is None:
        return "has verified nothing yet"
    if others_newer and now - signer.last > QUIET:
        return "can go: another secret verified everything for more than a day"
    if others_newer:
        return "keep: another secret has taken over, but not for a day yet"
    return "in use"
