"""Every regular expression of the service takes linear time, whatever it is given.

The patterns are read from the source, so a new one is held to it without being named here: arguments of `re`'s functions,
and every `pattern=`. Each is fed what is bad for patterns of its kind: a piece of itself, then one thing again and again,
then something that does not fit. All of it is tried first at 1 kB; what took longest is tried at 64 kB.

PostgreSQL's patterns are listed here, with the module of each; a further one in the source fails a test until it is listed.
The scripts and templates of the pages hold none, and a test keeps it so.
"""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import StringConstraints, TypeAdapter, ValidationError

from app.domain.redaction import redacted, redacted_json
from tests.fixtures.postgres import Database

PROJECT = Path(__file__).resolve().parents[2]
LARGE = 64 * 1024
SMALL = LARGE // 64
WITHIN_MS = 600
"""Processor time for 64 kB. A linear pattern takes 15 to 70 ms, as the machine is; a quadratic one takes seconds."""

FUNCTIONS = {"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
ANCHORED = {"match", "fullmatch"}
FLAGS = {"flags"}


@dataclass(frozen=True)
class Site:
    """A pattern in the source. `uses`: the methods it is called by; None where pydantic or msgspec calls it."""

    where: str
    pattern: str | bytes
    flags: int
    uses: frozenset[str] | None
    by_pydantic: bool = False


CALLED = re.compile(rf"(?<![\w.])(\w+)\.({'|'.join(FUNCTIONS)})\b")
HOLDING = re.compile(rf"\bre\.(?:{'|'.join(FUNCTIONS)})\b|\bpattern=")
"""Where there may be a pattern: the rest is not taken apart, as each worker of the tests would have to."""


@cache
def sources() -> dict[str, str]:
    """The source of each module of the service."""
    found = {}
    for path in sorted((PROJECT / "app").rglob("*.py")):
        dotted = ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
        if not dotted.endswith("__main__"):
            found[dotted] = path.read_text()
    return found


def value(node: ast.expr, names: dict[str, Any]) -> Any:
    """What an expression of the source is; it must be known when its module is imported."""
    return eval(compile(ast.Expression(node), "<pattern>", "eval"), dict(names))  # noqa: S307 -- our own source


def calls_by_name() -> dict[str, set[str]]:
    """By which methods each module-level name is called, anywhere."""
    found: dict[str, set[str]] = defaultdict(set)
    for source in sources().values():
        for name, function in CALLED.findall(source):
            found[name].add(function)
    return found


def function_of_re(called: ast.expr) -> str | None:
    """The name of the function where it is one of `re`'s."""
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "re":
        return called.attr if called.attr in FUNCTIONS else None
    return None


def sites() -> Iterator[Site]:
    uses = calls_by_name()
    for dotted, source in sources().items():
        if not HOLDING.search(source):
            continue
        nodes = list(ast.walk(ast.parse(source)))
        names = vars(importlib.import_module(dotted))
        assigned = {
            id(node.value): node.targets[0].id
            for node in nodes
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in nodes:
            if not isinstance(node, ast.Call):
                continue
            where = f"{dotted}:{node.lineno}"
            if (function := function_of_re(node.func)) is not None:
                flags = [one.value for one in node.keywords if one.arg in FLAGS] + node.args[1:2] * (
                    function == "compile"
                )
                called = uses[assigned.get(id(node), "")] if function == "compile" else {function}
                pattern = value(node.args[0], names)
                yield Site(where, pattern, value(flags[0], names) if flags else 0, frozenset(called))
            for keyword in node.keywords:
                if keyword.arg == "pattern":
                    by_pydantic = "msgspec" not in ast.unparse(node.func)
                    yield Site(where, value(keyword.value, names), 0, None, by_pydantic)


SITES = list(sites())
DISTINCT = {(site.pattern, site.uses, site.by_pydantic): site for site in SITES}.values()


def matcher(site: Site) -> Callable[[str], object]:
    """Calls the pattern as the service does; one that is searched with is searched with to the end."""
    if site.by_pydantic:
        adapter: TypeAdapter[str] = TypeAdapter(Annotated[str, StringConstraints(pattern=str(site.pattern))])
        return lambda text: _validated(adapter, text)
    compiled: re.Pattern[Any] = re.compile(site.pattern, site.flags)
    given = str.encode if isinstance(site.pattern, bytes) else str
    if site.uses and site.uses <= ANCHORED:
        return lambda text: compiled.match(given(text)) and compiled.fullmatch(given(text))
    return lambda text: sum(1 for _ in compiled.finditer(given(text)))


def _validated(adapter: TypeAdapter[str], text: str) -> bool:
    try:
        adapter.validate_python(text)
    except ValidationError:
        return False
    return True


UNITS = ["a", "A", "0", "4", "f", "_", "-", ".", ":", "/", "@", "=", ",", " ", "+", "%", '"', "\n", "\t", "\x00", "é"]
MORE = ["4 ", "4-", "://", "a@", "a.", "a@b.", "eyJ", "eyJaaaaaaaaa.", "aaaa@b ", "s3@a.b@", "Bearer ", "v1=0,", "[]"]
ENDS = ["", "\x00", "@"]


def texts(pattern: str | bytes) -> Iterator[tuple[str, str, str]]:
    """What is bad for a pattern: a beginning, what is repeated, and an end."""
    source = pattern.decode() if isinstance(pattern, bytes) else pattern
    words = {
        *re.findall(r"[A-Za-z0-9_]{2,}=?|\W", source),
        *(f"{word}_" for word in re.findall(r"\b[a-z]{2,5}\b", source)),
    }
    starts = ["", *sorted(words), *MORE, "a" * 64 + "@"]
    for start in starts:
        for unit in [*UNITS, *MORE, *sorted(words)]:
            for end in ENDS:
                yield start, unit, end


def text_of(start: str, unit: str, end: str, size: int) -> str:
    return start + unit * ((size - len(start)) // len(unit)) + end


def took_ms(call: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    call(text)
    return (time.process_time() - began) * 1000


def is_linear(call: Callable[[str], object], text: str) -> bool:
    """Up to three tries: other work of this machine takes the processor's caches."""
    return any(took_ms(call, text) < WITHIN_MS for _ in range(3))


@pytest.mark.parametrize("site", DISTINCT, ids=lambda site: site.where)
def test_every_pattern_takes_linear_time(site: Site) -> None:
    call = matcher(site)
    measured = [(took_ms(call, text_of(*made, SMALL)), made) for made in texts(site.pattern)]
    worst = sorted(measured, reverse=True)[:5]
    for _, made in worst:
        assert is_linear(call, text_of(*made, LARGE)), f"{site.where}: {made}: {site.pattern!r}"


ATTACKS = {
    "a password that never ends": "/a://" + ":" * LARGE + "/@",
    "a token that never ends": "eyJ" * (LARGE // 3) + ".",
    "tokens in tokens": "eyJaaaaaaaaa." * (LARGE // 13),
    "an address with a long beginning": "a" * LARGE + "@",
    "an address with a long end": "a" * 64 + "@" + "b" * LARGE,
    "almost cards": ("4 " * 18 + "4x ") * (LARGE // 39),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_redaction_takes_linear_time(attack: str) -> None:
    text = ATTACKS[attack]
    assert is_linear(redacted, text)
    line = f'{{"path":"{text}"}}'.encode()
    assert is_linear(lambda _: redacted_json(line, 2000), "")


def test_the_patterns_are_found_in_the_source() -> None:
    found = {site.where.partition(":")[0] for site in SITES}
    assert {"app.domain.redaction", "app.http.schemas", "app.http.parameters", "app.inbox.signature"} <= found


SQL_PATTERNS = {
    # A stored event. Every alternative begins with a quotation mark and ends at the next but two.
    '"customer"[[:space:]]*:[[:space:]]*"([^"]+)"|"(cus_[^"]+)"': "projection/erasure_statements.py",
    # The idempotency key in an event: at its beginning alone.
    "^inv-[0-9a-f]{32}-([a-z_]+)": "invoices/timeline_statements.py",
    "^inv-([0-9a-f]{32})-": "invoices/timeline_statements.py",
    # What the pattern above found: 32 characters.
    "(.{8})(.{4})(.{4})(.{4})(.{12})": "invoices/timeline_statements.py",
    # PostgreSQL's own words for a partition's bounds: nothing foreign.
    r"FROM \\(''(.+?)''\\)": "db/partitions.py",
    r"TO \\(''(.+?)''\\)": "db/partitions.py",
}
SQL_USE = re.compile(r"regexp_[a-z]+\(|regexp_match|substring\([^\n]* FROM '|similar to|!?~\*? '", re.IGNORECASE)
SQL_UNITS = [
    '"',
    '"customer"',
    '"customer" ',
    '"customer":',
    '"customer":"',
    '"customer":"a"',
    '"cus_',
    '"cus_a"',
    " ",
    "a",
    "inv-",
    "0",
]
SQL_WITHIN_MS = 1000
"""PostgreSQL's time for 64 kB, on a machine that does other things, too. It takes about 10 ms; a quadratic one, many seconds."""
SCRIPT_PATTERN = re.compile(r"(?:^|[(,=:\[!&|?{;]|\breturn)[ \t]*/(?![/*])|\bRegExp\b|\bpattern=", re.MULTILINE)


def test_every_pattern_of_sql_is_listed() -> None:
    uses = {
        str(path.relative_to(PROJECT / "app")): found
        for path in (PROJECT / "app").rglob("*.py")
        if (found := len(SQL_USE.findall(path.read_text())))
    }
    assert uses == Counter(SQL_PATTERNS.values())
    for pattern, module in SQL_PATTERNS.items():
        assert pattern in (PROJECT / "app" / module).read_text()


@pytest.mark.parametrize("pattern", [one for one, module in SQL_PATTERNS.items() if module != "db/partitions.py"])
async def test_every_pattern_of_sql_that_meets_foreign_text_takes_linear_time(database: Database, pattern: str) -> None:
    connection = await database.connect()
    try:
        for start in ("", '"customer"', '"customer":"', '"cus_', "inv-" + "0" * 32 + "-"):
            for unit in SQL_UNITS:
                text = start + unit * (LARGE // len(unit))
                took: list[float] = []
                while not took or (min(took) >= SQL_WITHIN_MS and len(took) < 3):
                    began = time.perf_counter()
                    await connection.fetchval("SELECT count(*) FROM regexp_matches($1, $2, 'g')", text, pattern)
                    took.append((time.perf_counter() - began) * 1000)
                assert min(took) < SQL_WITHIN_MS, f"{min(took):.0f} ms for {start!r}, {unit!r}: {pattern}"
    finally:
        await connection.close()


def test_the_pages_hold_no_pattern() -> None:
    files = [path for kind in ("js", "html") for path in (PROJECT / "app").rglob(f"*.{kind}")]
    assert {"pay.js", "pay.html"} <= {path.name for path in files}
    assert [path.name for path in files if SCRIPT_PATTERN.search(path.read_text())] == []
    for a_pattern in ("x.replace(/a+$/, y)", "return /a/.test(x)", "new RegExp(x)", '<input pattern="a+">'):
        assert SCRIPT_PATTERN.search(a_pattern)
