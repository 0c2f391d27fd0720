"""What a person must do about each invoice, and from when on: two columns of its row, which lists are filtered and sorted by. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from app.domain.json import JsonObject
from app.domain.next_step import facts_of, stuck
from app.fulfillment.fulfillments import Fulfillments


def changed(invoices: Iterable[JsonObject], fulfillments: Fulfillments) -> Iterator[JsonObject]:
    """The rows of those `invoices` whose next step is another by now."""
    for row in invoices:
        step, since = stuck(facts_of(row, fulfillments.of(row["id"])))
        known = row.get("stuck_since")
        if row.get("next_step") != step or (datetime.fromisoformat(known) if known else None) != since:
            yield row | {"next_step": step.value, "stuck_since": since and since.isoformat()}
