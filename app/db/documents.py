"""Reads rows as the JSON documents that the API answers, one by one or in lists, newest first.

A mirrored row holds its document, which the unit of work makes by the resource's schema. Where a row does not hold one
yet, and for all other resources, PostgreSQL makes it from the columns. Lists are keyset-paged, so all pages cost the
same. They are ordered by time, and mirrored rows of one second by their `sequence`: Stripe's times are whole seconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, lru_cache, partial
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    Text,
    bindparam,
    cast,
    column,
    false,
    func,
    select,
    true,
    tuple_,
)
from sqlalchemy.sql.selectable import NamedFromClause

from app.db import cursors
from app.db.engine import Connection
from app.db.mirrored_documents import whole
from app.db.resources import OWN_CUSTOMER, Resource
from app.db.statement import Statement, any_of
from app.domain.errors import NotFound, ValidationFailed

MOST_STATEMENTS = 500
"""The most statements of lists that are cached. Callers' filters decide how many there are."""

MOST_FOUND = 10_000
"""The most rows that a filter without an order of its own may find."""


async def require(
    connection: Connection, resource: Resource, object_id: str, *, by: str = "id", **beside: object
) -> str:
    """The document of one object as JSON text, which must have the further columns `beside`. Raises NotFound."""
    for stored in (True, False) if resource.stored is not None else (False,):
        statement = one_statement(resource, by, *beside, stored=stored)
        for row in await statement.fetch(connection, **{by: object_id}, **beside):
            if row["document"] is not None:
                return whole(row["document"])
    raise NotFound(f"There is no {resource.name} {object_id!r}.")


async def read(connection: Connection, resource: Resource, object_id: str) -> str | None:
    """The same; None if there is none."""
    with suppress(NotFound):
        return await require(connection, resource, object_id)
    return None


async def read_all(
    connection: Connection, resource: Resource, ids: Sequence[str], *, single: bool = True
) -> dict[str, str]:
    """The documents of several objects by id, as `read` returns them, or as lists do. Absent objects are missing."""
    found: dict[str, str] = {}
    for stored in (True, False) if resource.stored is not None else (False,):
        wanted = [one for one in ids if one not in found]
        rows = await several_statement(resource, stored=stored, single=single).fetch(connection, ids=wanted)
        found |= {row["id"]: whole(row["document"]) for row in rows if row["document"] is not None}
        if len(rows) == len(found):
            break
    return found


class Order(NamedTuple):
    """The order of a list, and the way to it: filtered as it is read, merged of several, or sorted of the few found."""

    names: tuple[str, ...]
    ascending: bool = False
    way: Literal["filtered", "merged", "found"] = "filtered"

    def by(self, keys: Iterable[ColumnElement[Any]], *, backwards: bool = False) -> list[ColumnElement[Any]]:
        return [key.asc() if self.ascending != backwards else key.desc() for key in keys]


async def page(
    connection: Connection, resource: Resource, wanted: Mapping[str, object], *, limit: int, cursor: str | None
) -> bytes:
    """A page as the API answers it: data, has_more, next_cursor.

    `wanted` maps columns, filters and flags of the resource to values; None matches all, a list any of its values.
    `sort` is what it is ordered by, with a minus sign from the greatest on. Raises ValidationFailed for a cursor that no
    list of this resource, order and filters answered, and for what no index serves.
    """
    given = {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in wanted.items()
        if value is not None
    }
    sort = str(given.pop("sort", f"-{resource.time}"))
    sorted_by, of = sort.lstrip("-"), cursors.bound(sort, given)
    last = cursors.read(cursor, resource, sorted_by, of) if cursor else {}
    names = tuple(last) or (resource.order if sorted_by == resource.time else (sorted_by, "id"))
    order = Order(names, not sort.startswith("-"), _way(resource, given, sorted_by))
    flags = tuple((name, bool(given.pop(name))) for name in resource.flags if name in given)
    several = tuple(name for name, value in given.items() if isinstance(value, list))
    asked = (resource, tuple(given), flags, order, limit)
    if order.way == "merged":
        given |= {
            name: given[name] if name in several else [given[name]] if name in given else list(values)
            for name, values in resource.finding.columns.items()
        }
    given |= {f"last_{name}": value for name, value in last.items()}
    statement = partial(page_statement, *asked, several=several, after=bool(last))
    [found] = await statement(stored=resource.stored is not None).fetch(connection, **given)
    if found["lacking"]:
        [found] = await statement(stored=False).fetch(connection, **given)
    if found["too_many"]:
        few = " and ".join(name for name in resource.finding.few if name in given and name != OWN_CUSTOMER)
        raise ValidationFailed(
            f"{few}: more than {MOST_FOUND} match, which no index sorts. Ask for fewer.", param="sort"
        )
    ended = {name: found[f"last_{name}"] for name in names}
    next_cursor = cursors.write(ended, resource, sorted_by, of) if found["more"] else None
    tail = msgspec.json.encode({"has_more": found["more"], "next_cursor": next_cursor}).decode()
    return f'{{"data":[{whole(found["data"])}],{tail[1:]}'.encode()


