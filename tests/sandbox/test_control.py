"""The control calls, and who may make them; state that survives; starting and stopping."""

import signal
from pathlib import Path

import httpx
import pytest

from offline_stripe.asgi import create_app
from offline_stripe.cli import config_from, main
from offline_stripe.settings import API_VERSION, SandboxConfig, Switches
from offline_stripe.store.database import Database, StateFileError
from tests.sandbox.conftest import Drafting
from tests.sandbox.process import SECRET_KEY, RunningSandbox
from tests.sandbox.receiver import Receiver


def test_reset_empties_everything(box: RunningSandbox, hook: Receiver, opened: Drafting) -> None:
    opened()
    box.fault("status", "/v1/customers")
    box.switch(debit_settlement_s=5)
    box.control("POST", "webhooks/mode", hold=True)
    box.advance(1000)
    box.reset()
    assert set(box.control("GET", "state")["objects"]) == {"account"}
    assert box.control("GET", "faults")["faults"] == []
    assert box.control("GET", "clock")["offset_s"] == 0
    assert box.control("GET", "webhooks/mode")["hold"] is False
    assert box.control("GET", "switches")["switches"]["debit_settlement_s"] == 30
    assert box.control("GET", "webhooks/attempts")["attempts"] == []
    assert [entry["path"] for entry in box.requests()] == []


def test_the_journal_tells_keys_replays_and_execution(box: RunningSandbox) -> None:
    for _ in range(2):
        box.post("/v1/customers", "name=Ada", **{"Idempotency-Key": "k1"})
    box.post("/v1/customers", "bogus=1")
    told = [(e["idempotency_key"], e["replayed"], e["executed"], e["status"]) for e in box.requests()]
    assert told == [("k1", False, True, 200), ("k1", True, False, 200), (None, False, False, 400)]
    assert box.requests()[0]["params"] == {"name": "Ada"}
    assert box.requests(path="/v1/invoices*") == []


def in_version(box: RunningSandbox, path: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {SECRET_KEY}", "Stripe-Version": "2027-01-01.next"}
    return box.http.get(path, headers=headers)


def test_another_version_is_spoken_once_it_is_described(box: RunningSandbox, opened: Drafting) -> None:
    path = f"/v1/invoices/{opened().id}"
    assert in_version(box, path).status_code == 400
    change = {"object": "line_item", "rename": {"amount": "sum"}, "remove": ["currency"], "set": {"new": [1]}}
    box.control("POST", "versions", version="2027-01-01.next", changes=[change])
    shown = in_version(box, path)
    assert shown.headers["Stripe-Version"] == "2027-01-01.next"
    ours = box.get(path).json()
    (theirs,) = shown.json()["lines"]["data"]
    (line,) = ours["lines"]["data"]
    assert (theirs["sum"], theirs["new"], "currency" in theirs) == (line["amount"], [1], False)
    assert shown.json()["amount_due"] == ours["amount_due"]
    assert in_version(box, "/v1/events").json()["data"] == box.get("/v1/events").json()["data"]
    box.control("DELETE", "versions")
    assert in_version(box, path).status_code == 400


@pytest.mark.parametrize("sent", [{}, {"version": API_VERSION}, {"version": "x", "changes": [{"objekt": "invoice"}]}])
def test_a_version_that_makes_no_sense_is_refused(box: RunningSandbox, sent: dict[str, object]) -> None:
    answer = box.http.post("/_sandbox/versions", json=sent)
    assert answer.status_code == 400
    assert "not understood" in answer.json()["error"]["message"]


def test_the_state_shows_every_object(box: RunningSandbox, opened: Drafting) -> None:
    invoice = opened()
    objects = box.control("GET", "state")["objects"]
    assert [entry["id"] for entry in objects["invoice"]] == [invoice.id]
    assert {"customer", "invoiceitem", "line_item", "payment_intent", "invoice_payment"} <= objects.keys()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Host": "["}, 403),
        ({}, 200),
    ],
)
def test_control_calls_are_refused_to_other_sites(box: RunningSandbox, headers: dict[str, str], status: int) -> None:
    assert box.http.get("/_sandbox/state", headers=headers).status_code == status


