"""`python -m bench.plot PICTURE.svg RESULT.json … [--before BEFORE.json]`: processor time per request as bars.

By hand, so that no plotting library is needed. A mark on the bars of ours says where they ended before.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.report import Section, merged, read

WIDTH, LABEL, BAR, GAP, HEAD = 900, 330, 16, 7, 40
SERVER, POSTGRES, OURS, MARK = "#4e79a7", "#a0cbe8", "#f28e2b", "#e15759"
PICTURED = {"intake": "Taking in an event", "reads": "Reading", "writes": "Creating a customer (Stripe: 50 ms)"}
SKIPPED = ("alone", "/s", "again")


def picture(sections: Sequence[Section], before: Sequence[Section] = ()) -> str:
    """The picture of what was measured."""
    parts: list[str] = []
    top = 0
    for name, title in PICTURED.items():
        if rows := _rows(sections, name):
            drawn, height = _panel(title, rows, _rows(before, name), top)
            parts += drawn
            top += height
    legend, height = _legend(top, marked=bool(before))
    style = "font-family:system-ui,sans-serif;font-size:12px;fill:#555"
    size = f'width="{WIDTH}" height="{top + height}" viewBox="0 0 {WIDTH} {top + height}"'
    background = f'<rect width="{WIDTH}" height="{top + height}" fill="#fff"/>'
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{style}">', background, *parts, *legend, "</svg>\n"]
    )


def _rows(sections: Sequence[Section], name: str) -> dict[str, tuple[float, float]]:
    """Milliseconds of server and PostgreSQL by contestant of a scenario, the cheapest first."""
    found = {
        contestant: (float(figures[1]), float(figures[2]))
        for section in sections
        for contestant, figures in section.rows
        if section.name == name and not any(skipped in contestant for skipped in SKIPPED)
    }
    return dict(sorted(found.items(), key=lambda row: (row[0].rpartition(":")[0], sum(row[1]))))


def _panel(
    title: str, rows: dict[str, tuple[float, float]], earlier: dict[str, tuple[float, float]], top: int
) -> tuple[list[str], int]:
    longest = max(sum(row) for row in [*rows.values(), *(earlier[name] for name in earlier if "ours" in name)])
    scale = (WIDTH - LABEL - 70) / longest
    parts = [f'<text x="10" y="{top + 24}" style="font-size:14px;font-weight:600;fill:#333">{title}</text>']
    parts.append(f'<text x="{LABEL}" y="{top + 24}">ms of processor time each</text>')
    for number, (name, (server, postgres)) in enumerate(rows.items()):
        y = top + HEAD + number * (BAR + GAP)
        weight = ' style="font-weight:600;fill:#333"' if "ours" in name else ""
        parts.append(f'<text x="{LABEL - 8}" y="{y + 12}" text-anchor="end"{weight}>{name}</text>')
        colour = OURS if "ours" in name else SERVER
        parts.append(f'<rect x="{LABEL}" y="{y}" width="{server * scale:.1f}" height="{BAR}" fill="{colour}"/>')
        at = LABEL + server * scale
        parts.append(f'<rect x="{at:.1f}" y="{y}" width="{postgres * scale:.1f}" height="{BAR}" fill="{POSTGRES}"/>')
        end = at + postgres * scale
        if "ours" in name and name in earlier:
            mark = LABEL + sum(earlier[name]) * scale
            parts.append(f'<rect x="{mark - 1:.1f}" y="{y - 3}" width="3" height="{BAR + 6}" fill="{MARK}"/>')
            end = max(end, mark)
        parts.append(f'<text x="{end + 6:.1f}" y="{y + 12}">{server + postgres:.2f}</text>')
    return parts, HEAD + len(rows) * (BAR + GAP) + 10


def _legend(top: int, *, marked: bool) -> tuple[list[str], int]:
    entries = [(OURS, "our server"), (SERVER, "another server"), (POSTGRES, "PostgreSQL")]
    entries += [(MARK, "where ours ended before")] if marked else []
    parts = []
    for number, (colour, text) in enumerate(entries):
        x = LABEL + number * 125
        parts.append(f'<rect x="{x}" y="{top + 8}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 17}" y="{top + 18}">{text}</text>')
    return parts, 34


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.plot", description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("results", type=Path, nargs="+", help="of a scenario that several have, the last counts")
    parser.add_argument("--before", type=Path, nargs="*", default=[])
    asked = parser.parse_args()
    asked.picture.write_text(picture(merged(read(*asked.results)), merged(read(*asked.before))))


if __name__ == "__main__":
    main()
