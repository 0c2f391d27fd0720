"""`/v1/payment_records`: payments that did not go through Stripe. The rules are in `billing.records`."""

from offline_stripe.billing import records
from offline_stripe.billing.currencies import check_currency
from offline_stripe.documents import Document
from offline_stripe.shapes import customers
from offline_stripe.shapes import records as shapes
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.store.transaction import Transaction, merged_metadata
from offline_stripe.wire.errors import invalid_request, parameter_missing
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

PATH = "/v1/payment_records"


def report_payment(call: Call) -> Document:
    tx, params = call.tx, call.params
    currency = check_currency(params["amount_requested"]["currency"], "amount_requested[currency]")
    if params["amount_requested"]["value"] < 1:
        raise invalid_request(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount_requested[value]",
        )
    if params["initiated_at"] > tx.now:
        raise invalid_request("This time must not be in the future.", param="initiated_at")
    outcome = params.get("outcome")
    if outcome is not None:
        records.require_moment(tx, outcome, params.get(outcome, {}).get(records.OUTCOMES[outcome]))
    record = tx.add(
        shapes.payment_record(
            currency,
            id=tx.new_id("pr"),
            amount_requested={"currency": currency, "value": params["amount_requested"]["value"]},
            created=tx.now,
            customer_details=_customer(tx, params.get("customer_details")),
            customer_presence=params.get("customer_presence"),
            description=params.get("description"),
            metadata=merged_metadata({}, params.get("metadata", {})),
            payment_method_details=_method(tx, params["payment_method_details"]),
            processor_details=_processor(params.get("processor_details")),
            shipping_details=customers.shipping(params.get("shipping_details")),
        )
    )
    if outcome is not None:
        records.conclude(tx, record, outcome)
    return record


def _customer(tx: Transaction, sent: Document | None) -> Document | None:
    if sent is None:
        return None
    if "customer" in sent:
        tx.need("customer", sent["customer"], param="customer_details[customer]")
    return {name: sent.get(name) for name in ("customer", "email", "name", "phone")}


def _method(tx: Transaction, sent: Document) -> Document:
    details: Document = {"billing_details": None, "payment_method": sent.get("payment_method"), "type": "custom"}
    if sent.get("payment_method"):
        tx.need("payment_method", sent["payment_method"], param="payment_method_details[payment_method]")
    if "billing_details" in sent:
        shown = customers.billing_details(sent["billing_details"])
        details["billing_details"] = {name: shown[name] for name in ("address", "email", "name", "phone")}
    custom = sent.get("custom", {})
    if "display_name" not in custom:
        raise parameter_missing("payment_method_details[custom][display_name]")
    details["custom"] = {"display_name": custom["display_name"], "type": custom.get("type")}
    return details


def _processor(sent: Document | None) -> Document:
    if sent is None or "custom" not in sent:
        return {"type": "custom"}
    return {"custom": {"payment_reference": sent["custom"]["payment_reference"]}, "type": "custom"}


def _record(call: Call) -> Document:
    return call.tx.need("payment_record", call.path["id"], param="id", status=404)


def retrieve_record(call: Call) -> Document:
    return _record(call)


def list_records(call: Call) -> Page:
    bounds = {"gt": call.params.get("created_after"), "lt": call.params.get("created_before")}
    filters = Filters().within("created", {name: moment for name, moment in bounds.items() if moment is not None})
    return list_documents(call.tx, "payment_record", call.params, filters, PATH)


def report_guaranteed(call: Call) -> Document:
    return _report(call, "guaranteed")


def report_failed(call: Call) -> Document:
    return _report(call, "failed")


def report_canceled(call: Call) -> Document:
    return _report(call, "canceled")


def _report(call: Call, outcome: str) -> Document:
    record = _record(call)
    name = records.OUTCOMES[outcome]
    if call.params[name] > call.tx.now:
        raise invalid_request("This time must not be in the future.", param=name)
    if "metadata" in call.params:
        record["metadata"] = merged_metadata(record["metadata"], call.params["metadata"])
    records.conclude(call.tx, record, outcome)
    return record


def report_refund(call: Call) -> Document:
    record, amount = _record(call), call.params.get("amount")
    if amount is not None and amount["currency"].lower() != record["amount_requested"]["currency"]:
        raise invalid_request("The currency must be that of the payment.", param="amount[currency]")
    if "metadata" in call.params:
        record["metadata"] = merged_metadata(record["metadata"], call.params["metadata"])
    records.report_refund(call.tx, record, amount["value"] if amount else None)
    return record


_REPORTED = (
    "amount_requested canceled customer_details { customer email name phone } customer_presence description failed"
    " guaranteed initiated_at metadata outcome payment_method_details { billing_details custom payment_method type }"
    " processor_details shipping_details"
)
_ATTEMPT = f"{PATH}/{{id}}/report_payment_attempt"
ROUTES = (
    Route("POST", f"{PATH}/report_payment", report_payment, "PaymentRecordReportPaymentParams", _REPORTED),
    Route("GET", PATH, list_records, "PaymentRecordListParams", PAGE + "created_after created_before"),
    Route("GET", f"{PATH}/{{id}}", retrieve_record, "PaymentRecordRetrieveParams", ""),
    Route(
        "POST",
        f"{_ATTEMPT}_guaranteed",
        report_guaranteed,
        "PaymentRecordReportPaymentAttemptGuaranteedParams",
        "guaranteed_at metadata",
    ),
    Route(
        "POST",
        f"{_ATTEMPT}_failed",
        report_failed,
        "PaymentRecordReportPaymentAttemptFailedParams",
        "failed_at metadata",
    ),
    Route(
        "POST",
        f"{_ATTEMPT}_canceled",
        report_canceled,
        "PaymentRecordReportPaymentAttemptCanceledParams",
        "canceled_at metadata",
    ),
    Route(
        "POST",
        f"{PATH}/{{id}}/report_refund",
        report_refund,
        "PaymentRecordReportRefundParams",
        "amount metadata outcome processor_details refunded",
    ),
)
