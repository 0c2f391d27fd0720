"""The comparison of our rows with Stripe's balance transactions, to the cent."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import structlog

from app.db.coverage import EVER
from app.db.engine import Database
from app.domain.balance import Beside, Day, Heading, Movement, compare
from app.domain.errors import StripeInvalidRequest
from app.domain.json import JsonObject, JsonView
from app.domain.sources import id_of
from app.projection import observation
from app.reports import statements
from app.stripe.client import StripeGateway

log = structlog.get_logger(__name__)

PATH = "/v1/balance_transactions"
HEADINGS = {"charge": Heading.PAID, "refund": Heading.REFUNDED, "dispute": Heading.DISPUTED}
"""What a balance transaction's source is, by Stripe's name of the object."""
AROUND = timedelta(days=1)
"""Stripe's seconds and ours may fall on two sides of midnight."""
HELD = 500
"""How many balance transactions are held in memory at once, each with its charge."""
MOST_ASKED = 100
"""The most payments that are asked for alone, because Stripe's balance does not show them in the days asked for."""
LOOKED_BACK = timedelta(days=7)
"""How far back the periodic comparison goes: bank debits and refunds change for days."""


@dataclass(slots=True)
class Stripes:
    """What Stripe tells: each object, its balance transactions in the days asked for, and the fees of these."""

    objects: dict[str, Movement] = field(default_factory=dict)
    entries: list[Movement] = field(default_factory=list)
    fees: list[Beside] = field(default_factory=list)


class BalanceCheck:
    def __init__(self, database: Database, gateway: StripeGateway) -> None:
        self._database = database
        self._gateway = gateway

    async def check(self, since: datetime, until: datetime | None = None) -> list[Day]:
        """Compare the days from that of `since`, and store them. The last is not over where `until` is during it.

        Money that no invoice asked for is left out. Raises what the gateway and the database raise.
        """
        since = datetime.combine(max(since, EVER + AROUND).astimezone(UTC).date(), time(), UTC)
        until = until or datetime.now(UTC)
        its = Stripes()
        async for entry in self._entries(since - AROUND, until + AROUND):
            self._enter(its, entry, since, until)
        async with self._database.connection() as connection:
            ours = [
                movement
                for heading in Heading
                for movement in await statements.movements(
                    connection,
                    heading,
                    [one.id for one in its.objects.values() if one.heading is heading],
                    since,
                    until,
                )
            ]
            credited = await statements.credited(connection, since, until)
        counted = {entry.id for entry in its.entries}
        seen = [one for one in its.objects.values() if one.id in counted]
        unseen = [one for one in ours if one.id not in its.objects]
        asked = [one.id for one in unseen if one.heading is Heading.PAID][:MOST_ASKED]
        before = {intent for intent in asked if await self._took_before(intent, since)}
        mine = [one for one in ours if one.id in counted] + [one for one in unseen if one.id not in before]
        found = compare(mine, seen, its.entries, [*its.fees, *credited])
        async with self._database.unit_of_work() as connection:
            await statements.keep(connection, since.date(), until.date(), found)
        if differing := [one for day in found for one in day.differences]:
            log.error("balance_differs", count=len(differing), first=[one.id for one in differing[:20]])
        return found

    async def check_lately(self, settled: timedelta) -> int:
        """Compare the last days, without what is younger than `settled`. Returns the number of differences."""
        until = datetime.now(UTC) - settled
        return sum(len(day.differences) for day in await self.check(until - LOOKED_BACK, until))

    async def days(self, first: date, last: date) -> list[tuple[Day, datetime]]:
        async with self._database.connection() as connection:
            return await statements.days(connection, first, last)

    async def _entries(self, since: datetime, until: datetime) -> AsyncIterator[JsonObject]:
        """Stripe's balance transactions about payments of invoices, each with its source."""
        span = {"gte": int(since.timestamp()), "lt": int(until.timestamp()) + 1}
        known: dict[str, bool] = {}
        page: list[JsonObject] = []
        async for entry in self._gateway.pages(PATH, {"created": span, "expand": ["data.source"]}):
            source = entry.get("source")
            if isinstance(source, dict) and source["object"] in HEADINGS and source.get("payment_intent"):
                page.append(entry)
            if len(page) == HELD:
                for one in await self._of_invoices(page, known):
                    yield one
                page.clear()
        for one in await self._of_invoices(page, known):
            yield one

    async def _took_before(self, intent: str, since: datetime) -> bool:
        """Whether Stripe took the money earlier: the payment was attached to its invoice long after it was made."""
        try:
            path, query = f"/v1/payment_intents/{intent}", {"expand": ["latest_charge.balance_transaction"]}
            charge = (await self._gateway.get(path, query)).data["latest_charge"] or {}
        except StripeInvalidRequest:
            return False
        entry = charge.get("balance_transaction")
        return bool(entry and datetime.fromtimestamp(entry["created"], UTC) < since - AROUND)

    async def _of_invoices(self, page: Sequence[JsonObject], known: dict[str, bool]) -> list[JsonObject]:
        """The entries that are about payments of invoices. `known` says which payments are, and learns more."""
        intents = [str(id_of(entry["source"]["payment_intent"])) for entry in page]
        async with self._database.connection() as connection:
            known |= dict.fromkeys(await statements.of_invoices(connection, set(intents) - known.keys()), True)
        for intent in sorted(set(intents) - known.keys()):
            known[intent] = await observation.invoice_of(self._gateway, intent) is not None
        return [entry for entry, intent in zip(page, intents, strict=True) if known[intent]]

    @staticmethod
    def _enter(its: Stripes, entry: JsonView, since: datetime, until: datetime) -> None:
        source: JsonView = entry["source"]
        heading, at = HEADINGS[source["object"]], datetime.fromtimestamp(entry["created"], UTC)
        object_id = str(id_of(source["payment_intent"])) if heading is Heading.PAID else str(source["id"])
        currency = str(source["currency"])
        within = since <= at < until
        if within or object_id not in its.objects:
            its.objects[object_id] = Movement(heading, object_id, at.date(), currency, _net(heading, source))
        if within:
            amount = _amount(heading, entry, source)
            its.entries.append(Movement(heading, object_id, at.date(), currency, amount))
            its.fees.append(Beside(at.date(), entry["currency"], fees=entry["fee"]))


def _net(heading: Heading, source: JsonView) -> int:
    """What an object moved in all, by what it says now."""
    match heading:
        case Heading.PAID:
            return int(source["amount_captured"])
        case Heading.REFUNDED:
            return 0 if source.get("failure_balance_transaction") else int(source["amount"])
        case Heading.DISPUTED:
            moved: Iterable[JsonView] = source["balance_transactions"]
            return sum(_amount(heading, one, source) for one in moved)


def _amount(heading: Heading, entry: JsonView, source: JsonView) -> int:
    """What one balance transaction moved, in the currency of its object: an account may settle in another one."""
    if heading is Heading.PAID:
        whole = int(source["amount_captured"])
        return whole if entry["amount"] >= 0 else -whole
    whole = abs(int(entry["amount"])) if entry["currency"] == source["currency"] else int(source["amount"])
    return -whole if entry["amount"] > 0 else whole
