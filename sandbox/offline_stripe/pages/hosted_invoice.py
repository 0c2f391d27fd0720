"""The hosted invoice page, where a customer sees an invoice and can pay it.

It changes nothing itself: paying goes through Stripe.js and the API, as on a merchant's page.
"""

from html import escape

from offline_stripe.billing.collection import intent_of
from offline_stripe.documents import Document
from offline_stripe.hosted_links import hosted_links
from offline_stripe.pages.html import page
from offline_stripe.pages.invoice_view import Pairs, facts, headline, row, sums
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.messages import Response

_PAYABLE = {"requires_payment_method", "requires_confirmation", "requires_action"}


def hosted_invoice_page(tx: Transaction, invoice: Document) -> Response:
    lines = tx.where("line_item", invoice=invoice["id"])
    pdf = hosted_links(tx.store.base_url, invoice, tx.now)["invoice_pdf"]
    rows = "".join(_row(line) for line in lines)
    body = (
        f"<h1>Invoice {escape(invoice['number'])}</h1><p>{escape(headline(invoice))}</p>"
        f"<dl>{_terms(facts(invoice))}</dl>"
        '<table><thead><tr><th>Description</th><th class="n">Quantity</th><th class="n">Amount</th></tr></thead>'
        f"<tbody>{rows}</tbody></table><dl>{_terms(sums(invoice))}</dl>"
        f'<p>{escape(invoice["description"] or "")}</p><p><a href="{escape(pdf)}">Download PDF</a></p>'
        f"{_form(tx, invoice)}<footer>{escape(invoice['footer'] or '')}</footer>"
    )
    return page(f"Invoice {invoice['number']}", body)


def _form(tx: Transaction, invoice: Document) -> str:
    intent = intent_of(tx, invoice)
    if invoice["status"] not in {"open", "uncollectible"} or intent is None or intent["status"] not in _PAYABLE:
        return ""
    return (
        f'<form data-client-secret="{escape(intent["client_secret"])}" data-key="{escape(tx.store.publishable_key)}"><div id="element"></div><p role="alert"></p>'
        "<button disabled>Pay</button></form>"
        '<script src="/stripe.js"></script><script src="/elements/hosted.js" type="module"></script>'
    )


def _terms(pairs: Pairs) -> str:
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)


def _row(line: Document) -> str:
    description, quantity, amount = row(line)
    return f'<tr><td>{escape(description)}</td><td class="n">{escape(quantity)}</td><td class="n">{escape(amount)}</td></tr>'
