"""Renders the payment pages: the templates, and which of them fits an invoice's state."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.domain.fulfillment import FulfillmentStatus
from app.domain.invoice import InvoiceStatus, Settlement
from app.domain.json import JsonObject, JsonView
from app.domain.money import exponent
from app.languages.declines import declines
from app.languages.invoice_lines import functions
from app.languages.language import Language, translatable
from app.payment_links.pages.assets import ADDRESS, FILES
from app.payment_links.pages.brand import Brand
from app.settings import Settings

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals |= {"assets": ADDRESS, "exponent": exponent}

IN_SCRIPTS = re.compile(r'\btext\(\s*"((?:[^"\\]|\\.)*)"')
"""A text in a script: a call of the function `text`, of texts.js."""
SCRIPT_TEXTS = sorted({found for name, file in FILES.items() for found in IN_SCRIPTS.findall(file.decode())})


@lru_cache
def script_texts(language: Language) -> JsonObject:
    """What the pages' scripts say, by its English, and declines by their code."""
    return {"texts": {it: language.text(it) for it in SCRIPT_TEXTS}, "declines": declines(language)}


@dataclass(frozen=True, slots=True)
class Notice:
    """A page that only shows a message."""

    title: str
    text: str
    again: bool = False


INVOICE = translatable("Invoice %(number)s")
DRAFT = translatable("Invoice")
SAID = {
    "applied": translatable("The promotion code is applied."),
    "refused": translatable("This promotion code cannot be used here."),
    "spent": translatable("Too many promotion codes were tried. Please contact the sender."),
    "unfinished": translatable("This invoice cannot be paid yet. Please contact its sender."),
}

PAID_ON = translatable("Paid on")
YOUR_INVOICES = translatable("Your invoices")
STATES = {
    InvoiceStatus.PAID: translatable("Paid"),
    InvoiceStatus.VOID: translatable("Canceled"),
    InvoiceStatus.UNCOLLECTIBLE: translatable("Written off"),
}
METHODS = {
    "amex": "American Express",
    "customer_balance": translatable("Bank transfer"),
    "diners": "Diners Club",
    "jcb": "JCB",
    "sepa_debit": translatable("SEPA Direct Debit"),
    "unionpay": "UnionPay",
    "us_bank_account": translatable("Bank account"),
}
"""What payment methods are called that are not called as Stripe's code says, by brand or type."""
TAX_TYPES = (
    *("eu_vat", "gb_vat", "ch_vat", "no_vat", "us_ein", "ca_gst_hst", "au_abn", "nz_gst", "jp_trn", "in_gst"),
    *("br_cnpj", "br_cpf", "mx_rfc", "sg_uen", "za_vat"),
)
"""The kinds of tax ids that a customer can choose from; the API takes all of Stripe's."""


def method_name(method: JsonView, language: Language) -> str:
    """What a person recognises a saved payment method by."""
    code = method["brand"] or method["type"]
    name = language.text(METHODS.get(code, code.replace("_", " ").title()))
    if method["last4"]:
        name = language.text(translatable("%(name)s ending in %(last4)s"), name=name, last4=method["last4"])
    if method["exp_year"]:
        until = f"{method['exp_month']:02}/{method['exp_year']}"
        name = language.text(translatable("%(name)s, valid until %(until)s"), name=name, until=until)
    return name


ACCOUNT = {
    "account_holder_name": translatable("Account holder"),
    "iban": translatable("IBAN"),
    "bic": translatable("BIC"),
    "account_number": translatable("Account number"),
    "routing_number": translatable("Routing number"),
    "sort_code": translatable("Sort code"),
    "swift_code": translatable("SWIFT code"),
    "clabe": translatable("CLABE"),
    "bank_name": translatable("Bank"),
    "branch_name": translatable("Branch"),
    "account_type": translatable("Account type"),
}
"""What Stripe's financial addresses say of an account, by their names, in the order in which it is shown."""

NOTICES = {
    "expired": Notice(
        translatable("This link has expired"), translatable("Please ask whoever sent it to you for a new one.")
    ),
    "revoked": Notice(
        translatable("This link is no longer in use"), translatable("Please ask whoever sent it to you for a new one.")
    ),
    "not_found": Notice(
        translatable("This link does not open anything"),
        translatable("Please check that you opened the whole address, to its last character."),
    ),
    InvoiceStatus.PAID: Notice(translatable("This invoice is paid"), translatable("Thank you. Nothing more is owed.")),
    FulfillmentStatus.REVERSED: Notice(
        translatable("This invoice was paid back"),
        translatable("It was paid, and the money came back. Nothing is owed."),
    ),
    Settlement.CREDIT_NOTE: Notice(
        translatable("This invoice was credited"), translatable("A credit note covers all of it. Nothing is owed.")
    ),
    Settlement.BELOW_MINIMUM: Notice(
        translatable("Nothing is to be paid now"),
        translatable("The amount is too little to be charged by itself: it is added to your next invoice."),
    ),
    InvoiceStatus.VOID: Notice(
        translatable("This invoice was canceled"),
        translatable("Nothing is owed. If you expected to pay it, please contact its sender."),
    ),
    InvoiceStatus.UNCOLLECTIBLE: Notice(
        translatable("This invoice can no longer be paid here"),
        translatable("Please contact its sender if you would like to settle it."),
    ),
}
UNAVAILABLE = Notice(
    translatable("This page cannot be shown right now"), translatable("Please try again in a moment."), again=True
)


