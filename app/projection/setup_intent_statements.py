"""SetupIntents as they were last heard of: whose they are, and what they came to. Their secrets are stored nowhere."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert

from app.db import schema
from app.db.engine import Connection
from app.db.statement import Statement, parameters
from app.domain.json import JsonView
from app.domain.sources import id_of

PATH = "/v1/setup_intents"
ENDED = ("succeeded", "canceled")
"""The statuses after which nothing more happens."""

_C = schema.setup_intents.c
_NAMES = ("id", "customer", "status", "payment_method", "failure_code", "failure_decline_code", "livemode")
_NEW = insert(schema.setup_intents).values(parameters(*_NAMES, "created_at", "updated_at"))
_KEEP = Statement(
    _NEW.on_conflict_do_update(
        index_elements=[_C.id],
        set_={one: _NEW.excluded[one] for one in (*_NAMES[2:6], "updated_at")},
        where=_C.status.not_in(ENDED) & or_(_NEW.excluded.status.in_(ENDED), _C.updated_at <= _NEW.excluded.updated_at),
    )
)


@dataclass(frozen=True, slots=True)
class SetupIntent:
    """One SetupIntent of a customer, as it was at `updated_at`."""

    id: str
    customer: str
    status: str
    payment_method: str | None
    failure_code: str | None
    failure_decline_code: str | None
    livemode: bool
    created_at: datetime
    updated_at: datetime


def read(setup: JsonView, at: datetime) -> SetupIntent:
    """The SetupIntent of Stripe's object, which names a customer, as it was then."""
    error = setup.get("last_setup_error") or {}
    return SetupIntent(
        setup["id"],
        str(id_of(setup["customer"])),
        setup["status"],
        id_of(setup.get("payment_method")) if setup["status"] == "succeeded" else None,
        error.get("code"),
        error.get("decline_code"),
        bool(setup["livemode"]),
        datetime.fromtimestamp(setup["created"], UTC),
        at,
    )


async def keep(connection: Connection, setups: Iterable[SetupIntent]) -> None:
    """Record each of `setups`, unless something newer is known of it: one that ended does not change any more."""
    for setup in setups:
        await _KEEP.execute(connection, **asdict(setup))
