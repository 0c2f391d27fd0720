"""`/v1/customers`, with invoice settings and payment methods. A deleted customer's invoices stay."""

import re

from offline_stripe.billing.automatic_tax import location_invalid
from offline_stripe.billing.balances import adjust_balance
from offline_stripe.billing.drafting import checked_custom_fields
from offline_stripe.billing.jurisdictions import place_of
from offline_stripe.billing.methods import attach_method, resolve_method
from offline_stripe.billing.numbering import new_prefix
from offline_stripe.billing.rendering import active_template
from offline_stripe.billing.tax_ids import add_tax_id
from offline_stripe.billing.test_clocks import KIND as TEST_CLOCK
from offline_stripe.documents import Document
from offline_stripe.presentation import TOMBSTONE, announce, updating
from offline_stripe.resources.fields import apply_fields, deleted, refuse_unknown_references, require_known
from offline_stripe.shapes import customers as shapes
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.search import search_documents
from offline_stripe.store.transaction import Transaction, merged_metadata
from offline_stripe.wire.errors import invalid_request, resource_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

_PREFIX = re.compile(r"[A-Z0-9]{1,12}")
_FIELDS = ("business_name", "description", "email", "individual_name", "name", "phone", "tax_exempt",
           "preferred_locales", "next_invoice_sequence")  # fmt: skip
_ABSENT_WHEN_EMPTY = ("business_name", "individual_name")


def create_customer(call: Call) -> Document:
    tx, params = call.tx, call.params
    customer = shapes.customer(id=tx.new_id("cus"), created=tx.now, invoice_prefix=new_prefix(tx))
    if "test_clock" in params:
        customer["test_clock"] = tx.need(TEST_CLOCK, params["test_clock"], param="test_clock")["id"]
    _apply(tx, customer, params)
    tx.add(customer)
    announce(tx, "customer.created", customer)
    for index, entry in enumerate(params.get("tax_id_data", [])):
        add_tax_id(tx, entry["type"], entry["value"], customer, param=f"tax_id_data[{index}][value]")
    if params.get("payment_method"):
        attach_method(tx, resolve_method(tx, params["payment_method"]), customer)
    _apply_after(tx, customer, params, created=True)
    return customer


def _apply(tx: Transaction, customer: Document, params: Document) -> None:
    refuse_unknown_references(params)
    _check_email(params.get("email"))
    apply_fields(customer, params, _FIELDS)
    for name in _ABSENT_WHEN_EMPTY:
        if customer.get(name) is None:
            customer.pop(name, None)
    customer["preferred_locales"] = customer["preferred_locales"] or []
    customer["tax_exempt"] = customer["tax_exempt"] or "none"
    if "address" in params:
        customer["address"] = shapes.address(params["address"] or None)
    if "shipping" in params:
        customer["shipping"] = shapes.shipping(params["shipping"] or None)
    _check_location(customer, params)
    if "metadata" in params:
        customer["metadata"] = merged_metadata(customer["metadata"], params["metadata"])
    if "invoice_prefix" in params:
        _take_prefix(tx, customer, params["invoice_prefix"])
    if "invoice_settings" in params:
        _apply_invoice_settings(tx, customer, params["invoice_settings"])


def _check_location(customer: Document, params: Document) -> None:
    """Refuse a customer whose tax location is unknown, if that was asked for."""
    if params.get("tax", {}).get("validate_location") == "immediately" and place_of(customer) is None:
        raise location_invalid()


def _check_email(email: str | None) -> None:
    if email and ("@" not in email.strip("@") or " " in email):
        raise invalid_request(f"Invalid email address: {email}", code="email_invalid", param="email")


def _take_prefix(tx: Transaction, customer: Document, prefix: str) -> None:
    if not _PREFIX.fullmatch(prefix):
        raise invalid_request("Invoice prefix must be 1-12 uppercase letters or numbers.", param="invoice_prefix")
    if any(other["id"] != customer["id"] for other in tx.where("customer", invoice_prefix=prefix)):
        raise invalid_request("This invoice prefix is already in use by another customer.", param="invoice_prefix")
    customer["invoice_prefix"] = prefix


