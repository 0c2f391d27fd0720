"""Tax rates and tax ids through the API, down to what Stripe then has, and from Stripe's events."""

from typing import Any

import pytest

from tests.fixtures.caller import Caller
from tests.fixtures.sandbox import Sandbox

VAT = {"display_name": "VAT", "percentage": "19", "inclusive": False, "country": "DE", "tax_type": "vat"}


async def test_a_tax_rate_is_created_changed_and_archived_at_stripe(api: Caller, sandbox: Sandbox) -> None:
    asked = VAT | {"percentage": "8.875", "jurisdiction": "DE", "description": "ours", "metadata": {"a": "b"}}
    rate = await api.post("/v1/tax-rates", asked | {"reference": "vat-de"})
    path = f"/v1/tax-rates/{rate['id']}"
    assert {name: rate[name] for name in asked} == asked
    assert await api.get(path) == rate
    changed = await api.patch(path, {"active": False, "description": None, "display_name": "USt."})
    assert (changed["active"], changed["description"], changed["display_name"]) == (False, None, "USt.")
    (at_stripe,) = (await sandbox.state())["tax_rate"]
    assert (at_stripe["active"], at_stripe["percentage"], at_stripe["metadata"]["reference"]) == (
        False,
        8.875,
        "vat-de",
    )
    assert await api.every("/v1/tax-rates", active="true") == []
    assert await api.every("/v1/tax-rates", reference="vat-de", inclusive="false") == [changed]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"percentage": "100.5"}, "percentage"),
        ({"percentage": "1.23456"}, "percentage"),
        ({"percentage": 19}, "percentage"),
        ({"country": "Germany"}, "country"),
        ({"inclusive": None}, "inclusive"),
        ({"flat_amount": 5}, "flat_amount"),
    ],
)
async def test_a_tax_rate_that_cannot_be_is_refused_by_name(api: Caller, wrong: dict[str, Any], param: str) -> None:
    problem = await api.refused("POST", "/v1/tax-rates", 422, "validation_error", VAT | wrong)
    assert problem["param"] == param


async def test_a_tax_id_is_verified_by_stripes_event_and_deleted(live: Caller, sandbox: Sandbox) -> None:
    customer = await live.customer()
    path = f"/v1/customers/{customer['id']}/tax-ids"
    made = await live.post(path, {"type": "eu_vat", "value": "DE123456789"})
    assert (made["customer"], made["country"], made["verification"]["status"]) == (customer["id"], "DE", "pending")
    await sandbox.verify_tax_id(made["id"], "verified", verified_name="ACME GmbH")
    await live.settled()
    found = await live.get(f"{path}/{made['id']}")
    assert found["verification"] == {"status": "verified", "verified_name": "ACME GmbH", "verified_address": None}
    assert await live.every(path) == [found]
    assert await live.delete(f"{path}/{made['id']}") == {"id": made["id"], "deleted": True}
    await live.settled()
    assert await live.every(path) == []
    await live.refused("GET", f"{path}/{made['id']}", 404, "not_found")
    await live.refused("DELETE", f"{path}/{made['id']}", 404, "not_found")


async def test_tax_ids_of_another_or_no_customer_are_not_found(api: Caller) -> None:
    one, other = await api.customer(), await api.customer()
    made = await api.post(f"/v1/customers/{one['id']}/tax-ids", {"type": "us_ein", "value": "12-3456789"})
    await api.refused("GET", f"/v1/customers/{other['id']}/tax-ids/{made['id']}", 404, "not_found")
    await api.refused("DELETE", f"/v1/customers/{other['id']}/tax-ids/{made['id']}", 404, "not_found")
    await api.refused("GET", "/v1/customers/cus_none/tax-ids", 404, "not_found")
    body = {"type": "us_ein", "value": "12-3456789"}
    await api.refused("POST", "/v1/customers/cus_none/tax-ids", 404, "not_found", body)
    assert await api.every(f"/v1/customers/{other['id']}/tax-ids") == []


async def test_a_tax_id_of_the_wrong_form_is_refused_with_stripes_reason(api: Caller) -> None:
    customer = await api.customer()
    path = f"/v1/customers/{customer['id']}/tax-ids"
    problem = await api.refused("POST", path, 422, "stripe_invalid_request", {"type": "eu_vat", "value": "1"})
    assert (problem["param"], problem["stripe"]["code"]) == ("value", "tax_id_invalid")
    problem = await api.refused("POST", path, 422, "validation_error", {"type": "EU-VAT", "value": "1"})
    assert problem["param"] == "type"


async def test_a_tax_id_goes_with_its_customer_from_rows_events_and_answers(live: Caller) -> None:
    customer = await live.customer()
    path = f"/v1/customers/{customer['id']}/tax-ids"
    made = await live.post(path, {"type": "eu_vat", "value": "DE987654321"})
    await live.settled()
    await live.delete(f"/v1/customers/{customer['id']}")
    await live.settled()
    await live.refused("GET", f"{path}/{made['id']}", 404, "not_found")
    async with live.container.database.connection() as connection:
        for table in ("tax_ids", "webhook_events", "operations"):
            rows = await connection.fetch(f"SELECT row_to_json(found)::text AS row FROM {table} found")  # noqa: S608 -- ours
            assert rows
            assert not [row["row"] for row in rows if "987654321" in row["row"]]
