"""The timeline of an invoice: why it is unpaid, and everything that happened to it."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from app.db.engine import Connection
from app.db.rows import load
from app.db.schema import customers, fulfillments, payment_methods
from app.db.schema.inbox import DUE_STATUSES
from app.domain.changes import fulfillment_state
from app.domain.errors import NotFound
from app.domain.fulfillment import read as read_row
from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonView
from app.domain.money import format_amount
from app.domain.next_step import SETTLES_WITHIN, WHAT_TO_DO, NextStep, facts_of, next_step, who
from app.domain.payment_attempts import UNEXPECTED, Outcome
from app.domain.reminders import METADATA, ReminderChannel
from app.domain.unpaid_reason import Collecting, Standing, advice, unpaid_because
from app.invoices import timeline_statements
from app.projection import mirrored_rows, reminder_statements
from app.projection.snapshot_rows import INACTIVE
from app.stripe.mapping import Kind


async def read(connection: Connection, invoice_id: str) -> bytes:
    """The timeline's document. Raises NotFound; a deleted draft still has a timeline."""
    invoice = (await mirrored_rows.read(connection, Kind.INVOICE, [invoice_id])).get(invoice_id)
    if invoice is None:
        raise NotFound(f"There is no invoice {invoice_id!r}.")
    row = (await load(connection, fulfillments, [invoice_id], by="invoice")).get(invoice_id)
    known = read_row(row) if row else None
    fulfillment = fulfillment_state(known) if known else {}
    facts, now = facts_of(invoice, known), datetime.now(UTC)
    entries = await timeline_statements.entries(connection, invoice_id)
    events = Counter(entry["data"]["status"] for entry in entries if entry["kind"] == "event")
    codes = list((fulfillment.get("failure") or {}).values())
    refusal = invoice.get("last_finalization_error")
    standing = Standing(
        status=invoice["status"],
        deleted=invoice["deleted_at"] is not None,
        due_at=datetime.fromisoformat(invoice["due_at"]) if invoice["due_at"] else None,
        fulfillment=fulfillment.get("status"),
        attempts=fulfillment.get("attempts", 0),
        failure=", ".join(str(code).rstrip(".") for code in codes if code) or None,
        waiting=sum(events[status] for status in DUE_STATUSES),
        dead=events["dead"],
        paid=_paid(invoice),
        refused=(refusal["code"], refusal["message"]) if refusal else None,
        required_action=fulfillment.get("required_action"),
        returned=_returned(fulfillment),
        unexpected=_unexpected(row) if row and facts.unexpected else (),
        left=format_amount(invoice["amount_remaining"], invoice["currency"]),
        by_itself=facts.auto_advance and (facts.charged or invoice["status"] == InvoiceStatus.DRAFT),
        next_attempt_at=facts.next_attempt_at,
        under_way=facts.under_way,
        settles_by=facts.attempt_at + SETTLES_WITHIN if facts.attempt_at else None,
        reminded=await reminder_statements.told(connection, invoice_id),
        paused=invoice["metadata"].get(METADATA) == ReminderChannel.OFF,
        part_disputed=bool(known and known["amount_undecided"]),
        collecting=await _collecting(connection, invoice),
        funded=_funded(invoice, known["payment_attempts"] or []) if known else None,
    )
    step = NextStep.REPLAY_EVENTS if standing.dead else next_step(facts, now)
    evidence_due = await timeline_statements.evidence_due(connection, invoice_id)
    what_to_do = WHAT_TO_DO[step]
    document = {
        "invoice": invoice_id,
        "status": "deleted" if standing.deleted else standing.status,
        "fulfillment": standing.fulfillment,
        "last_finalization_error": refusal,
        "unpaid_because": unpaid_because(standing, now),
        "next_step": step,
        "next_step_by": who(step),
        "what_to_do": what_to_do
        and what_to_do.format(advice=advice(standing), by=f" by {evidence_due:%Y-%m-%d}" if evidence_due else ""),
        "data": entries,
    }
    return msgspec.json.encode(document)


def _returned(fulfillment: JsonView) -> str | None:
    """What came back, each way, of how much."""
    if not fulfillment:
        return None
    ways = [(way, fulfillment[f"amount_{way}"]) for way in ("refunded", "credited", "disputed")]
    told = [f"{format_amount(amount, fulfillment['currency'])} {way}" for way, amount in ways if amount]
    of = format_amount(fulfillment["amount_paid"], fulfillment["currency"])
    return f"{', '.join(told)} of {of}" if told else None


def _unexpected(row: JsonView) -> tuple[str, ...]:
    """What arrived although nobody owed it, and what to do."""
    noted = [entry for entry in row["history"] or [] if entry["what"] == UNEXPECTED]
    return tuple(
        f"{format_amount(entry['amount'], row['currency'])} arrived all the same: refund {entry['payment_intent']} at Stripe."
        for entry in noted
    )


async def _collecting(connection: Connection, invoice: JsonView) -> Collecting | None:
    """How Stripe charges an open invoice by itself; None where it does not."""
    if invoice["status"] != InvoiceStatus.OPEN or invoice["collection_method"] != "charge_automatically":
        return None
    at, method = invoice.get("next_payment_attempt"), invoice.get("default_payment_method")
    customer = (await load(connection, customers, [invoice["customer"]])).get(invoice["customer"])
    named = [one for one in (method, customer and customer["default_payment_method"]) if one]
    known = await load(connection, payment_methods, named)
    charged = next((one for one in named if one not in known or not known[one]["deleted_at"]), None)
    return Collecting(
        paused=not invoice["auto_advance"],
        next_attempt=datetime.fromisoformat(at) if at else None,
        method=charged is not None if customer else None,
        revoked=charged in known and known[charged]["mandate_status"] == INACTIVE,
    )


def _funded(invoice: JsonView, attempts: Sequence[JsonView]) -> str | None:
    """What a bank transfer that is not complete has brought so far, and of how much."""
    last = attempts[-1] if attempts else None
    if last is None or last["outcome"] != Outcome.PARTLY_FUNDED:
        return None
    arrived, of = (format_amount(it, invoice["currency"]) for it in (last["amount"], invoice["amount_remaining"]))
    return f"{arrived} of {of}"


def _paid(invoice: JsonView) -> str | None:
    if not invoice["amount_paid"]:
        return None
    paid, due = (format_amount(invoice[name], invoice["currency"]) for name in ("amount_paid", "amount_due"))
    return f"{paid} of {due}"
