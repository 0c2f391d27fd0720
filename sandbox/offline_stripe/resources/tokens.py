"""`/v1/tokens`: cards as tokens, which a payment method is made of once.

Stripe.js makes them; `billing.methods` reads them.
"""

from offline_stripe.billing.methods import read_card
from offline_stripe.documents import Document
from offline_stripe.publishable import FROM_STRIPE_JS
from offline_stripe.shapes import tokens as shapes
from offline_stripe.wire.errors import parameter_missing
from offline_stripe.wire.routing import Call, Route

_LINES = ("address_city", "address_country", "address_line1", "address_line2", "address_state", "address_zip")


def create_token(call: Call) -> Document:
    tx, sent = call.tx, call.params.get("card")
    if not isinstance(sent, dict):
        raise parameter_missing("card")
    template, expiry = read_card(tx, sent)
    card = shapes.card(
        id=tx.new_id("card"),
        brand=shapes.BRAND_NAMES[template.brand],
        cvc_check="unchecked" if sent.get("cvc") else None,
        exp_month=expiry["exp_month"],
        exp_year=expiry["exp_year"],
        fingerprint=template.fingerprint,
        funding=template.funding,
        last4=template.number[-4:],
        name=sent.get("name"),
        **{line: sent.get(line) for line in _LINES},
    )
    token = shapes.token("card", card, id=tx.new_id("tok"), created=tx.now, _token=template.token)
    return tx.add(token)


def retrieve_token(call: Call) -> Document:
    return call.tx.need("token", call.path["id"], param="token", status=404)


ROUTES = (
    Route(
        "POST",
        "/v1/tokens",
        create_token,
        "TokenCreateParams",
        takes=f"card{{number exp_month exp_year cvc name {' '.join(_LINES)}}}",
        publishable=True,
        also=FROM_STRIPE_JS,
    ),
    Route("GET", "/v1/tokens/{id}", retrieve_token, "TokenRetrieveParams", takes=""),
)
