"""Tax ids of customers and of the account, and their verification.

Stripe asks the authorities about some types, which takes a moment. In test mode a number of zeros is verified, one of
ones is not, and one of twos stays pending (Stripe, "Customer tax IDs"). The sandbox verifies every other number.
"""

import re

from offline_stripe.billing.jurisdictions import EU_COUNTRIES
from offline_stripe.documents import Document
from offline_stripe.presentation import announce, updating
from offline_stripe.shapes import taxes as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request

VERIFIED_TYPES = frozenset({"au_abn", "eu_vat", "gb_vat"})
STATUSES = frozenset({"pending", "unavailable", "unverified", "verified"})
MOST_TAX_IDS = 5
_EU_PREFIXES = "|".join(sorted((EU_COUNTRIES - {"GR"}) | {"EL", "XI"}))
_FORMS = {
    "au_abn": r"\d{11}",
    "br_cnpj": r"\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}",
    "ca_bn": r"\d{9}",
    "ch_vat": r"CHE-?\d{3}\.?\d{3}\.?\d{3} ?(MWST|TVA|IVA)",
    "eu_vat": rf"({_EU_PREFIXES})[A-Z0-9]{{2,12}}",
    "gb_vat": r"GB(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
    "in_gst": r"\d{2}[A-Z0-9]{13}",
    "no_vat": r"\d{9}MVA",
    "us_ein": r"\d{2}-?\d{7}",
}
"""The forms of some types. Of others any text is taken."""


def add_tax_id(tx: Transaction, kind: str, value: str, owner: Document | None, *, param: str = "value") -> Document:
    """Create a tax id of a customer, or of the account without one. Raises StripeError for a value of the wrong form."""
    value = value.strip().upper()
    form = _FORMS.get(kind)
    if not value or (form is not None and not re.fullmatch(form, value)):
        raise invalid_request(f"Invalid value for {kind}.", code="tax_id_invalid", param=param)
    if owner is not None and len(tx.where("tax_id", customer=owner["id"])) >= MOST_TAX_IDS:
        raise invalid_request(f"A customer can have at most {MOST_TAX_IDS} tax IDs.")
    pending = kind in VERIFIED_TYPES
    tax_id = tx.add(
        shapes.tax_id(
            id=tx.new_id("txi"),
            country=_country(kind, value),
            created=tx.now,
            customer=owner["id"] if owner else None,
            owner={"customer": owner["id"], "type": "customer"} if owner else {"type": "self"},
            type=kind,
            value=value,
            verification=shapes.verification("pending" if pending else "unavailable"),
        )
    )
    if owner is not None:
        announce(tx, "customer.tax_id.created", tax_id)
    if pending:
        tx.schedule("tax_id_verified", tax_id["id"], tx.now + tx.switches.tax_id_verification_s)
    return tax_id


def _country(kind: str, value: str) -> str:
    prefix = value[:2] if kind == "eu_vat" else kind[:2].upper()
    return {"EL": "GR", "XI": "GB"}.get(prefix, prefix)


def remove_tax_id(tx: Transaction, tax_id: Document) -> None:
    tx.unschedule("tax_id_verified", tax_id["id"])
    tx.remove(tax_id)
    if tax_id["customer"] is not None:
        announce(tx, "customer.tax_id.deleted", tax_id)


def answer_authority(tx: Transaction, tax_id: Document) -> None:
    """What the authority says, which the number decides."""
    digits = set(re.sub(r"\D", "", tax_id["value"]))
    if digits == {"1"}:
        verify(tx, tax_id, "unverified")
    elif digits != {"2"}:
        verify(tx, tax_id, "verified", name="Sandbox Customer", address="1 Sandbox Street")


def verify(
    tx: Transaction, tax_id: Document, status: str, *, name: str | None = None, address: str | None = None
) -> None:
    """Set what the authority says. Raises StripeError for an unknown status."""
    if status not in STATUSES:
        raise invalid_request(f"status is one of {', '.join(sorted(STATUSES))}", param="status")
    tx.unschedule("tax_id_verified", tax_id["id"])
    verification = shapes.verification(status, name=name, address=address)
    if tax_id["customer"] is not None:
        with updating(tx, "customer.tax_id.updated", tax_id):
            tax_id["verification"] = verification
        return
    tax_id["verification"] = verification
    tx.save(tax_id)
