"""Owns what every table shares: the names of constraints, the column types, the columns of what mirrors Stripe."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, MetaData, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def one_of(column: str, values: Iterable[str]) -> str:
    names = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({names})"


def undocumented(table: str) -> Index:
    """The index of the rows whose document is still to be made."""
    return Index(f"ix_{table}_undocumented", "id", postgresql_where=text("document_version = 0"))


class Model(DeclarativeBase):
    """What every table shares: constraint names that do not depend on who created them, and the column types."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 -- SQLAlchemy reads it as declared
        str: Text,
        int: BigInteger,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(Text),
        bytes: LargeBinary,
        datetime: TIMESTAMP(timezone=True),
    }


class Mirrored:
    """Columns of a table that mirrors one kind of Stripe object: which snapshot of it is applied, and when.

    `revision` counts the changes here, so that an answer of Stripe's is known to be newer than what was asked about.
    `document` is what the API answers of the row, as JSON, written by the code whose fields are of `document_version`;
    0 and null until there is one. `later_digests` are of the fields that came after the first version, one per version.
    """

    id: Mapped[str] = mapped_column(primary_key=True)
    livemode: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    snapshot_since: Mapped[datetime]
    snapshot_until: Mapped[datetime]
    snapshot_digest: Mapped[str]
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    document: Mapped[str | None]
    document_version: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    later_digests: Mapped[list[str] | None]
