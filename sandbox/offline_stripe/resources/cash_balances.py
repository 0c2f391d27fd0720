"""`/v1/customers/{id}/cash_balance` and its kin: money by bank transfer. The rules are in `billing.reconciliation`."""

from offline_stripe.billing.cash import account_number, show_cash
from offline_stripe.billing.currencies import check_currency
from offline_stripe.billing.reconciliation import apply_by_hand, fund
from offline_stripe.documents import Document
from offline_stripe.resources.customers import customer_at
from offline_stripe.shapes.cash import financial_addresses
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.wire.errors import invalid_request, parameter_missing, resource_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

_OWNED = "/v1/customers/{id}"


def retrieve_balance(call: Call) -> Document:
    return show_cash(customer_at(call, param="customer"))


def update_balance(call: Call) -> Document:
    customer = customer_at(call, param="customer")
    mode = call.params.get("settings", {}).get("reconciliation_mode")
    if mode == "merchant_default":
        customer.pop("_reconciliation", None)
    elif mode is not None:
        customer["_reconciliation"] = mode
    call.tx.save(customer)
    return show_cash(customer)


def list_transactions(call: Call) -> Page:
    customer = customer_at(call, param="customer")
    url = f"/v1/customers/{customer['id']}/cash_balance_transactions"
    filters = Filters().equal("customer", customer["id"])
    return list_documents(call.tx, "customer_cash_balance_transaction", call.params, filters, url)


def retrieve_transaction(call: Call) -> Document:
    customer = customer_at(call, param="customer")
    entry = call.tx.get("customer_cash_balance_transaction", call.path["transaction"])
    if entry is None or entry["customer"] != customer["id"]:
        raise resource_missing(
            "customer_cash_balance_transaction", call.path["transaction"], param="transaction", status=404
        )
    return entry


def create_instructions(call: Call) -> Document:
    customer, params = customer_at(call, param="customer"), call.params
    currency = check_currency(params["currency"])
    if currency != "eur":
        raise invalid_request("The sandbox's funding instructions are for eur.", param="currency")
    if "eu_bank_transfer" not in params["bank_transfer"]:
        raise parameter_missing("bank_transfer[eu_bank_transfer]")
    addresses = financial_addresses("eu_bank_transfer", account_number(customer))
    transfer = {
        "country": params["bank_transfer"]["eu_bank_transfer"]["country"],
        "financial_addresses": addresses,
        "type": "eu_bank_transfer",
    }
    return {
        "object": "funding_instructions",
        "bank_transfer": transfer,
        "currency": currency,
        "funding_type": "bank_transfer",
        "livemode": False,
    }


def fund_balance(call: Call) -> Document:
    """A test helper of Stripe's: the customer sends money."""
    customer, params = customer_at(call, param="customer"), call.params
    if params["amount"] < 1:
        raise invalid_request(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    return fund(call.tx, customer, params["amount"], check_currency(params["currency"]), params.get("reference"))


def apply_balance(call: Call) -> Document:
    intent = call.tx.need("payment_intent", call.path["id"], param="intent", status=404)
    if str(call.params.get("currency", intent["currency"])).lower() != intent["currency"]:
        raise invalid_request("The currency must be that of the PaymentIntent.", param="currency")
    apply_by_hand(call.tx, intent, call.params.get("amount"))
    return intent


ROUTES = (
    Route("GET", f"{_OWNED}/cash_balance", retrieve_balance, "CustomerCashBalanceRetrieveParams", ""),
    Route(
        "POST",
        f"{_OWNED}/cash_balance",
        update_balance,
        "CustomerCashBalanceUpdateParams",
        "settings{reconciliation_mode}",
    ),
    Route(
        "GET",
        f"{_OWNED}/cash_balance_transactions",
        list_transactions,
        "CustomerCashBalanceTransactionListParams",
        PAGE,
    ),
    Route(
        "GET",
        f"{_OWNED}/cash_balance_transactions/{{transaction}}",
        retrieve_transaction,
        "CustomerCashBalanceTransactionRetrieveParams",
        "",
    ),
    Route(
        "POST",
        f"{_OWNED}/funding_instructions",
        create_instructions,
        "CustomerCreateFundingInstructionsParams",
        "bank_transfer{eu_bank_transfer type=eu_bank_transfer} currency funding_type",
    ),
    Route(
        "POST",
        "/v1/test_helpers/customers/{id}/fund_cash_balance",
        fund_balance,
        "test_helpers.CustomerFundCashBalanceParams",
        "amount currency reference",
    ),
    Route(
        "POST",
        "/v1/payment_intents/{id}/apply_customer_balance",
        apply_balance,
        "PaymentIntentApplyCustomerBalanceParams",
        "amount currency",
    ),
)
