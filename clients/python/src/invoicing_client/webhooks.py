"""Verifies what the service pushes to an endpoint of yours (Standard Webhooks)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from standardwebhooks import Webhook
from standardwebhooks import WebhookVerificationError as NotFromTheService

from .models import FeedEvent

__all__ = ["NotFromTheService", "verify"]


def verify(secret: str, body: bytes | str, headers: Mapping[str, str]) -> FeedEvent:
    """The event of a delivery, with the raw `body` as it came.

    Raises NotFromTheService if the signature is wrong or older than five minutes. Answer 400 then, and 2xx otherwise.
    """
    webhook = Webhook(secret)
    try:
        return cast("FeedEvent", webhook.verify(body, dict(headers)))
    except ValueError as error:  # a signature that is none, or a body that is no text
        raise NotFromTheService(str(error)) from error
