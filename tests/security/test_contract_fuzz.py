"""Schemathesis against the running service, with every check it knows: no 500, nothing the contract does not say.

FUZZ_SECONDS sets how long it looks (`make fuzz`: ten minutes); it ends early when it has tried all it wanted to.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.service import API_KEY, MakeService

SECONDS = int(os.environ.get("FUZZ_SECONDS", "45"))
BEYOND_SCHEMAS = "positive_data_acceptance"
"""The one check that cannot hold: no schema says that a signature must be right, an Idempotency-Key not used for something
else, or exactly one of two fields given; all that is refused with 400 or 422, and those are documented."""
FEWEST = 200
"""Cases below which the run proved nothing."""


@pytest.mark.e2e
@pytest.mark.timeout(SECONDS + 180)
async def test_no_request_makes_the_service_break_its_contract(make_service: MakeService, tmp_path: Path) -> None:
    patience = {"STREAM_LIFETIME_S": "0.05", "EVENT_WAIT_S": "0.05"}  # answers that would take their time
    service = await make_service(RATE_LIMIT_FAILED="100000", LOG_LEVEL="warning", **patience)
    done = await asyncio.to_thread(
        subprocess.run,
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json",
            "--header", f"Authorization: Bearer {API_KEY}", "--checks", "all", "--max-time", str(SECONDS),
            "--continue-on-failure", "--no-color", "--warnings", "off", "--workers", "1", "--request-timeout", "30",
            "--generation-database", "none", "--exclude-checks", BEYOND_SCHEMAS,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2000:]
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated
    assert int(generated[1]) >= FEWEST
    print(f"schemathesis: {generated[0]} in {SECONDS} s")  # noqa: T201 -- seen with -s
