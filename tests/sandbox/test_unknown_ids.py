"""The id of an object that does not exist is `resource_missing`, in whatever parameter it stands."""

import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox

ITEM = "customer={customer}&amount=1&currency=usd"
CALLS = [
    "GET prices product=prod_none",
    "GET invoices customer=cus_none",
    "GET invoices subscription=sub_none",
    "GET invoices starting_after=in_none",
    "GET invoices starting_after={customer}",
    "GET invoiceitems customer=cus_none",
    "GET invoiceitems invoice=in_none",
    "GET invoice_payments invoice=in_none",
    "GET invoice_payments payment[type]=payment_intent&payment[payment_intent]=pi_none",
    "GET payment_intents customer=cus_none",
    "GET payment_methods customer=cus_none",
    "GET charges customer=cus_none",
    "GET charges payment_intent=pi_none",
    "GET refunds charge=ch_none",
    "GET refunds payment_intent=pi_none",
    "GET credit_notes customer=cus_none",
    "GET credit_notes invoice=in_none",
    "GET customers/{customer}/balance_transactions invoice=in_none",
    "POST products name=A&tax_code=txcd_none",
    "POST products/{product} default_price=price_none",
    "POST prices currency=usd&unit_amount=1&product=prod_none",
    "POST prices currency=usd&unit_amount=1&product_data[name]=A&product_data[tax_code]=none",
    "POST customers payment_method=pm_none",
    "POST customers source=src_none",
    "POST customers/{customer} default_source=src_none",
    "POST customers/{customer} invoice_settings[default_payment_method]=pm_none",
    "POST coupons percent_off=1&applies_to[products][0]=prod_none",
    "POST invoiceitems customer=cus_none&amount=1&currency=usd",
    f"POST invoiceitems {ITEM}&invoice=in_none",
    f"POST invoiceitems {ITEM}&subscription=sub_none",
    f"POST invoiceitems {ITEM}&discounts[0][coupon]=none",
    f"POST invoiceitems {ITEM}&discounts[0][discount]=di_none",
    f"POST invoiceitems {ITEM}&discounts[0][promotion_code]=promo_none",
    f"POST invoiceitems {ITEM}&tax_rates[0]=txr_none",
    "POST invoiceitems customer={customer}&pricing[price]=price_none",
    "POST invoiceitems customer={customer}&price_data[product]=prod_none&price_data[currency]=usd&price_data[unit_amount]=1",
    "POST invoices customer=cus_none",
    "POST invoices customer={customer}&subscription=sub_none",
    "POST invoices customer={customer}&default_source=src_none",
    "POST invoices from_invoice[invoice]=in_none&from_invoice[action]=revision",
    "POST invoices/{draft} default_payment_method=pm_none",
    "POST invoices/{draft} default_source=src_none",
    "POST invoices/{draft} default_tax_rates[0]=txr_none",
    "POST invoices/{draft} discounts[0][coupon]=none",
    "POST invoices/{draft} account_tax_ids[0]=txi_none",
    "POST invoices/{draft} shipping_cost[shipping_rate]=shr_none",
    "POST invoices/{draft} rendering[template]=inrtem_none",
    "POST invoices/{draft}/add_lines lines[0][invoice_item]=ii_none",
    "POST invoices/{draft}/update_lines lines[0][id]=il_none",
    "POST invoices/{draft}/remove_lines lines[0][id]=il_none&lines[0][behavior]=delete",
    "POST invoices/create_preview customer=cus_none",
    "POST invoices/create_preview customer={customer}&subscription=sub_none",
    "POST invoices/create_preview customer={customer}&schedule=sub_sched_none",
    "POST invoices/create_preview customer={customer}&invoice_items[0][invoiceitem]=ii_none",
    "POST invoices/{open}/pay payment_method=pm_none",
    "POST invoices/{open}/pay source=src_none",
    "POST invoices/{open}/attach_payment payment_intent=pi_none",
    "POST invoices/{open}/attach_payment payment_record=pr_none",
    "POST payment_intents amount=100&currency=usd&customer=cus_none",
    "POST payment_intents amount=100&currency=usd&payment_method=pm_none",
    "POST refunds charge=ch_none",
    "POST refunds payment_intent=pi_none",
    "POST credit_notes invoice=in_none&amount=1",
    "POST credit_notes invoice={open}&lines[0][type]=invoice_line_item&lines[0][invoice_line_item]=il_none",
    "POST credit_notes invoice={open}&lines[0][type]=custom_line_item&lines[0][unit_amount]=9&lines[0][tax_rates][0]=none",
    "POST credit_notes invoice={open}&amount=9&refunds[0][refund]=re_none",
    "POST payment_methods/pm_card_visa/attach customer=cus_none",
]


@pytest.mark.parametrize("call", CALLS)
def test_an_unknown_id_is_missing(
    box: RunningSandbox, customer: stripe.Customer, draft: Drafting, opened: Drafting, call: str
) -> None:
    ids = {
        "customer": customer.id,
        "draft": draft().id if "{draft}" in call else "",
        "open": opened().id if "{open}" in call else "",
        "product": box.v1.products.create({"name": "A"}).id,
    }
    method, path, form = call.format(**ids).split(" ")
    pairs = dict(pair.split("=", 1) for pair in form.split("&"))
    answer = box.get(f"/v1/{path}", **pairs) if method == "GET" else box.post(f"/v1/{path}", form)
    assert (answer.status_code, answer.json().get("error", {}).get("code")) == (400, "resource_missing"), answer.text
