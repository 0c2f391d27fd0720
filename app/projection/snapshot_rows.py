"""The rows of mirrored objects after a snapshot is applied. Pure."""

from datetime import datetime, timedelta

from app.domain.invoice import InvoiceStatus
from app.domain.json import JsonObject, JsonView
from app.domain.snapshot import Version
from app.projection.mirrored_rows import completed_items, items_document
from app.stripe.mapping import ITEM, VERSIONS, Kind, Snapshot, lines_digest

SECOND = timedelta(seconds=1)
INACTIVE = "inactive"
"""The status of a mandate that was revoked."""


def merged(known: JsonObject | None, snapshot: Snapshot, items: JsonView, now: str) -> JsonObject:
    """The row with the content of `snapshot`, which is newer, and the columns `items`."""
    version = snapshot.version
    blank = {"deleted_at": None, "revision": 0, "lines_digest": "", "items_document": "[]", "mandate_status": None}
    row: JsonObject = {**blank, **(known or {}), **snapshot.row, **items}
    since, until = version.since, version.until
    if version.first:
        since = until = since - SECOND  # whatever else carries its second came after it
    if known and version.timeless:
        since, until = _observed(known)
    return row | {
        "document_version": _document_version(known, snapshot),
        "snapshot_since": since.isoformat(),
        "snapshot_until": until.isoformat(),
        "snapshot_digest": version.digest,
        "later_digests": version.later or None,
        "revision": row["revision"] + 1,
        "updated_at": now,
    }


def confirmed(known: JsonObject, snapshot: Snapshot, items: JsonView) -> JsonObject | None:
    """The row with the later time at which its content was still current; None if that tells nothing new.

    Fields that are not content (addresses of hosted pages) follow, and so do fields that the release that wrote the row
    did not know.
    """
    version, (known_since, known_until) = snapshot.version, _observed(known)
    row = {
        **known,
        **snapshot.row,
        **items,
        "snapshot_since": max(known_since, version.since).isoformat(),
        "snapshot_until": max(known_until, version.until).isoformat(),
        "later_digests": version.later or None,
        "document_version": _document_version(known, snapshot),
        "revision": known["revision"] + 1,
    }
    as_late = version.over == known["revision"] or (version.since >= known_until and not version.first)
    passed = as_late and not known["deleted_at"] and any(known.get(name) != row[name] for name in snapshot.row)
    return row if items or passed or known_until < version.until else None


def with_mandate(known: JsonObject | None, mandate: str, status: str, at: datetime, now: str) -> JsonObject | None:
    """The row of a payment method with the status that its mandate had at `at`; None if that tells nothing new.

    Of several mandates the latest counts. One that is inactive never becomes active again, so within a second it counts.
    """
    if known is None:
        return None
    at_before = known.get("mandate_at")
    newer = at_before is None or datetime.fromisoformat(at_before) < at
    revoked = known.get("mandate") == mandate and known["mandate_status"] == INACTIVE
    if revoked or not (newer or (status == INACTIVE and datetime.fromisoformat(str(at_before)) == at)):
        return None
    told = {"mandate": mandate, "mandate_status": status, "mandate_at": at.isoformat()}
    return known | told | {"revision": known["revision"] + 1, "updated_at": now}


def not_older(version: Version, known: JsonView) -> bool:
    """Whether a snapshot of `version` is not older than the row."""
    return version.over == known["revision"] or version.until >= _observed(known)[0]


def wants_items(known: JsonObject | None, snapshot: Snapshot) -> bool:
    """Whether the items of `snapshot` are of interest: those of a finalized invoice are taken only once."""
    if snapshot.kind is not Kind.INVOICE or snapshot.deleted:
        return False
    return known is None or not _is_frozen(known) or bool(ITEM.lacking(known["document_version"]))


def item_columns(known: JsonObject | None, snapshot: Snapshot) -> JsonObject:
    """The columns that the complete items of `snapshot` change; with `lines_digest`, they replace the known items."""
    document, digest = items_document(snapshot.items), lines_digest(snapshot.items)
    if known and known["lines_digest"] == digest and not known["deleted_at"]:
        return {} if known["items_document"] == document else {"items_document": document}
    if known and _is_frozen(known):
        return {"items_document": completed_items(known["items_document"])}
    return {"lines_digest": digest, "items_document": document}


def _is_frozen(known: JsonView) -> bool:
    return bool(known["status"] != InvoiceStatus.DRAFT)


def _observed(known: JsonView) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(known["snapshot_since"]), datetime.fromisoformat(known["snapshot_until"])


def _document_version(known: JsonObject | None, snapshot: Snapshot) -> int:
    """The version of the row's fields after `snapshot` is applied. A stub does not change it."""
    return int(known["document_version"]) if snapshot.stub and known else VERSIONS[snapshot.kind]
