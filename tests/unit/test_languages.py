"""Every text that a payer reads is in every language; none stands outside the catalogs, and none is put together."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from app.domain.locales import DEFAULT, LANGUAGES, LOCALES
from app.languages.invoice_lines import functions
from app.languages.language import CATALOGS, Language, catalog, choose, language
from app.payment_links.pages.rendering import SCRIPT_TEXTS

APP = Path(__file__).resolve().parents[2] / "app"
TEMPLATES = sorted(
    path for folder in ("fulfillment/mail", "payment_links/pages") for path in (APP / folder / "templates").iterdir()
)
SCRIPTS = sorted((APP / "payment_links/pages/static").glob("*.js"))
PARSER = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
TRANSLATES = {"_": 1, "plural": 2}
PLACEHOLDER = re.compile(r"%(?:\(\w+\)s)?")
ATTRIBUTE = re.compile(r'\b[a-z-]+="[^"]*"')
READ_ALOUD = re.compile(r'\b(?:aria-label|title|alt|placeholder|content)="([^"{]*)"')
TRANSLATED = [code for code in LANGUAGES if code != DEFAULT]


def in_templates() -> Iterator[str]:
    for path in TEMPLATES:
        for call in PARSER.parse(path.read_text()).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in TRANSLATES:
                texts = call.args[: TRANSLATES[call.node.name]]
                yield from (text.value for text in texts if isinstance(text, nodes.Const))


def found_in(method: str, paths: list[Path], keywords: dict[str, None]) -> Iterator[str]:
    for path in paths:
        with path.open("rb") as file:
            for _, texts, _, _ in extract(method, file, keywords=keywords):
                yield from [texts] if isinstance(texts, str) else texts


def in_scripts() -> set[str]:
    return set(found_in("javascript", SCRIPTS, {"text": None}))


@cache
def every_text() -> set[str]:
    modules = [path for path in sorted(APP.rglob("*.py")) if "translatable(" in path.read_text()]
    python = found_in("python", modules, {"translatable": None})
    return {*in_templates(), *python, *in_scripts()}


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_text_is_in_the_catalog_and_the_catalog_has_no_other(code: str) -> None:
    with (CATALOGS / f"{code}.po").open("rb") as file:
        entries = [entry for entry in read_po(file, abort_invalid=True) if entry.id]
    assert not [entry.id for entry in entries if entry.fuzzy]
    known = {text for entry in entries for text in ([entry.id] if isinstance(entry.id, str) else entry.id)}
    missing = every_text() - known
    assert not missing, "add to the catalog:\n" + "\n".join(f'msgid "{text}"\nmsgstr ""\n' for text in sorted(missing))
    assert not known - every_text(), "no longer used"


@pytest.mark.parametrize("code", TRANSLATED)
def test_translations_are_whole_and_have_the_placeholders_of_their_text(code: str) -> None:
    for english, forms in catalog(code).items():
        assert all(forms), english
        assert all(form.strip() == form for form in forms), english
        for form in forms:
            assert placeholders(form) == placeholders(english), (english, form)


def test_the_texts_of_scripts_are_what_the_page_holds() -> None:
    assert in_scripts() == set(SCRIPT_TEXTS)
    assert len(SCRIPT_TEXTS) > 10


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_text_of_a_template_stands_outside_the_catalog_nor_is_put_together(path: Path) -> None:
    """A text stands alone: between two tags, or on a line of a mail, there is one text or none."""
    parts = []
    for output in PARSER.parse(path.read_text()).find_all(nodes.Output):
        for part in output.nodes:
            if isinstance(part, nodes.TemplateData):
                assert not [said for said in READ_ALOUD.findall(part.data) if re.match(r"[A-Z]", said)]
                parts.append(part.data)
            else:
                parts.append("\x00" if translates(part) else "\x01")
        parts.append("\n")
    pieces = re.split(r"\n" if path.suffix == ".txt" else r"<[^>]*>|\n", "".join(parts))
    for piece in pieces:
        said = ATTRIBUTE.sub("", piece).strip()
        assert not re.search(r"[^\W\d_]{2,}", said), piece
        assert "\x00" not in said or said == "\x00", piece


def translates(part: nodes.Node) -> bool:
    calls = [part, *part.find_all(nodes.Call)]
    names = {call.node.name for call in calls if isinstance(call, nodes.Call) and isinstance(call.node, nodes.Name)}
    return bool(names & TRANSLATES.keys())


def test_money_is_written_as_the_language_writes_it_with_stripe_s_decimals() -> None:
    said = {tag: language(tag).money(123450, "eur").replace("\xa0", " ").replace("\u202f", " ") for tag in LOCALES}
    assert said["en"] == "€1,234.50"
    assert said["de"] == "1.234,50 €"
    assert said["de-AT"] == "€ 1.234,50"
    assert said["de-CH"].endswith("234.50")
    assert said["fr"] == "1 234,50 €"
    assert said["ja"] == "€1,234.50"
    assert language("ja").money(1999, "jpy") == "￥1,999"
    assert language("en").money(1990, "bhd") == "BHD\xa01.990"
    assert language("en").money(1999, "all") == "ALL\xa019.99", "CLDR would round it"
    assert language("en").money(-500, "usd") == "-$5.00"


@pytest.mark.parametrize("tag", LOCALES)
def test_every_locale_writes_money_days_numbers_and_percentages(tag: str) -> None:
    found = language(tag)
    assert "19" in found.money(1999, "usd")
    assert "2026" in found.day("2026-12-22T23:59:59.000Z")
    assert "22" in found.day("2026-12-22T23:59:59.000Z")
    assert "." not in found.number(1000).replace(".000", "")
    assert found.percent("8.875").startswith("8")
    assert functions(found)["quantity"]({"quantity_decimal": "1.5", "quantity": 1}) == "1.5"


@pytest.mark.parametrize(
    ("wanted", "header", "default", "tag"),
    [
        ([], "", "en", "en"),
        ([], "", "de-AT", "de-AT"),
        (["de-AT"], "fr", "en", "de-AT"),
        (["DE_at"], "", "en", "de-AT"),
        (["xx", "ja-JP"], "fr", "en", "ja"),
        (["xx"], "fr-FR,en;q=0.8", "en", "fr"),
        ([], "da, en-GB;q=0.8, en;q=0.7", "de", "en-GB"),
        ([], "en;q=0.1, nl;q=0.9", "en", "nl"),
        ([], "en;q=0.1, nl ; q=0.9", "en", "nl"),
        ([], "de;q=0, it", "en", "it"),
        ([], "*", "en", "en"),
        ([], "de;q=nonsense", "en", "en"),
        ([], "x" * 10_000, "en", "en"),
        ([], ";,;q=1,,--,\x00", "en", "en"),
    ],
)
def test_the_customer_s_languages_come_before_the_browser_s(
    wanted: list[str], header: str, default: str, tag: str
) -> None:
    assert choose(wanted, header, default).tag == tag


def test_plurals_follow_cldr() -> None:
    french, japanese = Language("fr"), Language("ja")
    assert [french.plural("%(count)s day", "%(count)s days", count) for count in (0, 1, 2)] == [
        "0 day",
        "1 day",
        "2 days",
    ]
    assert language("en").plural("%(count)s day", "%(count)s days", 0) == "0 days"
    assert japanese.plural("%(count)s day", "%(count)s days", 1) == "1 days"


def test_values_are_escaped_in_html_and_only_there() -> None:
    html, text = Environment(autoescape=True), Environment(autoescape=False)  # noqa: S701 -- a mail's plain text
    source = '{{ _("Hello %(name)s,", name=name) }}'
    for environment, said in ((html, "Bonjour &lt;b&gt;,"), (text, "Bonjour <b>,")):
        assert environment.from_string(source).render(**language("fr").functions, name="<b>") == said