async def test_control_calls_are_refused_from_other_machines() -> None:
    app = create_app(SandboxConfig())
    transport = httpx.ASGITransport(app, client=("192.0.2.7", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8001") as client:
        assert (await client.post("/_sandbox/reset")).status_code == 403
    app.store.database.close()


async def test_control_calls_from_other_machines_are_refused_to_pages_of_other_sites() -> None:
    app = create_app(SandboxConfig(remote_control=True))
    transport = httpx.ASGITransport(app, client=("192.0.2.7", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://stripe:8001") as client:
        for origin, status in (
            ({}, 200),
            ({"Origin": "http://stripe:8001"}, 200),
            ({"Origin": "https://evil.example"}, 403),
        ):
            assert (await client.get("/_sandbox/state", headers=origin)).status_code == status
    app.store.database.close()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "nonsense", None),
        ("POST", "clock", b"{"),
        ("POST", "clock", b"[]"),
        ("POST", "clock", b"{}"),
        ("POST", "switches", b'{"no_such_switch": true}'),
        ("POST", "switches", b'{"lines_page_size": "many"}'),
        ("POST", "webhooks/release", b'{"order": "random"}'),
        ("POST", "webhooks/endpoint", b'{"url": "http://x.example", "secret": " "}'),
        ("POST", "payment_intents/pi_none/settle", b"{}"),
        ("POST", "payment_intents/pi_none/fail", b'{"outcome": "boredom"}'),
    ],
)
def test_a_wrong_control_call_is_explained(box: RunningSandbox, method: str, path: str, body: bytes | None) -> None:
    answer = box.http.request(method, f"/_sandbox/{path}", content=body)
    assert answer.status_code in {400, 404}
    assert answer.json()["error"]["message"]


# The state file


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_everything_survives_a_restart(tmp_path: Path, how: signal.Signals) -> None:
    arguments = ("--state", str(tmp_path / "state.sqlite3"), "--seed", "7")
    first = RunningSandbox(*arguments)
    try:
        customer = first.v1.customers.create({"email": "a@b.example"})
        answer = first.post("/v1/products", "name=W", **{"Idempotency-Key": "k1"})
        first.advance(5000)
        events = first.event_types()
    finally:
        first.stop(how)
    second = RunningSandbox(*arguments)
    try:
        assert second.v1.customers.retrieve(customer.id).email == "a@b.example"
        replay = second.post("/v1/products", "name=W", **{"Idempotency-Key": "k1"})
        assert (replay.json(), replay.headers["idempotent-replayed"]) == (answer.json(), "true")
        assert second.control("GET", "clock")["offset_s"] == pytest.approx(5000)
        assert second.event_types() == events
        assert second.v1.customers.create({}).id != customer.id
    finally:
        second.stop()


def test_undelivered_events_are_delivered_after_a_restart(tmp_path: Path) -> None:
    receiver = Receiver()
    state = ("--state", str(tmp_path / "state.sqlite3"), "--retry-base-s", "0.05")
    target = ("--webhook-url", receiver.url, "--webhook-secret", "whsec_x")
    first = RunningSandbox(*state, *target)
    try:
        first.control("POST", "webhooks/mode", delay_ms=3_600_000)
        first.v1.products.create({"name": "W"})
    finally:
        first.stop(signal.SIGKILL)
    second = RunningSandbox(*state, *target)
    try:
        assert len(second.control("GET", "webhooks/endpoint")["endpoints"]) == 1
        second.control("POST", "clock", advance_s=3601)
        second.idle()
        assert receiver.types == ["product.created"]
    finally:
        second.stop()
        receiver.close()


def test_a_seed_makes_identifiers_reproducible(tmp_path: Path) -> None:
    def identifier(name: str) -> str:
        app = create_app(SandboxConfig(state=str(tmp_path / name), seed=5))
        try:
            return app.store.identifiers.new("cus")
        finally:
            app.store.database.close()

    assert identifier("a") == identifier("b")


# The command line


def test_every_webhook_url_needs_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["--webhook-url", "http://x.example"],
        ["--webhook-url", "http://x.example", "--webhook-secret", " "],
        ["--switch", "nonsense=1"],
    ):
        with pytest.raises(SystemExit):
            config_from(arguments)
    assert "needs its --webhook-secret" in capsys.readouterr().err


