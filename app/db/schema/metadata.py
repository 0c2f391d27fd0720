"""What the tables share: the metadata that migrations are written from, constraint names, column types."""

from collections.abc import Iterable

from sqlalchemy import MetaData
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""The naming convention makes constraint names independent of who created them."""

TIME = TIMESTAMP(timezone=True)
JSON = JSONB(none_as_null=True)


def one_of(column: str, values: Iterable[str]) -> str:
    """The condition that `column` holds one of `values`."""
    names = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({names})"
