"""What every baseline does with a delivery before it touches a database: verify it, and read what it stores."""

import hashlib
import hmac
import os

import msgspec

SECRET = os.environ.get("BENCH_WEBHOOK_SECRET", "").encode()


class _Invoice(msgspec.Struct):
    id: str
    status: str
    customer: str
    amount_due: int
    amount_paid: int


class _Data(msgspec.Struct):
    object: _Invoice


class Event(msgspec.Struct):
    """What of an `invoice.paid` is stored in columns."""

    id: str
    type: str
    created: int
    data: _Data


_decoder = msgspec.json.Decoder(Event)


def read(body: bytes, header: bytes) -> Event | None:
    """The event of a body that is signed, else None."""
    at, _, given = header.partition(b",v1=")
    digest = hmac.new(SECRET, at[2:] + b"." + body, hashlib.sha256).hexdigest()
    return _decoder.decode(body) if hmac.compare_digest(digest, given.decode()) else None


def record_arguments(event: Event, body: bytes) -> tuple[object, ...]:
    """The arguments of statements.RECORD."""
    return event.id, event.type, event.data.object.id, event.created, body.decode()


def mirror_arguments(event: Event, body: bytes) -> tuple[object, ...]:
    """The arguments of statements.MIRROR."""
    invoice = event.data.object
    return (
        *record_arguments(event, body),
        invoice.status,
        invoice.customer,
        invoice.amount_due,
        invoice.amount_paid,
    )
