"""`/v1/tax_ids` and `/v1/customers/{id}/tax_ids`. The rules are in `billing.tax_ids`."""

from offline_stripe.billing.tax_ids import add_tax_id, remove_tax_id
from offline_stripe.documents import Document
from offline_stripe.resources.customers import customer_at
from offline_stripe.resources.fields import deleted
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.wire.errors import invalid_request, parameter_missing, resource_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE


def create_customers(call: Call) -> Document:
    customer = customer_at(call, param="customer")
    return add_tax_id(call.tx, call.params["type"], call.params["value"], customer)


def list_customers(call: Call) -> Page:
    customer = customer_at(call, param="customer")
    url = f"/v1/customers/{customer['id']}/tax_ids"
    return list_documents(call.tx, "tax_id", call.params, Filters().equal("customer", customer["id"]), url)


def _customers(call: Call) -> Document:
    customer = customer_at(call, param="customer")
    tax_id = call.tx.get("tax_id", call.path["tax_id"])
    if tax_id is None or tax_id["customer"] != customer["id"]:
        raise resource_missing("tax_id", call.path["tax_id"], param="id", status=404)
    return tax_id


def retrieve_customers(call: Call) -> Document:
    return _customers(call)


def delete_customers(call: Call) -> Document:
    tax_id = _customers(call)
    remove_tax_id(call.tx, tax_id)
    return deleted(tax_id)


def create_tax_id(call: Call) -> Document:
    return add_tax_id(call.tx, call.params["type"], call.params["value"], _owner(call))


def _owner(call: Call) -> Document | None:
    """The customer that `owner` names; None for the account itself."""
    owner = call.params.get("owner", {"type": "self"})
    if owner["type"] == "self":
        return None
    if owner["type"] != "customer":
        raise invalid_request("The sandbox has one account and no applications.", param="owner[type]")
    if "customer" not in owner:
        raise parameter_missing("owner[customer]")
    return call.tx.need("customer", owner["customer"], param="owner[customer]")


def _tax_id(call: Call) -> Document:
    return call.tx.need("tax_id", call.path["id"], param="id", status=404)


def retrieve_tax_id(call: Call) -> Document:
    return _tax_id(call)


def delete_tax_id(call: Call) -> Document:
    tax_id = _tax_id(call)
    remove_tax_id(call.tx, tax_id)
    return deleted(tax_id)


def list_tax_ids(call: Call) -> Page:
    owner = _owner(call)
    filters = Filters().absent("customer") if owner is None else Filters().equal("customer", owner["id"])
    return list_documents(call.tx, "tax_id", call.params, filters, "/v1/tax_ids")


_OF_CUSTOMER = "/v1/customers/{id}/tax_ids"
ROUTES = (
    Route("POST", _OF_CUSTOMER, create_customers, "CustomerTaxIdCreateParams", "type value"),
    Route("GET", _OF_CUSTOMER, list_customers, "CustomerTaxIdListParams", PAGE),
    Route("GET", f"{_OF_CUSTOMER}/{{tax_id}}", retrieve_customers, "CustomerTaxIdRetrieveParams", ""),
    Route("DELETE", f"{_OF_CUSTOMER}/{{tax_id}}", delete_customers, "CustomerTaxIdDeleteParams", ""),
    Route("POST", "/v1/tax_ids", create_tax_id, "TaxIdCreateParams", "owner { customer type } type value"),
    Route("GET", "/v1/tax_ids", list_tax_ids, "TaxIdListParams", PAGE + "owner { customer type }"),
    Route("GET", "/v1/tax_ids/{id}", retrieve_tax_id, "TaxIdRetrieveParams", ""),
    Route("DELETE", "/v1/tax_ids/{id}", delete_tax_id, "TaxIdDeleteParams", ""),
)
