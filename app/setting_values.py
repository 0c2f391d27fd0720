"""Types of settings that parse and check one value. settings.py refuses unsafe combinations."""

import json
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo
from pydantic_settings import NoDecode

from app.domain.actions import Moment
from app.domain.colors import color_of
from app.domain.egress import Network
from app.domain.locales import LOCALES
from app.domain.mailbox import Mailbox
from app.domain.policy import Policy
from app.domain.reminders import days_of
from app.domain.web_address import origin_of

SMALLEST_KEY = 32
ASYMMETRIC = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
"""Algorithms a token may be signed with. All are asymmetric: a verifier must not be able to sign."""
ALGORITHMS = ("RS256", "ES256")
HTTP = re.compile(r"https?://[^/?#\s]\S*")
SECRET_KEY = re.compile(r"[rs]k_(?:test|live)_\w+", re.ASCII)
SERVER = re.compile(r"(?:\[[^]]*\]|[^:@\[\]]*)(?::(\d{1,5}))?")
"""A host and its port in a DATABASE_URL; both may be left out."""
MOST_PORT = 65535
PUBLISHABLE_KEY = re.compile(r"pk_(?:test|live)_\w+", re.ASCII)
KEYS = {
    "pk_": "publishable key",
    "sk_": "secret key",
    "rk_": "restricted key",
    "whsec_": "webhook's signing secret",
    "ik_": "key of this service",
    "we_": "webhook endpoint's id",
}
"""What keys are, by how they begin."""


def _moments(names: tuple[str, ...]) -> tuple[str, ...]:
    known = [moment.value for moment in Moment]
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"there is no moment {unknown[0]!r}: there are {', '.join(known)}")
    return names


