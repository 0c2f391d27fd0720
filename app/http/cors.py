"""CORS: which origins' pages may call the API from a browser. Cookies are never allowed."""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

SENT = ("Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID", "X-Request-ID")
SHOWN = ("ETag", "Idempotent-Replayed", "Retry-After", "X-Request-ID")
PREFLIGHT_S = 600


def allow_origins(app: FastAPI, origins: Sequence[str]) -> None:
    """Let pages of `origins` call `app`. Without origins, browsers refuse all other pages."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=list(SENT),
            expose_headers=list(SHOWN),
            allow_credentials=False,
            max_age=PREFLIGHT_S,
        )
