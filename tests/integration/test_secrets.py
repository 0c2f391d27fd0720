"""What is secret is stored nowhere and logged nowhere: the whole database and everything said are searched."""

import uuid
from collections.abc import Callable

from tests.fixtures.caller import Caller
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import SECRET_KEY, WEBHOOK_SECRET, Sandbox
from tests.fixtures.service import API_KEY


async def everything_stored(database: Database) -> str:
    connection = await database.connect()
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        rows = [
            row[0]
            for (table,) in tables
            for row in await connection.fetch(f'SELECT row_to_json(t)::text FROM "{table}" t')  # noqa: S608
        ]
    finally:
        await connection.close()
    assert len(rows) > 20
    return "\n".join(rows)


async def test_client_secrets_and_keys_are_neither_stored_nor_logged(
    live: Caller, sandbox: Sandbox, database: Database, logged: Callable[[], str]
) -> None:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    created = await live.open()
    draft = await live.draft()
    finalized = await live.post(f"/v1/invoices/{draft['id']}/finalize", headers=headers)
    replayed = await live.send("POST", f"/v1/invoices/{draft['id']}/finalize", headers=headers)
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert replayed.headers["Cache-Control"] == "no-store"
    assert replayed.json()["client_secret"] == finalized["client_secret"]
    fetched = await live.get(f"/v1/invoices/{draft['id']}/client-secret")
    await live.refused(
        "POST", f"/v1/invoices/{draft['id']}/pay", 402, "payment_failed", {"payment_method": "pm_card_chargeDeclined"}
    )
    await live.settled()
    secrets = {created["client_secret"], finalized["client_secret"], fetched["client_secret"]}
    assert len(secrets) == 2
    stored = await everything_stored(database)
    said = logged()
    assert created["id"] in stored
    assert created["id"] in said
    for secret in (*secrets, SECRET_KEY, WEBHOOK_SECRET, API_KEY):
        assert secret not in stored
        assert secret not in said
    assert "_secret_" not in stored.replace(WEBHOOK_SECRET, "")


async def test_only_the_answers_that_say_so_carry_a_client_secret(api: Caller) -> None:
    invoice = await api.open()
    path = f"/v1/invoices/{invoice['id']}"
    for answer in (
        await api.get(path),
        await api.get("/v1/invoices"),
        await api.patch(path, {"metadata": {"a": "b"}}),
        await api.post(f"{path}/send"),
        await api.post(f"{path}/pay", {"payment_method": "pm_card_visa"}),
    ):
        assert "_secret_" not in str(answer)
