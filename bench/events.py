"""Makes the deliveries to send: a signed `invoice.paid` of 6 KB, formatted as Stripe does, each with its own ids."""

import hashlib
import hmac
import time
from pathlib import Path

SECRET = "whsec_of_the_bench"  # noqa: S105 -- signs for nobody
FILE = Path(__file__).parent / "data" / "invoice.paid.json"
TEMPLATE = FILE.read_text()
CUSTOMERS = 1000


def payload(number: int, now: int | None = None) -> bytes:
    """The event with this number."""
    text = TEMPLATE.replace("@N@", f"{number:012d}").replace("@C@", f"{number % CUSTOMERS:06d}")
    return text.replace("@T@", str(now or int(time.time()))).encode()


def signature(body: bytes, secret: str = SECRET, age_s: int = 0) -> str:
    """The Stripe-Signature header of `body`, signed now, or `age_s` ago."""
    at = int(time.time()) - age_s
    digest = hmac.new(secret.encode(), b"%d.%b" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def delivery(number: int, secret: str = SECRET, age_s: int = 0) -> bytes:
    """The HTTP request that delivers the event with this number."""
    body = payload(number)
    return (
        b"POST /webhooks/stripe HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json; charset=utf-8\r\n"
        b"User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nAccept: */*\r\n"
        b"Stripe-Signature: %b\r\nContent-Length: %d\r\n\r\n" % (signature(body, secret, age_s).encode(), len(body))
    ) + body
