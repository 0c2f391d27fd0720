"""A method for each operation. Generated from the contract: do not edit."""

from __future__ import annotations

from typing import Literal, TypedDict, Unpack

from . import models
from ._async import AsyncCaller, AsyncPages
from ._sync import Caller, Pages


class ApiKeysListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    prefix: str
    caller: str


class AuditLogListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    actor: str
    action: str
    subject: str
    since: str


class CouponsListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    reference: str


class CreditNotesListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    invoice: str
    customer: str
    status: models.CreditNoteStatus
    reference: str


class CustomersListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    email: str
    reference: str


class DisputesListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    invoice: str
    payment_intent: str
    status: models.DisputeStatus


class EventsListQuery(TypedDict, total=False):
    after: str
    types: str
    invoice: str
    limit: int
    wait: float


class FulfillmentActionsListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    status: models.FulfillmentActionStatus
    action: str
    fulfillment: str
    invoice: str


class FulfillmentsListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    status: Literal['awaiting_payment', 'action_required', 'processing', 'payment_failed', 'fulfilled', 'disputed', 'reversed', 'canceled', 'written_off']
    customer: str
    updated_after: str


class HealthReadyzQuery(TypedDict, total=False):
    exclude: Literal['database', 'migrations', 'inbox'] | list[Literal['database', 'migrations', 'inbox']]


class InvoicesExportQuery(TypedDict, total=False):
    customer: str
    number: str
    status: Literal['draft', 'open', 'paid', 'void', 'uncollectible'] | list[Literal['draft', 'open', 'paid', 'void', 'uncollectible']]
    collection_method: models.CollectionMethod
    reference: str
    metadata: dict[str, str]
    q: str
    created_from: str
    created_to: str
    due_before: str
    overdue: bool
    sort: str


class InvoicesGetClientSecretQuery(TypedDict, total=False):
    save_payment_method: bool


class InvoicesListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    customer: str
    number: str
    status: Literal['draft', 'open', 'paid', 'void', 'uncollectible'] | list[Literal['draft', 'open', 'paid', 'void', 'uncollectible']]
    collection_method: models.CollectionMethod
    reference: str
    metadata: dict[str, str]
    q: str
    created_from: str
    created_to: str
    due_before: str
    overdue: bool
    sort: str
    stuck: bool


class PaymentMethodsListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    type: str


class PricesListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    product: str
    reference: str
    active: bool


class ProductsListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    reference: str
    active: bool


class PromotionCodesListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    code: str
    coupon: str
    customer: str
    active: bool
    reference: str


class RefundsListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    invoice: str
    payment_intent: str
    status: models.RefundStatus
    reference: str


class ReportsGetBalanceQuery(TypedDict, total=False):
    from_: str
    to: str


class ReportsGetBalanceCsvQuery(TypedDict, total=False):
    from_: str
    to: str


class TaxIdsListQuery(TypedDict, total=False):
    limit: int
    cursor: str


class TaxRatesListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    active: bool
    inclusive: bool
    reference: str


class WebhookEndpointsListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    status: Literal['enabled', 'disabled']


class WebhookEndpointsListDeliveriesQuery(TypedDict, total=False):
    limit: int
    cursor: str
    status: Literal['pending', 'delivering', 'delivered', 'failed', 'dead', 'canceled']
    type: str
    event: str
    invoice: str


class WebhookEventsListQuery(TypedDict, total=False):
    limit: int
    cursor: str
    status: models.StripeEventStatus
    type: str


class ApiKeysResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.ApiKeyCreate]) -> models.ApiKeyMade:
        """Make a key. Only this answer has it."""
        answer: models.ApiKeyMade = self._caller.call("POST", "/v1/api-keys", body=params, idempotency_key=idempotency_key).json()
        return answer

    def get(self, key_id: str) -> models.ApiKey:
        """Read a key."""
        answer: models.ApiKey = self._caller.call("GET", f"/v1/api-keys/{self._caller.quoted(key_id)}").json()
        return answer

    def list(self, **query: Unpack[ApiKeysListQuery]) -> Pages[models.ApiKey]:
        """List keys, newest first."""
        return Pages(self._caller, "/v1/api-keys", query)

    def revoke(self, key_id: str, *, idempotency_key: str | None = None) -> models.ApiKey:
        """End a key at once, in every process."""
        answer: models.ApiKey = self._caller.call("POST", f"/v1/api-keys/{self._caller.quoted(key_id)}/revoke", idempotency_key=idempotency_key).json()
        return answer

    def rotate(self, key_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.ApiKeyRotate]) -> models.ApiKeyMade:
        """Make a key that replaces this one. This one still works during the overlap."""
        answer: models.ApiKeyMade = self._caller.call("POST", f"/v1/api-keys/{self._caller.quoted(key_id)}/rotate", body=params, idempotency_key=idempotency_key).json()
        return answer


class AuditLogResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(self, **query: Unpack[AuditLogListQuery]) -> Pages[models.AuditEntry]:
        """List who did what, newest first. Entries are only ever added."""
        return Pages(self._caller, "/v1/audit-log", query)


class CouponsResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.CouponCreate]) -> models.Coupon:
        """Create a coupon; what it takes off never changes."""
        answer: models.Coupon = self._caller.call("POST", "/v1/coupons", body=params, idempotency_key=idempotency_key).json()
        return answer

    def delete(self, coupon_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Delete a coupon, so that it can no longer be redeemed; what it took off stays."""
        answer: models.Deleted = self._caller.call("DELETE", f"/v1/coupons/{self._caller.quoted(coupon_id)}", idempotency_key=idempotency_key).json()
        return answer

    def get(self, coupon_id: str) -> models.Coupon:
        """Read a coupon."""
        answer: models.Coupon = self._caller.call("GET", f"/v1/coupons/{self._caller.quoted(coupon_id)}").json()
        return answer

    def list(self, **query: Unpack[CouponsListQuery]) -> Pages[models.Coupon]:
        """List coupons, newest first."""
        return Pages(self._caller, "/v1/coupons", query)

    def update(self, coupon_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.CouponUpdate]) -> models.Coupon:
        """Change a coupon's name or metadata."""
        answer: models.Coupon = self._caller.call("PATCH", f"/v1/coupons/{self._caller.quoted(coupon_id)}", body=params, idempotency_key=idempotency_key).json()
        return answer


class CreditNotesResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.CreditNoteCreate]) -> models.CreditNote:
        """Issue a credit note: it takes off what is not paid yet, and gives back the rest as the body says."""
        answer: models.CreditNote = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/credit-notes", body=params, idempotency_key=idempotency_key).json()
        return answer

    def get(self, credit_note_id: str) -> models.CreditNote:
        """Read a credit note."""
        answer: models.CreditNote = self._caller.call("GET", f"/v1/credit-notes/{self._caller.quoted(credit_note_id)}").json()
        return answer

    def list(self, **query: Unpack[CreditNotesListQuery]) -> Pages[models.CreditNote]:
        """List credit notes, newest first, whoever issued them."""
        return Pages(self._caller, "/v1/credit-notes", query)

    def preview(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.CreditNotePreviewed]) -> models.CreditNotePreview:
        """What a credit note would be, as Stripe computes it now. Nothing is issued."""
        answer: models.CreditNotePreview = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/credit-notes/preview", body=params, idempotency_key=idempotency_key).json()
        return answer

    def void(self, credit_note_id: str, *, idempotency_key: str | None = None) -> models.CreditNote:
        """Void a credit note of an invoice that is not paid yet: what it took off is owed again."""
        answer: models.CreditNote = self._caller.call("POST", f"/v1/credit-notes/{self._caller.quoted(credit_note_id)}/void", idempotency_key=idempotency_key).json()
        return answer


class CustomersResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.CustomerCreate]) -> models.Customer:
        """Create a customer; its custom fields and footer are handed down to its drafts."""
        answer: models.Customer = self._caller.call("POST", "/v1/customers", body=params, idempotency_key=idempotency_key).json()
        return answer

    def create_portal_link(self, customer_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PortalLinkCreate]) -> models.PortalLink:
        """Make a link to a customer's own pages: signed, and good until it expires or is revoked."""
        answer: models.PortalLink = self._caller.call("POST", f"/v1/customers/{self._caller.quoted(customer_id)}/portal-link", body=params, idempotency_key=idempotency_key).json()
        return answer

    def delete(self, customer_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Delete a customer; its invoices stay."""
        answer: models.Deleted = self._caller.call("DELETE", f"/v1/customers/{self._caller.quoted(customer_id)}", idempotency_key=idempotency_key).json()
        return answer

    def get(self, customer_id: str) -> models.Customer:
        """Read a customer."""
        answer: models.Customer = self._caller.call("GET", f"/v1/customers/{self._caller.quoted(customer_id)}").json()
        return answer

    def list(self, **query: Unpack[CustomersListQuery]) -> Pages[models.Customer]:
        """List customers, newest first."""
        return Pages(self._caller, "/v1/customers", query)

    def revoke_portal_link(self, customer_id: str, link_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Revoke a portal link; it opens nothing from now on. Its id is also the beginning of its token."""
        answer: models.Deleted = self._caller.call("DELETE", f"/v1/customers/{self._caller.quoted(customer_id)}/portal-link/{self._caller.quoted(link_id)}", idempotency_key=idempotency_key).json()
        return answer

    def update(self, customer_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.CustomerUpdate]) -> models.Customer:
        """Change a customer."""
        answer: models.Customer = self._caller.call("PATCH", f"/v1/customers/{self._caller.quoted(customer_id)}", body=params, idempotency_key=idempotency_key).json()
        return answer


class DeliveriesResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def get(self, delivery_id: str) -> models.Delivery:
        """Read a delivery with its attempts."""
        answer: models.Delivery = self._caller.call("GET", f"/v1/deliveries/{self._caller.quoted(delivery_id)}").json()
        return answer

    def redeliver(self, delivery_id: str, *, idempotency_key: str | None = None) -> models.Delivery:
        """Deliver an event again. It keeps its id."""
        answer: models.Delivery = self._caller.call("POST", f"/v1/deliveries/{self._caller.quoted(delivery_id)}/redeliver", idempotency_key=idempotency_key).json()
        return answer


class DisputesResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def get(self, dispute_id: str) -> models.Dispute:
        """Read a dispute."""
        answer: models.Dispute = self._caller.call("GET", f"/v1/disputes/{self._caller.quoted(dispute_id)}").json()
        return answer

    def list(self, **query: Unpack[DisputesListQuery]) -> Pages[models.Dispute]:
        """List disputes, newest first, with the time by which evidence is due."""
        return Pages(self._caller, "/v1/disputes", query)


class EventsResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(self, **query: Unpack[EventsListQuery]) -> models.FeedPage:
        """Read events, oldest first, from the beginning or after a cursor. With `wait`, wait for the next one."""
        answer: models.FeedPage = self._caller.call("GET", "/v1/events", query=query).json()
        return answer


class FulfillmentActionsResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def get(self, action_id: str) -> models.FulfillmentAction:
        """Read an action, its state, and why its last try failed."""
        answer: models.FulfillmentAction = self._caller.call("GET", f"/v1/fulfillment-actions/{self._caller.quoted(action_id)}").json()
        return answer

    def list(self, **query: Unpack[FulfillmentActionsListQuery]) -> Pages[models.FulfillmentAction]:
        """List fulfillment actions (mails and hooks), newest first."""
        return Pages(self._caller, "/v1/fulfillment-actions", query)

    def retry(self, action_id: str, *, idempotency_key: str | None = None) -> models.FulfillmentAction:
        """Try an action again that failed, was skipped or is dead. An action that is done is never done again."""
        answer: models.FulfillmentAction = self._caller.call("POST", f"/v1/fulfillment-actions/{self._caller.quoted(action_id)}/retry", idempotency_key=idempotency_key).json()
        return answer


class FulfillmentsResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(self, **query: Unpack[FulfillmentsListQuery]) -> Pages[models.Fulfillment]:
        """List fulfillments, newest first."""
        return Pages(self._caller, "/v1/fulfillments", query)


class HealthResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def healthz(self) -> models.Health:
        """Alive: this process answers."""
        answer: models.Health = self._caller.call("GET", "/healthz").json()
        return answer

    def readyz(self, **query: Unpack[HealthReadyzQuery]) -> models.Health:
        """Ready: the database is reachable, its migrations are at head or newer, and the inbox keeps up."""
        answer: models.Health = self._caller.call("GET", "/readyz", query=query).json()
        return answer


class InvoiceItemsResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def add(self, invoice_id: str, body: models.ItemsCreate | models.ItemCreate, *, idempotency_key: str | None = None) -> models.Invoice:
        """Add one item, or a list of them as `items`, to a draft; never more than 250 on one invoice."""
        answer: models.Invoice = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/items", body=body, idempotency_key=idempotency_key).json()
        return answer

    def delete(self, invoice_id: str, item_id: str, *, idempotency_key: str | None = None) -> models.Invoice:
        """Take an item off a draft."""
        answer: models.Invoice = self._caller.call("DELETE", f"/v1/invoices/{self._caller.quoted(invoice_id)}/items/{self._caller.quoted(item_id)}", idempotency_key=idempotency_key).json()
        return answer

    def replace(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.ItemsReplace]) -> models.Invoice:
        """Replace all items of a draft by others. A refusal leaves the former ones, unless both together exceed 250."""
        answer: models.Invoice = self._caller.call("PUT", f"/v1/invoices/{self._caller.quoted(invoice_id)}/items", body=params, idempotency_key=idempotency_key).json()
        return answer

    def update(self, invoice_id: str, item_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.ItemUpdate]) -> models.Invoice:
        """Change an item of a draft."""
        answer: models.Invoice = self._caller.call("PATCH", f"/v1/invoices/{self._caller.quoted(invoice_id)}/items/{self._caller.quoted(item_id)}", body=params, idempotency_key=idempotency_key).json()
        return answer


class InvoicesResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def copy(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.InvoiceCopy]) -> models.InvoiceWithSecret:
        """Make a draft with the items of another invoice, of any status. Its number and its payments are not copied."""
        answer: models.InvoiceWithSecret = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/copy", body=params, idempotency_key=idempotency_key).json()
        return answer

    def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.InvoiceCreate]) -> models.InvoiceWithSecret:
        """Create a draft with all its items in one call, and finalize it if asked. If a part fails, nothing is left."""
        answer: models.InvoiceWithSecret = self._caller.call("POST", "/v1/invoices", body=params, idempotency_key=idempotency_key).json()
        return answer

    def delete(self, invoice_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Delete a draft."""
        answer: models.Deleted = self._caller.call("DELETE", f"/v1/invoices/{self._caller.quoted(invoice_id)}", idempotency_key=idempotency_key).json()
        return answer

    def export(self, **query: Unpack[InvoicesExportQuery]) -> str:
        """Export invoices as CSV, with the filters and the order of the list."""
        return self._caller.call("GET", "/v1/invoices.csv", query=query).text

    def finalize(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.InvoiceFinalize]) -> models.InvoiceWithSecret:
        """Finalize a draft. The answer carries the client secret; an invoice over nothing is paid at once and has none."""
        answer: models.InvoiceWithSecret = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/finalize", body=params, idempotency_key=idempotency_key).json()
        return answer

    def get(self, invoice_id: str) -> models.Invoice:
        """Read an invoice with its items, as it is known here."""
        answer: models.Invoice = self._caller.call("GET", f"/v1/invoices/{self._caller.quoted(invoice_id)}").json()
        return answer

    def get_client_secret(self, invoice_id: str, **query: Unpack[InvoicesGetClientSecretQuery]) -> models.ClientSecret:
        """The client secret of an open invoice, asked of Stripe now; it is stored nowhere."""
        answer: models.ClientSecret = self._caller.call("GET", f"/v1/invoices/{self._caller.quoted(invoice_id)}/client-secret", query=query).json()
        return answer

    def get_fulfillment(self, invoice_id: str) -> models.Fulfillment:
        """Read the invoice's fulfillment."""
        answer: models.Fulfillment = self._caller.call("GET", f"/v1/invoices/{self._caller.quoted(invoice_id)}/fulfillment").json()
        return answer

    def get_hosted_pages(self, invoice_id: str) -> models.HostedPages:
        """The addresses of Stripe's hosted page and PDF. They expire: if the stored ones are old, Stripe is asked for new ones."""
        answer: models.HostedPages = self._caller.call("GET", f"/v1/invoices/{self._caller.quoted(invoice_id)}/hosted-pages").json()
        return answer

    def get_timeline(self, invoice_id: str) -> models.Timeline:
        """Why the invoice is unpaid, and everything that happened to it, oldest first."""
        answer: models.Timeline = self._caller.call("GET", f"/v1/invoices/{self._caller.quoted(invoice_id)}/timeline").json()
        return answer

    def list(self, **query: Unpack[InvoicesListQuery]) -> Pages[models.InvoiceSummary]:
        """List invoices, newest first, as they are known here; Stripe is not asked."""
        return Pages(self._caller, "/v1/invoices", query)

    def mark_uncollectible(self, invoice_id: str, *, idempotency_key: str | None = None) -> models.Invoice:
        """Write an invoice off; it can still be paid."""
        answer: models.Invoice = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/mark-uncollectible", idempotency_key=idempotency_key).json()
        return answer

    def pay(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.InvoicePay]) -> models.Invoice:
        """Charge a payment method on file, or record a payment made out of band. A draft is finalized first, and charged."""
        answer: models.Invoice = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/pay", body=params, idempotency_key=idempotency_key).json()
        return answer

    def preview(self, *, idempotency_key: str | None = None, **params: Unpack[models.InvoicePreview]) -> models.InvoicePreviewed:
        """What an invoice would cost, with its taxes and discounts, as Stripe computes it now. Nothing is stored."""
        answer: models.InvoicePreviewed = self._caller.call("POST", "/v1/invoices/preview", body=params, idempotency_key=idempotency_key).json()
        return answer

    def revise(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.InvoiceRevise]) -> models.Invoice:
        """Make a draft that replaces an open or uncollectible invoice, which Stripe voids when the draft is finalized."""
        answer: models.Invoice = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/revise", body=params, idempotency_key=idempotency_key).json()
        return answer

    def send(self, invoice_id: str, *, idempotency_key: str | None = None) -> models.Invoice:
        """Have Stripe email the invoice; a draft is finalized first."""
        answer: models.Invoice = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/send", idempotency_key=idempotency_key).json()
        return answer

    def update(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.InvoiceUpdate]) -> models.Invoice:
        """Change a draft. An open invoice can still change `auto_advance`, `default_payment_method` and `payment_settings`."""
        answer: models.Invoice = self._caller.call("PATCH", f"/v1/invoices/{self._caller.quoted(invoice_id)}", body=params, idempotency_key=idempotency_key).json()
        return answer

    def void(self, invoice_id: str, *, idempotency_key: str | None = None) -> models.Invoice:
        """Void an invoice: it is owed no more."""
        answer: models.Invoice = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/void", idempotency_key=idempotency_key).json()
        return answer


class PaymentLinksResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PaymentLinkCreate]) -> models.PaymentLink:
        """Make a signed link to the payment page of an open invoice, or of a draft with `allow_promotion_codes`."""
        answer: models.PaymentLink = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/payment-link", body=params, idempotency_key=idempotency_key).json()
        return answer

    def revoke(self, invoice_id: str, link_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Revoke a payment link; it opens nothing from now on. Its id is also the beginning of its token."""
        answer: models.Deleted = self._caller.call("DELETE", f"/v1/invoices/{self._caller.quoted(invoice_id)}/payment-link/{self._caller.quoted(link_id)}", idempotency_key=idempotency_key).json()
        return answer


class PaymentMethodsResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def attach(self, customer_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PaymentMethodAttach]) -> models.PaymentMethod:
        """Attach a payment method to a customer, so that the customer's invoices can be charged to it."""
        answer: models.PaymentMethod = self._caller.call("POST", f"/v1/customers/{self._caller.quoted(customer_id)}/payment-methods", body=params, idempotency_key=idempotency_key).json()
        return answer

    def create_setup_intent(self, customer_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.SetupIntentCreate]) -> models.SetupIntentWithSecret:
        """Let a front end save a payment method. The client secret is for Stripe.js, and stored nowhere."""
        answer: models.SetupIntentWithSecret = self._caller.call("POST", f"/v1/customers/{self._caller.quoted(customer_id)}/setup-intent", body=params, idempotency_key=idempotency_key).json()
        return answer

    def detach(self, customer_id: str, payment_method_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Detach a payment method: nothing is ever charged to it again."""
        answer: models.Deleted = self._caller.call("DELETE", f"/v1/customers/{self._caller.quoted(customer_id)}/payment-methods/{self._caller.quoted(payment_method_id)}", idempotency_key=idempotency_key).json()
        return answer

    def get_setup_intent(self, customer_id: str, setup_intent_id: str) -> models.SetupIntent:
        """Read a SetupIntent, as Stripe last reported it."""
        answer: models.SetupIntent = self._caller.call("GET", f"/v1/customers/{self._caller.quoted(customer_id)}/setup-intent/{self._caller.quoted(setup_intent_id)}").json()
        return answer

    def list(self, customer_id: str, **query: Unpack[PaymentMethodsListQuery]) -> Pages[models.PaymentMethod]:
        """List a customer's saved payment methods, newest first, as they are known here; Stripe is not asked."""
        return Pages(self._caller, f"/v1/customers/{self._caller.quoted(customer_id)}/payment-methods", query)

    def set_default(self, customer_id: str, payment_method_id: str, *, idempotency_key: str | None = None) -> models.PaymentMethod:
        """Charge the customer's invoices to this payment method from now on, unless they name another."""
        answer: models.PaymentMethod = self._caller.call("POST", f"/v1/customers/{self._caller.quoted(customer_id)}/payment-methods/{self._caller.quoted(payment_method_id)}/default", idempotency_key=idempotency_key).json()
        return answer


class PaymentsResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def attach(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PaymentAttach]) -> models.Invoice:
        """Let a PaymentIntent of yours, or a payment made elsewhere, pay the invoice or a part of it."""
        answer: models.Invoice = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/attach-payment", body=params, idempotency_key=idempotency_key).json()
        return answer

    def list(self, invoice_id: str) -> models.InvoicePayments:
        """All payments of an invoice, newest first, each with its refunds and disputes."""
        answer: models.InvoicePayments = self._caller.call("GET", f"/v1/invoices/{self._caller.quoted(invoice_id)}/payments").json()
        return answer

    def report_record(self, invoice_id: str, payment_record_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PaymentRecordReport]) -> models.Invoice:
        """Report the result of a payment made elsewhere that was not guaranteed yet. It counts once it is guaranteed."""
        answer: models.Invoice = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/payment-records/{self._caller.quoted(payment_record_id)}/report", body=params, idempotency_key=idempotency_key).json()
        return answer

    def update_intent(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.InvoicePaymentIntentUpdate]) -> models.InvoicePaymentIntent:
        """Change what Stripe lets be changed of a finalized invoice's PaymentIntent. The invoice decides the rest."""
        answer: models.InvoicePaymentIntent = self._caller.call("PATCH", f"/v1/invoices/{self._caller.quoted(invoice_id)}/payment-intent", body=params, idempotency_key=idempotency_key).json()
        return answer


class PricesResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.PriceCreate]) -> models.Price:
        """Create a price; its amount never changes."""
        answer: models.Price = self._caller.call("POST", "/v1/prices", body=params, idempotency_key=idempotency_key).json()
        return answer

    def get(self, price_id: str) -> models.Price:
        """Read a price."""
        answer: models.Price = self._caller.call("GET", f"/v1/prices/{self._caller.quoted(price_id)}").json()
        return answer

    def list(self, **query: Unpack[PricesListQuery]) -> Pages[models.Price]:
        """List prices, newest first."""
        return Pages(self._caller, "/v1/prices", query)

    def update(self, price_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PriceUpdate]) -> models.Price:
        """Change a price's nickname, lookup key, metadata, or whether it is active."""
        answer: models.Price = self._caller.call("PATCH", f"/v1/prices/{self._caller.quoted(price_id)}", body=params, idempotency_key=idempotency_key).json()
        return answer


class ProductsResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.ProductCreate]) -> models.Product:
        """Create a product."""
        answer: models.Product = self._caller.call("POST", "/v1/products", body=params, idempotency_key=idempotency_key).json()
        return answer

    def delete(self, product_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Delete a product that has no prices."""
        answer: models.Deleted = self._caller.call("DELETE", f"/v1/products/{self._caller.quoted(product_id)}", idempotency_key=idempotency_key).json()
        return answer

    def get(self, product_id: str) -> models.Product:
        """Read a product."""
        answer: models.Product = self._caller.call("GET", f"/v1/products/{self._caller.quoted(product_id)}").json()
        return answer

    def list(self, **query: Unpack[ProductsListQuery]) -> Pages[models.Product]:
        """List products, newest first."""
        return Pages(self._caller, "/v1/products", query)

    def update(self, product_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.ProductUpdate]) -> models.Product:
        """Change a product; `active: false` archives it."""
        answer: models.Product = self._caller.call("PATCH", f"/v1/products/{self._caller.quoted(product_id)}", body=params, idempotency_key=idempotency_key).json()
        return answer


class PromotionCodesResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.PromotionCodeCreate]) -> models.PromotionCode:
        """Create a promotion code: a word by which payers redeem a coupon."""
        answer: models.PromotionCode = self._caller.call("POST", "/v1/promotion-codes", body=params, idempotency_key=idempotency_key).json()
        return answer

    def get(self, promotion_code_id: str) -> models.PromotionCode:
        """Read a promotion code."""
        answer: models.PromotionCode = self._caller.call("GET", f"/v1/promotion-codes/{self._caller.quoted(promotion_code_id)}").json()
        return answer

    def list(self, **query: Unpack[PromotionCodesListQuery]) -> Pages[models.PromotionCode]:
        """List promotion codes, newest first."""
        return Pages(self._caller, "/v1/promotion-codes", query)

    def update(self, promotion_code_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PromotionCodeUpdate]) -> models.PromotionCode:
        """Turn a promotion code on or off, or change its metadata."""
        answer: models.PromotionCode = self._caller.call("PATCH", f"/v1/promotion-codes/{self._caller.quoted(promotion_code_id)}", body=params, idempotency_key=idempotency_key).json()
        return answer


class RefundsResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def cancel(self, refund_id: str, *, idempotency_key: str | None = None) -> models.Refund:
        """Cancel a refund that waits for the customer to say where the money goes."""
        answer: models.Refund = self._caller.call("POST", f"/v1/refunds/{self._caller.quoted(refund_id)}/cancel", idempotency_key=idempotency_key).json()
        return answer

    def create(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.RefundCreate]) -> models.RefundsMade:
        """Refund what was paid: an amount or all that is left, of one payment or of the newest ones."""
        answer: models.RefundsMade = self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/refunds", body=params, idempotency_key=idempotency_key).json()
        return answer

    def get(self, refund_id: str) -> models.Refund:
        """Read a refund."""
        answer: models.Refund = self._caller.call("GET", f"/v1/refunds/{self._caller.quoted(refund_id)}").json()
        return answer

    def list(self, **query: Unpack[RefundsListQuery]) -> Pages[models.Refund]:
        """List refunds, newest first, whoever made them."""
        return Pages(self._caller, "/v1/refunds", query)


class ReportsResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def get_balance(self, **query: Unpack[ReportsGetBalanceQuery]) -> models.BalanceReport:
        """Show the money of each day at Stripe, compared with what is stored here: every six hours, or by hand."""
        answer: models.BalanceReport = self._caller.call("GET", "/v1/reports/balance", query=query).json()
        return answer

    def get_balance_csv(self, **query: Unpack[ReportsGetBalanceCsvQuery]) -> str:
        """Show the balance report as CSV: a line for each day and currency, with the number of its differences."""
        return self._caller.call("GET", "/v1/reports/balance.csv", query=query).text


class TaxIdsResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, customer_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.TaxIdCreate]) -> models.TaxId:
        """Give a customer a tax id, at most five. Stripe verifies some types, which takes a while."""
        answer: models.TaxId = self._caller.call("POST", f"/v1/customers/{self._caller.quoted(customer_id)}/tax-ids", body=params, idempotency_key=idempotency_key).json()
        return answer

    def delete(self, customer_id: str, tax_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Delete a tax id of a customer; finalized invoices keep it."""
        answer: models.Deleted = self._caller.call("DELETE", f"/v1/customers/{self._caller.quoted(customer_id)}/tax-ids/{self._caller.quoted(tax_id)}", idempotency_key=idempotency_key).json()
        return answer

    def get(self, customer_id: str, tax_id: str) -> models.TaxId:
        """Read a tax id of a customer."""
        answer: models.TaxId = self._caller.call("GET", f"/v1/customers/{self._caller.quoted(customer_id)}/tax-ids/{self._caller.quoted(tax_id)}").json()
        return answer

    def list(self, customer_id: str, **query: Unpack[TaxIdsListQuery]) -> Pages[models.TaxId]:
        """List the tax ids of a customer, newest first, with what the authorities say of them."""
        return Pages(self._caller, f"/v1/customers/{self._caller.quoted(customer_id)}/tax-ids", query)


class TaxRatesResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.TaxRateCreate]) -> models.TaxRate:
        """Create a tax rate; its percentage, and whether it is inclusive, never change."""
        answer: models.TaxRate = self._caller.call("POST", "/v1/tax-rates", body=params, idempotency_key=idempotency_key).json()
        return answer

    def get(self, tax_rate_id: str) -> models.TaxRate:
        """Read a tax rate."""
        answer: models.TaxRate = self._caller.call("GET", f"/v1/tax-rates/{self._caller.quoted(tax_rate_id)}").json()
        return answer

    def list(self, **query: Unpack[TaxRatesListQuery]) -> Pages[models.TaxRate]:
        """List tax rates, newest first: your own, and those that Stripe made for automatic tax."""
        return Pages(self._caller, "/v1/tax-rates", query)

    def update(self, tax_rate_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.TaxRateUpdate]) -> models.TaxRate:
        """Change what a tax rate is called; `active: false` archives it."""
        answer: models.TaxRate = self._caller.call("PATCH", f"/v1/tax-rates/{self._caller.quoted(tax_rate_id)}", body=params, idempotency_key=idempotency_key).json()
        return answer


class WebhookEndpointsResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.WebhookEndpointCreate]) -> models.WebhookEndpointMade:
        """Make an endpoint, which receives events from now on. Only this answer has its signing secret."""
        answer: models.WebhookEndpointMade = self._caller.call("POST", "/v1/webhook-endpoints", body=params, idempotency_key=idempotency_key).json()
        return answer

    def delete(self, endpoint_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Delete an endpoint. Deliveries that wait are canceled. Each delivery can still be read by its id."""
        answer: models.Deleted = self._caller.call("DELETE", f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}", idempotency_key=idempotency_key).json()
        return answer

    def get(self, endpoint_id: str) -> models.WebhookEndpoint:
        """Read an endpoint."""
        answer: models.WebhookEndpoint = self._caller.call("GET", f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}").json()
        return answer

    def list(self, **query: Unpack[WebhookEndpointsListQuery]) -> Pages[models.WebhookEndpoint]:
        """List endpoints, newest first."""
        return Pages(self._caller, "/v1/webhook-endpoints", query)

    def list_deliveries(self, endpoint_id: str, **query: Unpack[WebhookEndpointsListDeliveriesQuery]) -> Pages[models.Delivery]:
        """List an endpoint's deliveries, newest first."""
        return Pages(self._caller, f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}/deliveries", query)

    def ping(self, endpoint_id: str, *, idempotency_key: str | None = None) -> models.Delivery:
        """Send an event of type `ping` to this endpoint alone. Its delivery shows how it went."""
        answer: models.Delivery = self._caller.call("POST", f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}/ping", idempotency_key=idempotency_key).json()
        return answer

    def redeliver_many(self, endpoint_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.Redeliver]) -> models.Redelivered:
        """Deliver the events of a span of time again that this endpoint did not receive, or lost."""
        answer: models.Redelivered = self._caller.call("POST", f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}/redeliver", body=params, idempotency_key=idempotency_key).json()
        return answer

    def rotate_webhook_secret(self, endpoint_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.WebhookSecretRotate]) -> models.WebhookEndpointMade:
        """Make a new signing secret. During the overlap every delivery is signed with both."""
        answer: models.WebhookEndpointMade = self._caller.call("POST", f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}/rotate-secret", body=params, idempotency_key=idempotency_key).json()
        return answer

    def update(self, endpoint_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.WebhookEndpointUpdate]) -> models.WebhookEndpoint:
        """Change an endpoint, disable it, or enable it again: it then goes on where it stopped."""
        answer: models.WebhookEndpoint = self._caller.call("PATCH", f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}", body=params, idempotency_key=idempotency_key).json()
        return answer


class WebhookEventsResource:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def get(self, event_id: str) -> models.StripeEvent:
        """Read an event with its payload, its state, and its last error."""
        answer: models.StripeEvent = self._caller.call("GET", f"/v1/webhook-events/{self._caller.quoted(event_id)}").json()
        return answer

    def list(self, **query: Unpack[WebhookEventsListQuery]) -> Pages[models.StripeEventSummary]:
        """List every event that was received, newest first."""
        return Pages(self._caller, "/v1/webhook-events", query)

    def replay(self, event_id: str, *, idempotency_key: str | None = None) -> models.StripeEvent:
        """Process an event again. If it was applied already, that changes nothing."""
        answer: models.StripeEvent = self._caller.call("POST", f"/v1/webhook-events/{self._caller.quoted(event_id)}/replay", idempotency_key=idempotency_key).json()
        return answer


