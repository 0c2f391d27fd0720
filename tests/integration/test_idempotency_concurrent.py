"""Clients that share keys, ask at once, die at any await, lose answers and come again, in any order (Hypothesis)."""

import asyncio
import uuid
from collections import Counter
from typing import Any, ClassVar

import asyncpg
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from app.container import Container, built
from app.domain.errors import IdempotencyInProgress, IdempotencyMismatch, Unavailable
from app.idempotency.operations import Answer, Call
from app.settings import Settings
from tests.fixtures.dying import NEVER, Process
from tests.fixtures.sandbox import Sandbox

KEYS = st.sampled_from(["one", "other"])
NAMES = st.sampled_from(["this", "that"])
DEATHS = st.none() | st.integers(0, 24)
CLIENTS = st.lists(st.tuples(KEYS, NAMES, DEATHS), min_size=1, max_size=4)
LEASE_OVER = "UPDATE operations SET locked_until = now() - interval '1 hour' WHERE answered_at IS NULL"


class SharedKeys(RuleBasedStateMachine):
    """The model: per key, the first answer is the only one, and Stripe executed its request once."""

    configured: ClassVar[Settings]
    stripe: ClassVar[tuple[str, str]]

    @initialize()
    def start(self) -> None:
        self.runner = asyncio.Runner()
        self.run = uuid.uuid4().hex
        self.answers: dict[str, tuple[str, str]] = {}
        self.entered = built(self.configured)
        self.container: Container = self.runner.run(self.entered.__aenter__())
        self.sandbox = self.runner.run(self._sandbox())
        self.faults = False

    async def _sandbox(self) -> Sandbox:
        return Sandbox(*self.stripe)

    @rule(clients=CLIENTS)
    def clients_ask_at_once(self, clients: list[tuple[str, str, int | None]]) -> None:
        self.runner.run(self._ask(clients))

    async def _ask(self, clients: list[tuple[str, str, int | None]]) -> None:
        outcomes = await asyncio.gather(*(self._client(*client) for client in clients))
        for (key, name, _), outcome in zip(clients, outcomes, strict=True):
            if isinstance(outcome, Answer):
                assert self.answers.setdefault(key, (name, outcome.body)) == (name, outcome.body)
        for (key, name, _), outcome in zip(clients, outcomes, strict=True):
            if outcome is IdempotencyMismatch and key in self.answers:
                assert self.answers[key][0] != name

    async def _client(self, key: str, name: str, death: int | None) -> Any:
        call = Call("tests", "POST /v1/products", {"name": name}, key=f"{self.run}-{key}")
        async with built(self.configured) as container:
            run = container.operations.run(call, container.catalog.create_product)
            try:
                return await Process(container).run(run, dies_at=NEVER if death is None else death)
            except (IdempotencyInProgress, IdempotencyMismatch, Unavailable) as refused:
                return type(refused)

    @rule()
    def the_leases_of_the_dead_run_out(self) -> None:
        self.runner.run(self._execute(LEASE_OVER))

    @rule()
    def the_completer_comes_by(self) -> None:
        self.runner.run(self.container.completer().run_once())

    @precondition(lambda self: not self.faults)
    @rule(kind=st.sampled_from(["drop_request", "drop_response", "malformed_body", "status"]), stored=st.booleans())
    def stripe_fails(self, kind: str, stored: bool) -> None:  # noqa: FBT001
        self.faults = True
        self.runner.run(self.sandbox.fault("POST", "/v1/products", kind=kind, times=2, stored=stored, executes=stored))

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.configured.database_url.get_secret_value())
        await connection.execute(statement)
        await connection.close()

    def teardown(self) -> None:
        try:
            self.runner.run(self._require_once())
        finally:
            self.runner.run(self.sandbox.close())
            self.runner.run(self.entered.__aexit__(None, None, None))
            self.runner.close()

    async def _require_once(self) -> None:
        await self.sandbox.clear_faults()
        await self._execute(LEASE_OVER)
        while await self.container.completer().run_once():
            pass
        for key, (name, body) in self.answers.items():
            replay = await self._client(key, name, None)
            assert (replay.body, replay.replayed) == (body, True)
        entries = await self.sandbox.requests(method="POST", path="/v1/products", limit="20000")
        executed = Counter(entry["idempotency_key"] for entry in entries if entry["executed"])
        assert set(executed.values()) <= {1}
        connection = await asyncpg.connect(self.configured.database_url.get_secret_value())
        rows = await connection.fetch(
            "SELECT id, subject, answered_at FROM operations WHERE idempotency_key LIKE $1", f"{self.run}%"
        )
        await connection.close()
        assert all(row["answered_at"] for row in rows)
        made = Counter(key.split("-")[1] for key in executed)
        assert {row["id"].hex: 1 for row in rows}.items() <= made.items()


def test_clients_with_shared_keys_never_make_anything_twice(settings: Settings, sandbox: Sandbox) -> None:
    SharedKeys.configured = settings.model_copy(update={"stripe_circuit_failures": 10_000})
    SharedKeys.stripe = (sandbox.url, sandbox.webhook_url)
    run_state_machine_as_test(
        SharedKeys,
        settings=hypothesis_settings(
            max_examples=12,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
