"""Early fraud warnings: the card network's word that a charge may be fraudulent.

A warning can be acted on until its charge is disputed or refunded in full.
"""

from offline_stripe.documents import Document
from offline_stripe.presentation import announce, updating
from offline_stripe.shapes import disputes as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request

KIND = "radar.early_fraud_warning"
FRAUD_TYPES = frozenset(
    {"card_never_received", "fraudulent_card_application", "made_with_counterfeit_card", "made_with_lost_card",
     "made_with_stolen_card", "misc", "unauthorized_use_of_card"}
)  # fmt: skip


def warn(tx: Transaction, charge: Document, fraud_type: str = "made_with_stolen_card") -> Document:
    """Record and announce a warning. Raises StripeError for a charge that took no money, or an unknown type."""
    if charge["status"] != "succeeded" or charge["payment_method_details"]["type"] != "card":
        raise invalid_request("Only a successful charge of a card can have an early fraud warning.", param="charge")
    if fraud_type not in FRAUD_TYPES:
        raise invalid_request(f"fraud_type is one of {', '.join(sorted(FRAUD_TYPES))}", param="fraud_type")
    warning = tx.add(
        shapes.early_fraud_warning(
            id=tx.new_id("issfr"),
            actionable=not (charge["disputed"] or charge["refunded"]),
            charge=charge["id"],
            created=tx.now,
            fraud_type=fraud_type,
            payment_intent=charge["payment_intent"],
            _link=charge["id"],
        )
    )
    announce(tx, f"{KIND}.created", warning)
    return warning


def settle_warnings(tx: Transaction, charge: Document) -> None:
    """Announce that there is nothing left to act on."""
    for warning in tx.where(KIND, _link=charge["id"]):
        with updating(tx, f"{KIND}.updated", warning):
            warning["actionable"] = False
