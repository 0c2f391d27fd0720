"""`offline-stripe trigger TYPE`: make the objects and events that lead to an event of this type."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence

from offline_stripe.commands.client import JSON, Client, UnusableError, checked_key, checked_url, default_url
from offline_stripe.commands.steps import OK, changed, perform
from offline_stripe.commands.triggers import TRIGGERS
from offline_stripe.settings import DEFAULT_SECRET_KEY
from offline_stripe.wire.form import decode_form

HOUR = 3600


def arguments(made: argparse.ArgumentParser) -> None:
    made.add_argument("event", nargs="?", help="the event's type, such as invoice.payment_failed")
    made.add_argument("--list", action="store_true", help="the types that can be triggered")
    made.add_argument("--url", default=default_url(), help="the sandbox (default: %(default)s, or OFFLINE_STRIPE_URL)")
    made.add_argument("--api-key", default=DEFAULT_SECRET_KEY, help="whose account (default: the default account)")
    made.add_argument("--stripe-account", help="a connected account to act for")
    for name in ("--override", "--add"):
        made.add_argument(
            name, action="append", default=[], dest="overrides", metavar="STEP:PARAMETER=VALUE",
            help="e.g. customer:email=you@example.com or invoice:metadata[order]=7",
        )  # fmt: skip


def run(given: argparse.Namespace) -> int:
    if given.list:
        sys.stdout.write("\n".join(TRIGGERS) + "\n")
        return 0
    client = Client(checked_url(given.url), checked_key(given.api_key), given.stripe_account)
    trigger(client, str(given.event or ""), given.overrides)
    return 0


def trigger(client: Client, kind: str, overrides: Sequence[str] = (), *, quiet: bool = False) -> dict[str, JSON]:
    """Perform the steps. Returns their answers by name. Raises UnusableError."""
    if kind not in TRIGGERS:
        near = difflib.get_close_matches(kind, TRIGGERS, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "offline-stripe trigger --list names them all"
        raise UnusableError(f"no event of the type {kind!r} can be triggered: {hint}")
    steps = changed(TRIGGERS[kind], _read(overrides))
    known: dict[str, JSON] = {}
    for step in steps:
        if not quiet:
            sys.stdout.write(f"Running fixture for: {step.name}\n")
        answer = perform(client, step, known)
        known[step.name] = answer.body
        if step.path == "/_sandbox/clock":
            now = int(answer.body["now"])
            known[step.name] |= {"seconds": now, "in_an_hour": now + HOUR}
        if answer.status != OK and not step.refused:
            raise UnusableError(f"{step.name} failed: {answer.body.get('error', {}).get('message', answer.body)}")
    if not quiet:
        sys.stdout.write("Trigger succeeded! GET /v1/events shows the events.\n")
    return known


def _read(overrides: Sequence[str]) -> dict[str, JSON]:
    read: dict[str, JSON] = {}
    for text in overrides:
        step, colon, pair = text.partition(":")
        if not colon or "=" not in pair:
            raise UnusableError(f"not understood: {text!r}; it looks like customer:email=you@example.com")
        name, _, value = pair.partition("=")
        encoded = f"{name}={value.replace('%', '%25').replace('&', '%26').replace('+', '%2B')}"
        read.setdefault(step, {}).update(decode_form(encoded))
    return read