def _reminders(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return days_of(value)
    except ValueError as error:
        raise ValueError(f"REMINDERS {error}") from None


def _partial(text: str) -> str:
    return Policy(reverse_on_partial=text).reverse_on_partial


def _split_secrets(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",")) if value else ()
    return value


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _of_postgresql(value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    url = value.get_secret_value() if value else ""
    if url and not url.startswith(("postgresql://", "postgresql+asyncpg://")):
        raise ValueError(f"{str(info.field_name).upper()} must be postgresql://user:password@host:5432/name")
    servers = url.partition("://")[2].partition("?")[0].partition("#")[0].partition("/")[0].rpartition("@")[2]
    found = [SERVER.fullmatch(one) for one in servers.split(",")]
    if not all(one and int(one[1] or 0) <= MOST_PORT for one in found):
        raise ValueError(
            f"{str(info.field_name).upper()} names no server, or a port above 65535: in the password write %40 for @, %2F for /, %23 for #, %3F for ?"
        )
    return value


def _no_public_secret(value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    secrets = [secret.get_secret_value() for secret in value]
    if not secrets or not all(secrets):
        raise ValueError("STRIPE_WEBHOOK_SECRETS must not hold an empty secret: anybody could sign with it")
    for secret in secrets:
        if not secret.startswith("whsec_") and (like := _looks_like(secret)):
            raise ValueError(f"STRIPE_WEBHOOK_SECRETS must hold signing secrets such as whsec_…{like}")
    return value


def _secret_key(value: SecretStr) -> SecretStr:
    key = value.get_secret_value()
    if key and not SECRET_KEY.fullmatch(key):  # the console runs without one
        raise ValueError(f"STRIPE_SECRET_KEY must be a secret key such as sk_test_… or rk_live_…{_looks_like(key)}")
    return value


def _publishable_key(key: str) -> str:
    if key and not PUBLISHABLE_KEY.fullmatch(key):
        raise ValueError(f"STRIPE_PUBLISHABLE_KEY must be a publishable key such as pk_test_…{_looks_like(key)}")
    return key


def _looks_like(key: str) -> str:
    """What a refused key is, in words: the key itself is not repeated."""
    return next((f"; this is a {kind}" for prefix, kind in KEYS.items() if key.startswith(prefix)), "")


def _hard_to_guess(value: tuple[SecretStr, ...], info: ValidationInfo) -> tuple[SecretStr, ...]:
    if any(len(key.get_secret_value()) < SMALLEST_KEY for key in value):
        raise ValueError(f"every {str(info.field_name).upper()} must have at least {SMALLEST_KEY} characters")
    return value


def _long_enough(value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    if value is not None and len(value.get_secret_value()) < SMALLEST_KEY:
        raise ValueError(f"{str(info.field_name).upper()} must have at least {SMALLEST_KEY} characters")
    return value


def _asymmetric(value: tuple[str, ...]) -> tuple[str, ...]:
    if not set(value) <= ASYMMETRIC:
        raise ValueError(f"OIDC_ALGORITHMS may only hold {', '.join(sorted(ASYMMETRIC))}")
    return value or ALGORITHMS


def _exact_origins(value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    for origin in value:
        parts = urlsplit(origin)
        if (
            parts.scheme not in {"http", "https"}
            or f"{parts.scheme}://{parts.netloc.lower()}" != origin
            or "*" in origin
        ):
            name = str(info.field_name).upper()
            raise ValueError(f"{name} must list origins such as https://shop.example, not {origin!r}")
    return value


def _networks(value: object) -> object:
    found = _split(value)
    return tuple(map(ip_network, found)) if isinstance(found, tuple) else found


def _http(value: str, info: ValidationInfo) -> str:
    if value and not HTTP.fullmatch(value):
        raise ValueError(
            f"{str(info.field_name).upper()} must start with http:// or https:// and a host, without spaces"
        )
    return value


def _base(value: str) -> str:
    if set("?#") & set(value):
        raise ValueError("PUBLIC_BASE_URL must hold no ? and no #: paths are put behind it")
    return value


def _appearance(value: object) -> object:
    try:
        found = json.loads(value or "{}") if isinstance(value, str) else value
    except ValueError:
        raise ValueError("PAYMENT_PAGE_APPEARANCE must be a JSON object, as Stripe's Appearance API takes it") from None
    variables = found.get("variables", {}) if isinstance(found, dict) else {}
    try:
        color_of(str(variables.get("colorPrimary", "#000000")))
    except (AttributeError, ValueError) as error:
        raise ValueError(f"PAYMENT_PAGE_APPEARANCE, variables.colorPrimary: {error}") from None
    return found


def _web_address(value: str, info: ValidationInfo) -> str:
    if value and origin_of(value) is None:
        raise ValueError(f"{str(info.field_name).upper()} must be an address such as https://shop.example/logo.svg")
    return value


def _mailbox(value: str) -> str:
    try:
        if value:
            Mailbox.of(value)
    except ValueError as error:
        raise ValueError(f"SMTP_FROM must be an address such as Shop <orders@shop.example>: {error}") from None
    return value


def _locale(value: str) -> str:
    if value not in LOCALES:
        raise ValueError(f"DEFAULT_LOCALE must be one of {', '.join(LOCALES)}")
    return value


def _existing(value: object) -> object:
    if not value:
        return None
    if not Path(str(value)).is_dir():
        raise ValueError(f"MAIL_TEMPLATES_DIR names no directory: {value}")
    return value


_Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split_secrets)]
_List = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]

SigningSecrets = Annotated[_Secrets, AfterValidator(_no_public_secret)]
Keys = Annotated[_Secrets, AfterValidator(_hard_to_guess)]
OptionalSecret = Annotated[SecretStr | None, BeforeValidator(_empty_is_none)]
SecretKey = Annotated[SecretStr, AfterValidator(_secret_key)]
PublishableKey = Annotated[str, AfterValidator(_publishable_key)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_of_postgresql)]
OptionalDatabaseUrl = Annotated[OptionalSecret, AfterValidator(_of_postgresql)]
OptionalKey = Annotated[OptionalSecret, AfterValidator(_long_enough)]
Moments = Annotated[_List, AfterValidator(_moments)]
Reminders = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_reminders)]
Partial = Annotated[str, AfterValidator(_partial)]
Algorithms = Annotated[_List, AfterValidator(_asymmetric)]
Origins = Annotated[_List, AfterValidator(_exact_origins)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)]
Address = Annotated[str, AfterValidator(_http)]
BaseAddress = Annotated[Address, AfterValidator(_base)]
Appearance = Annotated[dict[str, Any], NoDecode, BeforeValidator(_appearance)]
Locale = Annotated[str, AfterValidator(_locale)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Sender = Annotated[str, AfterValidator(_mailbox)]
OptionalFolder = Annotated[Path | None, BeforeValidator(_existing)]
