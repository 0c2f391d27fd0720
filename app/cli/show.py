"""The commands that only read: lists and single objects, as the API answers them.

`--json` prints the API's document; without it, the most useful columns are printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from app.cli.output import Json, print_columns, print_encoded, print_fields
from app.cli.runner import read
from app.domain.credit_note import CreditNoteStatus
from app.domain.dispute import DisputeStatus
from app.domain.fulfillment import FulfillmentStatus
from app.domain.refund import RefundStatus
from app.inbox.envelope import EventStatus

if TYPE_CHECKING:
    from app.db.engine import Connection

fulfillments = typer.Typer(help="Fulfillments: list, show.", no_args_is_help=True)
refunds = typer.Typer(help="Refunds: list, show.", no_args_is_help=True)
credit_notes = typer.Typer(help="Credit notes: list, show.", no_args_is_help=True)
disputes = typer.Typer(help="Disputes: list, show.", no_args_is_help=True)
operations = typer.Typer(help="Writes that callers asked for: list, find those that are stuck.", no_args_is_help=True)
audit = typer.Typer(help="The audit log: list who did what.", no_args_is_help=True)

Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")]
Cursor = Annotated[str | None, typer.Option(help="`next_cursor` of the page before.")]
OfInvoice = Annotated[str | None, typer.Option("--invoice", help="Those of this invoice (`in_…`).")]
STATE = typer.Option(help="Those in this state.")
Of = Annotated[str | None, typer.Option("--customer", help="Those of this customer (`cus_…`).")]


def show_page(
    resource: str, names: Sequence[str], *, limit: int, cursor: str | None, as_json: bool, **wanted: object
) -> None:
    """Print the fields `names` of a page. `wanted` are filters of the resource; None matches all.

    `resource` is the name of a constant of app.db.resources, which is imported when it is used.
    """

    async def page(connection: Connection) -> bytes:
        from app.db import documents, resources

        return await documents.page(connection, getattr(resources, resource), wanted, limit=limit, cursor=cursor)

    found = read(page, as_json=as_json)
    if as_json:
        print_encoded(found)
        return
    decoded = msgspec.json.decode(found)
    print_columns(decoded["data"], names)
    if decoded["has_more"]:
        typer.echo(f"There are more: --cursor {decoded['next_cursor']}", err=True)


def show_one(resource: str, object_id: str, *, as_json: bool, by: str = "id") -> None:
    """Print one object."""

    async def one(connection: Connection) -> str:
        from app.db import documents, resources

        return await documents.require(connection, getattr(resources, resource), object_id, by=by)

    found = read(one, as_json=as_json)
    print_encoded(found) if as_json else print_fields(msgspec.json.decode(found))


@fulfillments.command("list")
def list_fulfillments(
    status: Annotated[FulfillmentStatus | None, STATE] = None,
    customer: Of = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List fulfillments, newest first."""
    names = ("id", "invoice", "customer", "status", "currency", "amount_paid", "attempts", "fulfilled_at", "updated_at")
    wanted = {"status": status, "customer": customer}
    show_page("FULFILLMENT", names, limit=limit, cursor=cursor, as_json=as_json, **wanted)


@fulfillments.command("show")
def show_fulfillment(
    invoice: Annotated[str, typer.Argument(help="The invoice's id (`in_…`).")], as_json: Json = False
) -> None:
    """Show an invoice's fulfillment."""
    show_one("FULFILLMENT", invoice, as_json=as_json, by="invoice")


@refunds.command("list")
def list_refunds(
    status: Annotated[RefundStatus | None, STATE] = None,
    invoice: OfInvoice = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List refunds, newest first."""
    names = ("id", "invoice", "amount", "currency", "status", "reason", "failure_reason", "created_at")
    show_page("REFUND", names, limit=limit, cursor=cursor, as_json=as_json, status=status, invoice=invoice)


@refunds.command("show")
def show_refund(refund: Annotated[str, typer.Argument(help="`re_…`")], as_json: Json = False) -> None:
    """Show a refund."""
    show_one("REFUND", refund, as_json=as_json)


@credit_notes.command("list")
def list_credit_notes(
    status: Annotated[CreditNoteStatus | None, STATE] = None,
    invoice: OfInvoice = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List credit notes, newest first."""
    names = ("id", "number", "invoice", "total", "currency", "status", "type", "created_at")
    show_page("CREDIT_NOTE", names, limit=limit, cursor=cursor, as_json=as_json, status=status, invoice=invoice)


@credit_notes.command("show")
def show_credit_note(note: Annotated[str, typer.Argument(help="`cn_…`")], as_json: Json = False) -> None:
    """Show a credit note with its lines."""
    show_one("CREDIT_NOTE", note, as_json=as_json)


@disputes.command("list")
def list_disputes(
    status: Annotated[DisputeStatus | None, STATE] = None,
    invoice: OfInvoice = None,
    due: Annotated[bool, typer.Option(help="Those that wait for evidence.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List disputes, newest first. Evidence is submitted in Stripe's Dashboard."""
    names = ("id", "invoice", "amount", "currency", "status", "reason", "evidence_due_at", "created_at")
    wanted = {"status": status, "invoice": invoice, "due": due or None}
    show_page("DISPUTE", names, limit=limit, cursor=cursor, as_json=as_json, **wanted)


@disputes.command("show")
def show_dispute(dispute: Annotated[str, typer.Argument(help="`du_…`")], as_json: Json = False) -> None:
    """Show a dispute."""
    show_one("DISPUTE", dispute, as_json=as_json)


def list_events(
    status: Annotated[EventStatus | None, STATE] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Those of this type.")] = None,
    about: Annotated[str | None, typer.Option("--object", help="Those about this object.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List the inbox's events, newest first."""
    names = ("id", "type", "object", "status", "attempts", "received_at", "last_error")
    wanted = {"status": status, "type": event_type, "object_id": about}
    show_page("EVENT", names, limit=limit, cursor=cursor, as_json=as_json, **wanted)


def show_event(event: Annotated[str, typer.Argument(help="`evt_…`")], as_json: Json = False) -> None:
    """Show an event with its payload."""
    show_one("EVENT", event, as_json=as_json)


@operations.command("list")
def list_operations(
    in_flight: Annotated[bool, typer.Option(help="Those that are not answered yet.")] = False,
    stuck: Annotated[bool, typer.Option(help="Those unanswered for more than ten minutes.")] = False,
    subject: Annotated[str | None, typer.Option(help="Those about this object.")] = None,
    caller: Annotated[str | None, typer.Option(help="Those of this caller.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List operations, newest first. The worker finishes what its caller left behind."""
    names = ("id", "name", "subject", "caller", "status", "takeovers", "created_at", "answered_at", "last_error")
    wanted = {"subject": subject, "caller": caller, "in_flight": in_flight or None, "stuck": stuck or None}
    show_page("OPERATION", names, limit=limit, cursor=cursor, as_json=as_json, **wanted)


@audit.command("list")
def list_audit(
    subject: Annotated[str | None, typer.Option(help="What was done to this object.")] = None,
    actor: Annotated[str | None, typer.Option(help="What this caller did.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List the audit log, newest first."""
    names = ("at", "actor", "action", "subject", "detail", "outcome", "request_id", "operation")
    show_page("AUDIT_ENTRY", names, limit=limit, cursor=cursor, as_json=as_json, subject=subject, actor=actor)


def show_customer(customer: Annotated[str, typer.Argument(help="`cus_…`")], as_json: Json = False) -> None:
    """Show a customer."""
    show_one("CUSTOMER", customer, as_json=as_json)
