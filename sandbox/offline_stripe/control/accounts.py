"""The control calls that list, make, copy and delete accounts. They answer the same whichever account is addressed."""

from offline_stripe.accounts import Account, Accounts
from offline_stripe.control.calls import Handlers
from offline_stripe.documents import Document

MAKES = ("secret_key", "platform", "seed", "name", "country")


class AccountControl:
    """Answers `/_sandbox/accounts` and `/_sandbox/snapshots`."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def routes(self) -> Handlers:
        return {
            ("GET", "accounts"): lambda _: {"accounts": [account.id for account in self._accounts]},
            ("POST", "accounts"): self.make,
            ("DELETE", "accounts/{id}"): self.delete,
            ("POST", "accounts/{id}/snapshot"): self.snapshot,
            ("POST", "accounts/{id}/restore"): self.restore,
            ("POST", "accounts/{id}/fork"): self.fork,
            ("DELETE", "snapshots/{id}"): self.drop_snapshot,
        }

    async def make(self, sent: Document) -> Document:
        return _shown(await self._made(sent, MAKES))

    async def _made(self, sent: Document, takes: tuple[str, ...]) -> Account:
        if unknown := sent.keys() - set(takes):
            raise ValueError(f"an account has no {', '.join(sorted(unknown))}")
        seed = None if sent.get("seed") is None else int(sent["seed"])
        texts = {name: str(value) for name, value in sent.items() if name != "seed" and value is not None}
        return await self._accounts.make(seed=seed, **texts)

    async def delete(self, sent: Document) -> Document:
        await self._accounts.delete(sent["id"])
        return {"deleted": sent["id"]}

    def snapshot(self, sent: Document) -> Document:
        return {"snapshot": self._accounts.snapshot(sent["id"])}

    async def restore(self, sent: Document) -> Document:
        """Back to a snapshot of the same account."""
        account, snapshot = self._accounts.named(sent["id"]), self._accounts.snapshot_named(str(sent.get("snapshot")))
        if snapshot.account != account.id:
            raise ValueError(f"the snapshot is of {snapshot.account}; fork makes an account of it")
        await account.restore(snapshot)
        return {"restored": account.id}

    async def fork(self, sent: Document) -> Document:
        """A new account that begins with what this one, or a snapshot, holds."""
        origin, name = self._accounts.named(sent.pop("id")), sent.pop("snapshot", None)
        if name:
            self._accounts.snapshot_named(str(name))  # before an account is made
        made = await self._made(sent, MAKES[:3])
        if name:
            await made.restore(self._accounts.snapshot_named(str(name)))
        else:
            copy = origin.snapshot()
            await made.restore(copy)
            copy.database.close()
        return _shown(made)

    def drop_snapshot(self, sent: Document) -> Document:
        self._accounts.drop_snapshot(sent["id"])
        return {"deleted": sent["id"]}


def _shown(account: Account) -> Document:
    return {
        "id": account.id,
        "secret_key": account.secret_key,
        "publishable_key": account.store.publishable_key,
        "control": f"{account.store.base_url}/_sandbox",
    }
