"""Renders the payment pages: the templates, and which of them fits an invoice's state."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.domain.fulfillment import FulfillmentStatus
from app.domain.invoice import InvoiceStatus, Settlement
from app.domain.invoice_lines import adjustments, quantity
from app.domain.json import JsonView
from app.domain.money import format_amount, major
from app.payment_links.pages.assets import ADDRESS
from app.settings import Settings


def money(amount: int, currency: str) -> Markup:
    """An amount as HTML. It reads well as it is; the page's script rewrites it for the person's locale."""
    shown, value = format_amount(amount, currency), major(amount, currency)
    return Markup('<data class="money" value="{}" data-currency="{}">{}</data>').format(value, currency.upper(), shown)


def day(moment: str) -> Markup:
    """A date as HTML; the page's script rewrites it, too."""
    return Markup('<time datetime="{}">{}</time>').format(moment, moment[:10])


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals |= {"money": money, "day": day, "assets": ADDRESS, "adjustments": adjustments, "quantity": quantity}


@dataclass(frozen=True, slots=True)
class Notice:
    """A page that only shows a message."""

    title: str
    text: str
    again: bool = False


UNDER_WAY = frozenset({FulfillmentStatus.PROCESSING, FulfillmentStatus.FULFILLED})
"""The statuses of a fulfillment whose open invoice has a payment under way; some fulfill before it has settled."""

NOTICES = {
    "expired": Notice("This link has expired", "Please ask whoever sent it to you for a new one."),
    "revoked": Notice("This link is no longer in use", "Please ask whoever sent it to you for a new one."),
    "not_found": Notice(
        "This link does not open anything", "Please check that you opened the whole address, to its last character."
    ),
    InvoiceStatus.PAID: Notice("This invoice is paid", "Thank you. Nothing more is owed."),
    FulfillmentStatus.REVERSED: Notice(
        "This invoice was paid back", "It was paid, and the money came back. Nothing is owed."
    ),
    Settlement.CREDIT_NOTE: Notice("This invoice was credited", "A credit note covers all of it. Nothing is owed."),
    Settlement.BELOW_MINIMUM: Notice(
        "Nothing is to be paid now",
        "The amount is too little to be charged by itself: it is added to your next invoice.",
    ),
    InvoiceStatus.VOID: Notice(
        "This invoice was canceled", "Nothing is owed. If you expected to pay it, please contact its sender."
    ),
    InvoiceStatus.UNCOLLECTIBLE: Notice(
        "This invoice can no longer be paid here", "Please contact its sender if you would like to settle it."
    ),
}
UNAVAILABLE = Notice(
    "This page cannot be shown right now", "Nothing was charged. Please try again in a moment.", again=True
)


class Pages:
    """Renders the pages of one deployment."""

    def __init__(self, settings: Settings) -> None:
        self._stripe = {
            "stripe_js_url": settings.stripe_js_url,
            "publishable_key": settings.stripe_publishable_key,
        }

    def notice(self, about: str, invoice: JsonView | None = None, token: str = "") -> str:
        """The page with the message for `about`, and with the link's invoice where one is given.

        `about` is an error's code, a link's state or an invoice's status.
        """
        notice = NOTICES.get(about, UNAVAILABLE)
        page = TEMPLATES.get_template("notice.html")
        return page.render(notice=notice, title=notice.title, invoice=invoice, token=token)

    def invoice(self, invoice: JsonView, token: str, element: str) -> str:
        """The page at a link's address: the payment form, or the message why there is none."""
        stands = (invoice["fulfillment"] or {}).get("status")
        if invoice["status"] != InvoiceStatus.OPEN:
            said = invoice["settled_by"] if invoice["settled_by"] in NOTICES else invoice["status"]
            back = stands == FulfillmentStatus.REVERSED and invoice["status"] == InvoiceStatus.PAID
            return self.notice(FulfillmentStatus.REVERSED if back else said, invoice, token)
        if stands in UNDER_WAY:
            return self.outcome(invoice, token)
        title = f"Invoice {invoice['number']}"
        page = TEMPLATES.get_template("pay.html")
        return page.render(title=title, invoice=invoice, token=token, element=element, **self._stripe)

    def outcome(self, invoice: JsonView, token: str) -> str:
        """The page that follows a payment until it is done."""
        page = TEMPLATES.get_template("complete.html")
        return page.render(title=f"Invoice {invoice['number']}", invoice=invoice, token=token, **self._stripe)
