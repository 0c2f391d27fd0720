"""The 3-D Secure challenge: the page on which a test card's holder passes or fails.

It returns to `return_url` with Stripe's query parameters.
"""

from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

from offline_stripe.billing.collection import authenticate
from offline_stripe.billing.currencies import display
from offline_stripe.billing.setups import authenticate_setup
from offline_stripe.documents import Document
from offline_stripe.pages.html import page
from offline_stripe.store.transaction import Cause, Store, Transaction
from offline_stripe.wire.form import decode_form
from offline_stripe.wire.messages import Request, Response

_TELL = '<script src="/elements/challenge.js"></script>'
"""Tells the page around a frame that the challenge was answered."""


def _waiting(tx: Transaction, token: str) -> Document | None:
    found = tx.where("payment_intent", _link=token) or tx.where("setup_intent", _link=token)
    return found[0] if found else None


def challenge_page(tx: Transaction, token: str) -> Response:
    intent = _waiting(tx, token)
    if intent is None or intent["status"] != "requires_action":
        return page("Nothing to authenticate", "<h1>There is nothing to authenticate here</h1>", status=404)
    setup = intent["object"] == "setup_intent"
    about = "A card to be kept" if setup else f"A payment of {display(intent['amount'], intent['currency'])}"
    body = (
        "<h1>3D Secure 2 test page</h1>"
        f"<p>{escape(about)} asks for authentication.</p>"
        '<form method="post"><button name="outcome" value="succeed">Complete</button>'
        '<button name="outcome" value="fail">Fail</button></form>'
    )
    response = page("3D Secure", body)
    response.headers["Content-Security-Policy"] += "; form-action *"
    return response


def answer_challenge(store: Store, token: str, request: Request) -> Response:
    """Authenticate, then return to where the payment came from."""
    passed = decode_form(request.body.decode("utf-8", "replace")).get("outcome") == "succeed"
    with store.database.writing():
        tx = Transaction(store, Cause())
        intent = _waiting(tx, token)
        if intent is None or intent["status"] != "requires_action":
            return page("Nothing to authenticate", "<h1>There is nothing to authenticate here</h1>", status=404)
        back = (intent["next_action"].get("redirect_to_url") or {}).get("return_url")
        answer = authenticate if intent["object"] == "payment_intent" else authenticate_setup
        error = answer(tx, intent, passed=passed)
        tx.finish()
    if back is None:
        outcome = "passed" if error is None else "failed"
        return page("3D Secure", f"<h1>Authentication {outcome}</h1><p>You can close this page.</p>{_TELL}")
    return Response(303, b"", {"Location": return_address(back, intent), "Referrer-Policy": "no-referrer"})


def return_address(url: str, intent: Document) -> str:
    """`return_url` with the parameters Stripe adds."""
    status = "succeeded" if intent["status"] in {"succeeded", "processing"} else "failed"
    added = urlencode(
        {
            intent["object"]: intent["id"],
            f"{intent['object']}_client_secret": intent["client_secret"],
            "redirect_status": status,
        }
    )
    parts = urlsplit(url)
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit(parts._replace(query=query))
