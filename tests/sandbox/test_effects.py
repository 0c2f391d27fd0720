"""Each parameter that has an effect, by its route, has one: the same call with and without it ends differently.

Two copies of one world make the call, in this process and at one frozen moment. All that they store, the events and the
answer are compared.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine

from offline_stripe.asgi import Sandbox, create_app
from offline_stripe.billing.rendering import make_template
from offline_stripe.coverage import split
from offline_stripe.documents import from_text
from offline_stripe.resources import MODULES
from offline_stripe.settings import SandboxConfig, Switches
from offline_stripe.store.transaction import Cause, Transaction
from offline_stripe.wire.messages import Request
from offline_stripe.wire.routing import Route
from tests.sandbox.examples import BASES, ELSEWHERE, EXAMPLES, IDS, PROBED, WORLD

MOMENT = "2026-11-01T12:00:00Z"
MOST_UNTRIED = 40
KEY = "Bearer sk_test_sandbox"


async def call(app: Sandbox, method: str, path: str, form: dict[str, str]) -> tuple[int, Any]:
    text = urlencode(form)
    body, query = (text.encode(), "") if method == "POST" else (b"", text)
    answer = await app.api.answer(Request(method, path, query, {"authorization": KEY}, body, "", {}))
    return answer.status, from_text(answer.body)


def stored(app: Sandbox) -> list[object]:
    """All that the sandbox keeps, but its counter of ids."""
    app.store.database.execute("PRAGMA wal_checkpoint")
    tables = ("objects", "events", "timers", "outbox")
    return [app.store.database.all(f"SELECT * FROM {table} ORDER BY seq") for table in tables]  # noqa: S608 (our names)


@dataclass(frozen=True, slots=True)
class World:
    """A state file, and the ids of what is in it by name."""

    file: Path
    ids: dict[str, str]
    outcomes: dict[tuple[object, ...], object] = field(default_factory=dict)
    """How calls ended, for those that share one."""


def templated(app: Sandbox) -> str:
    """The id of a rendering template, which Stripe has made in its Dashboard alone."""
    with app.store.database.writing():
        tx = Transaction(app.store, Cause())
        template = make_template(tx, "Plain")
        tx.finish()
    return str(template["id"])


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    file = tmp_path_factory.mktemp("world") / "state"
    with time_machine.travel(MOMENT, tick=False):
        app = create_app(SandboxConfig(state=str(file), seed=1))
        ids: dict[str, str] = {}
        for line in WORLD.strip().splitlines():
            name, path, form = (*line.format(**ids).split(" "), "")[:3]
            pairs = dict(pair.split("=", 1) for pair in form.split("&") if pair)
            status, answer = await call(app, "POST", f"/v1/{path}", pairs)
            assert status == 200, (name, answer)
            ids[name] = answer["id"]
        for name, source in (("line", "draft"), ("sold_line", "open")):
            _, found = await call(app, "GET", f"/v1/invoices/{ids[source]}/lines", {})
            ids[name] = found["data"][0]["id"]
        _, found = await call(app, "GET", f"/v1/payment_intents/{ids['spent']}", {})
        ids["charge"] = found["latest_charge"]
        _, given = await call(app, "POST", f"/v1/invoices/{ids['automatic']}", {"discounts[0][coupon]": ids["coupon"]})
        ids["discount"] = given["discounts"][0]
        _, found = await call(app, "GET", "/v1/invoice_payments", {"invoice": ids["paid"]})
        ids["bought_by"] = found["data"][0]["payment"]["payment_intent"]
        _, found = await call(app, "GET", f"/v1/payment_intents/{ids['bought_by']}", {})
        ids["unrefunded"] = found["latest_charge"]
        ids["template"] = templated(app)
        stored(app)
        app.store.database.close()
    return World(file, ids)


@dataclass(frozen=True, slots=True)
class Probe:
    """One parameter of one operation."""

    route: Route
    name: str

    @property
    def operation(self) -> str:
        return f"{self.route.method} {self.route.path}"

    def example(self) -> str | None:
        if self.route.path.rpartition("/")[2] in ELSEWHERE:
            return None
        own = EXAMPLES.get(f"{self.operation} {self.name}")
        if own is not None:
            return own
        for owner in ("lines", "invoice_items"):
            if self.name.startswith(f"{owner}["):
                inner = EXAMPLES.get(self.name[len(owner) + 1 :].replace("]", "", 1))
                return inner and " ".join(_inside(word, f"{owner}[0]") for word in inner.split())
        return EXAMPLES.get(self.name)


def _inside(word: str, owner: str) -> str:
    if word == "|" or word.startswith("customer="):
        return word
    sign, rest = (word[0], word[1:]) if word[0] in "-!" else ("", word)
    key, equals, value = rest.partition("=")
    head, bracket, tail = key.partition("[")
    return f"{sign}{owner}[{head}]{bracket}{tail}{equals}{value}"


def probes() -> Iterator[Probe]:
    for module in MODULES:
        for route in module.ROUTES:
            if route.path.split("/")[2] in PROBED:
                for name in split(route).effect:
                    if "=" not in name or "|" in name or "/" in name:
                        yield Probe(route, name.partition("=")[0])


def form_of(text: str, start: dict[str, str], ids: dict[str, str]) -> dict[str, str]:
    form = dict(start)
    for word in text.format(**ids).split():
        key, _, value = word.removeprefix("!").partition("=")
        if word[0] == "-":
            form.pop(key[1:], None)
        else:
            form[key] = value
    return form


def path_of(probe: Probe, ids: dict[str, str]) -> str:
    words = probe.route.path.split("/")
    name = IDS.get(f"{probe.operation} {probe.name}") or IDS.get(words[-1]) or IDS[f"{words[2]}/"]
    path = probe.route.path.replace("{id}", ids[name])
    return path.replace("{line}", ids["line"]).replace("{method}", ids["method"]).replace("{tax_id}", ids["tax_id"])


async def outcome(world: World, file: Path, probe: Probe, form: dict[str, str]) -> tuple[int, Any, object]:
    shutil.copy(world.file, file)
    switches = Switches(invoice_authentication_declines=True)
    with time_machine.travel(MOMENT, tick=False):
        app = create_app(SandboxConfig(state=str(file), seed=1, switches=switches))
        try:
            status, answer = await call(app, probe.route.method, path_of(probe, world.ids), form)
            return status, answer, stored(app)
        finally:
            app.store.database.close()


ALL = list(probes())
TRIED = [probe for probe in ALL if probe.example() is not None]


def test_few_parameters_are_left_to_tests_of_their_own() -> None:
    """Bank transfers are, in `test_bank_transfers.py`."""
    assert len(ALL) - len(TRIED) <= MOST_UNTRIED


@pytest.mark.parametrize("probe", TRIED, ids=lambda probe: f"{probe.operation} {probe.name}")
async def test_a_parameter_has_an_effect(world: World, tmp_path: Path, probe: Probe) -> None:
    shared, bar, extra = (probe.example() or "").rpartition("|")
    base = form_of(shared if bar else "", form_of(BASES.get(probe.operation, ""), {}, world.ids), world.ids)
    sent = form_of(extra, base, world.ids)
    assert sent != base, "the example is what the base sends"
    known = (probe.operation, path_of(probe, world.ids), *sorted(base.items()))
    if known not in world.outcomes:
        world.outcomes[known] = await outcome(world, tmp_path / "without", probe, base)
    status, answer, kept = await outcome(world, tmp_path / "with", probe, sent)
    assert (status >= 400) is extra.strip().startswith("!"), answer
    assert (status, answer, kept) != world.outcomes[known]
