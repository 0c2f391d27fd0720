"""Every field of Stripe's objects is shown, or stands here with the reason why it is not.

A release of Stripe's SDK that adds one fails this until somebody decides.
"""

import pytest
import stripe

from app.stripe.mapping import FIELDS, ITEM, Kind

ALWAYS = {"OBJECT_NAME": "not a field", "object": "the address says it", "deleted": "what is deleted is not shown"}
LEGACY = "an older way to pay, out of scope"
ELSEWHERE = {
    "confirmation_secret": "a secret: `…/client-secret` asks for it",
    "discounts": "`discounts`, of total_discount_amounts",
    "lines": "`items`",
    "payments": "`payments`, rows of their own",
    "status_transitions": "`finalized_at`, `paid_at`, `voided_at`, `marked_uncollectible_at`",
    "total_taxes": "`taxes`",
}
NOT_SHOWN: dict[type[stripe.StripeObject], dict[str, str]] = {
    stripe.Invoice: {
        "customer_account": "accounts as customers are out of scope",
        "default_source": LEGACY,
        "test_clock": "for tests alone",
        "threshold_reason": "of subscriptions, out of scope",
        "webhooks_delivered_at": "says when Stripe may go on, which `automatically_finalizes_at` tells",
    },
    stripe.InvoiceLineItem: {
        "invoice": "the invoice that shows it",
        "livemode": "as its invoice",
        "subscription": "out of scope",
    },
    stripe.Product: {
        "marketing_features": "for pricing tables",
        "package_dimensions": "of goods that Stripe ships",
        "shippable": "of goods that Stripe ships",
        "statement_descriptor": "of subscriptions, out of scope",
        "tax_details": "in preview at Stripe",
        "type": "deprecated at Stripe",
        "updated": "`updated_at` says when it changed here",
    },
    stripe.Price: {
        "billing_scheme": "tiers are out of scope",
        "currency_options": "Stripe shows them only to who asks for them, and no event has them",
        "custom_unit_amount": "payers do not choose what an invoice costs",
        "recurring": "subscriptions are out of scope",
        "tiers": "out of scope",
        "tiers_mode": "out of scope",
        "transform_quantity": "of packages, out of scope",
    },
    stripe.Customer: {
        "cash_balance": "Stripe shows it only to who asks for it, and no event has it",
        "customer_account": "accounts as customers are out of scope",
        "default_source": LEGACY,
        "discount": "a discount of a customer is on each of its invoices",
        "invoice_credit_balance": "`balance`, for each currency, which Stripe shows only to who asks for it",
        "next_invoice_sequence": "moves with each invoice, and no event of the customer tells it",
        "sources": LEGACY,
        "subscriptions": "out of scope",
        "tax": "Stripe shows it only to who asks for it, and no event has it",
        "tax_ids": "Stripe shows them only to who asks for them; an invoice has `customer_tax_ids`",
        "test_clock": "for tests alone",
    },
}
FIELDS_OF = {
    stripe.Invoice: FIELDS[Kind.INVOICE],
    stripe.InvoiceLineItem: ITEM,
    stripe.Product: FIELDS[Kind.PRODUCT],
    stripe.Price: FIELDS[Kind.PRICE],
    stripe.Customer: FIELDS[Kind.CUSTOMER],
}
OF_THE_WHOLE = {"parent": "`id`", "taxes": "`taxes`"}
"""What functions of the whole line read."""


def read(of: type[stripe.StripeObject]) -> set[str]:
    """The fields of Stripe's object that are shown under a name of ours."""
    return {source.names[0].rstrip("?") for source, _ in FIELDS_OF[of].sources.values() if source.names}


@pytest.mark.parametrize("of", NOT_SHOWN)
def test_each_field_of_stripes_object_is_shown_or_has_a_reason(of: type[stripe.StripeObject]) -> None:
    elsewhere = {stripe.Invoice: ELSEWHERE, stripe.InvoiceLineItem: OF_THE_WHOLE}.get(of, {})
    decided = [read(of), set(elsewhere), NOT_SHOWN[of].keys(), ALWAYS.keys()]
    theirs = set(of.__annotations__)
    assert theirs - set().union(*decided) == set(), "Stripe has fields that nobody decided about"
    assert set().union(*decided[:3]) - theirs == set(), "Stripe does not have these fields"
    assert not read(of) & NOT_SHOWN[of].keys(), "is shown, and has a reason why it is not"


def test_an_invoice_shows_73_of_stripes_78_fields() -> None:
    theirs = set(stripe.Invoice.__annotations__) - ALWAYS.keys()
    assert (len(theirs), len(theirs - NOT_SHOWN[stripe.Invoice].keys())) == (78, 73)
