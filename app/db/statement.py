"""SQLAlchemy Core statements that are compiled once per process and run on asyncpg's own connections.

Constants become part of the text, because the planner uses a partial index only if it sees the value. What differs
between calls is a named `bindparam`. A list of any length is one parameter: `column == any_of("ids", Text)`.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, ClassVar, TypeVar
from weakref import WeakSet

import asyncpg
from sqlalchemy import BindParameter, ColumnElement, Dialect, any_, bindparam, literal, literal_column
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql import ClauseElement, visitors
from sqlalchemy.sql.visitors import ExternallyTraversible
from sqlalchemy.types import NullType, TypeEngine

from app.db.engine import Connection
from app.domain.json import storable

Row = TypeVar("Row")

DIALECT: Dialect = dialect(json_serializer=storable)  # type: ignore[no-untyped-call]


def parameters(*names: str) -> dict[str, Any]:
    """A parameter for each of the columns `names`, for `values()`."""
    return {name: bindparam(name) for name in names}


def any_of(name: str, kind: type[TypeEngine[Any]]) -> ColumnElement[Any]:
    """Any value of the list parameter `name`."""
    return any_(bindparam(name, type_=ARRAY(kind)))


def identifiers(**names: str) -> dict[str, str]:
    """Names of tables and roles for a command's text, which takes no parameters. They are quoted if necessary."""
    return {role: DIALECT.identifier_preparer.quote(name) for role, name in names.items()}


class Statement:
    """A statement with named parameters, compiled when first sent.

    Each method raises TypeError unless exactly the statement's parameters are given.
    """

    declared: ClassVar["WeakSet[Statement]"] = WeakSet()
    """All statements, so that a test can prepare each."""

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self.declared.add(self)

    async def rows(self, connection: Connection, kind: Callable[..., Row], /, **given: object) -> list[Row]:
        """The rows, each as a `kind` built from its columns by name."""
        return [kind(**row) for row in await connection.fetch(self.text, *self._ordered(given))]

    async def row(self, connection: Connection, kind: Callable[..., Row], /, **given: object) -> Row | None:
        """The first row as a `kind` built from its columns by name; None where there is none."""
        found = await connection.fetchrow(self.text, *self._ordered(given))
        return None if found is None else kind(**found)

    async def column(self, connection: Connection, /, **given: object) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in await connection.fetch(self.text, *self._ordered(given))]

    async def value(self, connection: Connection, /, **given: object) -> Any:
        """The first column of the first row; None where there is none."""
        return await connection.fetchval(self.text, *self._ordered(given))

    async def fetch(self, connection: Connection, /, **given: object) -> list[asyncpg.Record]:
        """The rows as asyncpg's records."""
        return await connection.fetch(self.text, *self._ordered(given))

    async def fetch_each(self, connection: Connection, each: Iterable[dict[str, object]]) -> list[asyncpg.Record]:
        """The rows of all executions, one for each of `each`, which are sent together."""
        return await connection.fetchmany(self.text, [self._ordered(given) for given in each])

    async def execute(self, connection: Connection, /, **given: object) -> int:
        """Execute it. Returns the number of rows changed."""
        done: str = await connection.execute(self.text, *self._ordered(given))
        return int(done.rpartition(" ")[2])

    @property
    def text(self) -> str:
        """The SQL, with $1, $2, … for the parameters."""
        return self._compiled[0]

    @cached_property
    def _compiled(self) -> tuple[str, list[tuple[str, Callable[[Any], Any] | None]]]:
        """The SQL, and for each parameter in order its name and the function that converts its value for asyncpg."""
        clause: Any = visitors.replacement_traverse(self._clause, {}, _literal)
        compiled = clause.compile(dialect=DIALECT)
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


def _literal(element: ExternallyTraversible, **_: Any) -> ExternallyTraversible | None:
    """A constant as a part of the text. SQLAlchemy gives a constant's parameter a unique name."""
    if not isinstance(element, BindParameter) or not element.unique:
        return None
    constant = literal(element.value) if isinstance(element.type, NullType) else element
    text = str(constant.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
    if "\\" in text:  # SQLAlchemy doubles it for a server it has not asked; PostgreSQL takes it as it is
        raise ValueError(f"a constant with a backslash must be a parameter: {text}")
    return literal_column(text, constant.type)
