"""Verifies webhook signatures with Stripe's SDK."""

from stripe import SignatureVerificationError, WebhookSignature


def is_signed(payload: str, header: str, secret: str, tolerance_s: int) -> bool:
    """Whether `header` holds a signature of `payload` by `secret` that is not older than `tolerance_s`.

    The comparison takes constant time. `header` must be ASCII.
    """
    try:
        WebhookSignature.verify_header(payload, header, secret, tolerance_s)
    except SignatureVerificationError:
        return False
    return True
