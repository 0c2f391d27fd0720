"""`offline-stripe listen`: print events as they happen, and forward them signed, as Stripe's CLI does.

It reads the account's events and makes each request itself, so it also works where the sandbox, for example one in a
container, cannot reach the address that is forwarded to. A delivery is made once; the sandbox's own endpoints retry.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime

from offline_stripe.commands.client import JSON, Client, UnusableError, checked_key, checked_url, default_url
from offline_stripe.documents import pretty
from offline_stripe.settings import DEFAULT_SECRET_KEY
from offline_stripe.webhooks.signing import signature_header

INTERVAL_S = 0.2
PAGE = 100
OK = 200


def arguments(made: argparse.ArgumentParser) -> None:
    made.add_argument("--forward-to", metavar="URL", help="where events go, e.g. localhost:3000/webhook")
    made.add_argument("--events", default="*", help="only these types, with commas between (default: all)")
    made.add_argument("--url", default=default_url(), help="the sandbox (default: %(default)s, or OFFLINE_STRIPE_URL)")
    made.add_argument("--api-key", default=DEFAULT_SECRET_KEY, help="whose account (default: the default account)")
    made.add_argument("--stripe-account", help="a connected account to listen to")
    made.add_argument("--secret", help="sign with this whsec_… (default: a new one)")
    made.add_argument("--print-secret", action="store_true", help="print the secret and stop")
    made.add_argument("--print-json", action="store_true", help="print whole events")
    made.add_argument("--exit-after", type=int, metavar="N", help="stop after N events")


def run(given: argparse.Namespace) -> int:
    secret = given.secret or f"whsec_{secrets.token_hex(32)}"
    if given.print_secret:
        _say(secret)
        return 0
    client = Client(checked_url(given.url), checked_key(given.api_key), given.stripe_account)
    target = given.forward_to
    if target is not None:
        target = checked_url(target if "://" in target else f"http://{target}")
    wanted = None if given.events == "*" else {*given.events.split(",")}
    feed = events(client)
    next(feed)  # from here on nothing is missed
    _say(
        f"> Ready! You are using Stripe API Version [{client.version}]. Your webhook signing secret is {secret} (^C to quit)"
    )
    told = 0
    with contextlib.suppress(KeyboardInterrupt):
        for event in feed:
            if event is None or not (wanted is None or event["type"] in wanted):
                continue
            if given.print_json:
                _say(json.dumps(event))
            else:
                _say(f"{_now()}   --> {event['type']} [{event['id']}]")
            if target is not None:
                _say(f"{_now()}  <--  [{forward(target, event, secret)}] POST {target} [{event['id']}]")
            told += 1
            if told == given.exit_after:
                break
    return 0


def events(client: Client) -> Iterator[JSON | None]:
    """What happens from now on, oldest first; None when there is nothing new."""
    newest = _page(client, limit=1)
    last = newest[0]["id"] if newest else None
    yield None
    while True:
        found = _page(client, limit=PAGE, **({"ending_before": last} if last else {}))
        if last is None and len(found) == PAGE:
            found = _all(client)
        for event in reversed(found):
            last = event["id"]
            yield event
        if not found:
            yield None
            time.sleep(INTERVAL_S)


def _page(client: Client, **params: object) -> list[JSON]:
    answer = client.call("GET", "/v1/events", params)
    if answer.status != OK:
        if answer.body["error"].get("code") == "resource_missing":  # a reset: everything is new again
            return _page(client, limit=PAGE)
        raise UnusableError(f"the events cannot be read: {answer.body['error']['message']}")
    return list(answer.body["data"])


def _all(client: Client) -> list[JSON]:
    found = _page(client, limit=PAGE)
    while page := _page(client, limit=PAGE, starting_after=found[-1]["id"]):
        found += page
    return found


def forward(target: str, event: JSON, secret: str) -> str:
    """Post the event, signed. Returns the answer's status, or what went wrong."""
    body = pretty(event)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature_header(body, [secret], int(time.time())),
    }
    request = urllib.request.Request(target, body, headers, method="POST")  # noqa: S310 (checked_url)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as refused:
        return str(refused.code)
    except OSError as problem:
        return f"ERROR: {getattr(problem, 'reason', problem)}"


def _now() -> str:
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
