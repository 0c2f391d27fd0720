"""What leads to each type of event: the steps, by the event's type.

A line names steps of `STEPS` in their order. `test_trigger.py` holds that each leads to its event, and that every event
of the sandbox has a line.
"""

from offline_stripe.commands.steps import Step, delete, get, post

RETURN_URL = "https://example.com/return"
STEPS: dict[str, Step] = {
    "product": post("product", "products", name="Widget"),
    "product_changed": post("product_changed", "products/${product.id}", name="Gadget"),
    "product_gone": delete("product_gone", "products/${product.id}"),
    "price": post("price", "prices", product="${product.id}", unit_amount=2000, currency="usd"),
    "price_changed": post("price_changed", "prices/${price.id}", nickname="Standard"),
    "customer": post("customer", "customers", name="Ada Lovelace", email="ada@example.com"),
    "customer_changed": post("customer_changed", "customers/${customer.id}", name="Ada King"),
    "customer_gone": delete("customer_gone", "customers/${customer.id}"),
    "tax_id": post("tax_id", "customers/${customer.id}/tax_ids", type="eu_vat", value="DE123456789"),
    "tax_id_gone": delete("tax_id_gone", "customers/${customer.id}/tax_ids/${tax_id.id}"),
    "coupon": post("coupon", "coupons", percent_off=25, duration="once"),
    "coupon_changed": post("coupon_changed", "coupons/${coupon.id}", name="Spring"),
    "coupon_gone": delete("coupon_gone", "coupons/${coupon.id}"),
    "code": post("code", "promotion_codes", promotion={"type": "coupon", "coupon": "${coupon.id}"}),
    "code_off": post("code_off", "promotion_codes/${code.id}", active=False),
    "tax_rate": post("tax_rate", "tax_rates", display_name="VAT", percentage=19, inclusive=False),
    "tax_rate_off": post("tax_rate_off", "tax_rates/${tax_rate.id}", active=False),
    "invoice": post(
        "invoice", "invoices", customer="${customer.id}", collection_method="send_invoice", days_until_due=30
    ),
    "untaxed": post(
        "invoice", "invoices", customer="${customer.id}", collection_method="send_invoice", days_until_due=30,
        automatic_tax={"enabled": True}, auto_advance=True,
    ),
    "item": post(
        "item", "invoiceitems", customer="${customer.id}", invoice="${invoice.id}", amount=2000, currency="usd"
    ),
    "item_gone": delete("item_gone", "invoiceitems/${item.id}"),
    "invoice_changed": post("invoice_changed", "invoices/${invoice.id}", description="Thank you"),
    "invoice_gone": delete("invoice_gone", "invoices/${invoice.id}"),
    "open": post("open", "invoices/${invoice.id}/finalize", expand=["payments"]),
    "not_open": post("open", "invoices/${invoice.id}/finalize", refused=True),
    "sent": post("sent", "invoices/${invoice.id}/send"),
    "paid": post("paid", "invoices/${invoice.id}/pay", payment_method="pm_card_visa"),
    "unpaid": post(
        "unpaid", "invoices/${invoice.id}/pay", payment_method="pm_card_visa_chargeDeclined", refused=True
    ),
    "challenged": post(
        "challenged", "invoices/${invoice.id}/pay", payment_method="pm_card_threeDSecure2Required", refused=True
    ),
    "voided": post("voided", "invoices/${invoice.id}/void"),
    "written_off": post("written_off", "invoices/${invoice.id}/mark_uncollectible"),
    "due_later": post("due_later", "/_sandbox/switches", will_be_due_days=7),
    "month_later": post("month_later", "/_sandbox/clock", advance_s=31 * 86_400),
    "part": post("part", "payment_intents", amount=1500, currency="usd", customer="${customer.id}"),
    "other_part": post("other_part", "payment_intents", amount=1500, currency="usd", customer="${customer.id}"),
    "attached": post("attached", "invoices/${invoice.id}/attach_payment", payment_intent="${part.id}"),
    "other_attached": post("other_attached", "invoices/${invoice.id}/attach_payment", payment_intent="${other_part.id}"),
    "part_paid": post("part_paid", "payment_intents/${part.id}/confirm", payment_method="pm_card_visa", return_url=RETURN_URL),
    "overpaid": post("overpaid", "payment_intents/${other_part.id}/confirm", payment_method="pm_card_visa", return_url=RETURN_URL),
    "credit_note": post("credit_note", "credit_notes", invoice="${invoice.id}", amount=500),
    "credit_note_changed": post("credit_note_changed", "credit_notes/${credit_note.id}", memo="Sorry"),
    "credit_note_void": post("credit_note_void", "credit_notes/${credit_note.id}/void"),
    "intent": post("intent", "payment_intents", amount=2000, currency="usd"),
    "intent_paid": post("intent_paid", "payment_intents/${intent.id}/confirm", payment_method="pm_card_visa", return_url=RETURN_URL),
    "intent_declined": post(
        "intent_declined", "payment_intents/${intent.id}/confirm", payment_method="pm_card_visa_chargeDeclined",
        return_url=RETURN_URL, refused=True,
    ),
    "intent_challenged": post(
        "intent_challenged", "payment_intents/${intent.id}/confirm", payment_method="pm_card_threeDSecure2Required",
        return_url=RETURN_URL,
    ),
    "intent_canceled": post("intent_canceled", "payment_intents/${intent.id}/cancel"),
    "intent_later": post(
        "intent", "payment_intents", amount=2000, currency="usd",
        capture_method="manual", payment_method="pm_card_visa", confirm=True, return_url=RETURN_URL,
    ),
    "captured": post("captured", "payment_intents/${intent.id}/capture"),
    "intent_debit": post(
        "intent", "payment_intents", amount=2000, currency="usd",
        payment_method="pm_usBankAccount_success", confirm=True, return_url=RETURN_URL,
    ),
    "intent_disputed": post(
        "intent", "payment_intents", amount=2000, currency="usd",
        payment_method="pm_card_createDispute", confirm=True, return_url=RETURN_URL,
    ),
    "intent_suspect": post(
        "intent", "payment_intents", amount=2000, currency="usd",
        payment_method="pm_card_createIssuerFraudRecord", confirm=True, return_url=RETURN_URL,
    ),
    "charge_changed": post("charge_changed", "charges/${intent_paid.latest_charge}", description="Order 7"),
    "refund": post("refund", "refunds", payment_intent="${intent.id}"),
    "refund_settled": post(
        "refund_settled", "/_sandbox/refunds/${refund.id}/settle", status="failed", failure_reason="lost_or_stolen_card"
    ),
    "disputes": get("disputes", "disputes", payment_intent="${intent.id}"),
    "evidence": post(
        "evidence", "disputes/${disputes.data.0.id}", evidence={"uncategorized_text": "winning_evidence"}, submit=True
    ),
    "noted": post("noted", "disputes/${disputes.data.0.id}", evidence={"product_description": "A widget"}),
    "dispute_won": post("dispute_won", "/_sandbox/disputes/${disputes.data.0.id}/decide", decision="won"),
    "setup": post("setup", "setup_intents", customer="${customer.id}"),
    "setup_done": post("setup_done", "setup_intents/${setup.id}/confirm", payment_method="pm_card_visa", return_url=RETURN_URL),
    "setup_failed": post(
        "setup_failed", "setup_intents/${setup.id}/confirm", payment_method="pm_card_visa_chargeDeclined", return_url=RETURN_URL, refused=True
    ),
    "setup_challenged": post(
        "setup_challenged", "setup_intents/${setup.id}/confirm", payment_method="pm_card_threeDSecure2Required",
        return_url=RETURN_URL,
    ),
    "setup_canceled": post("setup_canceled", "setup_intents/${setup.id}/cancel"),
    "setup_debit": post(
        "setup", "setup_intents", customer="${customer.id}",
        payment_method="pm_usBankAccount_success", confirm=True, return_url=RETURN_URL,
    ),
    "mandate_over": post("mandate_over", "/_sandbox/mandates/${setup.mandate}/update", status="inactive"),
    "method": post("method", "payment_methods/pm_card_visa/attach", customer="${customer.id}"),
    "method_changed": post("method_changed", "payment_methods/${method.id}", metadata={"of": "Ada"}),
    "method_renewed": post("method_renewed", "/_sandbox/payment_methods/${method.id}/renew", exp_year=2040),
    "method_off": post("method_off", "payment_methods/${method.id}/detach"),
    "transfer": post(
        "transfer", "payment_intents", amount=2000, currency="usd", customer="${customer.id}", confirm=True, return_url=RETURN_URL,
        allowed_payment_method_types=["customer_balance"], payment_method_data={"type": "customer_balance"},
        payment_method_options={
            "customer_balance": {"funding_type": "bank_transfer", "bank_transfer": {"type": "us_bank_transfer"}}
        },
    ),
    "funds": post(
        "funds", "test_helpers/customers/${customer.id}/fund_cash_balance", amount=500, currency="usd"
    ),
    "days_later": post("days_later", "/_sandbox/clock", advance_s=7 * 86_400),
    "weeks_later": post("weeks_later", "/_sandbox/clock", advance_s=8 * 86_400),
    "payout": post("payout", "payouts", amount=100, currency="usd"),
    "payout_swept": post("payout", "/_sandbox/payouts"),
    "payout_changed": post("payout_changed", "payouts/${payout.id}", metadata={"for": "rent"}),
    "payout_canceled": post("payout_canceled", "payouts/${payout.id}/cancel"),
    "payout_failed": post("payout_failed", "/_sandbox/payouts/${payout.id}/fail"),
    "now": Step("now", "GET", "/_sandbox/clock"),
    "clock": post("clock", "test_helpers/test_clocks", frozen_time="${now.seconds}"),
    "clock_on": post("clock_on", "test_helpers/test_clocks/${clock.id}/advance", frozen_time="${now.in_an_hour}"),
    "clock_gone": delete("clock_gone", "test_helpers/test_clocks/${clock.id}"),
}  # fmt: skip