def _way(resource: Resource, given: Mapping[str, object], sorted_by: str) -> Literal["filtered", "merged", "found"]:
    """How a list is read. Raises ValidationFailed for a combination that no index serves."""
    finding, newest = resource.finding, sorted_by == resource.time
    if any(name in given for name in finding.always):
        return "found"
    if any(name in given for name in finding.few):
        return "filtered" if newest else "found"
    first, *others = finding.columns or ("",)
    if newest and not isinstance(given.get(first), list) and not any(name in given for name in others):
        return "filtered"
    for name in (*finding.ranges, *resource.flags):
        if name in given and (name not in finding.ranges or finding.ranges[name][0] != sorted_by):
            few = ", ".join(one for one in finding.few if one != OWN_CUSTOMER)
            raise ValidationFailed(
                f"{name} cannot be combined with these filters and this order, because no index serves them. "
                f"It can with each of {few}.",
                param=name,
            )
    return "merged"


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
    order: Order,
    limit: int,
    *,
    several: Sequence[str] = (),
    after: bool = False,
    stored: bool,
) -> Statement:
    """Selects a page in one row: documents, whether there are more, and the values of its last row.

    `names` are the parameters by which it is filtered, `several` those of them that are lists; `flags` says which of the
    resource's conditions hold. With `after`, the page begins after the row that the parameters `last_…` name. `lacking`
    counts rows that do not hold their document. `too_many` says that more were found than are sorted.
    """
    table = resource.table
    ordered = {name: resource.key(name) for name in order.names}
    conditions = {name: _condition(resource, name, several, order) for name in names}
    beside = [*_not_deleted(resource)]
    beside += [resource.flags[name] if holds else resource.flags[name].is_not(True) for name, holds in flags]
    if after:
        last = tuple_(*(bindparam(f"last_{name}", type_=key.type) for name, key in ordered.items()))
        key = tuple_(*ordered.values())
        beside.append(key > last if order.ascending else key < last)
    columns = {name: key.label(name) for name, key in ordered.items()} | {one.name: one for one in table.primary_key}
    chosen = select(*columns.values()).order_by(*order.by(ordered.values())).limit(limit + 1)
    too_many: ColumnElement[bool] = false()
    if order.way == "merged":
        chosen = _merged(
            resource,
            chosen.where(*beside, *(it for name, it in conditions.items() if name not in resource.finding.columns)),
            order,
            limit,
        )
    elif order.way == "found":
        few = [it for name, it in conditions.items() if name in resource.finding.few]
        candidates = select(table.c.id).where(*few, *_not_deleted(resource)).limit(MOST_FOUND + 1).cte("candidates")
        others = [it for name, it in conditions.items() if name not in resource.finding.few]
        looked_up = select(*columns.values()).where(table.c.id == candidates.c.id, *beside, *others)
        kept = looked_up.offset(0).lateral("kept")  # so that each is looked up by its id, whatever else has an index
        ordered_kept = order.by(kept.c[name] for name in order.names)
        chosen = select(*kept.c).select_from(candidates.join(kept, true())).order_by(*ordered_kept).limit(limit + 1)
        too_many = select(func.count()).select_from(candidates).scalar_subquery() > MOST_FOUND
    else:
        chosen = chosen.where(*conditions.values(), *beside)
    keys = chosen.cte("keys")
    shown = select(keys).order_by(*order.by(keys.c[name] for name in order.names)).limit(limit).cte("shown")
    each = _rows(resource, *(one == shown.c[one.name] for one in table.primary_key), stored=stored).lateral("each")
    listed = (
        select(_document(each, stored=stored))
        .select_from(shown.join(each, true()))
        .order_by(*order.by(shown.c[name] for name in order.names))
        .subquery("listed")
    )
    ends = [shown.c[name] for name in order.names]
    return Statement(
        select(
            func.coalesce(func.string_agg(listed.c.document, ","), "").label("data"),
            (func.count() - func.count(listed.c.document)).label("lacking"),
            (select(func.count()).select_from(keys).scalar_subquery() > limit).label("more"),
            too_many.label("too_many"),
            *(
                select(one)
                .order_by(*order.by(ends, backwards=True))
                .limit(1)
                .scalar_subquery()
                .label(f"last_{one.name}")
                for one in ends
            ),
        ).select_from(listed)
    )


def _merged(resource: Resource, chosen: Select[Any], order: Order, limit: int) -> Select[Any]:
    """The first rows of the lists of all combinations of the values by which the indexes begin."""
    given = [
        (resource.table.c[name], func.unnest(bindparam(name, type_=ARRAY(Text))).table_valued(column("value", Text)))
        for name in resource.finding.columns
    ]
    each = [(one, values.render_derived(name=f"each_{one.name}")) for one, values in given]
    branch = chosen.where(*(one == values.c.value for one, values in each)).lateral("branch")
    source: FromClause = each[0][1]
    for _, values in each[1:]:
        source = source.join(values, true())
    ordered = order.by(branch.c[name] for name in order.names)
    return select(*branch.c).select_from(source.join(branch, true())).order_by(*ordered).limit(limit + 1)


def _condition(resource: Resource, name: str, several: Sequence[str], order: Order) -> ColumnElement[bool]:
    if order.way == "merged" and name in resource.finding.ranges:
        return resource.finding.ranges[name][1]
    if name in resource.filters:
        return resource.filters[name]
    found = resource.table.c["customer" if name == OWN_CUSTOMER else name]
    return found == (any_of(name, type(found.type)) if name in several else bindparam(name))


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
