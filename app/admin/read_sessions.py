"""Database sessions for the console. They only read, time out, and page through tables by keyset.

Nothing else uses SQLAlchemy's ORM and engines. The console makes changes through the services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, Select, cast, false, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.exc import SQLAlchemyError as SessionError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import InstrumentedAttribute, load_only

from app.admin.models import Model
from app.db.engine import NOT_NOW, Database
from app.domain import search
from app.domain.errors import DatabaseUnavailable, InvoicingError, NotFound, ValidationFailed

__all__ = ["Listing", "SessionError", "explained", "reader", "sessions"]

LONGEST_STATEMENT_S = 5
MOST_CONNECTIONS = 4
UNKNOWABLE = (asyncpg.DataError, ValueError)
"""What asyncpg raises for values that PostgreSQL cannot hold: a NUL, half a surrogate pair, a number out of range."""
READ_ONLY = {
    "application_name": "invoicing console",
    "default_transaction_read_only": "on",
    "statement_timeout": f"{LONGEST_STATEMENT_S}s",
    "plan_cache_mode": "force_custom_plan",  # partial indexes count only where the planner sees the value
}


def reader(database: Database) -> AsyncEngine:
    """An engine whose connections are read-only and have a statement time-out."""

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await database.dedicated(**READ_ONLY)

    return create_async_engine(
        "postgresql+asyncpg://", async_creator=connect, pool_size=MOST_CONNECTIONS, max_overflow=0, pool_pre_ping=True
    )


def sessions(engine: AsyncEngine) -> async_sessionmaker[Any]:
    return async_sessionmaker(engine, expire_on_commit=False)


def explained(error: BaseException) -> InvoicingError | None:
    """The error to show for an error of a session; None where it is our mistake.

    NotFound means that PostgreSQL cannot hold the value asked for, DatabaseUnavailable that the database did not
    answer.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, (*UNKNOWABLE, *NOT_NOW)):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, UNKNOWABLE):
        return NotFound("There is nothing that is called so.")
    if isinstance(cause, asyncpg.QueryCanceledError):
        return DatabaseUnavailable(
            f"The database needed longer than {LONGEST_STATEMENT_S} s; look for something narrower."
        )
    return None if cause is None else DatabaseUnavailable("The database cannot be reached right now.", retry_after=1)


@dataclass(frozen=True, slots=True)
class Listing:
    """How a table is listed: newest first by the columns `order`, then by key.

    `search` names the columns that a search term is compared with. A column of words matches if it holds every word of the term.
    """

    model: type[Model]
    order: Sequence[str]
    shown: Sequence[str]
    search: Sequence[str] = ()
    oldest_first: bool = False

    @property
    def _ordered_by(self) -> list[InstrumentedAttribute[Any]]:
        key = str(self.model.__mapper__.primary_key[0].key)
        return [getattr(self.model, name) for name in (*self.order, key)]

    def statement(
        self, *, limit: int, after: str | None, term: str | None, equal: Mapping[str, str], conditions: Sequence[str]
    ) -> Select[Any]:
        """The query of one page. `conditions` is our own SQL; `equal` and `term` come from the person."""
        attributes = [getattr(self.model, name) for name in self.shown]
        order = self._ordered_by
        wanted = select(self.model).options(load_only(*attributes, *order))
        for name, value in equal.items():
            wanted = wanted.where(getattr(self.model, name) == value)
        for condition in conditions:
            wanted = wanted.where(text(condition))
        if term:
            wanted = wanted.where(or_(*(self._matches(name, term) for name in self.search)))
        if after:
            last, key = tuple_(*self._read(after)), tuple_(*order)
            wanted = wanted.where(key > last if self.oldest_first else key < last)
        directed = (column.asc() if self.oldest_first else column.desc() for column in order)
        return wanted.order_by(*directed).limit(limit)

    def _matches(self, name: str, term: str) -> ColumnElement[bool]:
        column: InstrumentedAttribute[Any] = getattr(self.model, name)
        if isinstance(column.type, TSVECTOR):
            try:
                return column.op("@@", is_comparison=True)(cast(search.query(term), TSQUERY))
            except ValueError:  # no words, or too many
                return false()
        matches: ColumnElement[bool] = column == term
        return matches

    def cursor(self, row: Model) -> str:
        """The cursor of the page that begins after `row`."""
        values = [getattr(row, column.key) for column in self._ordered_by]
        return quote("~".join(it.isoformat() if isinstance(it, datetime) else str(it) for it in values), safe="")

    def _read(self, cursor: str) -> list[Any]:
        order = self._ordered_by
        given = unquote(cursor).split("~", len(order) - 1)
        try:
            return [self._typed(column, value) for column, value in zip(order, given, strict=True)]
        except ValueError:
            raise ValidationFailed("That page does not exist.", param="after") from None

    @staticmethod
    def _typed(column: InstrumentedAttribute[Any], given: str) -> Any:
        kind = column.type.python_type
        if kind is datetime:
            return datetime.fromisoformat(given)
        if kind is UUID:
            return UUID(given)
        return kind(given)
