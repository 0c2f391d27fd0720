"""What an endpoint's answer means, and when it is asked again."""

import base64
from datetime import timedelta

import pytest

from app.domain.outgoing import MOST_ATTEMPTS, Attempt, Failure, judge, new_secret, pause_after
from app.outgoing.encryption import DecryptionFailed, SecretEncryption

HOUR = 3600


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (200, None),
        (202, None),
        (204, None),
        (299, None),
        (301, Failure.REDIRECT),
        (307, Failure.REDIRECT),
        (400, Failure.STATUS),
        (404, Failure.STATUS),
        (410, Failure.GONE),
        (429, Failure.STATUS),
        (500, Failure.STATUS),
        (100, Failure.STATUS),
    ],
)
def test_only_2xx_is_received(status: int, failure: Failure | None) -> None:
    assert judge(status) is failure
    assert Attempt("", 1, status, failure).accepted == (200 <= status < 300)


def test_tries_go_on_for_about_three_days() -> None:
    total = sum((pause_after(attempts, 0.5) for attempts in range(1, MOST_ATTEMPTS)), timedelta())
    assert timedelta(days=2.5) < total < timedelta(days=3.5)


def test_pauses_grow_and_are_spread_by_a_fifth() -> None:
    assert pause_after(1, 0.5).total_seconds() == 5
    assert (pause_after(1, 0).total_seconds(), pause_after(1, 1).total_seconds()) == (4, 6)
    assert pause_after(4, 0.5).total_seconds() == 135
    assert pause_after(50, 1).total_seconds() == 12 * HOUR * 1.2


def test_an_endpoint_may_ask_for_more_time_but_not_for_less_and_not_for_ever() -> None:
    assert pause_after(1, 0.5, 120).total_seconds() == 120
    assert pause_after(1, 0.5, 0).total_seconds() == 5
    assert pause_after(1, 0.5, -7).total_seconds() == 5
    assert pause_after(1, 0.5, 10**8).total_seconds() == 24 * HOUR


def test_a_secret_is_256_random_bits_as_the_specification_writes_them() -> None:
    secret = new_secret()
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert secret != new_secret()


# Sealing


def test_what_is_sealed_is_opened_for_its_owner_alone_and_differs_each_time() -> None:
    seal = SecretEncryption([b"k" * 32])
    sealed = seal.close("whsec_x", "whe_1")
    assert seal.open(sealed, "whe_1") == "whsec_x"
    assert sealed != seal.close("whsec_x", "whe_1")
    assert "whsec" not in sealed
    with pytest.raises(DecryptionFailed):
        seal.open(sealed, "whe_2")


def test_keys_rotate_the_first_seals_and_every_one_opens() -> None:
    old, new = SecretEncryption([b"o" * 32]), SecretEncryption([b"n" * 32, b"o" * 32])
    sealed = old.close("whsec_x", "whe_1")
    assert new.open(sealed, "whe_1") == "whsec_x"
    assert not new.is_current(sealed)
    assert new.is_current(new.close("whsec_x", "whe_1"))
    with pytest.raises(DecryptionFailed):
        old.open(new.close("whsec_x", "whe_1"), "whe_1")


@pytest.mark.parametrize(
    "broken", ["", "x", "x.y", "%s", "%s.", "%s.AAAA", "%s.!!!!", "%s.AAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
)
def test_what_was_changed_is_not_opened(broken: str) -> None:
    seal = SecretEncryption([b"k" * 32])
    with pytest.raises(DecryptionFailed):
        seal.open(broken.replace("%s", seal.current), "whe_1")
