"""`invoicing endpoints …`, `deliveries …` and `customers …`: outgoing webhooks, and erasure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from app.cli.output import Json, Status, print_columns, print_encoded, print_json
from app.cli.runner import Moment, ask, progress, run, utc
from app.cli.show import STATE, Cursor, Limit, show_customer, show_page
from app.domain.outgoing import DeliveryStatus, EndpointStatus

if TYPE_CHECKING:
    from app.container import Container

endpoints = typer.Typer(help="Endpoints that receive our webhooks: list.", no_args_is_help=True)
deliveries = typer.Typer(help="Webhook deliveries: list, deliver again.", no_args_is_help=True)
customers = typer.Typer(help="Customers: list, show, erase.", no_args_is_help=True)
customers.command("show")(show_customer)


@endpoints.command("list")
def list_endpoints(
    status: Annotated[EndpointStatus | None, STATE] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List endpoints, newest first."""
    names = ("id", "url", "status", "disabled_reason", "failing_since", "created_at")
    show_page("WEBHOOK_ENDPOINT", names, limit=limit, cursor=cursor, as_json=as_json, status=status)


@deliveries.command("list")
def list_deliveries(
    endpoint: Annotated[str | None, typer.Option(help="Those to this endpoint (`whe_…`).")] = None,
    status: Annotated[DeliveryStatus | None, STATE] = None,
    invoice: Annotated[str | None, typer.Option(help="Those about this invoice.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List deliveries, newest first."""
    names = ("id", "endpoint", "event", "type", "status", "attempts", "created_at", "delivered_at")
    wanted = {"endpoint": endpoint, "status": status, "invoice": invoice}
    show_page("DELIVERY", names, limit=limit, cursor=cursor, as_json=as_json, **wanted)


@deliveries.command()
def redeliver(
    delivery: Annotated[str | None, typer.Argument(help="One delivery (`dlv_…`).")] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="All failed and dead deliveries of this endpoint; needs --since.")
    ] = None,
    since: Moment = None,
    until: Moment = None,
    as_json: Json = False,
) -> None:
    """Deliver again. The events keep their ids."""
    if (delivery is None) == (endpoint is None) or (endpoint and since is None):
        typer.echo("Say which: one delivery, or --endpoint and --since.", err=True)
        raise typer.Exit(Status.WRONG)
    if delivery:
        answer = run(lambda container: ask(container, container.redelivery.redeliver, delivery), as_json=as_json)
        told = f"{delivery} will be delivered again."
    else:
        until = utc(until) or datetime.now(UTC)
        params = {"since": (utc(since) or until).isoformat(), "until": until.isoformat()}
        answer = run(
            lambda container: ask(container, container.redelivery.redeliver_many, endpoint, params), as_json=as_json
        )
        told = f"{msgspec.json.decode(answer.body)['redelivered']} deliveries will be made again."
    print_encoded(answer.body) if as_json else typer.echo(told)


@customers.command("list")
def list_customers(
    email: Annotated[str | None, typer.Option(help="Those with this address.")] = None,
    reference: Annotated[str | None, typer.Option(help="The one with the caller's own id.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List customers, newest first."""
    names = ("id", "name", "email", "reference", "created_at")
    show_page("CUSTOMER", names, limit=limit, cursor=cursor, as_json=as_json, email=email, reference=reference)


@customers.command()
def erase(
    customer: Annotated[str, typer.Argument(help="`cus_…`")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a customer at Stripe, and their personal data from everything that is stored here."""
    if not yes:
        typer.confirm(f"Erase {customer} here and at Stripe? There is no way back.", abort=True, err=True)
    answer = run(lambda container: ask(container, container.customers.delete_customer, customer), as_json=as_json)
    if as_json:
        print_encoded(answer.body)
    else:
        print_columns([msgspec.json.decode(answer.body)], ("id", "deleted"))


def sweep_erased(as_json: Json = False) -> None:
    """Search all stored events for personal data of deleted customers, and remove it.

    The worker does this each hour for new events.
    """

    async def sweep(container: Container) -> int:
        from app.projection import erasure

        with progress("looking through what is stored"):
            return await erasure.sweep(container.database, everything=True)

    changed = run(sweep, as_json=as_json)
    print_json({"changed": changed}) if as_json else typer.echo(f"{changed} documents changed.")
