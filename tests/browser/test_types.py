"""The scripts of our pages, and the sandbox's stand-in, against the types that Stripe publishes."""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TSC = HERE / "node_modules/typescript/bin/tsc"


def test_scripts_follow_the_types_of_stripe_js() -> None:
    """`wrong-calls.js` stands for the opposite: an error that is expected there and does not come is an error."""
    if not TSC.exists():
        pytest.skip("typescript is not installed: npm ci --prefix tests/browser")
    checked = subprocess.run(["node", TSC, "-p", HERE], capture_output=True, text=True, check=False)
    assert not checked.stdout
    assert checked.returncode == 0
