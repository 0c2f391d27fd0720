"""The command line: `python -m offline_stripe`.

It parses the flags and starts the server. It prints addresses and no keys.
"""

import argparse
import contextlib
import logging
import sys
from collections.abc import Sequence

from offline_stripe.asgi import create_app
from offline_stripe.settings import SandboxConfig, Switches, WebhookTarget
from offline_stripe.store.database import StateFileError
from offline_stripe.wire.serving import server_for


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="sandbox",
        description="Stripe's invoicing API, offline. `@file` stands for what the file holds, an argument a line.",
        fromfile_prefix_chars="@",
    )
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=int, default=8001)
    made.add_argument("--state", default=":memory:", help="SQLite file, or :memory: (default)")
    made.add_argument("--public-url", help="what links in answers begin with (default: host and port)")
    made.add_argument("--webhook-url", action="append", default=[], help="where events go; may be repeated")
    made.add_argument("--webhook-secret", action="append", default=[], help="whsec_… of the URL in the same place")
    made.add_argument("--seed", type=int, help="make identifiers reproducible")
    made.add_argument("--retry-base-s", type=float, help="delay before the second delivery attempt")
    made.add_argument("--switch", action="append", default=[], metavar="NAME=VALUE", help="see docs/sandbox.md")
    made.add_argument("--log-level", default="warning")
    return made


def config_from(arguments: Sequence[str] | None = None) -> tuple[SandboxConfig, str]:
    """The configuration and the log level; exits with a message on bad arguments."""
    made = parser()
    given = made.parse_args(arguments)
    if len(given.webhook_url) != len(given.webhook_secret):
        made.error("every --webhook-url needs its --webhook-secret")
    if any(not secret.strip() for secret in given.webhook_secret):
        made.error("a --webhook-secret must not be empty")
    values = dict(pair.partition("=")[::2] for pair in given.switch)
    if given.retry_base_s is not None:
        values["retry_base_s"] = str(given.retry_base_s)
    try:
        switches = Switches().changed(values)
    except ValueError as problem:
        made.error(str(problem))
    targets = zip(given.webhook_url, given.webhook_secret, strict=True)
    config = SandboxConfig(
        state=given.state,
        host=given.host,
        port=given.port,
        public_url=given.public_url,
        webhooks=tuple(WebhookTarget(url, secret) for url, secret in targets),
        seed=given.seed,
        switches=switches,
    )
    return config, given.log_level


def main(arguments: Sequence[str] | None = None) -> int:
    config, log_level = config_from(arguments)
    try:
        app = create_app(config)
    except StateFileError as problem:
        sys.stderr.write(f"sandbox: {problem}\n")
        return 1
    sys.stderr.write(f"sandbox: {config.base_url}, state in {config.state}, {len(config.webhooks)} webhook target(s)\n")
    logging.basicConfig(level=log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        server_for(app, config.host, config.port, log_level=log_level).run()
    return 0
