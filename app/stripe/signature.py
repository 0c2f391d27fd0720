"""Verifies webhook signatures with Stripe's SDK."""

from stripe import SignatureVerificationError, WebhookSignature


def is_signed(payload: str, header: str, secret: str, tolerance_s: int) -> bool:
    """Whether `header`, of ASCII, signs `payload` by `secret` within `tolerance_s`. Compares in constant time."""
    try:
        WebhookSignature.verify_header(payload, header, secret, tolerance_s)
    except SignatureVerificationError:
        return False
    return True
