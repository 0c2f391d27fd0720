"""Webhook signatures, as Stripe makes them.

The `Stripe-Signature` header has one `v1` for each secret that is valid at the moment, and a `v0` that is not valid, as
Stripe's has for events of test mode.
"""

import hmac
from collections.abc import Iterable
from hashlib import sha256


def signature_header(body: bytes, secrets: Iterable[str], timestamp: int) -> str:
    signed = b"%d." % timestamp + body
    marks = [hmac.new(secret.encode(), signed, sha256).hexdigest() for secret in secrets]
    fake = sha256(signed).hexdigest()
    return ",".join([f"t={timestamp}", *(f"v1={mark}" for mark in marks), f"v0={fake}"])
