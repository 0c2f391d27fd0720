"""A payment that waits for the payer: it is told, mailed later, and left by whatever comes next."""

import re
from itertools import permutations

import pytest

from tests.fixtures.mail import MailServer
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.stage import Json, Stage
from tests.integration.test_confirmation_mail import MakeApp, opened

ASKED = ("payment_intent.requires_action", "invoice.payment_action_required")


async def stalled(stage: Stage) -> Json:
    """An invoice whose payer was asked to authenticate, and did nothing."""
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_authenticationRequired")
    return invoice


async def read(stage: Stage, invoice: Json, what: str = "fulfillment") -> Json:
    answer = await stage.client.get(f"/v1/invoices/{invoice['id']}/{what}")
    return dict(answer.json())


async def told(stage: Stage, *subjects: str) -> list[str]:
    rows = await stage.rows("SELECT type FROM changes WHERE subject = ANY($1) ORDER BY id", list(subjects))
    return [row["type"] for row in rows]


async def intent_of(stage: Stage) -> str:
    return str((await stage.event(ASKED[0]))["data"]["object"]["id"])


@pytest.mark.parametrize("order", [ASKED, ASKED[::-1]], ids=["as they happened", "backwards"])
async def test_a_stalled_authentication_is_told_with_what_the_payer_must_do(
    stage: Stage, order: tuple[str, ...]
) -> None:
    invoice = await stalled(stage)
    events = await stage.events()
    await stage.tell(*(event for event in events if event["type"] not in ASKED))
    for kind in order:
        await stage.tell(*(event for event in events if event["type"] == kind))
    fulfillment = await read(stage, invoice)
    assert (fulfillment["status"], fulfillment["required_action"]) == ("action_required", "use_stripe_sdk")
    assert [entry["what"] for entry in fulfillment["history"]] == ["awaiting_payment", "action_required"]
    assert [made["outcome"] for made in fulfillment["payment_attempts"]] == ["action_required"]
    assert (
        "waits for the payer, who must authenticate it (3-D Secure)"
        in ((await read(stage, invoice, "timeline"))["unpaid_because"])
    )
    assert await told(stage, "payment") == ["payment.action_required"]
    became = [kind for kind in await told(stage, "fulfillment") if kind != "fulfillment.updated"]
    assert became == ["fulfillment.awaiting_payment", "fulfillment.action_required"]
    listed = await stage.client.get("/v1/fulfillments", params={"status": "action_required"})
    assert [found["invoice"] for found in listed.json()["data"]] == [invoice["id"]]


async def test_an_event_told_again_tells_others_nothing(stage: Stage) -> None:
    invoice = await stalled(stage)
    events = await stage.events()
    await stage.tell(*events)
    before = await read(stage, invoice)
    for event in events:
        await stage.client.post(f"/v1/webhook-events/{event['id']}/replay", headers={"Idempotency-Key": event["id"]})
    await stage.work()
    assert await read(stage, invoice) == before
    assert await told(stage, "payment") == ["payment.action_required"]


@pytest.mark.parametrize(("outcome", "becomes"), [("succeed", "fulfilled"), ("fail", "payment_failed")])
async def test_it_is_left_by_what_the_payer_does(stage: Stage, outcome: str, becomes: str) -> None:
    invoice = await stalled(stage)
    await stage.tell(*await stage.events())
    await stage.sandbox.authenticate(await intent_of(stage), outcome=outcome)
    await stage.tell(*await stage.events())
    fulfillment = await read(stage, invoice)
    assert (fulfillment["status"], fulfillment["required_action"]) == (becomes, None)


async def test_it_is_left_when_the_invoice_is_voided(stage: Stage) -> None:
    invoice = await stalled(stage)
    await stage.tell(*await stage.events())
    await stage.dashboard(f"invoices/{invoice['id']}/void")
    await stage.tell(*await stage.events())
    assert (await read(stage, invoice))["status"] == "canceled"


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_the_order_of_asking_and_paying_does_not_matter(stage: Stage, order: tuple[int, ...]) -> None:
    invoice = await stalled(stage)
    await stage.sandbox.authenticate(await intent_of(stage), outcome="succeed")
    events = await stage.events(*ASKED, "invoice.paid")
    for position in order:
        await stage.tell(events[position])
    assert (await read(stage, invoice))["status"] == "fulfilled"


async def test_the_release_before_finds_a_status_that_it_knows(stage: Stage) -> None:
    invoice = await stalled(stage)
    await stage.tell(*await stage.events())
    row = await stage.fulfillment(invoice["id"])
    assert row is not None
    assert (row["status"], row["later_status"], row["attempt"]) == ("awaiting_payment", "action_required", "paid")
    await stage.rows("UPDATE fulfillments SET status = 'processing', attempt = 'processing', attempt_at = now()")
    assert (await read(stage, invoice))["status"] == "processing"


async def test_the_mail_waits_and_has_the_link_by_which_to_pay(
    make_app: MakeApp, sandbox: Sandbox, mail: MailServer
) -> None:
    async with opened(make_app, sandbox, smtp_port=mail.port, smtp_security="none") as shop:
        await stalled(shop)
        await shop.tell(*await shop.events())
        assert await shop.performer.drain() == 0
        assert await shop.states() == [("action_required:2", "pending")]
        await shop.come_due()
        await shop.performer.drain()
        (message,) = mail.messages
        assert message.parsed["Subject"].startswith("Please confirm your payment: invoice ")
        assert re.search(r"Confirm it here: http\S+/pay/\S+/hosted\r?\n", message.part("plain"))


async def test_a_payer_who_authenticates_in_time_is_not_mailed(
    make_app: MakeApp, sandbox: Sandbox, mail: MailServer
) -> None:
    async with opened(make_app, sandbox, smtp_port=mail.port, smtp_security="none") as shop:
        await stalled(shop)
        await shop.tell(*await shop.events())
        await shop.sandbox.authenticate(await intent_of(shop), outcome="succeed")
        await shop.tell(*await shop.events())
        await shop.come_due()
        await shop.performer.drain()
        assert sorted(await shop.states()) == [("action_required:2", "skipped"), ("fulfilled", "done")]
        assert [message.parsed["Subject"][:23] for message in mail.messages] == ["Your order is confirmed"]


async def test_it_is_left_when_the_payment_is_called_off(stage: Stage) -> None:
    invoice = await stage.invoice()
    made = await stage.dashboard("payment_intents", amount=2000, currency="usd", customer=invoice["customer"])
    part = f"payment_intents/{made['id']}"
    await stage.dashboard(f"invoices/{invoice['id']}/attach_payment", payment_intent=made["id"])
    await stage.dashboard(
        f"{part}/confirm", payment_method="pm_card_threeDSecure2Required", return_url="https://shop.example"
    )
    await stage.tell(*await stage.events())
    assert (await read(stage, invoice))["status"] == "action_required"
    await stage.sandbox.advance(2)
    await stage.dashboard(f"{part}/cancel")
    await stage.tell(*await stage.events())
    assert (await read(stage, invoice))["status"] == "awaiting_payment"
    assert (await read(stage, invoice, "timeline"))["next_step"] == "pay"
