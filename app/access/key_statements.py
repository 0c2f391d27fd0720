"""The SQL statements about API keys: find, create, rotate, revoke.

A statement that ends a key also notifies every process, in the same transaction, with the id of the key's caller. Each
process then forgets the keys it remembers and checks what that caller has open.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import (
    Float,
    Interval,
    LargeBinary,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    extract,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from app.db.engine import Connection
from app.db.schema import api_keys
from app.db.schema.access import GRANTED_SCOPES
from app.db.schema.metadata import TIME
from app.db.statement import Statement, parameters

CHANNEL = "api_keys"
"""Notified with the id of a caller whose key ended, and with the id of an invoice whose payment link was revoked."""
USED_AGAIN_AFTER = timedelta(seconds=60)
"""Precision of last_used_at in seconds: it is written at most this often per key."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key in force. `expires_in_s` is measured by the database's clock; None means it does not expire."""

    caller: str
    digest: bytes
    scopes: list[str]
    expires_in_s: float | None


_C = api_keys.c
_IN_FORCE = and_(_C.revoked_at.is_(None), or_(_C.expires_at.is_(None), _C.expires_at > func.now()))

_NOTE_USE = (
    update(api_keys)
    .values(last_used_at=func.now())
    .where(
        _C.prefix == bindparam("prefix"),
        _C.digest == bindparam("digest"),
        _IN_FORCE,
        or_(_C.last_used_at.is_(None), _C.last_used_at < func.now() - USED_AGAIN_AFTER),
    )
    .cte("used")
)
_FIND = Statement(
    select(
        _C.caller,
        _C.digest,
        GRANTED_SCOPES.label("scopes"),
        cast(extract("epoch", _C.expires_at - func.now()), Float).label("expires_in_s"),
    )
    .where(_C.prefix == bindparam("prefix"), _IN_FORCE)
    .add_cte(_NOTE_USE)
)
_CREATE = Statement(
    insert(api_keys).values(
        **parameters("id", "name", "prefix", "digest", "scopes", "livemode", "expires_at"),
        caller=bindparam("id"),
        feed_apart=true(),
    )
)
_OLD = (
    update(api_keys)
    .values(
        replaced_by=bindparam("id"),
        expires_at=func.least(_C.expires_at, func.now() + bindparam("overlap", type_=Interval)),
    )
    .where(_C.id == bindparam("old"), _C.replaced_by.is_(None), _IN_FORCE)
    .returning(_C.caller, _C.name, GRANTED_SCOPES.label("scopes"), _C.livemode, func.pg_notify(CHANNEL, _C.caller))
    .cte("old")
)
_ROTATE = Statement(
    insert(api_keys)
    .from_select(
        ["id", "caller", "name", "prefix", "digest", "scopes", "feed_apart", "livemode", "expires_at"],
        select(
            bindparam("id", type_=Text),
            _OLD.c.caller,
            _OLD.c.name,
            bindparam("prefix", type_=Text),
            bindparam("digest", type_=LargeBinary),
            _OLD.c.scopes,
            true(),
            _OLD.c.livemode,
            bindparam("expires_at", type_=TIME),
        ),
    )
    .returning(_C.id)
)
_REVOKE = Statement(
    update(api_keys)
    .values(revoked_at=func.now())
    .where(_C.id == bindparam("key"), _C.revoked_at.is_(None))
    .returning(func.pg_notify(CHANNEL, _C.caller))
)
_IDENTIFY = Statement(
    select(_C.id)
    .where(or_(_C.id == bindparam("shown"), func.starts_with(_C.prefix, bindparam("shown", type_=Text))))
    .order_by(_C.id)
    .limit(10)
)
_ANY_IN_FORCE = Statement(select(exists().where(_IN_FORCE, _C.livemode == bindparam("livemode"))))


async def find(connection: Connection, prefix: str, digest: bytes) -> StoredKey | None:
    """Find the key in force with `prefix`, and record its use if `digest` matches. The caller compares the digests."""
    return await _FIND.row(connection, StoredKey, prefix=prefix, digest=digest)


async def in_force(connection: Connection, prefix: str) -> StoredKey | None:
    """Find the key in force with `prefix`, without recording a use."""
    return await find(connection, prefix, b"")


async def create(connection: Connection, **key: object) -> None:
    """Store a new key. It stands for a caller of its own, whose id is the key's id.

    key: id, name, prefix, digest, scopes, livemode, expires_at.
    """
    await _CREATE.execute(connection, **key)


async def rotate(connection: Connection, old_id: str, overlap: timedelta, **key: object) -> bool:
    """Store a key that replaces `old_id`, which expires after `overlap`. False: the old key is not in force.

    key: id, prefix, digest, expires_at.
    """
    return await _ROTATE.value(connection, old=old_id, overlap=overlap, **key) is not None


async def revoke(connection: Connection, key_id: str) -> None:
    """Revoke a key at once. A key that is revoked already stays as it is."""
    await _REVOKE.execute(connection, key=key_id)


async def identify(connection: Connection, id_or_prefix: str) -> list[str]:
    """The ids of the keys with this id or with a prefix that begins so; at most 10."""
    return await _IDENTIFY.column(connection, shown=id_or_prefix)


async def any_in_force(connection: Connection, *, livemode: bool) -> bool:
    return bool(await _ANY_IN_FORCE.value(connection, livemode=livemode))
