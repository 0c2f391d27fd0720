"""Reads rows as the JSON documents that the API answers, one by one or in lists, newest first.

A mirrored row holds its document, which the unit of work makes by the resource's schema. Where a row does not hold one
yet, and for all other resources, PostgreSQL makes it from the columns. Lists are keyset-paged, so all pages cost the
same. They are ordered by time, and mirrored rows of one second by their `sequence`: Stripe's times are whole seconds.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Annotated, Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    bindparam,
    cast,
    func,
    select,
    true,
    tuple_,
)
from sqlalchemy.sql.selectable import NamedFromClause

from app.db.engine import Connection
from app.db.resources import Resource
from app.db.statement import Statement, any_of
from app.domain.errors import NotFound, ValidationFailed

MOST_STATEMENTS = 500
"""The most statements of lists that are cached. Callers' filters decide how many there are."""

OWN_CUSTOMER = "own_customer"
"""The filter by the customer that the caller is bound to, beside the customer that is asked for."""


async def read(
    connection: Connection, resource: Resource, object_id: str, *, by: str = "id", **beside: object
) -> str | None:
    """The document of one object as JSON text; None if there is none. `beside` are further columns that it must have."""
    for stored in (True, False) if resource.stored is not None else (False,):
        found = await one_statement(resource, by, *beside, stored=stored).column(
            connection, **{by: object_id}, **beside
        )
        if not found or found[0] is not None:
            return found[0] if found else None
    return None


async def require(
    connection: Connection, resource: Resource, object_id: str, *, by: str = "id", **beside: object
) -> str:
    """The same. Raises NotFound if there is none."""
    document = await read(connection, resource, object_id, by=by, **beside)
    if document is None:
        raise NotFound(f"There is no {resource.name} {object_id!r}.")
    return document


async def read_all(
    connection: Connection, resource: Resource, ids: Sequence[str], *, single: bool = True
) -> dict[str, str]:
    """The documents of several objects by id, as `read` returns them, or as lists do. Absent objects are missing."""
    found: dict[str, str] = {}
    for stored in (True, False) if resource.stored is not None else (False,):
        wanted = [one for one in ids if one not in found]
        rows = await several_statement(resource, stored=stored, single=single).fetch(connection, ids=wanted)
        found |= {row["id"]: row["document"] for row in rows if row["document"] is not None}
        if len(rows) == len(found):
            break
    return found


async def page(
    connection: Connection, resource: Resource, wanted: Mapping[str, object], *, limit: int, cursor: str | None
) -> bytes:
    """A page as the API answers it: data, has_more, next_cursor.

    `wanted` maps columns, filters and flags of the resource to values; None matches all. Raises ValidationFailed for a
    cursor that no list of this resource returned.
    """
    given = {name: value for name, value in wanted.items() if value is not None}
    flags = tuple((name, bool(given.pop(name))) for name in resource.flags if name in given)
    last = _read_cursor(cursor, resource) if cursor else {}
    asked = (resource, tuple(given), flags, tuple(last), limit)
    given |= {f"last_{name}": value for name, value in last.items()}
    [found] = await page_statement(*asked, stored=resource.stored is not None).fetch(connection, **given)
    if found["lacking"]:
        [found] = await page_statement(*asked, stored=False).fetch(connection, **given)
    ended = {name: found[f"last_{name}"] for name in tuple(last) or resource.order}
    next_cursor = _write_cursor(ended, resource) if found["more"] else None
    tail = msgspec.json.encode({"has_more": found["more"], "next_cursor": next_cursor}).decode()
    return f'{{"data":[{found["data"]}],{tail[1:]}'.encode()


@cache
def one_statement(resource: Resource, *by: str, stored: bool = False) -> Statement:
    """Selects the document of the row whose columns `by` are the parameters of their names."""
    conditions = (resource.table.c[name] == bindparam(name) for name in by)
    rows = _rows(resource, *conditions, *_not_deleted(resource), stored=stored, single=True).subquery("found")
    return Statement(select(_document(rows, stored=stored)))


@cache
def several_statement(resource: Resource, *, stored: bool = False, single: bool = True) -> Statement:
    """Selects the `id` and the `document` of the rows among `ids`."""
    wanted = resource.table.c.id == any_of("ids", type(resource.table.c.id.type))
    rows = _rows(resource, wanted, *_not_deleted(resource), stored=stored, single=single).subquery("found")
    return Statement(select(rows.c.id, _document(rows, stored=stored)))


