"""PaymentIntents and charges: one attempt to take money, and its result.

It holds the PaymentIntent's states, each attempt's charge, and the declines. It knows no invoice: `billing.collection`
passes the result on.
"""

from dataclasses import dataclass

from offline_stripe.billing.cash import give_back
from offline_stripe.billing.currencies import check_charge
from offline_stripe.billing.disputes import follow_up
from offline_stripe.billing.ledger import enter_charge
from offline_stripe.billing.test_methods import OUTCOMES, Outcome
from offline_stripe.documents import Document, public
from offline_stripe.presentation import announce
from offline_stripe.shapes import payments as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import DOCS, StripeError, invalid_request

AUTHORIZED_S = 7 * 86_400
AUTHENTICATION_FAILED = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try again."
)
MANDATE_INVALID = "The provided mandate is invalid and can not be used for the payment intent."
_ADVICE = {
    "insufficient_funds": "try_again_later",
    "processing_error": "try_again_later",
    "generic_decline": "try_again_later",
    "lost_card": "do_not_try_again",
    "stolen_card": "do_not_try_again",
    "expired_card": "confirm_card_data",
    "incorrect_cvc": "confirm_card_data",
}


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the customer is present to authenticate, and where to send them back to."""

    off_session: bool = False
    """A challenge is a decline."""
    by_merchant: bool = False
    """The merchant charges what was saved."""
    return_url: str | None = None
    uses_stripe_js: bool = False


def open_intent(tx: Transaction, *, amount: int, currency: str, **fields: object) -> Document:
    """Create and announce a PaymentIntent."""
    check_charge(amount, currency)
    identifier = tx.new_id("pi")
    intent = shapes.payment_intent(
        id=identifier,
        amount=amount,
        client_secret=f"{identifier}_secret_{tx.store.identifiers.draw(25)}",
        created=tx.now,
        currency=currency,
        **fields,
    )
    tx.add(intent)
    announce(tx, "payment_intent.created", intent)
    return intent


def shown(intent: Document) -> Document:
    """A PaymentIntent or a payment method as an error carries it."""
    return public(intent)


def attempt(tx: Transaction, intent: Document, method: Document, presence: Presence) -> StripeError | None:
    """Try to take the money. Returns the error of a decline, with all changes kept."""
    outcome = OUTCOMES[method["_outcome"]]
    give_back(tx, intent)
    intent |= {"payment_method": method["id"], "last_payment_error": None, "next_action": None}
    if method["type"] != "card" and any(
        mandate["status"] == "inactive" for mandate in tx.where("mandate", payment_method=method["id"])
    ):
        return decline(tx, intent, method, Outcome("declines", "payment_intent_mandate_invalid", None, MANDATE_INVALID))
    if _asks_for_authentication(intent, method, outcome) and not (presence.by_merchant and outcome.off_session_passes):
        if presence.off_session:
            return decline(tx, intent, method, _authentication_required())
        ask_for_authentication(tx, intent, presence)
        return None
    return charge_method(tx, intent, method, outcome)


def _asks_for_authentication(intent: Document, method: Document, outcome: Outcome) -> bool:
    if intent.get("_authenticated") == method["id"]:
        return False
    if method["type"] == "card" and _three_d_secure(intent) in {"any", "challenge"}:
        return True
    return outcome.kind == "authenticates" and not (outcome.once_set_up and method.get("_set_up"))


def _three_d_secure(intent: Document) -> object:
    return intent["payment_method_options"].get("card", {}).get("request_three_d_secure")


def charge_method(tx: Transaction, intent: Document, method: Document, outcome: Outcome) -> StripeError | None:
    """The part of an attempt after any authentication."""
    if outcome.kind == "debits":
        _begin_debit(tx, intent, method, outcome)
        return None
    if outcome.kind == "declines" or outcome.code is not None:
        return decline(tx, intent, method, outcome)
    charge = new_charge(tx, intent, method)
    if intent["capture_method"] == "manual":
        authorize(tx, intent, charge)
    else:
        succeed(tx, intent, charge)
    return None


def _authentication_required() -> Outcome:
    return Outcome(
        "declines",
        "authentication_required",
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
    )


def ask_for_authentication(tx: Transaction, intent: Document, presence: Presence) -> None:
    token = intent.get("_link") or tx.store.identifiers.draw(32)
    intent |= {"status": "requires_action", "next_action": challenge(tx, token, presence), "_link": token}
    tx.save(intent)
    announce(tx, "payment_intent.requires_action", intent)


def challenge(tx: Transaction, token: str, presence: Presence) -> Document:
    """The `next_action` that leads to the 3-D Secure page."""
    url = f"{tx.store.base_url}/3ds/{token}"
    action: Document = {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url, "source": f"src_{token[:24]}"},
    }
    if presence.return_url and not presence.uses_stripe_js:
        action = {
            "redirect_to_url": {"return_url": presence.return_url, "url": url},
            "type": "redirect_to_url",
        }
    return action


def authorize(tx: Transaction, intent: Document, charge: Document) -> None:
    """Hold the money on the card until it is captured."""
    ends = tx.now + AUTHORIZED_S
    charge |= {"status": "succeeded", "paid": True, "outcome": shapes.outcome()}
    charge["payment_method_details"]["card"]["capture_before"] = ends
    tx.save(charge)
    announce(tx, "charge.succeeded", charge)
    intent |= {
        "status": "requires_capture",
        "amount_capturable": charge["amount"],
        "latest_charge": charge["id"],
        "next_action": None,
    }
    tx.save(intent)
    tx.schedule("expire", intent["id"], ends)
    announce(tx, "payment_intent.amount_capturable_updated", intent)


def succeed(tx: Transaction, intent: Document, charge: Document) -> None:
    charge |= {
        "status": "succeeded",
        "paid": True,
        "captured": True,
        "amount_captured": charge["amount"],
        "outcome": shapes.outcome(),
    }
    tx.save(charge)
    announce(tx, "charge.succeeded", charge)
    follow_up(tx, charge)
    intent |= {
        "status": "succeeded",
        "amount_received": charge["amount"],
        "latest_charge": charge["id"],
        "next_action": None,
        "processing": None,
    }
    tx.save(intent)
    announce(tx, "payment_intent.succeeded", intent)


def decline(
    tx: Transaction, intent: Document, method: Document, outcome: Outcome, charge: Document | None = None
) -> StripeError:
    """Record a failed charge. The PaymentIntent then needs another payment method."""
    charge = charge or new_charge(tx, intent, method)
    charge |= {
        "status": "failed",
        "paid": False,
        "failure_code": outcome.code,
        "failure_message": outcome.message,
        "outcome": shapes.outcome(
            network_status="declined_by_network",
            reason=outcome.decline_code or outcome.code,
            seller_message="The bank did not return any further details with this decline.",
            type="issuer_declined",
            advice_code=_ADVICE.get(outcome.decline_code or ""),
        ),
    }
    tx.save(charge)
    announce(tx, "charge.failed", charge)
    return fail(tx, intent, method, outcome, charge)


def fail(tx: Transaction, intent: Document, method: Document, outcome: Outcome, charge: Document | None) -> StripeError:
    error: Document = {"code": outcome.code, "doc_url": f"{DOCS}/{(outcome.code or '').replace('_', '-')}"}
    if charge is not None:
        error["charge"] = charge["id"]
    if outcome.decline_code:
        error["decline_code"] = outcome.decline_code
        advice = _ADVICE.get(outcome.decline_code)
        error |= {"advice_code": advice} if advice else {}
    kind = "invalid_request_error" if outcome.code == "payment_intent_authentication_failure" else "card_error"
    error |= {"message": outcome.message, "payment_method": public(method), "type": kind}
    intent.pop("_authenticated", None)
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": error,
        "latest_charge": charge["id"] if charge is not None else intent["latest_charge"],
    }
    tx.save(intent)
    announce(tx, "payment_intent.payment_failed", intent)
    details = {name: value for name, value in error.items() if name not in {"code", "message", "type"}}
    return StripeError(
        outcome.message or "Your payment was declined.",
        status=402,
        kind="card_error",
        code=outcome.code,
        details={**details, "payment_intent": public(intent)},
        keeps_changes=True,
    )


def _begin_debit(tx: Transaction, intent: Document, method: Document, outcome: Outcome) -> None:
    if intent["capture_method"] == "manual":
        raise invalid_request(
            f"Payments with a {method['type']} cannot be captured manually.",
            code="payment_intent_invalid_parameter",
            param="capture_method",
        )
    charge = new_charge(tx, intent, method)
    intent |= {"status": "processing", "latest_charge": charge["id"]}
    tx.save(intent)
    announce(tx, "payment_intent.processing", intent)
    announce(tx, "charge.pending", charge)
    if outcome.code != "stays":
        tx.schedule("settle", intent["id"], tx.now + tx.switches.debit_settlement_s)


def method_types(currency: str) -> list[str]:
    """The types of payment methods for a payment in this currency, where nothing else is asked for."""
    return ["card", *{"usd": ["us_bank_account"], "eur": ["sepa_debit"]}.get(currency, [])]


def new_charge(tx: Transaction, intent: Document, method: Document) -> Document:
    """Create a charge that is pending until its result is known."""
    bank = method["type"] != "card"
    amount = intent["amount"]
    if method["type"] == "sepa_debit":
        details: Document = {"type": "sepa_debit", "sepa_debit": shapes.sepa_details(method["sepa_debit"])}
    elif method["type"] == "customer_balance":
        details = {"type": "customer_balance", "customer_balance": {}}
    elif bank:
        details = {"type": method["type"], method["type"]: shapes.bank_details(method[method["type"]])}
    else:
        secured = {"result": "authenticated", "version": "2.2.0"} if intent.get("_authenticated") else None
        details = {"type": "card", "card": shapes.card_details(method["card"], amount=amount, three_d_secure=secured)}
    return tx.add(
        shapes.charge(
            id=tx.new_id("py" if bank else "ch"),
            amount=amount,
            billing_details=method["billing_details"],
            created=tx.now,
            currency=intent["currency"],
            customer=intent["customer"],
            calculated_statement_descriptor=intent["statement_descriptor"] or "SANDBOX",
            description=intent["description"],
            metadata=dict(intent["metadata"]),
            payment_intent=intent["id"],
            payment_method=method["id"],
            payment_method_details=details,
            receipt_email=intent["receipt_email"],
            shipping=intent["shipping"],
            statement_descriptor=intent["statement_descriptor"],
            statement_descriptor_suffix=intent["statement_descriptor_suffix"],
            transfer_group=intent["transfer_group"],
            _link=intent["id"],
            _outcome=method["_outcome"],
        )
    )


def book(tx: Transaction, charge: Document) -> None:
    """Create the balance transaction that a successful charge gets a moment later."""
    before = public(charge).copy()
    charge["balance_transaction"] = enter_charge(tx, charge)["id"]
    charge["receipt_url"] = f"{tx.store.base_url}/receipts/{charge['id']}"
    tx.save(charge)
    tx.emit_update("charge.updated", before, public(charge))


def cancel(tx: Transaction, intent: Document, reason: str | None, *, announced: bool = True) -> None:
    give_back(tx, intent)
    intent |= {"status": "canceled", "canceled_at": tx.now, "cancellation_reason": reason, "next_action": None}
    tx.unschedule("settle", intent["id"])
    tx.save(intent)
    if announced:
        announce(tx, "payment_intent.canceled", intent)
