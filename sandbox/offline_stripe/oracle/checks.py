"""What the oracle does at Stripe and here, as data.

A check's `settles` names the switches that it tells apart, each with a value to try beside the default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from offline_stripe.commands.steps import Step, get, post

DAY = 86_400
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Check:
    """One sequence of calls, whose answers and events are compared."""

    name: str
    about: str
    steps: tuple[Step, ...]
    settles: Mapping[str, object] = field(default_factory=dict)
    needs: str = ""
    """What it needs beside a key: `time` (days pass; only with --slow) or `receiver` (only with --receiver-url)."""


def wait(name: str, seconds: float) -> Step:
    """Time passes: really, or on a sandbox's clock."""
    return Step(name, "WAIT", str(seconds))


def seen(name: str) -> Step:
    """What the receiver got."""
    return Step(name, "SEEN", "")


CLOCK = post("clock", "test_helpers/test_clocks", frozen_time="${start.now}")
"""Begins a world whose time Stripe lets us move."""


def later(name: str, seconds: int) -> Step:
    """The test clock moves to so many seconds after the start."""
    return Step(name, "ADVANCE", "/v1/test_helpers/test_clocks/${clock.id}/advance", {"seconds": seconds})


ADA = post("customer", "customers", name="Ada", email="ada@example.com")
CLOCKED = post("customer", "customers", name="Ada", email="ada@example.com", test_clock="${clock.id}")
DRAFT = post("draft", "invoices", customer="${customer.id}", collection_method="send_invoice", days_until_due=30)
LINE = post("line", "invoices/${draft.id}/add_lines", lines=[{"amount": 2000, "description": "Work"}])
OPEN = post("open", "invoices/${draft.id}/finalize")
AFTER = get("after", "invoices/${draft.id}")
OPENED = (ADA, DRAFT, LINE, OPEN)
CLOCKED_OPEN = (CLOCK, CLOCKED, DRAFT, LINE, OPEN)
PAID = post("paid", "invoices/${draft.id}/pay", payment_method="pm_card_visa")
BANK = post("method", "payment_methods/pm_usBankAccount_success/attach", customer="${customer.id}")
CARD = post("method", "payment_methods/pm_card_visa/attach", customer="${customer.id}")
STAYS: dict[str, Any] = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}, "confirm": True}
CHARGED = post("intent", "payment_intents", amount=10_000, currency="usd", payment_method="pm_card_visa", **STAYS,
               expand=["latest_charge.balance_transaction"])  # fmt: skip
DISPUTED = post("intent", "payment_intents", amount=10_000, currency="usd", payment_method="pm_card_createDispute",
                **STAYS)  # fmt: skip
DISPUTES = get("disputes", "disputes", payment_intent="${intent.id}")
WON = post(
    "evidence", "disputes/${disputes.data.0.id}", evidence={"uncategorized_text": "winning_evidence"}, submit=True
)
DISPUTE = get("dispute", "disputes/${disputes.data.0.id}")
DEBITED = post("debit", "invoices/${draft.id}/pay", payment_method="${method.id}")
ENDPOINT = "webhook_endpoints"


def _endpoint(path: str) -> Step:
    return post("endpoint", ENDPOINT, url=f"${{receiver.url}}/{path}", enabled_events=["product.created"])


