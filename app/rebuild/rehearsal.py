"""The rehearsal of another API version: compares what this build reads from its objects with what is stored.

It writes nothing: its connection is read-only, and Stripe is only asked by GET. Objects of the candidate version come
from Stripe, asked with its `Stripe-Version`, or from files of events delivered in it. The usual mapping reads both.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import msgspec

from app.db.engine import Connection, Database
from app.domain.errors import NotAtStripe, StripeInvalidRequest
from app.domain.fulfillment import Payment, follow
from app.domain.invoice import advance
from app.domain.json import JsonView
from app.domain.sources import Passing
from app.inbox.envelope import Event, read_event
from app.inbox.handlers import HANDLERS
from app.inbox.incoming import KINDS
from app.payments.attempts import failure_of, last_attempt
from app.projection import observation
from app.projection.unit_of_work import Subject
from app.rebuild import rehearsal_statements
from app.rebuild.rehearsal_statements import StoredEvent
from app.stripe.client import API_VERSION, StripeGateway
from app.stripe.mapping import FIELDS, Kind, ObservationWindow, Snapshot, invoice_payment, snapshot
from app.stripe.mapping import ITEM as ITEM_FIELDS

Reading = dict[str, object]
"""What this build reads from one object, by field."""

UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError, msgspec.MsgspecError)
"""What reading an object of another shape may raise."""

PASSING = {kind: frozenset(FIELDS[kind].marked(Passing)) for kind in Kind}

INTENT = "payment_intent"
FOLLOWS = "fulfillment"
"""The name of an extra field of an invoice: the fulfillment's status that would follow from its status."""
ITEM = "items["
"""How the names of an invoice's items begin."""
AT_ONCE = 8
"""The number of objects that are asked for at once."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """An object that this build reads differently in the candidate version.

    `fields` maps names to (stored, candidate); `problem` says why it cannot be read.
    """

    about: str
    fields: dict[str, tuple[object, object]] = field(default_factory=dict)
    problem: str | None = None

    def __str__(self) -> str:
        if self.problem:
            return f"{self.about}: cannot be read: {self.problem}"
        told = ", ".join(f"{name} is {known!r}, would be {told!r}" for name, (known, told) in self.fields.items())
        return f"{self.about}: {told}"


@dataclass(slots=True)
class Rehearsed:
    """What a rehearsal found.

    read: objects without a stored counterpart. drifted: objects whose rows differ from Stripe in our own version as
    well, which is for `invoicing reconcile`.
    """

    compared: int = 0
    read: int = 0
    gone: int = 0
    drifted: list[str] = field(default_factory=list)
    divergences: list[Divergence] = field(default_factory=list)


class Rehearsal:
    """Compares the candidate version with what is stored. `own` uses this build's version, `candidate` the other."""

    def __init__(self, database: Database, own: StripeGateway, candidate: StripeGateway, *, livemode: bool) -> None:
        self._database = database
        self._own = own
        self._candidate = candidate
        self._livemode = livemode

    async def ask(self, last: int, progress: Callable[[int], None] = lambda _: None) -> Rehearsed:
        """Ask Stripe for the objects of the last `last` events, in the candidate version.

        Raises what the gateway raises if Stripe does not know the version or cannot be asked.
        """
        done = Rehearsed()
        await self._candidate.get("/v1/events", {"limit": 1})
        async with self._reading() as connection:
            events = await rehearsal_statements.newest(connection, HANDLERS, livemode=self._livemode, limit=last)
            subjects = _subjects(events)
            for start in range(0, len(subjects), AT_ONCE):
                portion = subjects[start : start + AT_ONCE]
                asked = (self._asked(self._candidate, *subject) for subject in portion)
                readings = await asyncio.gather(*asked, return_exceptions=True)  # none is left under way
                for subject, reading in zip(portion, readings, strict=True):
                    if isinstance(reading, BaseException):
                        raise reading
                    await self._take(connection, done, *subject, reading)
                progress(start + len(portion))
        return done

    async def read(self, events: Iterable[bytes]) -> Rehearsed:
        """Read events of the candidate version, and compare each with the stored event of the same id."""
        done = Rehearsed()
        async with self._reading() as connection:
            for body in events:
                try:
                    event = read_event(body.decode())
                    reading = reading_of(event.object) if event.type in HANDLERS else None
                except UNREADABLE as error:
                    done.divergences.append(Divergence(_id_in(body), problem=_said(error)))
                    continue
                if reading is not None:
                    await self._beside_twin(connection, done, event, reading)
        return done

    def _reading(self) -> AbstractAsyncContextManager[Connection]:
        return self._database.session(default_transaction_read_only="on")

    async def _asked(self, gateway: StripeGateway, kind: str, object_id: str) -> Reading | str | None:
        """The reading of the object; text if it cannot be read; None if it is gone."""
        try:
            if kind == INTENT:
                return reading_of(await observation.payment_intent(gateway, object_id))
            seen = await observation.observe(gateway, Subject(Kind(kind), object_id))
        except NotAtStripe:
            return None
        except StripeInvalidRequest as error:
            return f"Stripe refuses: {error.detail}"
        except UNREADABLE as error:
            return _said(error)
        return None if seen.stub else _reading(seen)

    async def _take(
        self, connection: Connection, done: Rehearsed, kind: str, object_id: str, reading: Reading | str | None
    ) -> None:
        if reading is None:
            done.gone += 1
        elif isinstance(reading, str):
            done.divergences.append(Divergence(object_id, problem=reading))
        elif not (known := await self._known(connection, kind, object_id, reading)):
            done.read += 1
        else:
            done.compared += 1
            fields = difference(known, reading)
            if fields and kind != INTENT and self._candidate.api_version != API_VERSION:
                fields = await self._of_the_version(done, kind, object_id, fields, reading)
            if fields:
                done.divergences.append(Divergence(object_id, fields))

    async def _of_the_version(
        self, done: Rehearsed, kind: str, object_id: str, fields: dict[str, tuple[object, object]], reading: Reading
    ) -> dict[str, tuple[object, object]]:
        """Those of `fields` that differ because of the version. Differences in our own version, too, are drift."""
        own = await self._asked(self._own, kind, object_id)
        if not isinstance(own, dict):
            return fields
        kept = {name: pair for name, pair in fields.items() if own.get(name) != reading.get(name)}
        if "status" not in kept:
            kept.pop(FOLLOWS, None)
        if kept != fields:
            done.drifted.append(object_id)
        return kept

    async def _known(self, connection: Connection, kind: str, object_id: str, reading: Reading) -> Reading | None:
        """The stored values of the fields in `reading`. Takes out of it those that an older document lacks."""
        if kind == INTENT:
            own = await self._asked(self._own, kind, object_id) if self._candidate.api_version != API_VERSION else None
            return own if isinstance(own, dict) else None
        row = await rehearsal_statements.row_of(connection, Kind(kind), object_id)
        if row is None:
            return None
        version = row["document_version"]
        for name in FIELDS[Kind(kind)].lacking(version):
            reading.pop(name, None)
        known: Reading = {name: row.get(name) for name in reading if not name.startswith(ITEM)}
        if kind == Kind.INVOICE.value:
            items = await rehearsal_statements.items_of(connection, row)
            known |= {_item_name(line): item for line, item in items.items()}
            for name in [one for one in reading if one.startswith(ITEM)]:
                if isinstance(told := reading[name], dict):
                    reading[name] = {key: told[key] for key in told if key not in ITEM_FIELDS.lacking(version)}
            known[FOLLOWS] = follow(None, row["status"], Payment())
            reading[FOLLOWS] = follow(None, advance(row["status"], str(reading["status"])), Payment())
            if reading["payment_intent"] is None:  # only an answer that shows the payments says so
                known.pop("payment_intent", None)
                del reading["payment_intent"]
        return known

    async def _beside_twin(self, connection: Connection, done: Rehearsed, event: Event, reading: Reading) -> None:
        """Compare an event with the stored one of the same id, if this build can read that."""
        twin = (await rehearsal_statements.stored(connection, [event.id])).get(event.id)
        if twin is None or twin.api_version != API_VERSION:
            done.read += 1
            return
        done.compared += 1
        fields = difference(reading_of(read_event(twin.payload).object), reading)
        if fields:
            done.divergences.append(Divergence(f"{event.id} ({event.type})", fields))


