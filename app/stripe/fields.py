"""Compiles the markers of a schema (app/domain/sources.py) into functions, once per process.

A row is flat: one key per field, whether a column or only the document holds it. Its times are in UTC, as PostgreSQL
writes them in JSON; documents write them as the API does.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.domain.json import JsonObject, JsonView
from app.domain.sources import From, Group, Identity, Joined, Mark, Ours, Passing, Personal, row_time, shown_time

Read = Callable[[JsonView], JsonObject]


class Fields:
    """The fields of one kind of object. `kept` declares all of them; those also in `shown` are in its documents.

    version: the highest `since`. names: the fields of a document. later: the fields added after the first version,
    with their empty values; few have a column. grouped: the groups of those fields that stand in one. blank: the empty
    values of personal fields.
    read: the function from Stripe's object to the row's fields. It raises KeyError where something required is missing,
    and what the functions of the fields raise. placed: content that others put into the row.
    """

    def __init__(
        self, kept: type[BaseModel], shown: type[BaseModel] | None = None, *, placed: tuple[str, ...] = ()
    ) -> None:
        self.sources: dict[str, tuple[From, FieldInfo]] = {}
        self._since: dict[str, int] = {}
        self._times: set[str] = set()
        self._groups: dict[str, tuple[str, ...]] = {}
        self._marks: dict[str, set[Mark]] = {}
        self._fields: dict[str, FieldInfo] = {}
        self.later: dict[str, object] = {}
        self._declare(kept)
        self.read = _compiled(self.sources)
        self.version = max(self._since.values())
        self.names = tuple(name for name in (shown or kept).model_fields if Joined not in self._marks[name])
        self.grouped = {inner: name for name, group in self._groups.items() for inner in group}
        if hidden := self.later.keys() - set(self.names) - self.grouped.keys():
            raise TypeError(f"{min(hidden)} came later and is no field of the document: nothing would hold it")
        self._documented = {since: self._known_by(since) for since in range(1, self.version + 1)}
        self._shown_times = [name for name in self.names if name in self._times]
        self._marked = {
            mark: tuple(
                flat for name in self._marks if mark in self._marks[name] for flat in self._groups.get(name, (name,))
            )
            for mark in Mark
        }
        self.blank = {name: _empty(name, self._fields[name]) for name in self.marked(Personal)}
        self._content = {
            since: [name for name, known in self._since.items() if known == since and self._is_content(name)]
            for since in range(1, self.version + 1)
        }
        self._content[1] += placed

    def _declare(self, model: type[BaseModel]) -> None:
        for name, field in model.model_fields.items():
            self._fields[name] = field
            marks = self._marks[name] = {it for it in field.metadata if isinstance(it, Mark)}
            source = next((it for it in field.metadata if isinstance(it, From)), None)
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel) and Group in marks:
                self._groups[name] = tuple(field.annotation.model_fields)
                self._declare(field.annotation)
            elif source:
                self.sources[name] = source, field
                self._since[name] = source.since
                if source.since > 1:
                    self.later[name] = _empty(f"{model.__name__}.{name}", field)
            elif not marks & {Ours, Joined}:
                raise TypeError(f"{model.__name__}.{name} does not say where it comes from")
            if datetime in (field.annotation, *get_args(field.annotation)):
                self._times.add(name)

    def documented(self, version: int) -> list[tuple[str, tuple[str, ...]]]:
        """The fields of a document of `version`, as far as they are known, each with its inner fields if it is a group."""
        return self._documented[min(version, self.version)]

    def _known_by(self, version: int) -> list[tuple[str, tuple[str, ...]]]:
        def known(names: Iterable[str]) -> tuple[str, ...]:
            return tuple(name for name in names if self._since.get(name, 1) <= version)

        return [(name, known(self._groups.get(name, ()))) for name in known(self.names)]

    def _is_content(self, name: str) -> bool:
        return not self._marks[name] & {Passing, Identity}

    def marked(self, mark: Mark) -> tuple[str, ...]:
        """The row's fields with `mark`; a group stands for its fields."""
        return self._marked[mark]

    def content(self, row: JsonView, since: int) -> JsonObject:
        """The content among the fields added by version `since`."""
        return {name: row[name] for name in self._content.get(since, ())}

    def document(self, row: JsonView, version: int) -> JsonObject:
        """The API's document of `row`, in the fields of `version` as far as they are known."""
        shown: JsonObject = {
            name: {inner: row[inner] for inner in group} if group else row[name]
            for name, group in self.documented(version)
        }
        for name in self._shown_times:
            if name in shown:
                shown[name] = shown_time(shown[name])
        return shown

    def lacking(self, version: int) -> JsonObject:
        """The later fields that a document of `version` lacks, with their empty values."""
        return {name: empty for name, empty in self.later.items() if self._since[name] > version}

    def later_in(self, document: JsonView) -> JsonObject:
        """The later fields that `document` holds, as rows write them."""
        places = {name: document[self.grouped[name]] if name in self.grouped else document for name in self.later}
        return {
            name: row_time(place[name]) if name in self._times else place[name]
            for name, place in places.items()
            if name in place
        }

    def told(self, row: JsonView, names: Iterable[str]) -> JsonObject:
        """The fields `names` of `row`, as its document writes them; null where the row lacks one."""
        return {name: shown_time(row.get(name)) if name in self._times else row.get(name) for name in names}


def _compiled(sources: Mapping[str, tuple[From, FieldInfo]]) -> Read:
    """One function that reads all fields. A path that several fields share is followed once."""
    known: dict[str, Any] = {"nothing": {}}
    ways: dict[tuple[str, ...], str] = {(): "given"}
    lines, entries = [], []
    for name, (source, field) in sources.items():
        *way, last = source.names or ("",)
        for end in range(1, len(way) + 1):
            *before, step = way[:end]
            if tuple(way[:end]) not in ways:
                found = ways[tuple(way[:end])] = f"at_{len(ways)}"
                lines.append(
                    f"{found} = {_looked_up(ways[tuple(before)], step, strict=not step.endswith('?'))} or nothing"
                )
        strict = source.convert is not None and not _may_be_empty(field)
        value = _looked_up(ways[tuple(way)], last, strict=strict) if source.names else "given"
        if source.convert:
            known[f"convert_{len(known)}"] = source.convert
            value = f"convert_{len(known) - 1}({value})"
        entries.append(f"{name!r}: {value}")
    body = "\n    ".join([*lines, f"return {{{', '.join(entries)}}}"])
    exec(f"def read(given):\n    {body}\n", known)  # noqa: S102 -- names of our own schemas, quoted
    read: Read = known["read"]
    return read


def _looked_up(place: str, name: str, *, strict: bool) -> str:
    name = name.rstrip("?")
    return f"{place}[{name!r}]" if strict else f"{place}.get({name!r})"


def _may_be_empty(field: FieldInfo) -> bool:
    annotation = field.annotation
    return type(None) in get_args(annotation) or get_origin(annotation) in {list, dict}


def _empty(name: str, field: FieldInfo) -> object:
    """The empty value of a field. Raises TypeError if it cannot be empty."""
    if not _may_be_empty(field):
        raise TypeError(f"{name} may be unknown or erased: it must be nullable, a list or a dictionary")
    kind = get_origin(field.annotation)
    return kind() if kind in {list, dict} else None
