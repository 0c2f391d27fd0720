"""Webhook endpoints and their secrets.

It installs the configured endpoints and the account in a fresh state, adds endpoints later, and rolls secrets.
"""

from collections.abc import Iterable

from offline_stripe.documents import Document, from_text
from offline_stripe.settings import SandboxConfig, WebhookTarget
from offline_stripe.shapes import platform as shapes
from offline_stripe.store.transaction import Cause, Store, Transaction

_CURRENCIES = {"US": "usd", "GB": "gbp", "JP": "jpy", "CA": "cad", "AU": "aud", "CH": "chf"}


def install_account(store: Store, config: SandboxConfig, identifier: str | None = None) -> None:
    """The account itself, made once and kept in its database."""
    row = store.database.one("SELECT doc FROM objects WHERE kind = 'account'")
    if row is not None:
        store.account = from_text(str(row[0]))
        return
    with store.database.writing():
        tx = Transaction(store, Cause())
        name = config.account_name
        account = shapes.account(
            id=identifier or tx.new_id("acct"),
            country=config.account_country,
            created=tx.now,
            default_currency=_CURRENCIES.get(config.account_country, "eur"),
            email="sandbox@example.com",
        )
        account["business_profile"]["name"] = account["settings"]["dashboard"]["display_name"] = name
        store.account = tx.add(account)
        tx.finish()


def rename_account(store: Store, identifier: str) -> None:
    """The account is called so from now on: its database may be a copy of another's."""
    with store.database.writing():
        tx = Transaction(store, Cause())
        [account] = tx.where("account")
        tx.remove(account)
        store.account = tx.add({**account, "id": identifier})
        tx.finish()


def install_endpoints(store: Store, targets: Iterable[WebhookTarget]) -> None:
    """Targets from the command line, each once, with the secret it has now."""
    with store.database.writing():
        tx = Transaction(store, Cause())
        existing = {endpoint["url"]: endpoint for endpoint in tx.where("webhook_endpoint")}
        for target in targets:
            if target.url in existing:
                existing[target.url]["_secret"] = target.secret
                tx.save(existing[target.url])
            else:
                add_endpoint(tx, target.url, secret=target.secret)
        tx.finish()


def add_endpoint(tx: Transaction, url: str, *, secret: str | None = None, **fields: object) -> Document:
    return tx.add(
        shapes.webhook_endpoint(
            id=tx.new_id("we"),
            created=tx.now,
            url=url,
            _secret=secret or new_secret(tx),
            **fields,
        )
    )


def new_secret(tx: Transaction) -> str:
    return f"whsec_{tx.store.identifiers.draw(32)}"


def roll_secret(tx: Transaction, endpoint: Document, *, secret: str | None, overlap_s: float) -> str:
    """A new secret; the old one still signs, beside it, for `overlap_s`."""
    endpoint["_old_secret"] = endpoint["_secret"]
    endpoint["_old_secret_until"] = tx.store.clock.now() + overlap_s
    endpoint["_secret"] = secret or new_secret(tx)
    tx.save(endpoint)
    return str(endpoint["_secret"])
