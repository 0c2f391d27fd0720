"""Customers through the API: what is stored, what is handed down, what is unset."""

from tests.fixtures.caller import Caller
from tests.fixtures.sandbox import Sandbox

FIELDS = [{"name": "VAT ID", "value": "DE123456789"}, {"name": "Cost center", "value": "4711"}]


async def test_a_customer_is_created_with_everything_that_can_be_said_of_one(api: Caller) -> None:
    address = {
        "line1": "510 Townsend St",
        "line2": None,
        "city": "San Francisco",
        "state": "CA",
        "postal_code": "94103",
        "country": "US",
    }
    asked = {
        "name": "Jenny Rosen",
        "email": "jenny@example.com",
        "description": "Our first",
        "phone": "+14155551234",
        "address": address,
        "metadata": {"tier": "gold"},
        "reference": "crm-1",
        "invoice_settings": {"custom_fields": FIELDS, "footer": "Thank you"},
    }
    customer = await api.post("/v1/customers", asked)
    settings = customer.pop("invoice_settings")
    assert settings == {
        "default_payment_method": None,
        "custom_fields": FIELDS,
        "footer": "Thank you",
        "rendering_options": None,
    }
    del asked["invoice_settings"]
    assert {name: customer[name] for name in asked} == asked


async def test_a_customer_may_be_created_from_nothing(api: Caller) -> None:
    customer = await api.post("/v1/customers", {})
    assert (customer["name"], customer["email"], customer["metadata"]) == (None, None, {})
    assert await api.get(f"/v1/customers/{customer['id']}") == customer


async def test_nulls_in_a_create_are_as_if_left_out(api: Caller) -> None:
    customer = await api.post(
        "/v1/customers",
        {"name": None, "email": None, "address": None, "payment_method": None, "invoice_settings": None},
    )
    assert (customer["name"], customer["email"], customer["address"]) == (None, None, None)


async def test_a_payment_method_is_attached_at_creation(api: Caller, sandbox: Sandbox) -> None:
    customer = await api.customer(payment_method="pm_card_visa")
    methods = (await sandbox.state())["payment_method"]
    assert customer["id"] in {method["customer"] for method in methods}


async def test_the_default_payment_method_of_invoices_can_be_set(api: Caller, sandbox: Sandbox) -> None:
    customer = await api.customer(payment_method="pm_card_visa")
    method = next(one["id"] for one in (await sandbox.state())["payment_method"] if one["customer"] == customer["id"])
    changed = await api.patch(
        f"/v1/customers/{customer['id']}", {"invoice_settings": {"default_payment_method": method}}
    )
    assert changed["invoice_settings"]["default_payment_method"] == method


async def test_a_customer_is_changed_field_by_field(api: Caller) -> None:
    customer = await api.customer(phone="+1", invoice_settings={"custom_fields": FIELDS, "footer": "f"})
    path = f"/v1/customers/{customer['id']}"
    changed = await api.patch(path, {"name": "New", "phone": None, "address": {"city": "Berlin"}})
    assert (changed["name"], changed["phone"], changed["address"]["city"]) == ("New", None, "Berlin")
    assert changed["invoice_settings"]["custom_fields"] == FIELDS
    cleared = await api.patch(path, {"address": None, "invoice_settings": {"custom_fields": [], "footer": None}})
    assert cleared["address"] is None
    assert cleared["invoice_settings"] == {
        "default_payment_method": None,
        "custom_fields": [],
        "footer": None,
        "rendering_options": None,
    }
    assert await api.get(path) == cleared


async def test_customers_are_found_by_email(api: Caller) -> None:
    await api.customer(email="a@example.com")
    wanted = await api.customer(email="b@example.com")
    assert await api.every("/v1/customers", email="b@example.com") == [wanted]
    assert await api.every("/v1/customers", email="c@example.com") == []


async def test_a_deleted_customer_is_gone_and_its_invoices_stay(api: Caller) -> None:
    invoice = await api.open()
    path = f"/v1/customers/{invoice['customer']}"
    await api.delete(path)
    await api.refused("GET", path, 404, "not_found")
    assert (await api.get(f"/v1/invoices/{invoice['id']}"))["customer"] == invoice["customer"]


async def test_a_payment_method_that_does_not_exist_is_refused_naming_the_field(api: Caller) -> None:
    problem = await api.refused(
        "POST", "/v1/customers", 422, "stripe_invalid_request", {"payment_method": "pm_unknown"}
    )
    assert problem["param"] == "payment_method"
