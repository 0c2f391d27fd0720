"""Owns `invoicing events …`, `invoicing reconcile` and `invoicing rebuild`: what an operator does to the inbox."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from app.commands.environment import operator
from app.commands.running import Moment, run, utc
from app.db import replays
from app.db.replays import Wanted
from app.webhooks.reconciling import KEPT
from app.wiring import Parts
from app.worker.rebuilding import told

events = typer.Typer(help="The inbox: replay events.", no_args_is_help=True)

REPLAYED_AT_ONCE = 500


@events.command()
def replay(
    event: Annotated[str | None, typer.Argument(help="One event (`evt_…`).")] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Events of this type.")] = None,
    status: Annotated[str | None, typer.Option(help="Events in this state, e.g. dead.")] = None,
    about: Annotated[str | None, typer.Option("--object", help="Events about this object.")] = None,
    since: Moment = None,
    until: Moment = None,
    everything: Annotated[bool, typer.Option("--all", help="Every event there is.")] = False,  # noqa: FBT002 -- a flag
) -> None:
    """Process events again; what was applied already changes nothing."""
    wanted = Wanted(event, event_type, status, about, utc(since), utc(until))
    if wanted == Wanted() and not everything:
        typer.echo("Say which events: an id, a filter, or --all.", err=True)
        raise typer.Exit(2)
    failed = run(lambda parts: _replay(parts, wanted))
    raise typer.Exit(1 if failed else 0)


async def _replay(parts: Parts, wanted: Wanted) -> int:
    """Put the events back in portions and help to process them; how many failed."""
    found = await parts.replaying.matching(wanted)
    worker, done, failed = parts.worker(), 0, 0
    for start in range(0, len(found), REPLAYED_AT_ONCE):
        queued = await parts.replaying.requeue(found[start : start + REPLAYED_AT_ONCE], actor=operator())
        while True:
            await worker.drain()
            async with parts.database.connection() as connection:
                now = await replays.statuses(connection, queued)
            if not now.keys() & {"received", "processing"}:
                break
            await asyncio.sleep(0.2)  # another worker has them
        done += len(queued)
        failed += now.get("failed", 0) + now.get("dead", 0)
        typer.echo(f"{done} of {len(found)} events replayed, {failed} failed")
    if not found:
        typer.echo("No event matches.")
    return failed


def reconcile(since: Moment = None) -> None:
    """Look for events that never arrived and for invoices that drifted from Stripe's, and put both right."""

    async def work(parts: Parts) -> bool:
        reconciler = parts.reconciler()
        found = await reconciler.reconcile(utc(since))
        if found is None:
            typer.echo("Somebody else is reconciling right now.", err=True)
            return False
        typer.echo(
            f"{found.compared} events compared since {found.since:%Y-%m-%d %H:%M:%S}: {len(found.missed)} were missing"
        )
        for event in found.missed:
            typer.echo(f"  queued {event}")
        for drifted in await parts.repairing().repair():
            typer.echo(f"  repaired {drifted}")
        covered = await reconciler.covered()
        if covered:
            left = KEPT - (datetime.now(UTC) - covered.complete_until)
            typer.echo(
                f"Complete up to {covered.complete_until:%Y-%m-%d %H:%M:%S} UTC; Stripe keeps {left.days} days more."
            )
        return True

    raise typer.Exit(0 if run(work) else 1)


def rebuild(
    repair: Annotated[  # noqa: FBT002 -- a flag
        bool, typer.Option("--repair/--verify", help="Make the live rows what the events lead to, or only compare.")
    ] = False,
) -> None:
    """Replay every event into an empty projection and say how it differs from the live one."""
    done = run(
        lambda parts: parts.rebuilder().rebuild(
            repair=repair, progress=lambda count: typer.echo(f"{count} events replayed", err=True)
        )
    )
    for line in [*done.failed, *told(done.differences)]:
        typer.echo(line)
    typer.echo(
        f"{done.events} events replayed, Stripe asked {done.asked} times: {len(done.differences)} differences"
        + (f", {done.repaired} repaired" if repair else "")
    )
    raise typer.Exit(1 if done.failed or len(done.differences) > done.repaired else 0)
