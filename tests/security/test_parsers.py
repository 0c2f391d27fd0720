"""Fuzzing of what strangers' bytes reach first; `make fuzz` runs the same with many more examples."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import hmac
import inspect
import time
from collections.abc import Sequence
from pathlib import Path

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr
from stripe import SignatureVerificationError, WebhookSignature

from app.access import key_statements
from app.access.tokens import read_header
from app.db import cursors
from app.db.resources import INVOICE
from app.domain.errors import ValidationFailed
from app.domain.keys import SECRET, VISIBLE, new_key, read_key
from app.http.client_address import client_address
from app.inbox.signature import FORGED, STALE, TOLERANCE_S, WHY, refusal_of_header, signed_by, signing_secrets

PROJECT = Path(__file__).resolve().parents[2]
SECRETS = signing_secrets([SecretStr("whsec_one"), SecretStr("whsec_two")])


def verdict(body: bytes, header: str) -> str:
    """Who signed `body`, or why nobody did: as the endpoint decides it."""
    encoded = header.encode(errors="surrogatepass")
    return refusal_of_header(encoded) or signed_by(body, encoded, SECRETS) or FORGED


def sign(body: bytes, at: int, secret: str = "whsec_one") -> str:
    return hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()


PIECES = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(
            ["t=", "v1=", "v0=", "t=1", f"t={'9' * 400}", "t=-1", "t=1e9", "t=\u0661", "=", "==", ",", "v1"]
        ),
        st.builds("v1={}".format, st.text("0123456789abcdef", min_size=60, max_size=66)),
        st.builds("t={}".format, st.integers()),
    ),
    max_size=6,
).map(",".join)


@given(st.binary(max_size=200), PIECES)
@example(b"", "")
@example(b"{}", f"t={int(time.time())}")
def test_whatever_strangers_send_is_refused_for_a_reason_that_is_known(body: bytes, header: str) -> None:
    assert verdict(body, header) in WHY


@given(
    st.text(max_size=200), st.sampled_from(["whsec_one", "whsec_two"]), st.integers(-TOLERANCE_S + 5, TOLERANCE_S - 5)
)
def test_what_one_of_the_secrets_signed_in_time_is_accepted(text: str, secret: str, age: int) -> None:
    body, at = text.encode(), int(time.time()) - age
    rolled = f"t={at},v1={'0' * 64},v1={sign(body, at, secret)},v0={'1' * 64}"
    assert verdict(body, rolled).startswith("whsec:")


OTHERS = st.lists(
    st.builds("v{}={}".format, st.integers(0, 2), st.text("0123456789abcdef", min_size=64, max_size=64)), max_size=3
)


@given(st.text(max_size=50), OTHERS, st.integers(-TOLERANCE_S + 5, TOLERANCE_S - 5), st.booleans())
def test_stripes_own_library_decides_alike(text: str, others: list[str], age: int, ours: bool) -> None:  # noqa: FBT001
    at = int(time.time()) - age
    digest = sign(text.encode(), at, "whsec_one" if ours else "whsec_of_somebody_else")
    header = ",".join([f"t={at}", *others, f"v1={digest}"])
    with contextlib.suppress(SignatureVerificationError):
        WebhookSignature.verify_header(text, header, "whsec_one")
        assert verdict(text.encode(), header).startswith("whsec:")
        return
    assert verdict(text.encode(), header) == FORGED


@given(st.text(max_size=200), st.sampled_from(["whsec_one", "whsec_two"]))
def test_what_stripes_own_library_signs_is_accepted(text: str, secret: str) -> None:
    assert verdict(text.encode(), WebhookSignature.generate_signature_header(text, secret)).startswith("whsec:")


@given(st.binary(min_size=1, max_size=100), st.integers(0), st.integers(1, 255))
def test_a_body_changed_in_one_byte_is_refused(body: bytes, where: int, by: int) -> None:
    at = int(time.time())
    header = f"t={at},v1={sign(body, at)}"
    changed = bytearray(body)
    changed[where % len(body)] ^= by
    assert verdict(bytes(changed), header) == FORGED


@given(st.integers(TOLERANCE_S + 5, 10**9), st.booleans())
def test_a_signature_from_another_time_is_refused(seconds: int, past: bool) -> None:  # noqa: FBT001
    at = int(time.time()) + (-seconds if past else seconds)
    assert verdict(b"{}", f"t={at},v1={sign(b'{}', at)}") == STALE


@pytest.mark.parametrize("first", ["{old:_}", " {old}", "+{old}", "{old}"])
def test_an_old_delivery_is_not_renewed_by_a_second_time(first: str) -> None:
    """The time that is near and the time that was signed are one: whatever the SDK takes for a number is not let by."""
    old, now = int(time.time()) - 2 * TOLERANCE_S, int(time.time())
    signed = f"v1={sign(b'{}', old)}"
    assert verdict(b"{}", f"t={first.format(old=old)},t={now},{signed}") in WHY
    assert verdict(b"{}", f"t={now},t={first.format(old=old)},{signed}") in WHY


@given(st.text(max_size=100) | st.builds("ik_{}_{}".format, st.text(max_size=6), st.text(max_size=60)))
def test_a_key_is_read_only_in_its_exact_shape(given_: str) -> None:
    read = read_key(given_)
    assert read is None or (given_.isascii() and len(given_) == len("ik_test_") + VISIBLE + SECRET)


@given(st.booleans())
def test_a_new_key_says_of_itself_what_is_stored(livemode: bool) -> None:  # noqa: FBT001
    key = new_key(livemode=livemode)
    read = read_key(key)
    assert read is not None
    assert (read.livemode, key.startswith(read.prefix)) == (livemode, True)
    assert read.digest == hashlib.sha256(key.encode()).digest()
    assert read_key(key + "x") is read_key(key[:-1]) is read_key(key + "\n") is None


PART = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=", max_size=40)


@given(
    st.text(max_size=100)
    | st.builds("{}.{}.{}".format, PART, PART, PART)
    | st.builds("eyJ{}.e30.{}".format, PART, PART)
)
@example("bnVsbA.e30.")
@example("W10.e30.")
@example("eyJhbGciOm51bGwsImtpZCI6MX0.e30.")
def test_a_tokens_header_is_read_or_refused_and_nothing_else(token: str) -> None:
    try:
        header = read_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return  # what the caller of read_header answers with 401
    assert isinstance(header["kid"], str)


@given(st.text(max_size=80))
def test_a_cursor_is_read_or_refused_and_nothing_else(cursor: str) -> None:
    with contextlib.suppress(ValidationFailed):
        assert list(cursors.read(cursor, INVOICE, "created_at", "")) in [
            ["created_at", "id"],
            ["created_at", "sequence", "id"],
        ]


@given(st.text(max_size=50), st.binary(max_size=100))
def test_an_address_is_always_something_short_to_count_by(peer: str, forwarded: bytes) -> None:
    assert 0 < len(client_address({"type": "http", "client": (peer, 1)}, forwarded, ())) < 50


SECRET_NAMES = ("secret", "signature", "digest", "api_key", "token", "password", "authorization", "hmac")
AT_THE_DOOR = ("expected", "given", "bootstrap", *SECRET_NAMES)
"""What secrets are called besides where callers and deliveries are let in."""
DOORS = ("access/authentication.py", "access/keyring.py", "domain/payment_link.py", "stripe/signature.py")
EARLY_ENDS = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
SEARCHES = {"startswith", "endswith", "removeprefix", "__eq__"}

NOT_SECRET = {
    "self.digest == other.digest": "a digest of what Stripe shows, by which versions of it are told apart",
    "known['lines_digest'] == digest": "the same of an invoice's lines",
    "lines_digest(taken.items) != row['lines_digest']": "the same of an invoice's lines",
    "_C.digest == bindparam('digest')": "notes when a key was used; what lets a caller in is compared by access/keyring.py",
    "name not in self.secret": "a column's name",
    "'lines_digest' in columns": "whether a table has such a column",
    "column.name not in {'secrets', 'told'}": "a column's name",
    "field.name not in {'settings', 'tokens', 'secrets'}": "a field's name",
    "literal('feed:read') != func.all(api_keys.c.scopes)": "a scope's name",
    "given.count('.') == DOTS_OF_A_TOKEN": "whether it has the shape of a token; what lets in is its signature",
}
"""What looks like a comparison of secrets and is none; a new one is refused until it stands here with its reason."""


def comparisons(tree: ast.AST, names: Sequence[str] = SECRET_NAMES) -> set[str]:
    """What ends the earlier the sooner two sides differ, and has on a side what is called like a secret."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(one, EARLY_ENDS) for one in node.ops):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SEARCHES:
            sides = list(node.args)
        else:
            continue
        told = [ast.unparse(side).lower() for side in sides if not ast.unparse(side).startswith("bool(")]
        if any(name in side for side in told for name in names):
            found.add(ast.unparse(node))
    return found


