"""The status of an invoice, and of its fulfillment, is decided by one rule each and written in one place each."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.test_arrows import modules, strings

LEDGER = "app/projection/unit_of_work.py"
FULFILLING = "app/fulfillment/fulfillments.py"
ITEMS = "app/projection/item_statements.py"
MIRRORED = "app/projection/mirrored_rows.py"
"""Puts the document into a row that it is given."""
DOCUMENTS = "app/rebuild/documents.py"
"""Makes documents anew, of rows as they are."""
REBUILDER = "app/rebuild/rebuild.py"
"""Puts back rows that a unit of work of its own wrote, from the events."""
ELSEWHERE = ("app/http/", "app/admin/", "app/cli/", "app/domain/", "app/observability/", "app/inbox/route.py")
"""Where a `status` is shown, not stored."""
WRITES = re.compile(
    r"\b(update|insert\s+into|merge\s+into|delete\s+from)\s+(only\s+)?(invoices|fulfillments)\b", re.IGNORECASE
)


def _says_status(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value == "status"


def settings_of_status(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """How a `status` is put into a row: what it is put into by which kind of expression, and what is put there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Subscript) and _says_status(target.slice):
                    yield "assigned", ast.unparse(node.value)
                if isinstance(target, ast.Attribute) and target.attr == "status":
                    yield "assigned", ast.unparse(node.value)
        update = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.BitOr)
        changes = (node.right if isinstance(node, ast.BinOp) else node.value) if update else None  # type: ignore[attr-defined]
        if isinstance(changes, ast.Dict):
            for key, value in zip(changes.keys, changes.values, strict=True):
                if _says_status(key):
                    yield "changed", ast.unparse(value)


def found() -> dict[str, set[tuple[str, str]]]:
    places = {str(path): set(settings_of_status(tree)) for path, tree in modules("app").items()}
    return {path: ways for path, ways in places.items() if ways and not path.startswith(ELSEWHERE)}


def test_the_invoices_status_comes_from_advance_and_the_fulfillments_from_follow() -> None:
    assert found() == {
        LEDGER: {("assigned", "advance(known['status'] if known else None, row['status'], asked=asked)")},
        FULFILLING: {("changed", "status")},
    }
    follows = [node for node in ast.walk(modules("app")[Path(FULFILLING)]) if isinstance(node, ast.Assign)]
    decided = [ast.unparse(node.value) for node in follows if ast.unparse(node.targets[0]) == "status"]
    assert len(decided) == 1
    assert decided[0].startswith("follow(")


def test_only_the_ledger_stores_rows() -> None:
    storing = {
        str(path)
        for path, tree in modules("app").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "app.db.rows"
        for name in node.names
        if name.name == "store"
    }
    assert storing == {LEDGER, REBUILDER, ITEMS, MIRRORED}
    writing = {
        str(path)
        for path, tree in modules("app").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "mirrored_rows.write"
    }
    assert writing <= {LEDGER, DOCUMENTS}


def test_no_statement_writes_invoices_or_fulfillments_beside_it() -> None:
    written = {
        str(path) for path, tree in modules("app").items() for text in strings(tree) if WRITES.search(str(text.value))
    }
    assert not written


@pytest.mark.parametrize(
    "code",
    ["row['status'] = 'paid'", "row = row | {'status': 'paid'}", "row |= {'status': x}", "invoice.status = 'open'"],
)
def test_another_way_to_set_a_status_would_be_found(code: str) -> None:
    assert list(settings_of_status(ast.parse(code)))
