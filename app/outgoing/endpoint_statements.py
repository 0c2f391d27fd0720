"""The SQL statements about endpoints: create, change, rotate secrets, disable. Secrets arrive encrypted.

A transaction that changes an endpoint and its deliveries locks the endpoint first (see delivery_statements.py).
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Text,
    bindparam,
    case,
    column,
    exists,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
    update,
)

from app.db.engine import Connection
from app.db.schema import deliveries, webhook_endpoints
from app.db.schema.metadata import JSON, TIME
from app.db.schema.outgoing import EITHER
from app.db.statement import Statement, parameters
from app.domain.events import Cursor
from app.domain.json import JsonView
from app.domain.outgoing import DisabledReason

CHANGEABLE = {"url", "description", "types", "ordered"}


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A stored signing secret. The newest one of an endpoint does not expire."""

    sealed: str
    created_at: datetime
    expires_at: datetime | None = None

    def in_force(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


def read_secrets(stored: str) -> list[StoredSecret]:
    return msgspec.json.decode(stored, type=list[StoredSecret])


@dataclass(frozen=True, slots=True)
class StoredEndpoint:
    """An endpoint that is not deleted, as its row says."""

    id: str
    url: str
    description: str | None
    types: list[str]
    ordered: bool
    secrets: list[StoredSecret]
    status: str
    disabled_reason: str | None


_C = webhook_endpoints.c
_THE_ENDPOINT = _C.id == bindparam("endpoint")
_CHANGED = update(webhook_endpoints).values(updated_at=func.now()).where(_THE_ENDPOINT)
_ENABLED = {"status": "enabled", "disabled_reason": None, "disabled_at": None, "failing_since": None}

_CREATE = Statement(
    insert(webhook_endpoints).values(
        parameters("id", "url", "description", "types", "ordered", "secrets", "position", "change")
    )
)
_LOCK_TABLE = Statement(select(func.pg_advisory_xact_lock(func.hashtextextended("webhook_endpoints", 0))))
_COUNT = Statement(select(func.count()).select_from(webhook_endpoints).where(_C.deleted_at.is_(None)))
_CHANGE = Statement(
    _CHANGED.values(
        **parameters(*sorted(CHANGEABLE)), failing_since=case((_C.url == bindparam("url"), _C.failing_since))
    )
)
_LOCK = Statement(
    select(*(_C[one.name] for one in fields(StoredEndpoint)))
    .where(_THE_ENDPOINT, _C.deleted_at.is_(None))
    .with_for_update(key_share=True)
)
_ENABLE = Statement(_CHANGED.values(_ENABLED).where(_C.status == "disabled"))
_RETRY = Statement(
    update(deliveries)
    .values(next_attempt_at=func.now())
    .where(deliveries.c.endpoint == bindparam("endpoint"), deliveries.c.status == "failed", EITHER)
)
_DISABLE = Statement(
    _CHANGED.values(status="disabled", disabled_reason=bindparam("reason"), disabled_at=func.now()).where(
        _C.status == "enabled",
        _C.deleted_at.is_(None),
        or_(bindparam("sent_with", type_=TIME).is_(None), _C.updated_at == bindparam("sent_with")),
    )
)
_GONE = tuple_(bindparam("position", type_=BigInteger), bindparam("change", type_=BigInteger))
_MISSED = Statement(
    select(
        or_(
            exists(select(_C.id).where(_THE_ENDPOINT, tuple_(_C.position, _C.change) < _GONE)),
            exists(
                select(deliveries.c.id).where(
                    deliveries.c.endpoint == bindparam("endpoint"),
                    deliveries.c.status.in_(("pending", "delivering", "failed")),
                    EITHER,
                    tuple_(deliveries.c.position, deliveries.c.change) <= _GONE,
                )
            ),
        )
    )
)
_DELETE = Statement(_CHANGED.values(deleted_at=func.now(), secrets=literal_column("'[]'::jsonb")))
_CANCEL = Statement(
    update(deliveries)
    .values(status="canceled", next_attempt_at=None)
    .where(
        deliveries.c.endpoint == bindparam("endpoint"),
        deliveries.c.status.in_(("pending", "failed", "delivering")),
        EITHER,
    )
)
_SET_SECRETS = Statement(_CHANGED.values(parameters("secrets")))
_SECRET = func.jsonb_array_elements(_C.secrets).table_valued(column("value", JSON)).render_derived(name="secret")
_SEALED_OTHERWISE = Statement(
    select(_C.id)
    .where(
        exists(
            select(_SECRET.c.value)
            .where(not_(func.starts_with(_SECRET.c.value["sealed"].astext, bindparam("key", type_=Text).concat("."))))
            .correlate(webhook_endpoints)
        )
    )
    .order_by(_C.id)
)


async def create(
    connection: Connection, endpoint_id: str, given: JsonView, secret: StoredSecret, after: Cursor
) -> None:
    """Store a new endpoint. It receives the events after `after`."""
    await _CREATE.execute(
        connection,
        id=endpoint_id,
        url=given["url"],
        description=given.get("description"),
        types=given.get("types", []),
        ordered=given.get("ordered", False),
        secrets=[secret],
        position=after.position,
        change=after.id,
    )


async def count(connection: Connection) -> int:
    """The number of endpoints. The lock keeps others from creating one until the transaction ends."""
    await _LOCK_TABLE.fetch(connection)
    found: int = await _COUNT.value(connection)
    return found


async def change(connection: Connection, endpoint: StoredEndpoint, given: JsonView) -> None:
    """Change `url`, `description`, `types` and `ordered` as far as given. A new URL counts as not failing."""
    if not CHANGEABLE & given.keys():
        return
    await _CHANGE.execute(
        connection,
        endpoint=endpoint.id,
        url=given.get("url", endpoint.url),
        description=given.get("description", endpoint.description),
        types=given.get("types", endpoint.types),
        ordered=given.get("ordered", endpoint.ordered),
    )


async def lock(connection: Connection, endpoint_id: str) -> StoredEndpoint | None:
    """The row of an endpoint, locked until the transaction ends; None if there is none."""
    return await _LOCK.row(connection, _stored, endpoint=endpoint_id)


def _stored(*, secrets: str, **columns: Any) -> StoredEndpoint:
    return StoredEndpoint(**columns, secrets=read_secrets(secrets))


async def enable(connection: Connection, endpoint_id: str) -> None:
    """Enable it from where it stopped. Its past failures no longer count, and failed deliveries are due now."""
    await _ENABLE.execute(connection, endpoint=endpoint_id)
    await _RETRY.execute(connection, endpoint=endpoint_id)


async def missed(connection: Connection, endpoint_id: str, gone: Cursor) -> bool:
    """Whether the feed, which keeps nothing up to `gone`, has deleted events that the endpoint should still get."""
    return bool(await _MISSED.value(connection, endpoint=endpoint_id, position=gone.position, change=gone.id))


async def disable(
    connection: Connection, endpoint_id: str, reason: DisabledReason, sent_with: datetime | None = None
) -> bool:
    """Disable it. Returns False if it was disabled already, or changed after `sent_with`."""
    return await _DISABLE.execute(connection, endpoint=endpoint_id, reason=reason, sent_with=sent_with) == 1


async def delete(connection: Connection, endpoint_id: str) -> None:
    """Delete an endpoint and its secrets. Waiting deliveries are canceled; their logs stay."""
    await _DELETE.execute(connection, endpoint=endpoint_id)
    await _CANCEL.execute(connection, endpoint=endpoint_id)


async def set_secrets(connection: Connection, endpoint_id: str, secrets: list[StoredSecret]) -> None:
    """Store an endpoint's secrets, newest first."""
    await _SET_SECRETS.execute(connection, endpoint=endpoint_id, secrets=secrets)


async def sealed_otherwise(connection: Connection, key: str) -> list[str]:
    """The ids of endpoints with a secret that is not encrypted with `key`."""
    return await _SEALED_OTHERWISE.column(connection, key=key)
