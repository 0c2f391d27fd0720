"""The command line: `offline-stripe serve|trigger|listen|oracle`, also as `python -m offline_stripe`.

It parses the flags and starts what was asked for; flags alone mean `serve`. It prints addresses and no keys.
"""

import argparse
import contextlib
import gc
import logging
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace

from offline_stripe import __version__
from offline_stripe.commands import listen, oracle, trigger
from offline_stripe.commands.client import UnusableError
from offline_stripe.settings import SandboxConfig, Switches, WebhookTarget

COMMANDS = {
    "trigger": (trigger, "make the objects and events that lead to an event"),
    "listen": (listen, "print events as they happen, and forward them signed"),
    "oracle": (oracle, "compare the sandbox with Stripe, or with a recording"),
}


def parser() -> argparse.ArgumentParser:
    """Of `serve`."""
    made = argparse.ArgumentParser(
        prog="offline-stripe serve",
        description="Stripe's invoicing API, offline. `@file` stands for what the file holds, an argument a line.",
        fromfile_prefix_chars="@",
    )
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=int, default=8001, help="0 takes a free one (default: %(default)s)")
    made.add_argument("--state", default=":memory:", help="SQLite file, or :memory: (default)")
    made.add_argument("--public-url", help="what links in answers begin with (default: host and port)")
    made.add_argument("--webhook-url", action="append", default=[], help="where events go; may be repeated")
    made.add_argument("--webhook-secret", action="append", default=[], help="whsec_… of the URL in the same place")
    made.add_argument("--seed", type=int, help="make identifiers reproducible")
    made.add_argument("--retry-base-s", type=float, help="delay before the second delivery attempt")
    made.add_argument(
        "--switch", action="append", default=[], metavar="NAME=VALUE", help="see sandbox/docs/reference.md"
    )
    made.add_argument(
        "--account-per-key", action="store_true", help="an unknown secret key makes an account of its own"
    )
    made.add_argument("--remote-control", action="store_true", help="control calls answer other machines, too")
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
        account_per_key=given.account_per_key,
        remote_control=given.remote_control,
    )
    return config, given.log_level


def serve(arguments: Sequence[str]) -> int:
    config, log_level = config_from(arguments)
    gc.disable()  # what is imported lives to the end; looking through it for garbage takes a tenth of the start
    from offline_stripe.asgi import create_app  # noqa: PLC0415 (half a second, which the other commands save)
    from offline_stripe.store.database import StateFileError  # noqa: PLC0415
    from offline_stripe.wire.serving import server_for  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    with _listening(config.host, config.port) as listening:
        config = replace(config, port=listening.getsockname()[1])
        try:
            app = create_app(config)
        except StateFileError as problem:
            raise UnusableError(str(problem)) from problem
        targets = f"{len(config.webhooks)} webhook target(s)"
        sys.stderr.write(f"offline-stripe: {config.base_url}, state in {config.state}, {targets}\n")
        sys.stderr.flush()
        logging.basicConfig(level=log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
        with contextlib.suppress(KeyboardInterrupt):
            server_for(app, config.host, config.port, log_level=log_level).run(sockets=[listening])
    return 0


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except (OSError, OverflowError) as problem:
        made.close()
        reason = getattr(problem, "strerror", None) or problem
        raise UnusableError(f"port {port} of {host} cannot be used: {reason}; name another with --port") from problem
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    given = [*(sys.argv[1:] if arguments is None else arguments)]
    try:
        if given[:1] == ["serve"]:
            return serve(given[1:])
        if not given or (given[0].startswith(("-", "@")) and given[0] not in {"-h", "--help", "--version"}):
            return serve(given)
        asked = _others().parse_args(given)
        return int(COMMANDS[asked.command][0].run(asked))
    except UnusableError as problem:
        sys.stderr.write(f"offline-stripe: {problem}\n")
        return 1


def _others() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="offline-stripe", description="Stripe's invoicing API, offline.")
    made.add_argument("--version", action="version", version=__version__)
    commands = made.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("serve", help="answer as Stripe would (offline-stripe serve --help)", add_help=False)
    for name, (module, about) in COMMANDS.items():
        module.arguments(commands.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}."))
    return made
