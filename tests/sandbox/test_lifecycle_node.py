"""The whole life of an invoice, with the unmodified npm client."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tests.sandbox.conftest import SECRET
from tests.sandbox.process import PROJECT, RunningSandbox
from tests.sandbox.receiver import Receiver

SOURCE = Path(__file__).parent / "node"
OLDEST_NODE = 20


@pytest.fixture(scope="session")
def node_client() -> Path:
    """The client installed from the lock file, once per lock file, outside the source tree."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    version = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"the npm client needs node {OLDEST_NODE}, this is {version.strip()}")
    lock = (SOURCE / "package-lock.json").read_bytes()
    folder = PROJECT / ".cache" / "sandbox-node" / sha256(lock).hexdigest()[:16]
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder.parent / ".gitignore").write_text("*\n")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCE / name, folder)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, check=True, timeout=90)
        (folder / "complete").touch()
    shutil.copy(SOURCE / "lifecycle.mjs", folder)
    return folder


def test_npm_client_takes_an_invoice_from_product_to_paid(
    box: RunningSandbox, hook: Receiver, node_client: Path
) -> None:
    box.v1.products.create({"name": "First"})
    box.idle()
    delivered = base64.b64encode(hook.bodies[0]).decode()
    arguments = [str(box.port), delivered, hook.headers[0]["stripe-signature"], SECRET]
    ran = subprocess.run(
        ["node", "lifecycle.mjs", *arguments], cwd=node_client, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told.pop("version") == "2026-10-28.endive"
    assert told == {
        "draft": "draft",
        "fields": [{"name": "PO", "value": "4711"}],
        "open": "open",
        "total": 3500,
        "secret": True,
        "declined": {"type": "StripeCardError", "code": "card_declined", "status": 402},
        "paid": "paid",
        "unknown": {"type": "StripeInvalidRequestError", "param": "invoice"},
        "last": "charge.updated",
        "event": "product.created",
    }
