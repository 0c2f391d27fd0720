import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.redaction import CARD, CUT, PAYERS, REDACTED, cut, redacted, redacted_json

PROJECT = Path(__file__).resolve().parents[2]

SECRETS = re.compile(
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{4,}|whsec_[A-Za-z0-9+/=_-]{4,}|ik_(?:live|test)_[A-Za-z0-9_-]{8,}"
    r"|(?:pi|seti)_[A-Za-z0-9]+_secret_[A-Za-z0-9]+|plk_[0-9a-f]+\.[A-Za-z0-9_.-]+"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
    r"|v[01]=[0-9a-f]{64}"
    r"|[Bb]earer [A-Za-z0-9._~+/=-]{8,}|(?<=://)[^/@\s\"]*:[^/@\s\"]*(?=@)"
    r"|[\w.%+'-]{1,64}@[\w-]+(?:\.[\w-]+)+"
)
"""Everything that is a secret, said as plainly as can be: it takes too long for what strangers send."""

LOGS = """
import structlog
from app.observability import logs
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


@given(st.data())
def test_what_lets_pay_begins_with_fixed_letters_and_has_its_mark(data: st.DataObject) -> None:
    for mark, pattern in PAYERS:
        assert re.match("[a-z]+_", pattern.pattern), "every delivery is searched: alternatives take five times as long"
        assert mark in data.draw(st.from_regex(pattern))


@given(st.text('\n\r\b\x00\\"a', max_size=4), st.from_regex(SECRETS, fullmatch=True))
@example("\b", "earer abcdefgh12")
@example("\r", "k_live_abcdef123")
@example("\n", "jenny@mail.example")
@example("\\\n", "jenny@mail.example")
def test_a_redacted_document_is_json_whatever_stands_before_a_secret(before: str, secret: str) -> None:
    sent = {before + secret: [before + secret, 4242424242424242, 12]}
    [(name, values)] = json.loads(redacted_json(json.dumps(sent).encode(), 1000)).items()
    assert not SECRETS.search((name + values[0]).replace(REDACTED, " "))
    assert values[1:] == [REDACTED, 12]


def test_rows_that_postgresql_quotes_are_not_told() -> None:
    says, then = "CheckViolationError: violates x", "\n\nThe above exception was the direct cause of the following"
    assert redacted(f"{says}\nDETAIL:  Failing row contains (cus_1, Jenny\nRosen).{then}") == (
        f"{says}\nDETAIL:  {REDACTED}{then}"
    )
    assert redacted(f"{says}\nDETAIL:  (Jenny).\nHINT: none") == f"{says}\nDETAIL:  {REDACTED}"


def test_a_text_is_cut_before_it_is_searched_and_leaves_no_half_of_a_secret() -> None:
    text = f"{'x ' * 20}whsec_abcdefgh"
    assert all("whsec" not in redacted(cut(text, most)) for most in range(1, len(text) + 1))
    assert cut("a b", 3) == "a b"
    assert cut("/one/two", 6) == f"/one/{CUT}"
    long = json.dumps({"path": "/" + "a" * 100_000, "list": list(range(1000)), "name": "short"}).encode()
    assert json.loads(redacted_json(long, 100)) == {"path": f"/{CUT}", "list": list(range(100)), "name": "short"}


@pytest.mark.parametrize(
    "secret",
    [
        "jenny.rosen+billing@mail.example.com",
        "jenny@bücher.example",
        "4242424242424242",
        "4242424242424242.",
        "\n4242424242424242",
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
    assert redacted_json(
        json.dumps([f"before {secret} after"], ensure_ascii=False).encode(), 1000
    ).decode() == json.dumps([text], ensure_ascii=False)
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
