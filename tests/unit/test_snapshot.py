"""Which of two pictures of one object is the newer: the same verdict in whatever order they come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.snapshot import Verdict, Version, judge

START = datetime(2026, 11, 1, tzinfo=UTC)
SECONDS = st.integers(0, 6)


@st.composite
def versions(draw: st.DrawFn, *, rank: int | None = None) -> Version:
    since = draw(SECONDS)
    until = since + draw(st.integers(0, 3))
    return Version(
        rank=draw(st.integers(0, 3)) if rank is None else rank,
        since=START + timedelta(seconds=since),
        until=START + timedelta(seconds=until),
        digest=draw(st.sampled_from("abc")),
    )


@given(versions())
def test_the_first_picture_of_an_object_applies(incoming: Version) -> None:
    assert judge(None, incoming) is Verdict.APPLY


@given(versions())
def test_the_same_picture_twice_changes_nothing(version: Version) -> None:
    assert judge(version, version) is Verdict.SAME


@given(versions(), versions())
def test_a_further_stage_is_newer_unless_stripe_says_otherwise(known: Version, incoming: Version) -> None:
    verdict = judge(known, incoming)
    if incoming.rank > known.rank:  # an earlier one may have been undone: a payment that was detached
        earlier = incoming.until < known.since
        assert verdict is (Verdict.FETCH if earlier else Verdict.APPLY)
        assert judge(known, replace(incoming, over=known.revision)) is Verdict.APPLY
    if incoming.rank < known.rank:
        later = incoming.since > known.until
        assert verdict is (Verdict.FETCH if later else Verdict.STALE)


@given(versions(), versions())
def test_of_two_pictures_that_differ_exactly_one_wins_or_stripe_is_asked(one: Version, other: Version) -> None:
    verdicts = {judge(one, other), judge(other, one)}
    if one.rank == other.rank and one.digest == other.digest:
        assert verdicts == {Verdict.SAME}
    else:
        assert verdicts in ({Verdict.APPLY, Verdict.STALE}, {Verdict.FETCH}, {Verdict.APPLY, Verdict.FETCH})
        assert verdicts != {Verdict.APPLY, Verdict.FETCH} or one.rank != other.rank


@given(versions(rank=1), versions(rank=1))
def test_pictures_whose_times_overlap_cannot_be_ordered(one: Version, other: Version) -> None:
    overlap = one.since <= other.until and other.since <= one.until
    differ = one.digest != other.digest
    assert (judge(one, other) is Verdict.FETCH) == (overlap and differ)


@given(versions(rank=1), versions(rank=1))
def test_what_was_asked_for_wins_where_times_cannot_tell(known: Version, incoming: Version) -> None:
    fetched = Version(1, incoming.since, incoming.until, incoming.digest, over=known.revision)
    assert judge(known, fetched) is not Verdict.FETCH


@given(versions(), versions())
def test_what_stripe_answers_counts_whatever_ranks_and_times_say(known: Version, incoming: Version) -> None:
    fetched = replace(incoming, over=known.revision, asked=True)
    assert judge(known, fetched) in {Verdict.APPLY, Verdict.SAME}


@given(versions(rank=1), versions(rank=1))
def test_an_answer_is_not_older_than_what_is_dated_ahead_of_stripes_clock(known: Version, incoming: Version) -> None:
    ahead = replace(known, since=known.since + timedelta(days=365), until=known.until + timedelta(days=365))
    answer = replace(incoming, digest="other", asked=True)
    assert judge(ahead, answer) is Verdict.FETCH
    assert judge(ahead, replace(answer, asked=False)) is Verdict.STALE


@given(versions(rank=1), versions(rank=1))
def test_times_say_nothing_of_an_answer_about_an_object_of_a_test_clock(known: Version, incoming: Version) -> None:
    answer = replace(incoming, digest="other", asked=True, timeless=True)
    assert judge(known, answer) is Verdict.FETCH


@given(versions(rank=1), versions(rank=1))
def test_an_objects_very_first_picture_is_older_than_any_other(known: Version, incoming: Version) -> None:
    first = Version(1, incoming.since, incoming.until, incoming.digest, first=True)
    assert judge(known, first) in {Verdict.STALE, Verdict.SAME}


@given(st.lists(versions(), min_size=2, max_size=4, unique_by=lambda version: (version.rank, version.since)))
def test_in_whatever_order_pictures_come_the_same_one_stays(pictures: list[Version]) -> None:
    """Where times cannot tell, the newest of all is what Stripe answers."""
    truth = max(pictures, key=lambda version: (version.rank, version.until, version.digest))
    ends = set()
    for order in permutations(pictures):
        known: Version | None = None
        for incoming in order:
            verdict = judge(known, incoming)
            if verdict is Verdict.APPLY:
                known = incoming
            elif verdict is Verdict.FETCH:
                known = Version(truth.rank, truth.since, truth.until, truth.digest)
        assert known is not None
        ends.add((known.rank, known.digest if known.rank == truth.rank else None))
    assert {rank for rank, _ in ends} == {truth.rank}


@given(versions(rank=1), versions(rank=1))
def test_an_answer_that_was_overtaken_is_no_newer_than_its_times_say(known: Version, incoming: Version) -> None:
    overtaken = Version(1, incoming.since, incoming.until, incoming.digest, over=known.revision + 1)
    assert judge(known, overtaken) is judge(known, incoming)
