"""What a business does later: 250 items replaced, a refund, a credit note; and a refunded invoice's events in the worker.

The offline Stripe answers. Its processor time is not counted, nor does it deliver events while writes are measured.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from bench.load import Plan
from bench.report import COST_COLUMNS, Section, at_most, cost_rows
from bench.rounds import Race, Sample, interleave, numbers, ratio
from bench.scenarios.worker import drain
from bench.stage import API_KEY, BRIEF_S, Server, Stage

LARGE = [{"amount": 90_000_000, "currency": "usd", "description": "Consulting"}]
ITEMS = {"items": [{"amount": 100, "currency": "usd", "description": f"Item {number}"} for number in range(250)]}
CENT = {"amount": 1}
MOST_IGNORED = 0.05
"""Where the batch before is not committed yet, the worker asks, and the offline Stripe does not know invoices that are made up here."""
LIFE = ("invoice.paid", "invoice_payment.paid", "refund.created", "charge.refunded")
IDS = re.compile(r"\b((?:in|pi|py|ch|re|il|ii|inpay|evt|txn)_[A-Za-z0-9]{8,})\b")
"""What is another in the life of another invoice; the customer stays."""


async def run(stage: Stage) -> Section:
    """Writes beside the creation of a customer, and the events of refunded invoices beside those of paid ones."""
    name, port = await stage.create("returns"), stage.port()
    stripe = {"STRIPE_API_BASE": f"http://127.0.0.1:{port}"}
    count, seconds, rounds, backlog = (4, BRIEF_S, 1, 20) if stage.quick else (40, 1.5, 5, 1500)
    api, worker = await stage.service(name, **stripe), await stage.worker(name, **stripe)
    await stage.sandbox(port, api.port)
    drafts, opened, paid = await _invoices(api, count)
    told = await _told(stripe["STRIPE_API_BASE"], paid[0])
    stage.stop(api)  # from now on, the offline Stripe has nobody to deliver to
    api = await stage.service(name, **stripe)

    def write(paths: Sequence[str], body: object = None, method: str = "POST", status: str = "201") -> Race:
        connections = 8 if method == "POST" else 1  # two that replace the items of one draft at once would be refused
        plan = Plan(
            0, "write", seconds, connections, at_most=int(300 * seconds), paths=[*paths], key=API_KEY, method=method
        )
        return Race(api, msgspec.structs.replace(plan, body=json.dumps(body) if body else ""), stage.database, status)

    contest = {
        "a customer created": write(["/v1/customers"]),
        "a refund": write([f"/v1/invoices/{each}/refunds" for each in paid], CENT),
        "a credit note": write([f"/v1/invoices/{each}/credit-notes" for each in opened], CENT),
        "250 items replaced": write([f"/v1/invoices/{each}/items" for each in drafts], ITEMS, "PUT", "200"),
    }
    samples = await interleave(contest, rounds)
    drained: dict[str, list[Sample]] = {
        f"worker: {len(told)} events of a refunded invoice": [],
        "worker: its payment alone": [],
    }
    for number in range(rounds + 1):
        for events, kept in zip((told, told[:1]), drained.values(), strict=True):
            bodies = [body for _ in range(backlog) for body in _of_another(events)]
            found = await drain(stage, name, [worker], bodies)
            if number:  # the first round does not count
                kept.append(Sample(len(bodies), *found, 0, 0))
    async with stage.connect(name) as connection:
        ignored = "SELECT avg((status = 'ignored')::int)::float8 FROM webhook_events WHERE type = ANY($1)"
        if (share := await connection.fetchval(ignored, LIFE)) > MOST_IGNORED:
            raise RuntimeError(f"{share:.1%} of the events were ignored: the worker did not find their invoices.")
    stage.stop_all()
    a_customer, (whole, payment) = "a customer created", drained
    targets = [
        at_most("CPU of a refund, of a customer's creation", ratio(samples, "a refund", a_customer), 4),
        at_most("CPU of a credit note, of a customer's creation", ratio(samples, "a credit note", a_customer), 6),
        at_most("CPU per event of a refunded invoice, of its payment's", ratio(drained, whole, payment), 1.3),
    ]
    return Section(
        "returns", "What comes later: writes by the offline Stripe, and events per event",
        COST_COLUMNS, [*cost_rows(samples), *cost_rows(drained)], targets, {"samples": samples, "drained": drained},
    )  # fmt: skip


async def _invoices(api: Server, count: int) -> tuple[list[str], list[str], list[str]]:
    """Drafts, open and paid invoices, one of them partly refunded."""
    headers = {"Authorization": f"Bearer {API_KEY}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}", headers=headers, trust_env=False) as client:

        async def post(path: str, body: object) -> str:
            found: dict[str, Any] = (await client.post(path, json=body)).raise_for_status().json()
            return str(found.get("id"))

        draft = {"customer": await post("/v1/customers", {"email": "jenny.rosen@example.com"}), "days_until_due": 30}
        final = {**draft, "items": LARGE, "finalize": True}
        drafts, opened, paid = [
            [await post("/v1/invoices", terms) for _ in range(count)] for terms in (draft, final, final)
        ]
        for invoice in paid:
            await post(f"/v1/invoices/{invoice}/pay", {"payment_method": "pm_card_visa"})
        await post(f"/v1/invoices/{paid[0]}/refunds", {"amount": 1000})
    return drafts, opened, paid


async def _told(stripe: str, invoice: str) -> list[str]:
    """The events of a refunded invoice, the oldest first."""
    async with httpx.AsyncClient(base_url=stripe, auth=("sk_test_bench", ""), trust_env=False) as client:

        async def of(kind: str) -> dict[str, Any]:
            answer = (await client.get("/v1/events", params={"type": kind, "limit": 100})).raise_for_status()
            return next(
                each
                for each in answer.json()["data"]
                if "refund" in kind or invoice in {each["data"]["object"]["id"], each["data"]["object"].get("invoice")}
            )

        return [json.dumps(await of(kind)) for kind in LIFE]


def _of_another(told: Sequence[str]) -> list[str]:
    """The same events of another invoice."""
    other = rf"\1x{next(numbers)}"
    return [IDS.sub(other, body) for body in told]
