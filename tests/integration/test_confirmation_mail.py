"""The order confirmation: to whom, when, once, and what becomes of it when the mail server does not want it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from app.domain.actions import MOST_ATTEMPTS
from app.fulfillment import action_statements
from app.fulfillment.action_statements import DueAction
from app.fulfillment.actions import Confirmation
from app.fulfillment.attempt import Attempt, LeaseLost
from app.fulfillment.mail.delivery import Mailer
from app.fulfillment.performer import Performer
from tests.fixtures.caller import Caller
from tests.fixtures.dying import DIED, Process
from tests.fixtures.mail import DROP, HANG, PASSWORD, USERNAME, MailServer
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.stage import Stage

Json = dict[str, Any]
MakeApp = Callable[..., Awaitable[Caller]]


class Shop(Stage):
    """A stage whose worker mails."""

    performer: Performer

    async def paid(self, **form: Any) -> Json:
        """Make an invoice in the Dashboard that is paid by card, and tell the service of it."""
        invoice = await self.invoice(**form)
        await self.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
        await self.tell(*await self.events())
        return invoice

    async def debited(self) -> tuple[Json, str]:
        """Make one that is paid by a bank debit, which is processing; answers also its PaymentIntent."""
        invoice = await self.invoice()
        await self.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_usBankAccount_success")
        await self.tell(*await self.events())
        return invoice, str((await self.event("payment_intent.processing"))["data"]["object"]["id"])

    async def jobs(self) -> list[Json]:
        return await self.rows("SELECT * FROM fulfillment_actions ORDER BY created_at, moment DESC")

    async def states(self) -> list[tuple[str, str]]:
        return [(job["moment"], job["status"]) for job in await self.jobs()]

    async def come_due(self) -> None:
        await self.rows("UPDATE fulfillment_actions SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL")

    async def emailed(self, customer: str, email: str | None) -> None:
        await self.rows("UPDATE customers SET email = $2 WHERE id = $1", customer, email)

    def impatient(self, **changes: Any) -> Performer:
        """A performer whose mail server has less time."""
        confirmation = self.performer._configured["email"]
        assert isinstance(confirmation, Confirmation)
        mailer = Mailer(replace(confirmation.mailer._server, **changes))
        return Performer(self.container.database, {"email": replace(confirmation, mailer=mailer)}, poll_s=1)


@contextlib.asynccontextmanager
async def opened(make_app: MakeApp, sandbox: Sandbox, **settings: Any) -> AsyncIterator[Shop]:
    await sandbox.mode(drop=1.0)
    caller = await make_app(smtp_host="127.0.0.1", smtp_from="Shop <orders@shop.example>", **settings)
    shop = Shop(caller.container, caller.client, sandbox)
    shop.performer = caller.container.performer()
    await shop.performer.announce()
    yield shop
    await sandbox.mode(drop=0.0)


@pytest.fixture
async def shop(make_app: MakeApp, sandbox: Sandbox, mail: MailServer) -> AsyncIterator[Shop]:
    async with opened(make_app, sandbox, smtp_port=mail.port, smtp_security="none") as made:
        yield made


# What is sent


async def test_whoever_paid_gets_one_confirmation_as_text_and_html(shop: Shop, mail: MailServer) -> None:
    invoice = await shop.paid(description="x")
    assert await shop.performer.drain() == 1
    (message,) = mail.messages
    (job,) = await shop.jobs()
    parsed = message.parsed
    assert (message.sender, message.to) == ("orders@shop.example", ["jenny@example.com"])
    assert parsed["From"] == "Shop <orders@shop.example>"
    assert parsed["To"] == "jenny@example.com"
    assert parsed["Subject"] == f"Your order is confirmed: invoice {invoice['number']}"
    assert parsed["Message-ID"] == f"<{job['id']}@shop.example>"
    for kind in ("plain", "html"):
        text = message.part(kind)
        assert "$50.00" in text
        assert invoice["number"] in text
        assert "Jenny Rosen" in text
    assert (job["status"], job["attempts"], job["reason"]) == ("done", 1, None)
    assert await shop.performer.drain() == 0


async def test_the_mail_links_to_our_page_which_forwards_to_stripes(shop: Shop, mail: MailServer) -> None:
    invoice = await shop.paid()
    await shop.performer.drain()
    (message,) = mail.messages
    base, address = shop.container.settings.public_base_url, ""
    for kind in ("plain", "html"):
        text = message.part(kind)
        assert invoice["hosted_invoice_url"] not in text
        (address,) = re.findall(rf"{re.escape(base)}(/pay/plk_[\w.-]+/hosted)", text)
        answer = await shop.client.get(address, headers={"Authorization": ""})
        assert (answer.status_code, answer.headers["Location"]) == (302, invoice["hosted_invoice_url"])
    (link,) = await shop.rows("SELECT * FROM payment_links")
    assert link["expires_at"] - datetime.now(UTC) > timedelta(days=364)
    await shop.client.delete(f"/v1/invoices/{invoice['id']}/payment-link/{link['id']}")
    assert (await shop.client.get(address)).status_code == 403


async def test_a_mail_that_is_written_again_has_the_same_link(shop: Shop, mail: MailServer) -> None:
    mail.answers["DATA"] = ["451 4.3.0 later"]
    await shop.paid()
    await shop.performer.drain()
    await shop.come_due()
    await shop.performer.drain()
    assert len(mail.messages) == 1
    assert len(await shop.rows("SELECT * FROM payment_links")) == 1


async def test_a_debit_is_told_as_pending_first_and_confirmed_when_it_settles(shop: Shop, mail: MailServer) -> None:
    _, intent = await shop.debited()
    await shop.performer.drain()
    await shop.sandbox.settle(intent)
    await shop.tell(*await shop.events())
    await shop.performer.drain()
    assert [str(message.parsed["Subject"]).split(":")[0] for message in mail.messages] == [
        "Your payment is on its way",
        "Your order is confirmed",
    ]
    assert await shop.states() == [("processing", "done"), ("fulfilled", "done")]


@pytest.mark.parametrize(("amount", "said"), [(0, "Nothing was left to pay"), (5000, "Your payment of $50.00")])
async def test_the_confirmation_speaks_of_a_payment_only_where_something_was_paid(
    shop: Shop, mail: MailServer, amount: int, said: str
) -> None:
    invoice = await shop.invoice(amount=amount)
    if amount:
        await shop.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await shop.tell(*await shop.events())
    await shop.performer.drain()
    (message,) = mail.messages
    for kind in ("plain", "html"):
        assert said in message.part(kind)


async def test_an_invoice_credited_in_full_with_nothing_paid_is_canceled_and_confirms_nothing(
    shop: Shop, mail: MailServer
) -> None:
    invoice = await shop.invoice()
    await shop.container.repairing().repair()  # so that its PaymentIntent, which is canceled then, is known
    await shop.dashboard("credit_notes", invoice=invoice["id"], amount=5000)
    await shop.tell(*await shop.events())
    await shop.performer.drain()
    fulfillment = await shop.fulfillment(invoice["id"])
    assert fulfillment is not None
    assert (fulfillment["status"], fulfillment["amount_paid"]) == ("canceled", 0)
    assert (fulfillment["paid_out_of_band"], fulfillment["fulfilled_at"]) == (False, None)
    assert mail.messages == []
    shown = (await shop.client.get(f"/v1/invoices/{invoice['id']}")).json()
    assert (shown["status"], shown["settled_by"]) == ("paid", "credit_note")
    timeline = (await shop.client.get(f"/v1/invoices/{invoice['id']}/timeline")).json()
    assert "A credit note covers all of it" in timeline["unpaid_because"]
    assert await shop.container.repairing().repair() == []


@pytest.mark.parametrize(
    ("amount", "balance", "settled_by", "said"),
    [
        (30, 0, "below_minimum", "$0.30 is too little to be charged by itself: it is added to your next invoice"),
        (-500, 0, "negative_total", "Nothing is to be paid, and $5.00 is kept as your credit"),
        (5000, -9000, "customer_balance", "$50.00 was taken from your credit"),
    ],
)
async def test_the_confirmation_says_why_nothing_was_paid(
    shop: Shop, mail: MailServer, amount: int, balance: int, settled_by: str, said: str
) -> None:
    invoice = await shop.invoice(amount=amount, finalize=False)
    if balance:
        await shop.dashboard(f"customers/{invoice['customer']}", balance=balance)
    await shop.dashboard(f"invoices/{invoice['id']}/finalize")
    await shop.tell(*await shop.events())
    await shop.performer.drain()
    shown = (await shop.client.get(f"/v1/invoices/{invoice['id']}")).json()
    assert (shown["settled_by"], shown["fulfillment"]["status"]) == (settled_by, "fulfilled")
    for kind in ("plain", "html"):
        assert said in " ".join(mail.messages[0].part(kind).split())


async def test_a_part_that_was_paid_and_the_rest_credited_is_fulfilled(shop: Shop) -> None:
    invoice = await shop.invoice()
    terms = {"amount": 2000, "currency": "usd", "customer": invoice["customer"]}
    intent = await shop.dashboard("payment_intents", **terms)
    await shop.dashboard(f"invoices/{invoice['id']}/attach_payment", payment_intent=intent["id"])
    await shop.dashboard(
        f"payment_intents/{intent['id']}/confirm", payment_method="pm_card_visa", return_url="https://shop.example/"
    )
    await shop.dashboard("credit_notes", invoice=invoice["id"], amount=3000)
    await shop.tell(*await shop.events())
    shown = (await shop.client.get(f"/v1/invoices/{invoice['id']}")).json()
    assert (shown["settled_by"], shown["fulfillment"]["status"]) == ("payment", "fulfilled")


async def test_nothing_pending_is_told_after_the_confirmation(shop: Shop, mail: MailServer) -> None:
    _, intent = await shop.debited()
    await shop.sandbox.settle(intent)
    await shop.tell(*await shop.events())
    await shop.performer.drain()
    assert [str(message.parsed["Subject"]).split(":")[0] for message in mail.messages] == ["Your order is confirmed"]
    assert await shop.states() == [("processing", "skipped"), ("fulfilled", "done")]
    assert (await shop.jobs())[0]["reason"] == "The fulfillment is fulfilled by now."


async def test_a_payment_that_settles_while_the_pending_mail_is_on_its_way_stops_it(
    shop: Shop, mail: MailServer
) -> None:
    _, intent = await shop.debited()

    async def settled() -> None:
        await shop.sandbox.settle(intent)
        await shop.tell(*await shop.events())
        assert await shop.performer.run_once() == 0  # the confirmation waits for its predecessor's end

    mail.answers["RCPT"] = [settled]
    await shop.performer.drain()
    assert [str(message.parsed["Subject"]).split(":")[0] for message in mail.messages] == ["Your order is confirmed"]
    assert await shop.states() == [("processing", "skipped"), ("fulfilled", "done")]


async def test_a_debit_that_failed_before_its_mail_was_sent_is_told_when_it_processes_again(
    shop: Shop, mail: MailServer
) -> None:
    invoice, intent = await shop.debited()
    await shop.sandbox.fail(intent)
    await shop.tell(*await shop.events())
    await shop.performer.drain()
    assert await shop.states() == [("processing", "skipped")]
    await shop.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_usBankAccount_success")
    later = [event | {"created": event["created"] + 5} for event in await shop.events("payment_intent.processing")]
    await shop.tell(later[-1])
    await shop.performer.drain()
    assert await shop.states() == [("processing", "done")]
    assert len(mail.messages) == 1


async def test_a_debit_that_comes_back_while_its_notice_is_skipped_is_told_after_all(
    shop: Shop, mail: MailServer, database: Database, eventually: Callable[..., Awaitable[Any]]
) -> None:
    _, intent = await shop.debited()
    await shop.sandbox.fail(intent)
    await shop.tell(*await shop.events())
    changing = await database.connect()
    async with changing.transaction():
        await changing.execute("UPDATE fulfillments SET status = 'processing'")
        working = asyncio.create_task(shop.performer.drain())

        async def waits() -> bool:
            waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%standing%'"
            return bool(await shop.rows(waiting))

        await eventually(waits)
    await working
    await changing.close()
    assert (await shop.states(), len(mail.messages)) == ([("processing", "done")], 1)


async def test_a_process_that_knows_no_mail_server_makes_the_actions_too(
    shop: Shop, mail: MailServer, make_app: MakeApp
) -> None:
    invoice = await shop.invoice()
    await shop.tell(*await shop.events())
    await shop.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    api = await make_app()
    await api.container.payment_links._following.catch_up(invoice["id"])  # the payment page, before any event
    await shop.performer.drain()
    assert (await shop.states(), len(mail.messages)) == ([("fulfilled", "done")], 1)


async def test_a_payment_out_of_band_is_confirmed_without_an_amount_received(shop: Shop, mail: MailServer) -> None:
    invoice = await shop.invoice()
    await shop.dashboard(f"invoices/{invoice['id']}/pay", paid_out_of_band="true")
    await shop.tell(*await shop.events())
    await shop.performer.drain()
    assert "Your payment was received." in mail.messages[0].part("plain")


# Made once


async def test_replays_repairs_and_rebuilds_make_no_second_action(shop: Shop, mail: MailServer) -> None:
    await shop.paid()
    await shop.performer.drain()
    for event in await shop.rows("SELECT id FROM webhook_events"):
        await shop.client.post(f"/v1/webhook-events/{event['id']}/replay")
    await shop.work()
    await shop.container.repairing().repair()
    rebuilt = await shop.container.rebuilder().rebuild(repair=True)
    assert rebuilt.events
    await shop.performer.drain()
    assert await shop.states() == [("fulfilled", "done")]
    assert len(mail.messages) == 1


async def test_what_a_rebuild_puts_right_is_confirmed_once(shop: Shop, mail: MailServer) -> None:
    await shop.rows("DELETE FROM configured_actions")
    invoice = await shop.paid()
    await shop.performer.announce()
    await shop.rows("UPDATE fulfillments SET status = 'awaiting_payment', fulfilled_at = NULL")
    assert (await shop.container.rebuilder().rebuild(repair=True)).repaired == 1
    assert (await shop.fulfillment(invoice["id"]) or {})["status"] == "fulfilled"
    await shop.container.rebuilder().rebuild(repair=True)
    await shop.performer.drain()
    assert len(mail.messages) == 1


async def test_a_payment_found_late_by_the_reconciler_is_confirmed(shop: Shop, mail: MailServer) -> None:
    invoice = await shop.invoice()
    await shop.tell(*await shop.events())
    await shop.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await shop.rows("UPDATE webhook_events SET received_at = received_at - interval '20 days'")
    await shop.container.repairing().repair()
    await shop.performer.drain()
    assert [message.to for message in mail.messages] == [["jenny@example.com"]]


async def test_without_a_mail_server_no_action_is_made(stage: Stage) -> None:
    await stage.container.performer().announce()
    invoice = await stage.invoice()
    await stage.dashboard(f"invoices/{invoice['id']}/pay", payment_method="pm_card_visa")
    await stage.tell(*await stage.events())
    assert await stage.rows("SELECT * FROM fulfillment_actions") == []


async def test_what_was_fulfilled_before_there_was_a_mail_server_is_not_confirmed(shop: Shop, mail: MailServer) -> None:
    await shop.rows("DELETE FROM configured_actions")
    await shop.paid()
    await shop.performer.announce()
    for event in await shop.rows("SELECT id FROM webhook_events"):
        await shop.client.post(f"/v1/webhook-events/{event['id']}/replay")
    await shop.work()
    assert await shop.jobs() == []


async def test_an_action_and_the_change_that_it_follows_are_committed_together(shop: Shop) -> None:
    await shop.rows("ALTER TABLE fulfillment_actions ADD CONSTRAINT broken CHECK (false)")
    invoice = await shop.paid()
    assert (await shop.fulfillment(invoice["id"]) or {"status": None})["status"] != "fulfilled"
    await shop.rows("ALTER TABLE fulfillment_actions DROP CONSTRAINT broken")
    await shop.rows("UPDATE webhook_events SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL")
    await shop.work()
    assert (await shop.fulfillment(invoice["id"]) or {})["status"] == "fulfilled"
    assert await shop.states() == [("fulfilled", "pending")]


# To whom


async def test_the_address_is_the_one_of_the_moment_it_is_sent(shop: Shop, mail: MailServer) -> None:
    invoice = await shop.paid()
    await shop.emailed(invoice["customer"], "new@example.com")
    await shop.performer.drain()
    assert mail.messages[0].to == ["new@example.com"]


@pytest.mark.parametrize(
    ("email", "status", "reason"),
    [
        (None, "skipped", "The customer has no email address."),
        ("nobody", "dead", "The customer's email address is none that mail can be sent to."),
        ("a@b.example\r\nBcc: c@d.example", "dead", "The customer's email address is none that mail can be sent to."),
        ("a@b.example, c@d.example", "dead", "The customer's email address is none that mail can be sent to."),
    ],
)
async def test_whoever_cannot_be_mailed_is_not(
    shop: Shop, mail: MailServer, email: str | None, status: str, reason: str
) -> None:
    invoice = await shop.paid()
    await shop.emailed(invoice["customer"], email)
    await shop.performer.drain()
    (job,) = await shop.jobs()
    assert (job["status"], job["reason"], mail.sessions) == (status, reason, 0)


async def test_an_erased_customer_is_not_mailed_and_nothing_personal_is_left_of_the_action(
    shop: Shop, mail: MailServer
) -> None:
    invoice = await shop.paid()
    await shop.rows("UPDATE fulfillment_actions SET reason = 'Jenny Rosen does not like it'")
    await shop.sandbox.dashboard.delete(f"/v1/customers/{invoice['customer']}")
    await shop.tell(*await shop.events())
    assert (await shop.jobs())[0]["reason"] is None
    await shop.performer.drain()
    (job,) = await shop.jobs()
    assert (job["status"], job["reason"], mail.sessions) == ("skipped", "The customer is erased.", 0)


async def test_a_customer_who_is_not_known_yet_is_waited_for(shop: Shop, mail: MailServer) -> None:
    invoice = await shop.paid()
    await shop.rows("DELETE FROM customers WHERE id = $1", invoice["customer"])
    await shop.performer.drain()
    assert await shop.states() == [("fulfilled", "failed")]
    await shop.tell(*await shop.events("customer.created"))
    await shop.rows(
        "UPDATE webhook_events SET status = 'received', next_attempt_at = now() WHERE type LIKE 'customer%'"
    )
    await shop.work()
    await shop.come_due()
    await shop.performer.drain()
    assert len(mail.messages) == 1


async def test_nothing_of_a_customer_can_become_a_header_or_markup(shop: Shop, mail: MailServer) -> None:
    invoice = await shop.paid()
    name = "Eve\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>"
    await shop.rows("UPDATE customers SET name = $2 WHERE id = $1", invoice["customer"], name)
    await shop.rows("UPDATE invoices SET number = $2, reference = $3 WHERE id = $1", invoice["id"], f"1{name}", name)
    await shop.performer.drain()
    (message,) = mail.messages
    assert message.to == ["jenny@example.com"]
    assert message.parsed["Bcc"] is None
    assert "Eve Bcc: victim@example.com" in message.parsed["Subject"]
    assert "<script>" not in message.part("html")
    assert "&lt;script&gt;" in message.part("html")


# What the mail server says


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
async def test_a_refusal_that_stands_sets_it_aside_with_the_code_and_without_the_address(
    shop: Shop, mail: MailServer, step: str, logged: Callable[[], str]
) -> None:
    mail.answers[step] = ["550 5.1.1 <jenny@example.com> is unknown"]
    await shop.paid()
    await shop.performer.drain()
    (job,) = await shop.jobs()
    told = {"MAIL": "MAIL FROM", "RCPT": "RCPT TO", "DATA": "DATA"}[step]
    assert (job["status"], job["reason"]) == ("dead", f"The mail server answered 550 5.1.1 to {told}.")
    said = logged()
    assert job["id"] in said
    assert "jenny@" not in said


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
async def test_a_refusal_for_now_is_tried_again_later(shop: Shop, mail: MailServer, step: str) -> None:
    mail.answers[step] = ["451 4.7.1 greylisted"]
    await shop.paid()
    await shop.performer.drain()
    (job,) = await shop.jobs()
    assert (job["status"], job["attempts"], mail.messages) == ("failed", 1, [])
    assert "451 4.7.1" in job["reason"]
    assert await shop.performer.drain() == 0
    await shop.come_due()
    await shop.performer.drain()
    (job,) = await shop.jobs()
    assert (job["status"], job["attempts"], len(mail.messages)) == ("done", 2, 1)


async def test_a_server_that_is_away_is_tried_again_and_at_last_given_up(shop: Shop, mail: MailServer) -> None:
    await shop.paid()
    await mail.stop()
    pauses = []
    for _ in range(MOST_ATTEMPTS):
        await shop.performer.drain()
        (row,) = await shop.rows(
            "SELECT extract(epoch FROM next_attempt_at - now())::float8 AS s FROM fulfillment_actions"
        )
        pauses.append(row["s"])
        await shop.come_due()
    (job,) = await shop.jobs()
    assert (job["status"], job["attempts"], pauses[-1]) == ("dead", MOST_ATTEMPTS, None)
    assert "ConnectError" in job["reason"]
    assert all(0 < pause <= 5 * 3**number for number, pause in enumerate(pauses[:5]))
    await mail.start()
    assert await shop.performer.drain() == 0
    answer = await shop.client.post(f"/v1/fulfillment-actions/{job['id']}/retry")
    assert (answer.status_code, answer.json()["status"], answer.json()["attempts"]) == (202, "pending", 0)
    await shop.performer.drain()
    assert len(mail.messages) == 1


async def test_a_server_that_says_nothing_is_not_waited_for(shop: Shop, mail: MailServer) -> None:
    mail.answers["RCPT"] = [HANG]
    await shop.paid()
    await shop.impatient(timeout_s=0.3).run_once()
    (job,) = await shop.jobs()
    assert (job["status"], job["reason"]) == ("failed", "The mail server took longer than 0.3 s to begin.")


@pytest.mark.parametrize("how", [HANG, DROP])
async def test_a_message_whose_acceptance_is_not_heard_comes_twice_with_one_message_id(
    shop: Shop, mail: MailServer, how: str
) -> None:
    mail.answers["DATA"] = [how]
    await shop.paid()
    await shop.impatient(acceptance_s=0.3).run_once()
    assert await shop.states() == [("fulfilled", "failed")]
    await shop.come_due()
    await shop.performer.drain()
    assert await shop.states() == [("fulfilled", "done")]
    assert len(mail.messages) == 2
    assert len(set(mail.ids)) == 1


async def test_a_slow_acceptance_is_waited_for_and_the_mail_comes_once(shop: Shop, mail: MailServer) -> None:
    async def slowly() -> None:
        held = await shop.rows("SELECT next_attempt_at > now() + interval '9 minutes' AS held FROM fulfillment_actions")
        assert held == [{"held": True}]

    mail.answers["DATA"] = [slowly]
    await shop.paid()
    await shop.performer.drain()
    assert (await shop.states(), len(mail.messages)) == ([("fulfilled", "done")], 1)


async def test_a_connection_that_breaks_after_the_acceptance_does_not_send_it_again(
    shop: Shop, mail: MailServer
) -> None:
    quitting = list(mail._open)

    async def taken() -> None:
        quitting.extend(mail._open)

    mail.answers["DATA"] = [taken]
    await shop.paid()
    done = action_statements.done

    async def break_first(connection: Any, due: DueAction) -> None:
        for protocol in quitting:
            assert protocol.transport is not None
            protocol.transport.abort()  # type: ignore[attr-defined]
        await done(connection, due)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(action_statements, "done", break_first)
        await shop.performer.drain()
    assert (await shop.states(), len(mail.messages)) == ([("fulfilled", "done")], 1)


# TLS and authentication


@pytest.fixture
async def safe_shop(make_app: MakeApp, sandbox: Sandbox, tls_mail: MailServer) -> AsyncIterator[Shop]:
    who: Json = {"smtp_username": USERNAME, "smtp_password": SecretStr(PASSWORD)}
    async with opened(make_app, sandbox, smtp_port=tls_mail.port, **who) as made:
        yield made


async def test_mail_goes_by_starttls_and_with_a_password(safe_shop: Shop, tls_mail: MailServer) -> None:
    await safe_shop.paid()
    await safe_shop.performer.drain()
    assert (await safe_shop.states(), len(tls_mail.messages)) == ([("fulfilled", "done")], 1)


async def test_a_certificate_nobody_vouches_for_ends_the_session_before_the_password(
    safe_shop: Shop, tls_mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    safe_shop.performer = safe_shop.container.performer()
    await safe_shop.paid()
    await safe_shop.performer.drain()
    (job,) = await safe_shop.jobs()
    assert (job["status"], tls_mail.messages) == ("failed", [])
    assert "CERTIFICATE_VERIFY_FAILED" in job["reason"]


async def test_a_password_that_is_wrong_is_no_fault_of_the_message(
    make_app: MakeApp, sandbox: Sandbox, tls_mail: MailServer
) -> None:
    who: Json = {"smtp_username": USERNAME, "smtp_password": SecretStr("another")}
    async with opened(make_app, sandbox, smtp_port=tls_mail.port, **who) as shop:
        await shop.paid()
        await shop.performer.drain()
        (job,) = await shop.jobs()
    assert (job["status"], job["reason"]) == ("failed", "The mail server answered 535 5.7.8 to connecting.")


async def test_a_server_that_cannot_starttls_gets_nothing(
    make_app: MakeApp, sandbox: Sandbox, mail: MailServer
) -> None:
    async with opened(make_app, sandbox, smtp_port=mail.port) as shop:
        await shop.paid()
        await shop.performer.drain()
        assert (await shop.states(), mail.messages) == ([("fulfilled", "failed")], [])


# Whoever dies


async def test_a_worker_that_dies_anywhere_leaves_a_mail_that_comes_at_least_once_and_known_as_one(
    shop: Shop, mail: MailServer
) -> None:
    await shop.paid()
    (job,) = await shop.jobs()
    ends, at, outcome = set(), 0, DIED
    while outcome is DIED:
        at += 1
        await shop.rows(
            "UPDATE fulfillment_actions SET status = 'pending', attempts = 0, lost = 0, reason = NULL, "
            "next_attempt_at = now(), finished_at = NULL"
        )
        mail.messages.clear()
        async with shop.container.database.connection() as connection:
            (due,) = await action_statements.claim(connection, "email", 1, timedelta(minutes=5))
        attempt = Attempt(shop.container.database, due, 300)
        outcome = await Process(shop.container).run(shop.performer._try(attempt), dies_at=at)
        await shop.container.database.close()
        await shop.container.database.open()
        after_death = len(mail.messages)
        await shop.come_due()
        await shop.performer.drain()
        ends.add((after_death, len(mail.messages), (await shop.jobs())[0]["status"]))
        assert set(mail.ids) == {f"<{job['id']}@shop.example>"}
    # Died before the server had it: one mail. After it was accepted and before the mark: two. After the mark: one.
    assert ends == {(0, 1, "done"), (1, 2, "done"), (1, 1, "done")}


async def test_an_action_that_was_taken_over_is_not_sent_by_whom_it_was_taken_from(
    shop: Shop, mail: MailServer
) -> None:
    async def taken_over() -> None:
        await shop.rows("UPDATE fulfillment_actions SET attempts = attempts + 1")

    mail.answers["RCPT"] = [taken_over]
    await shop.paid()
    await shop.performer.drain()
    (job,) = await shop.jobs()
    assert (job["status"], job["attempts"], mail.messages) == ("running", 2, [])


async def test_hold_of_what_is_not_ours_raises(shop: Shop) -> None:
    await shop.paid()
    async with shop.container.database.connection() as connection:
        (due,) = await action_statements.claim(connection, "email", 1, timedelta(minutes=5))
    with pytest.raises(LeaseLost):
        await Attempt(shop.container.database, replace(due, attempts=7), 10).hold(1)


async def test_a_mark_waits_for_a_database_that_is_away_and_the_mail_comes_once(shop: Shop, mail: MailServer) -> None:
    away = asyncio.Event()

    async def cut() -> None:
        await shop.container.database.close()
        away.set()

    mail.answers["DATA"] = [cut]
    await shop.paid()
    working = asyncio.create_task(shop.performer.drain())
    await away.wait()
    await shop.container.database.open()
    await working
    assert (await shop.states(), len(mail.messages)) == ([("fulfilled", "done")], 1)


async def test_what_its_workers_died_over_is_given_up_and_the_others_go_on(shop: Shop, mail: MailServer) -> None:
    await shop.paid()
    (poison,) = await shop.jobs()
    async with shop.container.database.connection() as connection:
        (first,) = await action_statements.claim(connection, "email", 4, timedelta())
        assert first.attempts == 1
        for lost in range(1, 5):
            due, given_up = await action_statements.claim_back(connection, ["email"], timedelta(), 5)
            assert (due and due.attempts, given_up) == (lost + 1, None)
    await shop.paid()
    await shop.performer.drain()
    by_id = {job["id"]: job for job in await shop.jobs()}
    given_up_row = by_id.pop(poison["id"])
    assert (given_up_row["status"], given_up_row["attempts"], given_up_row["lost"]) == ("dead", 5, 5)
    assert {job["status"] for job in by_id.values()} == {"done"}
    assert len(mail.messages) == 1


# What people see and do


async def test_the_timeline_tells_of_it(shop: Shop, mail: MailServer) -> None:
    invoice = await shop.paid()
    await shop.performer.drain()
    found = (await shop.client.get(f"/v1/invoices/{invoice['id']}/timeline")).json()
    (entry,) = [entry for entry in found["data"] if entry["kind"] == "action"]
    assert entry["what"] == "email"
    assert (entry["data"]["moment"], entry["data"]["status"], entry["data"]["attempts"]) == ("fulfilled", "done", 1)
    assert "jenny" not in str(entry)


async def test_what_is_done_is_never_done_again_by_a_retry(shop: Shop, mail: MailServer) -> None:
    await shop.paid()
    await shop.performer.drain()
    (job,) = await shop.jobs()
    answer = await shop.client.post(f"/v1/fulfillment-actions/{job['id']}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_state")
    assert answer.json()["detail"] == "The action is done: there is nothing to try again."
    assert (await shop.client.post("/v1/fulfillment-actions/act_none/retry")).status_code == 404
    audit = (await shop.client.get("/v1/audit-log", params={"action": "retry_fulfillment_action"})).json()["data"]
    assert [entry["subject"] for entry in audit] == ["act_none", job["id"]]


async def test_actions_are_listed_by_what_they_are_about(shop: Shop, mail: MailServer) -> None:
    mail.answers["RCPT"] = ["550 5.1.1 no"]
    first, second = await shop.paid(), await shop.paid()
    await shop.performer.drain()
    listed = (await shop.client.get("/v1/fulfillment-actions", params={"invoice": first["id"]})).json()["data"]
    assert [(one["invoice"], one["action"], one["moment"]) for one in listed] == [(first["id"], "email", "fulfilled")]
    statuses = {}
    for status in ("dead", "done", "pending"):
        found = (await shop.client.get("/v1/fulfillment-actions", params={"status": status})).json()["data"]
        statuses[status] = len(found)
    assert statuses == {"dead": 1, "done": 1, "pending": 0}
    one = (await shop.client.get(f"/v1/fulfillment-actions/{listed[0]['id']}")).json()
    assert one["fulfillment"] == f"ful_{first['id'].removeprefix('in_')}"
    assert second["id"] in {one["invoice"] for one in (await shop.client.get("/v1/fulfillment-actions")).json()["data"]}
