"""What Stripe makes of discounts, taxes, shipping, balances and credit notes is explained by what is shown."""

import msgspec

from app.db import documents
from app.db.resources import INVOICE
from app.domain.totals import unexplained
from app.languages.invoice_lines import adjustments, until_due
from app.languages.language import Language
from tests.fixtures.stage import Json, Stage
from tests.lab.truth import documents_must_hold

ENGLISH = Language("en")


async def shown(stage: Stage, invoice: str) -> Json:
    await stage.tell(*await stage.events())
    async with stage.container.database.connection() as connection:
        await documents_must_hold(connection)  # type: ignore[arg-type]
        found: Json = msgspec.json.decode(await documents.require(connection, INVOICE, invoice))
    return found


async def test_every_amount_of_an_invoice_follows_from_the_others(stage: Stage) -> None:
    rates = [
        await stage.dashboard("tax_rates", display_name="VAT", percentage=percentage, inclusive=inclusive)
        for percentage, inclusive in (("19", "false"), ("5", "true"))
    ]
    coupons = [
        await stage.dashboard("coupons", **off) for off in ({"percent_off": 10}, {"amount_off": 333, "currency": "usd"})
    ]
    shipping = await stage.dashboard(
        "shipping_rates",
        display_name="Post",
        type="fixed_amount",
        **{"fixed_amount[amount]": 700, "fixed_amount[currency]": "usd"},
    )
    draft = await stage.invoice(
        finalize=False,
        **{
            "default_tax_rates[0]": rates[0]["id"],
            "discounts[0][coupon]": coupons[0]["id"],
            "shipping_cost[shipping_rate]": shipping["id"],
        },
    )
    path, customer = f"invoices/{draft['id']}", draft["customer"]
    item = {"customer": customer, "invoice": draft["id"], "amount": 4567, "currency": "usd"}
    await stage.dashboard(
        "invoiceitems", **item, **{"tax_rates[0]": rates[1]["id"], "discounts[0][coupon]": coupons[1]["id"]}
    )
    await stage.dashboard(f"customers/{customer}/balance_transactions", amount=-1234, currency="usd")
    before = await shown(stage, draft["id"])
    assert (len(before["taxes"]), len(before["discounts"]), unexplained(before)) == (2, 2, {})
    await stage.dashboard(f"{path}/finalize")
    opened = await shown(stage, draft["id"])
    assert until_due(opened, ENGLISH) == [("Balance applied", -1234)]
    await stage.dashboard("credit_notes", invoice=draft["id"], amount=400)
    credited = await shown(stage, draft["id"])
    assert until_due(credited, ENGLISH) == [("Balance applied", -1234), ("Credit notes", -400)]
    labels = [label.partition(" on ")[0] for label, _ in adjustments(credited, ENGLISH)]
    assert labels[:4] == ["Discount", "Discount", "Shipping", "VAT 19%"]
    assert len(labels) == 5
    assert credited["amount_due"] == opened["amount_due"] - 400
    await stage.dashboard(f"{path}/pay", payment_method="pm_card_visa")
    paid = await shown(stage, draft["id"])
    assert (unexplained(paid), paid["status"], paid["amount_remaining"]) == ({}, "paid", 0)
