"""Every dependency says why it is there."""

import re
from pathlib import Path

LISTED = re.compile(r'^    "(?P<name>[A-Za-z0-9_.-]+)[^"]*",(?P<why> # \S.*)?$', re.MULTILINE)
PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def test_each_dependency_has_its_line_of_why() -> None:
    text = PYPROJECT.read_text()
    listed = text[text.index("\ndependencies = [") : text.index("[dependency-groups]")]
    found = list(LISTED.finditer(listed))
    assert len(found) > 40
    assert [one["name"] for one in found if not one["why"]] == []
