"""What invoices name by id alone: customers, tax rates, the merchant's tax ids, discounts.

Stripe may tell of none of them by an event of its own: what is unknown here is asked for once.
"""

from collections.abc import Iterable

from app.db.engine import Connection, Database
from app.domain.json import JsonObject, JsonView
from app.domain.sources import id_of, ids
from app.projection import named_object_statements as statements
from app.projection.unit_of_work import Subject
from app.stripe.client import StripeGateway
from app.stripe.mapping import Kind

EXPANDED = {"expand": ["discounts", "lines.data.discounts"]}
LINES = {"expand": ["data.discounts"]}


async def unknown(connection: Connection, invoices: Iterable[JsonView], customers: Iterable[str]) -> list[Subject]:
    """What of `customers`, and of what Stripe's objects `invoices` name, is not known here; an invoice for its discounts."""
    named: dict[Kind, dict[str, str]] = {kind: {} for kind in statements.UNKNOWN}
    named[Kind.CUSTOMER] = {one: one for one in customers}
    for invoice in invoices:
        for tax in invoice.get("total_taxes") or []:
            if rate := id_of((tax.get("tax_rate_details") or {}).get("tax_rate")):
                named[Kind.TAX_RATE][rate] = rate
        named[Kind.TAX_ID] |= {one: one for one in ids(invoice.get("account_tax_ids")) if one}
        for taken in invoice.get("total_discount_amounts") or []:
            if discount := id_of(taken.get("discount")):
                named[Kind.INVOICE][discount] = invoice["id"]
    found: dict[Subject, None] = {}
    for kind, subjects in named.items():
        missing = await statements.unknown(connection, kind, subjects)
        found |= dict.fromkeys(Subject(kind, subjects[one]) for one in missing)
    return list(found)


async def keep_discounts(database: Database, gateway: StripeGateway, invoice_id: str) -> None:
    """Ask Stripe which coupons the discounts of an invoice come of. What the gateway raises, it raises."""
    path = f"/v1/invoices/{invoice_id}"
    invoice = (await gateway.get(path, EXPANDED)).data
    lines = invoice["lines"]["data"]
    if invoice["lines"]["has_more"]:
        lines = [line async for line in gateway.pages(f"{path}/lines", LINES)]
    listed = [*(invoice.get("discounts") or []), *(it for line in lines for it in line["discounts"])]
    rows: dict[str, JsonObject] = {}
    for one in listed:
        if isinstance(one, dict):
            coupon = id_of((one.get("source") or {}).get("coupon"))
            code = id_of(one.get("promotion_code"))
            rows[one["id"]] = {"id": one["id"], "invoice": invoice_id, "coupon": coupon, "promotion_code": code}
    async with database.connection() as connection:
        await statements.keep_discounts(connection, list(rows.values()))
