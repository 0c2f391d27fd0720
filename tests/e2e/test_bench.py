"""The benchmarks run. What they measure is none of the tests' business."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bench import machine, report
from bench.__main__ import SCENARIOS
from bench.peers import install
from bench.report import Document, Section

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.e2e
@pytest.mark.timeout(480)
def test_every_scenario_runs_and_leaves_its_figures(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    command = [sys.executable, "-m", "bench", "--quick", "--output", str(output)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=460)
    assert done.returncode == 0, done.stderr
    results = json.loads(output.read_text())
    assert [section["name"] for section in results["sections"]] == list(SCENARIOS)
    assert results["quick"]
    assert results["machine"]["cores"]
    for section in results["sections"]:
        assert section["rows"], section["name"]
        assert section["targets"], section["name"]
        for name, figures in section["rows"]:
            assert len(figures) == len(section["columns"]), name


def test_of_a_scenario_that_several_results_have_the_last_counts(tmp_path: Path) -> None:
    def result(name: str, **measured: float) -> Path:
        sections = [Section(one, one.title(), ["ms"], [("ours", [ms])], []) for one, ms in measured.items()]
        (path := tmp_path / name).write_bytes(msgspec.json.encode(Document({}, False, sections)))
        return path

    documents = report.read(result("first.json", intake=1.0, reads=2.0), result("second.json", reads=3.0))
    assert [(one.name, one.rows) for one in report.merged(documents)] == [
        ("intake", [("ours", [1.0])]),
        ("reads", [("ours", [3.0])]),
    ]


def test_what_would_fill_the_disk_is_not_begun(tmp_path: Path) -> None:
    machine.require_room(tmp_path, 0)
    with pytest.raises(RuntimeError, match=r"1,000,000,000 GB are needed in .* GB are free"):
        machine.require_room(tmp_path, 1e9)


def test_what_cannot_be_installed_to_compare_with_is_named_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "FOLDER", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    wanting = install.install()
    assert "asgiref" in wanting["pip"]
    assert "node" in wanting["npm"]
    assert not install.installed()
