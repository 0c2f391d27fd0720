"""SetupIntents: a payment method is kept for later without a payment.

It holds the SetupIntent's states, each attempt, and the mandates of bank debits.
"""

from offline_stripe.billing.methods import ATTACHABLE, attach_method
from offline_stripe.billing.payments import AUTHENTICATION_FAILED, Presence, challenge
from offline_stripe.billing.test_methods import OUTCOMES, Outcome
from offline_stripe.documents import Document, public
from offline_stripe.presentation import announce, updating
from offline_stripe.shapes import setups as shapes
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import DOCS, StripeError, invalid_request

MANDATE_STATUSES = frozenset({"active", "inactive", "pending"})


def open_setup(tx: Transaction, **fields: object) -> Document:
    """Create and announce a SetupIntent."""
    identifier = tx.new_id("seti")
    secret = f"{identifier}_secret_{tx.store.identifiers.draw(25)}"
    setup = tx.add(shapes.setup_intent(id=identifier, client_secret=secret, created=tx.now, **fields))
    announce(tx, "setup_intent.created", setup)
    return setup


def attempt(
    tx: Transaction, setup: Document, method: Document, presence: Presence, acceptance: Document | None
) -> StripeError | None:
    """Try to set the payment method up. Returns the error of a decline, with all changes kept."""
    outcome = OUTCOMES[method["_outcome"]]
    made = tx.add(
        shapes.setup_attempt(
            method,
            id=tx.new_id("setatt"),
            created=tx.now,
            customer=setup["customer"],
            setup_intent=setup["id"],
            usage=setup["usage"],
            _link=setup["id"],
        )
    )
    setup |= {
        "last_setup_error": None,
        "latest_attempt": made["id"],
        "next_action": None,
        "payment_method": method["id"],
        "_acceptance": acceptance,
    }
    if outcome.kind == "declines" and method["_outcome"] != ATTACHABLE:
        return _fail(tx, setup, method, outcome)
    if outcome.kind == "authenticates":
        token = setup.get("_link") or tx.store.identifiers.draw(32)
        setup |= {"status": "requires_action", "next_action": challenge(tx, token, presence), "_link": token}
        _end_attempt(tx, setup, "requires_action")
        tx.save(setup)
        announce(tx, "setup_intent.requires_action", setup)
        return None
    _succeed(tx, setup, method)
    return None


def authenticate_setup(tx: Transaction, setup: Document, *, passed: bool) -> StripeError | None:
    """Apply the customer's answer to a 3-D Secure challenge."""
    if setup["status"] != "requires_action":
        raise invalid_request("This SetupIntent is not waiting for authentication.")
    method = tx.need("payment_method", setup["payment_method"], param="payment_method")
    if not passed:
        code = "setup_intent_authentication_failure"
        return _fail(tx, setup, method, Outcome("declines", code, None, AUTHENTICATION_FAILED))
    _succeed(tx, setup, method)
    return None


def _succeed(tx: Transaction, setup: Document, method: Document) -> None:
    method["_set_up"] = True
    tx.save(method)
    customer = tx.get("customer", setup["customer"]) if setup["customer"] else None
    if customer is not None:
        attach_method(tx, method, customer)
    if method["type"] != "card":
        setup["mandate"] = _agree(tx, method, setup.get("_acceptance"))["id"]
    setup |= {"status": "succeeded", "next_action": None}
    _end_attempt(tx, setup, "succeeded")
    tx.save(setup)
    announce(tx, "setup_intent.succeeded", setup)


def _agree(tx: Transaction, method: Document, sent: Document | None) -> Document:
    """The mandate of a bank debit. Without a customer's word it counts as given offline."""
    sent = sent or {"type": "offline"}
    kind = sent["type"]
    details = sent.get(kind) or {}
    online = {"ip_address": details.get("ip_address"), "user_agent": details.get("user_agent")}
    acceptance = {
        "accepted_at": sent.get("accepted_at", tx.now),
        kind: online if kind == "online" else {},
        "type": kind,
    }
    return tx.add(shapes.mandate(method, acceptance, id=tx.new_id("mandate")))


def set_mandate(tx: Transaction, mandate: Document, status: str) -> None:
    """What the customer's bank says of a mandate. Raises StripeError for an unknown status."""
    if status not in MANDATE_STATUSES:
        raise invalid_request(f"status is one of {', '.join(sorted(MANDATE_STATUSES))}", param="status")
    with updating(tx, "mandate.updated", mandate):
        mandate["status"] = status


def _end_attempt(tx: Transaction, setup: Document, status: str, error: Document | None = None) -> None:
    made = tx.need("setup_attempt", setup["latest_attempt"], param="setup_attempt")
    made |= {"status": status, "setup_error": error}
    tx.save(made)


def _fail(tx: Transaction, setup: Document, method: Document, outcome: Outcome) -> StripeError:
    authentication = outcome.decline_code is None and outcome.code == "setup_intent_authentication_failure"
    error: Document = {
        "code": outcome.code,
        "doc_url": f"{DOCS}/{str(outcome.code).replace('_', '-')}",
        "message": outcome.message,
        "payment_method": public(method),
        "type": "invalid_request_error" if authentication else "card_error",
    }
    if outcome.decline_code:
        error["decline_code"] = outcome.decline_code
    setup |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_setup_error": error,
    }
    _end_attempt(tx, setup, "failed", error)
    tx.save(setup)
    announce(tx, "setup_intent.setup_failed", setup)
    details = {name: value for name, value in error.items() if name not in {"code", "message", "type"}}
    return StripeError(
        str(outcome.message),
        status=402,
        kind="card_error",
        code=outcome.code,
        details={**details, "setup_intent": public(setup)},
        keeps_changes=True,
    )


def cancel_setup(tx: Transaction, setup: Document, reason: str | None) -> None:
    setup |= {"status": "canceled", "cancellation_reason": reason, "next_action": None}
    tx.save(setup)
    announce(tx, "setup_intent.canceled", setup)
