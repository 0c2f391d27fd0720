"""How an invoice is rendered: its template and version, page size and taxes.

At Stripe templates are made in the Dashboard; here a control call makes them.
"""

from offline_stripe.documents import Document
from offline_stripe.shapes import rendering as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request

RENDERING = "rendering{amount_tax_display pdf template template_version}"
"""What of a `rendering` parameter has an effect."""


def make_template(tx: Transaction, nickname: str | None) -> Document:
    return tx.add(shapes.invoice_rendering_template(id=tx.new_id("inrtem"), created=tx.now, nickname=nickname))


def active_template(tx: Transaction, identifier: str, param: str) -> Document:
    """The template with this id. Raises StripeError for an archived one."""
    template = tx.need("invoice_rendering_template", identifier, param=param)
    if template["status"] != "active":
        raise invalid_request("The invoice rendering template is archived.", param=param)
    return template


def render(tx: Transaction, current: Document, asked: Document) -> Document:
    """`rendering` of an invoice, with what was asked for."""
    changed: Document = {}
    if "amount_tax_display" in asked:
        changed["amount_tax_display"] = asked["amount_tax_display"] or None
    if "pdf" in asked:
        changed["pdf"] = {"page_size": asked["pdf"].get("page_size", "auto")}
    if "template" in asked or asked.get("template_version"):
        changed |= _template(tx, asked.get("template", current["template"]), asked.get("template_version"))
    return {**current, **changed}


def _template(tx: Transaction, identifier: str | None, version: int | None) -> Document:
    if not identifier:
        return {"template": None, "template_version": None}
    template = active_template(tx, identifier, "rendering[template]")
    version = int(version or template["version"])
    if not 1 <= version <= template["version"]:
        raise invalid_request(f"The template has no version {version}.", param="rendering[template_version]")
    return {"template": template["id"], "template_version": version}
