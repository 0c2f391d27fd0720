"""The process dies at every await of a request, and the work is found finished, once, by whoever comes next.

The await points are enumerated, not sampled: the request is run again and again, dying one await later each time,
until it gets through. After each death either the caller retries, or the completer comes first.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from app.container import Container, built
from app.domain.errors import IdempotencyInProgress
from app.idempotency.operations import Answer, Call, UseCase
from app.settings import Settings
from tests.fixtures.dying import DIED, How, Process, Still
from tests.fixtures.postgres import Database
from tests.fixtures.sandbox import Sandbox
from tests.fixtures.waiting import until

Json = dict[str, Any]
ITEMS: list[Json] = [{"amount": 700 + n, "currency": "usd", "description": f"item {n}"} for n in range(12)]
OF_ITS_OWN = {
    "id", "number", "reference", "payment_intent", "hosted_invoice_url", "invoice_pdf", "fulfillment",
    "created_at", "updated_at", "finalized_at", "paid_at", "due_at", "effective_at", "period_start", "period_end", "payments",
}  # fmt: skip
ITEM_OF_ITS_OWN = {"id", "line_item", "price", "product", "period"}
LEASE_OVER = "UPDATE operations SET locked_until = now() - interval '1 hour' WHERE answered_at IS NULL"


@pytest.fixture
async def survivor(settings: Settings) -> AsyncIterator[Container]:
    """A process that lives on."""
    async with built(settings) as container:
        yield container


@pytest.fixture
async def customer(survivor: Container, sandbox: Sandbox) -> str:
    await sandbox.mode(hold=True)  # deliveries have tests of their own
    call = Call("tests", "POST /v1/customers", {"name": "Jenny Rosen", "email": "jenny@example.com"})
    answer = await survivor.operations.run(call, survivor.customers.create_customer)
    found: str = msgspec.json.decode(answer.body)["id"]
    return found


def essence(answer: Answer) -> Json:
    """What an answer says that does not differ from one invoice to the next."""
    document = msgspec.json.decode(answer.body)
    items = [{k: v for k, v in item.items() if k not in ITEM_OF_ITS_OWN} for item in document["items"]]
    rest = {name: value for name, value in document.items() if name not in OF_ITS_OWN}
    return {"status_code": answer.status, "secret": bool(answer.secret_of), **rest, "items": items}


class Story:
    """One request, run by processes that die."""

    def __init__(self, settings: Settings, survivor: Container, use_case: Callable[[Container], UseCase]) -> None:
        self._settings = settings
        self._survivor = survivor
        self._use_case = use_case

    async def dies(self, call: Call, at: int, how: How) -> bool:
        """Whether the process died before it had answered."""
        async with built(self._settings) as container:
            run = container.operations.run(call, self._use_case(container))
            process = Process(container)
            outcome = await process.run(run, dies_at=at, how=how)
            await until(lambda: self._ended(process.sessions))
            return outcome is DIED

    async def _ended(self, sessions: list[int]) -> bool:
        """Whether the database has done all that the dead had sent, and has seen that it is gone."""
        async with self._survivor.database.connection() as connection:
            return not await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)", sessions)

    async def retried(self, call: Call) -> Answer:
        return await self._survivor.operations.run(call, self._use_case(self._survivor))

    async def recovered(self, call: Call, *, by_completer: bool) -> Answer:
        """The caller's retry: at once, which may have to wait, and when the dead runner's lease is over."""
        async with self._survivor.database.connection() as connection:
            begun = await connection.fetchval(
                "SELECT answered_at IS NULL FROM operations WHERE idempotency_key = $1", call.key
            )
            if begun:
                with pytest.raises(IdempotencyInProgress):
                    await self.retried(call)
                await connection.execute(LEASE_OVER)
        if by_completer:
            assert await self._survivor.completer().run_once() == int(bool(begun))
        answer = await self.retried(call)
        assert answer.replayed or not by_completer or not begun
        again = await self.retried(call)
        assert (again.body, again.replayed) == (answer.body, True)
        return answer


async def executions(sandbox: Sandbox) -> Counter[str]:
    """How often Stripe executed something under each key that changes anything."""
    entries = await sandbox.requests(method="POST", limit="20000")
    return Counter(entry["idempotency_key"] for entry in entries if entry["executed"])


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("how", "by_completer"), [("answered", False), ("cut", True)])
async def test_a_create_with_items_and_finalize_is_done_once_wherever_its_process_dies(
    settings: Settings, survivor: Container, customer: str, sandbox: Sandbox,
    how: How, *, by_completer: bool,
) -> None:  # fmt: skip
    story = Story(settings, survivor, lambda container: container.invoices.create_invoice)

    def call(name: str) -> Call:
        params = {
            "customer": customer,
            "items": ITEMS,
            "finalize": True,
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "reference": name,
        }
        return Call("tests", "POST /v1/invoices", params, key=name)

    undisturbed = essence(await story.retried(call("undisturbed")))
    at = first = int(how == "cut")  # nothing is cut before the first wait
    while await story.dies(call(f"dies-{at}"), at, how):
        assert essence(await story.recovered(call(f"dies-{at}"), by_completer=by_completer)) == undisturbed
        at += 1
    print(f"await points: {at - 1}")  # noqa: T201 -- shown by `pytest -rP`; docs/contributing/idempotency.md quotes it
    assert at > 20

    invoices = (await sandbox.state())["invoice"]
    assert Counter(invoice["metadata"]["reference"] for invoice in invoices) == Counter(
        ["undisturbed", *(f"dies-{k}" for k in range(first, at + 1))]
    )
    assert {(invoice["status"], invoice["total"]) for invoice in invoices} == {
        ("open", sum(i["amount"] for i in ITEMS))
    }
    assert set((await executions(sandbox)).values()) == {1}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("how", "by_completer"), [("answered", True), ("cut", False)])
async def test_a_payment_is_made_once_wherever_its_process_dies(
    settings: Settings, survivor: Container, customer: str, sandbox: Sandbox,
    how: How, *, by_completer: bool,
) -> None:  # fmt: skip
    story = Story(settings, survivor, lambda container: container.invoices.pay_invoice)

    async def call(name: str) -> Call:
        params = {
            "customer": customer,
            "items": ITEMS[:1],
            "finalize": True,
            "collection_method": "send_invoice",
            "days_until_due": 30,
        }
        made = await survivor.operations.run(
            Call("tests", "POST /v1/invoices", params), survivor.invoices.create_invoice
        )
        invoice = msgspec.json.decode(made.body)["id"]
        target = f"POST /v1/invoices/{invoice}/pay"
        return Call("tests", target, {"payment_method": "pm_card_visa"}, key=name, subject=invoice)

    undisturbed = essence(await story.retried(await call("undisturbed")))
    at = first = int(how == "cut")  # nothing is cut before the first wait
    while await story.dies(pay := await call(f"dies-{at}"), at, how):
        assert essence(await story.recovered(pay, by_completer=by_completer)) == undisturbed
        at += 1
    print(f"await points: {at - 1}")  # noqa: T201 -- shown by `pytest -rP`; docs/contributing/idempotency.md quotes it
    assert at > 10

    state = await sandbox.state()
    assert {invoice["status"] for invoice in state["invoice"]} == {"paid"}
    charges = Counter(charge["payment_intent"] for charge in state["charge"])
    assert set(charges.values()) == {1}
    assert len(charges) == len(state["invoice"]) == at - first + 2
    assert set((await executions(sandbox)).values()) == {1}


async def paid_invoice(survivor: Container, customer: str) -> str:
    params = {"customer": customer, "items": ITEMS[:1], "finalize": True, "collection_method": "send_invoice"}
    call = Call("tests", "POST /v1/invoices", params | {"days_until_due": 30})
    invoice: str = msgspec.json.decode((await survivor.operations.run(call, survivor.invoices.create_invoice)).body)[
        "id"
    ]
    paying = Call("tests", f"POST /v1/invoices/{invoice}/pay", {"payment_method": "pm_card_visa"}, subject=invoice)
    await survivor.operations.run(paying, survivor.invoices.pay_invoice)
    return invoice


GIVEN_BACK: dict[str, tuple[str, Json, Callable[[Container], UseCase]]] = {
    "refund": ("refunds", {"amount": 500}, lambda container: container.refunds.create_refund),
    "credit_note": (
        "credit-notes", {"amount": 500, "refund_amount": 300, "credit_amount": 200},
        lambda container: container.credit_notes.create_credit_note,
    ),
}  # fmt: skip
"""What gives money back: the end of its path, its body and its use case, by Stripe's name of what it makes."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("how", "by_completer"), [("answered", False), ("cut", True)])
@pytest.mark.parametrize("made", GIVEN_BACK)
async def test_money_is_given_back_once_wherever_the_process_dies(
    settings: Settings, survivor: Container, customer: str, sandbox: Sandbox,
    made: str, how: How, *, by_completer: bool,
) -> None:  # fmt: skip
    path, params, use_case = GIVEN_BACK[made]
    story = Story(settings, survivor, use_case)

    async def call(name: str) -> Call:
        invoice = await paid_invoice(survivor, customer)
        return Call("tests", f"POST /v1/invoices/{invoice}/{path}", params | {"reference": name}, name, invoice)

    at = first = int(how == "cut")  # nothing is cut before the first wait
    while await story.dies(back := await call(f"dies-{at}"), at, how):
        answer = await story.recovered(back, by_completer=by_completer)
        assert answer.status == 201
        assert f"dies-{at}" in answer.body
        at += 1
    print(f"await points: {at - 1}")  # noqa: T201 -- shown by `pytest -rP`; docs/contributing/idempotency.md quotes it
    assert at > 10

    state = await sandbox.state()
    references = [found["metadata"]["reference"] for found in state[made]]
    assert Counter(references) == Counter(f"dies-{k}" for k in range(first, at + 1))
    given = {"refund": 500, "credit_note": 300}[made]
    assert {charge["amount_refunded"] for charge in state["charge"]} == {given}
    assert set((await executions(sandbox)).values()) == {1}


