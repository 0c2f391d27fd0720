"""Commands that find and show invoices, and write them as CSV."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from app.cli.output import Json, print_columns, print_encoded
from app.cli.runner import read, run
from app.cli.show import STATE, Cursor, Limit, Of, show_one, show_page
from app.domain.invoice import InvoiceStatus

if TYPE_CHECKING:
    from app.container import Container
    from app.db.engine import Connection

invoices = typer.Typer(help="Invoices: find, show, export, and everything that happened to one.", no_args_is_help=True)

Where = Annotated[
    list[str] | None,
    typer.Option(
        help="A filter of GET /v1/invoices, or `sort`, as `sort=due_at`, `q=jenny`, `metadata[team]=blue`; several."
    ),
]


def _wanted(where: list[str] | None) -> dict[str, object]:
    """The filters, as the API reads them. Raises typer.BadParameter."""
    if not where:
        return {}
    from pydantic import ValidationError

    from app.http.queries import parsed
    from app.invoices.queries import InvoicesFilter

    try:
        return dict(parsed([pair.partition("=")[::2] for pair in where], InvoicesFilter))
    except ValidationError as error:
        problem = error.errors()[0]
        raise typer.BadParameter(f"{problem['loc'][0]}: {problem['msg']}", param_hint="--where") from None


@invoices.command("list")
def list_invoices(
    status: Annotated[InvoiceStatus | None, STATE] = None,
    customer: Of = None,
    reference: Annotated[str | None, typer.Option(help="The one with the caller's own id.")] = None,
    overdue: Annotated[bool, typer.Option(help="Open ones whose due date has passed.")] = False,
    where: Where = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List invoices, newest first unless they are sorted otherwise."""
    names = ("id", "number", "status", "customer", "currency", "total", "amount_remaining", "due_at", "created_at")
    given = {"status": status, "customer": customer, "reference": reference, "overdue": overdue or None}
    wanted = _wanted(where) | {name: value for name, value in given.items() if value is not None}
    show_page("INVOICE", names, limit=limit, cursor=cursor, as_json=as_json, **wanted)


@invoices.command("export")
def export_invoices(
    where: Where = None, output: Annotated[Path | None, typer.Option(help="A file; standard output without it.")] = None
) -> None:
    """Write invoices as CSV; at most 100,000, and the last line says if there were more."""
    wanted = _wanted(where)

    async def write(container: Container) -> None:
        from app.invoices import export

        texts = export.lines(container.database, wanted)
        first = await anext(texts)
        with output.open("w", encoding="utf-8", newline="") if output else nullcontext(sys.stdout) as file:
            file.write(first)
            async for text in texts:
                file.write(text)

    run(write)


@invoices.command("show")
def show_invoice(invoice: Annotated[str, typer.Argument(help="`in_…`")], as_json: Json = False) -> None:
    """Show an invoice with its items."""
    show_one("INVOICE", invoice, as_json=as_json)


@invoices.command("timeline")
def show_timeline(invoice: Annotated[str, typer.Argument(help="`in_…`")], as_json: Json = False) -> None:
    """Tell everything that happened to an invoice, oldest first, and why it is unpaid."""

    async def told_of(connection: Connection) -> bytes:
        from app.invoices import timeline

        return await timeline.read(connection, invoice)

    found = read(told_of, as_json=as_json)
    if as_json:
        print_encoded(found)
        return
    told = msgspec.json.decode(found)
    typer.echo(f"{told['invoice']} is {told['status']}, its fulfillment {told['fulfillment'] or 'not begun'}.")
    if told["unpaid_because"]:
        typer.echo(told["unpaid_because"])
    entries = [{**entry, "details": _facts(entry["data"])} for entry in told["data"]]
    print_columns(entries, ("at", "kind", "what", "details"))


def _facts(data: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in data.items() if value not in (None, "", {}))
