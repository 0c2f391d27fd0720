"""Tax ids, with every key Stripe shows."""

from offline_stripe.documents import Document


def tax_id(**fields: object) -> Document:
    return {
        "id": None,
        "object": "tax_id",
        "country": None,
        "created": None,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "owner": None,
        "type": None,
        "value": None,
        "verification": None,
        **fields,
    }


def verification(status: str, *, name: str | None = None, address: str | None = None) -> Document:
    return {"status": status, "verified_address": address, "verified_name": name}
