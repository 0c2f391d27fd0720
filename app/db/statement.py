"""SQLAlchemy Core statements that are compiled once per process and run on asyncpg's own connections.

Constants stand in a statement's text, where the planner sees them: a partial index counts only then. What differs from
one call to the next is a named `bindparam`. A list of any length is one parameter: `column == any_of("ids", Text)`.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, TypeVar
from weakref import WeakSet

import asyncpg
from sqlalchemy import ColumnElement, Dialect, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql import ClauseElement, visitors
from sqlalchemy.types import TypeEngine

from app.db.engine import Connection
from app.domain.json import storable

Row = TypeVar("Row")

DIALECT: Dialect = dialect(json_serializer=storable)  # type: ignore[no-untyped-call]


def parameters(*names: str) -> dict[str, Any]:
    """A parameter for each of the columns `names`, as `values()` takes them."""
    return {name: bindparam(name) for name in names}


def any_of(name: str, kind: type[TypeEngine[Any]]) -> ColumnElement[Any]:
    """One of the values of the list `name`."""
    return any_(bindparam(name, type_=ARRAY(kind)))


class Statement:
    """A statement whose parameters are given by name. It is compiled when it is first sent.

    Every method raises TypeError where other parameters are given than the statement has.
    """

    declared: ClassVar["WeakSet[Statement]"] = WeakSet()
    """Every statement there is, so that a test can prepare them all."""

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self.declared.add(self)

    async def rows(self, connection: Connection, kind: Callable[..., Row], /, **given: object) -> list[Row]:
        """The rows found, each as a `kind` made of its columns by name."""
        return [kind(**row) for row in await self.fetch(connection, **given)]

    async def row(self, connection: Connection, kind: Callable[..., Row], /, **given: object) -> Row | None:
        """The first row found, as a `kind` made of its columns by name."""
        found = await connection.fetchrow(self.text, *self._ordered(given))
        return None if found is None else kind(**found)

    async def column(self, connection: Connection, /, **given: object) -> list[Any]:
        """The first column of the rows found."""
        return [row[0] for row in await self.fetch(connection, **given)]

    async def value(self, connection: Connection, /, **given: object) -> Any:
        """The first column of the first row found; None where there is no row."""
        return await connection.fetchval(self.text, *self._ordered(given))

    async def fetch(self, connection: Connection, /, **given: object) -> list[asyncpg.Record]:
        """The rows found, as asyncpg has them."""
        return await connection.fetch(self.text, *self._ordered(given))

    async def execute(self, connection: Connection, /, **given: object) -> int:
        """Run it; how many rows it changed."""
        done: str = await connection.execute(self.text, *self._ordered(given))
        return int(done.rpartition(" ")[2])

    @property
    def text(self) -> str:
        """The SQL, with $1, $2, … for the parameters."""
        return self._compiled[0]

    @cached_property
    def _compiled(self) -> tuple[str, list[tuple[str, Callable[[Any], Any] | None]]]:
        """The SQL, and its parameters in their order with what turns each into a value that asyncpg takes."""
        clause = visitors.cloned_traverse(self._clause, {}, {"bindparam": _literal_or_named})
        compiled: Any = clause.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
        ordered = [
            (name, compiled.binds[name].type.dialect_impl(DIALECT).bind_processor(DIALECT))
            for name in compiled.positiontup
        ]
        return str(compiled), ordered

    def _ordered(self, given: dict[str, object]) -> list[object]:
        ordered = self._compiled[1]
        if len(given) != len(ordered) or not all(name in given for name, _ in ordered):
            raise TypeError(f"given {sorted(given)}, wanted {sorted(name for name, _ in ordered)}")
        return [given[name] if processor is None else processor(given[name]) for name, processor in ordered]


def _literal_or_named(bind: Any) -> None:
    """A constant (SQLAlchemy gives it a unique name) becomes part of the text; a named parameter has no value yet."""
    if bind.unique:
        bind.literal_execute = True
    else:
        bind.required = False
