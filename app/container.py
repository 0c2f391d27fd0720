"""Builds the services once per process, for the API, the worker, the CLI and the tests alike.

What only a worker or a command needs is imported when it is built, so that the API starts faster.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from app.access.authentication import Authentication
from app.access.keyring import Keyring
from app.access.portal_links import PortalLinks
from app.access.rate_limits import Limits
from app.access.service import Keys
from app.catalog.service import Catalog
from app.clients import confirmation_of, database_of, gateway_of, tokens_of
from app.credit_notes.service import CreditNotes
from app.customers.service import Customers
from app.discounts.service import Discounts
from app.events.live import LiveFeed
from app.fulfillment.actions import Actions
from app.idempotency.operations import Operations, UseCase, use_cases
from app.inbox.handlers import HANDLERS
from app.inbox.replay import Replay
from app.inbox.signature import signing_secrets
from app.inbox.store import Inbox
from app.invoices.attachments import Attachments
from app.invoices.client_secrets import ClientSecrets
from app.invoices.copies import Copies
from app.invoices.hosted_pages import HostedPages
from app.invoices.items import Items
from app.invoices.part_payments import PartPayments
from app.invoices.payment_intents import PaymentIntents
from app.invoices.previews import Previews
from app.invoices.replacements import Replacements
from app.invoices.service import Invoices
from app.jobs.notifications import Notifications
from app.outgoing.encryption import SecretEncryption
from app.outgoing.endpoints import Endpoints
from app.outgoing.redelivery import Redelivery
from app.payment_links.promotion_codes import PromotionCodes
from app.payment_links.service import Links, Parts, PaymentLinks
from app.payment_methods.service import PaymentMethods
from app.payments.lookup import InvoiceRefresh
from app.projection.write_through import AtStripe, Writer
from app.refunds.service import Refunds
from app.reports.balance import BalanceCheck
from app.settings import Settings
from app.taxes.service import Taxes

if TYPE_CHECKING:
    from app.fulfillment.performer import Performer
    from app.idempotency.completer import Completer
    from app.inbox.reconciler import Reconciler
    from app.inbox.repair import Repairing
    from app.inbox.worker import Worker
    from app.invoices.reminders import Reminders
    from app.outgoing.deliverer import Deliverer
    from app.outgoing.sender import Sender
    from app.rebuild.documents import Documents
    from app.rebuild.rebuild import Rebuilder
    from app.rebuild.rehearsal import Rehearsal


LEASE_FACTOR = 2.0
"""Length of a delivery's lease, as a multiple of the time-out of one attempt."""


