"""Test clocks: Stripe's calls to move time, over the sandbox's one virtual clock.

Advancing a test clock moves the virtual clock by as much, with everything that becomes due on the way at its own time.
"""

from offline_stripe.documents import Document
from offline_stripe.presentation import announce
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request
from offline_stripe.wire.simulated import not_simulated

KIND = "test_helpers.test_clock"
DAY = 86_400
DAYS_KEPT = 30


def make_clock(tx: Transaction, frozen_time: int, name: str | None) -> Document:
    """Create a test clock that begins at the sandbox's own time. Raises StripeError for another day."""
    if abs(frozen_time - tx.now) > DAY:
        raise not_simulated("a frozen_time that is not the sandbox's own time", param="frozen_time")
    clock = tx.add(
        {
            "id": tx.new_id("clock"),
            "object": KIND,
            "created": tx.now,
            "deletes_after": tx.now + DAYS_KEPT * DAY,
            "frozen_time": frozen_time,
            "livemode": False,
            "name": name,
            "status": "ready",
            "status_details": {},
        }
    )
    announce(tx, f"{KIND}.created", clock)
    return clock


def advance(tx: Transaction, clock: Document, frozen_time: int) -> None:
    """Begin to move time. The clock is `advancing` until everything that became due has run."""
    if clock["status"] != "ready":
        raise invalid_request("The test clock is advancing; wait until it is ready.", code="test_clock_advancing")
    if frozen_time <= clock["frozen_time"]:
        raise invalid_request("A test clock only moves forward.", param="frozen_time")
    clock |= {
        "status": "advancing",
        "status_details": {"advancing": {"target_frozen_time": frozen_time}},
        "_until": tx.now + frozen_time - clock["frozen_time"],
        "frozen_time": frozen_time,
    }
    tx.save(clock)
    announce(tx, f"{KIND}.advancing", clock)
    tx.schedule("test_clock", clock["id"], tx.now)


def step(tx: Transaction, clock: Document) -> None:
    """Move time to what is due next. Once there is nothing before the clock's time, the clock is ready."""
    row = tx.store.database.one("SELECT min(due_at) FROM timers")
    due = float(str(row[0])) if row and row[0] is not None else None
    if due is not None and due <= clock["_until"]:
        tx.store.clock.move_to(due)
        tx.schedule("test_clock", clock["id"], max(due, tx.now))
        return
    tx.store.clock.move_to(clock["_until"])
    clock |= {"status": "ready", "status_details": {}}
    tx.save(clock)
    announce(tx, f"{KIND}.ready", clock)
