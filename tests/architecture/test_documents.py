"""What is written for people: every link leads somewhere, users have little to read, and .github is what GitHub takes."""

import os
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.fixtures.json_schemas import follows

PROJECT = Path(__file__).resolve().parents[2]
GITHUB = PROJECT / ".github"
NOT_OURS = {"node_modules", "build", "dist", ".venv", ".git", ".data"}
SCHEMAS = {
    "workflows/*.yml": "vendor.github-workflows",
    "dependabot.yml": "vendor.dependabot",
    "ISSUE_TEMPLATE/[!c]*.yml": "vendor.github-issue-forms",
    "ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
}


def files(pattern: str) -> Iterator[Path]:
    """The project's own files of this name, without what was installed or built."""
    for folder, folders, names in os.walk(PROJECT):
        folders[:] = [it for it in folders if it not in NOT_OURS and not (it.startswith(".") and it != ".github")]
        yield from (Path(folder, name) for name in names if Path(name).match(pattern))


WITHOUT_EXAMPLE = {
    "README.md": ".ci/run does what it says: make demo, make test",
    "docs/docker.md": "no container engine here: tests/architecture/test_deployment.py, tests/e2e/test_image.py",
    "docs/glossary.md": "words",
    "docs/index.md": "the way to the others",
    "docs/observability.md": "it is about Prometheus: tests/observability/test_dashboards.py",
    "docs/production.md": "of a deployment with TLS: tests/architecture/test_checklists.py",
    "docs/reference/settings.md": "tests/architecture/test_deployment.py compares each with its default",
    "docs/reference/stability.md": "promises about versions",
    "docs/runbooks.md": "what is broken there: tests/observability/test_dashboards.py",
}
"""Users' pages without a block that tests/e2e/test_guides.py runs, and what holds them instead."""

PAGES = sorted(str(page.relative_to(PROJECT)) for page in files("*.md"))
FOR_USERS = [page for page in PAGES if page == "README.md" or re.match("docs/(?!contributing/)", page)]


def tokens(page: Path) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text()):
        yield token
        yield from token.children or []


def targets(page: Path) -> Iterator[str]:
    """What the page links to and shows, also in HTML."""
    for token in tokens(page):
        yield from (str(token.attrs[name]) for name in ("href", "src") if name in token.attrs)
        if token.type.startswith("html_"):
            yield from re.findall(r'\b(?:src|href)="([^"]+)"', token.content)


@cache
def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the page's headings."""
    found: set[str] = set()
    read = list(tokens(page))
    for before, token in pairwise(read):
        if before.type == "heading_open":
            words = "".join(it.content for it in token.children or [] if it.type in {"text", "code_inline"})
            slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            numbered = (f"{slug}-{number}" for number in range(1, 99))
            found.add(next(name for name in (slug, *numbered) if name not in found))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_link_and_image_of_a_page_leads_somewhere(page: str) -> None:
    here = PROJECT / page
    wrong = []
    for target in targets(here):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        there = (here.parent / path).resolve() if path else here
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            wrong.append(target)
    assert wrong == []


def test_every_page_that_the_sources_name_exists() -> None:
    """A comment names a page by its path in the project, or in the package of the sandbox."""
    missing = [
        f"{source.relative_to(PROJECT)}: {named}"
        for source in files("*.*")
        if source.suffix in {".py", ".ts", ".yaml", ".yml", ".json", ".toml", ".html", ".js", ".conf"}
        for named in re.findall(r"\bdocs/[\w/-]+\.md\b", source.read_text())
        if not ((PROJECT / named).exists() or (PROJECT / "sandbox" / named).exists())
    ]
    assert missing == []


def test_every_path_of_the_service_that_a_text_names_exists() -> None:
    missing = [
        f"{text.relative_to(PROJECT)}: {named}"
        for text in files("*.*")
        if text.suffix in {".md", ".example", ".yaml", ".yml", ".toml", ".sql"}
        for named in re.findall(r"(?<![\w./-])app/[\w/.]*\w", text.read_text())
        if not ((PROJECT / named).exists() or (PROJECT / f"{named}.py").exists())
    ]
    assert missing == []


