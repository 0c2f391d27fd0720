"""Templates that invoices are rendered with."""

from offline_stripe.documents import Document


def invoice_rendering_template(**fields: object) -> Document:
    return {
        "id": None,
        "object": "invoice_rendering_template",
        "created": None,
        "livemode": False,
        "metadata": {},
        "nickname": None,
        "status": "active",
        "version": 1,
        **fields,
    }
