"""`python -m dev.guide [FOLDER]`: builds the documentation as a site, with a page for each tag of the contract.

Sphinx with MyST does it: it is maintained, reads Markdown as GitHub does, and its search index is a script, so the search
works without a network and from a file. Every warning is an error. FOLDER is `build/guide` unless it is given; the site
is in its folder `site`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt

from dev import reference

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / "build" / "guide"
REFERENCE = "api"
"""The folder of the site that holds the API reference."""
REST = {
    "API reference": (f"{REFERENCE}/",),
    "For contributors": ("CONTRIBUTING", "contributing", "tests"),
    "More": ("",),
}
"""Headings of the navigation, and what the names of their pages begin with."""
BESIDE = ("clients/*/README.md", "sandbox/*.md", "sandbox/docs/*.md", "examples/*/README.md", "tests/README.md", "*.md")
"""Where pages stand outside of docs/."""
NOT_SHOWN = {"CHANGELOG.md", "sandbox/CHANGELOG.md"}
"""History, in which a search would find every word."""
FENCED = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?P<opening>!?)\[(?P<text>[^\[\]]*)\]\((?P<target>[^()\s]+)\)")


def pages() -> dict[str, str]:
    """Where each page of the project stands on the site, by its path in the project. For README.md that is the first page."""
    found = sorted(
        str(path.relative_to(PROJECT)) for pattern in ("docs/**/*.md", *BESIDE) for path in PROJECT.glob(pattern)
    )
    places = {page: page.removeprefix("docs/").replace("/docs/", "/").replace("/README.md", ".md") for page in found}
    return {page: place for page, place in places.items() if page not in NOT_SHOWN} | {"README.md": "index.md"}


def prose(text: str, change: Callable[[str], str]) -> str:
    """`text` with its parts outside of code blocks changed."""
    return "".join(part if FENCED.fullmatch(part) else change(part) for part in FENCED.split(text))


def linked(page: str, text: str, places: dict[str, str]) -> str:
    """The page's text as it stands on the site: its links lead to where the others stand; what is no page keeps its words."""

    def link(found: re.Match[str]) -> str:
        target, sharp, anchor = found["target"].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return found[0]
        named = os.path.normpath(Path(page).parent / target)
        place = places.get(named) or places.get(f"{named}/README.md")
        if found["opening"]:
            place = named.removeprefix("docs/")
        elif place is None:
            return found["text"]
        elif place == "index.md":
            sharp = anchor = ""
        relative = os.path.relpath(place, Path(places[page]).parent)
        return f"{found['opening']}[{found['text']}]({relative}{sharp}{anchor})"

    return prose(text, lambda part: LINK.sub(link, part))


def contents(home: str) -> Iterator[tuple[str, list[str]]]:
    """The headings of the home page, each with the pages that are linked below it."""
    heading, below = "Guide", list[str]()
    parsed = MarkdownIt("commonmark").enable("table").parse(home)
    for before, token in pairwise(parsed):
        if before.type == "heading_open":
            yield heading, below
            heading, below = token.content, []
        below += [
            str(child.attrs["href"]).partition("#")[0] for child in token.children or [] if child.type == "link_open"
        ]
    yield heading, below


def toctree(caption: str, names: list[str]) -> str:
    return "\n".join(["", "```{toctree}", ":hidden:", ":titlesonly:", f":caption: {caption}", "", *names, "```", ""])


def navigation(home: str, everything: list[str]) -> str:
    """The site's navigation: the home page's own order, then the pages that it does not link."""
    seen, made = {"index"}, list[str]()
    for caption, links in contents(home):
        names = [it for it in dict.fromkeys(link.removesuffix(".md") for link in links) if it in everything]
        names = [it for it in names if it not in seen]
        seen |= {*names}
        if names:
            made.append(toctree(caption, names))
    rest = [name for name in everything if name not in seen]
    for caption, folders in REST.items():
        names = [name for name in rest if name.startswith(folders)]
        made.append(toctree(caption, names))
        rest = [name for name in rest if name not in names]
    return "".join(made)


def lay_out(source: Path) -> None:
    """Write the pages into `source` as they stand on the site."""
    shutil.rmtree(source, ignore_errors=True)
    places = pages()
    texts = {
        place: linked(page, (PROJECT / page).read_text(), places)
        for page, place in places.items()
        if page != "README.md"
    }
    contract = json.loads((PROJECT / "openapi" / "openapi.json").read_text())
    texts |= {f"{REFERENCE}/{name}.md": text for name, text in reference.pages(contract)}
    everything = [place.removesuffix(".md") for place in texts]
    texts["index.md"] += navigation(texts["index.md"], everything)
    for place, text in texts.items():
        path = source / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for images in (PROJECT / "docs").rglob("images"):
        shutil.copytree(images, source / images.relative_to(PROJECT / "docs"))


def build(folder: Path) -> int:
    """Build the site in `folder`; returns Sphinx's exit status, which is not 0 after a warning."""
    lay_out(folder / "source")
    options = ["--fail-on-warning", "--keep-going", "--quiet", "--jobs", "auto", "--conf-dir", PROJECT / "docs"]
    folders = ["--doctree-dir", folder / "doctrees", folder / "source", folder / "site"]
    return subprocess.run([sys.executable, "-m", "sphinx", *map(str, [*options, *folders])], check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.guide", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    status = build(folder)
    if not status:
        print(f"The site is at {folder / 'site' / 'index.html'}.")
    return status


if __name__ == "__main__":
    sys.exit(main())