CHECKS: tuple[Check, ...] = (
    # The lifecycle
    Check("catalog", "a product with two prices, changed",
          (post("product", "products", name="Widget", metadata={"a": "b"}),
           post("price", "prices", product="${product.id}", unit_amount=1500, currency="usd"),
           post("changed", "products/${product.id}", name="Gadget", metadata={"a": ""}),
           post("archived", "prices/${price.id}", active=False), get("read", "prices/${price.id}", expand=["product"]))),
    Check("send-and-pay", "a draft with lines is finalized, sent and paid",
          (ADA, DRAFT, LINE, AFTER, OPEN, post("sent", "invoices/${draft.id}/send"), PAID,
           get("read", "invoices/${draft.id}", expand=["payments", "customer"]))),
    Check("items", "pending items go into the next draft",
          (ADA, post("item", "invoiceitems", customer="${customer.id}", amount=700, currency="usd", description="Pending"),
           post("draft", "invoices", customer="${customer.id}", pending_invoice_items_behavior="include"),
           get("lines", "invoices/${draft.id}/lines"))),
    Check("declined", "a payment is declined, then succeeds",
          (*OPENED, post("declined", "invoices/${draft.id}/pay", payment_method="pm_card_visa_chargeDeclined", refused=True),
           AFTER, PAID)),
    Check("refund", "a payment is refunded in part",
          (CHARGED, post("refund", "refunds", payment_intent="${intent.id}", amount=400),
           get("charge", "charges/${intent.latest_charge.id}"))),
    Check("credit-note", "an open invoice is credited in part",
          (*OPENED, post("note", "credit_notes", invoice="${draft.id}", amount=500), AFTER)),
    Check("delete-draft", "a draft is deleted, an open invoice cannot be",
          (ADA, DRAFT, Step("deleted", "DELETE", "/v1/invoices/${draft.id}"),
           get("gone", "invoices/${draft.id}", refused=True))),
    Check("discount", "a coupon on an invoice",
          (ADA, post("coupon", "coupons", id="${start.key}", percent_off=25, duration="once"), DRAFT, LINE,
           post("discounted", "invoices/${draft.id}", discounts=[{"coupon": "${coupon.id}"}]), OPEN)),
    Check("tax-rate", "an exclusive tax rate on an invoice",
          (ADA, post("rate", "tax_rates", display_name="VAT", percentage=19, inclusive=False), DRAFT, LINE,
           post("taxed", "invoices/${draft.id}", default_tax_rates=["${rate.id}"]), OPEN)),
    Check("errors", "what is refused, with which words",
          (get("missing", "customers/cus_none", refused=True), post("unknown", "customers", refused=True, nonsense=1),
           post("integer", "invoices", refused=True, customer="cus_none", days_until_due="many"),
           post("required", "prices", refused=True), get("url", "nonsense", refused=True),
           post("empty", "products", refused=True, name=""))),
    Check("states", "what a draft, an open and a void invoice refuse",
          (ADA, DRAFT, LINE, post("void_draft", "invoices/${draft.id}/void", refused=True), OPEN,
           post("again", "invoices/${draft.id}/finalize", refused=True),
           post("more", "invoices/${draft.id}/add_lines", refused=True, lines=[{"amount": 1}]),
           post("void", "invoices/${draft.id}/void"),
           post("pay_void", "invoices/${draft.id}/pay", refused=True, payment_method="pm_card_visa"))),
    # Switches
    Check("void-uncollectible", "an uncollectible invoice is voided",
          (*OPENED, post("written_off", "invoices/${draft.id}/mark_uncollectible"),
           post("void", "invoices/${draft.id}/void", refused=True)), {"uncollectible_can_be_voided": False}),
    Check("void-processing", "an invoice is voided while a bank debit is under way",
          (*OPENED, BANK, DEBITED, post("void", "invoices/${draft.id}/void", refused=True)),
          {"processing_can_be_voided": True}),
    Check("edit-open", "an open invoice's auto_advance is changed",
          (*OPENED, post("edited", "invoices/${draft.id}", auto_advance=True, refused=True)),
          {"open_auto_advance_editable": False}),
    Check("edit-open-settings", "an open invoice's payment settings are changed",
          (*OPENED, post("edited", "invoices/${draft.id}", refused=True,
                         payment_settings={"payment_method_types": ["card"]})),
          {"payment_settings_editable_when_open": False}),
    Check("zero-due", "an invoice with nothing due is finalized", (ADA, DRAFT, OPEN),
          {"zero_due_emits_payment_succeeded": True}),
    Check("finalize", "an invoice is finalized, and that alone", OPENED,
          {"finalize_emits_updated": False, "finalize_emits_sent": True}),
    Check("void", "an open invoice is voided", (*OPENED, post("void", "invoices/${draft.id}/void")),
          {"void_emits_payment_intent_canceled": False}),
    Check("out-of-band", "an invoice is paid out of band",
          (*OPENED, post("paid", "invoices/${draft.id}/pay", paid_out_of_band=True)),
          {"out_of_band_emits_payment_intent_canceled": True, "out_of_band_counts_as_paid": False}),
    Check("void-paid", "a paid invoice is voided", (*OPENED, PAID, post("void", "invoices/${draft.id}/void", refused=True)),
          {"void_paid_message_is_open_text": True}),
    Check("authentication", "an invoice is paid with a card that asks for 3-D Secure",
          (*OPENED, post("pay", "invoices/${draft.id}/pay", payment_method="pm_card_threeDSecure2Required", refused=True),
           AFTER), {"invoice_authentication_declines": True}),
    Check("pay-template", "an invoice is paid with a payment method that belongs to nobody",
          (*OPENED, post("paid", "invoices/${draft.id}/pay", payment_method="pm_card_visa", refused=True)),
          {"pay_accepts_templates": False}),
    Check("no-email", "a send_invoice draft for a customer without an email address",
          (post("customer", "customers", name="Ada"),
           post("draft", "invoices", customer="${customer.id}", collection_method="send_invoice", days_until_due=30,
                refused=True)), {"send_invoice_requires_email": False}),
    Check("attach-declining", "a card that declines is attached to a customer",
          (ADA, post("method", "payment_methods/pm_card_chargeDeclined/attach", customer="${customer.id}", refused=True)),
          {"attaching_checks_card": False}),
    Check("lines", "an invoice with twelve lines",
          (ADA, DRAFT, *(post(f"line_{n}", "invoices/${draft.id}/add_lines", lines=[{"amount": 100 + n}]) for n in range(12)),
           AFTER), {"lines_newest_first": True, "lines_page_size": 5}),
    Check("expand", "an answer is expanded through four levels",
          (*OPENED, PAID, get("expanded", "invoices/${draft.id}", refused=True,
                              expand=["payments.data.payment.payment_intent"]),
           get("deeper", "invoices/${draft.id}", refused=True, expand=["lines.data.pricing.price_details.price"])),
          {"expand_depth": 3}),
    Check("debit", "an invoice is paid by bank debit, and two minutes pass",
          (*CLOCKED_OPEN, BANK, DEBITED, later("minutes", 120), wait("settling", 120), AFTER), {"debit_settlement_s": DAY}),
    Check("payment-lag", "an invoice is paid, and its payment is read at once and after a minute",
          (*OPENED, PAID, get("at_once", "invoice_payments", invoice="${draft.id}"), wait("counting", 60),
           get("later", "invoice_payments", invoice="${draft.id}")), {"invoice_payment_lag_s": 20}),
    Check("automatic-tax", "an invoice with automatic tax for a customer in Berlin",
          (post("customer", "customers", email="a@example.com", address={"country": "DE", "postal_code": "10115",
                                                                          "city": "Berlin", "line1": "Weg 1"}),
           post("draft", "invoices", customer="${customer.id}", automatic_tax={"enabled": True},
                collection_method="send_invoice", days_until_due=30), LINE,
           post("open", "invoices/${draft.id}/finalize", refused=True)), {"automatic_tax_fails": True}),
    Check("tax-id", "a tax id is verified",
          (ADA, post("tax_id", "customers/${customer.id}/tax_ids", type="eu_vat", value="DE000000000"),
           wait("verifying", 60), get("verified", "customers/${customer.id}/tax_ids/${tax_id.id}")),
          {"tax_id_verification_s": DAY}),
    Check("debit-refund", "a bank debit is refunded, and two minutes pass",
          (*CLOCKED_OPEN, BANK, DEBITED, later("minutes", 120), wait("settling", 120),
           get("read", "invoices/${draft.id}", expand=["payments"]),
           post("refund", "refunds", payment_intent="${read.payments.data.0.payment.payment_intent}"),
           wait("refunding", 120), get("refunded", "refunds/${refund.id}")), {"refund_settlement_s": DAY}),
    Check("dispute", "a dispute is answered and won",
          (DISPUTED, wait("disputing", 10), DISPUTES, WON, wait("reviewing", 60), DISPUTE),
          {"dispute_review_s": DAY, "dispute_fee": 2000, "dispute_won_returns_fee": True}),
    Check("card-fee", "what a card payment costs, and when its money is available", (CHARGED,),
          {"card_fee_basis_points": 140, "card_fee_fixed": 25, "charge_available_days": 7}),
    Check("debit-fee", "what small and large bank debits cost",
          tuple(step for number, amount in enumerate((10_000, 900_000)) for step in (
              post(f"intent_{number}", "payment_intents", amount=amount, currency="usd", **STAYS,
                   payment_method="pm_usBankAccount_success"),
              wait(f"settling_{number}", 120),
              get(f"settled_{number}", f"payment_intents/${{intent_{number}.id}}",
                  expand=["latest_charge.balance_transaction"]))),
          {"debit_fee_basis_points": 50, "debit_fee_most": 700}),
    Check("automatic-charge", "an invoice is charged automatically two hours after it was finalized",
          (CLOCK, CLOCKED, CARD,
           post("customer_method", "customers/${customer.id}", invoice_settings={"default_payment_method": "${method.id}"}),
           post("draft", "invoices", customer="${customer.id}", auto_advance=True), LINE, OPEN,
           later("hours", 2 * HOUR), AFTER), {"auto_charge_delay_s": 3 * HOUR}),
    Check("draft-window", "a draft advances within two hours",
          (CLOCK, CLOCKED, post("draft", "invoices", customer="${customer.id}", collection_method="send_invoice",
                                days_until_due=30, auto_advance=True), LINE, later("hours", 2 * HOUR), AFTER),
          {"draft_window_s": 3 * HOUR}),
    Check("draft-unacknowledged", "a draft whose webhook nobody acknowledges does not advance within two hours",
          (CLOCK, CLOCKED,
           post("endpoint", ENDPOINT, url="https://nobody.invalid/hook", enabled_events=["invoice.created"]),
           post("draft", "invoices", customer="${customer.id}", collection_method="send_invoice", days_until_due=30,
                auto_advance=True), LINE, later("hours", 2 * HOUR), AFTER,
           Step("no_endpoint", "DELETE", "/v1/webhook_endpoints/${endpoint.id}")),
          {"draft_unacknowledged_window_s": HOUR}),
    Check("will-be-due", "an invoice comes near its due date (a setting of Stripe's Dashboard)",
          (*CLOCKED_OPEN, later("weeks", 28 * DAY), AFTER), {"will_be_due_days": 7}),
    Check("idempotency-kept", "an idempotency key is used again after twenty-five hours",
          (post("first", "customers", name="Ada", idempotency_key="${start.key}"), wait("day", 25 * HOUR),
           post("again", "customers", name="Ada", idempotency_key="${start.key}")),
          {"idempotency_keys_kept_s": 2 * DAY}, needs="time"),
    Check("deliveries-retried", "a delivery that fails is tried again within two minutes",
          (_endpoint("500"), post("product", "products", name="W"), wait("retrying", 120), seen("got"),
           Step("no_endpoint", "DELETE", "/v1/webhook_endpoints/${endpoint.id}")),
          {"retry_base_s": HOUR}, needs="receiver"),
    Check("deliveries-given-up", "a delivery that fails is still tried after two minutes",
          (_endpoint("500"), post("product", "products", name="W"), wait("soon", 30), wait("later", 100), seen("got"),
           Step("no_endpoint", "DELETE", "/v1/webhook_endpoints/${endpoint.id}")),
          {"retry_horizon_s": 40}, needs="receiver"),
    Check("deliveries-slow", "an endpoint takes two seconds to answer",
          (_endpoint("slow"), post("product", "products", name="W"), wait("answering", 5), seen("got"),
           get("told", "events", type="product.created", limit=1),
           Step("no_endpoint", "DELETE", "/v1/webhook_endpoints/${endpoint.id}")),
          {"delivery_timeout_s": 1}, needs="receiver"),
    Check("deliveries-signed", "the time in a signature, when a test clock is a week ahead",
          (CLOCK, post("endpoint", ENDPOINT, url="${receiver.url}/200", enabled_events=["customer.created"]),
           later("week", 7 * DAY), CLOCKED, wait("delivering", 5), seen("got"),
           Step("no_endpoint", "DELETE", "/v1/webhook_endpoints/${endpoint.id}")),
          {"signature_uses_virtual_clock": True}, needs="receiver"),
)  # fmt: skip
