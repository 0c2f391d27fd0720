"""Makes missing documents and renews old ones in the background.

A missing document is made from the row's columns. An old one is derived from the newest stored event if that agrees
with the row; otherwise Stripe is asked, at a limited rate. Neither is a change: `updated_at` and the feed stay.
Documents of a newer version belong to another release and are left alone. The progress is stored.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

import structlog

from app.db.engine import Database
from app.db.rows import lock_free
from app.domain.errors import NotAtStripe
from app.domain.json import JsonObject
from app.inbox.envelope import read_event
from app.inbox.handlers import HANDLERS
from app.observability import metrics
from app.projection import mirrored_rows, observation
from app.projection.erasure import OF_CUSTOMERS
from app.projection.mirrored_rows import version_of
from app.projection.unit_of_work import Subject, UnitOfWork, Unordered
from app.rebuild import document_statements as statements
from app.rebuild.document_statements import Place
from app.stripe.client import API_VERSION, StripeGateway
from app.stripe.mapping import FIELDS, RETURNS, VERSIONS, Kind, ObservationWindow, Snapshot, snapshot

log = structlog.get_logger(__name__)

BATCH = 200
ASKED_PER_S = 25.0
"""Requests to Stripe per second. Ten million rows would take 4.6 days."""
CAUSE = "documents"


@dataclass(slots=True)
class Rebuilt:
    """How many documents were made from columns, from stored events and from Stripe's answers, and whether all are."""

    filled: int = 0
    derived: int = 0
    fetched: int = 0
    finished: bool = False

    @property
    def total(self) -> int:
        return self.filled + self.derived + self.fetched


class Documents:
    """Makes documents. `asked_per_s` is the rate of requests to Stripe."""

    def __init__(self, database: Database, gateway: StripeGateway, *, asked_per_s: float = ASKED_PER_S) -> None:
        self._database = database
        self._gateway = gateway
        self._pause_s = 1 / asked_per_s

    async def rebuild(
        self, within_s: float = float("inf"), *, again: bool = False, progress: Callable[[int], None] = lambda _: None
    ) -> Rebuilt:
        """Make documents for about `within_s` seconds; the next call continues. Raises what the gateway raises.

        It rests for half of the time. With `again`, kinds that were finished are checked once more.
        """
        done, until = Rebuilt(), time.monotonic() + within_s
        if again:
            await self._begin_again()
        for kind in Kind:
            for step in (self._fill, self._renew):
                more = True
                while more:
                    if time.monotonic() > until:
                        return done
                    started = time.monotonic()
                    more = await step(kind, done)
                    progress(done.total)
                    await asyncio.sleep(time.monotonic() - started if more else 0)
        done.finished = True
        return done

    async def _begin_again(self) -> None:
        async with self._database.connection() as connection:
            for kind, version in VERSIONS.items():
                if (await statements.place(connection, kind, version)).finished:
                    await statements.note(connection, kind, version, Place())

    async def scrub(self) -> int:
        """Remove personal data of erased customers from rows that are not locked. Returns how many."""
        return sum([await self._scrub(kind) for kind in OF_CUSTOMERS])

    async def _scrub(self, kind: Kind) -> int:
        blank, after, scrubbed = FIELDS[kind].blank, "", 0
        while blank:
            async with self._database.unit_of_work() as connection:
                ids = await statements.of_erased(connection, kind, after, BATCH)
                free = await lock_free(connection, ids)
                rows = (await mirrored_rows.read(connection, kind, free)).values()
                told = [row for row in rows if any(row.get(name, empty) != empty for name, empty in blank.items())]
                await mirrored_rows.write(connection, kind, [row | blank for row in told])
            scrubbed += len(told)
            if len(ids) < BATCH:
                break
            after = ids[-1]
        return scrubbed

    async def _fill(self, kind: Kind, done: Rebuilt) -> bool:
        """Make some missing documents. Returns whether there may be more."""
        async with self._database.unit_of_work() as connection:
            filled = await statements.fill(connection, kind, BATCH)
        done.filled += filled
        metrics.DOCUMENTS("columns").inc(filled)
        return filled == BATCH

    async def _renew(self, kind: Kind, done: Rebuilt) -> bool:
        """Renew the next old documents. Returns whether there may be more."""
        version = VERSIONS[kind]
        async with self._database.connection() as connection:
            place = await statements.place(connection, kind, version)
            if version == 1 or place.finished:
                return False
            seen, older = await statements.older(connection, kind, version, place.after, BATCH)
        derived = await self._derive(kind, older)
        fetched = 0
        for object_id in older:
            if object_id not in derived:
                fetched += await self._fetch(Subject(kind, object_id))
                await asyncio.sleep(self._pause_s)
        finished = len(seen) < BATCH
        after = seen[-1] if seen else place.after
        place = Place(after, place.derived + len(derived), place.fetched + fetched, finished)
        async with self._database.connection() as connection:
            await statements.note(connection, kind, version, place)
        done.derived += len(derived)
        done.fetched += fetched
        metrics.DOCUMENTS("event").inc(len(derived))
        metrics.DOCUMENTS("stripe").inc(fetched)
        return not finished

    async def _derive(self, kind: Kind, ids: Collection[str]) -> set[str]:
        """Derive the documents of `ids` from events that agree with the rows, skipping locked rows. Returns which."""
        types = [name for name in HANDLERS if name.rpartition(".")[0] == kind and not name.endswith(".deleted")]
        async with self._database.unit_of_work() as connection:
            free = await lock_free(connection, ids)
            rows = await mirrored_rows.read(connection, kind, free)
            payloads = await statements.newest_events(connection, free, types, API_VERSION)
            derived = []
            for object_id, payload in payloads.items():
                event = read_event(payload)
                taken = snapshot(kind, event.object, ObservationWindow(event.created_at, event.created_at))
                if row := _derived(kind, rows[object_id], taken):
                    derived.append(row)
            await mirrored_rows.write(connection, kind, derived)
        return {row["id"] for row in derived}

    async def _fetch(self, subject: Subject) -> bool:
        """Apply what Stripe has. Returns whether it was written. An object that is gone there is left as it is."""
        async with self._database.connection() as connection:
            [known] = (await mirrored_rows.read(connection, subject.kind, [subject.id])).values()
        subjects = [subject, *([Subject(Kind.INVOICE, known["invoice"])] if subject.kind in RETURNS else [])]
        observed = None
        with suppress(NotAtStripe):
            observed = await observation.observe(self._gateway, subject, known["revision"])
        if observed is None or observed.stub:
            log.warning("document_not_rebuilt", subject=subject.id, error="Stripe has no such object")
            return False
        try:
            async with self._database.unit_of_work() as connection:
                unit = await UnitOfWork.of(connection, subjects, cause=CAUSE)
                unit.apply(observed)
                unit.follow(subject)
                await unit.flush()
        except Unordered:
            return False  # others change it, and write its document
        return True


def _derived(kind: Kind, row: JsonObject, taken: Snapshot) -> JsonObject | None:
    """`row` with the later fields of `taken`; None if `taken` disagrees with it or is incomplete."""
    if row["deleted_at"] or not taken.version.same_content(version_of(kind, row)):
        return None
    return mirrored_rows.with_later_fields(kind, row, taken)
