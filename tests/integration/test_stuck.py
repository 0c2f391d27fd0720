"""Invoices about which a person must do something: which they are, in which order, and what the timeline says of them."""

from __future__ import annotations

from typing import Any

import pytest

from app.invoices import next_steps, stuck
from app.invoices.queries import InvoicesQuery
from bench import rows
from tests.fixtures.postgres import Database
from tests.fixtures.stage import Stage
from tests.integration.test_plans import MANY, Explained, scanned

Json = dict[str, Any]


async def listed(stage: Stage, **query: Any) -> list[str]:
    answer = await stage.client.get("/v1/invoices", params={"stuck": "true", **query})
    assert answer.status_code == 200, answer.text
    return [invoice["id"] for invoice in answer.json()["data"]]


async def timeline(stage: Stage, invoice: str) -> Json:
    return dict((await stage.client.get(f"/v1/invoices/{invoice}/timeline")).json())


async def to_charge(stage: Stage) -> Json:
    """An open invoice that Stripe charges, and a card of its customer's that is declined."""
    customer = (await stage.dashboard("customers", email="jenny@example.com"))["id"]
    card = await stage.dashboard("payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    invoice = await stage.dashboard("invoices", customer=customer, collection_method="charge_automatically")
    await stage.dashboard("invoiceitems", customer=customer, invoice=invoice["id"], amount=500, currency="usd")
    return await stage.dashboard(f"invoices/{invoice['id']}/finalize") | {"declined": card["id"]}


async def overdue(stage: Stage, invoice: str, days: int) -> None:
    """Let the due date have passed, and let the row follow as it does with any change."""
    await stage.rows(
        "UPDATE invoices SET due_at = now() - make_interval(days => $2), next_step = NULL WHERE id = $1", invoice, days
    )
    assert await next_steps.find_missing(stage.container.database) == 1


async def test_what_needs_a_person_is_listed_oldest_money_first_and_leaves_once_it_is_done(stage: Stage) -> None:
    waiting, late, later = [(await stage.invoice())["id"] for _ in range(3)]
    charged = await to_charge(stage)
    await stage.dashboard(f"invoices/{charged['id']}/pay", payment_method=charged["declined"])
    await stage.tell(*await stage.events())
    await overdue(stage, late, 10)
    await overdue(stage, later, 3)
    assert await listed(stage) == [late, later, charged["id"]]
    first = (await stage.client.get("/v1/invoices", params={"stuck": "true", "limit": 1})).json()
    assert ([it["id"] for it in first["data"]], first["has_more"]) == ([late], True)
    assert await listed(stage, cursor=first["next_cursor"]) == [later, charged["id"]]
    assert await listed(stage, customer=charged["customer"]) == [charged["id"]]
    told = await timeline(stage, late)
    assert (told["next_step"], told["next_step_by"]) == ("contact_customer", "operator")
    assert told["what_to_do"] == "Contact the customer: it is not paid in time."
    told = await timeline(stage, charged["id"])
    assert (told["next_step"], told["next_step_by"]) == ("ask_for_payment_method", "operator")
    assert (await timeline(stage, waiting))["next_step"] == "pay"
    await stage.dashboard(f"invoices/{charged['id']}/pay", payment_method="pm_card_visa")
    await stage.dashboard(f"invoices/{late}/void")
    await stage.tell(*await stage.events())
    assert await listed(stage) == [later]
    assert (await timeline(stage, late))["next_step"] == "none"
    row = await stage.row("invoices", charged["id"])
    assert row is not None
    assert (row["status"], row["next_step"], row["stuck_since"]) == ("paid", "none", None)


async def test_a_decline_is_told_with_advice(stage: Stage) -> None:
    invoice = (await stage.invoice())["id"]
    method = "pm_card_visa_chargeDeclinedInsufficientFunds"
    await stage.dashboard(f"invoices/{invoice}/pay", payment_method=method)
    await stage.tell(*await stage.events())
    told = await timeline(stage, invoice)
    assert (told["next_step"], told["next_step_by"]) == ("try_another_payment_method", "payer")
    assert told["what_to_do"] == "The payer tries another payment method."
    assert await listed(stage) == []


async def test_a_dispute_to_answer_is_listed_until_it_is_answered(stage: Stage) -> None:
    invoice = (await stage.invoice())["id"]
    await stage.dashboard(f"invoices/{invoice}/pay", payment_method="pm_card_createDispute")
    await stage.tell(*await stage.events())
    told = await timeline(stage, invoice)
    assert told["next_step"] == "answer_dispute"
    assert told["what_to_do"].startswith("Answer the dispute in Stripe's Dashboard by 20")
    assert await listed(stage) == [invoice]
    dispute = (await stage.event("charge.dispute.created"))["data"]["object"]["id"]
    await stage.dashboard(
        f"disputes/{dispute}", **{"evidence[uncategorized_text]": "It was delivered.", "submit": "true"}
    )
    await stage.tell(*await stage.events())
    assert await listed(stage) == []
    assert (await timeline(stage, invoice))["next_step"] in {"wait", "none"}


async def test_dead_events_come_before_anything_else(stage: Stage) -> None:
    invoice = (await stage.invoice())["id"]
    await stage.tell(*await stage.events())
    await stage.rows("UPDATE webhook_events SET status = 'dead', next_attempt_at = NULL WHERE object_id = $1", invoice)
    told = await timeline(stage, invoice)
    assert (told["next_step"], told["next_step_by"]) == ("replay_events", "operator")


@pytest.mark.parametrize(
    ("query", "param"),
    [({"status": "open"}, "status"), ({"cursor": "bm9wZQ"}, "cursor"), ({"overdue": "true"}, "overdue")],
)
async def test_what_does_not_go_with_it_is_refused(stage: Stage, query: Json, param: str) -> None:
    answer = await stage.client.get("/v1/invoices", params={"stuck": "true", **query})
    assert (answer.status_code, answer.json()["param"]) == (422, param)


async def test_a_cursor_is_of_one_list_only(stage: Stage) -> None:
    for days in (1, 2):
        invoice = (await stage.invoice())["id"]
        await stage.tell(*await stage.events())
        await overdue(stage, invoice, days)
    for query in ({"stuck": "true"}, {}):
        page = (await stage.client.get("/v1/invoices", params={"limit": 1, **query})).json()
        other = {} if query else {"stuck": "true"}
        answer = await stage.client.get("/v1/invoices", params={"cursor": page["next_cursor"], **other})
        assert answer.status_code == 422, query


async def test_the_list_reads_its_own_index_alone(database: Database) -> None:
    connection = await database.connect()
    await rows.invoices(connection, MANY)
    await connection.execute(
        "UPDATE invoices SET stuck_since = created_at, next_step = 'contact_customer', status = 'open' "
        "WHERE id IN (SELECT id FROM invoices ORDER BY id LIMIT 200)"
    )
    await connection.execute("ANALYZE invoices")
    asked = Explained(connection)
    plans: list[str] = []

    class Kept(Explained):
        async def fetch(self, statement: str, *arguments: object) -> list[Any]:
            found = await super().fetch(statement, *arguments)
            plans.append(self.plan)
            return found

    asked = Kept(connection)
    await stuck.page(asked, InvoicesQuery(stuck=True), None)  # type: ignore[arg-type]
    assert "Index Scan using ix_invoices_stuck" in plans[0], plans[0]
    assert "Sort" not in plans[0]
    for plan in plans:
        assert not await scanned(connection, plan), plan
    await connection.close()
