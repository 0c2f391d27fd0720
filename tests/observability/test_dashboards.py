"""Dashboards, rules and alerts ask for what there is: held against a real scrape, and executed by a real Prometheus."""

import json
import math
import re
import time
from functools import cache
from typing import Any

import pytest
import yaml

from tests.fixtures.prometheus import Prometheus, Promtool, StartPrometheus
from tests.fixtures.sandbox import PROJECT
from tests.fixtures.waiting import until
from tests.observability.conftest import Watched, pay_an_invoice

OPS = PROJECT / "ops"
RULES, ALERTS = OPS / "prometheus" / "rules.yml", OPS / "prometheus" / "alerts.yml"
OF_PROMETHEUS = {"job", "instance", "le"}
METRIC = re.compile(r"\b((?:invoicing[a-z0-9_:]*|process_[a-z_]+|up))\b(?!\s*[=(])(?:\{([^}]*)\})?")


@cache
def panels() -> dict[str, list[str]]:
    found = {}
    for path in (OPS / "grafana").glob("*.json"):
        for panel in json.loads(path.read_text())["panels"]:
            if panel["type"] != "row":
                found[f"{path.name}: {panel['title']}"] = [target["expr"] for target in panel["targets"]]
    return found


def rules(path: Any) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


@cache
def recorded() -> dict[str, str]:
    return {rule["record"]: rule["expr"] for rule in rules(RULES)}


def every_expression() -> dict[str, str]:
    of_panels = {f"{title} {number}": one for title, all_ in panels().items() for number, one in enumerate(all_)}
    of_alerts = {rule["alert"]: rule["expr"] for rule in rules(ALERTS)}
    return of_panels | of_alerts | recorded()


def asked(expression: str) -> list[tuple[str, set[str]]]:
    """Every metric of an expression with the names of the labels it is asked for; a recorded one by what it is made of."""
    found: list[tuple[str, set[str]]] = []
    for name, matchers in METRIC.findall(re.sub(r'"[^"]*"', '""', expression)):
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        if name in recorded():
            found += [(inner, set()) for inner, _ in asked(recorded()[name])]
        else:
            found.append((name, labels))
    return found


def grouped(expression: str) -> set[str]:
    lists = re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", expression)
    return {label.strip() for one in lists for label in one.split(",") if label.strip()}


@pytest.mark.e2e
async def test_every_metric_and_label_that_is_asked_for_exists(watched: Watched) -> None:
    there = (await watched.scrape_worker()).names | {"up": set()}
    for name, labels in (await watched.scrape_api()).names.items():
        there[name] = there.get(name, set()) | labels
    wrong = []
    for where, expression in every_expression().items():
        metrics = asked(expression)
        assert metrics, where
        known: set[str] = set()
        for name, labels in metrics:
            known |= there.get(name, set())
            if name not in there or not labels <= there[name] | OF_PROMETHEUS:
                wrong.append(f"{where}: {name} {sorted(labels)}")
        if not grouped(expression) <= known | OF_PROMETHEUS:
            wrong.append(f"{where}: by {sorted(grouped(expression))}")
    assert not wrong


@pytest.mark.e2e
async def test_every_metric_is_documented_and_every_documented_one_exists(watched: Watched) -> None:
    there = set((await watched.scrape_worker()).names) | set((await watched.scrape_api()).names)
    ours = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in there if name.startswith("invoicing_")}
    table = (
        (PROJECT / "docs" / "contributing" / "observability.md")
        .read_text()
        .partition("## Metrics")[2]
        .partition("## Traces")[0]
    )
    documented = set()
    for line in table.splitlines():
        full = ""
        for name in re.findall(r"`(_?[a-z_]+)`", line.split("|")[1] if line.count("|") > 2 else ""):
            full = name if name.startswith("invoicing_") else _ending(full, name, ours)
            documented.add(full)
    assert documented == ours


def _ending(before: str, ending: str, ours: set[str]) -> str:
    """What `_waiting` stands for behind `invoicing_stripe_in_flight`."""
    stem = before
    while stem:
        stem = stem.rpartition("_")[0]
        if stem + ending in ours:
            return stem + ending
    return before + ending


def test_every_alert_has_its_section_in_the_runbooks_and_no_section_is_left_over() -> None:
    headings = re.findall(r"^## (\w+)$", (PROJECT / "docs" / "runbooks.md").read_text(), re.MULTILINE)
    assert headings == [rule["alert"] for rule in rules(ALERTS)]
    for rule in rules(ALERTS):
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"critical", "warning"}


def test_the_rules_are_valid_and_the_alerts_fire_when_they_should(promtool: Promtool) -> None:
    assert "SUCCESS" in promtool("check", "rules", RULES, ALERTS)
    assert "SUCCESS" in promtool("check", "config", OPS / "prometheus" / "prometheus.yml")
    assert "SUCCESS" in promtool("test", "rules", OPS / "prometheus" / "tests.yml")


def config(watched: Watched) -> str:
    given = yaml.safe_load((OPS / "prometheus" / "prometheus.yml").read_text())
    given["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    given["rule_files"] = [str(RULES), str(ALERTS)]
    ports = {"invoicing-api": watched.api_port, "invoicing-worker": watched.worker_port}
    for job in given["scrape_configs"]:
        job["static_configs"] = [{"targets": [f"127.0.0.1:{ports[job['job_name']]}"]}]
    return str(yaml.safe_dump(given))


def says(result: list[dict[str, Any]]) -> bool:
    return any(not math.isnan(float(one["value"][1])) for one in result)


@pytest.mark.e2e
async def test_every_panel_shows_data_that_a_real_prometheus_has_scraped(
    watched: Watched, prometheus: StartPrometheus
) -> None:
    server = await prometheus(config(watched))

    async def scraped() -> bool:
        found = await server.query('count_over_time(up{job=~"invoicing-.*"}[5m])')
        return len(found) == 2 and all(float(one["value"][1]) > 1 for one in found)

    await until(scraped, within=30)
    await pay_an_invoice(watched, f"seen-{time.time()}")  # what a rate is made of happens between two scrapes

    async def all_panels() -> bool:
        silent = [title for title, expressions in panels().items() if not await _shows(server, expressions)]
        assert not silent, silent
        return True

    await until(all_panels, within=60)
    for name in recorded():
        assert await server.query(name), name
    for rule in rules(ALERTS):
        await server.query(rule["expr"])
    firing = await server.query('ALERTS{alertstate=~"pending|firing"}')
    assert "InvoicingDeadEvents" in {alert["metric"]["alertname"] for alert in firing}


async def _shows(server: Prometheus, expressions: list[str]) -> bool:
    results = [await server.query(one.replace("$__rate_interval", "1m")) for one in expressions]
    return any(map(says, results))