MADE_OF_ANOTHER: dict[str, tuple[Callable[[Container], UseCase], Json]] = {
    "revise": (lambda container: container.copies.revise_invoice, {"from_invoice": True}),
    "copy": (lambda container: container.copies.copy_invoice, {"from_invoice": False}),
}
"""What makes a draft of another invoice: its use case, and what the draft says of the other one."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("made", "how", "by_completer"), [("revise", "answered", False), ("copy", "cut", True)])
async def test_a_draft_is_made_of_another_invoice_once_wherever_the_process_dies(
    settings: Settings, survivor: Container, customer: str, sandbox: Sandbox,
    made: str, how: How, *, by_completer: bool,
) -> None:  # fmt: skip
    use_case, says = MADE_OF_ANOTHER[made]
    story = Story(settings, survivor, use_case)
    params = {"customer": customer, "items": ITEMS[:2], "finalize": True, "collection_method": "send_invoice"}
    making = Call("tests", "POST /v1/invoices", params | {"days_until_due": 30})
    answered = await survivor.operations.run(making, survivor.invoices.create_invoice)
    original = msgspec.json.decode(answered.body)

    def call(name: str) -> Call:
        return Call("tests", f"POST /v1/invoices/{original['id']}/{made}", {"reference": name}, name, original["id"])

    at = first = int(how == "cut")  # nothing is cut before the first wait
    while await story.dies(call(f"dies-{at}"), at, how):
        draft = msgspec.json.decode((await story.recovered(call(f"dies-{at}"), by_completer=by_completer)).body)
        assert (draft["status"], draft["total"], draft["reference"]) == ("draft", original["total"], f"dies-{at}")
        assert draft["from_invoice"] == (original["id"] if says["from_invoice"] else None)
        at += 1
    print(f"await points: {at - 1}")  # noqa: T201 -- shown by `pytest -rP`; docs/contributing/idempotency.md quotes it
    assert at > 8

    invoices = (await sandbox.state())["invoice"]
    references = Counter(invoice["metadata"].get("reference") for invoice in invoices)
    assert references == Counter([None, *(f"dies-{k}" for k in range(first, at + 1))])
    assert set((await executions(sandbox)).values()) == {1}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("how", "by_completer", "keyed"), [("answered", False, True), ("cut", True, True), ("answered", True, False)]
)
async def test_items_are_replaced_all_or_none_wherever_the_process_dies(
    settings: Settings, database: Database, survivor: Container, customer: str, sandbox: Sandbox,
    how: How, *, by_completer: bool, keyed: bool,
) -> None:  # fmt: skip
    """A request without a key is finished by the completer alone; then the items are all the former ones or all new."""
    story = Story(settings, survivor, lambda container: container.replacements.replace_items)
    connection = await database.connect()

    async def call(name: str) -> Call:
        params = {"customer": customer, "items": ITEMS, "collection_method": "send_invoice", "days_until_due": 30}
        made = await survivor.operations.run(
            Call("tests", "POST /v1/invoices", params), survivor.invoices.create_invoice
        )
        invoice = msgspec.json.decode(made.body)["id"]
        target = f"PUT /v1/invoices/{invoice}/items"
        return Call("tests", target, {"items": ITEMS[:3]}, key=name if keyed else None, subject=invoice)

    async def amounts(invoice: str | None) -> list[int]:
        lines = (await sandbox.dashboard.get(f"/v1/invoices/{invoice}/lines", params={"limit": 100})).json()
        return sorted(line["amount"] for line in lines["data"])

    former, replaced = ([item["amount"] for item in items] for items in (ITEMS, ITEMS[:3]))
    at = first = int(how == "cut")  # nothing is cut before the first wait
    seen = set()
    while await story.dies(put := await call(f"dies-{at}"), at, how):
        if keyed:
            answer = msgspec.json.decode((await story.recovered(put, by_completer=by_completer)).body)
            assert (answer["total"], len(answer["items"])) == (sum(replaced), 3)
            assert await amounts(put.subject) == replaced
        else:
            await connection.execute(LEASE_OVER)
            await survivor.completer().run_once()
            found = await amounts(put.subject)
            assert found in (former, replaced), f"await {at}"
            seen.add(len(found))
        at += 1
    await connection.close()
    print(f"await points: {at - 1}")  # noqa: T201 -- shown by `pytest -rP`; docs/contributing/idempotency.md quotes it
    assert at - first > 8
    assert keyed or seen == {len(former), len(replaced)}


PAID_IN_PARTS: dict[str, tuple[str, Json, Callable[[Container], UseCase]]] = {
    "cheque": (
        "attach-payment", {"payment_record_data": {"display_name": "Cheque", "amount": 300}},
        lambda container: container.attachments.attach_payment,
    ),
    "part": (
        "part", {"link": "plk_1", "amount": 300, "minimum": 100},
        lambda container: container.part_payments.begin_part_payment,
    ),
}  # fmt: skip
"""What pays a part of an invoice, or begins to: the end of its path, its body and its use case."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("made", "how", "by_completer"), [("cheque", "cut", True), ("part", "answered", False)])
async def test_a_part_is_paid_once_wherever_the_process_dies(
    settings: Settings, survivor: Container, customer: str, sandbox: Sandbox,
    made: str, how: How, *, by_completer: bool,
) -> None:  # fmt: skip
    path, params, use_case = PAID_IN_PARTS[made]
    story = Story(settings, survivor, use_case)

    async def call(name: str) -> Call:
        wanted = {"customer": customer, "items": ITEMS[:1], "finalize": True, "collection_method": "send_invoice"}
        making = Call("tests", "POST /v1/invoices", wanted | {"days_until_due": 30})
        answered = await survivor.operations.run(making, survivor.invoices.create_invoice)
        invoice = msgspec.json.decode(answered.body)["id"]
        return Call("tests", f"POST /v1/invoices/{invoice}/{path}", params, name, invoice)

    at = first = int(how == "cut")  # nothing is cut before the first wait
    while await story.dies(paying := await call(f"dies-{at}"), at, how):
        answer = await story.recovered(paying, by_completer=by_completer)
        assert "300" in answer.body
        at += 1
    print(f"await points: {at - 1}")  # noqa: T201 -- shown by `pytest -rP`; docs/contributing/idempotency.md quotes it
    assert at > 10

    state = await sandbox.state()
    beside = Counter(payment["invoice"] for payment in state["invoice_payment"] if not payment["is_default"])
    assert set(beside.values()) == {1}
    assert len(beside) == len(state["invoice"]) == at - first + 1
    if made == "cheque":
        assert len(state["payment_record"]) == len(beside)
        assert {invoice["amount_paid"] for invoice in state["invoice"]} == {300}
    assert set((await executions(sandbox)).values()) == {1}


