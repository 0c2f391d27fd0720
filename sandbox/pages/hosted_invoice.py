"""The hosted invoice page: what an invoice's link shows to the customer.

Owns its markup. Must not change anything; paying here is for a later page.
"""

from datetime import UTC, datetime
from html import escape

from sandbox.billing.currencies import display
from sandbox.documents import Document
from sandbox.pages.html import page
from sandbox.store.transaction import Transaction
from sandbox.wire.messages import Response


def hosted_invoice_page(tx: Transaction, token: str) -> Response:
    found = tx.where("invoice", _link=token)
    if not found:
        return page("Not found", "<h1>This invoice could not be found</h1>", status=404)
    invoice = found[0]
    lines = tx.where("line_item", invoice=invoice["id"])
    rows = "".join(_row(line) for line in lines)
    body = (
        f"<h1>Invoice {escape(invoice['number'])}</h1><p>{escape(_headline(invoice))}</p>"
        f"<dl>{_facts(invoice)}</dl>"
        '<table><thead><tr><th>Description</th><th class="n">Quantity</th><th class="n">Amount</th></tr></thead>'
        f"<tbody>{rows}</tbody></table><dl>{_sums(invoice)}</dl>"
        f"<p>{escape(invoice['description'] or '')}</p><footer>{escape(invoice['footer'] or '')}</footer>"
    )
    return page(f"Invoice {invoice['number']}", body)


def _headline(invoice: Document) -> str:
    amount = display(invoice["amount_remaining"] or invoice["amount_due"], invoice["currency"])
    return {
        "paid": f"{amount} paid",
        "void": "This invoice was voided",
        "uncollectible": f"{amount} was written off",
    }.get(invoice["status"], f"{amount} due")


def _facts(invoice: Document) -> str:
    facts = [
        ("From", invoice["account_name"]),
        ("To", invoice["customer_name"] or invoice["customer_email"]),
        ("Issued", _day(invoice["effective_at"])),
        ("Due", _day(invoice["due_date"])),
        *((entry["name"], entry["value"]) for entry in invoice["custom_fields"] or []),
    ]
    return _terms(facts)


def _sums(invoice: Document) -> str:
    currency = invoice["currency"]
    discounts = sum(entry["amount"] for entry in invoice["total_discount_amounts"])
    taxes = sum(entry["amount"] for entry in invoice["total_taxes"])
    return _terms(
        [
            ("Subtotal", display(invoice["subtotal"], currency)),
            ("Discounts", display(-discounts, currency) if discounts else None),
            ("Taxes", display(taxes, currency) if taxes else None),
            ("Total", display(invoice["total"], currency)),
            ("Amount due", display(invoice["amount_remaining"], currency)),
        ]
    )


def _terms(facts: list[tuple[str, str | None]]) -> str:
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts if value)


def _row(line: Document) -> str:
    return (
        f'<tr><td>{escape(line["description"] or "")}</td><td class="n">{escape(str(line["quantity_decimal"]))}</td>'
        f'<td class="n">{escape(display(line["amount"], line["currency"]))}</td></tr>'
    )


def _day(moment: int | None) -> str | None:
    return datetime.fromtimestamp(moment, UTC).strftime("%d %B %Y") if moment else None
