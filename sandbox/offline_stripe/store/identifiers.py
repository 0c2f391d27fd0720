"""Ids in Stripe's style, reproducible from a seed.

One counter stands behind all ids and secrets. It is in the state file and survives a reset, so one file never gives the
same id twice.
"""

from hashlib import blake2b

from offline_stripe.store.database import Database

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHORT = frozenset({"cus", "prod", "req", "cbtxn"})
_SERIES = {"pi": "3", "ch": "3", "py": "3", "re": "3", "txn": "3", "du": "3"}


class Identifiers:
    """Draws ids. `persist` writes the counter in the caller's transaction."""

    def __init__(self, database: Database, seed: str) -> None:
        self._database = database
        self._seed = seed.encode()
        self._counter = int(database.meta("counter", "0"))
        self._written = self._counter

    def draw(self, length: int) -> str:
        self._counter += 1
        digest = blake2b(b"%s:%d" % (self._seed, self._counter), digest_size=48).digest()
        number = int.from_bytes(digest)
        letters = []
        for _ in range(length):
            number, rest = divmod(number, 62)
            letters.append(ALPHABET[rest])
        return "".join(letters)

    def new(self, prefix: str) -> str:
        if prefix in _SHORT:
            return f"{prefix}_{self.draw(14)}"
        return f"{prefix}_{_SERIES.get(prefix, '1')}{self.draw(23)}"

    def reseed(self, seed: str) -> None:
        self._seed = seed.encode()

    def survive(self) -> None:
        """The database was replaced: the counter goes on, and is written again."""
        self._counter = max(self._counter, int(self._database.meta("counter", "0")))
        self._database.set_meta("counter", str(self._counter))
        self._written = self._counter

    def persist(self) -> None:
        if self._counter != self._written:
            self._database.set_meta("counter", str(self._counter))
            self._written = self._counter
