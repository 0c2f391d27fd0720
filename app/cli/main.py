"""The command line `invoicing`. A command's module is imported when it is used, so that help is fast."""

import errno
import gc
import sys
from functools import cached_property
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

COMMANDS = {
    "serve": ("start:serve", "Serve the API."),
    "worker": ("start:worker", "Process events, send mails and webhooks."),
    "console": ("start:console", "Serve the operators' console."),
    "migrate": ("start:migrate", "Bring the database's schema to a revision."),
    "check": ("check:check", "Check the settings, and nothing else."),
    "doctor": ("doctor:doctor", "Say what is wrong here, and what to do."),
    "demo": ("demo:demo", "Take one invoice from draft to fulfilled."),
    "openapi": ("contract:openapi", "Export the contract."),
    "invoices": ("invoices:invoices", "Invoices: list, show, export, timeline."),
    "fulfillments": ("show:fulfillments", "Fulfillments: list, show."),
    "refunds": ("show:refunds", "Refunds: list, show."),
    "credit-notes": ("show:credit_notes", "Credit notes: list, show."),
    "disputes": ("show:disputes", "Disputes: list, show."),
    "actions": ("actions:commands", "Fulfillment actions: list, try again."),
    "customers": ("outgoing:customers", "Customers: list, show, erase."),
    "keys": ("keys:commands", "API keys: make, list, rotate, revoke."),
    "events": ("inbox:events", "The inbox: list, show, replay events."),
    "webhooks": ("webhooks:commands", "The endpoint at Stripe and its secrets."),
    "endpoints": ("outgoing:endpoints", "Endpoints that receive our webhooks: list."),
    "deliveries": ("outgoing:deliveries", "Webhook deliveries: list, deliver again."),
    "operations": ("show:operations", "Writes: list, find those that are stuck."),
    "audit": ("show:audit", "The audit log: list who did what."),
    "reconcile": ("inbox:reconcile", "Fetch from Stripe events that never arrived."),
    "repair": ("inbox:repair", "Correct invoices that differ from Stripe's."),
    "rebuild": ("inbox:rebuild", "Compare stored rows with stored events."),
    "documents": ("documents:documents", "Rebuild the stored answers of the API."),
    "sweep-erased": ("outgoing:sweep_erased", "Erase what is left of deleted customers."),
    "upgrade-rehearsal": ("rehearsal:upgrade_rehearsal", "Try another version of Stripe's API."),
}
"""The module of each command below `app.cli`, and its line in the list of commands."""


class LazyCommand(TyperCommand):
    """A command whose module is imported when it is parsed or completed."""

    def __init__(self, name: str, place: str, says: str) -> None:
        super().__init__(name, help=says)
        self._place = place

    @cached_property
    def loaded(self) -> Any:
        """The real command: a group if its module has a Typer application, otherwise its function."""
        module, _, attribute = self._place.partition(":")
        found = getattr(import_module(f"app.cli.{module}"), attribute)
        parent = _typer()
        parent.callback()(lambda: None)
        if isinstance(found, typer.Typer):
            parent.add_typer(found, name=self.name)
        else:
            parent.command(self.name)(found)
        return get_command(parent).commands[self.name]  # type: ignore[attr-defined]

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse with the real command, which is then the one that runs."""
        return self.loaded.make_context(*args, **kwargs)


class Commands(TyperGroup):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: LazyCommand(name, *said) for name, said in COMMANDS.items()}


def _typer(**settings: Any) -> typer.Typer:
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, **settings)


cli = _typer(name="invoicing", cls=Commands, no_args_is_help=True)


def _tell_version(asked: bool) -> None:  # noqa: FBT001 - typer's callback
    if asked:
        from app.version import VERSION

        typer.echo(VERSION)
        raise typer.Exit


@cli.callback()
def _invoicing(
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Run the invoicing service, and look after it by hand."""


def main() -> None:
    """The entry point.

    No garbage is collected while modules are imported: they live to the end, and looking through them took a sixth of
    the start. Whatever may last collects again once it has begun (runner.py, processes.py).
    """
    gc.disable()
    try:
        cli()
    except OSError as error:
        if error.filename is None and error.errno != errno.ENOSPC:
            raise
        typer.echo(f"{error.filename or 'The output'}: {error.strerror}", err=True)
        sys.exit(2 if error.filename else 1)


if __name__ == "__main__":
    main()
