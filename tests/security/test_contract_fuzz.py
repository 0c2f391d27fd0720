"""Schemathesis against the running service, with every check it knows: no 500, nothing the contract does not say.

In every run the same requests, some thousands; `make fuzz` (FUZZ_SECONDS, ten minutes) goes on with others for as long
as it has. What no contract can say is in contract_hooks.py, with its reasons.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import API_KEY, MakeService

HERE = Path(__file__).parent
SECONDS = int(os.environ.get("FUZZ_SECONDS", "0"))
EXAMPLES = "2"
"""Random requests for each operation, besides those that are made for each of its fields and bounds."""
ALWAYS_THE_SAME = ["--max-examples", EXAMPLES, "--seed", "1"]
FOR_A_TIME = ["--max-time", str(SECONDS)]
FEWEST = 1500
"""Cases below which the run proved nothing."""


@pytest.mark.e2e
@pytest.mark.timeout(SECONDS + 900)
async def test_no_request_makes_the_service_break_its_contract(
    make_service: MakeService, sandbox: Sandbox, tmp_path: Path
) -> None:
    patience = {"STREAM_LIFETIME_S": "0.05", "EVENT_WAIT_S": "0.05"}  # answers that would take their time
    unlimited = {"RATE_LIMIT_FAILED": "0", "RATE_LIMIT_ADDRESS": "0", "RATE_LIMIT_CALLER": "0"}
    patient = {"STRIPE_CIRCUIT_FAILURES": "1000000"}  # that the sandbox has not all of Stripe is no outage
    service = await make_service(LOG_LEVEL="warning", **patience, **unlimited, **patient)
    done = await asyncio.to_thread(
        subprocess.run,
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"),
            "run", f"{service.url}/openapi.json", "--checks", "all", *(FOR_A_TIME if SECONDS else ALWAYS_THE_SAME),
            "--continue-on-failure", "--no-color", "--warnings", "off", "--workers", "1", "--request-timeout", "60",
            "--generation-database", "none",
        ],
        cwd=tmp_path,
        env=os.environ
        | {
            "PYTHONPATH": str(HERE),
            "SCHEMATHESIS_HOOKS": "contract_hooks",
            "FUZZ_API_KEY": API_KEY,
            "FUZZ_WEBHOOK_SECRET": sandbox.webhook_secret,
        },
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    (tmp_path / "schemathesis.log").write_text(done.stdout)  # all of it: the message below has only its end
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2000:]
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated
    assert int(generated[1]) >= FEWEST
    print(f"schemathesis: {generated[0]}{f' in {SECONDS} s' if SECONDS else ''}")  # noqa: T201 -- seen with -s