class Pages:
    def __init__(self, settings: Settings, brand: Brand) -> None:
        self._brand = brand
        self._stripe = {"stripe_js_url": settings.stripe_js_url, "publishable_key": settings.stripe_publishable_key}

    def notice(self, about: str, language: Language, invoice: JsonView | None = None, token: str = "") -> str:
        """The page with the message for `about`: an error's code, a link's state or an invoice's status."""
        notice = NOTICES.get(about, UNAVAILABLE)
        title = language.text(notice.title)
        return self._rendered("notice.html", language, notice=notice, title=title, invoice=invoice, token=token)

    def invoice(
        self,
        invoice: JsonView,
        token: str,
        element: str,
        language: Language,
        said: str = "",
        *,
        another_way: bool = False,
    ) -> str:
        """The page at a link's address: the payment form, or the message why there is none.

        `said` is what became of a promotion code, or of the wish to pay a draft: one of SAID. another_way: the form is
        wanted although a bank transfer is awaited.
        """
        types = (invoice.get("payment_settings") or {}).get("payment_method_types")
        element = "payment" if types and "card" not in types else element
        if invoice["status"] == InvoiceStatus.DRAFT and invoice["promotion_codes"]:
            title, known = language.text(DRAFT), language.text(SAID[said]) if said in SAID else ""
            return self._rendered("draft.html", language, title=title, invoice=invoice, token=token, said=known)
        stands = (invoice["fulfillment"] or {}).get("status")
        if invoice["status"] != InvoiceStatus.OPEN:
            said = invoice["settled_by"] if invoice["settled_by"] in NOTICES else invoice["status"]
            back = stands == FulfillmentStatus.REVERSED and invoice["status"] == InvoiceStatus.PAID
            return self.notice(FulfillmentStatus.REVERSED if back else said, language, invoice, token)
        if invoice["under_way"]:
            return self.outcome(invoice, token, language)
        minimum = invoice["minimum_payment"]
        parts = minimum and minimum * 2 <= invoice["amount_remaining"]
        return self._page("pay.html", invoice, token, language, element=element, parts=parts, another_way=another_way)

    def transfer(self, invoice: JsonView, token: str, transfer: JsonView, language: Language) -> str:
        """The page that says where to transfer what is left of an open invoice."""
        types = (invoice.get("payment_settings") or {}).get("payment_method_types")
        return self._page(
            "transfer.html",
            invoice,
            token,
            language,
            transfer=transfer,
            accounts=[_account(it) for it in transfer["financial_addresses"]],
            other_ways=types != ["customer_balance"],
        )

    def outcome(self, invoice: JsonView, token: str, language: Language) -> str:
        """The page that follows a payment until it is done."""
        return self._page("complete.html", invoice, token, language)

    def payment(self, invoice: JsonView, language: Language) -> JsonObject:
        """What the script of a page shows of the last payment: labels with values, and whether there is a receipt."""
        charge = invoice["charge"]
        if not charge:
            return {"facts": [], "receipt": False}
        paid_at = invoice["paid_at"] or datetime.fromtimestamp(charge["created"], UTC).isoformat()
        facts = [(language.text(PAID_ON), language.day(paid_at))]
        if details := charge["payment_method_details"]:  # which Stripe may leave out
            method = {"brand": None, "last4": None, **(details.get(details["type"]) or {}), "type": details["type"]}
            facts.append((language.text(translatable("Paid with")), method_name(method | {"exp_year": None}, language)))
        return {"facts": facts, "receipt": bool(charge["receipt_url"])}

    def portal(self, shown: JsonView, token: str, appearance: str, language: Language) -> str:
        """A customer's own page."""
        return self._rendered(
            "portal.html",
            language,
            **{**shown, **self._stripe, "title": language.text(YOUR_INVOICES), "invoice": None, "token": token},
            appearance=appearance,
            texts=script_texts(language),
            states=STATES,
            tax_types=TAX_TYPES,
            named=partial(method_name, language=language),
            places=exponent,
        )

    def _page(self, template: str, invoice: JsonView, token: str, language: Language, **more: object) -> str:
        title = language.text(INVOICE, number=invoice["number"])
        texts = script_texts(language)
        return self._rendered(
            template, language, title=title, invoice=invoice, token=token, texts=texts, **self._stripe, **more
        )

    def _rendered(self, template: str, language: Language, **values: object) -> str:
        return TEMPLATES.get_template(template).render(**functions(language), brand=self._brand, **values)


def _account(address: JsonView) -> list[tuple[str, str]]:
    """What a payer needs of one of Stripe's financial addresses: labels and values."""
    found = address.get(address["type"]) or {}
    return [(label, found[name]) for name, label in ACCOUNT.items() if found.get(name)]
