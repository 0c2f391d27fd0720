"""A customer that is deleted is erased: at Stripe, in its row, and in everything that was stored about it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import time_machine
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from app.background import jobs
from app.domain.erasure import PERSONAL, PREVIOUS, pseudonymised
from app.jobs.housekeeper import Housekeeper
from app.projection import erasure
from app.projection.erasure import NAME
from tests.fixtures.caller import Caller
from tests.fixtures.postgres import Database, dumped
from tests.fixtures.sandbox import Sandbox

PERSON = {
    "name": "Jenny Rosenblatt",
    "email": "jenny.rosenblatt@mail.example",
    "phone": "+4930123456",
    "description": "likes tulips",
    "address": {"line1": "Tulip Street 7", "city": "Berlin"},
    "metadata": {"nickname": "jenny-r"},
    "reference": "person-jenny",
    "payment_method": "pm_card_visa",
}
TRACES = ("Rosenblatt", "rosenblatt", "30123456", "tulips", "Tulip", "jenny-r", "person-jenny")


async def dump(database: Database) -> str:
    """Every row of every table."""
    return "\n".join((await dumped(database.url)).values())


async def traces_in(database: Database, traces: Iterable[str] = TRACES) -> list[str]:
    found = await dump(database)
    return [trace for trace in traces if trace in found]


async def sweep_as_housekeeper(app: FastAPI) -> None:
    """What a worker does each hour, now."""
    keeper = next(job for job in jobs(app.state.container) if isinstance(job, Housekeeper))
    tasks = [task for task in keeper._tasks if task.name in {"sweep_erased", "scrub_documents"}]
    keeper = Housekeeper(app.state.container.database, tasks)
    assert sorted(await keeper.run_once()) == ["scrub_documents", "sweep_erased"]
    keeper.stop()
    await keeper.run()  # which frees what makes it the housekeeper


async def test_nothing_personal_is_left_of_a_deleted_customer_and_its_invoices_stay(
    live: Caller, app: FastAPI, database: Database, sandbox: Sandbox
) -> None:
    customer = await live.post("/v1/customers", PERSON)
    invoice = await live.post(
        "/v1/invoices",
        {
            "customer": customer["id"],
            "days_until_due": 30,
            "items": [{"amount": 2000, "currency": "usd", "description": "Consulting"}],
            "finalize": True,
        },
    )
    paid = await live.post(f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})
    await live.settled()
    before = await dump(database)
    assert all(trace in before for trace in TRACES)
    await live.client.delete(f"/v1/customers/{customer['id']}")
    await live.settled()
    await sweep_as_housekeeper(app)
    after = await dump(database)
    assert [trace for trace in TRACES if trace in after] == []
    assert (await live.client.get(f"/v1/customers/{customer['id']}")).status_code == 404
    kept = (await live.client.get(f"/v1/invoices/{invoice['id']}")).json()
    assert (kept["total"], kept["number"], kept["customer"]) == (2000, paid["number"], customer["id"])
    state = (await sandbox.state()).get("customers", [])
    assert not [one for one in state if one["id"] == customer["id"] and one.get("email")]
    entries = (await live.client.get("/v1/audit-log", params={"subject": customer["id"]})).json()["data"]
    assert {"delete_customer", "erase_customer"} <= {entry["action"] for entry in entries}


async def test_the_answer_to_a_replay_forgets_whom_its_event_was_about(live: Caller, database: Database) -> None:
    customer = await live.post("/v1/customers", PERSON)
    await live.settled()
    events = await live.every("/v1/webhook-events", type="customer.created")
    await live.post(f"/v1/webhook-events/{events[0]['id']}/replay")
    await live.settled()
    await live.delete(f"/v1/customers/{customer['id']}")
    await live.settled()
    assert await traces_in(database) == []


async def test_a_customer_deleted_in_the_dashboard_is_erased_as_well(
    live: Caller, database: Database, sandbox: Sandbox
) -> None:
    customer = await live.post("/v1/customers", PERSON)
    await live.settled()
    await sandbox.dashboard.delete(f"/v1/customers/{customer['id']}")
    await live.settled()
    assert await traces_in(database) == []
    # Its reference is free again.
    again = await live.post("/v1/customers", {"reference": "person-jenny"})
    assert again["id"] != customer["id"]


async def test_others_are_left_as_they_are(live: Caller, app: FastAPI, database: Database) -> None:
    jenny = await live.post("/v1/customers", PERSON)
    other = await live.post("/v1/customers", {"name": "Oscar Grouch", "email": "oscar@mail.example"})
    await live.settled()
    await live.client.delete(f"/v1/customers/{jenny['id']}")
    await live.settled()
    await erasure.sweep(app.state.container.database)
    assert (await live.client.get(f"/v1/customers/{other['id']}")).json()["email"] == "oscar@mail.example"
    assert (await dump(database)).count("oscar@mail.example") >= 2  # its row, and the event it came with


async def test_an_event_under_way_is_not_waited_for_and_swept_later(
    live: Caller, app: FastAPI, database: Database
) -> None:
    with time_machine.travel(timedelta(hours=3), tick=True):  # on a machine whose clock is wrong
        await erasure.sweep(app.state.container.database)
    customer = await live.post("/v1/customers", PERSON)
    await live.settled()
    connection = await database.connect()
    async with connection.transaction():  # as a worker does, which then waits for the customer's lock
        await connection.fetch("SELECT FROM webhook_events FOR UPDATE")
        await live.delete(f"/v1/customers/{customer['id']}")
    await connection.close()
    assert "tulips" in await dump(database)
    await live.settled()
    await sweep_as_housekeeper(app)
    assert await traces_in(database) == []


async def test_what_arrives_after_the_erasure_is_swept_and_what_was_swept_is_not_read_again(
    live: Caller, app: FastAPI, database: Database, sandbox: Sandbox
) -> None:
    await sweep_as_housekeeper(app)
    await sandbox.mode(hold=True)
    customer = await live.post("/v1/customers", PERSON)
    await live.delete(f"/v1/customers/{customer['id']}")
    assert await traces_in(database) == []
    await sandbox.release()
    await live.settled()
    assert "tulips" in await dump(database)
    connection = await database.connect()
    await connection.execute("UPDATE webhook_events SET received_at = now() - interval '3 days'")
    await connection.execute("UPDATE customers SET deleted_at = now() - interval '3 days'")
    assert await erasure.sweep(app.state.container.database) == 0  # it looks at what came since the last time
    assert await erasure.sweep(app.state.container.database, everything=True) > 0
    assert await traces_in(database) == []
    assert await connection.fetchval("SELECT complete_until < now() FROM coverage WHERE name = $1", NAME)
    await connection.close()


async def test_a_refund_told_long_after_the_erasure_is_swept(live: Caller, app: FastAPI, database: Database) -> None:
    customer = await live.post("/v1/customers", PERSON)
    invoice = await live.post(
        "/v1/invoices",
        {
            "customer": customer["id"],
            "days_until_due": 30,
            "items": [{"amount": 2000, "currency": "usd", "description": "Consulting"}],
            "finalize": True,
        },
    )
    await live.post(f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})
    await live.settled()
    await live.post(f"/v1/invoices/{invoice['id']}/refunds", {"amount": 500})
    await live.settled()
    await live.delete(f"/v1/customers/{customer['id']}")
    await live.settled()
    await sweep_as_housekeeper(app)
    connection = await database.connect()
    await connection.execute("UPDATE customers SET deleted_at = now() - interval '3 days'")
    await connection.execute(  # as a later event says where the customer is told how to get the money
        """UPDATE webhook_events SET payload = jsonb_set(
             payload::jsonb #- '{data,object,customer}', '{data,object,instructions_email}', '"jenny.rosenblatt@mail.example"'
           )::text WHERE object_id LIKE 're_%'"""
    )
    await connection.close()
    assert "rosenblatt" in await dump(database)
    await erasure.sweep(app.state.container.database)
    assert "rosenblatt" not in await dump(database)


async def test_a_change_that_was_under_way_leaves_nothing_when_it_is_answered_after_the_erasure(
    live: Caller, app: FastAPI, database: Database, sandbox: Sandbox
) -> None:
    customer = await live.post("/v1/customers", PERSON)
    path, key = f"/v1/customers/{customer['id']}", {"Idempotency-Key": "under-way"}
    change = {"name": "Jenny Rosenblatt", "description": "likes tulips", "metadata": {"nickname": "jenny-r"}}
    await sandbox.fault("POST", path, kind="status", status=503, times=20)
    assert (await live.client.patch(path, json=change, headers=key)).status_code >= 500
    await sandbox.clear_faults()
    await live.delete(path)
    await live.settled()
    await sweep_as_housekeeper(app)
    assert "tulips" in await dump(database)  # what is still to be done
    answered = await live.client.patch(path, json=change, headers=key)
    assert answered.is_client_error
    assert await traces_in(database) == []


async def test_what_was_asked_is_forgotten_once_it_is_answered(live: Caller, database: Database) -> None:
    await live.post("/v1/customers", PERSON)
    await live.refused("POST", "/v1/customers", 409, "reference_taken", PERSON)
    elsewhere = {"payment_record_data": {"display_name": "Tulip cheque"}}  # which is noted before Stripe is asked
    await live.post(f"/v1/invoices/{(await live.open())['id']}/attach-payment", elsewhere)
    connection = await database.connect()
    stored = await connection.fetch("SELECT params, progress FROM operations")
    assert len(stored) > 3
    assert not [row for row in stored if row["params"] != "{}" or "Tulip" in row["progress"]]
    await connection.close()


BEFORE = {
    **PERSON,
    "invoice_settings": {"custom_fields": [{"name": "Tulip club", "value": "member"}], "footer": "Tulip friend"},
}
AFTER = {
    "name": "Olga Orchid",
    "email": "olga@orchid.example",
    "phone": "+4930777777",
    "description": "likes orchids",
    "address": {"line1": "Orchid Lane 9", "city": "Potsdam"},
    "metadata": {"nickname": None, "called": "orchid-o"},
    "invoice_settings": {"custom_fields": [{"name": "Orchid club", "value": "member"}], "footer": "Orchid friend"},
}
NOT_OURS = {"shipping[name]": "Tulip Receiver", "shipping[address][line1]": "Tulip Street 8"}
"""What only Stripe's dashboard changes."""
ALL_TRACES = (*TRACES, "Orchid", "orchid", "30777777", "Potsdam", "Berlin")


