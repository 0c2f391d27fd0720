"""Refusal to start: what is not safe is said, and nothing is started."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.settings import Settings
from tests.fixtures.postgres import Database
from tests.fixtures.service import _inherited

SAFE: dict[str, Any] = {
    "environment": "production",
    "database_url": "postgresql://invoicing:a-password@database/invoicing",
    "public_base_url": "https://pay.example",
    "stripe_secret_key": "sk_live_0123456789",
    "stripe_webhook_secrets": "whsec_0123456789abcdef",
    "link_signing_key": "l" * 32,
    "secrets_key": "s" * 32,
    "api_bootstrap_key": "b" * 32,
}
SMTP = {"smtp_host": "mail.example", "smtp_from": "Shop <orders@shop.example>"}


def settings(**changes: Any) -> Settings:
    return Settings(_env_file=None, **(SAFE | changes))


def test_safe_settings_are_taken() -> None:
    assert settings().livemode


@pytest.mark.parametrize(
    ("unsafe", "why"),
    [
        ({"log_level": "debug"}, "LOG_LEVEL=debug"),
        ({"public_base_url": "http://pay.example"}, "PUBLIC_BASE_URL must start with https"),
        ({"public_base_url": ""}, "PUBLIC_BASE_URL must start with https"),
        ({"stripe_secret_key": "sk_test_x", "stripe_api_base": "http://127.0.0.1:1"}, "STRIPE_API_BASE must be"),
        ({"stripe_api_base": "http://127.0.0.1:1"}, "only ever sent to Stripe"),
        ({"stripe_js_url": "http://127.0.0.1:1/stripe.js"}, "STRIPE_JS_URL must be"),
        ({"stripe_webhook_secrets": "whsec_short"}, "fewer than 16 characters"),
        ({"stripe_webhook_secrets": ""}, "empty secret"),
        ({"stripe_webhook_secrets": "pk_live_0123456789abcdef"}, "such as whsec_…; this is a publishable key"),
        ({"stripe_webhook_secrets": "we_0123456789abcdef"}, "such as whsec_…; this is a webhook endpoint's id"),
        ({"public_base_url": "https://pay.example/?shop=1"}, "PUBLIC_BASE_URL must hold no ?"),
        ({"public_base_url": "https://pay .example"}, "without spaces"),
        ({"worker_lease_s": "inf"}, "less than or equal to 86400"),
        ({"completion_grace_s": "1e300"}, "less than or equal to 86400"),
        ({"link_signing_key": ""}, "LINK_SIGNING_KEY must be set"),
        ({"secrets_key": ""}, "SECRETS_KEY must be set"),
        ({"secrets_key": "short"}, "every SECRETS_KEY must have at least 32"),
        ({"outgoing_private_networks": "127.0.0.0/8"}, "of this machine or of its cloud's metadata"),
        ({"outgoing_private_networks": "10.0.0.0/8,0.0.0.0/0"}, "of this machine or of its cloud's metadata"),
        ({"outgoing_private_networks": "fe80::/64"}, "of this machine or of its cloud's metadata"),
        ({"api_bootstrap_key": "short"}, "at least 32 characters"),
        ({"api_bootstrap_key": "ik_test_" + "x" * 40}, "different modes"),
        ({"stripe_secret_key": "sk_test_x", "api_bootstrap_key": "ik_live_" + "x" * 40}, "different modes"),
        (
            {"stripe_secret_key": "sk_test_x", "stripe_mode": "live"},
            "STRIPE_MODE is live and STRIPE_SECRET_KEY of test",
        ),
        ({"stripe_secret_key": "banana"}, "STRIPE_SECRET_KEY must be a secret key such as sk_test_… or rk_live_…"),
        ({"stripe_secret_key": "sk_test_half a_key"}, "STRIPE_SECRET_KEY must be a secret key"),
        ({"stripe_secret_key": "sk_test_half\na_key"}, "STRIPE_SECRET_KEY must be a secret key"),
        ({"stripe_secret_key": "pk_live_0123456789"}, "rk_live_…; this is a publishable key"),
        ({"stripe_secret_key": "whsec_0123456789abcdef"}, "this is a webhook's signing secret"),
        ({"stripe_publishable_key": "banana"}, "STRIPE_PUBLISHABLE_KEY must be a publishable key such as pk_test_…"),
        ({"stripe_publishable_key": "sk_live_0123456789"}, "pk_test_…; this is a secret key"),
        ({"stripe_publishable_key": "rk_live_0123456789"}, "this is a restricted key"),
        (
            {"stripe_publishable_key": "pk_test_x"},
            "STRIPE_PUBLISHABLE_KEY and STRIPE_SECRET_KEY are of different modes",
        ),
        ({"rate_limit_failed": 0}, "RATE_LIMIT_FAILED=0"),
        ({"database_url": "postgresql://me:a#b@db/x"}, "in the password write %40 for @"),
        ({"database_url": "postgresql://me:a/b@db/x"}, "DATABASE_URL names no server"),
        ({"database_url": "postgresql://me:p@db:five/x"}, "DATABASE_URL names no server"),
        ({"database_url": "postgresql://me:p@db:65536/x"}, "or a port above 65535"),
        ({"stripe_api_base": "localhost:8001"}, "STRIPE_API_BASE must start with http:// or https://"),
        ({"metrics_port": 8000}, "PORT and METRICS_PORT are the same"),
        ({"database_pooler": "transaction"}, "needs DATABASE_DIRECT_URL"),
        ({"database_pooler": "transaction", "database_direct_url": ""}, "needs DATABASE_DIRECT_URL"),
        ({"inbox_retention_days": 34}, "INBOX_RETENTION_DAYS must be at least 35"),
        ({"inbox_retention_days": 999_999}, "less than or equal to 36500"),
        ({"delivery_retention_days": "inf"}, "less than or equal to 36500"),
        ({"oidc_issuer": "https://i.example"}, "belong together"),
        (
            {"oidc_issuer": "https://i.example", "oidc_audience": "x", "oidc_jwks_url": "http://i.example/jwks"},
            "OIDC_JWKS_URL must start with https",
        ),
        ({"oidc_algorithms": "HS256"}, "OIDC_ALGORITHMS may only hold"),
        ({"oidc_algorithms": "RS256,none"}, "OIDC_ALGORITHMS may only hold"),
        ({"cors_origins": "*"}, "CORS_ORIGINS must list origins"),
        ({"cors_origins": "https://*.shop.example"}, "CORS_ORIGINS must list origins"),
        ({"cors_origins": "https://shop.example/"}, "CORS_ORIGINS must list origins"),
        ({"cors_origins": "null"}, "CORS_ORIGINS must list origins"),
        ({"trusted_proxies": "10.0.0.0/8,0.0.0.0/0"}, "TRUSTED_PROXIES must not be everybody"),
        ({"trusted_proxies": "::/0"}, "TRUSTED_PROXIES must not be everybody"),
        ({"trusted_proxies": "everybody"}, "does not appear to be an IPv4 or IPv6 network"),
        ({"request_timeout_s": 60}, "less than 60"),
        ({"smtp_host": "mail.example"}, "SMTP_HOST and SMTP_FROM belong together"),
        ({"smtp_from": "orders@shop.example"}, "SMTP_HOST and SMTP_FROM belong together"),
        (SMTP | {"smtp_from": "the shop"}, "SMTP_FROM must be an address"),
        (SMTP | {"smtp_from": "a@shop.example\nBcc: b@shop.example"}, "SMTP_FROM must be an address"),
        (SMTP | {"smtp_username": "shop"}, "SMTP_USERNAME and SMTP_PASSWORD belong together"),
        ({"smtp_username": "shop", "smtp_password": "x"}, "belong together, and to an SMTP_HOST"),
        (
            SMTP | {"smtp_username": "shop", "smtp_password": "x", "smtp_security": "none"},
            "SMTP_SECURITY=none shows SMTP_PASSWORD",
        ),
        (SMTP | {"smtp_security": "opportunistic"}, "'starttls', 'tls' or 'none'"),
        ({"mail_templates_dir": "/nowhere"}, "MAIL_TEMPLATES_DIR names no directory"),
        ({"mail_moments": "fulfilled,paid"}, "there is no moment 'paid': there are processing, fulfilled"),
        ({"reverse_on_partial": "sometimes"}, "reverse_on_partial must be `never`, `always`"),
    ],
)
def test_what_is_not_safe_is_refused_with_its_reason(unsafe: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        settings(**unsafe)


def test_a_live_key_is_production_whatever_the_environment_is_called() -> None:
    assert settings(environment="development").environment == "production"
    with pytest.raises(ValidationError, match="LOG_LEVEL=debug"):
        settings(environment="development", log_level="debug")
    assert settings(environment="development", stripe_secret_key="sk_test_x").environment == "development"


def test_a_live_publishable_key_beside_a_test_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="STRIPE_PUBLISHABLE_KEY and STRIPE_SECRET_KEY are of different modes"):
        settings(environment="development", stripe_secret_key="sk_test_x", stripe_publishable_key="pk_live_x")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:a%2Fb@db:5432/x", "postgresql://me:a@b@db/x", "postgresql://postgres@/x?host=%2Ftmp",
        "postgresql+asyncpg://db/x", "postgresql://a:1,b:2/x", "postgresql://[::1]:5432/x", "postgresql://db:65535/x",
    ],
)  # fmt: skip
def test_addresses_of_databases(url: str) -> None:
    assert settings(database_url=url).database_url.get_secret_value() == url


def test_white_space_around_a_setting_is_no_part_of_it() -> None:
    given = {name: f" {value}\r\n" for name, value in SAFE.items()} | {
        "stripe_api_base": "\thttps://api.stripe.com\n",
        "stripe_publishable_key": "pk_live_x\n",
        "link_signing_key": f"{'l' * 32} , {'m' * 32}\n",
        "smtp_password": " \n",
        "workers": " 2\n",
    }
    found = settings(**given)
    assert found.stripe_secret_key.get_secret_value() == SAFE["stripe_secret_key"]
    assert found.database_url.get_secret_value() == SAFE["database_url"]
    assert [secret.get_secret_value() for secret in found.stripe_webhook_secrets] == [SAFE["stripe_webhook_secrets"]]
    assert found.link_keys == (b"l" * 32, b"m" * 32)
    assert (found.bootstrap_key, found.public_base_url) == (SAFE["api_bootstrap_key"], SAFE["public_base_url"])
    assert (found.stripe_api_base, found.stripe_publishable_key) == ("https://api.stripe.com", "pk_live_x")
    assert (found.mail_password, found.workers) == ("", 2)


def test_empty_lists_mean_their_defaults() -> None:
    found = settings(oidc_algorithms="", cors_origins="", trusted_proxies="")
    assert (found.oidc_algorithms, found.cors_origins, found.trusted_proxies) == (("RS256", "ES256"), (), ())


def test_a_secret_is_not_shown_by_settings_or_by_what_refuses_them() -> None:
    shown = repr(settings()) + str(settings().model_dump())
    with pytest.raises(ValidationError) as refused:
        settings(stripe_api_base="http://127.0.0.1:1")
    shown += str(refused.value)
    for name in (
        "database_url",
        "stripe_secret_key",
        "stripe_webhook_secrets",
        "link_signing_key",
        "secrets_key",
        "api_bootstrap_key",
    ):
        assert SAFE[name] not in shown


def test_no_dataclass_shows_a_secret() -> None:
    shown = [
        f"{path}: {ast.unparse(one)}"
        for path in Path("app").rglob("*.py")
        if path.name != "schemas.py"  # answers that show one once
        for one in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(one, ast.AnnAssign) and ast.unparse(one.target) in {"secret", "secret_key", "password", "keys"}
        if re.search("str|bytes", ast.unparse(one.annotation)) and "repr=False" not in ast.unparse(one)
        if "ClassVar" not in ast.unparse(one.annotation)
    ]
    assert shown == []


def serve(changes: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name.upper(): value for name, value in (SAFE | changes).items()}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "serve"],
        cwd=folder,
        env=_inherited() | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.e2e
async def test_production_without_anybody_who_could_call_does_not_start(database: Database, tmp_path: Path) -> None:
    refused = serve({"database_url": database.url, "api_bootstrap_key": ""}, tmp_path)
    assert (refused.returncode, refused.stderr) == (
        2,
        "Nobody could call: make a key (`invoicing keys create`), or set API_BOOTSTRAP_KEY.\n",
    )


@pytest.mark.e2e
def test_unsafe_settings_end_the_start_with_their_reason(tmp_path: Path) -> None:
    refused = serve({"log_level": "debug"}, tmp_path)
    assert refused.returncode == 2
    assert "LOG_LEVEL=debug" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not any(str(SAFE[name]) in refused.stderr for name in ("stripe_secret_key", "link_signing_key"))