def test_no_secret_is_compared_in_a_way_that_takes_longer_the_more_of_it_is_right() -> None:
    app = PROJECT / "app"
    found = {one for path in app.rglob("*.py") for one in comparisons(ast.parse(path.read_text()))}
    found |= {one for door in DOORS for one in comparisons(ast.parse((app / door).read_text()), AT_THE_DOOR)}
    assert found <= set(NOT_SECRET)


@pytest.mark.parametrize("code", ["token == x", "a if secret in known else b", "key.startswith(self._api_key)"])
def test_such_a_comparison_would_be_found(code: str) -> None:
    assert comparisons(ast.parse(code))


@pytest.mark.parametrize("module", DOORS)
def test_what_compares_secrets_does_it_in_constant_time(module: str) -> None:
    by_the_sdk = module == "stripe/signature.py"
    compares = "WebhookSignature.verify_header(" if by_the_sdk else "hmac.compare_digest("
    assert compares in (PROJECT / "app" / module).read_text()


def test_the_sdk_compares_signatures_in_constant_time() -> None:
    assert "secure_compare(expected_sig" in inspect.getsource(WebhookSignature.verify_header)
    compares = WebhookSignature.verify_header.__globals__["secure_compare"]
    assert "hmac.compare_digest(" in inspect.getsource(compares) or compares is hmac.compare_digest


def test_no_statement_finds_a_key_by_its_digest() -> None:
    """PostgreSQL's comparisons are not made for secrets: it finds the prefix that may be seen, the rest is compared here."""
    module = (PROJECT / "app/access/key_statements.py").read_text()
    assert [line.strip() for line in module.splitlines() if "digest ==" in line] == [
        '_C.digest == bindparam("digest"),'
    ]
    found = key_statements._FIND.text
    assert "digest = $" in found  # which only notes when it was used
    assert "digest = $" not in found[found.rindex("FROM api_keys") :]
