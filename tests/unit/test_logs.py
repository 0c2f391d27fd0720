import json
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from app.logs import REDACTED, SECRETS, redacted

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
    assert redacted(text) == SECRETS.sub(REDACTED, text)


def test_a_line_is_one_json_object_without_secrets_in_any_depth() -> None:
    done = subprocess.run([sys.executable, "-c", LOGS], cwd=PROJECT, capture_output=True, check=True)
    first, second = (json.loads(line) for line in done.stderr.splitlines())
    assert first["event"] == "first"
    assert first["level"] == "info"
    assert first["key"] == REDACTED
    assert first["nested"] == {"secret": [REDACTED]}
    assert first["unknown"] == "<class 'object'>"
    assert first["name"] == "Zoë"
    assert "pi_123" not in second["exception"]
    assert "ValueError" in second["exception"]
