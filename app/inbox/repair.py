"""Compares invoices with Stripe's and repairs those that drifted.

As long as all events arrive, there is nothing to repair.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from app.db.engine import Database
from app.domain.errors import DatabaseUnavailable
from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonObject
from app.domain.snapshot import Verdict
from app.inbox import coverage, drift
from app.projection import observation
from app.projection.unit_of_work import Subject, UnitOfWork, Unordered
from app.stripe.client import PAGE, Answer, StripeGateway
from app.stripe.mapping import Kind, Snapshot

log = structlog.get_logger(__name__)

CAUSE = "reconciler"
UNFINISHED = (InvoiceStatus.DRAFT, InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE)
YOUNG = timedelta(days=60)
"""The greatest age of invoices that are checked for a missing fulfillment or an unknown customer."""


class Repairing:
    """Compares and repairs. What changed here within `settled` is left to its events."""

    def __init__(self, database: Database, gateway: StripeGateway, *, settled: timedelta) -> None:
        self._database = database
        self._gateway = gateway
        self._settled = settled

    async def repair(self) -> list[str]:
        """Compare all unfinished invoices with Stripe's. Returns the ids of what had drifted.

        Stripe is asked for lists of a hundred, and individually only for what these leave open.
        """
        seen: set[str] = set()
        repaired: list[str] = []
        for status in UNFINISHED:
            async for page in self._listed(status):
                seen |= {it.data["id"] for it in page}
                repaired += await self._settle(page)
        async with self._database.connection() as connection:
            alone = await drift.unfinished(connection, seen, self._settled)
            alone += await drift.lagging(connection, self._settled, YOUNG)
            customers = await drift.orphans(connection, YOUNG)
        subjects = [Subject(Kind.INVOICE, it) for it in alone] + [Subject(Kind.CUSTOMER, it) for it in customers]
        repaired += [subject.id for subject in subjects if await self._take_over(subject)]
        if repaired:
            log.warning("drift_repaired", count=len(repaired), first=repaired[:20])
            async with self._database.connection() as connection:
                await coverage.count_repairs(connection, len(repaired))
        return repaired

    async def _listed(self, status: str) -> AsyncIterator[list[Answer]]:
        query: JsonObject = {"status": status, "limit": PAGE, "expand": ["data.payments"]}
        while True:
            answer = await self._gateway.get("/v1/invoices", query)
            found = answer.data["data"]
            yield [replace(answer, data=it) for it in found]
            if not answer.data["has_more"]:
                return
            query["starting_after"] = found[-1]["id"]

    async def _settle(self, page: Sequence[Answer]) -> list[str]:
        """Compare a page at once, or each invoice alone if one cannot be read or stored."""
        try:
            return await self._compare([observation.snapshot_of(Kind.INVOICE, it) for it in page])
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 -- one invoice's fault must not stop the others
            log.warning("page_not_compared", invoices=len(page), error=type(error).__name__)
            subjects = [Subject(Kind.INVOICE, it.data["id"]) for it in page]
            return [subject.id for subject in subjects if await self._take_over(subject)]

    async def _compare(self, page: Sequence[Snapshot]) -> list[str]:
        """Apply a page of snapshots in one transaction. What times cannot order is fetched individually."""
        repaired, unclear = [], []
        async with self._database.unit_of_work() as connection:
            subjects = [Subject(snapshot.kind, snapshot.id) for snapshot in page]
            unit = await UnitOfWork.of(connection, subjects, cause=CAUSE)
            for subject, snapshot in zip(subjects, page, strict=True):
                try:
                    with unit.all_or_nothing():
                        applied = unit.apply(snapshot) is Verdict.APPLY
                        if unit.follow_invoice(subject.id) or applied:
                            repaired.append(subject.id)
                except Unordered:
                    unclear.append(subject)
            await unit.flush()
        return repaired + [subject.id for subject in unclear if await self._take_over(subject)]

    async def _take_over(self, subject: Subject) -> bool:
        """Update one object to what Stripe has. An error is logged and left to the next pass."""
        try:
            return await observation.take_over(self._database, self._gateway, subject, CAUSE)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 -- see above
            reason = str(error).split("\n", 1)[0]  # PostgreSQL's details quote whole rows
            log.warning("not_compared", subject=subject.id, error=f"{type(error).__name__}: {reason}")
            return False
