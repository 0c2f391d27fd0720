"""The accounts of one process: each has its own objects, events, endpoints, clock, faults and journal.

The default account is the state file's. Every other account has a database of its own, in the folder beside the file
or in memory. A key belongs to one account; a key that nobody gave to an account belongs to the default account, or with
`account_per_key` to an account that is made for it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from offline_stripe.api import Api
from offline_stripe.billing import schedule
from offline_stripe.control.calls import Control, Handlers
from offline_stripe.control.faults import Faults
from offline_stripe.control.journal import Journal
from offline_stripe.control.versions import Versions
from offline_stripe.pages.router import Pages
from offline_stripe.settings import SandboxConfig, Switches
from offline_stripe.store.clock import Clock
from offline_stripe.store.database import Database, StateFileError, seed_of
from offline_stripe.store.emission import Emission
from offline_stripe.store.identifiers import Identifiers
from offline_stripe.store.transaction import Store
from offline_stripe.webhooks.delivery import Deliveries
from offline_stripe.webhooks.endpoints import install_account, install_endpoints, rename_account
from offline_stripe.wire.idempotency import IdempotencyKeys
from offline_stripe.wire.keys import RestrictedKeys, is_test_key, scope_of
from offline_stripe.wire.messages import Request

MOST_ACCOUNTS = 1000
MOST_SNAPSHOTS = 100
SECRET = ("sk_test_", "rk_test_")


class NoSuchAccountError(Exception):
    """A request names an account that does not exist."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No such account: {name}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What an account held at one moment."""

    account: str
    base_url: str
    database: Database
    switches: Switches


class Account:
    """One account and what answers its calls."""

    def __init__(self, config: SandboxConfig, restricted: RestrictedKeys, identifier: str | None = None) -> None:
        self._config = config
        self._restricted = restricted
        database = Database(config.state)
        clock = Clock(database)
        self.store = Store(
            database=database,
            clock=clock,
            identifiers=Identifiers(database, seed_of(database, config.seed)),
            emission=Emission(database, clock),
            switches=config.switches,
            base_url=config.base_url,
        )
        install_account(self.store, config, identifier)
        install_endpoints(self.store, config.webhooks)
        self.faults = Faults()
        self.versions = Versions()
        self.journal = Journal()
        self.deliveries = Deliveries(self.store)
        keys = IdempotencyKeys(database)
        self.api = Api(self.store, keys, self.faults, self.versions, restricted, self.journal, self.deliveries)
        self.pages = Pages(self.store, self.deliveries)
        self.control: Control

    @property
    def id(self) -> str:
        return str(self.store.account["id"])

    @property
    def secret_key(self) -> str:
        """The key it was made with; it is not kept beyond this process."""
        return self._config.secret_key

    async def start(self) -> None:
        await self.deliveries.start()

    async def stop(self) -> None:
        await self.deliveries.stop()
        self.store.database.close()

    def tick(self) -> None:
        """Run the timers that fell due as real time passed."""
        if schedule.run_due(self.store):
            self.deliveries.wake()

    async def reset(self, *, endpoints: bool = True) -> None:
        """Everything is as at the first start. Ids still never repeat."""
        with self.store.database.writing():
            self.store.database.empty()
            self.store.clock.reset()
        await self._forget(self._config.switches)
        install_account(self.store, self._config, self.id)
        if endpoints:
            install_endpoints(self.store, self._config.webhooks)

    async def _forget(self, switches: Switches) -> None:
        """What no database holds."""
        await self.deliveries.abort()  # after the rows are gone, or they would be sent again at once
        self.store.switches = switches
        self.store.emission.behave()
        self.faults.clear()
        self.versions.clear()
        self._restricted.clear(self.id)
        self.journal.clear()

    def snapshot(self) -> Snapshot:
        copy = Database(":memory:")
        copy.copy_from(self.store.database)
        return Snapshot(self.id, self.store.base_url, copy, self.store.switches)

    async def restore(self, snapshot: Snapshot) -> None:
        """Take over what a snapshot holds, also another account's. The own id and keys stay, and ids never repeat."""
        database = self.store.database
        kept = {name: database.meta(name, "") for name in ("seed", "account", "keys")}
        own = self.id
        database.copy_from(snapshot.database)
        with database.writing():
            for name, value in kept.items():
                database.set_meta(name, value)
        self.store.identifiers.survive()
        self.store.clock.read_again()
        rename_account(self.store, own)
        if snapshot.account != own:  # these are the other's to deliver
            with database.writing():
                database.execute("DELETE FROM deliveries WHERE state IN ('pending', 'held')")
                links = (f'"{snapshot.base_url}/', f'"{self.store.base_url}/')
                database.execute("UPDATE objects SET doc = replace(doc, ?, ?)", links)
        await self._forget(snapshot.switches)


