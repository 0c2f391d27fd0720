"""`python -m offline_stripe.coverage FILE`: write into a Markdown file what the sandbox simulates of Stripe's API.

The text goes between two marks of the file. It is made of the routes and of the SDK's types, so it cannot be wrong.
"""

import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from offline_stripe.resources import MODULES
from offline_stripe.wire.declared import Declared, declared
from offline_stripe.wire.routing import Route
from offline_stripe.wire.simulated import EVERYWHERE, PAGE, Taken, operations, taken_by

BEGIN, END = (
    "<!-- coverage: python -m offline_stripe.coverage sandbox/docs/reference.md -->\n",
    "<!-- end of coverage -->",
)
EVERY_LIST = frozenset({EVERYWHERE, *PAGE.split()})
_ID = re.compile(r"\{\w+\}")


@dataclass(slots=True)
class Split:
    """The parameters of one operation, by what becomes of them. A name stands for all that it holds."""

    effect: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    effects: int = 0
    refusals: int = 0


def split(route: Route) -> Split:
    """What becomes of each parameter that the operation has."""
    made = Split()
    _split(taken_by(route.takes), declared(route.params), "", made)
    return made


def _split(taken: Taken, known: Declared, path: str, made: Split) -> None:
    for name, parts in sorted(known.items()):
        shown = f"{path}[{name}]" if path else name
        inner = (taken.parts or {}).get(name)
        if path == "" and name in EVERY_LIST:
            continue
        if inner is None:
            made.refused.append(shown)
            made.refusals += _leaves(parts)
        elif inner.parts is not None and parts is not None:
            _split(inner, parts, shown, made)
        else:
            made.effect.append(f"{shown}={'/'.join(inner.values)}" if inner.values else shown)
            made.effects += _leaves(parts)


def _leaves(parts: Declared | None) -> int:
    return sum(_leaves(inner) for inner in parts.values()) if parts else 1


def table() -> str:
    """The text that stands between the marks."""
    routes = sorted((route for module in MODULES for route in module.ROUTES), key=lambda it: (it.path, it.method))
    splits = [split(route) for route in routes]
    rows = [
        f"| `{route.method} {route.path}` | {_listed(made.effect)} | {_listed(made.refused)} |"
        for route, made in zip(routes, splits, strict=True)
    ]
    effects, refusals = sum(made.effects for made in splits), sum(made.refusals for made in splits)
    absent = operations() - {(route.method, _ID.sub("{}", route.path)) for route in routes}
    groups = Counter("/".join(path.split("/")[:3]) for _, path in absent)
    refused = ", ".join(f"`{group}` ({count})" for group, count in sorted(groups.items()))
    counts = (
        f"{len(routes)} operations with {effects} parameters that have an effect and {refusals} that are refused; none is"
        " ignored. A name stands for all that it holds, `name=a/b` for these values alone. `expand` is taken everywhere,"
        " `limit`, `starting_after` and `ending_before` by every list."
    )
    head = [counts, "", "| operation | has an effect | refused |", "| --- | --- | --- |"]
    return "\n".join([*head, *rows, "", f"Refused as a whole ({len(absent)} operations): {refused}.", ""])


def _listed(names: list[str]) -> str:
    """The names, those of one parent together."""
    by_parent: dict[str, list[str]] = {}
    for name in names:
        parent, bracket, last = name.rpartition("[")
        by_parent.setdefault(parent, []).append(last.replace("]", "") if bracket else name)
    alone = [f"`{name}`" for name in by_parent.pop("", [])]
    inside = [f"`{parent}{{{' '.join(inner)}}}`" for parent, inner in by_parent.items()]
    return " ".join([*alone, *inside]) or "-"


def with_table(text: str) -> str:
    """The text of a file with the table as it is now. Raises ValueError if it lacks the marks."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError("the file has no marks for the table")
    return head + begin + table() + end + tail


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(with_table(target.read_text()))
