"""How lists are read in other orders than the newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """How a list is read by other orders than the newest first, always by an index.

    sorts: what it may be sorted by beside its time. columns: those that lead the indexes of all orders, each with all its
    values: a list is merged of all combinations. ranges: the filters that need an order, with it and their condition.
    few: the filters that find few rows, whose order does not matter. always: those of them of which that is known.
    """

    sorts: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[str, ColumnElement[bool]]] = field(default_factory=dict)
    few: Sequence[str] = ()
    always: Sequence[str] = ()
