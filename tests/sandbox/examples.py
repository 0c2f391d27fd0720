"""Calls and values for `test_effects.py`: words of `name=value` each, `-name` takes a word of the base away.

`{name}` is an id of the world. What stands before a `|` belongs to both calls. An example that begins with `!` ends in
an error, which is its effect.
"""

PROBED = (
    "products", "prices", "customers", "payment_methods", "invoiceitems", "invoices", "payment_intents", "charges",
    "refunds", "credit_notes", "tax_rates", "coupons", "webhook_endpoints",
)  # fmt: skip
"""The resources whose parameters are all tried."""

ELSEWHERE = frozenset({"apply_customer_balance", "cash_balance", "funding_instructions"})
"""Operations, by the path's last word, that have tests of their own."""
IDS = {
    "products/": "product", "prices/": "price", "customers/": "customer", "payment_methods/": "spare",
    "invoiceitems/": "item", "invoices/": "draft", "payment_intents/": "intent", "charges/": "charge",
    "refunds/": "refund", "credit_notes/": "note", "tax_rates/": "rate", "coupons/": "coupon",
    "webhook_endpoints/": "hook", "pay": "open", "attach_payment": "open", "capture": "held", "attach": "loose",
    "POST /v1/payment_methods/{id} us_bank_account[account_holder_type]": "bank",
    "POST /v1/payment_methods/{id} us_bank_account[account_type]": "bank",
}  # fmt: skip
"""What stands in a path for its id: by the resource, by the path's last word, or for one parameter."""
WORLD = """
product products name=Widget
gadget products name=Gadget&tax_code=txcd_10000000
price prices product={product}&unit_amount=1000&currency=usd&lookup_key=taken
cheap prices product={gadget}&unit_amount=3&currency=usd&lookup_key=other
monthly prices product={gadget}&unit_amount=5&currency=usd&recurring[interval]=month
coupon coupons percent_off=10
code promotion_codes promotion[type]=coupon&promotion[coupon]={coupon}
rate tax_rates display_name=VAT&inclusive=false&percentage=20
customer customers name=Ada&email=ada@example.com&address[country]=DE&address[postal_code]=10115
other customers name=Grace&email=grace@example.com
method payment_methods/pm_card_visa/attach customer={customer}
spare payment_methods/pm_card_mastercard/attach customer={customer}
loose payment_methods type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2030
tax_id tax_ids type=eu_vat&value=DE123456789
post shipping_rates display_name=Post&type=fixed_amount&fixed_amount[amount]=5&fixed_amount[currency]=usd
pending invoiceitems customer={customer}&amount=700&currency=usd
automatic invoices customer={customer}&currency=usd
draft invoices customer={customer}&currency=usd&collection_method=send_invoice&days_until_due=30
item invoiceitems customer={customer}&invoice={draft}&pricing[price]={price}&quantity=2
open invoices customer={customer}&currency=usd&collection_method=send_invoice&days_until_due=30
sold invoiceitems customer={customer}&invoice={open}&amount=3000&currency=usd&tax_rates[0]={rate}
open invoices/{open}/finalize
paid invoices customer={customer}&currency=usd
bought invoiceitems customer={customer}&invoice={paid}&amount=5000&currency=usd
paid invoices/{paid}/pay payment_method={method}
note credit_notes invoice={open}&amount=100
intent payment_intents amount=1000&currency=usd&customer={customer}&payment_method={method}&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never
held payment_intents amount=900&currency=usd&confirm=true&return_url=https://example.com/&payment_method={method}&customer={customer}&capture_method=manual
spent payment_intents amount=800&currency=usd&confirm=true&return_url=https://example.com/&payment_method={method}&customer={customer}
gave payment_intents amount=800&currency=usd&confirm=true&return_url=https://example.com/&payment_method={method}&customer={customer}
part invoices customer={customer}&currency=usd
parted invoiceitems customer={customer}&invoice={part}&amount=800&currency=usd
part invoices/{part}/finalize
part invoices/{part}/attach_payment payment_intent={gave}
refund refunds payment_intent={gave}&amount=10
bank payment_methods type=us_bank_account&us_bank_account[account_number]=000123456789&us_bank_account[routing_number]=110000000&us_bank_account[account_holder_type]=individual
record payment_records/report_payment amount_requested[value]=50&amount_requested[currency]=usd&initiated_at=1793000000&payment_method_details[type]=custom&payment_method_details[custom][display_name]=Cheque&outcome=guaranteed&guaranteed[guaranteed_at]=1793000001
hook webhook_endpoints url=http://127.0.0.1:9/x&enabled_events[0]=charge.refund.updated
entry customers/{customer}/balance_transactions amount=-5&currency=usd
"""
"""What there is before the call: a name, what is posted to, and the form."""
_CARD = "type=card card[number]=4242424242424242 card[exp_month]=12 card[exp_year]=2030 card[cvc]=123"
_BANK = (
    "type=us_bank_account us_bank_account[account_number]=000123456789 us_bank_account[routing_number]=110000000"
    " us_bank_account[account_holder_type]=individual us_bank_account[account_type]=checking"
    " -card[number] -card[exp_month] -card[exp_year] -card[cvc]"
)
BASES = {
    "POST /v1/products": "name=Thing",
    "POST /v1/prices": "product={product} currency=usd unit_amount=100",
    "POST /v1/customers": "name=Ada",
    "POST /v1/customers/{id}/balance_transactions": "amount=-5 currency=usd",
    "POST /v1/customers/{id}/tax_ids": "type=eu_vat value=DE123456789",
    "POST /v1/payment_methods": _CARD,
    "POST /v1/payment_methods/{id}/attach": "customer={customer}",
    "POST /v1/invoiceitems": "customer={customer} amount=100 currency=usd",
    "POST /v1/invoices": "customer={customer} currency=usd",
    "POST /v1/invoices/create_preview": "customer={customer} invoice_items[0][amount]=100 invoice_items[0][currency]=usd",
    "POST /v1/invoices/{id}/add_lines": "lines[0][amount]=100",
    "POST /v1/invoices/{id}/update_lines": "lines[0][id]={line}",
    "POST /v1/invoices/{id}/remove_lines": "lines[0][id]={line} lines[0][behavior]=delete",
    "POST /v1/invoices/{id}/pay": "payment_method={method}",
    "POST /v1/invoices/{id}/attach_payment": "payment_intent={held}",
    "POST /v1/payment_intents": "amount=1000 currency=usd",
    "POST /v1/refunds": "payment_intent={spent}",
    "POST /v1/credit_notes": "invoice={paid} amount=500 credit_amount=500",
    "GET /v1/credit_notes/preview": "invoice={paid} amount=500 credit_amount=500",
    "POST /v1/tax_rates": "display_name=GST inclusive=false percentage=5",
    "POST /v1/coupons": "percent_off=20",
    "POST /v1/webhook_endpoints": "url=http://127.0.0.1:9/y enabled_events[0]=*",
    "GET /v1/products/search": "query=active:'true'",
    "GET /v1/prices/search": "query=active:'true'",
    "GET /v1/customers/search": "query=created>0",
    "GET /v1/invoices/search": "query=created>0",
    "GET /v1/payment_intents/search": "query=created>0",
    "GET /v1/charges/search": "query=created>0",
}
_STAYS = "automatic_payment_methods[enabled]=true automatic_payment_methods[allow_redirects]=never"
_PRICED = "price_data[currency]=usd price_data[product]={product} price_data[unit_amount]=5 -amount -currency"
_MADE = "price_data[currency]=usd price_data[unit_amount]=5 price_data[product_data][name]=New -amount -currency |"
_OFFER = "default_price_data[currency]=usd default_price_data[unit_amount]=5"
_SHIPPED = (
    "shipping_cost[shipping_rate_data][display_name]=Post shipping_cost[shipping_rate_data][type]=fixed_amount"
    " shipping_cost[shipping_rate_data][fixed_amount][amount]=5"
    " shipping_cost[shipping_rate_data][fixed_amount][currency]=usd"
)
_RATE = "shipping_cost[shipping_rate_data]"
_DEBIT = (
    "payment_method_data[type]=us_bank_account payment_method_data[us_bank_account][account_number]=000123456789"
    " payment_method_data[us_bank_account][routing_number]=110000000 -payment_method"
)
_THREE_D = "payment_method_options[card][request_three_d_secure]=any"
EXAMPLES = {
    "account_tax_ids": "account_tax_ids[0]={tax_id}",
    "active": "active=false",
    "address": "address[city]=Rome",
    "allow_redisplay": "allow_redisplay=always",
    "allowed_payment_method_types": "allowed_payment_method_types[0]=us_bank_account -payment_method",
    "amount": "amount=234",
    "amount_off": "amount_off=500 currency=usd -percent_off",
    "amount_to_capture": "amount_to_capture=500",
    "api_version": "api_version=2026-10-28.endive",
    "applies_to": "applies_to[products][0]={product}",
    "auto_advance": "auto_advance=true",
    "automatic_payment_methods": "automatic_payment_methods[enabled]=true automatic_payment_methods[allow_redirects]=never",
    "automatic_tax[enabled]": "automatic_tax[enabled]=true",
    "automatically_finalizes_at": "automatically_finalizes_at=1900000000 auto_advance=true",
    "balance": "balance=-100",
    "billing_details": "billing_details[name]=Eve",
    "billing_scheme": "billing_scheme=tiered tiers_mode=graduated tiers[0][up_to]=inf tiers[0][unit_amount]=5 -unit_amount",
    "business_name": "business_name=Ltd",
    "cancellation_reason": "cancellation_reason=duplicate",
    "capture_method": "capture_method=manual",
    "card[cvc]": "-card[cvc]",
    "card[exp_month]": "card[exp_month]=11",
    "card[exp_year]": "card[exp_year]=2031",
    "card[number]": "card[number]=5555555555554444",
    "card[token]": "card[token]=tok_visa -card[number] -card[exp_month] -card[exp_year] -card[cvc]",
    "charge": "charge={charge} -payment_intent",
    "client_secret": "!client_secret=wrong",
    "collection_method": "collection_method=charge_automatically",
    "confirm": f"{_STAYS} payment_method={{method}} customer={{customer}} | confirm=true",
    "confirmation_method": "confirmation_method=manual",
    "country": "country=DE",
    "created": "created[gt]=4000000000",
    "credit_amount": "credit_amount=100 refund_amount=400",
    "currency": "currency=eur",
    "currency_options": "currency_options[eur][unit_amount]=90",
    "custom_fields": "custom_fields[0][name]=PO custom_fields[0][value]=1",
    "custom_unit_amount": "custom_unit_amount[enabled]=true -unit_amount",
    "customer": "customer={other}",
    "customer_details[address]": "customer_details[address][city]=Rome",
    "customer_details[shipping]": "customer_details[shipping][name]=Eve customer_details[shipping][address][city]=Rome",
    "customer_details[tax_exempt]": "customer_details[tax_exempt]=exempt",
    "days_until_due": "days_until_due=7 collection_method=send_invoice",
    "default_payment_method": "default_payment_method={spare}",
    "default_price": "default_price={price}",
    "default_price_data[currency]": _OFFER,
    "default_price_data[currency_options]": f"{_OFFER} | default_price_data[currency_options][eur][unit_amount]=4",
    "default_price_data[custom_unit_amount]": f"{_OFFER} | default_price_data[custom_unit_amount][enabled]=true"
    " -default_price_data[unit_amount]",
    "default_price_data[metadata]": f"{_OFFER} | default_price_data[metadata][a]=b",
    "default_price_data[recurring]": f"{_OFFER} | default_price_data[recurring][interval]=month",
    "default_price_data[tax_behavior]": f"{_OFFER} | default_price_data[tax_behavior]=inclusive",
    "default_price_data[unit_amount]": f"{_OFFER} | default_price_data[unit_amount]=6",
    "default_price_data[unit_amount_decimal]": f"{_OFFER} | default_price_data[unit_amount_decimal]=6.5"
    " -default_price_data[unit_amount]",
    "default_source": "!default_source=src_1",
    "default_tax_rates": "default_tax_rates[0]={rate}",
    "description": "description=Text",
    "disabled": "disabled=true",
    "discountable": "discountable=false",
    "discounts[coupon]": "discounts[0][coupon]={coupon}",
    "discounts[discount]": "discounts[0][discount]={discount}",
    "discounts[promotion_code]": "discounts[0][promotion_code]={code}",
    "display_name": "display_name=Other",
    "due_date": "due_date=1795000000 collection_method=send_invoice -days_until_due",
    "duration": "duration=forever",
    "duration_in_months": "duration=repeating duration_in_months=3 | duration_in_months=4",
    "effective_at": "effective_at=1793000000",
    "email": "email=eve@example.com",
    "email_type": "email_type=none",
    "enabled_events": "enabled_events[0]=invoice.paid",
    "error_on_requires_action": f"{_STAYS} payment_method={{method}} customer={{customer}} {_THREE_D} confirm=true |"
    " !error_on_requires_action=true",
    "footer": "footer=Text",
    "fraud_details": "fraud_details[user_report]=safe",
    "from_invoice": "from_invoice[action]=revision from_invoice[invoice]={open} -customer -currency",
    "id": "id=mine",
    "ids": "ids[0]={gadget}",
    "images": "images[0]=https://example.com/a.png",
    "inclusive": "inclusive=true",
    "individual_name": "individual_name=Eve",
    "instructions_email": "instructions_email=eve@example.com",
    "invoice": "invoice={open}",
    "invoice_item": "invoice_item={pending} -amount",
    "invoice_metadata": "invoice_metadata[a]=b",
    "invoice_prefix": "invoice_prefix=MINE",
    "invoice_settings[custom_fields]": "invoice_settings[custom_fields][0][name]=PO"
    " invoice_settings[custom_fields][0][value]=1",
    "invoice_settings[default_payment_method]": "invoice_settings[default_payment_method]={spare}",
    "invoice_settings[footer]": "invoice_settings[footer]=Text",
    "invoice_settings[rendering_options][amount_tax_display]": "invoice_settings[rendering_options][amount_tax_display]"
    "=exclude_tax",
    "invoiceitem": "invoiceitem={pending}",
    "jurisdiction": "jurisdiction=DE",
    "lines": "lines[0][type]=custom_line_item lines[0][description]=Text lines[0][unit_amount]=500 lines[0][quantity]=1"
    " -amount",
    "lookup_key": "lookup_key=mine",
    "lookup_keys": "lookup_keys[0]=none",
    "marketing_features": "marketing_features[0][name]=Fast",
    "max_redemptions": "max_redemptions=5",
    "memo": "memo=Text",
    "metadata": "metadata[a]=b",
    "name": "name=Other",
    "next_invoice_sequence": "next_invoice_sequence=9",
    "nickname": "nickname=Mine",
    "number": "number=N-1",
    "off_session": f"{_STAYS} payment_method={{method}} customer={{customer}} {_THREE_D} confirm=true | !off_session=true",
    "out_of_band_amount": "out_of_band_amount=500 -credit_amount",
    "package_dimensions": "package_dimensions[height]=1 package_dimensions[length]=2 package_dimensions[weight]=3"
    " package_dimensions[width]=4",
    "paid_out_of_band": "paid_out_of_band=true -payment_method",
    "payment_intent": "payment_intent={held}",
    "payment_method": "payment_method={method} customer={customer}",
    "payment_method_data[allow_redisplay]": f"{_DEBIT} | payment_method_data[allow_redisplay]=always",
    "payment_method_options[card][request_three_d_secure]": _THREE_D,
    "payment_record": "!payment_record=pr_none -payment_intent",
    "payment_settings[payment_method_options][card][request_three_d_secure]": "payment_settings[payment_method_options]"
    "[card][request_three_d_secure]=any",
    "payment_settings[payment_method_types]": "payment_settings[payment_method_types][0]=card",
    "pending": "pending=true",
    "pending_invoice_items_behavior": "pending_invoice_items_behavior=include",
    "percent_off": "percent_off=30",
    "percentage": "percentage=7",
    "period": "period[start]=1700000000 period[end]=1700000001",
    "phone": "phone=123",
    "preferred_locales": "preferred_locales[0]=de",
    "price": "price={price} -amount -currency",
    "price_data[currency]": _PRICED,
    "price_data[product]": _PRICED,
    "price_data[product_data][description]": f"{_MADE} price_data[product_data][description]=Text",
    "price_data[product_data][images]": f"{_MADE} price_data[product_data][images][0]=https://example.com/a.png",
    "price_data[product_data][metadata]": f"{_MADE} price_data[product_data][metadata][a]=b",
    "price_data[product_data][name]": f"{_MADE} price_data[product_data][name]=Other",
    "price_data[product_data][tax_code]": f"{_MADE} price_data[product_data][tax_code]=txcd_10000000",
    "price_data[product_data][unit_label]": f"{_MADE} price_data[product_data][unit_label]=seat",
    "price_data[tax_behavior]": f"{_PRICED} | price_data[tax_behavior]=inclusive",
    "price_data[unit_amount]": f"{_PRICED} | price_data[unit_amount]=6",
    "price_data[unit_amount_decimal]": f"{_PRICED} | price_data[unit_amount_decimal]=6.5 -price_data[unit_amount]",
    "pricing": "pricing[price]={price} -amount -currency",
    "product": "product={gadget}",
    "quantity": "pricing[price]={price} -amount -currency | quantity=7",
    "quantity_decimal": "pricing[price]={price} -amount -currency | quantity_decimal=1.5",
    "query": "!query=nonsense",
    "reason": "reason=duplicate",
    "receipt_email": "receipt_email=eve@example.com",
    "recurring[interval]": "recurring[interval]=month",
    "recurring[interval_count]": "recurring[interval]=month | recurring[interval_count]=2",
    "recurring[trial_period_days]": "recurring[interval]=month | recurring[trial_period_days]=2",
    "recurring[usage_type]": "recurring[interval]=month | recurring[usage_type]=metered",
    "redeem_by": "redeem_by=1900000000",
    "refund_amount": "refund_amount=500 -credit_amount",
    "rendering[amount_tax_display]": "rendering[amount_tax_display]=exclude_tax",
    "rendering[pdf]": "rendering[pdf][page_size]=a4",
    "return_url": f"{_STAYS} payment_method={{method}} customer={{customer}} {_THREE_D} confirm=true |"
    " return_url=https://example.com/",
    "invoice_settings[rendering_options][template]": "invoice_settings[rendering_options][template]={template}",
    "page": "!page=none",
    "payment_method_data[billing_details]": f"{_DEBIT} | payment_method_data[billing_details][name]=Eve",
    "payment_method_data[metadata]": f"{_DEBIT} | payment_method_data[metadata][a]=b",
    "payment_method_data[type]": _DEBIT,
    "payment_method_data[us_bank_account]": f"{_DEBIT} |"
    " payment_method_data[us_bank_account][account_number]=000222222227",
    "rendering[template]": "rendering[template]={template}",
    "rendering[template_version]": "rendering[template]={template} | !rendering[template_version]=9",
    "schedule": "!schedule=sub_sched_1",
    "setup_future_usage": "setup_future_usage=off_session",
    "shippable": "shippable=true",
    "shipping": "shipping[name]=Eve shipping[address][city]=Rome",
    "shipping_cost[shipping_rate]": "shipping_cost[shipping_rate]={post}",
    f"{_RATE}[display_name]": f"{_SHIPPED} | {_RATE}[display_name]=Other",
    f"{_RATE}[delivery_estimate][maximum]": f"{_SHIPPED} | {_RATE}[delivery_estimate][maximum][unit]=day"
    f" {_RATE}[delivery_estimate][maximum][value]=3",
    f"{_RATE}[delivery_estimate][minimum]": f"{_SHIPPED} | {_RATE}[delivery_estimate][minimum][unit]=day"
    f" {_RATE}[delivery_estimate][minimum][value]=3",
    f"{_RATE}[fixed_amount][amount]": f"{_SHIPPED} | {_RATE}[fixed_amount][amount]=6",
    f"{_RATE}[fixed_amount][currency]": f"{_SHIPPED} | !{_RATE}[fixed_amount][currency]=eur",
    f"{_RATE}[fixed_amount][currency_options]": f"{_SHIPPED} | {_RATE}[fixed_amount][currency]=eur"
    f" {_RATE}[fixed_amount][currency_options][usd][amount]=9",
    f"{_RATE}[metadata]": f"{_SHIPPED} | {_RATE}[metadata][a]=b",
    f"{_RATE}[tax_behavior]": f"{_SHIPPED} | {_RATE}[tax_behavior]=inclusive",
    f"{_RATE}[tax_code]": f"{_SHIPPED} | {_RATE}[tax_code]=txcd_00000000",
    "shipping_details": "shipping_details[name]=Eve shipping_details[address][city]=Rome",
    "source": "!source=src_1 -payment_method",
    "state": "state=BE",
    "statement_descriptor": "statement_descriptor=SHOP",
    "statement_descriptor_suffix": "statement_descriptor_suffix=ORDER",
    "status": "status=void",
    "subscription": "!subscription=sub_1",
    "tax[validate_location]": "!tax[validate_location]=immediately address[city]=",
    "tax_amounts": "tax_amounts[0][amount]=5 tax_amounts[0][taxable_amount]=50"
    " tax_amounts[0][tax_rate_data][display_name]=VAT tax_amounts[0][tax_rate_data][inclusive]=false"
    " tax_amounts[0][tax_rate_data][percentage]=10",
    "tax_behavior": "tax_behavior=inclusive",
    "tax_code": "tax_code=txcd_00000000",
    "tax_exempt": "tax_exempt=exempt",
    "tax_id_data": "tax_id_data[0][type]=eu_vat tax_id_data[0][value]=DE123456789",
    "tax_rates": "tax_rates[0]={rate}",
    "tax_type": "tax_type=vat",
    "tiers": "billing_scheme=tiered tiers_mode=volume tiers[0][up_to]=inf tiers[0][unit_amount]=5 -unit_amount |"
    " tiers[0][unit_amount]=6",
    "tiers_mode": "billing_scheme=tiered tiers_mode=volume tiers[0][up_to]=inf tiers[0][unit_amount]=5 -unit_amount |"
    " tiers_mode=graduated",
    "transfer_group": "transfer_group=group",
    "transfer_lookup_key": "lookup_key=taken transfer_lookup_key=true",
    "transform_quantity": "transform_quantity[divide_by]=10 transform_quantity[round]=up",
    "type": "type=good",
    "unit_amount": "unit_amount=77 -amount -pricing[price]",
    "unit_amount_decimal": "unit_amount_decimal=77.5 -amount -pricing[price] -unit_amount",
    "unit_label": "unit_label=seat",
    "url": "url=http://127.0.0.1:9/other",
    "us_bank_account": "us_bank_account[account_type]=savings",
    "us_bank_account[account_holder_type]": f"{_BANK} | us_bank_account[account_holder_type]=company",
    "us_bank_account[account_number]": f"{_BANK} | us_bank_account[account_number]=000222222227",
    "us_bank_account[account_type]": f"{_BANK} | us_bank_account[account_type]=savings",
    "us_bank_account[routing_number]": f"{_BANK} | us_bank_account[routing_number]=110000001",
    "use_stripe_sdk": f"payment_method={{method}} customer={{customer}} {_THREE_D} return_url=https://example.com/"
    " confirm=true | use_stripe_sdk=true",
    # Where a name means something else, or needs something else around it
    "GET /v1/prices type": "type=recurring",
    "GET /v1/payment_methods type": "type=us_bank_account",
    "GET /v1/customers/{id}/payment_methods type": "type=us_bank_account",
    "GET /v1/customers/{id}/balance_transactions invoice": "invoice={paid}",
    "GET /v1/credit_notes invoice": "invoice={paid}",
    "GET /v1/refunds charge": "charge={unrefunded}",
    "POST /v1/prices/{id} transfer_lookup_key": "lookup_key=other | transfer_lookup_key=true",
    "POST /v1/customers payment_method": "payment_method=pm_card_visa",
    "POST /v1/customers invoice_settings[default_payment_method]": "payment_method=pm_card_visa |"
    " invoice_settings[default_payment_method]=pm_card_visa",
    "POST /v1/customers/{id}/tax_ids type": "value=123456789 | type=us_ein",
    "POST /v1/customers/{id}/tax_ids value": "value=DE987654321",
    "POST /v1/payment_methods type": "type=us_bank_account us_bank_account[account_number]=000123456789"
    " us_bank_account[routing_number]=110000000",
    "POST /v1/payment_methods sepa_debit[iban]": "type=sepa_debit sepa_debit[iban]=DE89370400440532013000"
    " billing_details[name]=Eve billing_details[email]=eve@example.com",
    "POST /v1/payment_methods/{id} us_bank_account[account_holder_type]": "us_bank_account[account_holder_type]=company",
    "POST /v1/payment_methods/{id} us_bank_account[account_type]": "us_bank_account[account_type]=savings",
    "POST /v1/invoiceitems currency": "customer={other} | currency=eur",
    "POST /v1/invoiceitems invoice": "invoice={draft}",
    "POST /v1/invoiceitems/{id} pricing": "pricing[price]={cheap}",
    "POST /v1/invoices/{id}/lines/{line} pricing": "pricing[price]={cheap}",
    "POST /v1/invoices/{id}/update_lines lines[pricing]": "lines[0][pricing][price]={cheap}",
    "POST /v1/invoices/{id}/update_lines lines[id]": "!lines[0][id]=il_none",
    "POST /v1/invoices/{id}/remove_lines lines": "lines[0][behavior]=unassign",
    "POST /v1/invoices collection_method": "collection_method=send_invoice days_until_due=3",
    "POST /v1/invoices/{id}/pay off_session": "payment_method=pm_card_authenticationRequired | !off_session=false",
    "POST /v1/invoices/{id}/pay payment_method": "payment_method={spare}",
    "POST /v1/invoices/{id}/attach_payment payment_intent": "payment_intent={spent}",
    "POST /v1/invoices/{id}/attach_payment payment_record": "payment_record={record} -payment_intent",
    "POST /v1/invoices/{id}/detach_payment payment_intent": "!payment_intent=pi_none",
    "POST /v1/invoices/create_preview currency": "-invoice_items[0][currency] customer={other} | currency=eur",
    "POST /v1/invoices/create_preview invoice_items[currency]": "customer={other} currency=eur"
    " invoice_items[0][currency]=eur | !invoice_items[0][currency]=usd",
    "POST /v1/invoices/create_preview invoice_items[quantity]": "invoice_items[0][price]={price}"
    " -invoice_items[0][amount] | invoice_items[0][quantity]=7",
    "POST /v1/invoices/create_preview invoice_items[quantity_decimal]": "invoice_items[0][price]={price}"
    " -invoice_items[0][amount] | invoice_items[0][quantity_decimal]=1.5",
    "POST /v1/invoices/create_preview invoice_items[tax_behavior]": "automatic_tax[enabled]=true |"
    " invoice_items[0][tax_behavior]=inclusive",
    "POST /v1/invoices/create_preview invoice_items[price_data][tax_behavior]": "automatic_tax[enabled]=true"
    " invoice_items[0][price_data][currency]=usd invoice_items[0][price_data][product]={product}"
    " invoice_items[0][price_data][unit_amount]=500 -invoice_items[0][amount] |"
    " invoice_items[0][price_data][tax_behavior]=inclusive",
    "POST /v1/payment_intents/{id} payment_method": "payment_method={spare}",
    "POST /v1/payment_intents/{id}/confirm payment_method": "payment_method={spare}",
    "POST /v1/payment_intents/{id}/confirm error_on_requires_action": f"{_THREE_D} | !error_on_requires_action=true",
    "POST /v1/payment_intents/{id}/confirm off_session": f"{_THREE_D} | !off_session=true",
    "POST /v1/payment_intents/{id}/confirm return_url": f"{_THREE_D} | return_url=https://example.com/",
    "POST /v1/payment_intents/{id}/confirm use_stripe_sdk": f"{_THREE_D} return_url=https://example.com/ |"
    " use_stripe_sdk=true",
    "POST /v1/refunds charge": "-payment_intent charge={charge} | charge={unrefunded}",
    "POST /v1/refunds payment_intent": "payment_intent={bought_by}",
    "POST /v1/credit_notes amount": "amount=600 credit_amount=600",
    "GET /v1/credit_notes/preview amount": "amount=600 credit_amount=600",
    "POST /v1/credit_notes invoice": "invoice={open} -credit_amount",
    "GET /v1/credit_notes/preview invoice": "invoice={open} -credit_amount",
    "POST /v1/credit_notes refunds[refund]": "invoice={part} amount=10 -credit_amount refunds[0][refund]={refund}",
    "GET /v1/credit_notes/preview refunds[refund]": "invoice={part} amount=10 -credit_amount refunds[0][refund]={refund}",
    "POST /v1/credit_notes refunds[amount_refunded]": "invoice={part} amount=5 -credit_amount refunds[0][refund]={refund} |"
    " refunds[0][amount_refunded]=5",
    "GET /v1/credit_notes/preview refunds[amount_refunded]": "invoice={part} amount=5 -credit_amount refunds[0][refund]={refund} |"
    " refunds[0][amount_refunded]=5",
    "POST /v1/coupons currency": "-percent_off amount_off=5 currency=usd | currency=eur",
    "POST /v1/coupons currency_options": "-percent_off amount_off=5 currency=usd | currency_options[eur][amount_off]=4",
    "POST /v1/coupons/{id} currency_options": "currency_options[eur][amount_off]=4",
}
"""By the name of the parameter; within `lines` and `invoice_items` by the rest of it."""
for _name in ("active", "id", "metadata", "name", "statement_descriptor", "tax_code", "unit_label"):
    _made = "product_data[name]=New -product |"
    _value = {"active": "false", "metadata": "b", "tax_code": "txcd_10000000"}.get(_name, "other")
    _key = "product_data[metadata][a]" if _name == "metadata" else f"product_data[{_name}]"
    EXAMPLES[f"product_data[{_name}]"] = f"{_made} {_key}={_value}"
