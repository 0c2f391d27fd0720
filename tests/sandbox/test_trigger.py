"""`offline-stripe trigger`: each type of event that the sandbox sends can be had by its name."""

import ast
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from stripe.params import WebhookEndpointCreateParams

import offline_stripe
from offline_stripe.cli import main
from offline_stripe.commands.client import Client, UnusableError, pairs
from offline_stripe.commands.trigger import trigger
from offline_stripe.commands.triggers import STEPS, TRIGGERS
from tests.sandbox.process import RunningSandbox

CODE = Path(offline_stripe.__file__).parent


def known_types() -> set[str]:
    (listed,) = typing.get_args(WebhookEndpointCreateParams.__annotations__["enabled_events"])
    return {name for name in typing.get_args(listed) if "." in name}


def sent_types() -> set[str]:
    """Every type of event that the sandbox's code names."""
    found: set[str] = set()
    for folder in ("billing", "resources"):
        for path in (CODE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return found & known_types()


@pytest.fixture
def fresh(box: RunningSandbox) -> Iterator[Client]:
    """A client with an account of its own."""
    made = box.control("POST", "accounts")
    yield Client(box.url, made["secret_key"])
    box.control("DELETE", f"accounts/{made['id']}")


@pytest.mark.parametrize("kind", TRIGGERS)
def test_a_trigger_leads_to_its_event(fresh: Client, kind: str) -> None:
    trigger(fresh, kind, quiet=True)
    found = fresh.call("GET", "/v1/events", {"type": kind})
    assert found.body["data"], f"no {kind}"


def test_every_event_can_be_triggered() -> None:
    assert not TRIGGERS.keys() - known_types()
    assert sorted(sent_types() - TRIGGERS.keys()) == []


def test_every_step_is_used() -> None:
    assert not {*STEPS} - {name for name, step in STEPS.items() if any(step in steps for steps in TRIGGERS.values())}


def test_the_command_tells_what_it_does(fresh: Client, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--url", fresh.url, "--api-key", fresh.key]
    extra = ["--override", "customer:email=you@example.com", "--add", "invoice:metadata[order]=7 & more"]
    assert main(["trigger", "invoice.payment_failed", *where, *extra]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["Running fixture for: customer", "Running fixture for: invoice"]
    [invoice] = fresh.call("GET", "/v1/invoices").body["data"]
    assert (invoice["customer_email"], invoice["metadata"]) == ("you@example.com", {"order": "7 & more"})
    assert main(["trigger", "--list"]) == 0
    assert "invoice.payment_failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["invoice.payment_fail"], "did you mean invoice.payment_failed"),
        (["checkout.session.completed"], "--list names them all"),
        (["invoice.paid", "--override", "basket:x=1"], "there is no step basket here"),
        (["invoice.paid", "--add", "customer"], "it looks like customer:email=you@example.com"),
        (["customer.created", "--add", "customer:nonsense=1"], "Received unknown parameter: nonsense"),
        (["customer.created", "--stripe-account", "acct_none"], "does not have access to account 'acct_none'"),
        (["invoice.overdue", "--stripe-account", "acct_none"], "acct_none"),
        (["invoice.paid", "--api-key", "sk_live_x"], "Never give a live key"),
        (["invoice.paid", "--api-key", "pk_test_x"], "must be a secret key of test mode"),
        (["invoice.paid", "--url", "nowhere"], "not an address"),
        (["invoice.paid", "--url", "http://127.0.0.1:1"], "nobody answers at http://127.0.0.1:1"),
    ],
)
def test_what_goes_wrong_is_one_clear_line(
    box: RunningSandbox, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = [] if "--url" in arguments else ["--url", box.url]
    assert main(["trigger", *arguments, *where]) == 1
    said = capsys.readouterr().err
    assert said.startswith("offline-stripe: ")
    assert says in said
    assert said.count("\n") == 1


def test_a_key_never_stands_in_what_is_printed() -> None:
    assert "sk_test_x" not in repr(Client("http://127.0.0.1", "sk_test_x"))


def test_forms_are_stripes() -> None:
    assert pairs({"a": {"b": [1, {"c": True}]}, "d": "x"}) == [
        ("a[b][0]", "1"),
        ("a[b][1][c]", "true"),
        ("d", "x"),
    ]
    with pytest.raises(UnusableError, match=r"invoice\.nothing"):
        trigger(Client("http://127.0.0.1:1"), "invoice.nothing")
