"""Whoever runs the tests sees that they are being collected."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CONFTEST = """
from tests.fixtures import collecting
collecting.SILENT_S = collecting.DOT_S = 0.01
pytest_plugins = ["tests.fixtures.collecting"]
"""
SLOW = """
from pathlib import Path
while "Collecting the tests .." not in Path(r"{output}").read_text():
    pass

def test_it() -> None:
    pass
"""


@pytest.mark.parametrize("processes", [[], ["-n", "2"]], ids=["one process", "several"])
def test_a_long_collection_is_not_silent(tmp_path: Path, processes: list[str]) -> None:
    output = tmp_path / "output"
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_slow.py").write_text(SLOW.format(output=output))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        *processes,
        f"--rootdir={tmp_path}",
        str(tmp_path),
    ]
    with output.open("w") as said:
        status = subprocess.run(
            command, cwd=tmp_path, env={"PYTHONPATH": str(PROJECT)}, stdout=said, stderr=said, check=False, timeout=60
        ).returncode
    text = output.read_text()
    assert status == 0, text
    assert "1 passed" in text
    assert text.index("Collecting the tests") < text.index("1 passed")
