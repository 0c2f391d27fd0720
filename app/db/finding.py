"""How lists are read in other orders than the newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """How a list is read by other orders than the newest first, always by an index.

    sorts: the columns it may be sorted by, besides its time. columns: the columns that lead every index, each with all
    its values; a list is merged from one index scan for each combination. ranges: the filters that need an order, each
    with that order and its condition. few: the filters that find few rows, which are sorted after they are found. always: the
    filters of `few` for which this is done even if the newest come first.
    """

    sorts: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[str, ColumnElement[bool]]] = field(default_factory=dict)
    few: Sequence[str] = ()
    always: Sequence[str] = ()
