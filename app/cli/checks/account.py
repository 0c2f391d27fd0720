"""Checks Stripe: whether it answers, whether the key is valid, and whether it has the permissions the service needs.

Reads are tried with lists of one. Writes are tried on objects that do not exist: Stripe checks permissions first, so it
answers 403 or 404 and changes nothing.
"""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from app.cli.checks.clock import skewed
from app.cli.checks.findings import Finding, fail, ok, warn
from app.container import Container
from app.db import migrations
from app.domain.errors import InvoicingError, NotAtStripe, StripeInvalidRequest, StripeKeyRefused
from app.inbox.reconciler import require_same_account
from app.stripe.client import API_VERSION, Answer, StripeGateway


@dataclass(frozen=True, slots=True)
class RequiredPermission:
    """A resource that the service reads, and also writes if `written`, the prefix of its ids, is set."""

    name: str
    path: str
    written: str = ""


NEEDED = (
    RequiredPermission("products", "/v1/products", "prod"),
    RequiredPermission("prices", "/v1/prices", "price"),
    RequiredPermission("customers", "/v1/customers", "cus"),
    RequiredPermission("invoices", "/v1/invoices", "in"),
    RequiredPermission("invoice items", "/v1/invoiceitems", "ii"),
    RequiredPermission("refunds", "/v1/refunds", "re"),
    RequiredPermission("credit notes", "/v1/credit_notes", "cn"),
    RequiredPermission("tax rates", "/v1/tax_rates", "txr"),
    RequiredPermission("tax ids", "/v1/tax_ids"),
    RequiredPermission("coupons", "/v1/coupons", "coupon"),
    RequiredPermission("promotion codes", "/v1/promotion_codes", "promo"),
    RequiredPermission("invoice payments", "/v1/invoice_payments"),
    RequiredPermission("payment intents", "/v1/payment_intents", "pi"),
    RequiredPermission("payment methods", "/v1/payment_methods", "pm"),
    RequiredPermission("setup intents", "/v1/setup_intents"),
    RequiredPermission("disputes", "/v1/disputes"),
    RequiredPermission("balance transactions", "/v1/balance_transactions"),
    RequiredPermission("events", "/v1/events"),
)
NOBODY = "doctor_looks_for_nothing"
"""Follows the prefix in the id of an object that does not exist."""


async def check(container: Container) -> AsyncIterator[Finding]:
    asked = datetime.now(UTC)
    try:
        answer = await container.gateway.get("/v1/events", {"limit": 1})
    except StripeKeyRefused as error:
        if error.permission is None:
            yield fail(
                "stripe", "Stripe does not know the key", "Put a secret key of your account into STRIPE_SECRET_KEY."
            )
            return
    except InvoicingError as error:
        advice = "Can this machine reach api.stripe.com:443? See status.stripe.com."
        yield fail("stripe", error.detail, advice)
        return
    else:
        yield skewed("stripe clock", answer.until - asked, "Stripe's", precise=False)
    yield await _account(container)
    yield _publishable(container)
    async for finding in _same_account(container):
        yield finding
    async for finding in _permissions(container.gateway):
        yield finding


async def _account(container: Container) -> Finding:
    mode = "live" if container.settings.livemode else "test"
    try:
        account: Answer = await container.gateway.get("/v1/account")
    except StripeKeyRefused:
        return ok("stripe", f"reached in {mode} mode, API {API_VERSION}; the key may not read the account's name")
    found = account.data
    says = f"{found['id']} in {mode} mode, API {API_VERSION}"
    if container.settings.livemode and not found.get("charges_enabled"):
        return fail(
            "stripe", f"{says}: the account cannot take payments", "Finish its activation in Stripe's Dashboard."
        )
    return ok("stripe", says)


def _publishable(container: Container) -> Finding:
    if not container.settings.stripe_publishable_key:
        says = "STRIPE_PUBLISHABLE_KEY is not set: payment pages and client secrets are of no use"
        return warn("publishable key", says, "Set it, unless nobody pays by a page.")
    return ok("publishable key", "of the same mode")


async def _same_account(container: Container) -> AsyncIterator[Finding]:
    """Whether Stripe knows one of the newest invoices, which it must know; nothing where there is none to ask for."""
    try:
        async with container.database.connection() as connection:
            migrated = await migrations.revision(connection) is not None
        if migrated:
            await require_same_account(container.database, container.gateway, livemode=container.settings.livemode)
    except NotAtStripe as error:
        advice = "Put the key of the account, or sandbox, that the invoices are of into STRIPE_SECRET_KEY."
        yield fail("account", error.detail, advice)
    except InvoicingError:
        return  # other checks say so


async def _permissions(gateway: StripeGateway) -> AsyncIterator[Finding]:
    """The permissions that the key lacks; one finding if it lacks none."""
    lacking = []
    for need in NEEDED:
        verbs = ("read", "write") if need.written else ("read",)
        for verb in verbs:
            refused = await _refused(gateway, need, verb)
            if refused:
                named = refused.permission or f"{verb} access to {need.name}"
                lacking.append(named)
                says = f"the key may not {verb} {need.name}: it lacks {named}"
                yield fail(
                    "permissions", says, f"Stripe's Dashboard, API keys, edit the key: {need.name} to {verb.title()}."
                )
    if not lacking:
        yield ok("permissions", f"the key may read and write what is needed ({len(NEEDED)} resources tried)")


async def _refused(gateway: StripeGateway, need: RequiredPermission, verb: str) -> StripeKeyRefused | None:
    try:
        if verb == "read":
            await gateway.get(need.path, {"limit": 1})
        else:
            await gateway.post(f"{need.path}/{need.written}_{NOBODY}", {}, key=f"doctor-{uuid.uuid4().hex}")
    except StripeKeyRefused as error:
        return error
    except StripeInvalidRequest:
        return None  # there is no such object, which is what was wanted
    return None