def test_every_name_that_a_page_finds_in_a_file_is_there() -> None:
    """As `require()` in `app/domain/invoice.py`."""
    name = r"`\w+(?:\(\))?`"
    missing = [
        f"{page}: {one} in {file}"
        for page in PAGES
        for names, file in re.findall(
            rf"((?:{name}(?:, | and ))*{name}) in `(app/[\w/]+\.py)`", (PROJECT / page).read_text()
        )
        for one in re.findall(r"\w+", names.replace(" and ", " "))
        if not re.search(rf"\b{one}\b", (PROJECT / file).read_text())
    ]
    assert missing == []


@pytest.mark.parametrize(("pattern", "schema"), SCHEMAS.items())
def test_github_can_read_what_is_for_it(pattern: str, schema: str) -> None:
    found = list(GITHUB.glob(pattern))
    assert found
    assert follows(schema, *found)


def test_the_workflow_runs_both_commands_with_the_least_rights() -> None:
    workflow = yaml.safe_load((GITHUB / "workflows" / "test.yml").read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    run = [step["run"] for step in steps if "run" in step]
    assert {"make demo", "make --jobs=2 test", "make sbom"} <= {*run}
    assert workflow["permissions"] == {"contents": "read"}
    assert not [job for job in workflow["jobs"].values() if "permissions" in job]
    used = [step["uses"] for step in steps if "uses" in step]
    assert not [action for action in used if not re.fullmatch(r"actions/[a-z-]+@v\d+\.\d+\.\d+", action)]


def test_every_lock_has_an_update_rule() -> None:
    rules = yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]
    ruled = {
        (rule["package-ecosystem"], folder)
        for rule in rules
        for folder in rule.get("directories", [rule.get("directory")])
    }
    kinds = {"package-lock.json": "npm", "requirements.txt": "pip", "Dockerfile": "docker"}
    locks = {(kind, f"/{path.parent.relative_to(PROJECT)}") for name, kind in kinds.items() for path in files(name)}
    others = {
        ("npm", "/bench/peers"),
        ("pip", "/bench/peers"),
    }  # others' programs, as they were when they were measured
    assert {(kind, folder.replace("/.", "/")) for kind, folder in locks} - others <= ruled


def test_nothing_for_github_names_a_host() -> None:
    named = {
        str(path): re.findall(r"\w+://[^\s)\"']+", path.read_text()) for path in GITHUB.rglob("*.*") if path.is_file()
    }
    assert {path: hosts for path, hosts in named.items() if hosts} == {}


def test_every_page_for_users_has_an_example_that_is_run_or_a_reason() -> None:
    without = {page for page in FOR_USERS if not re.search("^```bash$", (PROJECT / page).read_text(), re.MULTILINE)}
    assert without == WITHOUT_EXAMPLE.keys()
    holding = [path for reason in WITHOUT_EXAMPLE.values() for path in re.findall(r"[\w.]+/[\w./]+", reason)]
    assert not [path for path in holding if not (PROJECT / path).exists()]


def test_the_index_leads_to_every_page_for_users() -> None:
    index = PROJECT / "docs" / "index.md"
    linked = {
        str((index.parent / path.partition("#")[0]).resolve().relative_to(PROJECT))
        for path in targets(index)
        if "://" not in path
    }
    assert {*FOR_USERS} - linked == {"README.md", "docs/index.md"}


def test_contributing_is_read_in_a_few_minutes() -> None:
    assert len((PROJECT / "CONTRIBUTING.md").read_text().split()) <= 900


def test_users_have_little_to_read() -> None:
    pages = [PROJECT / "README.md", *(PROJECT / "docs").glob("*.md"), *(PROJECT / "docs" / "reference").glob("*.md")]
    words = {page.name: len([word for word in page.read_text().split() if re.search(r"\w", word)]) for page in pages}
    assert sum(words.values()) <= 20_000  # the bars of tables are no words
    assert max(words.values()) <= 1_500