def _apply_invoice_settings(tx: Transaction, customer: Document, sent: Document) -> None:
    settings = customer["invoice_settings"]
    if "custom_fields" in sent:
        settings["custom_fields"] = checked_custom_fields(sent["custom_fields"], "invoice_settings[custom_fields]")
    if "footer" in sent:
        settings["footer"] = sent["footer"] or None
    if "rendering_options" in sent:
        options = sent["rendering_options"] or None
        if options and options.get("template"):
            active_template(tx, options["template"], "invoice_settings[rendering_options][template]")
        settings["rendering_options"] = options and {
            "amount_tax_display": options.get("amount_tax_display") or None,
            "template": options.get("template") or None,
        }


def _apply_after(tx: Transaction, customer: Document, params: Document, *, created: bool = False) -> None:
    """Apply what needs the customer to exist: the default payment method and the balance."""
    settings = params.get("invoice_settings", {})
    if "default_payment_method" in settings:
        _set_default_method(tx, customer, settings["default_payment_method"], params.get("payment_method"))
    amount = params.get("balance", customer["balance"]) - customer["balance"]
    if amount:
        adjust_balance(tx, customer, amount, "initial" if created else "adjustment")


def _set_default_method(tx: Transaction, customer: Document, identifier: str, attached: str | None) -> None:
    method: str | None = None
    if identifier:
        method = _attached_method(tx, customer, identifier, attached)
    with updating(tx, "customer.updated", customer):
        customer["invoice_settings"]["default_payment_method"] = method


def _attached_method(tx: Transaction, customer: Document, identifier: str, attached: str | None) -> str:
    """Attach a payment method. A template that is both `payment_method` and the default is one method."""
    own = tx.where("payment_method", newest_first=True, customer=customer["id"])
    if attached == identifier and own:
        return str(own[0]["id"])
    if any(method["id"] == identifier for method in own):
        return identifier
    if tx.get("payment_method", identifier) is None:
        raise resource_missing("payment_method", identifier, param="invoice_settings[default_payment_method]")
    raise invalid_request(
        f"The customer does not have a payment method with the ID {identifier}. The payment method must be attached"
        " to the customer.",
        code="resource_missing",
        param="invoice_settings[default_payment_method]",
    )


def customer_at(call: Call, *, param: str = "id") -> Document:
    customer = call.tx.get("customer", call.path["id"])
    if customer is None:
        raise resource_missing("customer", call.path["id"], param=param, status=404)
    return customer


def retrieve_customer(call: Call) -> Document:
    return call.tx.get(TOMBSTONE, call.path["id"]) or customer_at(call)


def update_customer(call: Call) -> Document:
    customer = customer_at(call)
    with updating(call.tx, "customer.updated", customer):
        _apply(call.tx, customer, call.params)
    _apply_after(call.tx, customer, call.params)
    return customer


def list_customers(call: Call) -> Page:
    filters = Filters().equal("email", call.params.get("email")).within("created", call.params.get("created"))
    if "test_clock" in call.params:
        filters.equal("test_clock", call.tx.need(TEST_CLOCK, call.params["test_clock"], param="test_clock")["id"])
    else:
        filters.absent("test_clock")
    return list_documents(call.tx, "customer", call.params, filters, "/v1/customers")


def search_customers(call: Call) -> Page:
    return search_documents(call.tx, "customer", call.params, "/v1/customers/search")


def delete_customer(call: Call) -> Document:
    customer = customer_at(call)
    remove_customer(call.tx, customer)
    return deleted(customer)


