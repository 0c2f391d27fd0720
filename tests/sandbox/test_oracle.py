"""The oracle: it tells a sandbox that is the same from one that differs, and each switch's values apart."""

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from offline_stripe.cli import main
from offline_stripe.commands.client import Client, UnusableError
from offline_stripe.oracle import recordings
from offline_stripe.oracle.checks import CHECKS, Check
from offline_stripe.oracle.comparing import Form, differences, verdict
from offline_stripe.oracle.performing import Place, Receiver
from offline_stripe.settings import Switches
from tests.fixtures.ports import find_free_port
from tests.sandbox.differing import SWITCHES
from tests.sandbox.process import PROJECT, RunningSandbox

GUIDE = (PROJECT / "sandbox" / "docs" / "reference.md").read_text()
RECORDING = recordings.FOLDER / "documented.json"


@pytest.fixture
def place(box: RunningSandbox) -> Iterator[Place]:
    receiver = Receiver()
    yield Place(Client(box.url), sandbox=True, receiver=receiver)
    receiver.close()


@pytest.fixture(scope="module")
def differing() -> Iterator[str]:
    """The address of a sandbox that differs on purpose."""
    port = find_free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.sandbox.differing", str(port)], cwd=PROJECT)
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(trust_env=False, transport=httpx.HTTPTransport(retries=12)) as client:
        client.get(f"{url}/_sandbox/health")
    yield url
    process.terminate()
    process.wait(timeout=20)


@pytest.mark.parametrize("switch", dataclasses.fields(Switches), ids=lambda switch: switch.name)
def test_every_switch_names_the_check_that_would_settle_it(switch: "dataclasses.Field[object]") -> None:
    [check] = [check for check in CHECKS if switch.name in check.settles]
    assert re.search(rf"^\| `{switch.name}` \| .* \| `{check.name}` \|$", GUIDE, re.MULTILINE), check.name


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_goes_through_and_tells_the_values_of_its_switches_apart(place: Place, check: Check) -> None:
    usual = place.perform(check)
    assert {*usual["steps"]} == {step.name for step in check.steps if step.method not in {"WAIT", "ADVANCE"}}
    assert [*differences(usual, place.perform(check))] == [], "the same twice"
    for name, value in check.settles.items():
        other = place.perform(check, {name: value})
        by_value = {"default": usual, "other": other}
        assert (verdict(usual, by_value), verdict(other, by_value)) == ("default", "other"), name


