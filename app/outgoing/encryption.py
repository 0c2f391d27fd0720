"""Encrypts secrets that must be readable again, under a key that is not in the database.

It uses AES-256-GCM with the owner's id as associated data, so a secret cannot be moved to another owner. The text names
the key, so keys can be rotated: the first encrypts, all decrypt.
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


class DecryptionFailed(Exception):
    """No key decrypts this: its key was removed, it was changed, or it belongs to another owner."""


class SecretEncryption:
    def __init__(self, keys: Sequence[bytes]) -> None:
        derived = [sha256(PURPOSE + key).digest() for key in keys]
        self._keys = {sha256(key).hexdigest()[:NAME]: AESGCM(key) for key in derived}
        self.current = next(iter(self._keys))
        """The name of the key that encrypts; it reveals nothing of the key."""

    def close(self, secret: str, owner: str) -> str:
        """Encrypt `secret` for `owner`."""
        nonce = os.urandom(NONCE)
        sealed = self._keys[self.current].encrypt(nonce, secret.encode(), owner.encode())
        return f"{self.current}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, owner: str) -> str:
        """Decrypt what was encrypted for `owner`. Raises DecryptionFailed."""
        name, _, text = sealed.partition(".")
        try:
            raw = base64.b64decode(text, validate=True)
            return self._keys[name].decrypt(raw[:NONCE], raw[NONCE:], owner.encode()).decode()
        except (KeyError, InvalidTag, ValueError, binascii.Error):
            raise DecryptionFailed from None

    def is_current(self, sealed: str) -> bool:
        """Whether the first key encrypted this."""
        return sealed.startswith(f"{self.current}.")
