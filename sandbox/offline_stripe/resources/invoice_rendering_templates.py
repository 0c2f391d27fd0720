"""`/v1/invoice_rendering_templates`: listed, archived and brought back. `billing.rendering` makes them."""

from offline_stripe.documents import Document
from offline_stripe.store.listing import Filters, Page, list_documents
from offline_stripe.wire.errors import invalid_request
from offline_stripe.wire.routing import Call, Route
from offline_stripe.wire.simulated import PAGE

PATH = "/v1/invoice_rendering_templates"


def _template(call: Call) -> Document:
    return call.tx.need("invoice_rendering_template", call.path["id"], param="template", status=404)


def retrieve_template(call: Call) -> Document:
    template = _template(call)
    version = int(call.params.get("version") or template["version"])
    if not 1 <= version <= template["version"]:
        raise invalid_request(f"The template has no version {version}.", param="version")
    return {**template, "version": version}


def archive_template(call: Call) -> Document:
    return _change(call, "archived")


def unarchive_template(call: Call) -> Document:
    return _change(call, "active")


def _change(call: Call, status: str) -> Document:
    template = _template(call)
    if template["status"] == status:
        raise invalid_request(f"The invoice rendering template is already {status}.", param="template")
    template["status"] = status
    call.tx.save(template)
    return template


def list_templates(call: Call) -> Page:
    filters = Filters().equal("status", call.params.get("status"))
    return list_documents(call.tx, "invoice_rendering_template", call.params, filters, PATH)


ROUTES = (
    Route("GET", PATH, list_templates, "InvoiceRenderingTemplateListParams", PAGE + "status"),
    Route("GET", f"{PATH}/{{id}}", retrieve_template, "InvoiceRenderingTemplateRetrieveParams", "version"),
    Route("POST", f"{PATH}/{{id}}/archive", archive_template, "InvoiceRenderingTemplateArchiveParams", ""),
    Route("POST", f"{PATH}/{{id}}/unarchive", unarchive_template, "InvoiceRenderingTemplateUnarchiveParams", ""),
)
