"""Owns how secrets that must be read again are stored: encrypted under a key that is not in the database.

AES-256-GCM. What is sealed for one owner does not open for another, and says which key sealed it, so that keys can be
rotated: the first one seals, every one opens.
"""

import base64
import binascii
import os
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12
NAME = 8
PURPOSE = b"invoicing sealed secrets\n"


class SealBroken(Exception):
    """None of the keys opens this: its key was taken away, it was changed, or it is another owner's."""


class Seal:
    """Seals and opens with the operator's keys."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        derived = [sha256(PURPOSE + key).digest() for key in keys]
        self._keys = {sha256(key).hexdigest()[:NAME]: AESGCM(key) for key in derived}
        self.current = next(iter(self._keys))
        """The name of the key that seals; it says nothing of the key itself."""

    def close(self, secret: str, owner: str) -> str:
        """`secret`, sealed for `owner`."""
        nonce = os.urandom(NONCE)
        sealed = self._keys[self.current].encrypt(nonce, secret.encode(), owner.encode())
        return f"{self.current}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, owner: str) -> str:
        """What was sealed for `owner`. Raises SealBroken."""
        name, _, text = sealed.partition(".")
        try:
            raw = base64.b64decode(text, validate=True)
            return self._keys[name].decrypt(raw[:NONCE], raw[NONCE:], owner.encode()).decode()
        except (KeyError, InvalidTag, ValueError, binascii.Error):
            raise SealBroken from None

    def is_current(self, sealed: str) -> bool:
        """Whether the first key sealed this."""
        return sealed.startswith(f"{self.current}.")
