"""Verifies what the service pushes to an endpoint of yours (Standard Webhooks)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

from standardwebhooks import Webhook
from standardwebhooks import WebhookVerificationError as NotFromTheService

from .models import FeedEvent, PingEvent

__all__ = ["Delivered", "NotFromTheService", "verify"]

Delivered: TypeAlias = FeedEvent | PingEvent
"""An event of the feed, or of the type `ping`, which only tries the endpoint."""


def verify(secret: str, body: bytes | str, headers: Mapping[str, str]) -> Delivered:
    """The event of a delivery, with the raw `body` as it came.

    Raises NotFromTheService if the signature is wrong or older than five minutes. Answer 400 then, and 2xx otherwise.
    """
    webhook = Webhook(secret)
    try:
        return cast("Delivered", webhook.verify(body, dict(headers)))
    except ValueError as error:  # a signature that is none, or a body that is no text
        raise NotFromTheService(str(error)) from error
