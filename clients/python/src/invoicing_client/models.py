"""What the service takes and answers, as TypedDicts. Generated from the contract: do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict


class AccountFiltersParams(TypedDict):
    account_subcategories: NotRequired[list[Literal['checking', 'savings']] | None]


class AcssMandateParams(TypedDict):
    transaction_type: NotRequired[Literal['business', 'personal'] | None]


class Address(TypedDict):
    city: str | None
    country: str | None
    line1: str | None
    line2: str | None
    postal_code: str | None
    state: str | None


class AddressParams(TypedDict):
    city: NotRequired[str | None]
    country: NotRequired[str | None]
    """
    ISO 3166-1 alpha-2
    """
    line1: NotRequired[str | None]
    line2: NotRequired[str | None]
    postal_code: NotRequired[str | None]
    state: NotRequired[str | None]


class ApiKeyRotate(TypedDict):
    expires_at: NotRequired[str | None]
    """
    When the key ends by itself. Null: never.
    """
    overlap_s: NotRequired[int]
    """
    For how long the old key works beside the new one. By default `86400`.
    """


ApiKeyStatus: TypeAlias = Literal['active', 'expired', 'revoked']


class AppliesToParams(TypedDict):
    products: list[str]
    """
    Only items of these are discounted.
    """


class AuditEntry(TypedDict):
    """
    Who did what, and how it ended.
    """

    action: str
    actor: str
    at: str
    detail: str | None
    """
    How many and which, if one entry stands for many, as after a bulk replay.
    """
    id: str
    operation: str | None
    """
    The id of the write. Callers cannot choose it. The log lines of its request have it, too.
    """
    outcome: str
    """
    `done`, or the code of the error it ended with.
    """
    request_id: str | None
    """
    The `X-Request-ID`. Callers may choose it, so two requests can have the same.
    """
    subject: str | None


class AuditEntryList(TypedDict):
    data: list[AuditEntry]
    has_more: bool
    next_cursor: str | None


class BancontactOptionsParams(TypedDict):
    preferred_language: NotRequired[Literal['de', 'en', 'fr', 'nl'] | None]


class BillingDetailsParams(TypedDict):
    address: NotRequired[AddressParams | None]
    email: NotRequired[str | None]
    name: NotRequired[str | None]
    phone: NotRequired[str | None]


class ClientSecret(TypedDict):
    client_secret: str
    payment_intent: str | None
    publishable_key: str


CollectionMethod: TypeAlias = Literal['send_invoice', 'charge_automatically']


class CompanyDetailsParams(TypedDict):
    registered_address: NotRequired[AddressParams | None]
    registered_name: NotRequired[str | None]
    registration_number: NotRequired[str | None]
    registration_type: NotRequired[str | None]
    vat: NotRequired[str | None]


class Coupon(TypedDict):
    amount_off: int | None
    created_at: str
    currency: str | None
    """
    Of `amount_off`.
    """
    duration: str
    duration_in_months: int | None
    id: str
    livemode: bool
    max_redemptions: int | None
    metadata: dict[str, str]
    name: str | None
    percent_off: str | None
    redeem_by: str | None
    reference: str | None
    times_redeemed: int
    """
    As Stripe said last: it does not tell of each redemption.
    """
    updated_at: str
    valid: bool
    """
    Whether it could be redeemed, as Stripe said last.
    """


class CouponCreate(TypedDict):
    """
    Either `percent_off`, or `amount_off` with its currency.
    """

    amount_off: NotRequired[int | None]
    applies_to: NotRequired[AppliesToParams | None]
    currency: NotRequired[str | None]
    duration: NotRequired[Literal['once', 'repeating', 'forever']]
    """
    Counts for subscriptions; an invoice takes it off once. By default `"once"`.
    """
    duration_in_months: NotRequired[int | None]
    id: NotRequired[str | None]
    """
    An id of your own. Without it, Stripe chooses one.
    """
    max_redemptions: NotRequired[int | None]
    metadata: NotRequired[dict[str, str]]
    name: NotRequired[str | None]
    """
    What payers see.
    """
    percent_off: NotRequired[str | None]
    redeem_by: NotRequired[str | None]
    reference: NotRequired[str | None]


class CouponList(TypedDict):
    data: list[Coupon]
    has_more: bool
    next_cursor: str | None


class CouponUpdate(TypedDict):
    metadata: NotRequired[dict[str, str | None]]
    name: NotRequired[str | None]


CreditNoteLineType: TypeAlias = Literal['invoice_line_item', 'custom_line_item']


CreditNoteReason: TypeAlias = Literal['duplicate', 'fraudulent', 'order_change', 'product_unsatisfactory']


class CreditNoteRefund(TypedDict):
    """
    A refund of the credit note, and how much of it.
    """

    amount: int
    refund: str | None


CreditNoteStatus: TypeAlias = Literal['issued', 'void']
"""
Stripe's statuses of a credit note.
"""


CreditNoteType: TypeAlias = Literal['pre_payment', 'post_payment', 'mixed']
"""
Whether a credit note reduces what is to be paid, gives back what was paid, or both.
"""


class CurrencyOptionParams(TypedDict):
    """
    The price in a further currency.
    """

    tax_behavior: NotRequired[Literal['exclusive', 'inclusive', 'unspecified'] | None]
    unit_amount: NotRequired[int | None]
    unit_amount_decimal: NotRequired[str | None]


class CustomField(TypedDict):
    name: str
    value: str


class CustomFieldParams(TypedDict):
    """
    A line on the invoice that the merchant chose, e.g. a purchase order number.
    """

    name: str
    value: str


class DefaultPriceParams(TypedDict):
    """
    A price that is made with the product.
    """

    currency: str
    currency_options: NotRequired[dict[str, CurrencyOptionParams] | None]
    metadata: NotRequired[dict[str, str]]
    tax_behavior: NotRequired[Literal['exclusive', 'inclusive', 'unspecified'] | None]
    unit_amount: NotRequired[int | None]
    unit_amount_decimal: NotRequired[str | None]


class Deleted(TypedDict):
    """
    What a DELETE answers.
    """

    deleted: bool
    id: str


class DeliveryParams(TypedDict):
    unit: Literal['hour', 'day', 'business_day', 'week', 'month']
    value: int


DeliveryStatus: TypeAlias = Literal['pending', 'delivering', 'delivered', 'failed', 'dead', 'canceled']
"""
Where a delivery stands. `failed` rests until its next attempt, `dead` is given up, until somebody asks again.
"""


DisabledReason: TypeAlias = Literal['caller', 'gone', 'failing']
"""
Why an endpoint gets nothing: its owner said so, it answered 410 Gone, or it failed for days on end.
"""


class DiscountAmount(TypedDict):
    """
    What one discount takes off the items.
    """

    amount: int
    discount: str | None


class DiscountParams(TypedDict):
    """
    One of `coupon`, `promotion_code` and `discount`, which is one that exists already.
    """

    coupon: NotRequired[str | None]
    discount: NotRequired[str | None]
    promotion_code: NotRequired[str | None]


DisputeStatus: TypeAlias = Literal['warning_needs_response', 'warning_under_review', 'warning_closed', 'needs_response', 'under_review', 'appeal_needs_response', 'appeal_under_review', 'won', 'lost', 'prevented']
"""
Stripe's statuses of a dispute. An inquiry (`warning_…`) withdraws no money, but may become a dispute.
"""


EndpointStatus: TypeAlias = Literal['enabled', 'disabled']


class EuBankTransferParams(TypedDict):
    country: Literal['BE', 'DE', 'ES', 'FR', 'IE', 'NL']


Failure: TypeAlias = Literal['address_refused', 'dns', 'connection', 'tls', 'timeout', 'bad_response', 'redirect', 'status', 'gone', 'secret_unreadable', 'worker_lost', 'event_gone', 'no_address']
"""
Why an attempt failed. Of what the endpoint answered, only the status is kept.