_OPEN = "customer invoice item open"
_LINES = f"""
product.created                          product
product.updated                          product product_changed
product.deleted                          product product_gone
price.created                            product price
price.updated                            product price price_changed
customer.created                         customer
customer.updated                         customer customer_changed
customer.deleted                         customer customer_gone
customer.tax_id.created                  customer tax_id
customer.tax_id.updated                  customer tax_id days_later
customer.tax_id.deleted                  customer tax_id tax_id_gone
coupon.created                           coupon
coupon.updated                           coupon coupon_changed
coupon.deleted                           coupon coupon_gone
promotion_code.created                   coupon code
promotion_code.updated                   coupon code code_off
tax_rate.created                         tax_rate
tax_rate.updated                         tax_rate tax_rate_off
invoice.created                          customer invoice
invoice.updated                          customer invoice invoice_changed
invoice.deleted                          customer invoice invoice_gone
invoiceitem.created                      customer invoice item
invoiceitem.deleted                      customer invoice item item_gone
invoice.finalized                        {_OPEN}
invoice.finalization_failed              customer untaxed item not_open
invoice.sent                             {_OPEN} sent
invoice.paid                             {_OPEN} paid
invoice.payment_succeeded                {_OPEN} paid
invoice_payment.paid                     {_OPEN} paid
invoice.payment_failed                   {_OPEN} unpaid
invoice.payment_action_required          {_OPEN} challenged
invoice.voided                           {_OPEN} voided
invoice.marked_uncollectible             {_OPEN} written_off
invoice.will_be_due                      due_later {_OPEN} month_later
invoice.overdue                          {_OPEN} month_later
invoice.overpaid                         {_OPEN} part other_part attached other_attached part_paid overpaid
credit_note.created                      {_OPEN} credit_note
credit_note.updated                      {_OPEN} credit_note credit_note_changed
credit_note.voided                       {_OPEN} credit_note credit_note_void
payment_intent.created                   intent
payment_intent.succeeded                 intent intent_paid
payment_intent.payment_failed            intent intent_declined
payment_intent.requires_action           intent intent_challenged
payment_intent.canceled                  intent intent_canceled
payment_intent.amount_capturable_updated intent_later
payment_intent.processing                intent_debit
payment_intent.partially_funded          customer transfer funds
charge.succeeded                         intent intent_paid
charge.failed                            intent intent_declined
charge.captured                          intent_later captured
charge.expired                           intent_later weeks_later
charge.pending                           intent_debit
charge.updated                           intent intent_paid charge_changed
charge.refunded                          intent intent_paid refund
charge.refund.updated                    intent intent_paid refund refund_settled
charge.dispute.created                   intent_disputed
charge.dispute.funds_withdrawn           intent_disputed
charge.dispute.updated                   intent_disputed disputes noted
charge.dispute.closed                    intent_disputed disputes evidence days_later
charge.dispute.funds_reinstated          intent_disputed disputes dispute_won
radar.early_fraud_warning.created        intent_suspect
radar.early_fraud_warning.updated        intent_suspect refund
refund.created                           intent intent_paid refund
refund.updated                           intent intent_paid refund refund_settled
refund.failed                            intent intent_paid refund refund_settled
setup_intent.created                     customer setup
setup_intent.succeeded                   customer setup setup_done
setup_intent.setup_failed                customer setup setup_failed
setup_intent.requires_action             customer setup setup_challenged
setup_intent.canceled                    customer setup setup_canceled
mandate.updated                          customer setup_debit mandate_over
payment_method.attached                  customer method
payment_method.updated                   customer method method_changed
payment_method.automatically_updated     customer method method_renewed
payment_method.detached                  customer method method_off
cash_balance.funds_available             customer funds
customer_cash_balance_transaction.created customer funds
payout.created                           intent intent_paid days_later payout
payout.updated                           intent intent_paid days_later payout payout_changed
payout.paid                              intent intent_paid days_later payout days_later
payout.canceled                          intent intent_paid days_later payout payout_canceled
payout.failed                            intent intent_paid days_later payout payout_failed
payout.reconciliation_completed          intent intent_paid days_later payout_swept days_later
test_helpers.test_clock.created          now clock
test_helpers.test_clock.advancing        now clock clock_on
test_helpers.test_clock.ready            now clock clock_on days_later
test_helpers.test_clock.deleted          now clock clock_gone
"""
TRIGGERS: dict[str, tuple[Step, ...]] = {
    kind: tuple(STEPS[name] for name in names)
    for kind, *names in (line.split() for line in _LINES.strip().splitlines())
}
