from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from app.domain.payment_link import PaymentLink, sign
from app.main import create_app
from app.settings import Settings
from tests.fixtures.application import running
from tests.fixtures.billing import open_invoice, payment_link, posted
from tests.fixtures.caller import Caller
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.service import LINK_SIGNING_KEY, client_of

NEW_KEY = "a new key that is long enough to be one"


def token_of(link: dict[str, str]) -> str:
    return urlsplit(link["url"]).path.removeprefix("/pay/")


async def test_a_link_is_good_for_thirty_days_unless_said_otherwise(app_client: httpx.AsyncClient) -> None:
    invoice = await open_invoice(app_client)
    link = await payment_link(app_client, invoice["id"])
    assert link["invoice"] == invoice["id"]
    assert link["url"].startswith(f"{app_client.base_url}/pay/{link['id']}.")
    left = datetime.fromisoformat(link["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)

    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    shorter = await payment_link(app_client, invoice["id"], expires_at=tomorrow.isoformat())
    assert datetime.fromisoformat(shorter["expires_at"]) == tomorrow


@pytest.mark.parametrize("when", [timedelta(seconds=-1), timedelta(days=366)])
async def test_an_expiry_in_the_past_or_too_far_away_is_refused(app_client: httpx.AsyncClient, when: timedelta) -> None:
    answer = await app_client.post(
        "/v1/invoices/in_x/payment-link", json={"expires_at": (datetime.now(UTC) + when).isoformat()}
    )
    assert (answer.status_code, answer.json()["param"]) == (422, "expires_at")


async def test_only_an_open_invoice_gets_a_link(app_client: httpx.AsyncClient) -> None:
    draft = await open_invoice(app_client, finalize=False)
    answer = await app_client.post(f"/v1/invoices/{draft['id']}/payment-link")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")
    answer = await app_client.post("/v1/invoices/in_none/payment-link")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_same_key_gives_the_same_link_and_the_address_is_stored_nowhere(
    app_client: httpx.AsyncClient, database: Database
) -> None:
    invoice = await open_invoice(app_client)
    path, key = f"/v1/invoices/{invoice['id']}/payment-link", {"Idempotency-Key": "link-1"}
    first = await app_client.post(path, headers=key)
    again = await app_client.post(path, headers=key)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert {first.headers["Cache-Control"], again.headers["Cache-Control"]} == {"no-store"}

    connection = await database.connect()
    stored = await connection.fetch("SELECT row_to_json(operations)::text FROM operations")
    stored += await connection.fetch("SELECT row_to_json(payment_links)::text FROM payment_links")
    await connection.close()
    signature = token_of(first.json()).rpartition(".")[2]
    assert len(stored) > 1
    assert not [row for row in stored if signature in row[0]]


async def test_the_link_opens_its_invoice_and_yields_its_client_secret(app_client: httpx.AsyncClient) -> None:
    invoice = await open_invoice(app_client)
    link = await payment_link(app_client, invoice["id"])
    session = await app_client.get(f"/pay/{token_of(link)}/session", headers={"Authorization": ""})
    assert session.status_code == 200
    assert session.headers["Cache-Control"] == "no-store"
    body = session.json()
    assert body["client_secret"] == invoice["client_secret"]
    assert body["publishable_key"] == "pk_test_sandbox"


async def test_a_revoked_link_opens_nothing_from_then_on(app_client: httpx.AsyncClient) -> None:
    invoice = await open_invoice(app_client)
    link, other = await payment_link(app_client, invoice["id"]), await payment_link(app_client, invoice["id"])
    path = f"/v1/invoices/{invoice['id']}/payment-link/{link['id']}"
    for _ in range(2):
        answer = await app_client.delete(path)
        assert (answer.status_code, answer.json()) == (200, {"id": link["id"], "deleted": True})
    for page in ("session", "status"):
        refused = await app_client.get(f"/pay/{token_of(link)}/{page}")
        assert (refused.status_code, refused.json()["link"]) == (403, "revoked")
        assert (await app_client.get(f"/pay/{token_of(other)}/{page}")).status_code == 200


async def test_what_a_link_is_asked_for_is_counted(make_app: Callable[..., Awaitable[Caller]]) -> None:
    client = (await make_app(rate_limit_customer=1)).client
    links = [await payment_link(client, (await open_invoice(client))["id"]) for _ in range(2)]
    answers = [await client.get(f"{links[0]['url']}{ending}") for ending in ("", "/status", "", "/complete", "/status")]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429, 429]
    assert answers[2].headers["Retry-After"] == "1"
    assert (await client.get(links[1]["url"])).status_code == 200


async def test_a_link_is_revoked_by_its_own_invoice_only(app_client: httpx.AsyncClient) -> None:
    invoice, other = await open_invoice(app_client), await open_invoice(app_client)
    link = await payment_link(app_client, invoice["id"])
    answer = await app_client.delete(f"/v1/invoices/{other['id']}/payment-link/{link['id']}")
    assert answer.status_code == 404
    assert (await app_client.get(f"/pay/{token_of(link)}/session")).status_code == 200


async def test_an_expired_link_gives_no_secret_but_shows_for_an_hour_how_it_ended(
    app_client: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    invoice = await open_invoice(app_client)
    made = await payment_link(app_client, invoice["id"])
    for age, status in ((timedelta(minutes=5), 200), (timedelta(hours=2), 403)):
        link = PaymentLink(made["id"], invoice["id"], datetime.now(UTC).replace(microsecond=0) - age)
        token = sign(link, settings.link_keys[0])
        refused = await app_client.get(f"/pay/{token}/session")
        assert (refused.status_code, refused.json()["link"]) == (403, "expired")
        assert (await app_client.get(f"/pay/{token}/status")).status_code == status


async def test_guessing_ids_never_yields_a_client_secret(
    app_client: httpx.AsyncClient, settings: Settings, sandbox: Sandbox
) -> None:
    invoice, other = await open_invoice(app_client), await open_invoice(app_client)
    token = token_of(await payment_link(app_client, invoice["id"]))
    link, _, expiry, signature = token.split(".")
    anybody = {"Authorization": ""}
    never_made = PaymentLink("plk_" + "0" * 32, other["id"], datetime.now(UTC) + timedelta(days=1))
    guesses = [
        invoice["id"],
        invoice["payment_intent"],
        link,
        f"{link}.{other['id']}.{expiry}.{signature}",
        f"{link}.{invoice['payment_intent']}.{expiry}.{signature}",
        f"{link}.{invoice['id']}.{int(expiry) + 86_400}.{signature}",
        f"{link}.{invoice['id']}.{expiry}.",
        sign(never_made, b"another key, as long as it may be"),
        sign(never_made, settings.link_keys[0]),  # well signed, but never made here
    ]
    asked_before = len(await sandbox.requests())
    for guess in guesses:
        for page in ("", "/session", "/status", "/complete"):
            answer = await app_client.get(f"/pay/{guess}{page}", headers=anybody)
            assert answer.status_code == 404, (guess, page)
            assert "_secret_" not in answer.text
    for path in (
        f"/v1/invoices/{invoice['id']}/client-secret",
        f"/v1/invoices/{invoice['payment_intent']}/client-secret",
    ):
        answer = await app_client.get(path, headers=anybody)
        assert answer.status_code == 401
        assert "_secret_" not in answer.text
    assert len(await sandbox.requests()) == asked_before


@pytest.mark.parametrize(("keys", "status"), [(f"{NEW_KEY},{LINK_SIGNING_KEY}", 200), (NEW_KEY, 404)])
async def test_a_link_is_good_for_as_long_as_its_key_is_kept(
    app_client: httpx.AsyncClient, settings: Settings, keys: str, status: int
) -> None:
    link = await payment_link(app_client, (await open_invoice(app_client))["id"])
    rotated = create_app(Settings.model_validate(settings.model_dump() | {"link_signing_key": keys}))
    async with running(rotated), client_of(settings.public_base_url, httpx.ASGITransport(rotated)) as client:
        assert (await client.get(f"/pay/{token_of(link)}/session")).status_code == status


async def test_stripe_is_asked_once_for_a_late_webhook_however_often_the_page_asks(
    app_client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    await sandbox.mode(hold=True)
    invoice = await open_invoice(app_client)
    token = token_of(await payment_link(app_client, invoice["id"]))
    await sandbox.dashboard.post(f"/v1/invoices/{invoice['id']}/pay", data={"payment_method": "pm_card_visa"})
    assert (await app_client.get(f"/pay/{token}/status")).json()["status"] == "open"
    asked_before = len(await sandbox.requests(path=f"/v1/invoices/{invoice['id']}"))
    for _ in range(5):
        answer = await app_client.post(f"/pay/{token}/status")
        assert answer.json()["status"] == "paid"
        assert answer.json()["fulfillment"]["status"] == "fulfilled"
    assert len(await sandbox.requests(path=f"/v1/invoices/{invoice['id']}")) == asked_before + 1
    shown = (await app_client.get(f"/v1/invoices/{invoice['id']}/fulfillment")).json()
    assert (shown["status"], shown["amount_paid"]) == ("fulfilled", 28_900)


async def test_catching_up_sees_a_debit_that_is_processing_and_an_attempt_that_failed(
    app_client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    await sandbox.mode(hold=True)
    for method, status, failure in (
        ("pm_usBankAccount_processing", "processing", None),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "payment_failed", "Your card has insufficient funds."),
        (None, "awaiting_payment", None),
    ):
        invoice = await open_invoice(app_client)
        token = token_of(await payment_link(app_client, invoice["id"]))
        if method:
            confirmation = {"payment_method": method, "return_url": "http://127.0.0.1/"}
            await sandbox.dashboard.post(f"/v1/payment_intents/{invoice['payment_intent']}/confirm", data=confirmation)
        fulfillment = (await app_client.post(f"/pay/{token}/status")).json()["fulfillment"]
        said = fulfillment["failure"] and fulfillment["failure"]["message"]
        assert (fulfillment["status"], said) == (status, failure), method


async def test_the_webhook_that_comes_after_catching_up_changes_nothing(
    served_app: httpx.AsyncClient, app: FastAPI, sandbox: Sandbox
) -> None:
    await sandbox.mode(hold=True)
    invoice = await open_invoice(served_app)
    token = token_of(await payment_link(served_app, invoice["id"]))
    await sandbox.dashboard.post(f"/v1/invoices/{invoice['id']}/pay", data={"payment_method": "pm_card_visa"})
    await posted(served_app, f"/pay/{token}/status")
    before = (await served_app.get(f"/v1/invoices/{invoice['id']}/fulfillment")).json()
    await sandbox.mode(hold=False)
    await sandbox.release()
    await sandbox.idle()
    while await app.state.container.worker().run_once():
        pass
    after = (await served_app.get(f"/v1/invoices/{invoice['id']}/fulfillment")).json()
    told_by_events = ("payment_attempts", "updated_at")
    [attempt], _ = (after.pop(name) for name in told_by_events)
    assert attempt["outcome"] == "paid"
    assert after == {name: value for name, value in before.items() if name not in told_by_events}
    assert before["status"] == "fulfilled"


async def test_a_link_to_an_invoice_that_was_revised_opens_the_latest_revision(app_client: httpx.AsyncClient) -> None:
    old = await open_invoice(app_client)
    token = token_of(link := await payment_link(app_client, old["id"]))
    newest = old
    for _ in range(2):
        revision = await posted(app_client, f"/v1/invoices/{newest['id']}/revise")
        assert (await app_client.get(f"/pay/{token}/status")).json()["status"] == "open"  # a draft replaces nothing
        newest = await posted(app_client, f"/v1/invoices/{revision['id']}/finalize")
    page = await app_client.get(f"/pay/{token}")
    assert newest["number"] in page.text
    assert "It replaces an earlier version of this invoice." in page.text
    session = (await app_client.get(f"/pay/{token}/session")).json()
    assert session["client_secret"] == newest["client_secret"]

    await posted(app_client, f"/v1/invoices/{newest['id']}/void")
    assert "This invoice was canceled" in (await app_client.get(f"/pay/{token}")).text
    assert (await app_client.delete(f"/v1/invoices/{old['id']}/payment-link/{link['id']}")).is_success
    assert (await app_client.get(f"/pay/{token}/session")).status_code == 403
