"""Owns how the parts are put together: built once here for the API, the worker, the CLI and the tests alike."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from app.db.engine import Database
from app.services.catalog import Catalog
from app.services.customers import Customers
from app.services.following import Following
from app.services.invoicing import Invoicing
from app.services.items import Items
from app.services.keyring import Keyring
from app.services.keys import Keys
from app.services.limits import Limits
from app.services.operations import Operations
from app.services.payment_links import Links, PaymentLinks
from app.services.tokens import Provider, Tokens
from app.services.writing import Writer
from app.settings import Settings
from app.stripe_gateway.client import GatewaySettings, StripeGateway
from app.webhooks.inbox import Inbox
from app.webhooks.signature import SigningSecret, signing_secrets
from app.worker.processing import Processor
from app.worker.runner import Worker


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that serves a request, ready to use."""

    settings: Settings
    database: Database
    gateway: StripeGateway
    operations: Operations
    catalog: Catalog
    customers: Customers
    invoicing: Invoicing
    items: Items
    payment_links: PaymentLinks
    inbox: Inbox
    keys: Keys
    keyring: Keyring
    tokens: Tokens | None
    limits: Limits
    secrets: tuple[SigningSecret, ...]

    def worker(self) -> Worker:
        """A worker over the same parts."""
        return Worker(
            self.database,
            Processor(self.database, self.gateway),
            batch=self.settings.worker_batch,
            lease=timedelta(seconds=self.settings.worker_lease_s),
            poll_s=self.settings.worker_poll_s,
        )


@asynccontextmanager
async def built(settings: Settings) -> AsyncIterator[Parts]:
    """The parts, open for as long as the block runs."""
    database = Database(settings.database_url.get_secret_value(), pool_size=settings.database_pool_size)
    gateway = StripeGateway(
        GatewaySettings(
            secret_key=settings.stripe_secret_key.get_secret_value(),
            api_base=settings.stripe_api_base,
            timeout_s=settings.stripe_timeout_s,
            deadline_s=settings.stripe_deadline_s,
            max_retries=settings.stripe_max_retries,
        )
    )
    writer = Writer(database, gateway)
    invoicing = Invoicing(database, gateway, writer)
    links = Links(settings.link_keys, timedelta(days=settings.payment_link_days), settings.public_base_url)
    inbox = Inbox(database)
    keyring = Keyring(database, livemode=settings.livemode)
    tokens = Tokens(database, provider) if (provider := _provider(settings)) else None
    await database.open()
    try:
        yield Parts(
            settings=settings,
            database=database,
            gateway=gateway,
            operations=Operations(database),
            catalog=Catalog(writer),
            customers=Customers(writer),
            invoicing=invoicing,
            items=Items(database, invoicing),
            payment_links=PaymentLinks(database, invoicing, Following(database, gateway), links),
            inbox=inbox,
            keys=Keys(database, keyring, livemode=settings.livemode),
            keyring=keyring,
            tokens=tokens,
            limits=Limits(database),
            secrets=signing_secrets(settings.stripe_webhook_secrets),
        )
    finally:
        await inbox.close()
        await keyring.close()
        if tokens is not None:
            await tokens.close()
        await gateway.close()
        await database.close()


def _provider(settings: Settings) -> Provider | None:
    """The identity provider, where there is one."""
    if not settings.oidc_issuer:
        return None
    return Provider(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        jwks_url=settings.oidc_jwks_url,
        algorithms=settings.oidc_algorithms,
        customer_claim=settings.oidc_customer_claim,
        by_reference=settings.oidc_customer_by == "reference",
    )