def test_the_command_line_sets_targets_and_switches() -> None:
    config, _ = config_from(
        [
            "--webhook-url", "http://a.example", "--webhook-secret", "whsec_a",
            "--webhook-url", "http://b.example", "--webhook-secret", "whsec_b",
            "--retry-base-s", "0.5", "--switch", "uncollectible_can_be_voided=false", "--port", "9",
        ]
    )  # fmt: skip
    assert [target.url for target in config.webhooks] == ["http://a.example", "http://b.example"]
    assert (config.switches.retry_base_s, config.switches.uncollectible_can_be_voided) == (0.5, False)
    assert config.base_url == "http://127.0.0.1:9"
    assert "whsec_a" not in repr(config)


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("whsec_kept\n")
    config, _ = config_from(["--webhook-url", "http://a.example", "--webhook-secret", f"@{tmp_path / 'secret'}"])
    assert [target.secret for target in config.webhooks] == ["whsec_kept"]


@pytest.mark.parametrize(
    ("name", "value"), [("lines_page_size", 1.5), ("expand_depth", True), ("finalize_emits_sent", "maybe")]
)
def test_a_switch_of_the_wrong_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match="switch"):
        Switches().changed({name: value})


# Pages


def test_the_hosted_page_shows_the_invoice_escaped(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(None, custom_fields=[{"name": "PO", "value": "<b>4711</b>"}])
    box.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 1234, "description": "Fish & <chips>"}]})
    final = box.v1.invoices.finalize_invoice(invoice.id)
    page = box.http.get(str(final.hosted_invoice_url))
    assert page.headers["content-type"].startswith("text/html")
    assert "Fish &amp; &lt;chips&gt;" in page.text
    assert "&lt;b&gt;4711&lt;/b&gt;" in page.text
    assert "12.34 USD due" in page.text
    assert str(final.number) in page.text
    assert box.http.get("/i/nonsense").status_code == 404
    assert box.http.get("/elsewhere").status_code == 404


def test_a_reset_leaves_no_delivery_behind(box: RunningSandbox, hook: Receiver) -> None:
    hook.hold()
    box.v1.products.create({"name": "W"})
    hook.wait_for("product.created")
    box.reset()
    hook.let_go()
    assert box.control("GET", "webhooks/pending") == {"pending": 0, "in_flight": 0, "held": 0, "retrying": 0}
    assert box.control("GET", "webhooks/attempts")["attempts"] == []


def test_a_state_file_serves_one_sandbox_at_a_time(tmp_path: Path) -> None:
    path = str(tmp_path / "state.sqlite3")
    first = Database(path)
    with pytest.raises(StateFileError, match="another sandbox"):
        Database(path)
    first.execute("PRAGMA user_version=99")
    first.close()
    with pytest.raises(StateFileError, match="another version"):
        Database(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("this is no database, but long enough to be looked at", "file is not a database. Delete it, or name another"),
        ("SQLite format 3\0" + "x" * 4096, "Delete it, or name another"),
    ],
)
def test_a_corrupt_state_file_ends_the_program_with_one_line(
    tmp_path: Path, text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "state.sqlite3"
    path.write_text(text)
    assert main(["serve", "--port", "0", "--state", str(path)]) == 1
    _one_line(capsys, f"offline-stripe: {path} cannot be used: ", says)


def test_a_corrupt_account_ends_the_program_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state"
    other = tmp_path / "state.accounts" / "acct_1other.sqlite3"
    other.parent.mkdir()
    other.write_text("this is no database, but long enough to be looked at")
    assert main(["--port", "0", "--state", str(state)]) == 1
    _one_line(capsys, str(other), "file is not a database")
    other.unlink()
    Database(str(other)).close()
    assert main(["--port", "0", "--state", str(state)]) == 1
    _one_line(capsys, str(other), "is no account of this sandbox")


def test_two_processes_on_one_state_file_and_a_port_in_use_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = str(tmp_path / "state")
    first = RunningSandbox("--state", state)
    try:
        assert main(["serve", "--port", "0", "--state", state]) == 1
        _one_line(capsys, f"{state} cannot be used: another sandbox uses it.")
        assert main(["serve", "--port", str(first.port)]) == 1
        _one_line(capsys, f"port {first.port} of 127.0.0.1 cannot be used: Address already in use; name another")
    finally:
        first.stop()
    assert main(["serve", "--port", "99999999"]) == 1
    _one_line(capsys, "port 99999999")
    assert main(["serve", "--port", "0", "--state", str(tmp_path / "no" / "folder")]) == 1
    _one_line(capsys, "unable to open database file")


def _one_line(capsys: pytest.CaptureFixture[str], *says: str) -> None:
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert not [text for text in says if text not in said], said