class Accounts:
    """Finds, makes, copies and deletes accounts."""

    def __init__(self, config: SandboxConfig, handlers: Callable[[Accounts], Handlers]) -> None:
        self._config = config
        self._restricted = RestrictedKeys()
        self._handlers = handlers(self)
        self._by_id: dict[str, Account] = {}
        self._by_key: dict[str, Account] = {}
        self._platforms: dict[str, str] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._counted = 0
        self._folder = None if config.state == ":memory:" else Path(f"{config.state}.accounts")
        self.default = self._install(Account(config, self._restricted))
        try:
            for path in sorted(self._folder.glob("acct_*.sqlite3")) if self._folder else ():
                self._open(path.stem)
        except StateFileError:
            for account in self:
                account.store.database.close()
            raise

    def __iter__(self) -> Iterator[Account]:
        return iter([*self._by_id.values()])

    # Finding

    def named(self, identifier: str) -> Account:
        if identifier not in self._by_id:
            raise NoSuchAccountError(identifier)
        return self._by_id[identifier]

    async def of_request(self, request: Request, key: str | None) -> Account:
        """The account that a request is about: the one it names, or else its key's.

        A path may begin with an account's id, which is taken off. A key may act for its own account and for those
        connected to it. An API call that names another account gets its own, whose API refuses it as Stripe does.
        """
        asked = request.headers.get("stripe-account")
        head, _, rest = request.path[1:].partition("/")
        if head.startswith("acct_"):
            asked = request.headers["stripe-account"] = head
            request.path = f"/{rest}"
        own = await self._of_key(key)
        if not asked:
            return own
        if not request.path.startswith("/v1/"):
            return self.named(asked)
        found = self._by_id.get(asked)
        return found if found is not None and self._platforms.get(asked) == own.id else own

    async def _of_key(self, key: str | None) -> Account:
        if not key:
            return self.default
        scope = scope_of(key)
        found = self._by_key.get(scope) or self._by_id.get(self._restricted.account_of(scope))
        if found is not None:
            return found
        if not self._config.account_per_key or not key.startswith(SECRET) or key == self._config.secret_key:
            return self.default
        return await self.make(secret_key=key)

    # Making

    async def make(
        self,
        *,
        secret_key: str | None = None,
        platform: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        country: str | None = None,
    ) -> Account:
        """A new, empty account with keys of its own. Raises ValueError with what is wrong."""
        if len(self._by_id) >= MOST_ACCOUNTS:
            raise ValueError(f"there are {MOST_ACCOUNTS} accounts already; delete some")
        ids = self.default.store.identifiers
        secret_key = secret_key or f"sk_test_{ids.draw(24)}"
        if not secret_key.startswith(SECRET) or not is_test_key(secret_key):
            raise ValueError("secret_key begins with sk_test_ or rk_test_")
        if scope_of(secret_key) in self._by_key:
            raise ValueError("secret_key belongs to another account")
        under = self.named(platform) if platform else self.default
        identifier = f"acct_1{ids.draw(15)}"
        ids.persist()
        of_keys = secret_key.split("_", 2)[2]
        if seed is None and self._config.seed is not None:
            seed = zlib.crc32(f"{self._config.seed}:{identifier}".encode())
        config = self._config_of(identifier, seed=seed)
        config = replace(
            config,
            secret_key=secret_key,
            publishable_key=f"pk_test_{of_keys}",
            account_name=name or config.account_name,
            account_country=(country or config.account_country).upper(),
        )
        account = Account(config, self._restricted, identifier)
        with account.store.database.writing():
            scopes = [scope_of(f"{kind}_test_{of_keys}") for kind in ("sk", "rk", "pk")]
            about = {"platform": under.id, "publishable_key": config.publishable_key, "seed": seed, "keys": scopes}
            account.store.database.set_meta("account", json.dumps(about))
        self._install(account)
        await account.start()
        return account

    def _config_of(self, identifier: str, *, seed: int | None) -> SandboxConfig:
        state = ":memory:"
        if self._folder is not None:
            self._folder.mkdir(exist_ok=True)
            state = str(self._folder / f"{identifier}.sqlite3")
        url = f"{self._config.base_url}/{identifier}"
        return replace(self._config, state=state, public_url=url, webhooks=(), seed=seed)

    def _open(self, identifier: str) -> None:
        """An account that the state file's folder holds."""
        config = self._config_of(identifier, seed=None)
        account = Account(config, self._restricted, identifier)
        about = json.loads(account.store.database.meta("account", "null"))
        if about is None or account.id != identifier:
            account.store.database.close()
            raise StateFileError(f"{config.state} is no account of this sandbox; delete it.")
        self._install(account)

    def _install(self, account: Account) -> Account:
        about = json.loads(account.store.database.meta("account", "{}"))
        if about:
            account.store.publishable_key = about["publishable_key"]
            self._platforms[account.id] = about["platform"]
            if about["seed"] is not None:
                account.store.identifiers.reseed(str(about["seed"]))
        self._by_key.update(dict.fromkeys(about.get("keys", ()), account))
        account.control = Control(account, self._restricted, self._handlers)
        self._by_id[account.id] = account
        return account

    async def delete(self, identifier: str) -> None:
        account = self.named(identifier)
        if account is self.default:
            raise ValueError("the default account stays; reset it instead")
        del self._by_id[identifier]
        self._by_key = {scope: of for scope, of in self._by_key.items() if of is not account}
        await account.stop()
        if self._folder is not None:
            for file in self._folder.glob(f"{identifier}.sqlite3*"):
                file.unlink()

    # Copies

    def snapshot(self, identifier: str) -> str:
        if len(self._snapshots) >= MOST_SNAPSHOTS:
            raise ValueError(f"there are {MOST_SNAPSHOTS} snapshots already; delete some")
        self._counted += 1
        name = f"snap_{self._counted}"
        self._snapshots[name] = self.named(identifier).snapshot()
        return name

    def snapshot_named(self, name: str) -> Snapshot:
        if name not in self._snapshots:
            raise ValueError(f"No such snapshot: {name}")
        return self._snapshots[name]

    def drop_snapshot(self, name: str) -> None:
        self.snapshot_named(name).database.close()
        del self._snapshots[name]

    # Running

    async def start(self) -> None:
        for account in self:
            await account.start()

    async def stop(self) -> None:
        for account in self:
            await account.stop()
