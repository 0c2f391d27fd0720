"""Owns the decision whether a delivery is Stripe's: raw bytes and a header in, the name of the signing secret out.

Most of what comes to an open address is not Stripe's, so a refusal is a plain answer (why, in words), not an exception,
and all that the header alone can tell is told before the body is there. The scheme is Stripe's: HMAC-SHA256 over
`<t>.<body>`; tests hold it to the SDK's own signer.
"""

import hmac
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from pydantic import SecretStr

TOLERANCE_S = 300
"""How far a signature's time may be from ours, into the past and into the future."""
LONGEST_HEADER = 4096
_TIME = re.compile(rb"(?:^|,)t=([0-9]{1,12})(?:,|$)")
_SIGNATURE = re.compile(rb"(?:^|(?<=,))v1=([0-9a-f]{64})(?:,|$)")

ABSENT = "The Stripe-Signature header is missing or too long."
MALFORMED = "The Stripe-Signature header is not `t=…,v1=…`."
STALE = f"The signature's timestamp is more than {TOLERANCE_S} seconds away from now."
FORGED = "No signature in Stripe-Signature matches the body under any configured secret."
WHY = {
    ABSENT: "signature_absent",
    MALFORMED: "signature_malformed",
    STALE: "signature_stale",
    FORGED: "signature_forged",
}
"""Every reason for which a delivery is refused, and what it is counted as."""


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """One of the secrets that may have signed; `name` says which without giving it away.

    keyed: the HMAC under it of nothing yet. To look its algorithm up and to key it costs more than the hash of a body.
    """

    keyed: hmac.HMAC
    name: str


class Signature(NamedTuple):
    """What a header that could be Stripe's says: when it was signed, and as what, by each secret in force there."""

    at: int
    digests: list[bytes]


def signing_secrets(secrets: Sequence[SecretStr]) -> tuple[SigningSecret, ...]:
    """The secrets with their names: `whsec:` and the first eight hex digits of the secret's SHA-256."""
    values = [secret.get_secret_value().encode() for secret in secrets]
    return tuple(
        SigningSecret(hmac.new(it, digestmod="sha256"), f"whsec:{sha256(it).hexdigest()[:8]}") for it in values
    )


def read_signature(header: bytes) -> Signature | str:
    """What `header` says, or why it cannot be Stripe's: it must name a time that is near, and signatures in their shape."""
    if not header or len(header) > LONGEST_HEADER:
        return ABSENT
    at = _TIME.search(header)
    digests = _SIGNATURE.findall(header)
    if at is None or not digests:
        return MALFORMED
    if abs(time.time() - int(at[1])) > TOLERANCE_S:
        return STALE
    return Signature(int(at[1]), [bytes.fromhex(digest.decode()) for digest in digests])


def signed_by(body: bytes, signature: Signature, secrets: Sequence[SigningSecret]) -> str | None:
    """The name of the secret that signed `body`, the bytes as they came; None where none of them did."""
    for secret in secrets:
        mac = secret.keyed.copy()
        mac.update(b"%d." % signature.at)
        mac.update(body)
        expected = mac.digest()
        for digest in signature.digests:
            if hmac.compare_digest(expected, digest):
                return secret.name
    return None
