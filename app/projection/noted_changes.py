"""The changes of one unit of work, as the feed will tell them. Pure."""

from collections.abc import Callable, Iterable

from app.domain.changes import Change, invoice_status, note
from app.domain.events import FINALIZATION_FAILED, INVOICE
from app.domain.json import JsonObject
from app.projection import mirrored_rows
from app.stripe.mapping import Kind

CHANGED_BY = ("status", "deleted_at", "snapshot_digest", "lines_digest", "payment_intent")
"""Columns of an invoice. One of them, or a later digest, changes whenever its content does."""


def note_invoice(changes: list[Change], known: JsonObject | None, row: JsonObject, cause: str | None) -> None:
    """Note a change of the invoice if its status or other content changed."""
    later = zip((known or {}).get("later_digests") or (), row["later_digests"] or (), strict=False)
    if (
        known is None
        or any(known[name] != row[name] for name in CHANGED_BY)
        or any(one != another for one, another in later)
    ):
        was, state = invoice_status(known) if known else None, mirrored_rows.invoice_state(row)
        error = row.get("last_finalization_error")
        refused = error is not None and error != (known or {}).get("last_finalization_error")
        if refused and known is None:
            note(changes, Change(INVOICE, was, state, cause))
            was = state["status"]
        note(changes, Change(INVOICE, was, state, cause, named=FINALIZATION_FAILED if refused else None))


def note_return(
    changes: list[Change], kind: Kind, known: JsonObject | None, row: JsonObject, cause: str | None
) -> None:
    """Note a change of a refund, credit note or dispute if its content changed."""
    now = mirrored_rows.version_of(kind, row)
    if known is None or not now.same_content(mirrored_rows.version_of(kind, known)):
        was = str(known["status"]) if known else None
        note(changes, Change(kind.value, was, mirrored_rows.return_state(kind, row), cause))


def rows(changes: Iterable[Change], invoice_row: Callable[[str], JsonObject]) -> list[JsonObject]:
    """The rows of the changes, each with its invoice's state now. `invoice_row` finds an invoice's row by its id."""
    noted = list(changes)
    states = {change.invoice: change.state for change in noted if change.subject == INVOICE}
    told = []
    for change in noted:
        if change.invoice not in states:
            states[change.invoice] = mirrored_rows.invoice_state(invoice_row(change.invoice))
        told.append(change.row(change.state if change.subject == INVOICE else states[change.invoice]))
    return told