`address_refused` and `dns` are for the log and the metrics. Callers get `no_address` for both, so that they cannot
find out which names the inner network knows. Attempts that an older release logged may still have them.
"""


class FieldError(TypedDict):
    loc: list[str | int]
    msg: str
    type: str


class FinalizationError(TypedDict):
    """
    Why Stripe did not finalize a draft.
    """

    code: str | None
    message: str | None
    param: str | None
    type: str | None


class FinancialConnectionsParams(TypedDict):
    filters: NotRequired[AccountFiltersParams | None]
    permissions: NotRequired[list[Literal['balances', 'ownership', 'payment_method', 'transactions']] | None]
    prefetch: NotRequired[list[Literal['balances', 'ownership', 'transactions']] | None]


FulfillOn: TypeAlias = Literal['paid', 'processing']
"""
What a fulfillment waits for: the settled payment, or a payment that is under way.
"""


FulfillmentActionStatus: TypeAlias = Literal['pending', 'running', 'failed', 'done', 'skipped', 'dead']


class FulfillmentPolicy(TypedDict):
    """
    When this invoice is fulfilled, and what reverses that. The deployment's settings decide what you leave out.
    """

    fulfill_on: NotRequired[Literal['paid', 'processing'] | None]
    """
    `processing`: fulfill before a bank debit has settled. If the debit fails, that is reversed.
    """
    hold_on_dispute: NotRequired[bool | None]
    """
    Whether an undecided dispute makes it `disputed`.
    """
    reverse_on_partial: NotRequired[str | None]
    """
    Whether the return of a part reverses it: `never`, `always`, or `above` and a percentage.
    """


FulfillmentStatus: TypeAlias = Literal['awaiting_payment', 'action_required', 'processing', 'payment_failed', 'fulfilled', 'disputed', 'reversed', 'canceled', 'written_off']
"""
Where the fulfillment of one invoice stands.
"""


Heading: TypeAlias = Literal['paid', 'refunded', 'disputed']
"""
What an amount is. The names are the columns of the report.
"""


class Health(TypedDict):
    checks: NotRequired[dict[str, str]]
    status: str


class HistoryEntry(TypedDict):
    """
    What became of a fulfillment.
    """

    amount: NotRequired[int | None]
    """
    Of a payment that nobody owed.
    """
    amount_credited: int
    amount_disputed: int
    amount_paid: int
    amount_refunded: int
    at: str
    """
    When it was recorded.
    """
    cause: str | None
    """
    Stripe's event, or what else caused it.
    """
    number: int
    """
    Counts the entries; none is used twice.
    """
    payment_intent: NotRequired[str | None]
    """
    Of a payment that nobody owed.
    """
    status: FulfillmentStatus
    what: str
    """
    The status it came to, `partly_reversed`, `reinstated`, `payment_unexpected`, or `updated`.
    """


class HostedPages(TypedDict):
    """
    Addresses that hold for days from now on; null for a draft.
    """

    as_of: str
    """
    When Stripe gave these addresses.
    """
    hosted_invoice_url: str | None
    invoice_pdf: str | None


class InstallmentPlanParams(TypedDict):
    count: NotRequired[int | None]
    interval: NotRequired[Literal['month'] | None]
    type: Literal['bonus', 'fixed_count', 'revolving']


class InstallmentsParams(TypedDict):
    enabled: NotRequired[bool | None]
    plan: NotRequired[InstallmentPlanParams | None]


class InvoiceCopy(TypedDict):
    customer: NotRequired[str | None]
    """
    Another customer than that of the copied invoice.
    """
    days_until_due: NotRequired[int | None]
    """
    Without it, as many days as the copied invoice has from its creation.
    """
    description: NotRequired[str | None]
    finalize: NotRequired[bool]
    """
    By default `false`.
    """
    metadata: NotRequired[dict[str, str] | None]
    """
    Added to the metadata of the copied invoice.
    """
    reference: NotRequired[str | None]


class InvoiceFinalize(TypedDict):
    allow_empty: NotRequired[bool]
    """
    Whether an invoice without items may be finalized: it is `paid` and `fulfilled` at once. By default `false`.
    """
    auto_advance: NotRequired[bool | None]
    """
    Whether Stripe collects by itself from now on; without it as the draft has it.
    """


class InvoiceFulfillment(TypedDict):
    fulfilled_at: str | None
    status: FulfillmentStatus


class InvoicePay(TypedDict):
    mandate: NotRequired[str | None]
    off_session: NotRequired[bool | None]
    """
    Whether the payer is away, and cannot authenticate; `true` without it.
    """
    paid_out_of_band: NotRequired[bool]
    """
    By default `false`.
    """
    payment_method: NotRequired[str | None]


class InvoicePaymentSummary(TypedDict):
    """
    A payment, made or requested, of an invoice.
    """

    amount_paid: int | None
    amount_requested: int | None
    created_at: str | None
    id: str | None
    is_default: bool
    """
    Whether it is the one that Stripe made with the invoice.
    """
    paid_at: str | None
    payment_intent: str | None
    """
    Null for a payment that was made elsewhere.
    """
    payment_record: str | None
    """
    Of a payment that was made elsewhere.
    """
    status: str | None
    """
    `open`, `paid` or `canceled`.
    """


class InvoiceRevise(TypedDict):
    description: NotRequired[str | None]
    footer: NotRequired[str | None]
    metadata: NotRequired[dict[str, str] | None]
    """
    Added to the metadata of the revised invoice.
    """
    reference: NotRequired[str | None]
    """
    The revised invoice keeps its own reference.
    """


InvoiceStatus: TypeAlias = Literal['draft', 'open', 'uncollectible', 'paid', 'void']
"""
Stripe's five statuses of an invoice.
"""


class InvoiceTaxId(TypedDict):
    type: str
    value: str | None


class ItemProductParams(TypedDict):
    """
    A product made for this item alone.
    """

    description: NotRequired[str | None]
    images: NotRequired[list[str] | None]
    metadata: NotRequired[dict[str, str]]
    name: str
    tax_code: NotRequired[str | None]
    unit_label: NotRequired[str | None]


class LinkedRefund(TypedDict):
    """
    A refund that was made before, and that this credit note documents.
    """

    amount_refunded: NotRequired[int | None]
    """
    All of the refund if it is absent.
    """
    refund: str


Moment: TypeAlias = Literal['processing', 'fulfilled', 'action_required', 'disputed', 'partly_reversed', 'reversed', 'reinstated', 'reminder']
"""
When the actions of a fulfillment run: what became of it.
"""


NextStep: TypeAlias = Literal['none', 'wait', 'finalize', 'correct_and_finalize', 'pay', 'authenticate', 'verify_bank_account', 'transfer_money', 'try_again', 'correct_payment_details', 'try_another_payment_method', 'contact_bank', 'charge', 'ask_for_payment_method', 'contact_customer', 'check_payment', 'answer_dispute', 'refund_payment', 'replay_events']
"""
What to do next.
"""


class NoOptionsParams(TypedDict):
    """
    Stripe has no options of this payment method yet.
    """


class NotRefunded(TypedDict):
    """
    What Stripe refused to refund after it had refunded a part, which stays refunded.
    """

    amount: int
    code: str
    detail: str


Outcome: TypeAlias = Literal['action_required', 'processing', 'failed', 'partly_funded', 'paid']
"""
What an attempt came to.
"""


class Party(TypedDict):
    """
    The account that issues an invoice, or is liable for its tax: `self`, or a connected `account`.
    """

    account: str | None
    type: str | None


class PartyParams(TypedDict):
    """
    `self`, or a connected account.
    """

    account: NotRequired[str | None]
    type: Literal['self', 'account']


class PaymentAttempt(TypedDict):
    """
    What Stripe reported of an attempt to pay, by its own clock.
    """

    amount: int | None
    """
    What was paid by it; null of other outcomes.
    """
    at: str
    code: str | None
    decline_code: str | None
    outcome: Outcome
    payment_intent: str | None


class PaymentFailure(TypedDict):
    """
    Why the last attempt failed, in Stripe's codes and its words for the customer.
    """

    code: str | None
    decline_code: str | None
    message: str | None


class PaymentLink(TypedDict):
    """
    A link that opens the payment page of one invoice, for whoever has it.
    """

    expires_at: str
    id: str
    invoice: str
    minimum_payment: int | None
    """
    The least part that may be paid; null: only all of it.
    """
    url: str


class PaymentLinkCreate(TypedDict):
    allow_promotion_codes: NotRequired[bool]
    """
    For a draft: the payer may enter a promotion code, finalizes the draft by a button, and then pays. By default `false`.
    """
    expires_at: NotRequired[str | None]
    """
    Until when the link is good; PAYMENT_LINK_DAYS from now otherwise.
    """
    minimum_payment: NotRequired[int | None]
    """
    Lets the payer pay a part: at least this much, and so that at least this much is left.
    """
    return_url: NotRequired[str | None]
    """
    Where the page leads the payer back to after paying. Its origin must be one of PAYMENT_LINK_RETURN_ORIGINS; in development it may be this machine's.
    """
    save_payment_method: NotRequired[bool]
    """
    Whether Stripe saves what the invoice is paid with, to charge the customer later. The page says so. By default `false`.
    """


class PaymentMethod(TypedDict):
    brand: str | None
    created_at: str
    customer: str
    exp_month: int | None
    exp_year: int | None
    id: str
    is_default: bool
    """
    Whether the customer's invoices are charged to it.
    """
    last4: str | None
    livemode: bool
    mandate_status: Literal['pending', 'active', 'inactive'] | None
    """
    Of a debit's mandate: an `inactive` one was revoked, and cannot be charged. Null: none is known.
    """
    type: str
    updated_at: str


class PaymentMethodAttach(TypedDict):
    payment_method: str
    """
    Made by Stripe.js, or by a SetupIntent that names no customer.
    """
    set_default: NotRequired[bool]
    """
    Whether the customer's invoices are charged to it from now on. By default `false`.
    """


class PaymentMethodDataParams(TypedDict):
    billing_details: NotRequired[BillingDetailsParams | None]
    type: str


class PaymentMethodList(TypedDict):
    data: list[PaymentMethod]
    has_more: bool
    next_cursor: str | None


class PaymentRecordData(TypedDict):
    """
    A payment that was made elsewhere, say by cheque or wire.
    """

    amount: NotRequired[int | None]
    """
    What remains to be paid, where it is not given. Too much is credited to the customer.
    """
    description: NotRequired[str | None]
    display_name: str
    """
    How it was paid.
    """
    guaranteed: NotRequired[bool]
    """
    Whether the money is there. If not yet, it counts once that is reported. By default `true`.
    """
    initiated_at: NotRequired[str | None]
    """
    When it was made; now where it is not given.
    """
    payment_reference: NotRequired[str | None]
    """
    Its number with whoever moved the money.
    """


class PaymentRecordReport(TypedDict):
    at: NotRequired[str | None]
    """
    When it happened; now where it is not given.
    """
    outcome: Literal['guaranteed', 'failed', 'canceled']


class PaymentSettings(TypedDict):
    default_mandate: str | None
    payment_method_options: dict[str, Any] | None
    """
    As Stripe has them.
    """
    payment_method_types: list[str] | None
    """
    Null: those of the account's settings.
    """


class PaymentShipping(TypedDict):
    address: Address | None
    carrier: str | None
    name: str | None
    phone: str | None
    tracking_number: str | None


class PaymentState(TypedDict):
    """
    One payment of an invoice.
    """

    amount: int
    """
    What arrived, or what is to be paid.
    """
    at: str
    """
    When it happened at Stripe.
    """
    currency: str
    customer: str | None
    id: str | None
    """
    The PaymentIntent.
    """
    invoice: str
    required_action: str | None
    """
    What the payer must do: Stripe's type of the `next_action`.
    """
    status: Literal['action_required', 'succeeded', 'partly_funded', 'early_fraud_warning', 'payment_unexpected']
    what_to_do: str | None
    """
    For a person, about a payment that nobody owed or that is reported as fraud.
    """


class PaytoMandateParams(TypedDict):
    amount: NotRequired[int | None]
    purpose: NotRequired[str | None]


class PaytoOptionsParams(TypedDict):
    mandate_options: NotRequired[PaytoMandateParams | None]


class Pdf(TypedDict):
    page_size: str | None


class PdfParams(TypedDict):
    page_size: NotRequired[Literal['a4', 'auto', 'letter'] | None]


class Period(TypedDict):
    end: str
    start: str


class PeriodParams(TypedDict):
    """
    When what is billed was, or will be, rendered: from `start` to `end`.
    """

    end: str
    start: str


class PingData(TypedDict):
    endpoint: str


class PingEvent(TypedDict):
    """
    A CloudEvent (1.0) that is in no feed.
    """

    data: PingData
    datacontenttype: Literal['application/json']
    id: str
    source: str
    specversion: Literal['1.0']
    subject: str
    """
    The endpoint.
    """
    time: str
    type: Literal['ping']


class PixOptionsParams(TypedDict):
    amount_includes_iof: NotRequired[Literal['always', 'never'] | None]
    expires_after_seconds: NotRequired[int | None]


class Policy(TypedDict):
    """
    When it is fulfilled, and what reverses it.
    """

    fulfill_on: FulfillOn
    hold_on_dispute: bool
    reverse_on_partial: str
    """
    `never`, `always`, or `above` and a percentage.
    """


class PortalLink(TypedDict):
    """
    A link that opens a customer's own pages, for whoever has it.
    """

    customer: str
    expires_at: str
    id: str
    url: str


class PortalLinkCreate(TypedDict):
    expires_at: NotRequired[str | None]
    """
    Until when the link is good; PORTAL_LINK_DAYS from now otherwise.
    """


class PretaxCredit(TypedDict):
    """
    What is taken off before tax: by a discount, or by a credit that was granted.
    """

    amount: int
    credit_balance_transaction: str | None
    discount: str | None
    type: str | None


class Price(TypedDict):
    active: bool
    created_at: str
    currency: str
    id: str
    livemode: bool
    lookup_key: str | None
    metadata: dict[str, str]
    nickname: str | None
    product: str
    reference: str | None
    tax_behavior: str | None
    unit_amount: int | None
    unit_amount_decimal: str | None
    updated_at: str


class PriceDataParams(TypedDict):
    """
    A price made for this item alone, of a product or of one that is made with it.
    """

    currency: str
    product: NotRequired[str | None]
    product_data: NotRequired[ItemProductParams | None]
    tax_behavior: NotRequired[Literal['exclusive', 'inclusive', 'unspecified'] | None]
    unit_amount: NotRequired[int | None]
    unit_amount_decimal: NotRequired[str | None]


class PriceList(TypedDict):
    data: list[Price]
    has_more: bool
    next_cursor: str | None


class PriceProductParams(TypedDict):
    """
    A product that is made with the price.
    """

    active: NotRequired[bool | None]
    metadata: NotRequired[dict[str, str]]
    name: str
    tax_code: NotRequired[str | None]
    unit_label: NotRequired[str | None]


class PriceUpdate(TypedDict):
    active: NotRequired[bool]
    currency_options: NotRequired[dict[str, CurrencyOptionParams] | None]
    lookup_key: NotRequired[str | None]
    metadata: NotRequired[dict[str, str | None]]
    nickname: NotRequired[str | None]
    tax_behavior: NotRequired[Literal['exclusive', 'inclusive', 'unspecified']]
    """
    Whether the amount has the tax in it.
    """
    transfer_lookup_key: NotRequired[bool]
    """
    Whether the lookup key is taken from the price that has it.
    """


class Product(TypedDict):
    active: bool
    created_at: str
    default_price: str | None
    description: str | None
    id: str
    images: list[str]
    livemode: bool
    metadata: dict[str, str]
    name: str
    reference: str | None
    tax_code: str | None
    unit_label: str | None
    updated_at: str
    url: str | None


class ProductCreate(TypedDict):
    active: NotRequired[bool]
    """
    By default `true`.
    """
    default_price_data: NotRequired[DefaultPriceParams | None]
    description: NotRequired[str | None]
    images: NotRequired[list[str] | None]
    metadata: NotRequired[dict[str, str]]
    name: str
    reference: NotRequired[str | None]
    tax_code: NotRequired[str | None]
    unit_label: NotRequired[str | None]
    url: NotRequired[str | None]


class ProductList(TypedDict):
    data: list[Product]
    has_more: bool
    next_cursor: str | None


class ProductUpdate(TypedDict):
    active: NotRequired[bool]
    default_price: NotRequired[str | None]
    description: NotRequired[str | None]
    images: NotRequired[list[str] | None]
    metadata: NotRequired[dict[str, str | None]]
    name: NotRequired[str]
    tax_code: NotRequired[str | None]
    unit_label: NotRequired[str | None]
    url: NotRequired[str | None]


class Promotion(TypedDict):
    coupon: str | None
    type: str


class PromotionCodeUpdate(TypedDict):
    active: NotRequired[bool]
    metadata: NotRequired[dict[str, str | None]]


class PromotionParams(TypedDict):
    coupon: str
    """
    The coupon that the code redeems.
    """
    type: NotRequired[Literal['coupon']]
    """
    By default `"coupon"`.
    """


class QuoteDetails(TypedDict):
    quote: str | None


class Redeliver(TypedDict):
    since: str
    """
    Deliveries made at this time or later.
    """
    statuses: NotRequired[list[DeliveryStatus]]
    """
    In which states. Add `delivered` for events that you received and lost. By default `["dead", "failed"]`.
    """
    until: NotRequired[str | None]
    """
    Deliveries made before this time. Without it: until now.
    """


class Redelivered(TypedDict):
    endpoint: str
    redelivered: int
    """
    How many; at most 10,000 at once, oldest first.
    """


RefundReason: TypeAlias = Literal['duplicate', 'fraudulent', 'requested_by_customer']


RefundStatus: TypeAlias = Literal['pending', 'requires_action', 'succeeded', 'failed', 'canceled']
"""
Stripe's statuses of a refund.
"""


class ReminderTold(TypedDict):
    """
    Which reminder it is.
    """

    channel: Literal['mail', 'event']
    day: int
    """
    Of `REMINDERS`: days after the due date, negative before it.
    """


class Rendering(TypedDict):
    amount_tax_display: str | None
    pdf: Pdf | None
    template: str | None
    template_version: int | None


class RenderingOptions(TypedDict):
    amount_tax_display: str | None
    template: str | None


class RenderingOptionsParams(TypedDict):
    amount_tax_display: NotRequired[Literal['exclude_tax', 'include_inclusive_tax'] | None]
    template: NotRequired[str | None]


class RenderingParams(TypedDict):
    """
    How Stripe renders the invoice.
    """

    amount_tax_display: NotRequired[Literal['exclude_tax', 'include_inclusive_tax'] | None]
    pdf: NotRequired[PdfParams | None]
    template: NotRequired[str | None]
    template_version: NotRequired[int | None]


class Restrictions(TypedDict):
    first_time_transaction: bool
    minimum_amount: int | None
    minimum_amount_currency: str | None


class RestrictionsParams(TypedDict):
    first_time_transaction: NotRequired[bool]
    """
    Only for customers who never paid. By default `false`.
    """
    minimum_amount: NotRequired[int | None]
    minimum_amount_currency: NotRequired[str | None]


Scope: TypeAlias = Literal['products:read', 'products:write', 'prices:read', 'prices:write', 'customers:read', 'customers:write', 'tax_rates:read', 'tax_rates:write', 'coupons:read', 'coupons:write', 'promotion_codes:read', 'promotion_codes:write', 'invoices:read', 'invoices:write', 'refunds:read', 'refunds:write', 'credit_notes:read', 'credit_notes:write', 'disputes:read', 'reports:read', 'fulfillments:read', 'fulfillments:write', 'events:read', 'events:write', 'feed:read', 'webhook_endpoints:read', 'webhook_endpoints:write', 'console:read', 'admin']
"""
What a key may do. `…:write` includes `…:read` of the same resource; `admin` includes everything.