class Resources:
    def __init__(self, caller: Caller) -> None:
        self.api_keys = ApiKeysResource(caller)
        self.audit_log = AuditLogResource(caller)
        self.coupons = CouponsResource(caller)
        self.credit_notes = CreditNotesResource(caller)
        self.customers = CustomersResource(caller)
        self.deliveries = DeliveriesResource(caller)
        self.disputes = DisputesResource(caller)
        self.events = EventsResource(caller)
        self.fulfillment_actions = FulfillmentActionsResource(caller)
        self.fulfillments = FulfillmentsResource(caller)
        self.health = HealthResource(caller)
        self.invoice_items = InvoiceItemsResource(caller)
        self.invoices = InvoicesResource(caller)
        self.payment_links = PaymentLinksResource(caller)
        self.payment_methods = PaymentMethodsResource(caller)
        self.payments = PaymentsResource(caller)
        self.prices = PricesResource(caller)
        self.products = ProductsResource(caller)
        self.promotion_codes = PromotionCodesResource(caller)
        self.refunds = RefundsResource(caller)
        self.reports = ReportsResource(caller)
        self.tax_ids = TaxIdsResource(caller)
        self.tax_rates = TaxRatesResource(caller)
        self.webhook_endpoints = WebhookEndpointsResource(caller)
        self.webhook_events = WebhookEventsResource(caller)


class AsyncApiKeysResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.ApiKeyCreate]) -> models.ApiKeyMade:
        """Make a key. Only this answer has it."""
        answer: models.ApiKeyMade = (await self._caller.call("POST", "/v1/api-keys", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def get(self, key_id: str) -> models.ApiKey:
        """Read a key."""
        answer: models.ApiKey = (await self._caller.call("GET", f"/v1/api-keys/{self._caller.quoted(key_id)}")).json()
        return answer

    def list(self, **query: Unpack[ApiKeysListQuery]) -> AsyncPages[models.ApiKey]:
        """List keys, newest first."""
        return AsyncPages(self._caller, "/v1/api-keys", query)

    async def revoke(self, key_id: str, *, idempotency_key: str | None = None) -> models.ApiKey:
        """End a key at once, in every process."""
        answer: models.ApiKey = (await self._caller.call("POST", f"/v1/api-keys/{self._caller.quoted(key_id)}/revoke", idempotency_key=idempotency_key)).json()
        return answer

    async def rotate(self, key_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.ApiKeyRotate]) -> models.ApiKeyMade:
        """Make a key that replaces this one. This one still works during the overlap."""
        answer: models.ApiKeyMade = (await self._caller.call("POST", f"/v1/api-keys/{self._caller.quoted(key_id)}/rotate", body=params, idempotency_key=idempotency_key)).json()
        return answer


class AsyncAuditLogResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    def list(self, **query: Unpack[AuditLogListQuery]) -> AsyncPages[models.AuditEntry]:
        """List who did what, newest first. Entries are only ever added."""
        return AsyncPages(self._caller, "/v1/audit-log", query)


class AsyncCouponsResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.CouponCreate]) -> models.Coupon:
        """Create a coupon; what it takes off never changes."""
        answer: models.Coupon = (await self._caller.call("POST", "/v1/coupons", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def delete(self, coupon_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Delete a coupon, so that it can no longer be redeemed; what it took off stays."""
        answer: models.Deleted = (await self._caller.call("DELETE", f"/v1/coupons/{self._caller.quoted(coupon_id)}", idempotency_key=idempotency_key)).json()
        return answer

    async def get(self, coupon_id: str) -> models.Coupon:
        """Read a coupon."""
        answer: models.Coupon = (await self._caller.call("GET", f"/v1/coupons/{self._caller.quoted(coupon_id)}")).json()
        return answer

    def list(self, **query: Unpack[CouponsListQuery]) -> AsyncPages[models.Coupon]:
        """List coupons, newest first."""
        return AsyncPages(self._caller, "/v1/coupons", query)

    async def update(self, coupon_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.CouponUpdate]) -> models.Coupon:
        """Change a coupon's name or metadata."""
        answer: models.Coupon = (await self._caller.call("PATCH", f"/v1/coupons/{self._caller.quoted(coupon_id)}", body=params, idempotency_key=idempotency_key)).json()
        return answer


class AsyncCreditNotesResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def create(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.CreditNoteCreate]) -> models.CreditNote:
        """Issue a credit note: it takes off what is not paid yet, and gives back the rest as the body says."""
        answer: models.CreditNote = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/credit-notes", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def get(self, credit_note_id: str) -> models.CreditNote:
        """Read a credit note."""
        answer: models.CreditNote = (await self._caller.call("GET", f"/v1/credit-notes/{self._caller.quoted(credit_note_id)}")).json()
        return answer

    def list(self, **query: Unpack[CreditNotesListQuery]) -> AsyncPages[models.CreditNote]:
        """List credit notes, newest first, whoever issued them."""
        return AsyncPages(self._caller, "/v1/credit-notes", query)

    async def preview(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.CreditNotePreviewed]) -> models.CreditNotePreview:
        """What a credit note would be, as Stripe computes it now. Nothing is issued."""
        answer: models.CreditNotePreview = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/credit-notes/preview", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def void(self, credit_note_id: str, *, idempotency_key: str | None = None) -> models.CreditNote:
        """Void a credit note of an invoice that is not paid yet: what it took off is owed again."""
        answer: models.CreditNote = (await self._caller.call("POST", f"/v1/credit-notes/{self._caller.quoted(credit_note_id)}/void", idempotency_key=idempotency_key)).json()
        return answer


class AsyncCustomersResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.CustomerCreate]) -> models.Customer:
        """Create a customer; its custom fields and footer are handed down to its drafts."""
        answer: models.Customer = (await self._caller.call("POST", "/v1/customers", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def create_portal_link(self, customer_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PortalLinkCreate]) -> models.PortalLink:
        """Make a link to a customer's own pages: signed, and good until it expires or is revoked."""
        answer: models.PortalLink = (await self._caller.call("POST", f"/v1/customers/{self._caller.quoted(customer_id)}/portal-link", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def delete(self, customer_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Delete a customer; its invoices stay."""
        answer: models.Deleted = (await self._caller.call("DELETE", f"/v1/customers/{self._caller.quoted(customer_id)}", idempotency_key=idempotency_key)).json()
        return answer

    async def get(self, customer_id: str) -> models.Customer:
        """Read a customer."""
        answer: models.Customer = (await self._caller.call("GET", f"/v1/customers/{self._caller.quoted(customer_id)}")).json()
        return answer

    def list(self, **query: Unpack[CustomersListQuery]) -> AsyncPages[models.Customer]:
        """List customers, newest first."""
        return AsyncPages(self._caller, "/v1/customers", query)

    async def revoke_portal_link(self, customer_id: str, link_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Revoke a portal link; it opens nothing from now on. Its id is also the beginning of its token."""
        answer: models.Deleted = (await self._caller.call("DELETE", f"/v1/customers/{self._caller.quoted(customer_id)}/portal-link/{self._caller.quoted(link_id)}", idempotency_key=idempotency_key)).json()
        return answer

    async def update(self, customer_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.CustomerUpdate]) -> models.Customer:
        """Change a customer."""
        answer: models.Customer = (await self._caller.call("PATCH", f"/v1/customers/{self._caller.quoted(customer_id)}", body=params, idempotency_key=idempotency_key)).json()
        return answer


class AsyncDeliveriesResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def get(self, delivery_id: str) -> models.Delivery:
        """Read a delivery with its attempts."""
        answer: models.Delivery = (await self._caller.call("GET", f"/v1/deliveries/{self._caller.quoted(delivery_id)}")).json()
        return answer

    async def redeliver(self, delivery_id: str, *, idempotency_key: str | None = None) -> models.Delivery:
        """Deliver an event again. It keeps its id."""
        answer: models.Delivery = (await self._caller.call("POST", f"/v1/deliveries/{self._caller.quoted(delivery_id)}/redeliver", idempotency_key=idempotency_key)).json()
        return answer


class AsyncDisputesResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def get(self, dispute_id: str) -> models.Dispute:
        """Read a dispute."""
        answer: models.Dispute = (await self._caller.call("GET", f"/v1/disputes/{self._caller.quoted(dispute_id)}")).json()
        return answer

    def list(self, **query: Unpack[DisputesListQuery]) -> AsyncPages[models.Dispute]:
        """List disputes, newest first, with the time by which evidence is due."""
        return AsyncPages(self._caller, "/v1/disputes", query)


class AsyncEventsResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def list(self, **query: Unpack[EventsListQuery]) -> models.FeedPage:
        """Read events, oldest first, from the beginning or after a cursor. With `wait`, wait for the next one."""
        answer: models.FeedPage = (await self._caller.call("GET", "/v1/events", query=query)).json()
        return answer


class AsyncFulfillmentActionsResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def get(self, action_id: str) -> models.FulfillmentAction:
        """Read an action, its state, and why its last try failed."""
        answer: models.FulfillmentAction = (await self._caller.call("GET", f"/v1/fulfillment-actions/{self._caller.quoted(action_id)}")).json()
        return answer

    def list(self, **query: Unpack[FulfillmentActionsListQuery]) -> AsyncPages[models.FulfillmentAction]:
        """List fulfillment actions (mails and hooks), newest first."""
        return AsyncPages(self._caller, "/v1/fulfillment-actions", query)

    async def retry(self, action_id: str, *, idempotency_key: str | None = None) -> models.FulfillmentAction:
        """Try an action again that failed, was skipped or is dead. An action that is done is never done again."""
        answer: models.FulfillmentAction = (await self._caller.call("POST", f"/v1/fulfillment-actions/{self._caller.quoted(action_id)}/retry", idempotency_key=idempotency_key)).json()
        return answer


class AsyncFulfillmentsResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    def list(self, **query: Unpack[FulfillmentsListQuery]) -> AsyncPages[models.Fulfillment]:
        """List fulfillments, newest first."""
        return AsyncPages(self._caller, "/v1/fulfillments", query)


class AsyncHealthResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def healthz(self) -> models.Health:
        """Alive: this process answers."""
        answer: models.Health = (await self._caller.call("GET", "/healthz")).json()
        return answer

    async def readyz(self, **query: Unpack[HealthReadyzQuery]) -> models.Health:
        """Ready: the database is reachable, its migrations are at head or newer, and the inbox keeps up."""
        answer: models.Health = (await self._caller.call("GET", "/readyz", query=query)).json()
        return answer


class AsyncInvoiceItemsResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def add(self, invoice_id: str, body: models.ItemsCreate | models.ItemCreate, *, idempotency_key: str | None = None) -> models.Invoice:
        """Add one item, or a list of them as `items`, to a draft; never more than 250 on one invoice."""
        answer: models.Invoice = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/items", body=body, idempotency_key=idempotency_key)).json()
        return answer

    async def delete(self, invoice_id: str, item_id: str, *, idempotency_key: str | None = None) -> models.Invoice:
        """Take an item off a draft."""
        answer: models.Invoice = (await self._caller.call("DELETE", f"/v1/invoices/{self._caller.quoted(invoice_id)}/items/{self._caller.quoted(item_id)}", idempotency_key=idempotency_key)).json()
        return answer

    async def replace(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.ItemsReplace]) -> models.Invoice:
        """Replace all items of a draft by others. A refusal leaves the former ones, unless both together exceed 250."""
        answer: models.Invoice = (await self._caller.call("PUT", f"/v1/invoices/{self._caller.quoted(invoice_id)}/items", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def update(self, invoice_id: str, item_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.ItemUpdate]) -> models.Invoice:
        """Change an item of a draft."""
        answer: models.Invoice = (await self._caller.call("PATCH", f"/v1/invoices/{self._caller.quoted(invoice_id)}/items/{self._caller.quoted(item_id)}", body=params, idempotency_key=idempotency_key)).json()
        return answer


class AsyncInvoicesResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def copy(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.InvoiceCopy]) -> models.InvoiceWithSecret:
        """Make a draft with the items of another invoice, of any status. Its number and its payments are not copied."""
        answer: models.InvoiceWithSecret = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/copy", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.InvoiceCreate]) -> models.InvoiceWithSecret:
        """Create a draft with all its items in one call, and finalize it if asked. If a part fails, nothing is left."""
        answer: models.InvoiceWithSecret = (await self._caller.call("POST", "/v1/invoices", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def delete(self, invoice_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Delete a draft."""
        answer: models.Deleted = (await self._caller.call("DELETE", f"/v1/invoices/{self._caller.quoted(invoice_id)}", idempotency_key=idempotency_key)).json()
        return answer

    async def export(self, **query: Unpack[InvoicesExportQuery]) -> str:
        """Export invoices as CSV, with the filters and the order of the list."""
        return (await self._caller.call("GET", "/v1/invoices.csv", query=query)).text

    async def finalize(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.InvoiceFinalize]) -> models.InvoiceWithSecret:
        """Finalize a draft. The answer carries the client secret; an invoice over nothing is paid at once and has none."""
        answer: models.InvoiceWithSecret = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/finalize", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def get(self, invoice_id: str) -> models.Invoice:
        """Read an invoice with its items, as it is known here."""
        answer: models.Invoice = (await self._caller.call("GET", f"/v1/invoices/{self._caller.quoted(invoice_id)}")).json()
        return answer

    async def get_client_secret(self, invoice_id: str, **query: Unpack[InvoicesGetClientSecretQuery]) -> models.ClientSecret:
        """The client secret of an open invoice, asked of Stripe now; it is stored nowhere."""
        answer: models.ClientSecret = (await self._caller.call("GET", f"/v1/invoices/{self._caller.quoted(invoice_id)}/client-secret", query=query)).json()
        return answer

    async def get_fulfillment(self, invoice_id: str) -> models.Fulfillment:
        """Read the invoice's fulfillment."""
        answer: models.Fulfillment = (await self._caller.call("GET", f"/v1/invoices/{self._caller.quoted(invoice_id)}/fulfillment")).json()
        return answer

    async def get_hosted_pages(self, invoice_id: str) -> models.HostedPages:
        """The addresses of Stripe's hosted page and PDF. They expire: if the stored ones are old, Stripe is asked for new ones."""
        answer: models.HostedPages = (await self._caller.call("GET", f"/v1/invoices/{self._caller.quoted(invoice_id)}/hosted-pages")).json()
        return answer

    async def get_timeline(self, invoice_id: str) -> models.Timeline:
        """Why the invoice is unpaid, and everything that happened to it, oldest first."""
        answer: models.Timeline = (await self._caller.call("GET", f"/v1/invoices/{self._caller.quoted(invoice_id)}/timeline")).json()
        return answer

    def list(self, **query: Unpack[InvoicesListQuery]) -> AsyncPages[models.InvoiceSummary]:
        """List invoices, newest first, as they are known here; Stripe is not asked."""
        return AsyncPages(self._caller, "/v1/invoices", query)

    async def mark_uncollectible(self, invoice_id: str, *, idempotency_key: str | None = None) -> models.Invoice:
        """Write an invoice off; it can still be paid."""
        answer: models.Invoice = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/mark-uncollectible", idempotency_key=idempotency_key)).json()
        return answer

    async def pay(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.InvoicePay]) -> models.Invoice:
        """Charge a payment method on file, or record a payment made out of band. A draft is finalized first, and charged."""
        answer: models.Invoice = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/pay", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def preview(self, *, idempotency_key: str | None = None, **params: Unpack[models.InvoicePreview]) -> models.InvoicePreviewed:
        """What an invoice would cost, with its taxes and discounts, as Stripe computes it now. Nothing is stored."""
        answer: models.InvoicePreviewed = (await self._caller.call("POST", "/v1/invoices/preview", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def revise(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.InvoiceRevise]) -> models.Invoice:
        """Make a draft that replaces an open or uncollectible invoice, which Stripe voids when the draft is finalized."""
        answer: models.Invoice = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/revise", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def send(self, invoice_id: str, *, idempotency_key: str | None = None) -> models.Invoice:
        """Have Stripe email the invoice; a draft is finalized first."""
        answer: models.Invoice = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/send", idempotency_key=idempotency_key)).json()
        return answer

    async def update(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.InvoiceUpdate]) -> models.Invoice:
        """Change a draft. An open invoice can still change `auto_advance`, `default_payment_method` and `payment_settings`."""
        answer: models.Invoice = (await self._caller.call("PATCH", f"/v1/invoices/{self._caller.quoted(invoice_id)}", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def void(self, invoice_id: str, *, idempotency_key: str | None = None) -> models.Invoice:
        """Void an invoice: it is owed no more."""
        answer: models.Invoice = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/void", idempotency_key=idempotency_key)).json()
        return answer


class AsyncPaymentLinksResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def create(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PaymentLinkCreate]) -> models.PaymentLink:
        """Make a signed link to the payment page of an open invoice, or of a draft with `allow_promotion_codes`."""
        answer: models.PaymentLink = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/payment-link", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def revoke(self, invoice_id: str, link_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Revoke a payment link; it opens nothing from now on. Its id is also the beginning of its token."""
        answer: models.Deleted = (await self._caller.call("DELETE", f"/v1/invoices/{self._caller.quoted(invoice_id)}/payment-link/{self._caller.quoted(link_id)}", idempotency_key=idempotency_key)).json()
        return answer


class AsyncPaymentMethodsResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def attach(self, customer_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PaymentMethodAttach]) -> models.PaymentMethod:
        """Attach a payment method to a customer, so that the customer's invoices can be charged to it."""
        answer: models.PaymentMethod = (await self._caller.call("POST", f"/v1/customers/{self._caller.quoted(customer_id)}/payment-methods", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def create_setup_intent(self, customer_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.SetupIntentCreate]) -> models.SetupIntentWithSecret:
        """Let a front end save a payment method. The client secret is for Stripe.js, and stored nowhere."""
        answer: models.SetupIntentWithSecret = (await self._caller.call("POST", f"/v1/customers/{self._caller.quoted(customer_id)}/setup-intent", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def detach(self, customer_id: str, payment_method_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Detach a payment method: nothing is ever charged to it again."""
        answer: models.Deleted = (await self._caller.call("DELETE", f"/v1/customers/{self._caller.quoted(customer_id)}/payment-methods/{self._caller.quoted(payment_method_id)}", idempotency_key=idempotency_key)).json()
        return answer

    async def get_setup_intent(self, customer_id: str, setup_intent_id: str) -> models.SetupIntent:
        """Read a SetupIntent, as Stripe last reported it."""
        answer: models.SetupIntent = (await self._caller.call("GET", f"/v1/customers/{self._caller.quoted(customer_id)}/setup-intent/{self._caller.quoted(setup_intent_id)}")).json()
        return answer

    def list(self, customer_id: str, **query: Unpack[PaymentMethodsListQuery]) -> AsyncPages[models.PaymentMethod]:
        """List a customer's saved payment methods, newest first, as they are known here; Stripe is not asked."""
        return AsyncPages(self._caller, f"/v1/customers/{self._caller.quoted(customer_id)}/payment-methods", query)

    async def set_default(self, customer_id: str, payment_method_id: str, *, idempotency_key: str | None = None) -> models.PaymentMethod:
        """Charge the customer's invoices to this payment method from now on, unless they name another."""
        answer: models.PaymentMethod = (await self._caller.call("POST", f"/v1/customers/{self._caller.quoted(customer_id)}/payment-methods/{self._caller.quoted(payment_method_id)}/default", idempotency_key=idempotency_key)).json()
        return answer


class AsyncPaymentsResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def attach(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PaymentAttach]) -> models.Invoice:
        """Let a PaymentIntent of yours, or a payment made elsewhere, pay the invoice or a part of it."""
        answer: models.Invoice = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/attach-payment", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def list(self, invoice_id: str) -> models.InvoicePayments:
        """All payments of an invoice, newest first, each with its refunds and disputes."""
        answer: models.InvoicePayments = (await self._caller.call("GET", f"/v1/invoices/{self._caller.quoted(invoice_id)}/payments")).json()
        return answer

    async def report_record(self, invoice_id: str, payment_record_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PaymentRecordReport]) -> models.Invoice:
        """Report the result of a payment made elsewhere that was not guaranteed yet. It counts once it is guaranteed."""
        answer: models.Invoice = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/payment-records/{self._caller.quoted(payment_record_id)}/report", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def update_intent(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.InvoicePaymentIntentUpdate]) -> models.InvoicePaymentIntent:
        """Change what Stripe lets be changed of a finalized invoice's PaymentIntent. The invoice decides the rest."""
        answer: models.InvoicePaymentIntent = (await self._caller.call("PATCH", f"/v1/invoices/{self._caller.quoted(invoice_id)}/payment-intent", body=params, idempotency_key=idempotency_key)).json()
        return answer


class AsyncPricesResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.PriceCreate]) -> models.Price:
        """Create a price; its amount never changes."""
        answer: models.Price = (await self._caller.call("POST", "/v1/prices", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def get(self, price_id: str) -> models.Price:
        """Read a price."""
        answer: models.Price = (await self._caller.call("GET", f"/v1/prices/{self._caller.quoted(price_id)}")).json()
        return answer

    def list(self, **query: Unpack[PricesListQuery]) -> AsyncPages[models.Price]:
        """List prices, newest first."""
        return AsyncPages(self._caller, "/v1/prices", query)

    async def update(self, price_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PriceUpdate]) -> models.Price:
        """Change a price's nickname, lookup key, metadata, or whether it is active."""
        answer: models.Price = (await self._caller.call("PATCH", f"/v1/prices/{self._caller.quoted(price_id)}", body=params, idempotency_key=idempotency_key)).json()
        return answer


class AsyncProductsResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.ProductCreate]) -> models.Product:
        """Create a product."""
        answer: models.Product = (await self._caller.call("POST", "/v1/products", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def delete(self, product_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Delete a product that has no prices."""
        answer: models.Deleted = (await self._caller.call("DELETE", f"/v1/products/{self._caller.quoted(product_id)}", idempotency_key=idempotency_key)).json()
        return answer

    async def get(self, product_id: str) -> models.Product:
        """Read a product."""
        answer: models.Product = (await self._caller.call("GET", f"/v1/products/{self._caller.quoted(product_id)}")).json()
        return answer

    def list(self, **query: Unpack[ProductsListQuery]) -> AsyncPages[models.Product]:
        """List products, newest first."""
        return AsyncPages(self._caller, "/v1/products", query)

    async def update(self, product_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.ProductUpdate]) -> models.Product:
        """Change a product; `active: false` archives it."""
        answer: models.Product = (await self._caller.call("PATCH", f"/v1/products/{self._caller.quoted(product_id)}", body=params, idempotency_key=idempotency_key)).json()
        return answer


class AsyncPromotionCodesResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.PromotionCodeCreate]) -> models.PromotionCode:
        """Create a promotion code: a word by which payers redeem a coupon."""
        answer: models.PromotionCode = (await self._caller.call("POST", "/v1/promotion-codes", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def get(self, promotion_code_id: str) -> models.PromotionCode:
        """Read a promotion code."""
        answer: models.PromotionCode = (await self._caller.call("GET", f"/v1/promotion-codes/{self._caller.quoted(promotion_code_id)}")).json()
        return answer

    def list(self, **query: Unpack[PromotionCodesListQuery]) -> AsyncPages[models.PromotionCode]:
        """List promotion codes, newest first."""
        return AsyncPages(self._caller, "/v1/promotion-codes", query)

    async def update(self, promotion_code_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.PromotionCodeUpdate]) -> models.PromotionCode:
        """Turn a promotion code on or off, or change its metadata."""
        answer: models.PromotionCode = (await self._caller.call("PATCH", f"/v1/promotion-codes/{self._caller.quoted(promotion_code_id)}", body=params, idempotency_key=idempotency_key)).json()
        return answer


class AsyncRefundsResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def cancel(self, refund_id: str, *, idempotency_key: str | None = None) -> models.Refund:
        """Cancel a refund that waits for the customer to say where the money goes."""
        answer: models.Refund = (await self._caller.call("POST", f"/v1/refunds/{self._caller.quoted(refund_id)}/cancel", idempotency_key=idempotency_key)).json()
        return answer

    async def create(self, invoice_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.RefundCreate]) -> models.RefundsMade:
        """Refund what was paid: an amount or all that is left, of one payment or of the newest ones."""
        answer: models.RefundsMade = (await self._caller.call("POST", f"/v1/invoices/{self._caller.quoted(invoice_id)}/refunds", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def get(self, refund_id: str) -> models.Refund:
        """Read a refund."""
        answer: models.Refund = (await self._caller.call("GET", f"/v1/refunds/{self._caller.quoted(refund_id)}")).json()
        return answer

    def list(self, **query: Unpack[RefundsListQuery]) -> AsyncPages[models.Refund]:
        """List refunds, newest first, whoever made them."""
        return AsyncPages(self._caller, "/v1/refunds", query)


class AsyncReportsResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def get_balance(self, **query: Unpack[ReportsGetBalanceQuery]) -> models.BalanceReport:
        """Show the money of each day at Stripe, compared with what is stored here: every six hours, or by hand."""
        answer: models.BalanceReport = (await self._caller.call("GET", "/v1/reports/balance", query=query)).json()
        return answer

    async def get_balance_csv(self, **query: Unpack[ReportsGetBalanceCsvQuery]) -> str:
        """Show the balance report as CSV: a line for each day and currency, with the number of its differences."""
        return (await self._caller.call("GET", "/v1/reports/balance.csv", query=query)).text


class AsyncTaxIdsResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def create(self, customer_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.TaxIdCreate]) -> models.TaxId:
        """Give a customer a tax id, at most five. Stripe verifies some types, which takes a while."""
        answer: models.TaxId = (await self._caller.call("POST", f"/v1/customers/{self._caller.quoted(customer_id)}/tax-ids", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def delete(self, customer_id: str, tax_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Delete a tax id of a customer; finalized invoices keep it."""
        answer: models.Deleted = (await self._caller.call("DELETE", f"/v1/customers/{self._caller.quoted(customer_id)}/tax-ids/{self._caller.quoted(tax_id)}", idempotency_key=idempotency_key)).json()
        return answer

    async def get(self, customer_id: str, tax_id: str) -> models.TaxId:
        """Read a tax id of a customer."""
        answer: models.TaxId = (await self._caller.call("GET", f"/v1/customers/{self._caller.quoted(customer_id)}/tax-ids/{self._caller.quoted(tax_id)}")).json()
        return answer

    def list(self, customer_id: str, **query: Unpack[TaxIdsListQuery]) -> AsyncPages[models.TaxId]:
        """List the tax ids of a customer, newest first, with what the authorities say of them."""
        return AsyncPages(self._caller, f"/v1/customers/{self._caller.quoted(customer_id)}/tax-ids", query)


class AsyncTaxRatesResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.TaxRateCreate]) -> models.TaxRate:
        """Create a tax rate; its percentage, and whether it is inclusive, never change."""
        answer: models.TaxRate = (await self._caller.call("POST", "/v1/tax-rates", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def get(self, tax_rate_id: str) -> models.TaxRate:
        """Read a tax rate."""
        answer: models.TaxRate = (await self._caller.call("GET", f"/v1/tax-rates/{self._caller.quoted(tax_rate_id)}")).json()
        return answer

    def list(self, **query: Unpack[TaxRatesListQuery]) -> AsyncPages[models.TaxRate]:
        """List tax rates, newest first: your own, and those that Stripe made for automatic tax."""
        return AsyncPages(self._caller, "/v1/tax-rates", query)

    async def update(self, tax_rate_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.TaxRateUpdate]) -> models.TaxRate:
        """Change what a tax rate is called; `active: false` archives it."""
        answer: models.TaxRate = (await self._caller.call("PATCH", f"/v1/tax-rates/{self._caller.quoted(tax_rate_id)}", body=params, idempotency_key=idempotency_key)).json()
        return answer


class AsyncWebhookEndpointsResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def create(self, *, idempotency_key: str | None = None, **params: Unpack[models.WebhookEndpointCreate]) -> models.WebhookEndpointMade:
        """Make an endpoint, which receives events from now on. Only this answer has its signing secret."""
        answer: models.WebhookEndpointMade = (await self._caller.call("POST", "/v1/webhook-endpoints", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def delete(self, endpoint_id: str, *, idempotency_key: str | None = None) -> models.Deleted:
        """Delete an endpoint. Deliveries that wait are canceled. Each delivery can still be read by its id."""
        answer: models.Deleted = (await self._caller.call("DELETE", f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}", idempotency_key=idempotency_key)).json()
        return answer

    async def get(self, endpoint_id: str) -> models.WebhookEndpoint:
        """Read an endpoint."""
        answer: models.WebhookEndpoint = (await self._caller.call("GET", f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}")).json()
        return answer

    def list(self, **query: Unpack[WebhookEndpointsListQuery]) -> AsyncPages[models.WebhookEndpoint]:
        """List endpoints, newest first."""
        return AsyncPages(self._caller, "/v1/webhook-endpoints", query)

    def list_deliveries(self, endpoint_id: str, **query: Unpack[WebhookEndpointsListDeliveriesQuery]) -> AsyncPages[models.Delivery]:
        """List an endpoint's deliveries, newest first."""
        return AsyncPages(self._caller, f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}/deliveries", query)

    async def ping(self, endpoint_id: str, *, idempotency_key: str | None = None) -> models.Delivery:
        """Send an event of type `ping` to this endpoint alone. Its delivery shows how it went."""
        answer: models.Delivery = (await self._caller.call("POST", f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}/ping", idempotency_key=idempotency_key)).json()
        return answer

    async def redeliver_many(self, endpoint_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.Redeliver]) -> models.Redelivered:
        """Deliver the events of a span of time again that this endpoint did not receive, or lost."""
        answer: models.Redelivered = (await self._caller.call("POST", f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}/redeliver", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def rotate_webhook_secret(self, endpoint_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.WebhookSecretRotate]) -> models.WebhookEndpointMade:
        """Make a new signing secret. During the overlap every delivery is signed with both."""
        answer: models.WebhookEndpointMade = (await self._caller.call("POST", f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}/rotate-secret", body=params, idempotency_key=idempotency_key)).json()
        return answer

    async def update(self, endpoint_id: str, *, idempotency_key: str | None = None, **params: Unpack[models.WebhookEndpointUpdate]) -> models.WebhookEndpoint:
        """Change an endpoint, disable it, or enable it again: it then goes on where it stopped."""
        answer: models.WebhookEndpoint = (await self._caller.call("PATCH", f"/v1/webhook-endpoints/{self._caller.quoted(endpoint_id)}", body=params, idempotency_key=idempotency_key)).json()
        return answer


class AsyncWebhookEventsResource:
    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def get(self, event_id: str) -> models.StripeEvent:
        """Read an event with its payload, its state, and its last error."""
        answer: models.StripeEvent = (await self._caller.call("GET", f"/v1/webhook-events/{self._caller.quoted(event_id)}")).json()
        return answer

    def list(self, **query: Unpack[WebhookEventsListQuery]) -> AsyncPages[models.StripeEventSummary]:
        """List every event that was received, newest first."""
        return AsyncPages(self._caller, "/v1/webhook-events", query)

    async def replay(self, event_id: str, *, idempotency_key: str | None = None) -> models.StripeEvent:
        """Process an event again. If it was applied already, that changes nothing."""
        answer: models.StripeEvent = (await self._caller.call("POST", f"/v1/webhook-events/{self._caller.quoted(event_id)}/replay", idempotency_key=idempotency_key)).json()
        return answer


class AsyncResources:
    def __init__(self, caller: AsyncCaller) -> None:
        self.api_keys = AsyncApiKeysResource(caller)
        self.audit_log = AsyncAuditLogResource(caller)
        self.coupons = AsyncCouponsResource(caller)
        self.credit_notes = AsyncCreditNotesResource(caller)
        self.customers = AsyncCustomersResource(caller)
        self.deliveries = AsyncDeliveriesResource(caller)
        self.disputes = AsyncDisputesResource(caller)
        self.events = AsyncEventsResource(caller)
        self.fulfillment_actions = AsyncFulfillmentActionsResource(caller)
        self.fulfillments = AsyncFulfillmentsResource(caller)
        self.health = AsyncHealthResource(caller)
        self.invoice_items = AsyncInvoiceItemsResource(caller)
        self.invoices = AsyncInvoicesResource(caller)
        self.payment_links = AsyncPaymentLinksResource(caller)
        self.payment_methods = AsyncPaymentMethodsResource(caller)
        self.payments = AsyncPaymentsResource(caller)
        self.prices = AsyncPricesResource(caller)
        self.products = AsyncProductsResource(caller)
        self.promotion_codes = AsyncPromotionCodesResource(caller)
        self.refunds = AsyncRefundsResource(caller)
        self.reports = AsyncReportsResource(caller)
        self.tax_ids = AsyncTaxIdsResource(caller)
        self.tax_rates = AsyncTaxRatesResource(caller)
        self.webhook_endpoints = AsyncWebhookEndpointsResource(caller)
        self.webhook_events = AsyncWebhookEventsResource(caller)
