"""Other API versions: the same objects in another shape, to rehearse an upgrade against.

A caller defines a version and how its answers differ; no real version's changes are known here. Events are not rendered
again, as Stripe shows them in the version in which they were made.
"""

from dataclasses import dataclass, field
from typing import Any

from offline_stripe.documents import Document, from_text, pretty
from offline_stripe.settings import API_VERSION


@dataclass(frozen=True, slots=True)
class Change:
    """A difference for one kind of object: fields that are removed, renamed, or have another value."""

    object: str
    remove: tuple[str, ...] = ()
    rename: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def applied(self, document: Document) -> Document:
        if document.get("object") != self.object:
            return document
        kept = {self.rename.get(name, name): value for name, value in document.items() if name not in self.remove}
        return kept | self.values


class Versions:
    """The defined versions, each with its differences."""

    def __init__(self) -> None:
        self._changes: dict[str, tuple[Change, ...]] = {}

    def add(self, sent: Document) -> None:
        """Define a version. Raises ValueError with what is wrong."""
        version = sent.get("version")
        if not isinstance(version, str) or not version or version == API_VERSION:
            raise ValueError("version is another one than the sandbox's own")
        changes = []
        for change in sent.get("changes", []):
            if unknown := change.keys() - {"object", "remove", "rename", "set"}:
                raise ValueError(f"a change has no {', '.join(sorted(unknown))}")
            changes.append(
                Change(
                    change["object"], tuple(change.get("remove", ())), change.get("rename", {}), change.get("set", {})
                )
            )
        self._changes[version] = tuple(changes)

    def clear(self) -> None:
        self._changes.clear()

    def speaks(self, version: str) -> bool:
        return version == API_VERSION or version in self._changes

    def rendered(self, version: str, path: str, body: bytes) -> bytes:
        """The answer `body` as `version` shows it."""
        changes = self._changes.get(version, ())
        if not changes or path.startswith("/v1/events"):
            return body
        return pretty(_walked(from_text(body.decode()), changes)) + b"\n"


def _walked(value: Any, changes: tuple[Change, ...]) -> Any:
    if isinstance(value, list):
        return [_walked(item, changes) for item in value]
    if not isinstance(value, dict):
        return value
    document = {name: _walked(item, changes) for name, item in value.items()}
    for change in changes:
        document = change.applied(document)
    return document
