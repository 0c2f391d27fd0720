"""Compares invoices and what came back of them with Stripe's, and repairs what drifted, e.g. by a lost event."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from app.db import coverage
from app.db.engine import Database
from app.db.rows import load
from app.db.schema import invoices as invoices_table
from app.domain.errors import DatabaseUnavailable, StripeKeyRefused
from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonObject
from app.domain.snapshot import Verdict
from app.domain.sources import id_of
from app.inbox import drift
from app.inbox.reconciler import require_same_account
from app.projection import item_statements, observation
from app.projection.unit_of_work import Subject, UnitOfWork, Unordered
from app.stripe.client import Answer, StripeGateway
from app.stripe.mapping import RETURNS, Kind, Snapshot

log = structlog.get_logger(__name__)

CAUSE = "reconciler"
METHODS = "payment_methods"
"""The name in `coverage` that says that all payment methods were compared once."""
UNFINISHED = (InvoiceStatus.DRAFT, InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE)
RECENT = timedelta(days=3)
"""The age of refunds, credit notes and disputes that are compared in any case."""
NONE: Mapping[str, str] = {}
YOUNG = timedelta(days=60)
"""The greatest age of invoices that are checked for a missing fulfillment or an unknown customer."""


class Repairing:
    """Compares and repairs. What changed here within `settled` is left to its events."""

    def __init__(self, database: Database, gateway: StripeGateway, *, livemode: bool, settled: timedelta) -> None:
        self._database = database
        self._gateway = gateway
        self._livemode = livemode
        self._settled = settled

    async def repair(self) -> list[str]:
        """Compare all unfinished invoices with Stripe's. Returns the ids of what had drifted.

        Stripe is asked for lists of a hundred, and individually only for what these leave open.
        """
        await require_same_account(self._database, self._gateway, livemode=self._livemode)
        seen: set[str] = set()
        repaired: list[str] = []
        for status in UNFINISHED:
            async for page in self._listed(Kind.INVOICE, {"status": status, "expand": ["data.payments"]}):
                seen |= {it.data["id"] for it in page}
                repaired += await self._settle(page, Kind.INVOICE)
        async with self._database.connection() as connection:
            alone = await drift.unfinished(connection, seen, self._settled)
            alone += await drift.lagging(connection, self._settled, YOUNG)
            customers = await drift.orphans(connection, YOUNG)
        subjects = [Subject(Kind.INVOICE, it) for it in alone] + [Subject(Kind.CUSTOMER, it) for it in customers]
        repaired += [subject.id for subject in subjects if await self._take_over(subject)]
        repaired += await self._repair_returns()
        repaired += await self._repair_methods()
        if repaired:
            log.warning("drift_repaired", count=len(repaired), first=repaired[:20])
            async with self._database.connection() as connection:
                await coverage.count_repairs(connection, len(repaired))
        return repaired

    async def _repair_returns(self) -> list[str]:
        """Compare recent refunds, credit notes and disputes, and older ones that can still change."""
        repaired: list[str] = []
        seen: set[str] = set()
        now = datetime.now(UTC)
        recent = {"gte": int((now - RECENT).timestamp()), "lte": int((now - self._settled).timestamp())}
        for kind in RETURNS:
            try:
                async for page in self._listed(kind, {"created": recent}):
                    seen |= {it.data["id"] for it in page}
                    invoices = await self._invoices_of(page)
                    ours = [it for it in page if it.data["id"] in invoices]
                    repaired += await self._settle(ours, kind, invoices) if ours else []
            except StripeKeyRefused as error:  # a restricted key that was made before these were compared
                log.warning("kind_not_compared", kind=kind.value, error=str(error))
        async with self._database.connection() as connection:
            left = await drift.unfinished_returns(connection, seen, self._settled)
        for found in left:
            if await self._take_over(Subject(Kind(found.kind), found.id), found.invoice):
                repaired.append(found.id)
        return repaired

    async def _repair_methods(self) -> list[str]:
        """Compare recent payment methods, the first time all. One that belongs to nobody yet is left out."""
        repaired: list[str] = []
        seen: set[str] = set()
        async with self._database.connection() as connection:
            since = datetime.now(UTC) - RECENT if await coverage.read(connection, METHODS) else coverage.EVER
        try:
            async for page in self._listed(Kind.PAYMENT_METHOD, {}):
                young = [it for it in page if datetime.fromtimestamp(it.data["created"], UTC) >= since]
                ours = [it for it in young if it.data["customer"]]
                seen |= {it.data["id"] for it in ours}
                repaired += await self._settle(ours, Kind.PAYMENT_METHOD) if ours else []
                if len(young) < len(page):
                    break
        except StripeKeyRefused as error:  # a restricted key that was made before these were compared
            log.warning("kind_not_compared", kind=Kind.PAYMENT_METHOD.value, error=str(error))
            return repaired
        async with self._database.connection() as connection:
            left = await drift.other_methods(connection, since, seen, self._settled)
        repaired += [one for one in left if await self._take_over(Subject(Kind.PAYMENT_METHOD, one))]
        async with self._database.connection() as connection:
            await coverage.extend(connection, METHODS, datetime.now(UTC))
        return repaired

    async def _invoices_of(self, page: Sequence[Answer]) -> dict[str, str]:
        """The invoices that the objects of `page` belong to, as far as they are known here, by the objects' ids."""
        named = {it.data["id"]: id_of(it.data.get("invoice")) or "" for it in page}
        paid = {it.data["id"]: id_of(it.data.get("payment_intent")) or "" for it in page}
        async with self._database.connection() as connection:
            by_payment = await item_statements.invoices_of(connection, set(paid.values()) - {""})
            found = {one: named[one] or by_payment.get(paid[one], "") for one in named}
            known = await load(connection, invoices_table, set(found.values()) - {""})
        return {one: invoice for one, invoice in found.items() if invoice in known}

    async def _listed(self, kind: Kind, which: JsonObject) -> AsyncIterator[list[Answer]]:
        async for page in self._gateway.lists(observation.PATHS[kind], which):
            yield [replace(page, data=it) for it in page.data["data"]]

    async def _settle(self, page: Sequence[Answer], kind: Kind, invoices: Mapping[str, str] = NONE) -> list[str]:
        """Compare a page at once, or each object alone if one fails. `invoices` are those that the objects belong to."""
        try:
            return await self._compare(
                [observation.snapshot_of(kind, it).belongs_to(invoices.get(it.data["id"])) for it in page]
            )
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 -- one object's fault must not stop the others
            log.warning("page_not_compared", kind=kind.value, objects=len(page), error=type(error).__name__)
            ids = [it.data["id"] for it in page]
            return [one for one in ids if await self._take_over(Subject(kind, one), invoices.get(one))]

    async def _compare(self, page: Sequence[Snapshot]) -> list[str]:
        """Apply a page of snapshots in one transaction. What times cannot order is fetched individually."""
        repaired, unclear = [], []
        async with self._database.unit_of_work() as connection:
            subjects = [Subject(snapshot.kind, snapshot.id) for snapshot in page]
            owners = {Subject(Kind.INVOICE, snapshot.invoice) for snapshot in page if snapshot.invoice}
            unit = await UnitOfWork.of(connection, [*subjects, *owners], cause=CAUSE)
            for subject, snapshot in zip(subjects, page, strict=True):
                try:
                    with unit.all_or_nothing():
                        applied = unit.apply(snapshot) is Verdict.APPLY
                        if unit.follow(subject) or applied:
                            repaired.append(subject.id)
                except Unordered:
                    unclear.append((subject, snapshot.invoice))
            await unit.flush()
        return repaired + [subject.id for subject, invoice in unclear if await self._take_over(subject, invoice)]

    async def _take_over(self, subject: Subject, invoice: str | None = None) -> bool:
        """Update one object to what Stripe has. An error is logged and left to the next pass."""
        try:
            return await observation.take_over(self._database, self._gateway, subject, CAUSE, invoice=invoice)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 -- see above
            reason = str(error).split("\n", 1)[0]  # PostgreSQL's details quote whole rows
            log.warning("not_compared", subject=subject.id, error=f"{type(error).__name__}: {reason}")
            return False