def _subjects(events: Sequence[StoredEvent]) -> list[tuple[str, str]]:
    """The objects of the events, each once, as (Stripe's name of its kind, id)."""
    asked = {*KINDS, INTENT}
    named = ((event.type.rpartition(".")[0], event.object_id) for event in events)
    return list(dict.fromkeys((kind, object_id) for kind, object_id in named if kind in asked and object_id))


def reading_of(stripe_object: JsonView) -> Reading:
    """What this build reads from an object of a kind it handles. Raises one of UNREADABLE."""
    name = stripe_object["object"]
    if name in KINDS:
        now = datetime.now(UTC)
        return _reading(snapshot(KINDS[name], stripe_object, ObservationWindow(now, now)))
    if name == INTENT:
        failure = failure_of(stripe_object)
        said = (failure.code, failure.decline_code, failure.message) if failure else (None, None, None)
        told = dict(zip(("failure_code", "failure_decline_code", "failure_message"), said, strict=True))
        return {"id": stripe_object["id"], "attempt": last_attempt(stripe_object), **told}
    payment = invoice_payment(stripe_object)
    return asdict(payment) if payment else {"payment_intent": None}


def _reading(taken: Snapshot) -> Reading:
    read: Reading = {name: value for name, value in taken.row.items() if name not in PASSING[taken.kind]}
    read |= {_item_name(item["line_item"]): item for item in taken.items}
    if taken.kind is Kind.INVOICE:
        read["payment_intent"] = taken.payment_intent
    return read


def _item_name(line: str) -> str:
    return f"{ITEM}{line}]"


def difference(known: Reading, told: Reading) -> dict[str, tuple[object, object]]:
    """The fields that differ, as (known, told). A field that one side lacks is None there."""
    names = [*known, *(name for name in told if name not in known)]
    return {name: (known.get(name), told.get(name)) for name in names if known.get(name) != told.get(name)}


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _id_in(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["id"])
    except UNREADABLE:
        return "an event without an id"
