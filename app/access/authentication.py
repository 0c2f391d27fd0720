"""Rate limits and authentication of callers. domain/access.py decides what a caller may do.

Both come before anything else of a request is read, so that strangers cost little.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from app.access.keyring import Keyring
from app.access.portal_links import PortalLinks
from app.access.rate_limits import Limit, Limits
from app.domain.access import BOOTSTRAP, Caller, CallerKind
from app.domain.errors import Unauthenticated
from app.domain.payment_link import PORTAL
from app.settings import Settings

if TYPE_CHECKING:
    from app.access.tokens import Tokens  # imports much that only tokens need

SECRETS_AT_ONCE = 10
"""Burst of the limit on client secrets, per link or person, in seconds of the limit's rate."""
DOTS_OF_A_TOKEN = 2
"""A JWT has three parts, an API key one."""
CREDENTIALS_WANTED = "Authorization must be `Bearer` and an API key of this service."
TOKEN_OR_KEY_WANTED = "Authorization must be `Bearer` and an API key, or a token of the identity provider."  # noqa: S105


def address_limit(settings: Settings) -> Limit:
    return _limit("address", settings.rate_limit_address, 2)


def _limit(name: str, per_s: float, seconds: float) -> Limit:
    """A limit with bursts of what it lets through in `seconds`, and of one at least: less would never let anybody in again."""
    return Limit(name, per_s, max(1.0, seconds * per_s))


class Authentication:
    def __init__(
        self, settings: Settings, limits: Limits, keyring: Keyring, tokens: Tokens | None, links: PortalLinks
    ) -> None:
        key = settings.api_bootstrap_key
        self._bootstrap = key.get_secret_value().encode() if key else None
        self._limits, self._keyring, self._tokens = limits, keyring, tokens
        self._links = links
        self._by_address = address_limit(settings)
        self._by_caller = _limit("caller", settings.rate_limit_caller, 2)
        self._by_customer = _limit("caller", settings.rate_limit_customer, 2)
        self._failures = _limit("failed", settings.rate_limit_failed, 5)
        self._client_secrets = _limit("client_secret", settings.rate_limit_client_secret, SECRETS_AT_ONCE)

    async def limit_address(self, address: str) -> None:
        """Count a request from `address`. Raises RateLimited."""
        await self._limits.take(self._by_address, address)

    async def limit_caller(self, caller: Caller) -> None:
        """Count a request of `caller`. Raises RateLimited."""
        customer = caller.kind is CallerKind.CUSTOMER
        await self._limits.take(self._by_customer if customer else self._by_caller, caller.id)

    async def limit_client_secrets(self, who: str) -> None:
        """Count a request that may ask Stripe on behalf of `who`, a person or a payment link. Raises RateLimited."""
        await self._limits.take(self._client_secrets, who)

    async def authenticate(self, authorization: bytes, address: str) -> Caller:
        """The caller whose credentials are in the header `authorization`.

        Raises Unauthenticated, RateLimited after too many failures from `address`, and Unavailable if the credentials
        cannot be checked.
        """
        scheme, _, credentials = authorization.partition(b" ")
        credentials = credentials.strip()
        if scheme.lower() != b"bearer" or not credentials or not credentials.isascii():
            raise Unauthenticated(TOKEN_OR_KEY_WANTED if self._tokens else CREDENTIALS_WANTED)
        if self._bootstrap is not None and hmac.compare_digest(credentials, self._bootstrap):
            return BOOTSTRAP
        given = credentials.decode()
        if known := self._keyring.remembered(given):
            return known
        self._limits.require_open(self._failures, address)
        try:
            if given.startswith(PORTAL):
                return await self._links.caller_of(given)
            if self._tokens is not None and given.count(".") == DOTS_OF_A_TOKEN:
                return await self._tokens.caller_of(given)
            return await self._keyring.caller_of(given)
        except Unauthenticated:
            await self._limits.take(self._failures, address)
            raise
