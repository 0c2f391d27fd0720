"""`invoicing webhooks …`: the endpoint at Stripe, and its signing secrets."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.output import Json, print_columns, print_json
from app.cli.runner import run

if TYPE_CHECKING:
    from app.container import Container
    from app.inbox.signers import Signer

commands = typer.Typer(help="The webhook endpoint at Stripe and its signing secrets.", no_args_is_help=True)

LOOKED_BACK = timedelta(days=7)

ROTATION = """\
To rotate the signing secret without losing a delivery:
  1. Roll it in Stripe's Dashboard (Developers, Webhooks, the endpoint, Roll secret) and let the old one expire in 24 h.
  2. Put the new secret first in STRIPE_WEBHOOK_SECRETS, the old one behind it, and restart the API.
  3. When `invoicing webhooks secrets` says that the old one can go, take it out and restart again."""


@commands.command()
def setup(
    url: Annotated[str, typer.Option(help="Where Stripe shall deliver: https://…/webhooks/stripe")],
    as_json: Json = False,
) -> None:
    """Create or update the endpoint at Stripe: exactly the event types that the service handles, in its API version."""
    from app.cli.environment import BeforeTheEndpoint
    from app.inbox import route, stripe_endpoint

    if not url.endswith(route.PATH):
        raise typer.BadParameter(f"the service receives at …{route.PATH}", param_hint="--url")
    key = f"endpoint-{uuid.uuid4().hex}"
    done = run(
        lambda container: stripe_endpoint.set_up(container.gateway, url, key=key), BeforeTheEndpoint, as_json=as_json
    )
    if as_json:
        print_json(done)
        return
    typer.echo(f"The endpoint {done.id} is {done.outcome}.")
    if done.secret:
        typer.echo("Its signing secret, shown only now; add it to STRIPE_WEBHOOK_SECRETS:", err=True)
        typer.echo(done.secret)
    for other in done.outdated:
        typer.echo(
            f"{other} delivers to the same address in another API version: delete it once the new one is in use."
        )
    typer.echo(ROTATION, err=True)


@commands.command()
def secrets(as_json: Json = False) -> None:
    """Show how many deliveries each signing secret verified, and which secret you can remove."""
    from app.inbox import stripe_endpoint
    from app.inbox.signers import Signer

    configured, seen = run(_signers, as_json=as_json)
    now = datetime.now(UTC)
    rows = []
    for name in [*configured, *sorted(seen.keys() - set(configured))]:
        signer = seen.get(name, Signer(name))
        newer = any(
            other.last and (signer.last is None or other.last > signer.last)
            for other in seen.values()
            if other.name != name and other.name in configured
        )
        told = stripe_endpoint.advice(signer, configured=name in configured, others_newer=newer, now=now)
        last = signer.last.isoformat(timespec="seconds") if signer.last else None
        rows.append({"secret": name, "deliveries_in_7_days": signer.events, "last": last, "advice": told})
    print_json({"data": rows}) if as_json else print_columns(rows, ("secret", "deliveries_in_7_days", "last", "advice"))


async def _signers(container: Container) -> tuple[list[str], dict[str, Signer]]:
    from app.inbox.signers import signers

    async with container.database.connection() as connection:
        return [secret.name for secret in container.secrets], await signers(connection, LOOKED_BACK)
