"""`offline-stripe oracle`: whether this sandbox is as Stripe is.

With a key of test mode it performs the checks at Stripe and in a sandbox of its own, and writes a recording. Without a
key it compares with the recordings it has.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from offline_stripe.commands.client import JSON, Client, UnusableError, checked_key, checked_url
from offline_stripe.commands.server import running
from offline_stripe.oracle import recordings
from offline_stripe.oracle.checks import CHECKS, Check
from offline_stripe.oracle.comparing import differences, told, verdict
from offline_stripe.oracle.performing import Place, Receiver
from offline_stripe.settings import API_VERSION, Switches

STRIPE = "https://api.stripe.com"
MOST_SHOWN = 20


def arguments(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--key", default=os.environ.get("STRIPE_TEST_KEY"), help="sk_test_… (or STRIPE_TEST_KEY); live keys are refused"
    )
    made.add_argument("--url", default=STRIPE, help="where Stripe is (default: %(default)s); another sandbox will do")
    made.add_argument("--check", action="append", metavar="NAME", help="only this check; may be repeated")
    made.add_argument("--list", action="store_true", help="the checks, and the switches that each would settle")
    made.add_argument(
        "--record", type=Path, metavar="FILE", help="write the recording here (default: oracle-recording.json)"
    )
    made.add_argument(
        "--replay", type=Path, metavar="FILE", help="compare with this recording (default: the package's)"
    )
    made.add_argument(
        "--receiver-url", metavar="URL", help="a public address that leads to --receiver-port of this machine"
    )
    made.add_argument("--receiver-port", type=int, default=0)
    made.add_argument("--slow", action="store_true", help="also the checks that wait for days")


def run(given: argparse.Namespace) -> int:
    chosen = _chosen(given.check)
    if given.list:
        for check in chosen:
            settles = f"  [{', '.join(check.settles)}]" if check.settles else ""
            _say(f"{check.name:<22} {check.about}{settles}")
        return 0
    if given.key and given.replay is None:
        return _against_stripe(given, chosen)
    return _against_recordings(given, chosen)


@contextmanager
def _here() -> Iterator[Place]:
    """A sandbox of one's own."""
    receiver = Receiver()
    try:
        with running() as url:
            yield Place(Client(url), sandbox=True, receiver=receiver)
    finally:
        receiver.close()


def _chosen(names: list[str] | None) -> tuple[Check, ...]:
    unknown = {*(names or ())} - {check.name for check in CHECKS}
    if unknown:
        raise UnusableError(f"no such check: {', '.join(sorted(unknown))}; --list names them")
    return tuple(check for check in CHECKS if not names or check.name in names)


def _against_stripe(given: argparse.Namespace, chosen: Iterable[Check]) -> int:
    url, key = checked_url(given.url), checked_key(given.key)
    there = Place(Client(url, key), sandbox=_is_sandbox(url), slow=given.slow)
    answer = there.client.call("GET", "/v1/account")
    if answer.status != 200:  # noqa: PLR2004 (HTTP)
        raise UnusableError(f"{url} refuses the key: {answer.body.get('error', {}).get('message', answer.status)}")
    with _here() as here:
        if there.sandbox:
            there.receiver = here.receiver
        elif given.receiver_url:
            there.receiver = Receiver(given.receiver_port, checked_url(given.receiver_url))
        _say(f"The oracle compares {url} with this sandbox, API version {API_VERSION}.")
        theirs = {check.name: there.perform(check) if there.can(check) else None for check in chosen}
        recorded = {name: form for name, form in theirs.items() if form is not None}
        path = given.record or Path("oracle-recording.json")
        recordings.write(path, "sandbox" if there.sandbox else "stripe", recorded)
        status = _report(here, chosen, theirs)
    _say(f"Recorded in {path}.")
    return status


def _is_sandbox(url: str) -> bool:
    if url == STRIPE:
        return False
    try:
        return bool(Client(url).control("GET", "health").get("ok"))
    except UnusableError:
        return False


def _against_recordings(given: argparse.Namespace, chosen: Iterable[Check]) -> int:
    paths = [given.replay] if given.replay else sorted(recordings.FOLDER.glob("*.json"))
    read = [(path, recordings.read(path)) for path in paths]
    worst = 0
    with _here() as here:
        for path, recording in read:
            _say(
                f"{path.name}: recorded at {recording['recorded_at'][:10]} of {recording['source']}, by {recording['by']}."
            )
            if recording["source"] == "sandbox":
                _say("  It was recorded of a sandbox: it shows what changed since, and nothing of Stripe.")
            theirs = {check.name: recording["checks"].get(check.name) for check in chosen}
            worst = max(worst, _report(here, chosen, theirs, partial=bool(recording.get("partial"))))
    return worst


def _report(here: Place, chosen: Iterable[Check], theirs: dict[str, JSON | None], *, partial: bool = False) -> int:
    """Say what differs. Returns 1 if anything does. A partial recording says nothing of what it leaves out."""
    different, skipped, verdicts = 0, 0, []
    for check in chosen:
        form = theirs[check.name]
        if form is None:
            skipped += 1
            _say(f"skip  {check.name}: not performed there{f' (it needs {check.needs})' if check.needs else ''}")
            continue
        ours = here.perform(check)
        found = [told(*each) for each in differences(form, ours, partial=partial)]
        _say(f"{'DIFF' if found else 'ok':<5} {check.name}: {check.about}")
        for line in found[:MOST_SHOWN]:
            _say(f"      {line}")
        if len(found) > MOST_SHOWN:
            _say(f"      … and {len(found) - MOST_SHOWN} more")
        different += bool(found)
        verdicts += [_settled(here, check, name, form, ours, partial=partial) for name in check.settles]
    if verdicts:
        _say("Switches:")
        for line in verdicts:
            _say(f"  {line}")
    _say(f"{len([*theirs])} checks: {different} differ, {skipped} skipped.")
    return 1 if different else 0


def _settled(here: Place, check: Check, name: str, theirs: JSON, ours: JSON, *, partial: bool) -> str:
    default, other = getattr(Switches(), name), check.settles[name]
    right = verdict(theirs, {str(default): ours, str(other): here.perform(check, {name: other})}, partial=partial)
    where = f"[{check.name}]"
    if right == str(default):
        return f"{name}: as here, {default} {where}"
    if right:
        return f"{name}: NOT as here: --switch {name}={str(other).lower()} does as it does {where}"
    return f"{name}: open, neither {default} nor {other} does as it does {where}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
