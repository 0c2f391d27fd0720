"""JSON documents: the type alias and the codec of all modules.

It converts documents to text and back, whatever they mean. Keys that begin with an underscore are private to the
sandbox and never leave it.
"""

from typing import Any, cast

import msgspec

Document = dict[str, Any]
"""A JSON object. Stripe's objects are open-ended, so their values are not typed further."""

_encoder = msgspec.json.Encoder(decimal_format="string")
_decoder = msgspec.json.Decoder()


def to_text(value: object) -> str:
    return _encoder.encode(value).decode()


def from_text(text: str | bytes) -> Document:
    return cast("Document", _decoder.decode(text))


def pretty(value: object) -> bytes:
    """Two-space indentation, as Stripe prints its answers and its webhook bodies."""
    return msgspec.json.format(_encoder.encode(value), indent=2)


def public(doc: Document) -> Document:
    """The document without its private keys. Nested values are shared, not copied."""
    return {key: value for key, value in doc.items() if key[0] != "_"}


def copied(doc: Document) -> Document:
    """The public form as an independent copy (several times faster than deepcopy)."""
    return from_text(_encoder.encode(public(doc)))
