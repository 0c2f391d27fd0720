"""The production checklist and the troubleshooting page: the commands, messages and codes that they quote are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from app.cli.checks.account import NEEDED
from app.http.problems import STATUS

PROJECT = Path(__file__).resolve().parents[2]
CHECKLIST = (PROJECT / "docs/production.md").read_text()
TROUBLE = (PROJECT / "docs/troubleshooting.md").read_text() + (PROJECT / "docs/stripe-test-mode.md").read_text()
SOURCES = " ".join(path.read_text() for folder in ("app", "dev") for path in (PROJECT / folder).rglob("*.py"))
WORDS = re.sub(r'["`\s]+', " ", SOURCES)
"""The sources without quotes and line breaks, as messages are spread over several literals."""


FILLED_IN = re.compile(r"\w*…|\b(?:8000|300|head|PORT|DATABASE_URL|invoicing migrate)\b|[()]")


def constant(quoted: str) -> str:
    """The longest part of a message that no value is filled into."""
    return max(FILLED_IN.split(re.sub(r'["`\s]+', " ", quoted)), key=len).strip()


def test_the_checklist_says_what_its_commands_print() -> None:
    rows = re.findall(r"^\| \d+ \| (.*?) \| (.*?) ?\|$", CHECKLIST, re.MULTILINE)
    assert len(rows) == 20
    cells = [check for do, check in rows if do.startswith("`invoicing ")]
    told = [constant(it) for check in cells for it in re.findall(r"(?:prints|says) `([^`]+)`", check)]
    assert told == ["The schema is at", "The endpoint", "Complete up to", "in use"]
    assert not [it for it in told if it not in WORDS]


def test_the_messages_that_troubleshooting_quotes_exist() -> None:
    tables = re.findall(r"^\| you see \|.*?\n\n", TROUBLE, re.MULTILINE | re.DOTALL)
    seen = [row.split(" | ")[0] for table in tables for row in table.splitlines()[2:]]
    messages = [span for first in seen for span in re.findall(r"`([^`]+)`", first) if len(span.split()) > 3]
    assert len(messages) > 10
    assert not [message for message in messages if constant(message) not in WORDS]


def test_the_codes_that_the_guides_name_exist() -> None:
    pages = TROUBLE + (PROJECT / "docs/integration.md").read_text()
    answers = re.findall(r"\b[45]\d\d ((?:`[a-z_]+`(?:, )?)+)", pages)
    named = {code for answer in answers for code in re.findall(r"`([a-z_]+)`", answer)}
    assert len(named) > 15
    assert named <= STATUS.keys()


def test_the_permissions_of_a_restricted_key_are_those_that_the_doctor_tries() -> None:
    rows = dict(re.findall(r"^\| \*\*(Write|Read)\*\* \| (.*?) \|$", TROUBLE, re.MULTILINE))
    write, read = ({name.strip().lower() for name in rows[verb].split(",")} for verb in ("Write", "Read"))
    assert {need.name for need in NEEDED if need.written} <= write
    assert {need.name for need in NEEDED} == write | read