async def changed_customer(live: Caller, sandbox: Sandbox) -> str:
    """A customer of which every field was changed, and changed again."""
    customer = (await live.post("/v1/customers", BEFORE))["id"]
    for fields in (NOT_OURS, {name: f"{value} b" for name, value in NOT_OURS.items()}):
        await sandbox.dashboard.post(f"/v1/customers/{customer}", data=fields)
    await live.patch(f"/v1/customers/{customer}", AFTER)
    await live.patch(f"/v1/customers/{customer}", {name: BEFORE[name] for name in AFTER})
    await live.settled()
    return str(customer)


async def test_nothing_is_left_of_what_fields_of_an_erased_customer_were_before(
    live: Caller, database: Database, sandbox: Sandbox
) -> None:
    customer = await changed_customer(live, sandbox)
    before = await dump(database)
    assert [trace for trace in ALL_TRACES if trace not in before] == []
    await live.delete(f"/v1/customers/{customer}")
    await live.settled()
    assert {
        column: [trace for trace in ALL_TRACES if trace in text]
        for column, text in (await dumped(database.url)).items()
        if any(trace in text for trace in ALL_TRACES)
    } == {}


async def test_what_the_release_before_left_of_an_erased_customer_is_swept_once(
    live: Caller, app: FastAPI, database: Database, sandbox: Sandbox
) -> None:
    customer = await changed_customer(live, sandbox)
    connection = await database.connect()
    events = await connection.fetch("SELECT id, payload FROM webhook_events WHERE type = 'customer.updated'")
    await live.delete(f"/v1/customers/{customer}")
    await live.settled()
    left = {"description": "likes tulips", "metadata": {"nickname": "jenny-r"}}
    for row in events:  # as that release scrubbed them, days ago, and swept
        payload = pseudonymised(msgspec.json.decode(row["payload"]))
        payload["data"]["previous_attributes"] |= left
        await connection.execute(
            "UPDATE webhook_events SET payload = $2, received_at = now() - interval '3 days' WHERE id = $1",
            row["id"],
            msgspec.json.encode(payload).decode(),
        )
    action = {"return_url": f"https://pay.example/pay/plk_{'0a' * 16}.in_1.1796638892.Xk3/complete"}
    link = {"data": {"object": {"object": "payment_intent", "next_action": action}}}  # of nobody who was erased
    await connection.execute(
        """INSERT INTO webhook_events (id, type, created_at, livemode, status, next_attempt_at, payload, source)
           VALUES ('evt_link', 'payment_intent.requires_action', now(), false, 'ignored', NULL, $1, 'delivery')""",
        msgspec.json.encode(link).decode(),
    )
    await connection.execute("INSERT INTO coverage (name, complete_until) VALUES ('erasure', now())")
    await connection.execute("UPDATE customers SET deleted_at = now() - interval '2 days'")
    assert "tulips" in await dump(database)
    await sweep_as_housekeeper(app)
    assert await traces_in(database, (*ALL_TRACES, "plk_")) == []
    assert await erasure.sweep(app.state.container.database) == 0
    await connection.close()


