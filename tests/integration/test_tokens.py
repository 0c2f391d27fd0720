"""People with tokens of the identity provider: only real ones, only for their own invoices, and never open."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI

from app.access import tokens
from app.main import create_app
from app.settings import Settings
from tests.fixtures.application import running
from tests.fixtures.billing import open_invoice, posted
from tests.fixtures.identity import IdentityProvider
from tests.fixtures.service import API_KEY

Person = Callable[[str], httpx.AsyncClient]


@pytest.fixture
async def merchant(person: Person) -> httpx.AsyncClient:
    return person(API_KEY)


async def invoice_of(merchant: httpx.AsyncClient, reference: str) -> Any:
    customer = await posted(
        merchant,
        "/v1/customers",
        {"name": "Jenny", "email": "jenny@example.com", "reference": reference, "payment_method": "pm_card_visa"},
    )
    return await open_invoice(merchant, customer=customer["id"])


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def test_a_person_reads_and_pays_its_own_invoice(
    person: Person, merchant: httpx.AsyncClient, identity_provider: IdentityProvider
) -> None:
    invoice = await invoice_of(merchant, "jenny")
    jenny = person(identity_provider.token("jenny"))
    listed = (await jenny.get("/v1/invoices")).json()["data"]
    assert [one["id"] for one in listed] == [invoice["id"]]
    assert (await jenny.get(f"/v1/invoices/{invoice['id']}")).json()["status"] == "open"
    secret = await jenny.get(f"/v1/invoices/{invoice['id']}/client-secret")
    assert secret.json()["client_secret"]
    assert secret.headers["cache-control"] == "no-store"
    paid = await jenny.post(f"/v1/invoices/{invoice['id']}/pay", json={"payment_method": "pm_card_visa"})
    assert paid.json()["status"] == "paid", paid.text


async def test_a_person_cannot_say_that_it_paid_elsewhere(
    person: Person, merchant: httpx.AsyncClient, identity_provider: IdentityProvider
) -> None:
    invoice = await invoice_of(merchant, "jenny")
    jenny = person(identity_provider.token("jenny"))
    refused = await jenny.post(f"/v1/invoices/{invoice['id']}/pay", json={"paid_out_of_band": True})
    assert (refused.status_code, refused.json()["param"]) == (403, "paid_out_of_band")
    assert (await merchant.get(f"/v1/invoices/{invoice['id']}")).json()["status"] == "open"


async def test_somebody_elses_invoice_answers_exactly_as_one_that_does_not_exist(
    person: Person, merchant: httpx.AsyncClient, identity_provider: IdentityProvider
) -> None:
    invoice = await invoice_of(merchant, "jenny")
    oscar = person(identity_provider.token("oscar"))
    for path in ("", "/client-secret", "/fulfillment"):
        foreign = await oscar.get(f"/v1/invoices/{invoice['id']}{path}")
        none = await oscar.get(f"/v1/invoices/in_none{path}")
        assert foreign.status_code == none.status_code == 404
        assert foreign.json()["detail"].replace(invoice["id"], "in_none") == none.json()["detail"]
    assert (await oscar.post(f"/v1/invoices/{invoice['id']}/pay")).status_code == 404
    assert (await oscar.get("/v1/invoices", params={"customer": invoice["customer"]})).json()["data"] == []


async def test_an_id_that_can_be_none_is_not_found_for_a_person(
    person: Person, identity_provider: IdentityProvider
) -> None:
    jenny = person(identity_provider.token("jenny"))
    refused = await jenny.get("/v1/invoices/in_%00")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_guessing_a_payment_intent_opens_nothing(
    person: Person, merchant: httpx.AsyncClient, identity_provider: IdentityProvider
) -> None:
    invoice = await invoice_of(merchant, "jenny")
    oscar = person(identity_provider.token("oscar"))
    for guess in (invoice["payment_intent"], invoice["number"], invoice["id"]):
        assert (await oscar.get(f"/v1/invoices/{guess}/client-secret")).status_code == 404


async def test_somebody_who_is_no_customer_sees_empty_lists(
    person: Person, merchant: httpx.AsyncClient, identity_provider: IdentityProvider
) -> None:
    await invoice_of(merchant, "jenny")
    for token in (identity_provider.token("nobody"), identity_provider.token("nul\x00l")):
        stranger = person(token)
        for path in ("/v1/invoices", "/v1/fulfillments"):
            assert (await stranger.get(path)).json()["data"] == []


async def test_the_claim_may_hold_the_customers_id(
    settings: Settings, person: Person, merchant: httpx.AsyncClient, identity_provider: IdentityProvider
) -> None:
    invoice = await invoice_of(merchant, "jenny")
    changes = {name.lower(): value for name, value in identity_provider.settings.items()}
    changes |= {"oidc_customer_claim": "stripe_customer", "oidc_customer_by": "id"}
    deployment = create_app(settings.model_copy(update=changes))
    transport = httpx.ASGITransport(deployment)
    async with running(deployment), httpx.AsyncClient(transport=transport, base_url="http://x") as there:
        nobody = ("cus_other", "cus_\x00", "cus_\ud800", 7, None)
        for claim, seen in ((invoice["customer"], [invoice["id"]]), *((claim, []) for claim in nobody)):
            token = identity_provider.token("a-person", stripe_customer=claim)
            listed = await there.get("/v1/invoices", headers={"Authorization": f"Bearer {token}"})
            assert [one["id"] for one in listed.json()["data"]] == seen


async def test_a_token_that_is_not_good_is_refused(person: Person, identity_provider: IdentityProvider) -> None:
    provider = identity_provider
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kid, key, _ = provider.signing[0]
    public = public_pem(key)
    header, claims = (
        b64(json.dumps({"alg": "none", "kid": kid}).encode()),
        b64(json.dumps(provider.claims("x")).encode()),
    )
    confused = b64(json.dumps({"alg": "HS256", "kid": kid, "typ": "JWT"}).encode())
    hs256 = b64(hmac.digest(public, f"{confused}.{claims}".encode(), hashlib.sha256))
    forged = {
        "expired": provider.token("x", exp=1),
        "without expiry": provider.token("x", exp=None),
        "of another issuer": provider.token("x", iss="https://evil.example"),
        "for another audience": provider.token("x", aud="somebody-else"),
        "without audience": provider.token("x", aud=None),
        "without subject": provider.token("x", sub=None),
        "not valid yet": provider.token("x", nbf=4_000_000_000),
        "signed by a stranger": jwt.encode(provider.claims("x"), other, "RS256", headers={"kid": kid}),
        "of another algorithm of the same key": jwt.encode(provider.claims("x"), key, "PS256", headers={"kid": kid}),
        "without key id": jwt.encode(provider.claims("x"), key, "RS256"),
        "with its own key": jwt.encode(
            provider.claims("x"), other, "RS256", headers={"kid": kid, "jku": "http://127.0.0.1:1/evil"}
        ),
        "unsigned": f"{header}.{claims}.",
        "signed with the public key as a secret": f"{confused}.{claims}.{hs256}",
        "changed": provider.token("x")[:-4] + "AAAA",
        "too long": provider.token("x", padding="x" * 9000),
        "of half a character": provider.token("\ud800"),
        "three dots": "..",
    }
    statuses = {what: (await person(token).get("/v1/invoices")).status_code for what, token in forged.items()}
    assert statuses == dict.fromkeys(forged, 401)


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


async def test_keys_are_fetched_once_for_many_requests_at_once(
    person: Person, identity_provider: IdentityProvider
) -> None:
    somebody = person(identity_provider.token("x"))
    answers = await asyncio.gather(*(somebody.get("/v1/invoices") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert identity_provider.asked == 1


async def test_a_rotated_key_is_found_and_asking_for_unknown_ones_is_bounded(
    with_people: FastAPI, person: Person, identity_provider: IdentityProvider
) -> None:
    old = identity_provider.token("x")
    assert (await person(old).get("/v1/invoices")).status_code == 200
    identity_provider.rotate()
    keys = with_people.state.container.tokens._keys
    assert (await person(identity_provider.token("x")).get("/v1/invoices")).status_code == 401
    assert identity_provider.asked == 1  # asked a moment ago: not again yet
    keys._asked_at -= tokens.ASK_AGAIN_S
    assert (await person(identity_provider.token("x")).get("/v1/invoices")).status_code == 200
    assert (await person(old).get("/v1/invoices")).status_code == 200
    assert identity_provider.asked == 2
    invented = ec.generate_private_key(ec.SECP256R1())
    for number in range(5):
        token = jwt.encode(identity_provider.claims("x"), invented, "ES256", headers={"kid": f"invented-{number}"})
        assert (await person(token).get("/v1/invoices")).status_code == 401
    assert identity_provider.asked == 2


async def test_without_the_providers_keys_nobody_gets_in_and_is_told_why(
    with_people: FastAPI, person: Person, identity_provider: IdentityProvider
) -> None:
    identity_provider.down = True
    token = identity_provider.token("x")
    for _ in range(2):
        refused = await person(token).get("/v1/invoices")
        assert (refused.status_code, refused.json()["code"]) == (503, "identity_provider_unavailable")
        assert refused.headers["retry-after"] == "10"
    assert identity_provider.asked == 1
    assert (await person(API_KEY).get("/v1/invoices")).status_code == 200  # keys do not depend on it
    identity_provider.down = False
    with_people.state.container.tokens._keys._asked_at -= tokens.ASK_AGAIN_S
    assert (await person(token).get("/v1/invoices")).status_code == 200


async def test_known_keys_are_used_on_for_a_while_when_the_provider_goes_down_and_then_no_more(
    with_people: FastAPI, person: Person, identity_provider: IdentityProvider
) -> None:
    somebody = person(identity_provider.token("x"))
    assert (await somebody.get("/v1/invoices")).status_code == 200
    identity_provider.down = True
    keys = with_people.state.container.tokens._keys
    keys._fetched_at -= tokens.FRESH_S + 1
    keys._asked_at = keys._fetched_at
    assert (await somebody.get("/v1/invoices")).status_code == 200
    assert identity_provider.asked == 2
    keys._fetched_at -= tokens.STALE_S
    assert (await somebody.get("/v1/invoices")).status_code == 503


@pytest.mark.parametrize(
    "served", [[], {"keys": 1}, {"keys": [1, {"kid": "key-0"}, {"kid": "key-0", "kty": "oct", "k": "AA"}]}]
)
async def test_a_key_set_that_is_none_lets_nobody_in(
    person: Person, identity_provider: IdentityProvider, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = identity_provider.token("x")
    monkeypatch.setattr(identity_provider, "jwks", lambda: served)
    assert (await person(token).get("/v1/invoices")).status_code in {401, 503}