MIRRORED: dict[str, tuple[str, Json, Callable[[Container], UseCase]]] = {
    "tax_rate": (
        "tax-rates", {"display_name": "VAT", "percentage": "19", "inclusive": False},
        lambda container: container.taxes.create_tax_rate,
    ),
    "tax_id": ("tax-ids", {"type": "us_ein", "value": "12-3456789"}, lambda container: container.taxes.create_tax_id),
    "coupon": ("coupons", {"percent_off": "10"}, lambda container: container.discounts.create_coupon),
    "promotion_code": (
        "promotion-codes", {"promotion": {"coupon": "TEN"}}, lambda container: container.discounts.create_promotion_code
    ),
}  # fmt: skip
"""What is made by one call to Stripe: its path, its body and its use case, by Stripe's name of it."""
CHANGED: dict[str, tuple[Callable[[Container], UseCase], Json, Callable[[Container], UseCase]]] = {
    "tax_rate": (MIRRORED["tax_rate"][2], {"active": False}, lambda container: container.taxes.update_tax_rate),
    "coupon": (MIRRORED["coupon"][2], {}, lambda container: container.discounts.delete_coupon),
    "coupon name": (MIRRORED["coupon"][2], {"name": "Ten"}, lambda container: container.discounts.update_coupon),
    "promotion_code": (
        MIRRORED["promotion_code"][2], {"active": False}, lambda container: container.discounts.update_promotion_code
    ),
    "tax_id": (MIRRORED["tax_id"][2], {}, lambda container: container.taxes.delete_tax_id),
}  # fmt: skip
"""What is changed or deleted: how it is made, the body of the change, and its use case."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("made", "how", "by_completer"),
    [
        ("tax_rate", "answered", False),
        ("tax_id", "cut", True),
        ("coupon", "answered", True),
        ("promotion_code", "cut", False),
    ],
)
async def test_taxes_and_discounts_are_made_once_wherever_the_process_dies(
    settings: Settings, survivor: Container, sandbox: Sandbox,
    made: str, how: How, *, by_completer: bool,
) -> None:  # fmt: skip
    await sandbox.mode(hold=True)
    path, params, use_case = MIRRORED[made]
    story = Story(settings, survivor, use_case)
    ten = Call("tests", "POST /v1/coupons", MIRRORED["coupon"][1] | {"id": "TEN"})
    if made == "promotion_code":
        await survivor.operations.run(ten, survivor.discounts.create_coupon)

    async def call(name: str) -> Call:
        if made != "tax_id":
            return Call("tests", f"POST /v1/{path}", params | {"reference": name}, name)
        answer = await survivor.operations.run(
            Call("tests", "POST /v1/customers", {}), survivor.customers.create_customer
        )
        return Call("tests", f"POST /v1/{path}", params | {"customer": msgspec.json.decode(answer.body)["id"]}, name)

    at = first = int(how == "cut")  # nothing is cut before the first wait
    while await story.dies(making := await call(f"dies-{at}"), at, how):
        assert (await story.recovered(making, by_completer=by_completer)).status == 201
        at += 1
    assert at > 5
    assert len((await sandbox.state())[made]) == at - first + 1
    assert set((await executions(sandbox)).values()) == {1}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("changed", "how", "by_completer"),
    [
        ("tax_rate", "cut", True),
        ("coupon", "answered", False),
        ("coupon name", "cut", False),
        ("promotion_code", "answered", False),
        ("tax_id", "answered", True),
    ],
)
async def test_taxes_and_discounts_are_changed_once_wherever_the_process_dies(
    settings: Settings, survivor: Container, customer: str, sandbox: Sandbox,
    changed: str, how: How, *, by_completer: bool,
) -> None:  # fmt: skip
    creating, params, use_case = CHANGED[changed]
    kind = changed.partition(" ")[0]
    story = Story(settings, survivor, use_case)
    if kind == "promotion_code":
        ten = Call("tests", "POST /v1/coupons", MIRRORED["coupon"][1] | {"id": "TEN"})
        await survivor.operations.run(ten, survivor.discounts.create_coupon)

    async def call(name: str) -> Call:
        owner = {"customer": customer} if kind == "tax_id" else {}
        making = Call("tests", f"POST /v1/{kind}", MIRRORED[kind][1] | owner)
        made = msgspec.json.decode((await survivor.operations.run(making, creating(survivor))).body)["id"]
        return Call("tests", f"PATCH /v1/{kind}/{made}", params | owner, name, made)

    at = int(how == "cut")  # nothing is cut before the first wait
    while await story.dies(change := await call(f"dies-{at}"), at, how):
        assert (await story.recovered(change, by_completer=by_completer)).status == 200
        at += 1
    assert at > 5
    left = (await sandbox.state()).get(kind, [])
    if changed == "coupon name":
        assert {it["name"] for it in left} == {"Ten"}
    elif kind in {"tax_rate", "promotion_code"}:
        assert not any(it["active"] for it in left)
    else:
        assert left == []
    assert set((await executions(sandbox)).values()) == {1}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("how", "by_completer"), [("answered", False), ("cut", True)])
async def test_a_promotion_code_is_taken_off_once_wherever_the_process_dies(
    settings: Settings, survivor: Container, customer: str, sandbox: Sandbox,
    how: How, *, by_completer: bool,
) -> None:  # fmt: skip
    story = Story(settings, survivor, lambda container: container.promotion_codes.apply_promotion_code)
    ten = Call("tests", "POST /v1/coupons", MIRRORED["coupon"][1] | {"id": "TEN"})
    await survivor.operations.run(ten, survivor.discounts.create_coupon)
    code = Call("tests", "POST /v1/promotion-codes", {"promotion": {"coupon": "TEN"}, "code": "SPRING"})
    await survivor.operations.run(code, survivor.discounts.create_promotion_code)

    async def call(name: str) -> Call:
        params = {"customer": customer, "items": ITEMS[:1], "collection_method": "send_invoice", "days_until_due": 30}
        made = await survivor.operations.run(
            Call("tests", "POST /v1/invoices", params), survivor.invoices.create_invoice
        )
        draft = msgspec.json.decode(made.body)["id"]
        return Call("plk_1", "POST /pay/plk_1/promotion-code", {"code": "SPRING"}, name, draft)

    at = int(how == "cut")  # nothing is cut before the first wait
    while await story.dies(entered := await call(f"dies-{at}"), at, how):
        assert (await story.recovered(entered, by_completer=by_completer)).status == 200
        at += 1
    assert at > 5
    drafts = (await sandbox.state())["invoice"]
    assert {len(draft["discounts"]) for draft in drafts} == {1}
    assert set((await executions(sandbox)).values()) == {1}


async def attached(survivor: Container, customer: str) -> str:
    params = {"payment_method": "pm_card_visa"}
    call = Call("tests", f"POST /v1/customers/{customer}/payment-methods", params, subject=customer)
    made = await survivor.operations.run(call, survivor.payment_methods.attach_payment_method)
    method: str = msgspec.json.decode(made.body)["id"]
    return method


async def unpaid(survivor: Container, customer: str) -> str:
    params = {"customer": customer, "items": ITEMS[:1], "finalize": True, "collection_method": "send_invoice"}
    call = Call("tests", "POST /v1/invoices", params | {"days_until_due": 30})
    made = await survivor.operations.run(call, survivor.invoices.create_invoice)
    invoice: str = msgspec.json.decode(made.body)["id"]
    return invoice


COLLECTING: dict[str, Callable[[Container], UseCase]] = {
    "attach": lambda container: container.payment_methods.attach_payment_method,
    "set_default": lambda container: container.payment_methods.set_default_payment_method,
    "detach": lambda container: container.payment_methods.detach_payment_method,
    "setup_intent": lambda container: container.payment_methods.create_setup_intent,
    "payment_intent": lambda container: container.payment_intents.update_payment_intent,
}
"""What concerns how an invoice is collected, by what it does."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("how", "by_completer"), [("answered", True), ("cut", False)])
@pytest.mark.parametrize("act", COLLECTING)
async def test_how_an_invoice_is_collected_is_changed_once_wherever_the_process_dies(
    settings: Settings, survivor: Container, customer: str, sandbox: Sandbox,
    act: str, how: How, *, by_completer: bool,
) -> None:  # fmt: skip
    story = Story(settings, survivor, COLLECTING[act])

    async def call(name: str) -> Call:
        if act == "payment_intent":
            invoice = await unpaid(survivor, customer)
            return Call("tests", f"PATCH /v1/invoices/{invoice}/payment-intent", {"description": name}, name, invoice)
        of, params = f"POST /v1/customers/{customer}/{act}", {"payment_method": "pm_card_visa", "set_default": True}
        if act == "setup_intent":
            params = {}
        elif act != "attach":
            params = {"payment_method": await attached(survivor, customer)}
        return Call("tests", of, params, name, customer)

    at = first = int(how == "cut")  # nothing is cut before the first wait
    done = []
    while await story.dies(asked := await call(f"dies-{at}"), at, how):
        answer = await story.recovered(asked, by_completer=by_completer)
        done.append(msgspec.json.decode(answer.body))
        at += 1
    print(f"await points: {at - 1}")  # noqa: T201 -- shown by `pytest -rP`; docs/contributing/idempotency.md quotes it
    assert at > 5

    state = await sandbox.state()
    methods, setups = state.get("payment_method", []), state.get("setup_intent", [])
    there = {method["id"]: method["customer"] for method in methods}
    owner = next(one for one in state["customer"] if one["id"] == customer)
    if act == "setup_intent":
        assert len({one["id"] for one in done}) == len(done) == len(setups) - 1
    elif act == "payment_intent":
        said = {intent["description"] for intent in state["payment_intent"]}
        assert said == {f"dies-{k}" for k in range(first, at + 1)}
    elif act == "detach":
        assert {there[one["id"]] for one in done} == {None}
    else:
        assert len({one["id"] for one in done}) == len(done)
        assert {there[one["id"]] for one in done} == {customer}
        assert owner["invoice_settings"]["default_payment_method"] in there.keys() - {one["id"] for one in done}
    assert set((await executions(sandbox)).values()) == {1}


