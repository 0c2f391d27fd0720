"""CORS: browsers may call the API, as they may call Stripe's.

Only `/v1` has CORS headers; the control calls must not have any.
"""

from offline_stripe.wire.messages import Response


def cross_origin_headers() -> dict[str, str]:
    return {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, HEAD, PUT, PATCH, POST, DELETE",
        "Access-Control-Allow-Headers": "*, Authorization, Content-Type, Idempotency-Key, Stripe-Version",
        "Access-Control-Expose-Headers": "Request-Id, Stripe-Manage-Version, Idempotent-Replayed",
        "Access-Control-Max-Age": "300",
    }


def preflight() -> Response:
    return Response(204, b"", cross_origin_headers())
