"""Reads the configuration from the environment, and refuses unsafe combinations. Nothing else reads the environment."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from itertools import product
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.domain.actions import MAILED
from app.domain.egress import EgressPolicy
from app.domain.locales import DEFAULT
from app.domain.policy import NEVER, FulfillOn, Policy
from app.setting_values import (
    ALGORITHMS,
    Address,
    Algorithms,
    Appearance,
    BaseAddress,
    DatabaseUrl,
    Keys,
    Locale,
    Moments,
    Networks,
    OptionalDatabaseUrl,
    OptionalFolder,
    OptionalKey,
    Origins,
    Partial,
    PublishableKey,
    Reminders,
    SecretKey,
    Sender,
    SigningSecrets,
    WebAddress,
)

STRIPE_API_BASE = "https://api.stripe.com"
STRIPE_JS_URL = "https://js.stripe.com/endive/stripe.js"
SMALLEST_SIGNING_SECRET = 16
SHORTEST_RETENTION = 35
MOST_DAYS = 36_500
DAY_S = 86_400
NEVER_PRIVATE = tuple(ip_network(it) for it in ("127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/8", "::1/128", "fe80::/10"))


class Settings(BaseSettings):
    """All settings, by the lower-case name of their environment variable. `.env` is read as well."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True)

    environment: Literal["development", "production"] = "development"
    database_url: DatabaseUrl = Field(description="postgresql://user:password@host/name")
    database_direct_url: OptionalDatabaseUrl = None
    database_pooler: Literal["none", "transaction"] = "none"
    database_pool_size: int = Field(default=10, ge=1, le=200)
    data_dir: Path = Path(".data")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_base_url: BaseAddress = ""
    workers: int = Field(default=1, ge=1, le=64)
    console_host: str = "127.0.0.1"
    console_port: int = Field(default=8002, ge=0, le=65535)
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=0, ge=0, le=65535)
    worker_metrics_port: int = Field(default=0, ge=0, le=65535)
    otel_exporter_otlp_endpoint: Address = ""
    otel_service_name: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    stripe_secret_key: SecretKey
    stripe_mode: Literal["live", "test"] = "test"
    stripe_publishable_key: PublishableKey = ""
    stripe_webhook_secrets: SigningSecrets
    stripe_api_base: Address = STRIPE_API_BASE
    stripe_js_url: Address = STRIPE_JS_URL
    stripe_timeout_s: float = Field(default=10.0, gt=0, le=80)
    stripe_deadline_s: float = Field(default=20.0, gt=0, le=50)
    stripe_max_retries: int = Field(default=2, ge=0, le=10)
    stripe_rate_per_s: float = Field(default=80.0, gt=0)
    stripe_endpoint_rate_per_s: float = Field(default=20.0, gt=0)
    stripe_concurrency: int = Field(default=100, ge=1, le=1000)
    stripe_queue_s: float = Field(default=5.0, gt=0)
    stripe_circuit_failures: int = Field(default=20, ge=1)
    stripe_circuit_open_s: float = Field(default=5.0, gt=0)
    request_deadline_s: float = Field(default=25.0, gt=0, le=300)

    api_bootstrap_key: OptionalKey = None

    invoice_days_until_due: int = Field(default=30, ge=0, le=1825)
    reminders: Reminders = ()
    fulfill_on: FulfillOn = FulfillOn.PAID
    reverse_on_partial: Partial = NEVER
    hold_on_dispute: bool = True
    link_signing_key: Keys = ()
    payment_link_days: int = Field(default=30, ge=1, le=365)
    portal_link_days: int = Field(default=7, ge=1, le=365)
    payment_link_return_origins: Origins = ()
    payment_page_appearance: Appearance = {}
    payment_page_logo_url: WebAddress = ""
    default_locale: Locale = DEFAULT
    secrets_key: Keys = ()
    outgoing_private_networks: Networks = ()
    outgoing_timeout_s: float = Field(default=15.0, gt=0, le=25)
    outgoing_concurrency: int = Field(default=100, ge=1, le=1000)
    outgoing_endpoint_concurrency: int = Field(default=8, ge=1, le=100)
    outgoing_most_endpoints: int = Field(default=50, ge=1)
    outgoing_give_up_days: float = Field(default=5.0, gt=0, le=MOST_DAYS)
    delivery_retention_days: float = Field(default=30.0, gt=0, le=MOST_DAYS)
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_jwks_url: Address = ""
    oidc_algorithms: Algorithms = ALGORITHMS
    oidc_customer_claim: str = "sub"
    oidc_customer_by: Literal["reference", "id"] = "reference"

    rate_limit_caller: float = Field(default=2000, ge=0)
    rate_limit_customer: float = Field(default=50, ge=0)
    rate_limit_address: float = Field(default=2000, ge=0)
    rate_limit_client_secret: float = Field(default=1, ge=0)
    rate_limit_failed: float = Field(default=20, ge=0)
    request_timeout_s: float = Field(default=50, gt=0, lt=60)
    keep_alive_s: int = Field(default=75, ge=1, le=3600)
    connections_per_address: int = Field(default=1500, ge=0)
    cors_origins: Origins = ()
    trusted_proxies: Networks = ()

    event_wait_s: float = Field(default=30.0, gt=0, le=30)
    stream_limit: int = Field(default=2000, ge=1)
    stream_limit_caller: int = Field(default=500, ge=1)
    stream_limit_customer: int = Field(default=20, ge=1)
    stream_heartbeat_s: float = Field(default=15.0, gt=0, le=60)
    stream_lifetime_s: float = Field(default=3600.0, gt=0)

    worker_lease_s: float = Field(default=30.0, gt=0, le=DAY_S)
    worker_batch: int = Field(default=64, ge=1, le=500)
    worker_poll_s: float = Field(default=2.0, gt=0)
    completion_grace_s: float = Field(default=30.0, gt=0, le=DAY_S)
    inbox_lag_limit_s: float = Field(default=300.0, gt=0)
    inbox_retention_days: int = Field(default=0, ge=0, le=MOST_DAYS)
    feed_retention_days: int = Field(default=0, ge=0, le=MOST_DAYS)

    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_from: Sender = ""
    smtp_timeout_s: float = Field(default=20.0, gt=0, le=120)
    mail_moments: Moments = MAILED
    mail_templates_dir: OptionalFolder = None
    fulfillment_hook_timeout_s: float = Field(default=20.0, gt=0, le=600)

    reconcile_every_s: float = Field(default=300.0, gt=0)
    repair_every_s: float = Field(default=3600.0, gt=0)

    @field_validator("*", mode="before")
    @classmethod
    def _without_white_space_around(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @field_validator("database_pooler")
    @classmethod
    def _with_a_way_around(cls, value: str, info: ValidationInfo) -> str:
        if value == "transaction" and info.data.get("database_direct_url") is None:
            raise ValueError(
                "DATABASE_POOLER=transaction needs DATABASE_DIRECT_URL: listeners and locks live in sessions"
            )
        return value

    @field_validator("inbox_retention_days")
    @classmethod
    def _longer_than_stripe_keeps_them(cls, value: int) -> int:
        if 0 < value < SHORTEST_RETENTION:
            raise ValueError(
                f"INBOX_RETENTION_DAYS must be at least {SHORTEST_RETENTION}, or 0 to keep events for ever: Stripe can "
                "deliver an event for 30 days, and it must be known until then"
            )
        return value

    @field_validator("feed_retention_days")
    @classmethod
    def _longer_than_deliveries_are_kept(cls, value: int, info: ValidationInfo) -> int:
        shortest = max(SHORTEST_RETENTION, int(info.data.get("delivery_retention_days", 0)) + 1)
        if 0 < value < shortest:
            raise ValueError(
                f"FEED_RETENTION_DAYS must be at least {shortest}, or 0 to keep events for ever: a delivery that can be "
                "sent again (DELIVERY_RETENTION_DAYS) needs its event"
            )
        return value

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.livemode:
            self.environment = "production"  # where real money moves, whatever else was said
        if not self.public_base_url:
            self.public_base_url = f"http://{self.host}:{self.port}"
        self.public_base_url = self.public_base_url.rstrip("/")
        if problems := list(self._problems()):
            raise ValueError("\n".join(problems))
        return self

    def _problems(self) -> Iterator[str]:
        """The problems of the configuration: one line for each unsafe or contradictory combination."""
        yield from self._contradictions()
        if self.environment == "production":
            for name, unset in REQUIRED_KEYS.items():
                if not getattr(self, name):
                    yield f"{name.upper()} must be set: {unset}"
            for why in self._good_for_development_only():
                yield f"not with ENVIRONMENT=production, nor with a live key: {why}"

    def _contradictions(self) -> Iterator[str]:
        """What is never safe."""
        other_mode = "test" if self.livemode else "live"
        if self.livemode and self.stripe_api_base != STRIPE_API_BASE:
            yield "a live STRIPE_SECRET_KEY is only ever sent to Stripe: unset STRIPE_API_BASE"
        if self.port != 0 and self.port == self.metrics_port:
            yield "PORT and METRICS_PORT are the same: the metrics have a port of their own"
        if len({bool(self.oidc_issuer), bool(self.oidc_audience), bool(self.oidc_jwks_url)}) > 1:
            yield "OIDC_ISSUER, OIDC_AUDIENCE and OIDC_JWKS_URL belong together: set all of them, or none"
        if self.bootstrap_key.startswith(f"ik_{other_mode}_"):
            yield "API_BOOTSTRAP_KEY and STRIPE_SECRET_KEY are of different modes: one is live, one is test"
        if self.stripe_mode == "live" and not self.livemode:
            yield "STRIPE_MODE is live and STRIPE_SECRET_KEY of test mode: whose money moves must not be in doubt"
        if self.stripe_publishable_key.startswith(f"pk_{other_mode}_"):
            why = "take both from the same account and mode"
            yield f"STRIPE_PUBLISHABLE_KEY and STRIPE_SECRET_KEY are of different modes: {why}"
        if bool(self.smtp_host) != bool(self.smtp_from):
            yield "SMTP_HOST and SMTP_FROM belong together: set both, or neither"
        if bool(self.smtp_username) != bool(self.mail_password) or (self.mail_password and not self.smtp_host):
            yield "SMTP_USERNAME and SMTP_PASSWORD belong together, and to an SMTP_HOST"

    def _good_for_development_only(self) -> Iterator[str]:
        """What is acceptable only on a developer's machine."""
        if self.log_level == "debug":
            yield "LOG_LEVEL=debug shows more than a log should keep"
        if not self.public_base_url.startswith("https://"):
            yield "PUBLIC_BASE_URL must start with https://"
        of_stripe = {"stripe_api_base": STRIPE_API_BASE, "stripe_js_url": STRIPE_JS_URL}
        changed = [name.upper() for name, address in of_stripe.items() if getattr(self, name) != address]
        yield from (f"{name} must be Stripe's: unset it" for name in changed)
        if min(map(len, self.stripe_webhook_secrets)) < SMALLEST_SIGNING_SECRET:
            yield f"STRIPE_WEBHOOK_SECRETS holds one with fewer than {SMALLEST_SIGNING_SECRET} characters"
        if self.oidc_jwks_url and not self.oidc_jwks_url.startswith("https://"):
            yield "OIDC_JWKS_URL must start with https://: whoever answers it decides who may come in"
        if self.smtp_username and self.smtp_security == "none":
            yield "SMTP_SECURITY=none shows SMTP_PASSWORD to everybody on the way to the mail server"
        networks = product(self.outgoing_private_networks, NEVER_PRIVATE)
        if any(network.version == never.version and network.overlaps(never) for network, never in networks):
            yield "OUTGOING_PRIVATE_NETWORKS holds addresses of this machine or of its cloud's metadata"
        if any(not it.prefixlen for it in self.trusted_proxies):
            yield "TRUSTED_PROXIES must not be everybody"
        if self.rate_limit_failed == 0:
            yield "RATE_LIMIT_FAILED=0 lets anybody try keys without end"

    @property
    def policy(self) -> Policy:
        return Policy(self.fulfill_on, self.reverse_on_partial, self.hold_on_dispute)

    @property
    def mail_password(self) -> str:
        """The password for the mail server; empty where it needs none."""
        return self.smtp_password.get_secret_value()

    @property
    def server_url(self) -> str:
        """The URL of the database server itself, without a pooler in between."""
        return (self.database_direct_url or self.database_url).get_secret_value()

    @property
    def inbox_retention(self) -> timedelta | None:
        """How long events are kept; None means for ever."""
        return timedelta(days=self.inbox_retention_days) if self.inbox_retention_days else None

    @property
    def feed_retention(self) -> timedelta | None:
        """How long the feed keeps its events; None means for ever."""
        return timedelta(days=self.feed_retention_days) if self.feed_retention_days else None

    @property
    def link_keys(self) -> tuple[bytes, ...]:
        """The keys that sign payment links: the first signs, all verify.

        Where none is set, which production refuses, one is derived from the Stripe key, which all processes share.
        """
        return self._keys(self.link_signing_key, b"payment links\n")

    @property
    def encryption_keys(self) -> tuple[bytes, ...]:
        """The keys that encrypt stored secrets: the first encrypts, all decrypt. The default is as for `link_keys`."""
        return self._keys(self.secrets_key, b"sealed secrets\n")

    def _keys(self, given: tuple[SecretStr, ...], purpose: bytes) -> tuple[bytes, ...]:
        return tuple(key.get_secret_value().encode() for key in given) or (
            hashlib.sha256(purpose + self.stripe_secret_key.get_secret_value().encode()).digest(),
        )

    @property
    def egress_policy(self) -> EgressPolicy:
        """The egress policy: which addresses this service may connect to on behalf of callers."""
        networks = self.outgoing_private_networks
        return EgressPolicy(networks, plain=self.environment == "development" and bool(networks))

    @property
    def bootstrap_key(self) -> str:
        """The operator's key; empty where there is none."""
        return self.api_bootstrap_key.get_secret_value() if self.api_bootstrap_key else ""

    @property
    def livemode(self) -> bool:
        """Whether this deployment moves real money. The mode of its Stripe key decides."""
        key = self.stripe_secret_key.get_secret_value()
        return key.startswith(("sk_live_", "rk_live_")) if key else self.stripe_mode == "live"


REQUIRED_KEYS = {
    "link_signing_key": "whoever can guess it can open every invoice's payment page",
    "secrets_key": "the signing secrets of outgoing webhooks are stored under it",
}
"""What a developer's machine derives from the Stripe key, and what depends on it."""
