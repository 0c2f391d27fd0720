"""What a customer's browser gets from the sandbox, beside what the browser tests drive."""

import io
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import stripe
from pypdf import PdfReader

from tests.sandbox.process import RunningSandbox

Drafting = Callable[..., stripe.Invoice]
FIELDS = [{"name": "PO number", "value": "4711"}, {"name": "Größe", "value": "(groß) \\ <b>"}]


@pytest.fixture
def finalized(box: RunningSandbox, draft: Drafting) -> stripe.Invoice:
    invoice = draft(12_345, custom_fields=FIELDS, description="Thank you.", footer="Payable within 30 days.")
    return box.v1.invoices.finalize_invoice(invoice.id)


def read_pdf(box: RunningSandbox, invoice: stripe.Invoice) -> PdfReader:
    assert invoice.invoice_pdf
    answer = box.http.get(invoice.invoice_pdf)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert f"Invoice-{invoice.number}.pdf" in answer.headers["Content-Disposition"]
    return PdfReader(io.BytesIO(answer.content), strict=True)


def test_the_pdf_says_what_is_owed_with_the_custom_fields(box: RunningSandbox, finalized: stripe.Invoice) -> None:
    reader = read_pdf(box, finalized)
    text = "\n".join(page.extract_text() for page in reader.pages)
    for said in ("PO number", "4711", "Größe", "(groß) \\ <b>", str(finalized.number), "123.45", "Thank you.", "Ada"):
        assert said in text
    assert reader.metadata is not None
    assert reader.metadata.title == f"Invoice {finalized.number}"


def test_a_long_invoice_goes_on_over_pages(box: RunningSandbox, draft: Drafting) -> None:
    invoice = draft(None, description="word " * 280)
    for number in range(60):
        item = {"customer": str(invoice.customer), "invoice": invoice.id, "amount": 100 + number, "currency": "usd"}
        box.v1.invoice_items.create({**item, "description": f"Item {number} " + "x" * 90})  # type: ignore[arg-type]
    reader = read_pdf(box, box.v1.invoices.finalize_invoice(invoice.id))
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert len(reader.pages) > 2
    assert not [number for number in range(60) if not re.search(rf"Item {number}\b", text)]


def test_the_hosted_page_shows_the_custom_fields_escaped_and_a_form_while_it_is_open(
    box: RunningSandbox, finalized: stripe.Invoice
) -> None:
    assert finalized.hosted_invoice_url
    page = box.http.get(finalized.hosted_invoice_url)
    for said in ("PO number", "4711", "(groß) \\ &lt;b&gt;", "123.45", str(finalized.invoice_pdf), "<form"):
        assert said in page.text
    box.v1.invoices.pay(finalized.id, {"paid_out_of_band": True})
    page = box.http.get(finalized.hosted_invoice_url)
    assert "paid" in page.text
    assert "<form" not in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/i/none",
        "/i/none/pdf",
        "/i/none/1",
        "/i/none/1/pdf",
        "/elements/none",
        "/elements/..%2f..%2fcli.py",
        "/nothing",
        "/3ds/none",
    ],
)
def test_what_does_not_exist_is_a_404(box: RunningSandbox, path: str) -> None:
    assert box.http.get(path).status_code == 404


@pytest.mark.parametrize("kind", ["payment", "card"])
def test_a_frame_loads_its_own_files_and_nothing_else(box: RunningSandbox, kind: str) -> None:
    page = box.http.get(f"/elements/{kind}")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    for name, media_type in (("frame.js", "text/javascript"), ("frame.css", "text/css")):
        assert f"/elements/{name}" in page.text
        assert box.http.get(f"/elements/{name}").headers["Content-Type"].startswith(media_type)


@pytest.mark.parametrize(
    ("answer", "status", "redirect_status"),
    [("succeed", "succeeded", "succeeded"), ("fail", "requires_payment_method", "failed")],
)
def test_an_answered_challenge_leads_back_with_stripe_s_parameters(
    box: RunningSandbox, finalized: stripe.Invoice, answer: str, status: str, redirect_status: str
) -> None:
    expanded = box.v1.invoices.retrieve(finalized.id, {"expand": ["confirmation_secret"]})
    assert expanded.confirmation_secret
    secret = expanded.confirmation_secret.client_secret
    intent = secret.partition("_secret_")[0]
    confirmation = {
        "key": "pk_test_sandbox",
        "client_secret": secret,
        "return_url": "http://shop.example/done?order=1",
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": "4000002760003184",
        "payment_method_data[card][exp_month]": "12",
        "payment_method_data[card][exp_year]": "34",
        "payment_method_data[card][cvc]": "123",
    }
    with httpx.Client(base_url=box.url, trust_env=False) as browser:
        asked = browser.post(f"/v1/payment_intents/{intent}/confirm", data=confirmation).json()
        challenge = asked["next_action"]["redirect_to_url"]["url"]
        assert "Complete" in browser.get(challenge).text
        back = browser.post(challenge, data={"outcome": answer})
    assert back.status_code == 303
    address = urlsplit(back.headers["Location"])
    assert address.netloc == "shop.example"
    assert {name: values[0] for name, values in parse_qs(address.query).items()} == {
        "order": "1",
        "payment_intent": intent,
        "payment_intent_client_secret": secret,
        "redirect_status": redirect_status,
    }
    assert box.v1.payment_intents.retrieve(intent).status == status
