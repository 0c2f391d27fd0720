"""Rendering templates: made by a control call, used by customers and invoices, archived."""

import pytest
import stripe

from tests.sandbox.conftest import Drafting
from tests.sandbox.process import RunningSandbox


def made(box: RunningSandbox, nickname: str = "Blue") -> str:
    return str(box.control("POST", "invoice_rendering_templates", nickname=nickname)["id"])


def test_an_invoice_is_rendered_with_a_template(box: RunningSandbox, draft: Drafting) -> None:
    template = made(box)
    invoice = draft(1000, rendering={"template": template, "pdf": {"page_size": "a4"}})
    assert invoice.rendering is not None
    assert (invoice.rendering.template, invoice.rendering.template_version) == (template, 1)
    assert box.v1.invoices.update(invoice.id, {"rendering": {"template": ""}}).rendering.template is None  # type: ignore[union-attr]


def test_an_invoice_inherits_its_customers_template(box: RunningSandbox, draft: Drafting) -> None:
    template = made(box)
    payer = box.v1.customers.create(
        {"email": "a@b.example", "invoice_settings": {"rendering_options": {"template": template}}}
    )
    rendering = draft(1000, customer=payer.id).rendering
    assert rendering is not None
    assert (rendering.template, rendering.template_version) == (template, 1)


def test_templates_are_listed_and_archived(box: RunningSandbox, draft: Drafting) -> None:
    first, second = made(box, "Blue"), made(box, "Red")
    templates = box.v1.invoice_rendering_templates
    assert templates.retrieve(first).nickname == "Blue"
    assert templates.archive(first).status == "archived"
    assert [it.id for it in templates.list({"status": "active"}).data] == [second]
    with pytest.raises(stripe.InvalidRequestError, match="archived"):
        draft(1000, rendering={"template": first})
    with pytest.raises(stripe.InvalidRequestError, match="already archived"):
        templates.archive(first)
    assert templates.unarchive(first).status == "active"
    assert draft(1000, rendering={"template": first}).rendering.template == first  # type: ignore[union-attr]


def test_what_does_not_exist_is_refused(box: RunningSandbox, draft: Drafting) -> None:
    template = made(box)
    assert box.get("/v1/invoice_rendering_templates/inrtem_none").status_code == 404
    assert box.get(f"/v1/invoice_rendering_templates/{template}", version="2").status_code == 400
    for rendering in ({"template": "inrtem_none"}, {"template": template, "template_version": 7}):
        with pytest.raises(stripe.InvalidRequestError):
            draft(1000, rendering=rendering)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        box.v1.customers.create({"invoice_settings": {"rendering_options": {"template": "inrtem_none"}}})
    assert caught.value.param == "invoice_settings[rendering_options][template]"
