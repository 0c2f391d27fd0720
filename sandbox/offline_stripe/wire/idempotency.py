"""Idempotency keys as Stripe keeps them: the first answer is stored and replayed.

By the request's fingerprint there are three verdicts: replay, mismatch, in flight. The answer to a request that never
began to execute is not stored.
"""

from dataclasses import dataclass
from hashlib import sha256

from offline_stripe.documents import Document, to_text
from offline_stripe.store.database import Database
from offline_stripe.wire.errors import StripeError

LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Stored:
    """A first answer, to be given again."""

    status: int
    body: bytes
    request_id: str


def fingerprint(method: str, path: str, params: Document) -> str:
    return sha256(f"{method} {path} {to_text(_sorted(params))}".encode()).hexdigest()


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value


class IdempotencyKeys:
    """The keys of one account, per API key; `in_flight` holds the ones being executed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._in_flight: set[tuple[str, str]] = set()

    def begin(self, scope: str, key: str, mark: str, oldest: int) -> Stored | None:
        """The stored answer, or None when this request is the first and may execute.

        A key stored before `oldest` is forgotten, as Stripe forgets it.
        """
        if not key.strip():
            raise StripeError("Idempotency Key must be a non-empty string.", kind="idempotency_error")
        if len(key) > LONGEST_KEY:
            raise StripeError(
                f"The idempotency key is too long: {len(key)} characters, at most {LONGEST_KEY}.",
                kind="idempotency_error",
            )
        row = self._database.one(
            "SELECT fingerprint, status, body, request FROM idempotency WHERE scope = ? AND key = ? AND created > ?",
            (scope, key, oldest),
        )
        if row is not None:
            if row[0] != mark:
                raise _mismatch(key)
            body = row[2] if isinstance(row[2], bytes) else str(row[2]).encode()
            return Stored(int(str(row[1])), body, str(row[3]))
        if (scope, key) in self._in_flight:
            raise _in_use(key)
        self._in_flight.add((scope, key))
        return None

    def end(self, scope: str, key: str) -> None:
        self._in_flight.discard((scope, key))

    def store(self, scope: str, key: str, mark: str, answer: Stored, now: int) -> None:
        """Within the transaction of the change itself."""
        self._database.execute(
            "INSERT OR REPLACE INTO idempotency (scope, key, fingerprint, request, status, body, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (scope, key, mark, answer.request_id, answer.status, answer.body, now),
        )


def _mismatch(key: str) -> StripeError:
    return StripeError(
        "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using"
        f" a key other than '{key}' if you meant to execute a different request.",
        kind="idempotency_error",
    )


def _in_use(key: str) -> StripeError:
    return StripeError(
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted"
        f" twice, and the other request is still going through): {key}. Please try again later.",
        status=409,
        kind="idempotency_error",
        code="idempotency_key_in_use",
        headers={"Stripe-Should-Retry": "true"},
    )
