"""`python -m bench.plot RESULT.json PICTURE.svg [BEFORE.json]`: processor time per request as bars, server and PostgreSQL.

By hand, so that no plotting library is needed. With a third file, a mark on the bars of ours says where they ended in it.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

WIDTH, LABEL, BAR, GAP, HEAD = 900, 330, 16, 7, 40
SERVER, POSTGRES, OURS, MARK = "#4e79a7", "#a0cbe8", "#f28e2b", "#e15759"
PICTURED = {"intake": "Taking in an event", "reads": "Reading", "writes": "Creating a customer (Stripe: 50 ms)"}
SKIPPED = ("alone", "/s", "again")


def picture(result: dict[str, Any], before: dict[str, Any] | None = None) -> str:
    """The picture of a result file."""
    parts: list[str] = []
    top = 0
    for section in result["sections"]:
        if section["name"] in PICTURED:
            earlier = _rows(_named(before, section["name"])) if before else {}
            drawn, height = _panel(PICTURED[section["name"]], _rows(section), earlier, top)
            parts += drawn
            top += height
    legend, height = _legend(top, marked=before is not None)
    style = "font-family:system-ui,sans-serif;font-size:12px;fill:#555"
    size = f'width="{WIDTH}" height="{top + height}" viewBox="0 0 {WIDTH} {top + height}"'
    background = f'<rect width="{WIDTH}" height="{top + height}" fill="#fff"/>'
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{style}">', background, *parts, *legend, "</svg>\n"]
    )


def _named(result: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((section for section in result["sections"] if section["name"] == name), None)


def _rows(section: dict[str, Any] | None) -> dict[str, tuple[float, float]]:
    """Milliseconds of server and PostgreSQL by contestant, the cheapest first."""
    if section is None:
        return {}
    found = {
        name: (float(figures[1]), float(figures[2]))
        for name, figures in section["rows"]
        if not any(skipped in name for skipped in SKIPPED)
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
        parts.append(f'<text x="{end + 6:.1f}" y="{y + 12}">{server + postgres:.2f}</text>')
        if "ours" in name and name in earlier:
            mark = LABEL + sum(earlier[name]) * scale
            parts.append(f'<rect x="{mark - 1:.1f}" y="{y - 3}" width="3" height="{BAR + 6}" fill="{MARK}"/>')
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
    read = [msgspec.json.decode(Path(name).read_bytes()) for name in (sys.argv[1], *sys.argv[3:4])]
    Path(sys.argv[2]).write_text(picture(*read))


if __name__ == "__main__":
    main()
