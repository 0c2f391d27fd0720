"""Checks the mail server, the identity provider, the limit of open files, and who can call."""

import resource
from collections.abc import AsyncIterator

from app.access import key_statements
from app.cli.checks.findings import Finding, fail, ok, warn
from app.clients import mailer_of
from app.container import Container
from app.domain.actions import Moment, NotNow
from app.domain.errors import IdentityProviderUnavailable
from app.http.connections import MOST, RESERVED
from app.outgoing import endpoint_statements
from app.settings import Settings

OTHER_FILES = 250
"""Files of a process besides sockets: its code, its log, its metrics."""


async def check_mail(container: Container) -> AsyncIterator[Finding]:
    settings = container.settings
    if not settings.smtp_host:
        return
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        await mailer_of(settings).greet()
    except NotNow as error:
        yield fail(
            "mail", f"{where}: {error}", "Check SMTP_HOST, SMTP_PORT, SMTP_SECURITY, SMTP_USERNAME and SMTP_PASSWORD."
        )
    else:
        yield ok("mail", f"{where} lets us in")


async def check_reminders(container: Container) -> AsyncIterator[Finding]:
    """Check that somebody hears of reminders, where there are some."""
    settings = container.settings
    if not settings.reminders:
        return
    days = ", ".join(map(str, settings.reminders))
    if settings.smtp_host and Moment.REMINDER in settings.mail_moments:
        yield ok("reminders", f"mailed on the days {days} after the due date")
    else:
        lacking = "MAIL_MOMENTS does not list `reminder`" if settings.smtp_host else "there is no SMTP_HOST"
        says = f"REMINDERS={days}, but nobody is mailed: {lacking}"
        yield warn(
            "reminders", says, "Correct that, unless hooks or readers of `invoice.reminded` write to your customers."
        )


async def check_files(container: Container) -> AsyncIterator[Finding]:
    """Check that an API process may open as many files as it may have connections.

    The limit is that of this process: where the API runs elsewhere, or under another limit, run this there.
    """
    wanted = files_of(container.settings)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < wanted:
        yield warn(
            "open files",
            f"a process here may open {most} files; an API process with all its connections needs {wanted}",
            f"Raise the hard limit (`ulimit -Hn`, LimitNOFILE=, --ulimit nofile=) to {wanted}, or lower STREAM_LIMIT.",
        )
    else:
        yield ok("open files", f"enough for the {wanted} of an API process with all its connections")


def files_of(settings: Settings) -> int:
    """The most files that an API process has open at a time."""
    taken = MOST + RESERVED + settings.stream_limit
    made = settings.database_pool_size + settings.stripe_concurrency
    return taken + made + OTHER_FILES


async def check_identity(container: Container) -> AsyncIterator[Finding]:
    if container.tokens is None:
        return
    url = container.settings.oidc_jwks_url
    try:
        usable = await container.tokens.usable_keys()
    except IdentityProviderUnavailable as error:
        yield fail(
            "identity provider", f"{url}: {error.detail}", "Check OIDC_JWKS_URL, and that this machine can reach it."
        )
        return
    if usable:
        yield ok("identity provider", f"{usable} signing keys at {url}")
    else:
        algorithms = ", ".join(container.settings.oidc_algorithms)
        says = f"{url} has no key that may verify a token here"
        yield fail("identity provider", says, f"Its keys must have an id and be of {algorithms} (OIDC_ALGORITHMS).")


async def check_secrets_key(container: Container) -> AsyncIterator[Finding]:
    """Check that the signing secrets of outgoing webhooks are stored under the first SECRETS_KEY."""
    async with container.database.connection() as connection:
        found = await endpoint_statements.sealed_otherwise(connection, container.endpoints.seal.current)
    if found:
        says = (
            f"the signing secrets of {len(found)} endpoints, as {found[0]}, are not stored under the first SECRETS_KEY"
        )
        advice = "A worker does that within an hour. If its log says signing_secret_unreadable: SECRETS_KEY=new,old."
        yield warn("secrets key", says, advice)


async def check_callers(container: Container) -> AsyncIterator[Finding]:
    settings = container.settings
    async with container.database.connection() as connection:
        somebody = await key_statements.any_in_force(connection, livemode=settings.livemode)
    if settings.api_bootstrap_key and settings.environment == "production" and somebody:
        says = "API_BOOTSTRAP_KEY is set though there are keys: it may do everything and names nobody in the audit log"
        yield warn("callers", says, "Unset it.")
    elif not (somebody or settings.api_bootstrap_key or settings.oidc_issuer):
        yield fail("callers", "nobody could call: there is no key", "invoicing keys create")
    else:
        yield ok("callers", "somebody has a key" if somebody else "only by the operator's key or the identity provider")
