"""Recordings: what one place answered, in a form without ids, keys or names, as a file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from offline_stripe import __version__
from offline_stripe.commands.client import UnusableError
from offline_stripe.settings import API_VERSION

JSON = dict[str, Any]
FOLDER = Path(__file__).with_name("recordings")
"""Those of this package."""


def write(path: Path, source: str, checks: JSON) -> None:
    recording = {
        "format": 1,
        "api_version": API_VERSION,
        "source": source,
        "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": f"offline-stripe {__version__}",
        "checks": checks,
    }
    try:
        path.write_text(json.dumps(recording, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    except OSError as problem:
        raise UnusableError(f"the recording cannot be written: {problem}") from problem


def read(path: Path) -> JSON:
    """A recording of this API version. Raises UnusableError."""
    try:
        recording = json.loads(path.read_text())
    except (OSError, ValueError) as problem:
        raise UnusableError(f"the recording cannot be read: {path}: {problem}") from problem
    if not isinstance(recording, dict) or recording.get("format") != 1 or not isinstance(recording.get("checks"), dict):
        raise UnusableError(f"{path} is no recording of the oracle")
    version = recording.get("api_version")
    if version != API_VERSION:
        raise UnusableError(f"{path} is a recording of API version {version}; this program speaks {API_VERSION}")
    return recording
