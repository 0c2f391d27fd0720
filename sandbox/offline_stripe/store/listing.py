"""Pages of documents: Stripe's list envelope, with cursors and filters.

It does pagination (`limit`, `starting_after`, `ending_before`, newest first) and turns filters into SQL. Each resource
decides which filters it offers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from offline_stripe.documents import Document
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request, resource_missing

MOST_PER_PAGE = 100
_RANGES = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of documents, not yet shown."""

    items: list[Document]
    has_more: bool
    url: str
    kind: str = "list"
    next_page: str | None = None


@dataclass(slots=True)
class Filters:
    """Conditions on a document's fields, collected and then turned into SQL."""

    conditions: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def equal(self, path: str, value: object) -> "Filters":
        """Require equality. An absent value adds no condition, so callers can pass parameters as received."""
        if value is not None:
            self._add(f"json_extract(doc, '$.{path}') = ?", int(value) if isinstance(value, bool) else value)
        return self

    def one_of(self, path: str, values: list[str] | None) -> "Filters":
        if values is not None:
            marks = ", ".join("?" for _ in values)
            self._add(f"json_extract(doc, '$.{path}') IN ({marks})", *values)
        return self

    def absent(self, path: str) -> "Filters":
        self._add(f"json_extract(doc, '$.{path}') IS NULL")
        return self

    def present(self, path: str) -> "Filters":
        self._add(f"json_extract(doc, '$.{path}') IS NOT NULL")
        return self

    def within(self, path: str, bounds: Mapping[str, int] | int | None) -> "Filters":
        """`created=N`, or `created[gte]=N` and its kin."""
        if isinstance(bounds, Mapping):
            for name, bound in bounds.items():
                self._add(f"json_extract(doc, '$.{path}') {_RANGES[name]} ?", bound)
        elif bounds is not None:
            self._add(f"json_extract(doc, '$.{path}') = ?", bounds)
        return self

    def raw(self, condition: str, *values: object) -> "Filters":
        self._add(condition, *values)
        return self

    def _add(self, condition: str, *values: object) -> None:
        self.conditions.append(condition)
        self.values.extend(values)


def page_limit(params: Document) -> int:
    limit = int(params.get("limit", 10))
    if limit < 1:
        raise invalid_request(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="limit"
        )
    if limit > MOST_PER_PAGE:
        raise invalid_request(
            f"This value must be less than or equal to {MOST_PER_PAGE}.",
            code="parameter_invalid_integer",
            param="limit",
        )
    return limit


def list_documents(
    tx: Transaction, kind: str, params: Document, filters: Filters, url: str, *, oldest_first: bool = False
) -> Page:
    """The page of `kind` the parameters ask for."""
    tx.flush()
    rows, has_more = select_page(tx, "objects", kind, params, filters, ascending=oldest_first)
    return Page([tx.remember(row) for row in rows], has_more, url)


def count(tx: Transaction, kind: str, filters: Filters) -> int:
    """How many documents of `kind` there are in all."""
    where = " AND ".join(["kind = ?", *filters.conditions])
    return tx.store.database.count(f"SELECT count(*) FROM objects WHERE {where}", (kind, *filters.values))  # noqa: S608


def select_page(
    tx: Transaction, table: str, kind: str, params: Document, filters: Filters, *, ascending: bool = False
) -> tuple[list[str], bool]:
    """The documents' texts in order, and whether more lie beyond."""
    limit = page_limit(params)
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise invalid_request("You cannot specify both `starting_after` and `ending_before`.")
    conditions = [*filters.conditions]
    values = [*filters.values]
    if table == "objects":
        conditions.insert(0, "kind = ?")
        values.insert(0, kind)
    backwards = before is not None
    if after or before:
        name = "ending_before" if before else "starting_after"
        forward = "<" if ascending == backwards else ">"
        conditions.append(f"seq {forward} ?")
        values.append(_position(tx, table, kind, str(before or after), name))
    order = "ASC" if ascending != backwards else "DESC"
    shown = "json_set(doc, '$.pending_webhooks', pending)" if table == "events" else "doc"
    rows = tx.store.database.all(
        f"SELECT {shown} FROM {table} WHERE {' AND '.join(conditions) or '1'} ORDER BY seq {order} LIMIT ?",  # noqa: S608
        (*values, limit + 1),
    )
    found = [str(row[0]) for row in rows[:limit]]
    return (found[::-1] if backwards else found), len(rows) > limit


def _position(tx: Transaction, table: str, kind: str, identifier: str, param: str) -> object:
    of_kind = " AND kind IN (?, 'deleted_' || ?)" if table == "objects" else ""
    values = (identifier, kind, kind) if of_kind else (identifier,)
    row = tx.store.database.one(f"SELECT seq FROM {table} WHERE id = ?{of_kind}", values)  # noqa: S608
    if row is None:
        raise resource_missing(kind, identifier, param=param)
    return row[0]
