"""`python -m dev.sbom`: the software bill of materials of what ships, as CycloneDX.

CycloneDX's generator lists what is installed here (names, versions, licenses, dependencies). Of that, what the
production lock names is kept. The same environment gives the same bytes, without addresses or paths. It needs an
environment that was installed from the locks, which `make` provides.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

PROJECT = Path(__file__).resolve().parents[1]
ROOT = "root-component"

Json = dict[str, Any]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def shipped(lock: str) -> dict[str, str]:
    """Return the versions by name that the lock installs on this platform."""
    entries = re.findall(
        r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)(?:\s*;\s*([^\\\n]+?))?\s*\\?$", lock, re.MULTILINE
    )
    return {
        canonical(name): version
        for name, version, marker in entries
        if not marker or _applies(Requirement(f"{name}; {marker}"))
    }


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate()


def installed() -> Json:
    """Ask CycloneDX's generator what this environment holds."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--no-validate"]
    where = ["--pyproject", str(PROJECT / "pyproject.toml"), "-o", "-", sys.executable]
    done = subprocess.run([*command, *where], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"cyclonedx-py ended with {done.returncode}: {done.stderr.strip()}")
    return dict(json.loads(done.stdout))


def pruned(found: Json, wanted: dict[str, str]) -> Json:
    """Keep the components that are `wanted`, without addresses; raise ValueError where one is missing or another version."""
    kept = [part for part in found["components"] if wanted.get(canonical(part["name"])) == part["version"]]
    missing = wanted.keys() - {canonical(part["name"]) for part in kept}
    if missing:
        raise ValueError(f"not installed as locked: {', '.join(sorted(missing))}")
    references = {part["bom-ref"] for part in kept} | {ROOT}
    dependencies = [
        {**edge, "dependsOn": [it for it in edge.get("dependsOn", []) if it in references]}
        for edge in found["dependencies"]
        if edge["ref"] in references
    ]
    tools = [
        {name: tool[name] for name in ("type", "group", "name", "version") if name in tool}
        for tool in found["metadata"]["tools"]["components"]
    ]
    return {
        "$schema": found["$schema"],
        "bomFormat": found["bomFormat"],
        "specVersion": found["specVersion"],
        "version": found["version"],
        "metadata": {**found["metadata"], "component": _of_this_version(found), "tools": {"components": tools}},
        "components": [_plain(part) for part in kept],
        "dependencies": dependencies,
    }


def _of_this_version(found: Json) -> Json:
    """The project itself, with the version that the generator does not see: it stands in app/version.py."""
    (version,) = re.findall(r'^VERSION = "(.+)"$', (PROJECT / "app" / "version.py").read_text(), re.MULTILINE)
    return {**found["metadata"]["component"], "version": version}


def _plain(part: Json) -> Json:
    return {name: value for name, value in part.items() if name not in {"externalReferences", "properties", "evidence"}}


def bill() -> str:
    """Return the whole document."""
    return json.dumps(pruned(installed(), shipped((PROJECT / "requirements.txt").read_text())), indent=2) + "\n"


def problem_with(text: str) -> str | None:
    """Hold the document against CycloneDX's own schema; return what is wrong."""
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 -- it takes a second to import
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    version = SchemaVersion.from_version(json.loads(text)["specVersion"])
    problem = JsonStrictValidator(version).validate_str(text)
    return None if problem is None else str(problem)


def main() -> None:
    text = bill()
    problem = problem_with(text)
    if problem:
        sys.exit(f"the bill of materials is not valid CycloneDX: {problem}")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
