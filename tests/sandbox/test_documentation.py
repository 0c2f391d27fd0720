"""`sandbox/docs/reference.md` names every switch with its default, every control call and every test payment method."""

import dataclasses
import re

import pytest

from offline_stripe.asgi import create_app
from offline_stripe.billing.test_methods import TEST_METHODS
from offline_stripe.control.faults import KINDS
from offline_stripe.coverage import with_table
from offline_stripe.resources import MODULES
from offline_stripe.settings import SandboxConfig, Switches
from tests.sandbox.process import PROJECT

GUIDE = (PROJECT / "sandbox" / "docs" / "reference.md").read_text()


@pytest.mark.parametrize("switch", dataclasses.fields(Switches), ids=lambda switch: switch.name)
def test_every_switch_stands_in_the_guide_with_its_default(switch: "dataclasses.Field[object]") -> None:
    default = str(switch.default).lower().removesuffix(".0")
    assert re.search(rf"^\| `{switch.name}` \| `{default}` \|", GUIDE, re.MULTILINE), default


def test_every_control_call_stands_in_the_guide() -> None:
    app = create_app(SandboxConfig())
    calls = [f"{method} /_sandbox/{name}" for method, name in app.control.calls()]
    app.store.database.close()
    missing = [call for call in calls if call not in GUIDE]
    assert not missing


def test_every_test_payment_method_stands_in_the_guide() -> None:
    assert not [method.token for method in TEST_METHODS if f"`{method.token}`" not in GUIDE]


def test_every_fault_stands_in_the_guide() -> None:
    assert not [kind for kind in KINDS if f"`{kind}`" not in GUIDE]


def test_the_table_of_operations_and_parameters_is_current() -> None:
    assert with_table(GUIDE) == GUIDE, "python -m offline_stripe.coverage sandbox/docs/reference.md"


def test_every_resource_stands_in_the_guide() -> None:
    resources = {route.path.split("/")[2] for module in MODULES for route in module.ROUTES}
    assert not [name for name in resources if f"`{name}`" not in GUIDE]
