"""Compares two snapshots: the `previous_attributes` of an update event.

Of a hash it returns the keys that differ, of a list the whole list.
"""

from offline_stripe.documents import Document

_IGNORED = frozenset({"updated"})


def previous_attributes(before: Document, after: Document) -> Document:
    """The old values of what differs; a key that did not exist before shows as null."""
    previous: Document = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old == new or key in _IGNORED:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            previous[key] = previous_attributes(old, new)
        else:
            previous[key] = old
    return dict(sorted(previous.items()))
