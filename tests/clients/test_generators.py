"""The contract as generators of clients read it, and what our own clients have from it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clients.generate import CONTRACT, HERE, generated, operations
from invoicing_client import models
from tests.fixtures.sandbox import PROJECT

FIRST_CALL = """
from invoicing_generated import AuthenticatedClient
from invoicing_generated.api.customers import create_customer
from invoicing_generated.api.invoices import create_invoice
from invoicing_generated.models import CustomerCreate, InvoiceCreate, ItemCreate

client = AuthenticatedClient("http://127.0.0.1:8000", token="key")
jenny = CustomerCreate(name="Jenny Rosen", email="jenny.rosen@example.com")
order = InvoiceCreate(
    customer="cus_1", days_until_due=30, items=[ItemCreate(amount=4900, currency="usd", description="Travel")], finalize=True
)


def first_call() -> None:
    create_customer.sync(client=client, body=jenny)
    create_invoice.sync(client=client, body=order)
"""


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_openapi_python_client_reads_it_without_a_warning_and_its_types_hold(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("package_name_override: invoicing_generated\npost_hooks: []\n")
    command = Path(sys.executable).parent / "openapi-python-client"
    out = tmp_path / "out"
    said = run(
        command, "generate", "--path", CONTRACT, "--output-path", out, "--config", config, "--fail-on-warning",
        folder=tmp_path,
    )  # fmt: skip
    assert "WARNING" not in said
    assert "Unable" not in said
    (out / "first.py").write_text(FIRST_CALL)
    run(
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        os.devnull,
        "first.py",
        "invoicing_generated",
        folder=out,
    )
    names = [path.with_suffix("").relative_to(out) for path in (out / "invoicing_generated").rglob("*.py")]
    every = "; ".join(f"import {'.'.join(name.parts)}" for name in names if name.name != "__init__")
    run(sys.executable, "-c", f"{every}; import first; print(first.order.to_dict())", folder=out)


def test_what_the_clients_have_from_the_contract_is_current() -> None:
    if not (HERE / "typescript/node_modules").exists():
        pytest.skip("openapi-typescript is not installed: npm ci --prefix clients/typescript")
    contract = json.loads(CONTRACT.read_text())
    for path, text in generated(contract, operations(contract)).items():
        assert path.read_text() == text, f"{path.relative_to(PROJECT)} is not what `make clients` writes"


def test_each_schema_has_its_own_name_among_the_types_of_python() -> None:
    for name, schema in json.loads(CONTRACT.read_text())["components"]["schemas"].items():
        if "properties" in schema:
            assert vars(models)[name].__annotations__.keys() == schema["properties"].keys(), name


def test_each_operation_is_a_method_of_its_own() -> None:
    every = operations(json.loads(CONTRACT.read_text()))
    names = [(one.tag, one.name) for one in every]
    assert len(names) == len(set(names))
    assert {("invoices", "create"), ("invoices", "finalize"), ("payment_links", "create")} <= set(names)


@pytest.mark.parametrize("package", ["clients/python", "clients/typescript", "sandbox"])
def test_a_package_that_others_install_carries_the_license(package: str) -> None:
    assert (PROJECT / package / "LICENSE").read_text() == (PROJECT / "LICENSE").read_text()
