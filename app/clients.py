"""Builds the clients of the outside services that the settings name: database, Stripe, mail, identity provider.

Those that not every deployment has are imported when they are built, because that takes time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.db.engine import Database
from app.settings import Settings
from app.stripe.client import API_VERSION, GatewaySettings, StripeGateway
from app.stripe.pace import StripeLimits

if TYPE_CHECKING:
    from app.access.tokens import Tokens
    from app.fulfillment.actions import Confirmation, PageOf
    from app.fulfillment.mail.delivery import Mailer


def database_of(settings: Settings, **session: str) -> Database:
    """The client of the database; it is not open yet. `session` holds further settings of its connections."""
    return Database(
        settings.database_url.get_secret_value(),
        direct_url=settings.server_url if settings.database_pooler == "transaction" else "",
        pool_size=settings.database_pool_size,
        session=session,
    )


def mailer_of(settings: Settings) -> Mailer:
    from app.domain.mailbox import Mailbox
    from app.fulfillment.mail.delivery import Mailer, MailServer

    return Mailer(
        MailServer(
            settings.smtp_host,
            settings.smtp_port,
            Mailbox.of(settings.smtp_from),
            settings.smtp_security,
            username=settings.smtp_username or None,
            password=settings.smtp_password.get_secret_value() or None,
            timeout_s=settings.smtp_timeout_s,
        )
    )


def confirmation_of(settings: Settings, database: Database, page_of: PageOf) -> Confirmation:
    """The action that mails a confirmation to the customer, with a link to the page that `page_of` finds."""
    from app.domain.actions import Moment
    from app.domain.mailbox import Mailbox
    from app.fulfillment.actions import Confirmation
    from app.fulfillment.mail.letters import MailWriter

    return Confirmation(
        database,
        mailer_of(settings),
        MailWriter(Mailbox.of(settings.smtp_from), settings.mail_templates_dir, settings.default_locale),
        page_of,
        most_s=settings.smtp_timeout_s,
        moments=frozenset(map(Moment, settings.mail_moments)),
    )


def gateway_of(settings: Settings, api_version: str = API_VERSION) -> StripeGateway:
    """The gateway to Stripe, pinned to `api_version`."""
    return StripeGateway(
        GatewaySettings(
            secret_key=settings.stripe_secret_key.get_secret_value(),
            api_base=settings.stripe_api_base,
            timeout_s=settings.stripe_timeout_s,
            deadline_s=settings.stripe_deadline_s,
            max_retries=settings.stripe_max_retries,
            api_version=api_version,
            limits=StripeLimits(
                rate_per_s=settings.stripe_rate_per_s,
                endpoint_rate_per_s=settings.stripe_endpoint_rate_per_s,
                concurrency=settings.stripe_concurrency,
                queue_s=settings.stripe_queue_s,
            ),
            circuit_failures=settings.stripe_circuit_failures,
            circuit_open_s=settings.stripe_circuit_open_s,
        )
    )


def tokens_of(settings: Settings, database: Database) -> Tokens | None:
    """What verifies tokens of the identity provider; None where none is configured."""
    if not settings.oidc_issuer:
        return None
    from app.access.tokens import Provider, Tokens

    provider = Provider(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        jwks_url=settings.oidc_jwks_url,
        algorithms=settings.oidc_algorithms,
        customer_claim=settings.oidc_customer_claim,
        by_reference=settings.oidc_customer_by == "reference",
    )
    return Tokens(database, provider)
