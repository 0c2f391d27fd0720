import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.redaction import CARD, REDACTED, SECRETS, redacted

PROJECT = Path(__file__).resolve().parents[2]

LOGS = """
import structlog
from app import logs
logs.configure("info")
log = structlog.get_logger("test")
log.info("first", key="sk_live_abcdef123", nested={"secret": ["whsec_abcdefgh"]}, unknown=object, name="Zoë")
log.debug("never")
try:
    raise ValueError("pi_123_secret_456")
except ValueError as error:
    log.error("second", exc_info=error)
"""


@given(st.text(max_size=20), st.from_regex(SECRETS, fullmatch=True), st.text(max_size=20))
def test_no_secret_escapes_wherever_it_stands(before: str, secret: str, after: str) -> None:
    text = redacted(before + secret + after)
    assert REDACTED in text
    assert not SECRETS.search(text.replace(REDACTED, " "))


@given(st.text())
def test_a_text_is_changed_only_where_there_is_a_secret(text: str) -> None:
    if not CARD.search(text):
        assert redacted(text) == SECRETS.sub(REDACTED, text)


@pytest.mark.parametrize(
    "secret",
    [
        "jenny.rosen+billing@mail.example.com",
        "4242424242424242",
        "4000 0025 0000 3155",
        "5555-5555-5555-4444",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqZW5ueSJ9.c2lnbmF0dXJl",
        "t=1795420800,v1=" + "5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd",
        "authorization: Bearer some-opaque-credential",
        "postgresql://invoicing:the-password@database/invoicing",
    ],
)
def test_what_is_nobodys_business_is_redacted(secret: str) -> None:
    text = redacted(f"before {secret} after")
    assert REDACTED in text
    assert not any(part in text for part in ("jenny", "4242", "0025", "5555", "c2ln", "5257", "opaque", "password"))


@pytest.mark.parametrize(
    "plain", ["2026-11-22T10:41:34.123Z", "4242424242424241", "in_4242424242424242", "1795420800000", "a@b", "ms=12.5"]
)
def test_what_only_resembles_a_secret_is_kept(plain: str) -> None:
    assert redacted(plain) == plain


def test_a_line_is_one_json_object_without_secrets_in_any_depth() -> None:
    done = subprocess.run([sys.executable, "-c", LOGS], cwd=PROJECT, capture_output=True, check=True)
    first, second = (json.loads(line) for line in done.stderr.splitlines())
    assert first["event"] == "first"
    assert first["level"] == "info"
    assert first["timestamp"].endswith("Z")
    assert abs(datetime.fromisoformat(second["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert first["key"] == REDACTED
    assert first["nested"] == {"secret": [REDACTED]}
    assert first["unknown"] == "<class 'object'>"
    assert first["name"] == "Zoë"
    assert "pi_123" not in second["exception"]
    assert "ValueError" in second["exception"]
