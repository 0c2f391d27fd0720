"""The tables of the users' pages name what the code knows: no more, no less."""

import json
import re
from pathlib import Path

from app.cli.main import COMMANDS
from app.domain.access import RULES, Scope
from app.domain.actions import Moment
from app.domain.events import TYPES
from app.domain.fulfillment import FulfillmentStatus
from app.domain.invoice import TRANSITIONS, InvoiceStatus
from app.domain.next_step import STUCK, NextStep
from app.http.problems import STATUS
from app.languages.invoice_lines import functions
from app.languages.language import choose

DOCS = Path(__file__).resolve().parents[2] / "docs"
CODE = re.compile(r"`([^`]+)`")


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the tables below a heading of a page, without the tables' own heads."""
    text = (DOCS / page).read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    tables = re.findall(r"^\|(?: --- \|)+\n((?:\|.*\|\n)+)", text, re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")[1:-1]] for table in tables for row in table.splitlines()]


def test_the_error_codes_and_their_statuses() -> None:
    found = {
        code: int(status)
        for codes, status, _ in rows("reference/api.md", "Error codes")
        for code in CODE.findall(codes)
    }
    assert found == STATUS


def test_the_acts_that_each_status_allows() -> None:
    statuses = [InvoiceStatus(name) for name in ("draft", "open", "uncollectible", "paid", "void")]
    table = [row for row in rows("invoices.md", "From draft to fulfilled") if len(row) == 6]
    found = {
        act: {status for status, cell in zip(statuses, cells, strict=True) if cell}
        for acts, *cells in table
        for act in CODE.findall(acts.partition("(")[0])
    }
    assert found == TRANSITIONS


def test_the_types_of_events() -> None:
    found: list[str] = []
    for names, _ in rows("events.md", "Types"):
        for name in CODE.findall(names):
            found.append(name if not name.startswith(".") else found[-1].partition(".")[0] + name)
    assert sorted(found) == sorted(TYPES)


def test_the_states_of_a_fulfillment_and_the_moments_of_its_actions() -> None:
    states = [row for row in rows("invoices.md", "States of a fulfillment") if "amount_" not in row[0]]
    assert [name for row in states for name in CODE.findall(row[0])] == [*FulfillmentStatus]
    page = (DOCS / "fulfillment-actions.md").read_text().partition("| moment |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [*Moment]


def test_the_steps_that_wait_for_an_operator() -> None:
    section = (DOCS / "invoices.md").read_text().partition("\n## Why is it unpaid?\n")[2].partition("\n## ")[0]
    listed = {name for row in rows("invoices.md", "Why is it unpaid?") for name in CODE.findall(row[0])}
    assert listed == STUCK
    assert {*NextStep} <= {*re.findall(r"`(\w+)`", section)}


def test_the_scopes() -> None:
    found: set[str] = set()
    for scopes, _ in rows("integration.md", "How do I make an API key?"):
        verbs = [name for name in CODE.findall(scopes) if name.startswith(":")]
        for name in CODE.findall(scopes):
            if not name.startswith(":"):
                found |= {name} if ":" in name or not verbs else {name + verb for verb in verbs}
    assert found == {*Scope}


def test_the_calls_of_customers() -> None:
    """A path that begins with `…` goes on where the path before it ends."""
    section = (DOCS / "portal.md").read_text().partition("\n## The API for customers\n")[2]
    found, before = set(), ""
    for method, path in re.findall(r"`(GET|POST|DELETE) (/v1/\S+|…\S+)`", section):
        whole = path.replace("…", before)
        before = whole if whole.endswith("}") else before
        found.add((method, re.sub(r"\{\w+\}|/me(?=/)", lambda it: "/{}" if it[0] == "/me" else "{}", whole)))
    contract = json.loads((DOCS.parent / "openapi" / "openapi.json").read_text())
    assert found == {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, operations in contract["paths"].items()
        for method, operation in operations.items()
        if (rule := RULES.get(operation["operationId"])) and rule.customers
    }


def test_the_names_that_templates_of_mails_may_use() -> None:
    page = (DOCS / "fulfillment-actions.md").read_text()
    assert not [
        name for name in (*functions(choose(())), "invoice", "fulfillment", "overdue") if f"`{name}" not in page
    ]


def test_the_commands() -> None:
    page = (DOCS / "reference" / "cli.md").read_text()
    assert not [name for name in COMMANDS if not re.search(rf"`(invoicing )?{name}\b", page)]


def test_the_tree_of_the_architecture_names_every_folder_of_the_service() -> None:
    tree = (DOCS / "contributing" / "architecture.md").read_text().partition("\n## The tree\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"(?<![\w/])(\w+)/", tree))
    folders = {path.parent.name for path in (DOCS.parent / "app").glob("*/__init__.py")}
    assert folders <= named
