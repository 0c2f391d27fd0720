"""Every illegal act on an invoice is 409 and says the status and what is allowed, whoever notices it first.

The expectation is written out here, apart from the table in app/domain/invoice.py.
"""

from typing import Final

import httpx
import pytest

from tests.fixtures.caller import ITEM, Caller, Json
from tests.fixtures.sandbox import Sandbox

MONEY: Final = ("attach_payment", "refund", "credit", "update_payment_intent")
LEGAL: Final = {
    "draft": {"update", "change_collection", "delete", "edit_items", "finalize", "send", "pay"},
    "open": {
        "change_collection",
        "send",
        "pay",
        "void",
        "mark_uncollectible",
        "client_secret",
        "payment_link",
        "revise",
        *MONEY,
    },
    "uncollectible": {"pay", "void", "revise", *MONEY},
    "paid": {"refund", "credit", "update_payment_intent"},
    "void": set[str](),
}
ASKED: Final = {"paid": {"void", "client_secret"}}
"""Illegal acts before which Stripe is asked all the same: it may have opened the invoice again."""
REQUESTS: Final[dict[str, list[tuple[str, str, Json | None]]]] = {
    "update": [("PATCH", "", {"description": "x"}), ("PATCH", "", {"metadata": {"a": "b"}, "footer": "x"})],
    "change_collection": [("PATCH", "", {"auto_advance": False, "metadata": {"a": "b"}})],
    "delete": [("DELETE", "", None)],
    "edit_items": [
        ("POST", "/items", ITEM),
        ("POST", "/items", {"items": [ITEM]}),
        ("PATCH", "/items/{item}", {"amount": 1}),
        ("DELETE", "/items/{item}", None),
    ],
    "finalize": [("POST", "/finalize", None)],
    "send": [("POST", "/send", None)],
    "pay": [
        ("POST", "/pay", {"payment_method": "pm_card_visa"}),
        ("POST", "/pay", {"paid_out_of_band": True}),
    ],
    "void": [("POST", "/void", None)],
    "mark_uncollectible": [("POST", "/mark-uncollectible", None)],
    "client_secret": [("GET", "/client-secret", None)],
    "attach_payment": [("POST", "/attach-payment", {"payment_intent": "pi_other"})],
    "update_payment_intent": [("PATCH", "/payment-intent", {"receipt_email": "x@example.com"})],
    "revise": [("POST", "/revise", None)],
    "refund": [("POST", "/refunds", None)],
    "credit": [("POST", "/credit-notes", {"amount": 1})],
}
BEHIND_OUR_BACK: Final = {
    "draft": {
        "open": "finalize",
        "paid": "pay?paid_out_of_band=true",
        "void": "finalize,void",
        "uncollectible": "finalize,mark_uncollectible",
    },
    "open": {"paid": "pay?paid_out_of_band=true", "void": "void", "uncollectible": "mark_uncollectible"},
    "uncollectible": {"paid": "pay?paid_out_of_band=true", "void": "void"},
}


def path_of(invoice: Json, suffix: str) -> str:
    return f"/v1/invoices/{invoice['id']}{suffix}".format(item=invoice["items"][0]["id"])


def says(problem: Json, act: str, status: str) -> None:
    assert problem["invoice_status"] == status
    assert set(problem["allowed"]) == LEGAL[status]
    assert f"The invoice is {status}" in problem["detail"]
    assert act in problem["detail"]


@pytest.mark.parametrize("status", LEGAL)
async def test_an_illegal_act_is_refused_without_asking_stripe(api: Caller, sandbox: Sandbox, status: str) -> None:
    invoice = await api.made(status)
    before = await sandbox.requests()
    asked = ASKED.get(status, set())
    for act in [*(REQUESTS.keys() - LEGAL[status] - asked), *asked]:
        if act in asked:
            assert await sandbox.requests() == before
        for method, suffix, body in REQUESTS[act]:
            problem = await api.refused(method, path_of(invoice, suffix), 409, "invalid_state", body)
            says(problem, act, status)
            assert "stripe" not in problem
        if act in asked:
            [look] = (await sandbox.requests())[len(before) :]
            assert (look["method"], look["path"]) == ("GET", f"/v1/invoices/{invoice['id']}")
            before = await sandbox.requests()
    assert await sandbox.requests() == before
    assert (await api.get(f"/v1/invoices/{invoice['id']}"))["status"] == status


@pytest.mark.parametrize(
    ("believed", "actual"),
    [(believed, actual) for believed, others in BEHIND_OUR_BACK.items() for actual in others],
)
async def test_an_act_that_stripe_refuses_is_answered_with_the_state_stripe_has(
    api: Caller, sandbox: Sandbox, believed: str, actual: str
) -> None:
    price = await api.price()
    customer = await api.customer()
    for act in (REQUESTS.keys() & LEGAL[believed]) - LEGAL[actual]:
        for method, suffix, body in REQUESTS[act]:
            items = [{"price": price["id"], "quantity": 1}]
            invoice = await api.made(believed, customer=customer["id"], items=items)
            for step in BEHIND_OUR_BACK[believed][actual].split(","):
                action, _, data = step.partition("?")
                done = await sandbox.dashboard.post(
                    f"/v1/invoices/{invoice['id']}/{action}",
                    content=data,
                    headers={"Content-Type": "application/x-www-form-urlencoded"},
                )
                assert done.is_success, done.text
            await sandbox.advance(2)  # in the second of its payment, the sandbox still sends an invoice
            problem = await api.refused(method, path_of(invoice, suffix), 409, "invalid_state", body)
            says(problem, act, actual)
            if method != "GET" and act != "refund":  # before a refund, the invoice is read
                assert problem["stripe"]["type"] == "invalid_request_error"
                assert (await api.get(f"/v1/invoices/{invoice['id']}"))["status"] == actual


@pytest.mark.parametrize(("act", "method", "suffix", "body"), [
    (act, *request) for act, requests in REQUESTS.items() for request in requests
])  # fmt: skip
async def test_an_act_on_an_invoice_that_nobody_knows_is_404(
    lasting_client: httpx.AsyncClient, sandbox: Sandbox, act: str, method: str, suffix: str, body: Json | None
) -> None:
    api = Caller(lasting_client, sandbox)
    path = f"/v1/invoices/in_unknown{suffix}".format(item="ii_unknown")
    problem = await api.refused(method, path, 404, "not_found", body)
    assert "in_unknown" in problem["detail"]
    assert await sandbox.requests() == []


async def test_a_draft_deleted_behind_our_back_is_not_found_and_gone_here_too(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.draft()
    path = f"/v1/invoices/{invoice['id']}"
    assert (await sandbox.dashboard.delete(path)).is_success
    await api.refused("POST", f"{path}/finalize", 404, "not_found")
    await api.refused("GET", path, 404, "not_found")


async def test_a_draft_deleted_behind_our_back_is_deleted_by_our_delete(api: Caller, sandbox: Sandbox) -> None:
    invoice = await api.draft(reference="r")
    path = f"/v1/invoices/{invoice['id']}"
    assert (await sandbox.dashboard.delete(path)).is_success
    assert await api.delete(path) == {"id": invoice["id"], "deleted": True}
    assert (await api.draft(reference="r"))["reference"] == "r"


async def test_voiding_an_uncollectible_invoice_is_left_to_stripe_to_judge(api: Caller, sandbox: Sandbox) -> None:
    await sandbox.switch(uncollectible_can_be_voided=False)
    invoice = await api.uncollectible()
    problem = await api.refused("POST", f"/v1/invoices/{invoice['id']}/void", 422, "stripe_invalid_request")
    assert "isn't open" in problem["detail"]