`refunds` and `credit_notes` give money back, which `invoices:write` does not. `events` are Stripe's, as they were
delivered; `feed` is what happened here, without what is personal.
"""


class Secret(TypedDict):
    """
    When a signing secret was made, and when it ends. The secret itself was shown when it was made.
    """

    created_at: str
    expires_at: str | None


Settlement: TypeAlias = Literal['payment', 'out_of_band', 'credit_note', 'customer_balance', 'below_minimum', 'negative_total', 'nothing_due']
"""
What made an invoice `paid`. Stripe also calls invoices paid that nobody had to pay.
"""


class SetupIntent(TypedDict):
    """
    Saves a payment method. Shown as Stripe last reported it.
    """

    created_at: str
    customer: str
    failure_code: str | None
    """
    Why the last try failed.
    """
    failure_decline_code: str | None
    id: str
    payment_method: str | None
    """
    The one that was saved, once it `succeeded`.
    """
    status: str
    updated_at: str


class SetupIntentCreate(TypedDict):
    payment_method_types: NotRequired[list[str] | None]
    """
    Those that may be saved; absent: what the account's settings offer.
    """
    usage: NotRequired[Literal['off_session', 'on_session']]
    """
    `off_session`: it will be charged while its owner is away. By default `"off_session"`.
    """


class SetupIntentWithSecret(TypedDict):
    """
    With the secret by which a front end confirms it; it is stored nowhere.
    """

    client_secret: NotRequired[str | None]
    created_at: str
    customer: str
    failure_code: str | None
    """
    Why the last try failed.
    """
    failure_decline_code: str | None
    id: str
    payment_method: str | None
    """
    The one that was saved, once it `succeeded`.
    """
    publishable_key: str
    status: str
    updated_at: str


class Shipping(TypedDict):
    address: Address | None
    name: str | None
    phone: str | None


class ShippingDetails(TypedDict):
    """
    To whom it is sent, and by whom.
    """

    address: Address | None
    carrier: str | None
    name: str | None
    phone: str | None
    tracking_number: str | None


class ShippingOptionParams(TypedDict):
    amount: int
    """
    In the currency's minor unit: at most 99999999, more for idr; a multiple of 10 where the currency has three decimals.
    """
    tax_behavior: NotRequired[Literal['exclusive', 'inclusive', 'unspecified'] | None]


class ShippingParams(TypedDict):
    """
    Where goods go.
    """

    address: AddressParams
    name: str
    phone: NotRequired[str | None]


class ShippingTax(TypedDict):
    amount: int | None
    rate: str | None
    taxability_reason: str | None
    taxable_amount: int | None


class StripeDetails(TypedDict):
    code: NotRequired[str | None]
    decline_code: NotRequired[str | None]
    param: NotRequired[str | None]
    request_id: NotRequired[str | None]
    type: NotRequired[str | None]


StripeEventStatus: TypeAlias = Literal['received', 'processing', 'processed', 'ignored', 'failed', 'dead']


class StripeEventSummary(TypedDict):
    """
    An event Stripe delivered, as lists show it.
    """

    api_version: str | None
    attempts: int
    created_at: str
    id: str
    last_error: str | None
    livemode: bool
    next_attempt_at: str | None
    object: str | None
    """
    The id of the object the event is about.
    """
    processed_at: str | None
    received_at: str
    request_id: str | None
    source: str
    status: StripeEventStatus
    type: str
    """
    Stripe's event type.
    """
    verified_by: str | None
    """
    The name of the signing secret that verified it. It does not reveal the secret.
    """


class SubscriptionDetails(TypedDict):
    subscription: str | None


class Tax(TypedDict):
    """
    One tax of the invoice. An inclusive one is part of the items' amounts, others are added to them.
    """

    amount: int
    inclusive: bool
    label: str | None
    """
    The tax rate's name, where Stripe says it.
    """
    percentage: str | None
    reason: str | None
    """
    Why the tax is what it is.
    """
    tax_rate: str | None
    taxable_amount: int | None


class TaxIdCreate(TypedDict):
    type: str
    """
    Stripe's word for the kind of number, e.g. `eu_vat`, `gb_vat`, `us_ein`.
    """
    value: str


class TaxIdParams(TypedDict):
    type: str
    value: str


class TaxLocationParams(TypedDict):
    """
    What Stripe derives the customer's tax location from, beside the address.
    """

    ip_address: NotRequired[str | None]
    validate_location: NotRequired[Literal['auto', 'deferred', 'immediately'] | None]
    """
    `immediately`: refuse what gives no tax location. `auto` is for changes only.
    """


class TaxRate(TypedDict):
    active: bool
    country: str | None
    created_at: str
    description: str | None
    display_name: str
    id: str
    inclusive: bool
    jurisdiction: str | None
    livemode: bool
    metadata: dict[str, str]
    percentage: str
    reference: str | None
    state: str | None
    tax_type: str | None
    updated_at: str


class TaxRateCreate(TypedDict):
    active: NotRequired[bool]
    """
    By default `true`.
    """
    country: NotRequired[str | None]
    description: NotRequired[str | None]
    """
    For you; payers do not see it.
    """
    display_name: str
    """
    What payers see.
    """
    inclusive: bool
    """
    Whether prices include it already.
    """
    jurisdiction: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]
    percentage: str
    """
    Percent, from 0 to 100, with at most 4 decimals.
    """
    reference: NotRequired[str | None]
    state: NotRequired[str | None]
    tax_type: NotRequired[str | None]


class TaxRateDataParams(TypedDict):
    """
    A tax rate made for this tax alone.
    """

    country: NotRequired[str | None]
    description: NotRequired[str | None]
    display_name: str
    inclusive: bool
    jurisdiction: NotRequired[str | None]
    jurisdiction_level: NotRequired[Literal['city', 'country', 'county', 'district', 'multiple', 'state'] | None]
    percentage: float
    state: NotRequired[str | None]
    tax_type: NotRequired[str | None]


class TaxRateList(TypedDict):
    data: list[TaxRate]
    has_more: bool
    next_cursor: str | None


class TaxRateUpdate(TypedDict):
    active: NotRequired[bool]
    country: NotRequired[str | None]
    description: NotRequired[str | None]
    display_name: NotRequired[str]
    jurisdiction: NotRequired[str | None]
    metadata: NotRequired[dict[str, str | None]]
    state: NotRequired[str | None]
    tax_type: NotRequired[str | None]


class TimelineEntry(TypedDict):
    """
    One thing that happened, by this service's clock.
    """

    at: str
    data: dict[str, Any]
    """
    Ids to look further with: of the request, the event, the cause.
    """
    kind: Literal['request', 'stripe_call', 'event', 'transition', 'fulfillment', 'payment', 'refund', 'credit_note', 'dispute', 'action', 'reminder', 'delivery']
    what: str
    """
    The use case, the step at Stripe, the type of the event, the status that was reached, or the action.
    """


class TransferDataParams(TypedDict):
    """
    The connected account that gets the payment, or `amount` of it.
    """

    amount: NotRequired[int | None]
    destination: str


class Uncollectible(TypedDict):
    reason: str | None


class UpiMandateParams(TypedDict):
    amount: NotRequired[int | None]
    amount_type: NotRequired[Literal['fixed', 'maximum'] | None]
    description: NotRequired[str | None]
    end_date: NotRequired[str | None]


class UpiOptionsParams(TypedDict):
    mandate_options: NotRequired[UpiMandateParams | None]


class UsBankAccountOptionsParams(TypedDict):
    financial_connections: NotRequired[FinancialConnectionsParams | None]
    verification_method: NotRequired[Literal['automatic', 'instant', 'microdeposits'] | None]


class Verification(TypedDict):
    """
    What the authorities say of a tax id, as far as they are asked.
    """

    status: str
    """
    `pending`, `verified`, `unverified` or `unavailable`.
    """
    verified_address: str | None
    verified_name: str | None


class WebhookEndpoint(TypedDict):
    created_at: str
    description: str | None
    disabled_at: str | None
    disabled_reason: DisabledReason | None
    """
    `caller`: somebody said so; `gone`: it answered 410; `failing`: it did nothing but fail for days.
    """
    failing_since: str | None
    """
    Since when it accepted nothing; null while it accepts.
    """
    id: str
    ordered: bool
    secrets: list[Secret]
    """
    The secrets that sign now, the newest first.
    """
    status: EndpointStatus
    types: list[str]
    updated_at: str
    url: str


class WebhookEndpointCreate(TypedDict):
    description: NotRequired[str | None]
    ordered: NotRequired[bool]
    """
    One after the other, in the order of the feed: an event waits until the one before it is delivered, or given up. Otherwise many at once, so that one that fails holds up none. By default `false`.
    """
    types: NotRequired[list[Literal['invoice.created', 'invoice.finalized', 'invoice.marked_uncollectible', 'invoice.paid', 'invoice.voided', 'invoice.deleted', 'invoice.reopened', 'invoice.updated', 'invoice.finalization_failed', 'invoice.will_be_due', 'invoice.overdue', 'invoice.reminded', 'fulfillment.awaiting_payment', 'fulfillment.action_required', 'fulfillment.processing', 'fulfillment.payment_failed', 'fulfillment.fulfilled', 'fulfillment.disputed', 'fulfillment.reversed', 'fulfillment.canceled', 'fulfillment.written_off', 'fulfillment.reinstated', 'fulfillment.updated', 'payment.action_required', 'payment.succeeded', 'payment.partly_funded', 'payment.early_fraud_warning', 'payment_unexpected', 'refund.created', 'refund.updated', 'refund.failed', 'credit_note.created', 'credit_note.updated', 'credit_note.voided', 'dispute.created', 'dispute.updated', 'dispute.closed']]]
    """
    Of which events; of all, where it is empty.
    """
    url: str
    """
    Where deliveries are sent: https, on port 443 or from 1024 on, and no address of a private network.
    """


class WebhookEndpointList(TypedDict):
    data: list[WebhookEndpoint]
    has_more: bool
    next_cursor: str | None


class WebhookEndpointMade(TypedDict):
    created_at: str
    description: str | None
    disabled_at: str | None
    disabled_reason: DisabledReason | None
    """
    `caller`: somebody said so; `gone`: it answered 410; `failing`: it did nothing but fail for days.
    """
    failing_since: str | None
    """
    Since when it accepted nothing; null while it accepts.
    """
    id: str
    ordered: bool
    secret: str | None
    """
    The signing secret, shown in this answer only; null where the answer is a replay.
    """
    secrets: list[Secret]
    """
    The secrets that sign now, the newest first.
    """
    status: EndpointStatus
    types: list[str]
    updated_at: str
    url: str


class WebhookEndpointUpdate(TypedDict):
    """
    `types` counts for events from now on. An endpoint that is enabled again continues where it stopped.
    """

    description: NotRequired[str | None]
    ordered: NotRequired[bool]
    """
    One after the other, in the order of the feed: an event waits until the one before it is delivered, or given up. Otherwise many at once, so that one that fails holds up none.
    """
    status: NotRequired[EndpointStatus]
    types: NotRequired[list[Literal['invoice.created', 'invoice.finalized', 'invoice.marked_uncollectible', 'invoice.paid', 'invoice.voided', 'invoice.deleted', 'invoice.reopened', 'invoice.updated', 'invoice.finalization_failed', 'invoice.will_be_due', 'invoice.overdue', 'invoice.reminded', 'fulfillment.awaiting_payment', 'fulfillment.action_required', 'fulfillment.processing', 'fulfillment.payment_failed', 'fulfillment.fulfilled', 'fulfillment.disputed', 'fulfillment.reversed', 'fulfillment.canceled', 'fulfillment.written_off', 'fulfillment.reinstated', 'fulfillment.updated', 'payment.action_required', 'payment.succeeded', 'payment.partly_funded', 'payment.early_fraud_warning', 'payment_unexpected', 'refund.created', 'refund.updated', 'refund.failed', 'credit_note.created', 'credit_note.updated', 'credit_note.voided', 'dispute.created', 'dispute.updated', 'dispute.closed']]]
    """
    Of which events; of all, where it is empty.
    """
    url: NotRequired[str]
    """
    Where deliveries are sent: https, on port 443 or from 1024 on, and no address of a private network.
    """


class WebhookSecretRotate(TypedDict):
    overlap_s: NotRequired[int]
    """
    For how long the secrets before sign beside the new one. By default `86400`.
    """


class AcssDebitOptionsParams(TypedDict):
    mandate_options: NotRequired[AcssMandateParams | None]
    verification_method: NotRequired[Literal['automatic', 'instant', 'microdeposits'] | None]


class ApiKey(TypedDict):
    """
    A key, without what is secret of it.
    """

    caller: str
    """
    Who the key stands for; a rotation keeps it, so that idempotency keys stay valid.
    """
    created_at: str
    expires_at: str | None
    id: str
    last_used_at: str | None
    """
    Exact to about a minute.
    """
    livemode: bool
    name: str
    prefix: str
    """
    How the key begins; it may be shown.
    """
    replaced_by: str | None
    revoked_at: str | None
    scopes: list[Scope]
    status: ApiKeyStatus


class ApiKeyCreate(TypedDict):
    expires_at: NotRequired[str | None]
    """
    When the key ends by itself. Null: never.
    """
    name: str
    scopes: list[Scope]


class ApiKeyList(TypedDict):
    data: list[ApiKey]
    has_more: bool
    next_cursor: str | None


class ApiKeyMade(TypedDict):
    caller: str
    """
    Who the key stands for; a rotation keeps it, so that idempotency keys stay valid.
    """
    created_at: str
    expires_at: str | None
    id: str
    key: str | None
    """
    The key itself, shown in this answer only; null where the answer is a replay.
    """
    last_used_at: str | None
    """
    Exact to about a minute.
    """
    livemode: bool
    name: str
    prefix: str
    """
    How the key begins; it may be shown.
    """
    replaced_by: str | None
    revoked_at: str | None
    scopes: list[Scope]
    status: ApiKeyStatus


class Attempt(TypedDict):
    """
    One attempt. What the endpoint answered beyond its status is not kept.
    """

    at: str
    error: Failure | None
    """
    Why it did not count as received; null where it did.
    """
    ms: int | None
    """
    How long it took; null where its worker died.
    """
    status: int | None
    """
    The HTTP status, where there was one.
    """


class AutomaticTax(TypedDict):
    disabled_reason: str | None
    enabled: bool | None
    liability: Party | None
    provider: str | None
    status: str | None
    """
    `complete`, `failed` or `requires_location_inputs`.
    """


class AutomaticTaxParams(TypedDict):
    enabled: bool
    liability: NotRequired[PartyParams | None]
    """
    Who owes the tax.
    """


class BalanceDifference(TypedDict):
    """
    An object whose amount is not the same here and at Stripe. 0 also stands for an object that is unknown there.
    """

    currency: str
    heading: Heading
    id: str
    """
    Of a PaymentIntent (`paid`), a refund, or a dispute.
    """
    ours: int
    """
    In minor units of the currency.
    """
    stripe: int
    """
    In minor units of the currency.
    """


class BankTransferParams(TypedDict):
    eu_bank_transfer: NotRequired[EuBankTransferParams | None]
    type: NotRequired[str | None]


class BillieOptionsParams(TypedDict):
    company_details: NotRequired[CompanyDetailsParams | None]
    reference: NotRequired[str | None]


class CardOptionsParams(TypedDict):
    installments: NotRequired[InstallmentsParams | None]
    request_three_d_secure: NotRequired[Literal['any', 'automatic', 'challenge'] | None]


class CreditNoteLine(TypedDict):
    amount: int
    description: str | None
    id: str
    invoice_line_item: str | None
    quantity: int | None
    type: CreditNoteLineType
    unit_amount_decimal: str | None


class CreditNoteLineParams(TypedDict):
    """
    A line: a part of an item of the invoice (`invoice_line_item`), or one of its own (`custom_line_item`).
    """

    amount: NotRequired[int | None]
    """
    Of an item: how much of it is credited.
    """
    description: NotRequired[str | None]
    invoice_line_item: NotRequired[str | None]
    """
    The `line_item` of the invoice's item.
    """
    quantity: NotRequired[int | None]
    type: CreditNoteLineType
    unit_amount: NotRequired[int | None]
    unit_amount_decimal: NotRequired[str | None]


class CreditNotePreview(TypedDict):
    """
    What a credit note would be. Nothing is issued.
    """

    credit_amount: int
    """
    To the customer's balance.
    """
    currency: str
    customer: str | None
    effective_at: str | None
    invoice: str
    lines: list[CreditNoteLine]
    """
    The first ten, as Stripe shows them.
    """
    memo: str | None
    out_of_band_amount: int
    """
    Outside of Stripe.
    """
    post_payment_amount: int
    """
    What it gives back of what was paid.
    """
    pre_payment_amount: int
    """
    What it takes off `amount_remaining`.
    """
    reason: str | None
    refund_amount: int
    """
    By refunds.
    """
    subtotal: int
    total: int
    type: CreditNoteType


class CreditNotePreviewed(TypedDict):
    """
    One of `amount` and `lines`.

    What was paid already is given back as `refund_amount`, `credit_amount` (to the customer's balance),
    `out_of_band_amount` and `refunds` say; together they must be what the credit note exceeds `amount_remaining` by.
    """

    amount: NotRequired[int | None]
    credit_amount: NotRequired[int | None]
    effective_at: NotRequired[str | None]
    """
    The printed date of issue; now if it is absent.
    """
    lines: NotRequired[list[CreditNoteLineParams] | None]
    memo: NotRequired[str | None]
    """
    Printed on the credit note.
    """
    out_of_band_amount: NotRequired[int | None]
    reason: NotRequired[CreditNoteReason | None]
    refund_amount: NotRequired[int | None]
    refunds: NotRequired[list[LinkedRefund] | None]


class CreditNoteState(TypedDict):
    """
    A credit note after the change, without its printed texts, its lines and its address.
    """

    created_at: str
    credit_amount: int
    currency: str
    customer: str | None
    effective_at: str | None
    id: str
    invoice: str
    livemode: bool
    metadata: dict[str, str]
    number: str | None
    out_of_band_amount: int
    post_payment_amount: int
    pre_payment_amount: int
    reason: str | None
    reference: str | None
    refund_amount: int
    refunds: list[CreditNoteRefund]
    status: CreditNoteStatus
    subtotal: int
    total: int
    type: CreditNoteType
    updated_at: str
    voided_at: str | None


class CustomerBalanceOptionsParams(TypedDict):
    bank_transfer: NotRequired[BankTransferParams | None]
    funding_type: NotRequired[Literal['bank_transfer'] | None]


class Delivery(TypedDict):
    """
    One event for one endpoint.
    """

    attempts: int
    """
    Since it was made, or last asked for again.
    """
    created_at: str
    delivered_at: str | None
    """
    When it was first received.
    """
    endpoint: str
    event: str
    """
    The `id` of the event, and its `webhook-id`.
    """
    id: str
    invoice: str | None
    last_error: Failure | None
    last_status: int | None
    """
    The HTTP status of the last attempt.
    """
    log: list[Attempt]
    """
    The last 20 attempts, oldest first.
    """
    next_attempt_at: str | None
    status: DeliveryStatus
    type: str


class DeliveryEstimateParams(TypedDict):
    maximum: NotRequired[DeliveryParams | None]
    minimum: NotRequired[DeliveryParams | None]


class DeliveryList(TypedDict):
    data: list[Delivery]
    has_more: bool
    next_cursor: str | None


class Dispute(TypedDict):
    amount: int
    charge: str | None
    created_at: str
    currency: str
    customer: str | None
    evidence_due_at: str | None
    """
    Until when evidence may be submitted; null where the bank takes none.
    """
    has_evidence: bool
    id: str
    invoice: str
    is_charge_refundable: bool
    """
    Whether the payment can still be refunded, which ends an inquiry.
    """
    livemode: bool
    payment_intent: str | None
    reason: str | None
    status: DisputeStatus
    submission_count: int
    """
    How often evidence was submitted.
    """
    updated_at: str
    withdrawn: bool
    """
    Whether the money is withdrawn now.
    """


class DisputeList(TypedDict):
    data: list[Dispute]
    has_more: bool
    next_cursor: str | None


class DisputeState(TypedDict):
    """
    A dispute after the change.
    """

    amount: int
    charge: str | None
    created_at: str
    currency: str
    customer: str | None
    evidence_due_at: str | None
    has_evidence: bool
    id: str
    invoice: str
    is_charge_refundable: bool
    livemode: bool
    payment_intent: str | None
    reason: str | None
    status: DisputeStatus
    submission_count: int
    updated_at: str
    withdrawn: bool


class Fulfillment(TypedDict):
    """
    A fulfillment as it is now. `payment_attempts`, `history` and `policy` are not in events.
    """

    amount_credited: int
    """
    What credit notes after payment gave back, in whichever way.
    """
    amount_disputed: int
    """
    What disputes withdrew that were not won.
    """
    amount_kept: int
    """
    `amount_paid` less the three.
    """
    amount_paid: int
    """
    What was paid by payments once it was fulfilled; 0 before.
    """
    amount_refunded: int
    """
    What refunds beside credit notes paid back, or are paying back.
    """
    attempts: int
    """
    Failed attempts to pay.
    """
    created_at: str
    currency: str
    customer: str | None
    failure: PaymentFailure | None
    """
    Why the last attempt failed; null once another attempt follows.
    """
    fulfilled_at: str | None
    history: list[HistoryEntry]
    """
    Oldest first; the newest 100.
    """
    id: str
    invoice: str
    paid_out_of_band: bool
    payment_attempts: list[PaymentAttempt]
    """
    Oldest first; the newest 50.
    """
    payment_intent: str | None
    policy: Policy | None
    """
    The policy that it was made with. Null: it is older than policies, and has the default one.
    """
    required_action: str | None
    """
    What the payer must do while it is `action_required`: Stripe's type of the PaymentIntent's `next_action`; null where Stripe has not said it.
    """
    status: FulfillmentStatus
    updated_at: str


class FulfillmentAction(TypedDict):
    """
    A mail or a hook that follows a moment of a fulfillment.
    """

    action: str
    """
    `email`, or the name of a hook.
    """
    attempts: int
    created_at: str
    finished_at: str | None
    fulfillment: str
    id: str
    """
    The same for every try: a mail's Message-ID begins with it, a hook gets it as idempotency_id.
    """
    invoice: str
    moment: Moment
    next_attempt_at: str | None
    reason: str | None
    """
    Why the last try failed, or why it was skipped.
    """
    status: FulfillmentActionStatus
    """
    `failed` is tried again, `dead` waits for a person.
    """


class FulfillmentActionList(TypedDict):
    data: list[FulfillmentAction]
    has_more: bool
    next_cursor: str | None


class FulfillmentList(TypedDict):
    data: list[Fulfillment]
    has_more: bool
    next_cursor: str | None


class FulfillmentState(TypedDict):
    """
    A fulfillment after the change.
    """

    amount_credited: int
    """
    What credit notes after payment gave back, in whichever way.
    """
    amount_disputed: int
    """
    What disputes withdrew that were not won.
    """
    amount_kept: int
    """
    `amount_paid` less the three.
    """
    amount_paid: int
    """
    What was paid by payments once it was fulfilled; 0 before.
    """
    amount_refunded: int
    """
    What refunds beside credit notes paid back, or are paying back.
    """
    attempts: int
    """
    Failed attempts to pay.
    """
    created_at: str
    currency: str
    customer: str | None
    failure: PaymentFailure | None
    """
    Why the last attempt failed; null once another attempt follows.
    """
    fulfilled_at: str | None
    id: str
    invoice: str
    paid_out_of_band: bool
    payment_intent: str | None
    required_action: str | None
    """
    What the payer must do while it is `action_required`: Stripe's type of the PaymentIntent's `next_action`; null where Stripe has not said it.
    """
    status: FulfillmentStatus
    updated_at: str


class InvoicePaymentIntent(TypedDict):
    """
    The PaymentIntent of an invoice, as Stripe answered it. It is not kept here.
    """

    amount: int
    currency: str
    description: str | None
    id: str
    invoice: str
    metadata: dict[str, str]
    payment_method: str | None
    payment_method_types: list[str]
    receipt_email: str | None
    setup_future_usage: str | None
    shipping: PaymentShipping | None
    status: str


class InvoicePaymentIntentUpdate(TypedDict):
    """
    What Stripe lets be changed. Anything else is refused by its name.
    """

    description: NotRequired[str | None]
    metadata: NotRequired[dict[str, str | None]]
    payment_method: NotRequired[str | None]
    payment_method_data: NotRequired[PaymentMethodDataParams | None]
    payment_method_options: NotRequired[dict[str, dict[str, str | bool | int | dict[str, str | bool | int]]] | None]
    receipt_email: NotRequired[str | None]
    setup_future_usage: NotRequired[Literal['off_session', 'on_session'] | None]
    """
    Saves what the invoice is paid with, to charge the customer later; null: not.
    """
    shipping: NotRequired[ShippingParams | None]


class InvoiceSettings(TypedDict):
    custom_fields: list[CustomField]
    default_payment_method: str | None
    footer: str | None
    rendering_options: RenderingOptions | None


class InvoiceSettingsParams(TypedDict):
    """
    What drafts inherit: they copy custom fields, footer and rendering when they are made.
    """

    custom_fields: NotRequired[list[CustomFieldParams] | None]
    default_payment_method: NotRequired[str | None]
    footer: NotRequired[str | None]
    rendering_options: NotRequired[RenderingOptionsParams | None]


class Item(TypedDict):
    amount: int
    currency: str
    description: str | None
    discount_amounts: list[DiscountAmount]
    """
    What each discount, its own or one of the invoice, takes off this item.
    """
    discountable: bool | None
    discounts: list[str]
    """
    The item's own discounts.
    """
    id: str
    line_item: str
    metadata: dict[str, str]
    period: Period | None
    """
    When the service was rendered.
    """
    pretax_credit_amounts: list[PretaxCredit]
    price: str | None
    product: str | None
    quantity: int | None
    """
    Whole units; Stripe cuts off what `quantity_decimal` says in full.
    """
    quantity_decimal: str | None
    subtotal: int | None
    """
    The amount before any discounts and taxes.
    """
    taxes: list[Tax]
    unit_amount_decimal: str | None


class ItemPreviewed(TypedDict):
    amount: int
    currency: str
    description: str | None
    discount_amounts: list[DiscountAmount]
    """
    What each discount, its own or one of the invoice, takes off this item.
    """
    discountable: bool | None
    discounts: list[str]
    """
    The item's own discounts.
    """
    metadata: dict[str, str]
    period: Period | None
    """
    When the service was rendered.
    """
    pretax_credit_amounts: list[PretaxCredit]
    price: str | None
    product: str | None
    quantity: int | None
    """
    Whole units; Stripe cuts off what `quantity_decimal` says in full.
    """
    quantity_decimal: str | None
    subtotal: int | None
    """
    The amount before any discounts and taxes.
    """
    taxes: list[Tax]
    unit_amount_decimal: str | None


class Parent(TypedDict):
    quote_details: QuoteDetails | None
    subscription_details: SubscriptionDetails | None
    type: str | None


class PaymentAttach(TypedDict):
    """
    One of `payment_intent`, `payment_record` and `payment_record_data`.
    """

    payment_intent: NotRequired[str | None]
    """
    Of the invoice's customer and currency, and not over more than what remains to be paid.
    """
    payment_record: NotRequired[str | None]
    payment_record_data: NotRequired[PaymentRecordData | None]


class PaymentMethodOptionsParams(TypedDict):
    acss_debit: NotRequired[AcssDebitOptionsParams | None]
    bancontact: NotRequired[BancontactOptionsParams | None]
    billie: NotRequired[BillieOptionsParams | None]
    blik: NotRequired[NoOptionsParams | None]
    card: NotRequired[CardOptionsParams | None]
    customer_balance: NotRequired[CustomerBalanceOptionsParams | None]
    konbini: NotRequired[NoOptionsParams | None]
    payto: NotRequired[PaytoOptionsParams | None]
    pix: NotRequired[PixOptionsParams | None]
    sepa_debit: NotRequired[NoOptionsParams | None]
    upi: NotRequired[UpiOptionsParams | None]
    us_bank_account: NotRequired[UsBankAccountOptionsParams | None]


class PaymentSettingsParams(TypedDict):
    """
    What the PaymentIntent is made with when the invoice is finalized.
    """

    default_mandate: NotRequired[str | None]
    payment_method_options: NotRequired[PaymentMethodOptionsParams | None]
    payment_method_types: NotRequired[list[str] | None]
    """
    Without it the account's settings decide.
    """


class PreviewCustomer(TypedDict):
    """
    A customer that does not exist yet, or what is different about the one that is named.
    """

    address: NotRequired[AddressParams | None]
    shipping: NotRequired[ShippingParams | None]
    tax_exempt: NotRequired[Literal['none', 'exempt', 'reverse'] | None]
    tax_ids: NotRequired[list[TaxIdParams] | None]


class PriceCreate(TypedDict):
    active: NotRequired[bool | None]
    currency: str
    currency_options: NotRequired[dict[str, CurrencyOptionParams] | None]
    lookup_key: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]
    nickname: NotRequired[str | None]
    product: NotRequired[str | None]
    product_data: NotRequired[PriceProductParams | None]
    reference: NotRequired[str | None]
    tax_behavior: NotRequired[Literal['exclusive', 'inclusive', 'unspecified'] | None]
    transfer_lookup_key: NotRequired[bool | None]
    """
    Whether the lookup key is taken from the price that has it.
    """
    unit_amount: NotRequired[int | None]
    unit_amount_decimal: NotRequired[str | None]


class Problem(TypedDict):
    """
    An error. `code` is for programs, `detail` for people.
    """

    allowed: NotRequired[list[str] | None]
    """
    With invalid_state: what is allowed from it.
    """
    code: str
    creditable: NotRequired[int | None]
    """
    With credit_too_large: what can be credited.
    """
    detail: str
    errors: NotRequired[list[FieldError] | None]
    existing: NotRequired[str | None]
    """
    With reference_taken: the id that has it.
    """
    invoice_status: NotRequired[str | None]
    """
    With invalid_state: the invoice's status.
    """
    param: NotRequired[str | None]
    refundable: NotRequired[int | None]
    """
    Where a refund is refused: what can be refunded, in the currency's minor unit.
    """
    request_id: str | None
    retry_after: NotRequired[int | None]
    status: int
    stripe: NotRequired[StripeDetails | None]
    title: str
    type: str


class PromotionCode(TypedDict):
    active: bool
    """
    As Stripe said last.
    """
    code: str
    created_at: str
    customer: str | None
    expires_at: str | None
    id: str
    livemode: bool
    max_redemptions: int | None
    metadata: dict[str, str]
    promotion: Promotion
    reference: str | None
    restrictions: Restrictions
    times_redeemed: int
    """
    As Stripe said last: it does not tell of each redemption.
    """
    updated_at: str


class PromotionCodeCreate(TypedDict):
    active: NotRequired[bool]
    """
    By default `true`.
    """
    code: NotRequired[str | None]
    """
    What payers enter; upper and lower case are the same. Without it, Stripe chooses one.
    """
    customer: NotRequired[str | None]
    """
    The only customer who may use it.
    """
    expires_at: NotRequired[str | None]
    max_redemptions: NotRequired[int | None]
    metadata: NotRequired[dict[str, str]]
    promotion: PromotionParams
    reference: NotRequired[str | None]
    restrictions: NotRequired[RestrictionsParams | None]


class PromotionCodeList(TypedDict):
    data: list[PromotionCode]
    has_more: bool
    next_cursor: str | None


class Refund(TypedDict):
    amount: int
    charge: str | None
    created_at: str
    currency: str
    customer: str | None
    failure_reason: str | None
    """
    Why it failed.
    """
    id: str
    invoice: str
    livemode: bool
    metadata: dict[str, str]
    payment_intent: str | None
    pending_reason: str | None
    """
    Why it is pending.
    """
    reason: str | None
    reference: str | None
    status: RefundStatus
    updated_at: str


class RefundCreate(TypedDict):
    amount: NotRequired[int | None]
    """
    In the currency's minor unit; all that is left if it is absent.
    """
    instructions_email: NotRequired[str | None]
    """
    Where Stripe writes to if the payer must say where the money goes, as after a bank transfer.
    """
    metadata: NotRequired[dict[str, str]]
    payment_intent: NotRequired[str | None]
    """
    The payment to refund. Without it the payments of the invoice are refunded, newest first.
    """
    reason: NotRequired[RefundReason | None]
    """
    `fraudulent` puts the card and the email address on Stripe's block lists.
    """
    reference: NotRequired[str | None]
    """
    Your own id; of several refunds the first one has it.
    """
    refund_application_fee: NotRequired[bool | None]
    """
    Whether the application fee is refunded, too, in proportion.
    """
    reverse_transfer: NotRequired[bool | None]
    """
    Whether the connected account pays its part, in proportion.
    """


class RefundList(TypedDict):
    data: list[Refund]
    has_more: bool
    next_cursor: str | None


class RefundState(TypedDict):
    """
    A refund after the change.
    """

    amount: int
    charge: str | None
    created_at: str
    currency: str
    customer: str | None
    failure_reason: str | None
    id: str
    invoice: str
    livemode: bool
    metadata: dict[str, str]
    payment_intent: str | None
    pending_reason: str | None
    reason: str | None
    reference: str | None
    status: RefundStatus
    updated_at: str


class RefundsMade(TypedDict):
    """
    The refunds that a request made: one for each payment that it took.
    """

    amount: int
    currency: str
    invoice: str
    not_refunded: NotRefunded | None
    refunds: list[Refund]


class ShippingAmountParams(TypedDict):
    amount: int
    """
    In the currency's minor unit: at most 99999999, more for idr; a multiple of 10 where the currency has three decimals.
    """
    currency: str
    currency_options: NotRequired[dict[str, ShippingOptionParams] | None]


class ShippingCost(TypedDict):
    amount_subtotal: int | None
    amount_tax: int | None
    amount_total: int | None
    shipping_rate: str | None
    taxes: list[ShippingTax]


class ShippingRateDataParams(TypedDict):
    """
    A shipping rate made for this invoice alone.
    """

    delivery_estimate: NotRequired[DeliveryEstimateParams | None]
    display_name: str
    fixed_amount: ShippingAmountParams
    metadata: NotRequired[dict[str, str]]
    tax_behavior: NotRequired[Literal['exclusive', 'inclusive', 'unspecified'] | None]
    tax_code: NotRequired[str | None]
    type: NotRequired[Literal['fixed_amount'] | None]


class StatusDetails(TypedDict):
    uncollectible: Uncollectible | None


class StripeEvent(TypedDict):
    api_version: str | None
    attempts: int
    created_at: str
    id: str
    last_error: str | None
    livemode: bool
    next_attempt_at: str | None
    object: str | None
    """
    The id of the object the event is about.
    """
    payload: dict[str, Any]
    processed_at: str | None
    received_at: str
    request_id: str | None
    source: str
    status: StripeEventStatus
    type: str
    """
    Stripe's event type.
    """
    verified_by: str | None
    """
    The name of the signing secret that verified it. It does not reveal the secret.
    """


class StripeEventList(TypedDict):
    data: list[StripeEventSummary]
    has_more: bool
    next_cursor: str | None


class TaxAmountParams(TypedDict):
    """
    A tax that an engine of the caller's computed.
    """

    amount: int
    """
    In the currency's minor unit: at most 99999999, more for idr; a multiple of 10 where the currency has three decimals.
    """
    tax_rate_data: TaxRateDataParams
    taxability_reason: NotRequired[str | None]
    taxable_amount: int
    """
    In the currency's minor unit: at most 99999999, more for idr; a multiple of 10 where the currency has three decimals.
    """


class TaxId(TypedDict):
    country: str | None
    created_at: str
    customer: str | None
    id: str
    livemode: bool
    type: str
    updated_at: str
    value: str | None
    verification: Verification | None
    """
    Null where Stripe does not verify this type.
    """


class TaxIdList(TypedDict):
    data: list[TaxId]
    has_more: bool
    next_cursor: str | None


class Timeline(TypedDict):
    """
    Why an invoice is unpaid, and how it came to that.
    """

    data: list[TimelineEntry]
    fulfillment: FulfillmentStatus | None
    invoice: str
    last_finalization_error: FinalizationError | None
    """
    Why Stripe last refused to finalize it.
    """
    next_step: NextStep
    """
    The one thing to do now.
    """
    next_step_by: Literal['nobody', 'payer', 'operator']
    """
    Who does it; `operator` is one of yours.
    """
    status: Literal['draft', 'open', 'paid', 'void', 'uncollectible', 'deleted']
    unpaid_because: str | None
    """
    One sentence or two for a person; null once it is fulfilled.
    """
    what_to_do: str | None
    """
    The next step as a sentence for a person of yours; null where there is none.
    """


class BalanceDay(TypedDict):
    """
    The money of one day (UTC) in one currency, as Stripe's balance transactions have it.

    credited: to customers' balances or out of band, by credit notes; Stripe moves no money for that. kept: paid less
    refunded, disputed and credited. fees: Stripe's. differences: where our rows say otherwise.
    """

    checked_at: str
    credited: int
    """
    In minor units of the currency.
    """
    currency: str
    day: str
    differences: list[BalanceDifference]
    disputed: int
    """
    In minor units of the currency.
    """
    fees: int
    """
    In minor units of the currency.
    """
    kept: int
    """
    In minor units of the currency.
    """
    paid: int
    """
    In minor units of the currency.
    """
    refunded: int
    """
    In minor units of the currency.
    """


class BalanceReport(TypedDict):
    """
    The days, in order. balanced: no day has a difference.
    """

    balanced: bool
    days: list[BalanceDay]


class CreditNote(TypedDict):
    created_at: str
    credit_amount: int
    """
    To the customer's balance.
    """
    currency: str
    customer: str | None
    effective_at: str | None
    id: str
    invoice: str
    lines: list[CreditNoteLine]
    """
    The first ten, as Stripe shows them.
    """
    livemode: bool
    memo: str | None
    metadata: dict[str, str]
    number: str | None
    out_of_band_amount: int
    """
    Outside of Stripe.
    """
    pdf: str | None
    post_payment_amount: int
    """
    What it gives back of what was paid.
    """
    pre_payment_amount: int
    """
    What it takes off `amount_remaining`.
    """
    reason: str | None
    reference: str | None
    refund_amount: int
    """
    By refunds.
    """
    refunds: list[CreditNoteRefund]
    status: CreditNoteStatus
    subtotal: int
    total: int
    type: CreditNoteType
    updated_at: str
    voided_at: str | None


class CreditNoteCreate(TypedDict):
    amount: NotRequired[int | None]
    credit_amount: NotRequired[int | None]
    effective_at: NotRequired[str | None]
    """
    The printed date of issue; now if it is absent.
    """
    email_type: NotRequired[Literal['credit_note', 'none'] | None]
    """
    Whether Stripe mails it to the customer: `credit_note`, as it does by default.
    """
    lines: NotRequired[list[CreditNoteLineParams] | None]
    memo: NotRequired[str | None]
    """
    Printed on the credit note.
    """
    metadata: NotRequired[dict[str, str]]
    out_of_band_amount: NotRequired[int | None]
    reason: NotRequired[CreditNoteReason | None]
    reference: NotRequired[str | None]
    refund_amount: NotRequired[int | None]
    refunds: NotRequired[list[LinkedRefund] | None]


class CreditNoteList(TypedDict):
    data: list[CreditNote]
    has_more: bool
    next_cursor: str | None


class Customer(TypedDict):
    address: Address | None
    balance: int | None
    """
    What the next invoices take into account: a credit is negative, a debt positive.
    """
    business_name: str | None
    created_at: str
    currency: str | None
    """
    The currency of what was invoiced first; others are refused while anything of it is under way.
    """
    delinquent: bool | None
    """
    Whether the newest invoice that Stripe charges by itself is overdue.
    """
    description: str | None
    email: str | None
    id: str
    individual_name: str | None
    invoice_prefix: str | None
    invoice_settings: InvoiceSettings
    livemode: bool
    metadata: dict[str, str]
    name: str | None
    phone: str | None
    preferred_locales: list[str]
    reference: str | None
    shipping: Shipping | None
    tax_exempt: str | None
    updated_at: str


class CustomerCreate(TypedDict):
    address: NotRequired[AddressParams | None]
    balance: NotRequired[int | None]
    """
    What the next invoices add; below zero, what they take off.
    """
    business_name: NotRequired[str | None]
    description: NotRequired[str | None]
    email: NotRequired[str | None]
    individual_name: NotRequired[str | None]
    invoice_prefix: NotRequired[str | None]
    """
    What the numbers of the customer's invoices begin with.
    """
    invoice_settings: NotRequired[InvoiceSettingsParams | None]
    metadata: NotRequired[dict[str, str]]
    name: NotRequired[str | None]
    next_invoice_sequence: NotRequired[int | None]
    """
    The number of the next invoice, after the prefix.
    """
    payment_method: NotRequired[str | None]
    phone: NotRequired[str | None]
    preferred_locales: NotRequired[list[str] | None]
    reference: NotRequired[str | None]
    shipping: NotRequired[ShippingParams | None]
    tax: NotRequired[TaxLocationParams | None]
    tax_exempt: NotRequired[Literal['none', 'exempt', 'reverse'] | None]
    tax_id_data: NotRequired[list[TaxIdParams] | None]


class CustomerList(TypedDict):
    data: list[Customer]
    has_more: bool
    next_cursor: str | None


class CustomerUpdate(TypedDict):
    address: NotRequired[AddressParams | None]
    balance: NotRequired[int]
    """
    What the next invoices add; below zero, what they take off.
    """
    business_name: NotRequired[str | None]
    description: NotRequired[str | None]
    email: NotRequired[str | None]
    individual_name: NotRequired[str | None]
    invoice_prefix: NotRequired[str]
    """
    What the numbers of the customer's invoices begin with.
    """
    invoice_settings: NotRequired[InvoiceSettingsParams]
    metadata: NotRequired[dict[str, str | None]]
    name: NotRequired[str | None]
    next_invoice_sequence: NotRequired[int]
    """
    The number of the next invoice, after the prefix.
    """
    phone: NotRequired[str | None]
    preferred_locales: NotRequired[list[str]]
    """
    Languages of this customer, the preferred one first: BCP 47 tags.
    """
    shipping: NotRequired[ShippingParams | None]
    tax: NotRequired[TaxLocationParams]
    tax_exempt: NotRequired[Literal['none', 'exempt', 'reverse'] | None]


class Invoice(TypedDict):
    account_country: str | None
    account_name: str | None
    """
    The merchant's name.
    """
    account_tax_ids: list[str]
    """
    The merchant's tax ids that are printed.
    """
    amount_due: int
    amount_overpaid: int | None
    """
    What was paid too much: Stripe credits it to the customer's balance.
    """
    amount_paid: int
    amount_paid_off_stripe: int | None
    """
    What was paid outside of Stripe.
    """
    amount_remaining: int
    amount_shipping: int | None
    application: str | None
    attempt_count: int | None
    """
    How often Stripe tried to charge it by itself.
    """
    attempted: bool | None
    """
    Whether a payment was made or tried.
    """
    auto_advance: bool
    automatic_tax: AutomaticTax | None
    automatically_finalizes_at: str | None
    billing_reason: str | None
    collection_method: CollectionMethod
    created_at: str
    currency: str
    custom_fields: list[CustomField]
    customer: str | None
    customer_address: Address | None
    customer_email: str | None
    customer_name: str | None
    """
    As Stripe froze it when it finalized the invoice, as are the other `customer_` fields.
    """
    customer_phone: str | None
    customer_shipping: ShippingDetails | None
    customer_tax_exempt: str | None
    """
    `none`, `exempt` or `reverse`: the customer owes the tax itself.
    """
    customer_tax_ids: list[InvoiceTaxId]
    default_payment_method: str | None
    default_tax_rates: list[str]
    description: str | None
    discounts: list[DiscountAmount]
    """
    What each discount takes off; `total` is the items less these, plus shipping and taxes that are not inclusive.
    """
    due_at: str | None
    effective_at: str | None
    """
    The date that is printed on it.
    """
    ending_balance: int | None
    """
    The customer's balance after it was finalized; null on a draft.
    """
    finalized_at: str | None
    footer: str | None
    from_invoice: str | None
    """
    The invoice that this one revises.
    """
    fulfillment: InvoiceFulfillment | None
    hosted_invoice_url: str | None
    """
    As Stripe gave it last. It expires, as `invoice_pdf` does: `…/hosted-pages` answers one that holds.
    """
    id: str
    invoice_pdf: str | None
    issuer: Party | None
    items: list[Item]
    last_finalization_error: FinalizationError | None
    """
    Why Stripe last refused to finalize this draft.
    """
    latest_revision: str | None
    """
    The finalized invoice that replaces this one.
    """
    livemode: bool
    marked_uncollectible_at: str | None
    metadata: dict[str, str]
    next_payment_attempt: str | None
    number: str | None
    on_behalf_of: str | None
    paid_at: str | None
    parent: Parent | None
    """
    The quote or the subscription that Stripe made it for.
    """
    payment_intent: str | None
    payment_settings: PaymentSettings | None
    payments: list[InvoicePaymentSummary]
    """
    Newest first. `…/payments` also shows what came back of each.
    """
    period_end: str | None
    period_start: str | None
    post_payment_credit_notes_amount: int | None
    """
    What credit notes gave back after it was paid.
    """
    pre_payment_credit_notes_amount: int | None
    """
    What credit notes took off before it was paid.
    """
    receipt_number: str | None
    reference: str | None
    rendering: Rendering | None
    settled_by: Settlement | None
    """
    What made it `paid`; null while it is not.
    """
    shipping_cost: ShippingCost | None
    shipping_details: ShippingDetails | None
    starting_balance: int | None
    """
    The customer's balance before the invoice was finalized, of a draft the balance now; a credit is negative.
    """
    statement_descriptor: str | None
    status: InvoiceStatus
    status_details: StatusDetails | None
    subtotal: int
    subtotal_excluding_tax: int | None
    taxes: list[Tax]
    total: int
    total_excluding_tax: int | None
    total_pretax_credit_amounts: list[PretaxCredit]
    """
    What is taken off before tax: discounts once more, and credit grants.
    """
    updated_at: str
    voided_at: str | None


class InvoicePayment(TypedDict):
    """
    A payment, made or requested, with its refunds and disputes.
    """

    amount_paid: int | None
    amount_requested: int | None
    created_at: str | None
    disputes: list[Dispute]
    id: str | None
    is_default: bool
    """
    Whether it is the one that Stripe made with the invoice.
    """
    paid_at: str | None
    payment_intent: str | None
    """
    Null for a payment that was made elsewhere.
    """
    payment_record: str | None
    """
    Of a payment that was made elsewhere.
    """
    refunds: list[Refund]
    status: str | None
    """
    `open`, `paid` or `canceled`.
    """


class InvoicePayments(TypedDict):
    """
    All payments of an invoice, newest first.
    """

    data: list[InvoicePayment]


class InvoicePreviewed(TypedDict):
    amount_due: int
    amount_shipping: int | None
    currency: str
    customer: str | None
    customer_address: Address | None
    customer_email: str | None
    customer_name: str | None
    """
    As Stripe froze it when it finalized the invoice, as are the other `customer_` fields.
    """
    customer_tax_ids: list[InvoiceTaxId]
    discounts: list[DiscountAmount]
    """
    What each discount takes off; `total` is the items less these, plus shipping and taxes that are not inclusive.
    """
    items: list[ItemPreviewed]
    """
    The first ten, as Stripe shows them; the totals count all.
    """
    subtotal: int
    taxes: list[Tax]
    total: int


class InvoiceState(TypedDict):
    """
    An invoice after the change, without its printed texts, its items and its addresses.
    """

    account_country: str | None
    account_name: str | None
    account_tax_ids: list[str]
    amount_due: int
    amount_overpaid: int | None
    amount_paid: int
    amount_paid_off_stripe: int | None
    amount_remaining: int
    amount_shipping: int | None
    application: str | None
    attempt_count: int | None
    attempted: bool | None
    auto_advance: bool
    automatic_tax: AutomaticTax | None
    automatically_finalizes_at: str | None
    billing_reason: str | None
    collection_method: str
    created_at: str
    currency: str
    customer: str | None
    customer_tax_exempt: str | None
    default_payment_method: str | None
    default_tax_rates: list[str]
    discounts: list[DiscountAmount]
    due_at: str | None
    effective_at: str | None
    ending_balance: int | None
    finalized_at: str | None
    from_invoice: str | None
    id: str
    issuer: Party | None
    last_finalization_error: FinalizationError | None
    latest_revision: str | None
    livemode: bool
    marked_uncollectible_at: str | None
    metadata: dict[str, str]
    next_payment_attempt: str | None
    number: str | None
    on_behalf_of: str | None
    paid_at: str | None
    paid_out_of_band: bool
    parent: Parent | None
    payment_intent: str | None
    payment_settings: PaymentSettings | None
    period_end: str | None
    period_start: str | None
    post_payment_credit_notes_amount: int | None
    pre_payment_credit_notes_amount: int | None
    receipt_number: str | None
    reference: str | None
    rendering: Rendering | None
    settled_by: Settlement | None
    shipping_cost: ShippingCost | None
    starting_balance: int | None
    statement_descriptor: str | None
    status: Literal['draft', 'open', 'paid', 'void', 'uncollectible', 'deleted']
    status_details: StatusDetails | None
    subtotal: int
    subtotal_excluding_tax: int | None
    taxes: list[Tax]
    total: int
    total_excluding_tax: int | None
    total_pretax_credit_amounts: list[PretaxCredit]
    updated_at: str
    voided_at: str | None


class InvoiceSummary(TypedDict):
    """
    An invoice as lists show it: without its items.
    """

    account_country: str | None
    account_name: str | None
    """
    The merchant's name.
    """
    account_tax_ids: list[str]
    """
    The merchant's tax ids that are printed.
    """
    amount_due: int
    amount_overpaid: int | None
    """
    What was paid too much: Stripe credits it to the customer's balance.
    """
    amount_paid: int
    amount_paid_off_stripe: int | None
    """
    What was paid outside of Stripe.
    """
    amount_remaining: int
    amount_shipping: int | None
    application: str | None
    attempt_count: int | None
    """
    How often Stripe tried to charge it by itself.
    """
    attempted: bool | None
    """
    Whether a payment was made or tried.
    """
    auto_advance: bool
    automatic_tax: AutomaticTax | None
    automatically_finalizes_at: str | None
    billing_reason: str | None
    collection_method: CollectionMethod
    created_at: str
    currency: str
    custom_fields: list[CustomField]
    customer: str | None
    customer_address: Address | None
    customer_email: str | None
    customer_name: str | None
    """
    As Stripe froze it when it finalized the invoice, as are the other `customer_` fields.
    """
    customer_phone: str | None
    customer_shipping: ShippingDetails | None
    customer_tax_exempt: str | None
    """
    `none`, `exempt` or `reverse`: the customer owes the tax itself.
    """
    customer_tax_ids: list[InvoiceTaxId]
    default_payment_method: str | None
    default_tax_rates: list[str]
    description: str | None
    discounts: list[DiscountAmount]
    """
    What each discount takes off; `total` is the items less these, plus shipping and taxes that are not inclusive.
    """
    due_at: str | None
    effective_at: str | None
    """
    The date that is printed on it.
    """
    ending_balance: int | None
    """
    The customer's balance after it was finalized; null on a draft.
    """
    finalized_at: str | None
    footer: str | None
    from_invoice: str | None
    """
    The invoice that this one revises.
    """
    fulfillment: InvoiceFulfillment | None
    hosted_invoice_url: str | None
    """
    As Stripe gave it last. It expires, as `invoice_pdf` does: `…/hosted-pages` answers one that holds.
    """
    id: str
    invoice_pdf: str | None
    issuer: Party | None
    last_finalization_error: FinalizationError | None
    """
    Why Stripe last refused to finalize this draft.
    """
    latest_revision: str | None
    """
    The finalized invoice that replaces this one.
    """
    livemode: bool
    marked_uncollectible_at: str | None
    metadata: dict[str, str]
    next_payment_attempt: str | None
    number: str | None
    on_behalf_of: str | None
    paid_at: str | None
    parent: Parent | None
    """
    The quote or the subscription that Stripe made it for.
    """
    payment_intent: str | None
    payment_settings: PaymentSettings | None
    period_end: str | None
    period_start: str | None
    post_payment_credit_notes_amount: int | None
    """
    What credit notes gave back after it was paid.
    """
    pre_payment_credit_notes_amount: int | None
    """
    What credit notes took off before it was paid.
    """
    receipt_number: str | None
    reference: str | None
    rendering: Rendering | None
    settled_by: Settlement | None
    """
    What made it `paid`; null while it is not.
    """
    shipping_cost: ShippingCost | None
    shipping_details: ShippingDetails | None
    starting_balance: int | None
    """
    The customer's balance before the invoice was finalized, of a draft the balance now; a credit is negative.
    """
    statement_descriptor: str | None
    status: InvoiceStatus
    status_details: StatusDetails | None
    subtotal: int
    subtotal_excluding_tax: int | None
    taxes: list[Tax]
    total: int
    total_excluding_tax: int | None
    total_pretax_credit_amounts: list[PretaxCredit]
    """
    What is taken off before tax: discounts once more, and credit grants.
    """
    updated_at: str
    voided_at: str | None


class InvoiceWithSecret(TypedDict):
    """
    An invoice with the secret by which a front end confirms its payment; null where there is nothing to pay.
    """

    account_country: str | None
    account_name: str | None
    """
    The merchant's name.
    """
    account_tax_ids: list[str]
    """
    The merchant's tax ids that are printed.
    """
    amount_due: int
    amount_overpaid: int | None
    """
    What was paid too much: Stripe credits it to the customer's balance.
    """
    amount_paid: int
    amount_paid_off_stripe: int | None
    """
    What was paid outside of Stripe.
    """
    amount_remaining: int
    amount_shipping: int | None
    application: str | None
    attempt_count: int | None
    """
    How often Stripe tried to charge it by itself.
    """
    attempted: bool | None
    """
    Whether a payment was made or tried.
    """
    auto_advance: bool
    automatic_tax: AutomaticTax | None
    automatically_finalizes_at: str | None
    billing_reason: str | None
    client_secret: NotRequired[str | None]
    collection_method: CollectionMethod
    created_at: str
    currency: str
    custom_fields: list[CustomField]
    customer: str | None
    customer_address: Address | None
    customer_email: str | None
    customer_name: str | None
    """
    As Stripe froze it when it finalized the invoice, as are the other `customer_` fields.
    """
    customer_phone: str | None
    customer_shipping: ShippingDetails | None
    customer_tax_exempt: str | None
    """
    `none`, `exempt` or `reverse`: the customer owes the tax itself.
    """
    customer_tax_ids: list[InvoiceTaxId]
    default_payment_method: str | None
    default_tax_rates: list[str]
    description: str | None
    discounts: list[DiscountAmount]
    """
    What each discount takes off; `total` is the items less these, plus shipping and taxes that are not inclusive.
    """
    due_at: str | None
    effective_at: str | None
    """
    The date that is printed on it.
    """
    ending_balance: int | None
    """
    The customer's balance after it was finalized; null on a draft.
    """
    finalized_at: str | None
    footer: str | None
    from_invoice: str | None
    """
    The invoice that this one revises.
    """
    fulfillment: InvoiceFulfillment | None
    hosted_invoice_url: str | None
    """
    As Stripe gave it last. It expires, as `invoice_pdf` does: `…/hosted-pages` answers one that holds.
    """
    id: str
    invoice_pdf: str | None
    issuer: Party | None
    items: list[Item]
    last_finalization_error: FinalizationError | None
    """
    Why Stripe last refused to finalize this draft.
    """
    latest_revision: str | None
    """
    The finalized invoice that replaces this one.
    """
    livemode: bool
    marked_uncollectible_at: str | None
    metadata: dict[str, str]
    next_payment_attempt: str | None
    number: str | None
    on_behalf_of: str | None
    paid_at: str | None
    parent: Parent | None
    """
    The quote or the subscription that Stripe made it for.
    """
    payment_intent: str | None
    payment_settings: PaymentSettings | None
    payments: list[InvoicePaymentSummary]
    """
    Newest first. `…/payments` also shows what came back of each.
    """
    period_end: str | None
    period_start: str | None
    post_payment_credit_notes_amount: int | None
    """
    What credit notes gave back after it was paid.
    """
    pre_payment_credit_notes_amount: int | None
    """
    What credit notes took off before it was paid.
    """
    receipt_number: str | None
    reference: str | None
    rendering: Rendering | None
    settled_by: Settlement | None
    """
    What made it `paid`; null while it is not.
    """
    shipping_cost: ShippingCost | None
    shipping_details: ShippingDetails | None
    starting_balance: int | None
    """
    The customer's balance before the invoice was finalized, of a draft the balance now; a credit is negative.
    """
    statement_descriptor: str | None
    status: InvoiceStatus
    status_details: StatusDetails | None
    subtotal: int
    subtotal_excluding_tax: int | None
    taxes: list[Tax]
    total: int
    total_excluding_tax: int | None
    total_pretax_credit_amounts: list[PretaxCredit]
    """
    What is taken off before tax: discounts once more, and credit grants.
    """
    updated_at: str
    voided_at: str | None


class ItemCreate(TypedDict):
    """
    One of `{price, quantity}`, `{price_data, quantity}`, `{amount, currency}`, `{unit_amount_decimal, currency}`, `{invoice_item}`.
    """

    amount: NotRequired[int | None]
    currency: NotRequired[str | None]
    description: NotRequired[str | None]
    discountable: NotRequired[bool | None]
    """
    Whether discounts apply to it.
    """
    discounts: NotRequired[list[DiscountParams] | None]
    invoice_item: NotRequired[str | None]
    """
    An item of the customer's that is on no invoice.
    """
    metadata: NotRequired[dict[str, str]]
    period: NotRequired[PeriodParams | None]
    price: NotRequired[str | None]
    price_data: NotRequired[PriceDataParams | None]
    quantity: NotRequired[int | None]
    quantity_decimal: NotRequired[str | None]
    tax_amounts: NotRequired[list[TaxAmountParams] | None]
    """
    Instead of taxes that Stripe computes.
    """
    tax_behavior: NotRequired[Literal['exclusive', 'inclusive', 'unspecified'] | None]
    tax_code: NotRequired[str | None]
    tax_rates: NotRequired[list[str] | None]
    """
    Instead of the invoice's `default_tax_rates`.
    """
    unit_amount_decimal: NotRequired[str | None]
    """
    What one unit of `quantity` costs, without a product. `description` says what it is.
    """


class ItemUpdate(TypedDict):
    amount: NotRequired[int]
    """
    In the currency's minor unit: at most 99999999, more for idr; a multiple of 10 where the currency has three decimals.
    """
    currency: NotRequired[str]
    description: NotRequired[str | None]
    discountable: NotRequired[bool]
    """
    Whether discounts apply to it.
    """
    discounts: NotRequired[list[DiscountParams] | None]
    metadata: NotRequired[dict[str, str | None]]
    period: NotRequired[PeriodParams]
    price: NotRequired[str]
    price_data: NotRequired[PriceDataParams]
    quantity: NotRequired[int]
    quantity_decimal: NotRequired[str]
    """
    With at most 12 decimals, e.g. `3.5`.
    """
    tax_amounts: NotRequired[list[TaxAmountParams] | None]
    """
    Instead of taxes that Stripe computes.
    """
    tax_behavior: NotRequired[Literal['exclusive', 'inclusive', 'unspecified']]
    """
    Whether the amount has the tax in it.
    """
    tax_code: NotRequired[str]
    tax_rates: NotRequired[list[str] | None]
    """
    Instead of the invoice's `default_tax_rates`.
    """
    unit_amount_decimal: NotRequired[str]
    """
    What one unit of `quantity` costs, without a product. `description` says what it is.
    """


class ItemsCreate(TypedDict):
    """
    One item, or a list of them under `items`.
    """

    items: list[ItemCreate]


class ItemsReplace(TypedDict):
    """
    All items that the draft has afterwards; an empty list: none.
    """

    items: list[ItemCreate]


class PaymentEventData(TypedDict):
    invoice: InvoiceState
    payment: PaymentState
    previous_status: None


class RefundEventData(TypedDict):
    invoice: InvoiceState
    previous_status: RefundStatus | None
    """
    Null where the refund was not known before.
    """
    refund: RefundState


class ShippingCostParams(TypedDict):
    shipping_rate: NotRequired[str | None]
    shipping_rate_data: NotRequired[ShippingRateDataParams | None]


class CreditNoteEventData(TypedDict):
    credit_note: CreditNoteState
    invoice: InvoiceState
    previous_status: CreditNoteStatus | None
    """
    Null where the credit note was not known before.
    """


class DisputeEventData(TypedDict):
    dispute: DisputeState
    invoice: InvoiceState
    previous_status: DisputeStatus | None
    """
    Null where the dispute was not known before.
    """


class FulfillmentEventData(TypedDict):
    fulfillment: FulfillmentState
    invoice: InvoiceState
    previous_status: FulfillmentStatus | None
    """
    Null where there was no fulfillment before.
    """


class InvoiceCreate(TypedDict):
    account_tax_ids: NotRequired[list[str] | None]
    """
    Your own tax ids that are printed.
    """
    allow_empty: NotRequired[bool]
    """
    Whether an invoice without items may be finalized: it is `paid` and `fulfilled` at once. By default `false`.
    """
    application_fee_amount: NotRequired[int | None]
    auto_advance: NotRequired[bool]
    """
    Whether Stripe finalizes and collects by itself. By default `false`.
    """
    automatic_tax: NotRequired[AutomaticTaxParams | None]
    """
    Whether Stripe computes the taxes.
    """
    automatically_finalizes_at: NotRequired[str | None]
    """
    When Stripe finalizes the draft by itself: within 5 years.
    """
    collection_method: NotRequired[CollectionMethod]
    """
    By default `"send_invoice"`.
    """
    currency: NotRequired[str | None]
    custom_fields: NotRequired[list[CustomFieldParams] | None]
    """
    Replaces what the customer would hand down.
    """
    customer: str
    days_until_due: NotRequired[int | None]
    """
    With `send_invoice`. A new invoice without it and without `due_at` takes INVOICE_DAYS_UNTIL_DUE.
    """
    default_payment_method: NotRequired[str | None]
    """
    Of the customer.
    """
    default_tax_rates: NotRequired[list[str] | None]
    """
    Of items that have none of their own.
    """
    description: NotRequired[str | None]
    discounts: NotRequired[list[DiscountParams] | None]
    """
    A new invoice without it takes the customer's. An empty list: none.
    """
    due_at: NotRequired[str | None]
    effective_at: NotRequired[str | None]
    """
    The printed date of issue; without it, when the invoice is finalized.
    """
    finalize: NotRequired[bool]
    """
    By default `false`.
    """
    footer: NotRequired[str | None]
    fulfillment_policy: NotRequired[FulfillmentPolicy | None]
    """
    Kept as JSON in Stripe's metadata.
    """
    issuer: NotRequired[PartyParams | None]
    """
    The account whose name and address are printed.
    """
    items: NotRequired[list[ItemCreate]]
    metadata: NotRequired[dict[str, str]]
    number: NotRequired[str | None]
    """
    A number of your own. That numbers are unique and without gaps is up to you then.
    """
    on_behalf_of: NotRequired[str | None]
    """
    The account that the payment is for.
    """
    payment_settings: NotRequired[PaymentSettingsParams | None]
    pending_invoice_items_behavior: NotRequired[Literal['exclude', 'include']]
    """
    Whether the customer's pending items become items of the draft. By default `"exclude"`.
    """
    reference: NotRequired[str | None]
    reminders: NotRequired[Literal['mail', 'event', 'off'] | None]
    """
    How the payer is reminded on the days of `REMINDERS`: `mail` (and whatever follows the moment `reminder`), `event` (the feed alone), or `off`. Kept in Stripe's metadata, so it can change in every status.
    """
    rendering: NotRequired[RenderingParams | None]
    shipping_cost: NotRequired[ShippingCostParams | None]
    shipping_details: NotRequired[ShippingParams | None]
    statement_descriptor: NotRequired[str | None]
    transfer_data: NotRequired[TransferDataParams | None]


class InvoiceEventData(TypedDict):
    invoice: InvoiceState
    previous_status: str | None
    """
    Null where the invoice was not known before.
    """
    reminder: NotRequired[ReminderTold | None]
    """
    In `invoice.reminded` only.
    """


class InvoiceList(TypedDict):
    data: list[InvoiceSummary]
    has_more: bool
    next_cursor: str | None


class InvoicePreview(TypedDict):
    automatic_tax: NotRequired[AutomaticTaxParams | None]
    currency: NotRequired[str | None]
    customer: NotRequired[str | None]
    """
    The preview includes the items of this customer that wait for the next invoice.
    """
    customer_details: NotRequired[PreviewCustomer | None]
    discounts: NotRequired[list[DiscountParams] | None]
    issuer: NotRequired[PartyParams | None]
    items: NotRequired[list[ItemCreate]]
    on_behalf_of: NotRequired[str | None]


class InvoiceUpdate(TypedDict):
    account_tax_ids: NotRequired[list[str] | None]
    """
    Your own tax ids that are printed.
    """
    application_fee_amount: NotRequired[int]
    """
    In the currency's minor unit: at most 99999999, more for idr; a multiple of 10 where the currency has three decimals.
    """
    auto_advance: NotRequired[bool]
    """
    Whether Stripe finalizes and collects by itself.
    """
    automatic_tax: NotRequired[AutomaticTaxParams]
    """
    Whether Stripe computes the taxes.
    """
    automatically_finalizes_at: NotRequired[str]
    """
    When Stripe finalizes the draft by itself: within 5 years.
    """
    collection_method: NotRequired[CollectionMethod]
    custom_fields: NotRequired[list[CustomFieldParams] | None]
    """
    Replaces what the customer would hand down.
    """
    days_until_due: NotRequired[int]
    """
    With `send_invoice`. A new invoice without it and without `due_at` takes INVOICE_DAYS_UNTIL_DUE.
    """
    default_payment_method: NotRequired[str | None]
    """
    Of the customer.
    """
    default_tax_rates: NotRequired[list[str] | None]
    """
    Of items that have none of their own.
    """
    description: NotRequired[str | None]
    discounts: NotRequired[list[DiscountParams] | None]
    """
    A new invoice without it takes the customer's. An empty list: none.
    """
    due_at: NotRequired[str]
    effective_at: NotRequired[str | None]
    """
    The printed date of issue; without it, when the invoice is finalized.
    """
    footer: NotRequired[str | None]
    issuer: NotRequired[PartyParams]
    """
    The account whose name and address are printed.
    """
    metadata: NotRequired[dict[str, str | None]]
    number: NotRequired[str | None]
    """
    A number of your own. That numbers are unique and without gaps is up to you then.
    """
    on_behalf_of: NotRequired[str | None]
    """
    The account that the payment is for.
    """
    payment_settings: NotRequired[PaymentSettingsParams]
    reminders: NotRequired[Literal['mail', 'event', 'off'] | None]
    """
    How the payer is reminded on the days of `REMINDERS`: `mail` (and whatever follows the moment `reminder`), `event` (the feed alone), or `off`. Kept in Stripe's metadata, so it can change in every status.
    """
    rendering: NotRequired[RenderingParams]
    shipping_cost: NotRequired[ShippingCostParams | None]
    shipping_details: NotRequired[ShippingParams | None]
    statement_descriptor: NotRequired[str | None]
    transfer_data: NotRequired[TransferDataParams | None]


class PaymentEvent(TypedDict):
    """
    A payment went through, arrived in part, waits for the payer, is reported as fraud, or is money that nobody owed.
    """

    data: PaymentEventData
    datacontenttype: Literal['application/json']
    dataschema: str
    id: str
    """
    The event's id, the same each time and in each way it is sent: drop ids that you know.
    """
    schemaversion: int
    """
    The version of `data`. It rises when a field goes or changes its meaning.
    """
    sequence: str
    """
    The cursor after this event. Later events have greater ones, compared as text.
    """
    source: str
    """
    The deployment that tells it.
    """
    specversion: Literal['1.0']
    subject: str
    """
    The invoice.
    """
    time: str
    """
    When it was recorded.
    """
    type: Literal['payment.action_required', 'payment.succeeded', 'payment.partly_funded', 'payment.early_fraud_warning', 'payment_unexpected']


class RefundEvent(TypedDict):
    """
    A refund changed.
    """

    data: RefundEventData
    datacontenttype: Literal['application/json']
    dataschema: str
    id: str
    """
    The event's id, the same each time and in each way it is sent: drop ids that you know.
    """
    schemaversion: int
    """
    The version of `data`. It rises when a field goes or changes its meaning.
    """
    sequence: str
    """
    The cursor after this event. Later events have greater ones, compared as text.
    """
    source: str
    """
    The deployment that tells it.
    """
    specversion: Literal['1.0']
    subject: str
    """
    The invoice.
    """
    time: str
    """
    When it was recorded.
    """
    type: Literal['refund.created', 'refund.updated', 'refund.failed']


class CreditNoteEvent(TypedDict):
    """
    A credit note changed.
    """

    data: CreditNoteEventData
    datacontenttype: Literal['application/json']
    dataschema: str
    id: str
    """
    The event's id, the same each time and in each way it is sent: drop ids that you know.
    """
    schemaversion: int
    """
    The version of `data`. It rises when a field goes or changes its meaning.
    """
    sequence: str
    """
    The cursor after this event. Later events have greater ones, compared as text.
    """
    source: str
    """
    The deployment that tells it.
    """
    specversion: Literal['1.0']
    subject: str
    """
    The invoice.
    """
    time: str
    """
    When it was recorded.
    """
    type: Literal['credit_note.created', 'credit_note.updated', 'credit_note.voided']


class DisputeEvent(TypedDict):
    """
    A dispute changed.
    """

    data: DisputeEventData
    datacontenttype: Literal['application/json']
    dataschema: str
    id: str
    """
    The event's id, the same each time and in each way it is sent: drop ids that you know.
    """
    schemaversion: int
    """
    The version of `data`. It rises when a field goes or changes its meaning.
    """
    sequence: str
    """
    The cursor after this event. Later events have greater ones, compared as text.
    """
    source: str
    """
    The deployment that tells it.
    """
    specversion: Literal['1.0']
    subject: str
    """
    The invoice.
    """
    time: str
    """
    When it was recorded.
    """
    type: Literal['dispute.created', 'dispute.updated', 'dispute.closed']


class FulfillmentEvent(TypedDict):
    """
    An invoice's fulfillment changed.
    """

    data: FulfillmentEventData
    datacontenttype: Literal['application/json']
    dataschema: str
    id: str
    """
    The event's id, the same each time and in each way it is sent: drop ids that you know.
    """
    schemaversion: int
    """
    The version of `data`. It rises when a field goes or changes its meaning.
    """
    sequence: str
    """
    The cursor after this event. Later events have greater ones, compared as text.
    """
    source: str
    """
    The deployment that tells it.
    """
    specversion: Literal['1.0']
    subject: str
    """
    The invoice.
    """
    time: str
    """
    When it was recorded.
    """
    type: Literal['fulfillment.awaiting_payment', 'fulfillment.action_required', 'fulfillment.processing', 'fulfillment.payment_failed', 'fulfillment.fulfilled', 'fulfillment.disputed', 'fulfillment.reversed', 'fulfillment.canceled', 'fulfillment.written_off', 'fulfillment.reinstated', 'fulfillment.updated']


class InvoiceEvent(TypedDict):
    """
    An invoice changed.
    """

    data: InvoiceEventData
    datacontenttype: Literal['application/json']
    dataschema: str
    id: str
    """
    The event's id, the same each time and in each way it is sent: drop ids that you know.
    """
    schemaversion: int
    """
    The version of `data`. It rises when a field goes or changes its meaning.
    """
    sequence: str
    """
    The cursor after this event. Later events have greater ones, compared as text.
    """
    source: str
    """
    The deployment that tells it.
    """
    specversion: Literal['1.0']
    subject: str
    """
    The invoice.
    """
    time: str
    """
    When it was recorded.
    """
    type: Literal['invoice.created', 'invoice.finalized', 'invoice.marked_uncollectible', 'invoice.paid', 'invoice.voided', 'invoice.deleted', 'invoice.reopened', 'invoice.updated', 'invoice.finalization_failed', 'invoice.will_be_due', 'invoice.overdue', 'invoice.reminded']


FeedEvent: TypeAlias = InvoiceEvent | FulfillmentEvent | PaymentEvent | RefundEvent | CreditNoteEvent | DisputeEvent


class FeedPage(TypedDict):
    """
    Some events, oldest first.
    """

    data: list[FeedEvent]
    has_more: bool
    """
    There are more events now.
    """
    next_cursor: str
    """
    Send it as `after` for the next page. An empty page has one, too. Store it when you have handled the page.
    """
