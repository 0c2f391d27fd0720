"""The use cases, by where they change things. Operations are stored under these names, so they must not change."""

from collections.abc import Callable

from app.access.portal_links import PortalLinks
from app.access.service import Keys
from app.catalog.service import Catalog
from app.credit_notes.service import CreditNotes
from app.customers.service import Customers
from app.discounts.service import Discounts
from app.fulfillment.actions import Actions
from app.inbox.replay import Replay
from app.invoices.attachments import Attachments
from app.invoices.copies import Copies
from app.invoices.items import Items
from app.invoices.part_payments import PartPayments
from app.invoices.payment_intents import PaymentIntents
from app.invoices.reminders import Reminders
from app.invoices.replacements import Replacements
from app.invoices.service import Invoices
from app.outgoing.endpoints import Endpoints
from app.outgoing.redelivery import Redelivery
from app.payment_links.promotion_codes import PromotionCodes
from app.payment_links.service import PaymentLinks
from app.payment_methods.service import PaymentMethods
from app.refunds.service import Refunds
from app.taxes.service import Taxes

AT_STRIPE: dict[type, tuple[Callable[..., object], ...]] = {
    Catalog: (
        Catalog.create_product,
        Catalog.update_product,
        Catalog.delete_product,
        Catalog.create_price,
        Catalog.update_price,
    ),
    Customers: (Customers.create_customer, Customers.update_customer, Customers.delete_customer),
    Invoices: (
        Invoices.create_invoice,
        Invoices.update_invoice,
        Invoices.delete_invoice,
        Invoices.finalize_invoice,
        Invoices.send_invoice,
        Invoices.pay_invoice,
        Invoices.void_invoice,
        Invoices.mark_uncollectible,
    ),
    Attachments: (Attachments.attach_payment, Attachments.report_payment_record),
    PartPayments: (PartPayments.begin_part_payment,),
    Copies: (Copies.revise_invoice, Copies.copy_invoice),
    Items: (Items.add_items, Items.update_item, Items.delete_item),
    Replacements: (Replacements.replace_items,),
    PaymentIntents: (PaymentIntents.update_payment_intent,),
    PaymentMethods: (
        PaymentMethods.attach_payment_method,
        PaymentMethods.detach_payment_method,
        PaymentMethods.set_default_payment_method,
        PaymentMethods.create_setup_intent,
    ),
    Refunds: (Refunds.create_refund, Refunds.cancel_refund),
    Taxes: (Taxes.create_tax_rate, Taxes.update_tax_rate, Taxes.create_tax_id, Taxes.delete_tax_id),
    Discounts: (
        Discounts.create_coupon,
        Discounts.update_coupon,
        Discounts.delete_coupon,
        Discounts.create_promotion_code,
        Discounts.update_promotion_code,
    ),
    PromotionCodes: (PromotionCodes.apply_promotion_code,),
    CreditNotes: (CreditNotes.create_credit_note, CreditNotes.void_credit_note),
}
"""Those that change things at Stripe, by their services."""

LOCAL: tuple[Callable[..., object], ...] = (
    PaymentLinks.create_payment_link,
    PaymentLinks.revoke_payment_link,
    PortalLinks.create_portal_link,
    PortalLinks.revoke_portal_link,
    Keys.create_api_key,
    Keys.rotate_api_key,
    Keys.revoke_api_key,
    Replay.replay_event,
    Actions.retry_fulfillment_action,
    Reminders.remind_invoice,
    Endpoints.create_webhook_endpoint,
    Endpoints.update_webhook_endpoint,
    Endpoints.delete_webhook_endpoint,
    Endpoints.rotate_webhook_secret,
    Endpoints.ping_webhook_endpoint,
    Redelivery.redeliver,
    Redelivery.redeliver_many,
)
"""Those that change only this database."""
