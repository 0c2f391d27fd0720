"""The guides: what they tell a person to type exists, and prints what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from app.cli.main import cli
from app.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
SETTINGS = (PROJECT / "docs" / "reference" / "settings.md").read_text()
OPERATIONS = (PROJECT / "docs" / "operations.md").read_text()
GUIDES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
TESTS = "".join(path.read_text() for path in (PROJECT / "tests").rglob("test_*.py"))


def typed(guide: Path) -> list[str]:
    """Every `invoicing …` command in it, from code spans and code blocks."""
    spans = re.findall(r"(?<!`)`(invoicing [^`]+)`(?!`)", guide.read_text())
    blocks = re.findall(r"^```(?:ba)?sh\n(.*?)^```", guide.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines() if line.strip().startswith("invoicing ")]
    return [*spans, *lines]


def command_of(words: list[str]) -> Any:
    """The command that the first words name. Raises KeyError where there is none."""
    found: Any = typer.main.get_command(cli)
    for word in words:
        if not hasattr(found, "commands") or word.startswith(("-", "…")):
            break
        found = found.commands[word]
        found = getattr(found, "loaded", found)
    return found


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_command_that_a_guide_tells_exists_with_its_options(guide: Path) -> None:
    for line in typed(guide):
        words = re.sub(r"#.*|[\[\]|]", " ", line).split()[1:]
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        known = {
            option for parameter in command_of(words).params for option in [*parameter.opts, *parameter.secondary_opts]
        }
        assert options <= {*known, "--help"}, line


def test_the_reference_names_every_secret() -> None:
    (sentence,) = re.findall(r"The secret settings are (.*?)\.", SETTINGS, re.DOTALL)
    named = {name.lower() for name in re.findall(r"`([A-Z_]+)`", sentence)}
    assert named == {name for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)}


def test_the_settings_that_the_guide_names_exist() -> None:
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)(?:=[^`]*)?`", OPERATIONS))
    assert not {name for name in named if name.lower() not in Settings.model_fields}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_test_that_a_guide_names_exists(guide: Path) -> None:
    named = set(re.findall(r"`(test(?:_[a-z0-9]+){3,})`", guide.read_text()))
    assert not {name for name in named if f"def {name}(" not in TESTS}
    files = set(re.findall(r"`(tests/[\w/.]+)`", guide.read_text()))
    assert not {file for file in files if not (PROJECT / file).exists()}
