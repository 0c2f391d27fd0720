"""`invoicing events …`, `reconcile`, `repair` and `rebuild`: what an operator does with the inbox."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.output import Json, Status, first_of, print_columns, print_json
from app.cli.runner import Advance, Moment, progress, run, utc
from app.cli.show import list_events, show_event
from app.domain.balance import Heading
from app.domain.errors import InvalidState
from app.domain.json import JsonObject
from app.inbox.envelope import EventStatus

if TYPE_CHECKING:
    from app.container import Container
    from app.db.coverage import Covered
    from app.inbox.reconciler import ReconcilerPass
    from app.inbox.replay_statements import Query

events = typer.Typer(help="The inbox: list, show, replay events.", no_args_is_help=True)
events.command("list")(list_events)
events.command("show")(show_event)

REPLAYED_AT_ONCE = 500


@events.command()
def replay(
    event: Annotated[str | None, typer.Argument(help="One event (`evt_…`).")] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Events of this type.")] = None,
    status: Annotated[EventStatus | None, typer.Option(help="Events in this state.")] = None,
    about: Annotated[str | None, typer.Option("--object", help="Events about this object.")] = None,
    since: Moment = None,
    until: Moment = None,
    everything: Annotated[bool, typer.Option("--all", help="Every event there is.")] = False,
    as_json: Json = False,
) -> None:
    """Process events again; what was applied already changes nothing. Exit status 1 where one failed."""
    from app.inbox.replay_statements import Query

    wanted = Query(event, event_type, status, about, utc(since), utc(until))
    if wanted == Query() and not everything:
        typer.echo("Say which events: an id, a filter, or --all.", err=True)
        raise typer.Exit(Status.WRONG)
    with progress("replayed") as advance:
        done = run(lambda container: _replay(container, wanted, advance), as_json=as_json)
    if as_json:
        print_json(done)
    elif done["matched"]:
        typer.echo(f"{done['replayed']} of {done['matched']} events replayed, {done['failed']} failed")
    else:
        typer.echo("No event matches.")
    raise typer.Exit(Status.FAILED if done["failed"] else Status.DONE)


async def _replay(container: Container, wanted: Query, advance: Advance) -> JsonObject:
    """Queue the events in portions, and help to process them."""
    from app.cli.environment import operator
    from app.inbox import replay_statements

    found = await container.replay.matching(wanted)
    if wanted.id and not found:
        await _not_replayed(container, wanted.id)
    worker, done, failed = container.worker(), 0, 0
    for start in range(0, len(found), REPLAYED_AT_ONCE):
        advance(done, len(found))
        queued = await container.replay.requeue(found[start : start + REPLAYED_AT_ONCE], wanted, actor=operator())
        while True:
            await worker.drain()
            async with container.database.connection() as connection:
                now = await replay_statements.statuses(connection, queued)
            if not now.keys() & {"received", "processing"}:
                break
            await asyncio.sleep(0.2)  # another worker has them
        done += len(queued)
        failed += now.get("failed", 0) + now.get("dead", 0)
    return {"matched": len(found), "replayed": done, "failed": failed}


async def _not_replayed(container: Container, event: str) -> None:
    """Raise the reason why an event cannot be replayed."""
    from app.db import documents
    from app.db.resources import EVENT

    async with container.database.connection() as connection:
        await documents.require(connection, EVENT, event)
    raise InvalidState(
        f"{event} is not replayed: nothing handles it, it waits already, or another option rules it out."
    )


def reconcile(
    since: Moment = None,
    money: Annotated[bool, typer.Option("--money", help="Compare the money with Stripe's balance instead.")] = False,
    as_json: Json = False,
) -> None:
    """Fetch events that never arrived, and correct invoices that differ from Stripe's.

    With --money: compare each day's payments, refunds and disputes with Stripe's balance transactions, from the day of
    `--since`, or of the last seven days. This corrects nothing. Exit status 1: they differ.
    """
    if since and since > datetime.now(UTC).replace(tzinfo=None):
        raise typer.BadParameter("nothing can be compared from a day that is still to come", param_hint="--since")
    if money:
        from app.reports.balance import LOOKED_BACK

        _reconcile_money(utc(since) or datetime.now(UTC) - LOOKED_BACK, as_json=as_json)
        return

    async def work(container: Container) -> tuple[ReconcilerPass | None, list[str], Covered | None]:
        reconciler = container.reconciler()
        with progress("comparing events and invoices with Stripe's"):
            found = await reconciler.reconcile(utc(since))
            repaired = [] if found is None else await container.repairing().repair()
        return found, repaired, await reconciler.covered()

    found, repaired, covered = run(work, as_json=as_json)
    if found is None:
        typer.echo("Somebody else is reconciling right now.", err=True)
        raise typer.Exit(Status.FAILED)
    if as_json:
        shown = {"since": found.since, "compared": found.compared, "missed": found.missed, "repaired": repaired}
        print_json({**shown, "complete_until": covered and covered.complete_until})
    else:
        _tell(found, repaired, covered)


def _reconcile_money(since: datetime, *, as_json: bool) -> None:
    with progress("comparing balance transactions"):
        days = run(lambda container: container.balance.check(since), as_json=as_json)
    differences = [one for day in days for one in day.differences]
    if as_json:
        print_json({"balanced": not differences, "days": days})
    else:
        names = ("day", "currency", *Heading, "credited", "fees")
        print_columns([{name: getattr(day, name) for name in names} for day in days], names)
        for one in differences:
            typer.echo(f"differs: {one.heading} {one.id}: {one.ours} here, {one.stripe} at Stripe ({one.currency})")
        typer.echo(f"{len(differences)} differences")
    raise typer.Exit(Status.FAILED if differences else Status.DONE)


def _tell(found: ReconcilerPass, repaired: list[str], covered: Covered | None) -> None:
    typer.echo(
        f"{found.compared} events compared since {found.since:%Y-%m-%d %H:%M:%S}: {len(found.missed)} were missing"
    )
    for event in found.missed:
        typer.echo(f"  queued {event}")
    for drifted in repaired:
        typer.echo(f"  repaired {drifted}")
    if covered:
        from app.inbox.reconciler import KEPT

        left = KEPT - (datetime.now(UTC) - covered.complete_until)
        typer.echo(
            f"Complete up to {covered.complete_until:%Y-%m-%d %H:%M:%S} UTC; Stripe keeps {left.days} days more."
        )


def repair(as_json: Json = False) -> None:
    """Compare unfinished invoices with Stripe's, and correct those that differ. `reconcile` does this, too."""

    async def work(container: Container) -> list[str]:
        with progress("comparing invoices with Stripe's"):
            return await container.repairing().repair()

    repaired = run(work, as_json=as_json)
    if as_json:
        print_json({"repaired": repaired})
        return
    for drifted in repaired:
        typer.echo(f"repaired {drifted}")
    typer.echo(f"{len(repaired)} had drifted from Stripe's.")


def rebuild(
    repair: Annotated[
        bool, typer.Option("--repair/--verify", help="Correct the stored rows, or only compare.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Replay every event into empty tables, and compare the result with the stored rows. Exit status 1: they differ."""
    with progress("events replayed") as advance:
        done = run(lambda container: container.rebuilder().rebuild(repair=repair, progress=advance), as_json=as_json)
    differences = first_of(done.differences)
    if as_json:
        counted = {"events": done.events, "asked": done.asked, "repaired": done.repaired}
        print_json({**counted, "failed": done.failed, "differences": differences})
    else:
        for line in (*done.failed, *differences):
            typer.echo(line)
        typer.echo(
            f"{done.events} events replayed, Stripe asked {done.asked} times: {len(done.differences)} differences"
            + (f", {done.repaired} repaired" if repair else "")
        )
    raise typer.Exit(Status.FAILED if done.failed or len(done.differences) > done.repaired else Status.DONE)