@lru_cache(MOST_STATEMENTS)
def page_statement(
    resource: Resource,
    names: Sequence[str],
    flags: Sequence[tuple[str, bool]],
    after: Sequence[str],
    limit: int,
    *,
    stored: bool,
) -> Statement:
    """Selects a page in one row: documents, whether there are more, and the values of its last row.

    `names` are the parameters by which it is filtered; `flags` says which of the resource's conditions hold. `after`
    are the columns by which it is ordered, where it begins after the row that the parameters `last_…` name. `lacking`
    counts rows that do not hold their document.
    """
    table, order = resource.table, after or resource.order
    conditions = [*(_condition(resource, name) for name in names), *_not_deleted(resource)]
    conditions += [resource.flags[name] if holds else resource.flags[name].is_not(True) for name, holds in flags]
    if after:
        last = (bindparam(f"last_{name}", type_=table.c[name].type) for name in after)
        conditions.append(tuple_(*(table.c[name] for name in after)) < tuple_(*last))
    keys = (
        select(*dict.fromkeys((*(table.c[name] for name in order), *table.primary_key)))
        .where(*conditions)
        .order_by(*(table.c[name].desc() for name in order))
        .limit(limit + 1)
        .cte("keys")
    )
    shown = select(keys).order_by(*(keys.c[name].desc() for name in order)).limit(limit).cte("shown")
    each = _rows(resource, *(one == shown.c[one.name] for one in table.primary_key), stored=stored).lateral("each")
    listed = (
        select(_document(each, stored=stored))
        .select_from(shown.join(each, true()))
        .order_by(*(shown.c[name].desc() for name in order))
        .subquery("listed")
    )
    oldest = [shown.c[name] for name in order]
    return Statement(
        select(
            func.coalesce(func.string_agg(listed.c.document, ","), "").label("data"),
            (func.count() - func.count(listed.c.document)).label("lacking"),
            (select(func.count()).select_from(keys).scalar_subquery() > limit).label("more"),
            *(select(one).order_by(*oldest).limit(1).scalar_subquery().label(f"last_{one.name}") for one in oldest),
        ).select_from(listed)
    )


def _condition(resource: Resource, name: str) -> ColumnElement[bool]:
    if name in resource.filters:
        return resource.filters[name]
    return resource.table.c["customer" if name == OWN_CUSTOMER else name] == bindparam(name)


def _not_deleted(resource: Resource) -> list[ColumnElement[bool]]:
    return [resource.table.c.deleted_at.is_(None)] if "deleted_at" in resource.table.c else []


def _rows(resource: Resource, *conditions: ColumnElement[bool], stored: bool, single: bool = False) -> Select[Any]:
    """Selects what is shown of the rows that match `conditions`: as one `document`, or as columns."""
    if not stored or resource.stored is None:
        return select(*(resource.single if single and resource.single else resource.shown)).where(*conditions)
    text = resource.stored if resource.stored_single is None or not single else resource.stored_single
    source = resource.table if resource.joined is None else resource.joined
    return select(resource.table.c.id, text.label("document")).select_from(source).where(*conditions)


def _document(rows: NamedFromClause, *, stored: bool) -> ColumnElement[Any]:
    return rows.c.document if stored else cast(func.row_to_json(rows.table_valued()), Text).label("document")


class _Cursor(msgspec.Struct, array_like=True):
    """Where a page ended: the values of the last row, and the list it was of.

    The release before knew no sequence, and the one before that did not say of which list.
    """

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    id: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,255}$")]
    listed: str = ""
    sequence: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None


_cursor = msgspec.json.Decoder(_Cursor)


def _write_cursor(last: Mapping[str, Any], resource: Resource) -> str:
    cursor = _Cursor(last[resource.time], last["id"], resource.name, last.get("sequence"))
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _read_cursor(cursor: str, resource: Resource) -> dict[str, object]:
    """The values that the page's last row had in the columns by which its list was ordered.

    A list that the release before began goes on in its order: by time and id.
    """
    try:
        found = _cursor.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        at = found.at.astimezone(UTC)
    except (ValueError, OverflowError, binascii.Error, msgspec.MsgspecError):
        raise ValidationFailed("cursor is not one that a list of this resource answered.", param="cursor") from None
    if found.listed not in {"", resource.name}:
        raise ValidationFailed("cursor is of another list: page each list by its own next_cursor.", param="cursor")
    values = {resource.time: at, "sequence": found.sequence, "id": found.id}
    return {name: values[name] for name in resource.order if values[name] is not None}