class Container:
    """The services of one process. `session` holds further settings of the database connections."""

    def __init__(self, settings: Settings, **session: str) -> None:
        self.settings = settings
        self.secrets = signing_secrets(settings.stripe_webhook_secrets)
        self.database = database = database_of(settings, **session)
        self.gateway = gateway = gateway_of(settings)
        self.operations = Operations(database, deadline_s=settings.request_deadline_s)
        self.writer = writer = Writer(database, gateway)
        self.catalog, self.customers = Catalog(writer), Customers(writer)
        self.taxes, self.discounts = Taxes(writer), Discounts(writer)
        self.refunds, self.credit_notes = Refunds(writer), CreditNotes(writer)
        self.payment_methods = PaymentMethods(writer)
        self.invoices = Invoices(writer, self.payment_methods, settings.invoice_days_until_due)
        self.items, self.replacements = Items(self.invoices), Replacements(self.invoices)
        self.attachments, self.copies = Attachments(self.invoices), Copies(self.invoices)
        self.part_payments, self.payment_intents = PartPayments(self.invoices), PaymentIntents(self.invoices)
        self.client_secrets, self.hosted_pages = ClientSecrets(database, gateway), HostedPages(database, gateway)
        self.previews, self.balance = Previews(database, gateway), BalanceCheck(database, gateway)
        self.keyring = Keyring(database, livemode=settings.livemode)
        self.keys = Keys(database, self.keyring, livemode=settings.livemode)
        self.tokens = tokens_of(settings, database)
        self.limits = Limits(database)
        lifetime = timedelta(days=settings.portal_link_days)
        self.portal_links = PortalLinks(database, settings.link_keys, lifetime, settings.public_base_url)
        self.authentication = Authentication(settings, self.limits, self.keyring, self.tokens, self.portal_links)
        self.payment_links = PaymentLinks(
            database,
            self.invoices,
            self.client_secrets,
            InvoiceRefresh(database, gateway),
            self.hosted_pages,
            Parts(self.operations, self.part_payments),
            Links(
                settings.link_keys,
                timedelta(days=settings.payment_link_days),
                settings.public_base_url,
                settings.payment_link_return_origins,
                returns_here=settings.environment == "development",
            ),
            self.authentication,
        )
        self.promotion_codes = PromotionCodes(self.invoices, self.operations, self.payment_links)
        self.inbox = Inbox(database)
        self.replay = Replay(database, frozenset(HANDLERS), settings.livemode)
        self.actions = Actions(database)
        self.notifications = Notifications(database)
        self.live = LiveFeed(database, self.notifications, source=settings.public_base_url, most=settings.stream_limit)
        seal = SecretEncryption(settings.encryption_keys)
        self.endpoints = Endpoints(database, seal, settings.egress_policy, settings.outgoing_most_endpoints)
        self.redelivery = Redelivery(database)

    async def close(self) -> None:
        """Wait for the work under way, and close the connections."""
        await self.operations.close()
        await self.writer.close()
        await self.live.close()
        await self.notifications.close()
        await self.inbox.close()
        await self.keyring.close()
        if self.tokens is not None:
            await self.tokens.close()
        await self.gateway.close()
        await self.database.close()

    def services(self) -> dict[type, object]:
        """The services by their classes, for the dependencies of operations."""
        return {type(service): service for service in vars(self).values()} | {Settings: self.settings}

    def use_cases(self, *, at_stripe: bool) -> dict[str, UseCase]:
        """The use cases by name: those that change something at Stripe, or those that change only this database."""
        services = [it for it in (*vars(self).values(), self.reminders()) if isinstance(it, AtStripe) is at_stripe]
        return {name: use_case for service in services for name, use_case in use_cases(service).items()}

    def worker(self) -> Worker:
        from app.inbox.processor import Processor
        from app.inbox.worker import Worker

        return Worker(
            self.database,
            self.notifications,
            Processor(self.database, self.gateway),
            batch=self.settings.worker_batch,
            lease=timedelta(seconds=self.settings.worker_lease_s),
            poll_s=self.settings.worker_poll_s,
        )

    def deliverer(self, sender: Sender | None = None) -> Deliverer:
        """The deliverer of outgoing webhooks; it sends through `sender` where one is given."""
        from app.outgoing.deliverer import Deliverer, DeliveringSettings
        from app.outgoing.sender import Sender, SendingSettings

        found = self.settings
        sending = SendingSettings(found.egress_policy, found.outgoing_timeout_s, found.outgoing_concurrency)
        return Deliverer(
            self.database,
            self.notifications,
            sender or Sender(sending, self.endpoints.seal),
            DeliveringSettings(
                source=found.public_base_url,
                concurrency=found.outgoing_concurrency,
                each=found.outgoing_endpoint_concurrency,
                lease=timedelta(seconds=found.outgoing_timeout_s * LEASE_FACTOR),
                give_up_after=timedelta(days=found.outgoing_give_up_days),
                poll_s=found.worker_poll_s,
            ),
        )

    def completer(self) -> Completer:
        """The completer of operations whose request ended early."""
        from app.idempotency.completer import Completer

        return Completer(
            self.database,
            self.operations,
            use_cases=self.use_cases(at_stripe=True),
            undo={
                self.invoices.create_invoice.__name__: self.invoices.undo_create,
                self.copies.copy_invoice.__name__: self.copies.undo_copy,
                self.replacements.replace_items.__name__: self.replacements.undo_replace,
                self.part_payments.begin_part_payment.__name__: self.part_payments.undo,
            },
            local=[*self.use_cases(at_stripe=False)],
            grace=timedelta(seconds=self.settings.completion_grace_s),
            poll_s=self.settings.worker_poll_s,
        )

    def performer(self) -> Performer:
        """The performer of the configured fulfillment actions. Raises Misconfigured if one of them cannot be done."""
        from app.domain.actions import EMAIL
        from app.fulfillment.actions import Action, Hook
        from app.fulfillment.performer import Performer
        from app.hooks import loading

        most_s = self.settings.fulfillment_hook_timeout_s
        configured: dict[str, Action] = {
            name: Hook(self.database, function, most_s) for name, function in loading.load().items()
        }
        if self.settings.smtp_host:
            configured[EMAIL] = confirmation_of(self.settings, self.database, self.payment_links.url_in_mail)
        return Performer(self.database, configured, poll_s=self.settings.worker_poll_s, policy=self.settings.policy)

    def reconciler(self, settled: timedelta = timedelta(0)) -> Reconciler:
        """The search for events that never arrived. It skips events younger than `settled`."""
        from app.inbox.reconciler import Reconciler

        return Reconciler(self.database, self.gateway, livemode=self.settings.livemode, settled=settled)

    async def queue_ignored(self) -> int:
        """Queue events that another release ignored because it did not know their type. Returns how many."""
        from app.inbox import new_types

        return await new_types.queue_ignored(self.database, HANDLERS, livemode=self.settings.livemode)

    def repairing(self, settled: timedelta = timedelta(0)) -> Repairing:
        """The comparison of our invoices with Stripe's. It skips rows that changed within `settled`."""
        from app.inbox.repair import Repairing

        return Repairing(self.database, self.gateway, livemode=self.settings.livemode, settled=settled)

    def documents(self) -> Documents:
        """Makes missing documents and renews those of older versions."""
        from app.rebuild.documents import Documents

        return Documents(self.database, self.gateway)

    def reminders(self) -> Reminders:
        """Reminds payers around the due dates of their invoices."""
        from app.invoices.reminders import Reminders

        return Reminders(self.database, self.settings.reminders)

    def rebuilder(self) -> Rebuilder:
        """The rebuilder, which shows whether the stored events lead to the stored rows."""
        from app.rebuild.rebuild import Rebuilder

        return Rebuilder(self.database, self.gateway)

    @asynccontextmanager
    async def rehearsal(self, api_version: str) -> AsyncIterator[Rehearsal]:
        """Compares another version of Stripe's API with what is stored, by a Stripe client of its own."""
        from app.rebuild.rehearsal import Rehearsal

        candidate = gateway_of(self.settings, api_version)
        try:
            yield Rehearsal(self.database, self.gateway, candidate, livemode=self.settings.livemode)
        finally:
            await candidate.close()


@asynccontextmanager
async def built(settings: Settings, **session: str) -> AsyncIterator[Container]:
    """Build the services and keep them open while the block runs."""
    container = Container(settings, **session)
    await container.database.open()
    try:
        yield container
    finally:
        await container.close()
