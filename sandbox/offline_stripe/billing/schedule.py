"""The work that becomes due with time: drafts advance, invoices are collected or fall overdue, debits settle.

It moves the virtual clock through that work. Each timer runs in its own transaction.
"""

import logging

from offline_stripe.billing import disputes, payouts, refunding, tax_ids, test_clocks
from offline_stripe.billing.capturing import expire
from offline_stripe.billing.collection import collect, intent_of, mark, method_on_file, settle
from offline_stripe.billing.finalization import finalize
from offline_stripe.billing.payments import Presence
from offline_stripe.billing.sending import send
from offline_stripe.billing.test_methods import OUTCOMES
from offline_stripe.documents import Document
from offline_stripe.presentation import announce
from offline_stripe.store.transaction import Cause, Store, Transaction
from offline_stripe.wire.errors import StripeError

logger = logging.getLogger("sandbox.schedule")
HOUR = 3600


def next_due(store: Store) -> float | None:
    row = store.database.one("SELECT min(due_at) FROM timers")
    return float(str(row[0])) if row and row[0] is not None else None


def run_due(store: Store, until: float | None = None) -> int:
    """Run all timers due now, or all due by `until`, moving the clock to each. A test clock may move it further."""
    done = 0
    while True:
        limit = max(store.clock.now(), until or 0)
        row = store.database.one(
            "SELECT seq, kind, subject, due_at FROM timers WHERE due_at <= ? ORDER BY due_at, seq LIMIT 1", (limit,)
        )
        if row is None:
            break
        if until is not None:
            store.clock.move_to(float(str(row[3])))
        _run(store, int(str(row[0])), str(row[1]), str(row[2]))
        done += 1
    if until is not None:
        store.clock.move_to(until)
    return done


def _run(store: Store, seq: int, kind: str, subject: str) -> None:
    with store.database.writing():
        store.database.execute("DELETE FROM timers WHERE seq = ?", (seq,))
        tx = Transaction(store, Cause())
        doc = tx.find(subject)
        if doc is not None:
            store.database.execute("SAVEPOINT change")
            try:
                _WORK[kind](tx, doc)
            except StripeError as error:
                if not error.keeps_changes:
                    store.database.execute("ROLLBACK TO change")
                    tx.forget()
                logger.info("%s of %s: %s", kind, subject, error.message)
        tx.finish()


def _advance(tx: Transaction, invoice: Document) -> None:
    """Finalize a draft once its webhooks were acknowledged, or given up."""
    if invoice["status"] != "draft" or not invoice["auto_advance"]:
        return
    patience = invoice["created"] + tx.switches.draft_unacknowledged_window_s
    if not _heard(tx, invoice) and tx.now < patience:
        tx.schedule("advance", invoice["id"], min(tx.now + HOUR, patience))
        return
    finalize(tx, invoice)
    if invoice["status"] != "open":
        return
    if invoice["collection_method"] == "send_invoice":
        send(tx, invoice)
    else:
        _collect(tx, invoice)


def _heard(tx: Transaction, invoice: Document) -> bool:
    """Whether all endpoints that got the draft's event have answered 2xx."""
    if invoice["webhooks_delivered_at"] is not None:
        return True
    pending = tx.store.database.count(
        "SELECT count(*) FROM events WHERE type = 'invoice.created' AND pending > 0"
        " AND json_extract(doc, '$.data.object.id') = ?",
        (invoice["id"],),
    )
    return pending == 0


def _collect(tx: Transaction, invoice: Document) -> None:
    intent = intent_of(tx, invoice)
    if invoice["status"] != "open" or not invoice["auto_advance"] or intent is None:
        return
    method = method_on_file(tx, invoice)
    if method is None:
        invoice["next_payment_attempt"] = None
        tx.save(invoice)
        announce(tx, "invoice.payment_failed", invoice)
        return
    declines = tx.switches.invoice_authentication_declines
    collect(tx, intent, method, Presence(off_session=declines, by_merchant=True), automatic=True)


def _settle(tx: Transaction, intent: Document) -> None:
    if intent["status"] != "processing":
        return
    method = tx.need("payment_method", intent["payment_method"], param="payment_method")
    outcome = OUTCOMES[method["_outcome"]]
    settle(tx, intent, fails=outcome if outcome.code is not None else None)


def _overdue(tx: Transaction, invoice: Document) -> None:
    if invoice["status"] == "open":
        announce(tx, "invoice.overdue", invoice)


def _will_be_due(tx: Transaction, invoice: Document) -> None:
    if invoice["status"] == "open":
        announce(tx, "invoice.will_be_due", invoice)


_WORK = {
    "expire": expire,
    "advance": _advance,
    "collect": _collect,
    "settle": _settle,
    "dispute_decided": disputes.conclude,
    "dispute_due": disputes.expire,
    "payout_arrives": payouts.arrive,
    "refund_settled": refunding.conclude,
    "overdue": _overdue,
    "payment_marked": mark,
    "test_clock": test_clocks.step,
    "tax_id_verified": tax_ids.answer_authority,
    "will_be_due": _will_be_due,
}
