"""Rate limits and authentication. domain/access.py decides what a caller may do.

Both come before anything else of a request is read, so that strangers cost little.
"""

import hmac

from app.access.rate_limits import Limit, LocalLimits
from app.access.tokens import looks_like_token
from app.container import Parts
from app.domain.access import BOOTSTRAP, Caller, CallerKind
from app.domain.errors import Unauthenticated
from app.settings import Settings

CREDENTIALS_WANTED = "Authorization must be `Bearer` and an API key of this service."
TOKEN_OR_KEY_WANTED = "Authorization must be `Bearer` and an API key, or a token of the identity provider."  # noqa: S105


class Admission:
    """Limits and authenticates callers."""

    def __init__(self, settings: Settings) -> None:
        key = settings.api_bootstrap_key
        self._bootstrap = key.get_secret_value().encode() if key else None
        self._by_address = Limit("address", settings.rate_limit_address, 2 * settings.rate_limit_address)
        self._by_caller = Limit("caller", settings.rate_limit_caller, 2 * settings.rate_limit_caller)
        self._by_customer = Limit("caller", settings.rate_limit_customer, 2 * settings.rate_limit_customer)
        self._here = LocalLimits()
        self._failures = Limit("failed", settings.rate_limit_failed, 5 * settings.rate_limit_failed)

    async def knock(self, parts: Parts, address: str) -> None:
        """Count a request from `address`. Raises RateLimited."""
        await parts.limits.take(self._by_address, address)

    def knock_here(self, address: str) -> None:
        """The same, counted by this process alone, for requests that need no database. Raises RateLimited."""
        self._here.take(self._by_address, address)

    async def admit(self, parts: Parts, authorization: bytes, address: str) -> Caller:
        """Authenticate the caller and count its request.

        Raises Unauthenticated, RateLimited, and Unavailable if the credentials cannot be checked.
        """
        caller = await self.recognise(parts, authorization, address)
        customer = caller.kind is CallerKind.CUSTOMER
        await parts.limits.take(self._by_customer if customer else self._by_caller, caller.id)
        return caller

    async def recognise(self, parts: Parts, authorization: bytes, address: str) -> Caller:
        """Authenticate the caller. Raises as `admit` does."""
        scheme, _, given = authorization.partition(b" ")
        given = given.strip()
        if scheme.lower() != b"bearer" or not given or not given.isascii():
            raise Unauthenticated(TOKEN_OR_KEY_WANTED if parts.tokens else CREDENTIALS_WANTED)
        if self._bootstrap is not None and hmac.compare_digest(given, self._bootstrap):
            return BOOTSTRAP
        return await self._recognised(parts, given.decode(), address)

    async def _recognised(self, parts: Parts, given: str, address: str) -> Caller:
        known = parts.keyring.remembered(given)
        if known is not None:
            return known
        parts.limits.require_open(self._failures, address)
        try:
            if parts.tokens is not None and looks_like_token(given):
                return await parts.tokens.caller_of(given)
            return await parts.keyring.caller_of(given)
        except Unauthenticated:
            await parts.limits.take(self._failures, address)
            raise
