"""The history of a fulfillment: what became of it, when, and by which event. Pure.

Each entry has a number, which never repeats. The moments at which actions run follow from the entries, so that each is
reached once for each cause.
"""

from typing import Final

from app.domain.actions import Moment, Occasion
from app.domain.fulfillment import BEGUN, Fulfillment, FulfillmentStatus, read, stored
from app.domain.json import JsonObject, JsonView
from app.domain.returns import Returned

MOST: Final = 100
"""The newest entries that are kept."""
UPDATED: Final = "updated"
"""An entry for amounts that changed and are no moment."""
AMOUNTS: Final = ("amount_paid", "amount_refunded", "amount_credited", "amount_disputed")
BACK_AGAIN: Final = frozenset({FulfillmentStatus.DISPUTED, FulfillmentStatus.REVERSED})


def returned_of(fulfillment: Fulfillment) -> Returned:
    """The sums of what came back, as the fulfillment holds them."""
    return Returned(
        fulfillment["amount_refunded"],
        fulfillment["amount_credited"],
        fulfillment["amount_disputed"],
        fulfillment["amount_undecided"],
    )


def with_entry(known: Fulfillment | None, row: Fulfillment, now: str, cause: str | None) -> Fulfillment:
    """`row` with an entry for what became of it since `known`; unchanged where nothing did."""
    what = _what(known, row)
    return row if what is None else added(row, {"what": what, "at": now, "cause": cause})


def added(row: Fulfillment, entry: JsonObject) -> Fulfillment:
    """`row` with `entry`, its next number, and its status and amounts."""
    listed = row["history"] or []
    number = listed[-1]["number"] + 1 if listed else 1
    columns: JsonView = row
    state = {name: columns[name] for name in ("status", *AMOUNTS)}
    found = row.copy()
    found["history"] = [*listed, {"number": number, **entry, **state}][-MOST:]
    return found


def occasions(known: Fulfillment | None, row: Fulfillment) -> list[Occasion]:
    """The occasions for actions in the entries that `row` has more than `known`.

    What is fulfilled again is an occasion of `fulfilled`, too, for actions that were overtaken the first time.
    """
    seen = known["history"][-1]["number"] if known and known["history"] else 0
    found = []
    for entry in row["history"] or []:
        if entry["number"] > seen and entry["what"] in set(Moment):
            found.append(Occasion.of(Moment(entry["what"]), entry["number"]))
            if entry["what"] == Moment.REINSTATED:
                found.append(Occasion.of(Moment.FULFILLED, entry["number"]))
    return found


def repaired(known: JsonView | None, rebuilt: JsonView, now: str, cause: str) -> tuple[JsonObject, list[Occasion]]:
    """The stored row of `rebuilt` with the history of `known`, and what became of it; both as they are stored."""
    before, row = read(known) if known else None, read(rebuilt)
    if before:
        row |= {"history": before["history"], "policy": before["policy"]}
    row = with_entry(before, row, now, cause)
    return stored(row), occasions(before, row)


def _what(known: Fulfillment | None, row: Fulfillment) -> str | None:
    was, became = known["status"] if known else None, row["status"]
    if became != was:
        again = became == FulfillmentStatus.FULFILLED and was in BACK_AGAIN
        return Moment.REINSTATED.value if again else str(became)
    if known is None or became not in BEGUN:
        return None
    before, after = returned_of(known), returned_of(row)
    if after.decided > before.decided:
        return Moment.PARTLY_REVERSED.value
    if after.undecided > before.undecided:
        return Moment.DISPUTED.value
    if after.total < before.total:
        return Moment.REINSTATED.value if became == FulfillmentStatus.FULFILLED else UPDATED
    return UPDATED if any(known[name] != row[name] for name in AMOUNTS) else None
