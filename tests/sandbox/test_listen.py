"""`offline-stripe listen`, as a process: it prints what happens, and forwards it signed."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
import stripe

from offline_stripe.cli import main
from tests.sandbox.process import PROJECT, RunningSandbox
from tests.sandbox.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def listening(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "offline_stripe", "listen", *arguments]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


def test_events_are_printed_and_forwarded_signed(box: RunningSandbox, receiver: Receiver) -> None:
    receiver.answers = [200, 500]
    box.v1.products.create({"name": "Before"})
    target = receiver.url.removeprefix("http://")
    process = listening("--url", box.url, "--forward-to", target, "--events", "customer.created", "--exit-after", "2")
    assert process.stdout is not None
    ready = process.stdout.readline()
    found = re.search(r"whsec_\w+", ready)
    assert found is not None
    box.v1.products.create({"name": "Other"})
    made = [box.v1.customers.create({"name": name}).id for name in ("Ada", "Bea")]
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    lines = [line[19:] for line in said.splitlines()]
    ids = [event["id"] for event in receiver.events]
    assert lines == [
        f"   --> customer.created [{ids[0]}]",
        f"  <--  [200] POST {receiver.url} [{ids[0]}]",
        f"   --> customer.created [{ids[1]}]",
        f"  <--  [500] POST {receiver.url} [{ids[1]}]",
    ]
    assert [event["data"]["object"]["id"] for event in receiver.events] == made
    for body, headers in zip(receiver.bodies, receiver.headers, strict=True):
        stripe.Webhook.construct_event(body, headers["stripe-signature"], found[0])


def test_one_account_is_listened_to_and_a_reset_ends_nothing(box: RunningSandbox) -> None:
    made = box.control("POST", "accounts")
    key = made["secret_key"]
    process = listening(
        "--url", box.url, "--api-key", key, "--print-json", "--secret", "whsec_mine", "--exit-after", "2"
    )
    assert process.stdout is not None
    assert "whsec_mine" in process.stdout.readline()
    mine = box.client_with(key).v1
    box.v1.customers.create({"name": "Not mine"})
    mine.customers.create({"name": "First"})
    first = json.loads(process.stdout.readline())
    box.control("POST", f"../{made['id']}/_sandbox/reset")
    mine.customers.create({"name": "Second"})
    said, _ = process.communicate(timeout=30)
    names = [event["data"]["object"]["name"] for event in (first, json.loads(said))]
    assert names == ["First", "Second"]
    box.control("DELETE", f"accounts/{made['id']}")


def test_an_address_where_nobody_listens_is_told(box: RunningSandbox) -> None:
    process = listening("--url", box.url, "--forward-to", "127.0.0.1:1/hook", "--exit-after", "1")
    assert process.stdout is not None
    process.stdout.readline()
    box.v1.customers.create({"name": "A"})
    said, _ = process.communicate(timeout=30)
    assert "[ERROR: [Errno 111] Connection refused] POST http://127.0.0.1:1/hook" in said


def test_a_secret_can_be_had_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "--print-secret"]) == 0
    assert re.fullmatch(r"whsec_[0-9a-f]{64}\n", capsys.readouterr().out)
    assert main(["listen", "--api-key", "sk_live_x"]) == 1
    assert main(["listen", "--url", "http://127.0.0.1:1"]) == 1
    assert "start it: offline-stripe serve" in capsys.readouterr().err
