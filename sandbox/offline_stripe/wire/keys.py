"""Authenticates API keys, and says what each may do.

Any `sk_test_…` or `rk_test_…` is a secret key, any `pk_test_…` a publishable one. Live keys are refused. Keys are never
stored or shown in full.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from offline_stripe.wire.errors import StripeError

NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth"
    " (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or"
    " we can help at https://support.stripe.com/."
)
NOT_PUBLISHABLE = (
    "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your"
    " API keys at https://dashboard.stripe.com/account/apikeys."
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the idempotency scope of their key, and whether the key is publishable."""

    scope: str
    publishable: bool
    shown: str = ""
    """The key as error messages show it."""


def authenticate(authorization: str | None, sent_key: str | None) -> Caller:
    """From the Authorization header, or the `key` parameter Stripe.js sends."""
    key = key_in(authorization) or sent_key
    if not key:
        raise StripeError(NO_KEY, status=401, headers={"WWW-Authenticate": 'Bearer realm="Stripe"'})
    if not is_test_key(key):
        raise StripeError(
            f"Invalid API Key provided: {_masked(key)}",
            status=401,
            headers={"WWW-Authenticate": 'Bearer realm="Stripe"'},
        )
    return Caller(scope_of(key), key.startswith("pk_"), _masked(key))


def is_test_key(key: str) -> bool:
    return key.startswith(("sk_test_", "rk_test_", "pk_test_"))


def scope_of(key: str) -> str:
    """What stands for a key wherever one is remembered."""
    return sha256(key.encode()).hexdigest()[:32]


class RestrictedKeys:
    """What restricted keys may do: `rak_invoice_read`, `rak_invoice_write` (which includes reading).

    A permission is named after the resource; Stripe's own names of some are not published (unverified).
    """

    def __init__(self) -> None:
        self._permissions: dict[str, frozenset[str]] = {}
        self._accounts: dict[str, str] = {}

    def restrict(self, key: str, permissions: Iterable[str], account: str) -> None:
        """Raises ValueError for a key that cannot be restricted."""
        if not key.startswith("rk_test_"):
            raise ValueError("only a key that begins with rk_test_ can be restricted")
        self._permissions[scope_of(key)] = frozenset(permissions)
        self._accounts[scope_of(key)] = account

    def account_of(self, scope: str) -> str:
        """The account that restricted the key; empty if none did."""
        return self._accounts.get(scope, "")

    def clear(self, account: str) -> None:
        """Forget the restrictions that were made in one account."""
        for scope in [scope for scope, of in self._accounts.items() if of == account]:
            del self._permissions[scope], self._accounts[scope]

    def require(self, caller: Caller, method: str, path: str, account: str) -> None:
        granted = self._permissions.get(caller.scope)
        if granted is None:
            return
        resource = _RESOURCES.get(path.split("/")[2], path.split("/")[2].removesuffix("s"))
        needed = f"rak_{resource}_{'read' if method == 'GET' else 'write'}"
        if not granted & {needed, needed.replace("_read", "_write")}:
            raise StripeError(
                f"The provided key '{caller.shown}' does not have the required permissions for this endpoint on account"
                f" '{account}'. Having the '{needed}' permission would allow this request to continue.",
                status=403,
            )


_RESOURCES = {"invoiceitems": "invoice", "account": "account"}


def require_secret(caller: Caller) -> None:
    if caller.publishable:
        raise StripeError(NOT_PUBLISHABLE, status=403, code="secret_key_required")


def key_in(authorization: str | None) -> str | None:
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _masked(key: str) -> str:
    return f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > len("sk_test_") * 2 else "*" * len(key)
