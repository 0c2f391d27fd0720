import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain.payment_link import GRACE, LONGEST_TOKEN, PaymentLink, Standing, read, sign, standing

KEY, OLD_KEY = b"k" * 32, b"o" * 32
EXPIRY = datetime(2026, 12, 24, 12, 0, tzinfo=UTC)
LINK = PaymentLink("plk_0123456789abcdef", "in_1PgF", EXPIRY)
TOKEN = sign(LINK, KEY)

links = st.builds(
    PaymentLink,
    id=st.text(string.hexdigits, min_size=1, max_size=40).map(lambda text: f"plk_{text}"),
    invoice=st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=60),
    expires_at=st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)


@given(links)
def test_a_token_reads_as_the_link_it_was_made_for(link: PaymentLink) -> None:
    assert read(sign(link, KEY), [KEY], PaymentLink) == link


def test_a_token_needs_no_escaping_in_an_address() -> None:
    assert set(TOKEN) <= set(string.ascii_letters + string.digits + "_-.")


def test_a_token_of_a_rotated_key_is_accepted_while_the_key_is_kept() -> None:
    assert read(sign(LINK, OLD_KEY), [KEY, OLD_KEY], PaymentLink) == LINK
    assert read(sign(LINK, OLD_KEY), [KEY], PaymentLink) is None


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(string.ascii_letters + string.digits + "_-."))
def test_a_token_with_any_character_changed_is_none(position: int, character: str) -> None:
    changed = TOKEN[:position] + character + TOKEN[position + 1 :]
    # The last of 43 base64 characters carries four bits, but the text is what is compared.
    assume(changed != TOKEN)
    assert read(changed, [KEY], PaymentLink) is None


@given(st.text(max_size=LONGEST_TOKEN + 10))
def test_no_text_that_was_not_signed_is_a_token(text: str) -> None:
    assert read(text, [KEY], PaymentLink) is None


@pytest.mark.parametrize("other", ["in_1PgG", "pi_1PgF"])
def test_a_signature_is_good_for_its_own_invoice_only(other: str) -> None:
    assert read(TOKEN.replace("in_1PgF", other), [KEY], PaymentLink) is None


@pytest.mark.parametrize(
    ("now", "revoked_at", "grace", "expected"),
    [
        (EXPIRY - timedelta(seconds=1), None, timedelta(0), Standing.GOOD),
        (EXPIRY, None, timedelta(0), Standing.EXPIRED),
        (EXPIRY, None, GRACE, Standing.GOOD),
        (EXPIRY + GRACE, None, GRACE, Standing.EXPIRED),
        (EXPIRY - timedelta(days=1), EXPIRY - timedelta(days=2), GRACE, Standing.REVOKED),
    ],
)
def test_a_link_stands_by_its_expiry_and_its_revocation(
    now: datetime, revoked_at: datetime | None, grace: timedelta, expected: Standing
) -> None:
    assert standing(LINK, revoked_at, now, grace) is expected