def test_previous_attributes_are_of_the_kind_of_the_object_beside_them() -> None:
    def before(kind: str, **fields: Any) -> Any:
        return pseudonymised({"object": {"object": kind, "id": "x"}, PREVIOUS: fields})[PREVIOUS]

    person = {"description": "x", "metadata": {"a": "b"}, "invoice_settings": {"footer": "x"}, "name": "x"}
    assert before("customer", **person) == {"description": None, "metadata": {}, "invoice_settings": {}, "name": None}
    assert before("product", name="Consulting", description="x") == {"name": "Consulting", "description": "x"}
    assert before("invoice", customer_name="x", total=5) == {"customer_name": None, "total": 5}
    assert before("tax_id", value="DE123456789") == {"value": None}
    paid = {"type": "paypal", "paypal": {"payer_email": "x", "payer_name": "x"}}
    told = {"display_details": {"email_sent": {"email_sent_to": "x"}}}
    assert before("refund", next_action=told)["next_action"] == {
        "display_details": {"email_sent": {"email_sent_to": None}}
    }
    assert before("charge", payment_method_details=paid) == {"payment_method_details": {"type": "paypal", "paypal": {}}}
    assert pseudonymised({PREVIOUS: {"name": "x", "total": 5}}) == {PREVIOUS: {"name": None, "total": 5}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "object", "data", "total", *sorted(PERSONAL)]), inner, max_size=4)
    ),
    max_leaves=20,
)


def personal_values(document: Any) -> list[Any]:
    if isinstance(document, list):
        return [value for entry in document for value in personal_values(entry)]
    if not isinstance(document, dict):
        return []
    own = [value for key, value in document.items() if key in PERSONAL and not (key == "name" and "object" in document)]
    return own + [value for entry in document.values() for value in personal_values(entry)]


@given(JSON)
def test_pseudonymising_leaves_nothing_personal_and_twice_is_once(document: Any) -> None:
    once = pseudonymised(document)
    assert all(value in (None, {}, []) for value in personal_values(once))
    assert pseudonymised(once) == once
    assert msgspec.json.decode(msgspec.json.encode(once)) == once


@pytest.mark.parametrize("kind", ["product", "coupon", "tax_rate"])
def test_the_name_of_a_thing_is_kept(kind: str) -> None:
    assert pseudonymised({"object": kind, "name": "Consulting"})["name"] == "Consulting"
    assert pseudonymised({"object": "payment_method", "billing_details": {"name": "x"}})["billing_details"] == {}