def test_deliberate_differences_are_all_found_and_nothing_else(
    differing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["send-and-pay", "catalog", "void", "credit-note", "tax-rate", "errors", "finalize", "lines", "refund"]
    chosen = [text for name in [*names, "deliveries-retried"] for text in ("--check", name)]
    record = tmp_path / "recording.json"
    assert main(["oracle", "--key", "sk_test_x", "--url", differing, "--record", str(record), *chosen]) == 1
    said = capsys.readouterr().out
    for line in (
        "DIFF  void: ",
        '      steps.void.body.status: Stripe "voided", here "void"',
        "      steps.note.body.amount: Stripe 501, here 500",
        "      steps.product.body.marketing_features: Stripe nothing, here []",
        "      steps.rate.body.flat: Stripe null, here nothing",
        """      steps.missing.body.error.message: Stripe "Nope.", here "No such customer: 'cus_none'\"""",
        "      events.invoice.payment_succeeded: Stripe nothing, here 1",
        "      events.invoice.sent: Stripe 1, here nothing",
        "finalize_emits_sent: NOT as here: --switch finalize_emits_sent=true does as it does [finalize]",
        "finalize_emits_updated: as here, True [finalize]",
        "lines_page_size: NOT as here: --switch lines_page_size=5 does as it does [lines]",
        "retry_base_s: NOT as here: --switch retry_base_s=3600 does as it does [deliveries-retried]",
        "ok    refund: ",
        "10 checks: 9 differ, 0 skipped.",
    ):
        assert line in said, said
    found = {line.split(":")[0].strip().split(".")[-1] for line in said.splitlines() if line.startswith("      ")}
    allowed = {"status", "amount", "marketing_features", "flat", "message", "sent", "payment_succeeded", "data",
               "has_more", "deliveries"}  # fmt: skip
    assert found <= allowed, found - allowed
    assert SWITCHES.keys() >= {"lines_page_size", "retry_base_s"}
    assert main(["oracle", "--replay", str(record), *chosen]) == 1
    assert "of sandbox" in capsys.readouterr().out
    assert not re.search(r"sk_test_x|acct_1|cus_[0-9A-Za-z]{14}|127\.0\.0\.1", record.read_text())


def test_without_a_key_the_package_s_recordings_are_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STRIPE_TEST_KEY", raising=False)
    assert main(["oracle"]) == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    assert "documented.json: recorded at 2026-11-30 of documentation" in said
    assert "uncollectible_can_be_voided: as here, True [void-uncollectible]" in said
    changed = json.loads(RECORDING.read_text())
    changed["checks"]["declined"]["steps"]["declined"]["status"] = 400
    (tmp_path / "changed.json").write_text(json.dumps(changed))
    assert main(["oracle", "--replay", str(tmp_path / "changed.json"), "--check", "declined"]) == 1
    assert "steps.declined.status: Stripe 400, here 402" in capsys.readouterr().out


def test_every_fact_of_the_recording_has_a_source_and_a_check() -> None:
    checks: dict[str, Any] = recordings.read(RECORDING)["checks"]
    assert not checks.keys() - {check.name for check in CHECKS}
    assert all(check["source"] for check in checks.values())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--key", "sk_live_x"], "Never give a live key to this program."),
        (["--key", "rk_live_x"], "Never give a live key to this program."),
        (["--key", "nonsense"], "must be a secret key of test mode"),
        (["--check", "nonsense"], "no such check: nonsense; --list names them"),
        (["--replay", "{folder}/none.json"], "the recording cannot be read"),
        (["--replay", "{folder}/text.json"], "the recording cannot be read"),
        (["--replay", "{folder}/other.json"], "is no recording of the oracle"),
        (["--replay", "{folder}/old.json"], "is a recording of API version 2020-08-27; this program speaks 2026-10-28"),
        (["--key", "sk_test_x", "--url", "http://127.0.0.1:1"], "nobody answers at http://127.0.0.1:1"),
        (
            ["--key", "sk_test_x", "--url", "{url}", "--check", "catalog", "--record", "{folder}/no/x.json"],
            "cannot be written",
        ),
    ],
)
def test_what_goes_wrong_is_one_clear_line(
    box: RunningSandbox, tmp_path: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (("text", "no JSON"), ("other", '{"format": 2}'),
                       ("old", '{"format": 1, "api_version": "2020-08-27", "checks": {}}')):  # fmt: skip
        (tmp_path / f"{name}.json").write_text(text)
    assert main(["oracle", *(text.format(folder=tmp_path, url=box.url) for text in arguments)]) == 1
    said = capsys.readouterr().err
    assert (said.count("\n"), says in said) == (1, True), said


def test_the_checks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["oracle", "--list", "--check", "lines"]) == 0
    assert capsys.readouterr().out.endswith("[lines_newest_first, lines_page_size]\n")


def test_answers_are_compared_by_their_form() -> None:
    def form(value: Any) -> Any:
        return Form(1_800_000_000, "a-key").of(value)

    assert form({"id": "cus_1AbCdEfGhIjKlM", "same": "cus_1AbCdEfGhIjKlM", "secret": "whsec_x"}) == {
        "id": "<cus 1>", "same": "<cus 1>", "secret": "<secret>",
    }  # fmt: skip
    assert form({"due": 1_800_000_000 + 30 * 86_400, "amount": 1000, "no": None, "yes": True}) == {
        "due": "<day 30>", "amount": 1000, "no": None, "yes": True,
    }  # fmt: skip
    assert form(["https://x.example", "No such customer: 'cus_none'", "a-key"]) == [
        "<url>",
        "No such customer: 'cus_none'",
        "<key>",
    ]
    assert [*differences({"a": 1}, {"a": 1, "b": 2}, partial=True)] == []
    assert [*differences({"a": [1]}, {"a": [1, 2]})] == [("a", [1], [1, 2])]
    assert verdict({"a": 3}, {"x": {"a": 1}, "y": {"a": 2}}) == ""
    with pytest.raises(UnusableError):
        recordings.read(Path("/nowhere"))