LEASE_OVER_UNLESS_LOCKED = """
UPDATE operations SET locked_until = now() - interval '1 hour'
WHERE id IN (SELECT id FROM operations WHERE answered_at IS NULL FOR UPDATE SKIP LOCKED)
"""
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.mark.timeout(600)
async def test_a_runner_that_slept_through_its_lease_answers_what_its_successor_did(
    settings: Settings, database: Database, survivor: Container, customer: str, sandbox: Sandbox
) -> None:
    """It stands still at every await, is taken over, and wakes: it changes nothing any more, here or at Stripe."""
    async with built(settings) as sleeper:
        await slept_everywhere(database, survivor, sleeper, customer, sandbox)


async def slept_everywhere(
    database: Database, survivor: Container, sleeper: Container, customer: str, sandbox: Sandbox
) -> None:
    connection = await database.connect()
    at, asleep = 0, True
    while asleep:
        params = {"customer": customer, "items": ITEMS, "finalize": True, "collection_method": "send_invoice"}
        call = Call("tests", "POST /v1/invoices", params | {"days_until_due": 30}, key=f"sleeps-{at}")
        still = Still(sleeper.operations.run(call, sleeper.invoices.create_invoice), at)
        sleeping = asyncio.create_task(still)
        reached = asyncio.create_task(still.reached.wait())
        await asyncio.wait({sleeping, reached}, return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        asleep = still.reached.is_set()
        await connection.execute(LEASE_OVER_UNLESS_LOCKED)
        successor = asyncio.create_task(survivor.operations.run(call, survivor.invoices.create_invoice))
        while asleep and not successor.done() and not await connection.fetchval(BLOCKED):
            await asyncio.wait({successor}, timeout=0.01)
        if asleep:
            still.resume()
        outcomes = await asyncio.gather(sleeping, successor, return_exceptions=True)
        final = await survivor.operations.run(call, survivor.invoices.create_invoice)
        for outcome in outcomes:  # an answer, the same one; or to come again, while the other one was not done
            if not isinstance(outcome, IdempotencyInProgress):
                assert isinstance(outcome, Answer), f"await {at}: {outcome!r}"
                assert outcome.body == final.body, f"await {at}"
        at += 1
    await connection.close()
    assert at > 20
    assert len((await sandbox.state())["invoice"]) == at
    assert set((await executions(sandbox)).values()) == {1}