def remove_customer(tx: Transaction, customer: Document) -> None:
    """Delete a customer, with what belongs to nobody else. Invoices stay."""
    announce(tx, "customer.deleted", customer)
    tx.add({"id": customer["id"], "object": TOMBSTONE})
    for item in tx.where("invoiceitem", customer=customer["id"]):
        if item["invoice"] is None:
            tx.remove(item)
    for tax_id in tx.where("tax_id", customer=customer["id"]):
        tx.unschedule("tax_id_verified", tax_id["id"])
        tx.remove(tax_id)
    for method in tx.where("payment_method", customer=customer["id"]):
        method |= {"customer": None, "_spent": True}
        tx.save(method)


def list_customer_methods(call: Call) -> Page:
    customer = customer_at(call, param="customer")
    filters = Filters().equal("customer", customer["id"]).equal("type", call.params.get("type"))
    filters.equal("allow_redisplay", call.params.get("allow_redisplay"))
    url = f"/v1/customers/{customer['id']}/payment_methods"
    return list_documents(call.tx, "payment_method", call.params, filters, url)


def retrieve_customer_method(call: Call) -> Document:
    customer = customer_at(call, param="customer")
    method = call.tx.get("payment_method", call.path["method"])
    if method is None or method["customer"] != customer["id"]:
        raise resource_missing("payment_method", call.path["method"], param="payment_method", status=404)
    return method


def list_balance_transactions(call: Call) -> Page:
    customer = customer_at(call, param="customer")
    require_known(call.tx, call.params, "invoice")
    filters = Filters().equal("customer", customer["id"]).equal("invoice", call.params.get("invoice"))
    filters.within("created", call.params.get("created"))
    url = f"/v1/customers/{customer['id']}/balance_transactions"
    return list_documents(call.tx, "customer_balance_transaction", call.params, filters, url)


def create_balance_transaction(call: Call) -> Document:
    customer = customer_at(call, param="customer")
    params = call.params
    about: Document = {name: params[name] for name in ("description", "currency") if name in params}
    about["metadata"] = merged_metadata({}, params.get("metadata", {}))
    return adjust_balance(call.tx, customer, params["amount"], "adjustment", **about)


_CUSTOMER = (
    "address balance business_name description email individual_name invoice_prefix invoice_settings{custom_fields"
    " default_payment_method footer rendering_options{amount_tax_display template}} metadata name next_invoice_sequence phone"
    " preferred_locales shipping source tax{validate_location} tax_exempt"
)
ROUTES = (
    Route(
        "POST",
        "/v1/customers",
        create_customer,
        "CustomerCreateParams",
        takes=f"{_CUSTOMER} payment_method tax_id_data test_clock",
    ),
    Route("GET", "/v1/customers", list_customers, "CustomerListParams", takes=f"{PAGE} created email test_clock"),
    Route("GET", "/v1/customers/search", search_customers, "CustomerSearchParams", takes="limit page query"),
    Route("GET", "/v1/customers/{id}", retrieve_customer, "CustomerRetrieveParams", takes=""),
    Route("POST", "/v1/customers/{id}", update_customer, "CustomerUpdateParams", takes=f"{_CUSTOMER} default_source"),
    Route("DELETE", "/v1/customers/{id}", delete_customer, "CustomerDeleteParams", takes=""),
    Route(
        "GET",
        "/v1/customers/{id}/payment_methods",
        list_customer_methods,
        "CustomerPaymentMethodListParams",
        takes=f"{PAGE} allow_redisplay type",
    ),
    Route(
        "GET",
        "/v1/customers/{id}/payment_methods/{method}",
        retrieve_customer_method,
        "CustomerPaymentMethodRetrieveParams",
        takes="",
    ),
    Route(
        "GET",
        "/v1/customers/{id}/balance_transactions",
        list_balance_transactions,
        "CustomerBalanceTransactionListParams",
        takes=f"{PAGE} created invoice",
    ),
    Route(
        "POST",
        "/v1/customers/{id}/balance_transactions",
        create_balance_transaction,
        "CustomerBalanceTransactionCreateParams",
        takes="amount currency description metadata",
    ),
)
