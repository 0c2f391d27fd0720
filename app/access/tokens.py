"""Authenticates people by tokens of the team's identity provider (OpenID Connect).

The signing keys come from one configured address, never from one that a token names. The algorithms are configured and
asymmetric; a token cannot choose another. If the keys cannot be fetched, every token is refused with an error that says
so.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import structlog

from app.access.ownership import customer_of_reference
from app.db.engine import Database
from app.domain.access import Caller, CallerKind
from app.domain.errors import IdentityProviderUnavailable, Unauthenticated

log = structlog.get_logger(__name__)

LONGEST_TOKEN = 8192
LONGEST_CLAIM = 200
LEEWAY_S = 30
FRESH_S = 300.0
"""Seconds for which fetched keys are used without asking again."""
STALE_S = 3600.0
"""Seconds for which fetched keys are used while the provider cannot be reached."""
ASK_AGAIN_S = 10.0
"""Least seconds between two requests to the provider, however many tokens name unknown keys."""
LARGEST_JWKS = 256 * 1024
TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Provider:
    """The configured identity provider. The customer claim holds a reference if `by_reference`, otherwise an id."""

    issuer: str
    audience: str
    jwks_url: str
    algorithms: tuple[str, ...]
    customer_claim: str
    by_reference: bool


class SigningKeys:
    def __init__(self, url: str, algorithms: tuple[str, ...]) -> None:
        self._url = url
        self._algorithms = algorithms
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """The key called `kid`; None if the provider has none. Raises IdentityProviderUnavailable."""
        if self._age() > FRESH_S or kid not in self._keys:
            await self._refresh()
        if self._age() > STALE_S or (kid not in self._keys and self._asked_at > self._fetched_at):
            raise IdentityProviderUnavailable(
                "The identity provider's signing keys cannot be fetched, so tokens cannot be verified.",
                retry_after=int(ASK_AGAIN_S),
            )
        return self._keys.get(kid)

    async def usable(self) -> int:
        """The number of keys that can verify a token. Raises IdentityProviderUnavailable."""
        await self.key("")
        return len(self._keys)

    def _age(self) -> float:
        return _now() - self._fetched_at

    async def _refresh(self) -> None:
        """Fetch the keys, once for all who wait, and at most every ASK_AGAIN_S."""
        async with self._asking:
            if _now() - self._asked_at < ASK_AGAIN_S:
                return
            self._asked_at = _now()
            try:
                self._keys = self._usable(await self._fetch())
            except (httpx.HTTPError, ValueError) as error:
                log.warning("signing_keys_not_fetched", error=type(error).__name__)
            else:
                self._fetched_at = self._asked_at

    async def _fetch(self) -> dict[str, Any]:
        async with self._client.stream("GET", self._url) as answer:
            answer.raise_for_status()
            body = b""
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_JWKS:
                    raise ValueError("the key set is too large")
        found = httpx.Response(200, content=body).json()
        if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
            raise ValueError("not a key set")  # noqa: TRY004 -- what was fetched is wrong, not our call
        return found

    def _usable(self, key_set: dict[str, Any]) -> dict[str, jwt.PyJWK]:
        """The keys that can verify a token: signing keys with an id and an allowed algorithm."""
        usable = {}
        for entry in key_set["keys"]:
            if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or entry.get("use") == "enc":
                continue
            try:
                key = jwt.PyJWK.from_dict(entry)
            except (jwt.PyJWTError, ValueError, TypeError, KeyError):
                continue
            if key.algorithm_name in self._algorithms:
                usable[entry["kid"]] = key
        return usable


class Tokens:
    def __init__(self, database: Database, provider: Provider) -> None:
        self._database = database
        self._provider = provider
        self._keys = SigningKeys(provider.jwks_url, provider.algorithms)

    async def close(self) -> None:
        await self._keys.close()

    async def usable_keys(self) -> int:
        """The number of the provider's keys that can verify a token. Raises IdentityProviderUnavailable."""
        return await self._keys.usable()

    async def caller_of(self, token: str) -> Caller:
        """The caller that `token` names. Raises Unauthenticated and IdentityProviderUnavailable."""
        claims = await self._verified(token)
        named = claims.get(self._provider.customer_claim)
        customer = await self._customer(named) if isinstance(named, str) and _may_name(named) else None
        if not _is_text(claims["sub"]):
            raise Unauthenticated("The token is not one this service accepts.")
        who = hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()[:32]
        return Caller(f"user_{who}", CallerKind.CUSTOMER, customer=customer or "")

    async def _verified(self, token: str) -> dict[str, Any]:
        try:
            header = read_header(token)
            key = await self._keys.key(header["kid"])
            if key is None or header["alg"] != key.algorithm_name:
                raise jwt.InvalidTokenError("unknown key")
            return jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self._provider.issuer,
                audience=self._provider.audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The token has expired.") from None
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError):
            raise Unauthenticated("The token is not one this service accepts.") from None

    async def _customer(self, named: str) -> str | None:
        if not self._provider.by_reference:
            return named
        async with self._database.connection() as connection:
            return await customer_of_reference(connection, named)


def read_header(token: str) -> dict[str, Any]:
    """The header of a token, whose signature is not checked yet. Raises InvalidTokenError if it is no usable JWT."""
    if len(token) > LONGEST_TOKEN:
        raise jwt.InvalidTokenError("too long")
    header = jwt.get_unverified_header(token)
    if not isinstance(header.get("kid"), str) or not isinstance(header.get("alg"), str):
        raise jwt.InvalidTokenError("names no key")
    return header


def _may_name(claim: str) -> bool:
    """Whether a claim can be a customer's id or reference: not empty, not too long, storable in PostgreSQL."""
    return 0 < len(claim) <= LONGEST_CLAIM and "\x00" not in claim and _is_text(claim)


def _is_text(claim: str) -> bool:
    """Whether the text can be encoded: JSON may hold half a surrogate pair, which no encoding can."""
    return not any("\ud800" <= char <= "\udfff" for char in claim)


def _now() -> float:
    return asyncio.get_running_loop().time()
