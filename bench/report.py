"""Reports results: sections with rows and targets, as a result file, as text and as Markdown."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.rounds import Samples, middle


class Target(msgspec.Struct):
    """Something aimed at: what, how much, and what was measured."""

    what: str
    aim: str
    measured: float
    met: bool
    unit: str = "×"


class Section(msgspec.Struct):
    """One scenario's outcome. `columns` name the figures of each row, `raw` holds every round."""

    name: str
    title: str
    columns: list[str]
    rows: list[tuple[str, list[float | str]]]
    targets: list[Target] = []
    raw: dict[str, Any] = {}
    notes: list[str] = []


class Document(msgspec.Struct):
    """A result file: on what it was measured, and what was found."""

    machine: dict[str, Any]
    quick: bool
    sections: list[Section]


COST_COLUMNS = ["req/s", "server ms", "pg ms", "total ms", "p50 ms", "p99 ms"]


def cost_rows(samples: Samples) -> list[tuple[str, list[float | str]]]:
    """A row of medians per contestant."""
    rows: list[tuple[str, list[float | str]]] = []
    for name, rounds in samples.items():
        found = middle(rounds)
        rows.append(
            (
                name,
                [round(found.per_s), found.server_ms, found.postgres_ms, found.total_ms, found.p50_ms, found.p99_ms],
            )
        )
    return rows


def at_most(what: str, measured: float, limit: float, unit: str = "×") -> Target:
    """A target that a figure must not exceed."""
    return Target(what, f"≤ {limit:g}", measured, measured <= limit, unit)


def at_least(what: str, measured: float, limit: float, unit: str = "×") -> Target:
    """A target that a figure must reach."""
    return Target(what, f"≥ {limit:g}", measured, measured >= limit, unit)


def _shown(figure: float | str) -> str:
    if isinstance(figure, str):
        return figure
    if figure >= 100 or figure == int(figure):
        return f"{figure:,.0f}"
    return f"{figure:.2f}"


def markdown(sections: Sequence[Section]) -> str:
    """The tables of what was measured."""
    parts = []
    for section in sections:
        parts.append(f"### {section.title}\n")
        parts.append(
            _table([["", *section.columns], *([name, *map(_shown, figures)] for name, figures in section.rows)])
        )
        parts += [f"{note}\n" for note in section.notes]
    return "\n".join(parts)


def targets(sections: Sequence[Section], before: Sequence[Section] = ()) -> str:
    """The table of what was aimed at, with what was measured `before`, if that is given."""
    former = {f"{section.name}: {one.what}": one for section in before for one in section.targets}
    cells = []
    for section in sections:
        for one in section.targets:
            work = f"{section.name}: {one.what}"
            then = [_measured(former[work]) if work in former else ""] if before else []
            cells.append([work, one.aim, *then, _measured(one), "met" if one.met else "**missed**"])
    return _table([["work", "target", *(["before"] if before else []), "measured", ""], *cells])


def _measured(one: Target) -> str:
    return f"{_shown(one.measured)} {one.unit}".strip()


def write(document: Document, path: Path) -> None:
    """Keep what was found."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")


def read(*paths: Path) -> list[Document]:
    """These result files."""
    return [msgspec.json.decode(path.read_bytes(), type=Document) for path in paths]


def merged(documents: Sequence[Document]) -> list[Section]:
    """One section of each scenario: the last."""
    return list({section.name: section for document in documents for section in document.sections}.values())


def _table(cells: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[index]) for row in cells) for index in range(len(cells[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.report", description="Print results as Markdown.")
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument(
        "--before", nargs="+", type=Path, default=[], help="results of an earlier time, to compare with"
    )
    asked = parser.parse_args()
    documents = read(*asked.results)
    sections = merged(documents)
    print(targets(sections, merged(read(*asked.before))), markdown(sections), sep="\n")
    for document in documents:
        found = document.machine
        names = ", ".join(section.name for section in document.sections)
        print(f"- {found['measured_at']}, {found['revision']}, load {found['load_average'][0]:.1f}: {names}")


if __name__ == "__main__":
    main()
