"""A payer's language: which one it is, its texts, and how it writes money, dates and numbers.

English texts are the keys of the catalogs (`catalogs/*.po`, gettext's format). A catalog and CLDR's data are read when
their language is first used.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.domain.locales import DEFAULT, LOCALES
from app.domain.money import exponent, major

if TYPE_CHECKING:
    from babel import Locale
    from jinja2.nodes import EvalContext

CATALOGS = Path(__file__).parent / "catalogs"
STRIPE_LOCALES = frozenset({"en-GB", "es-419", "fr-CA", "pt-BR"})
"""The locales with a region that Stripe.js has of our languages."""
LONGEST_HEADER = 500
ACCEPTED = re.compile(r"([a-z]{1,8}(?:-[a-z0-9]{1,8})*)\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?(?:,|$)", re.IGNORECASE)
LETTER_BESIDE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
"""Where CLDR puts a space that Babel leaves out: "CHF 5"."""
_KNOWN = {tag.lower(): tag for tag in LOCALES}


def translatable(english: str) -> str:
    """Mark a text for the catalogs where it is declared; it is translated where it is shown."""
    return english


class Language:
    """One of LOCALES. `tag` is for the attribute `lang`, `code` the language without a region."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.code = tag.partition("-")[0]
        self.stripe_locale = tag if tag in STRIPE_LOCALES else self.code

    @cached_property
    def _locale(self) -> "Locale":
        from babel import Locale  # noqa: PLC0415 -- the API starts without it

        return Locale.parse(self.tag, sep="-")

    @cached_property
    def _texts(self) -> Mapping[str, tuple[str, ...]]:
        return {} if self.code == DEFAULT else catalog(self.code)

    def text(self, english: str, **values: object) -> str:
        """A text in this language, with its placeholders (`%(name)s`) filled."""
        found = self._texts.get(english, (english,))[0]
        return found % values if values else found

    def plural(self, one: str, many: str, count: int, **values: object) -> str:
        """The text for `count` things; the placeholder `%(count)s` is the number as it is written here."""
        forms = self._texts.get(one, (one, many))
        found = forms[0] if self._locale.plural_form(count) == "one" else forms[-1]
        return found % {"count": self.number(count), **values}

    def money(self, amount: int, currency: str) -> str:
        """`amount` minor units as a payer reads it: "1.234,50 €". The decimals are those that Stripe counts."""
        from babel.numbers import format_currency  # noqa: PLC0415

        places = exponent(currency)
        pattern = str(self._locale.currency_formats["standard"].pattern)
        pattern = pattern.replace("0.00", f"0.{'0' * places}" if places else "0")
        value = Decimal(major(amount, currency))
        written = format_currency(value, currency.upper(), pattern, self._locale, currency_digits=False)
        return LETTER_BESIDE_DIGIT.sub("\xa0", written)

    def day(self, moment: str) -> str:
        """The day of a time (RFC 3339), in UTC: "22. Dezember 2026"."""
        from babel.dates import format_date  # noqa: PLC0415

        return format_date(datetime.fromisoformat(moment[:10]), "long", self._locale)

    def number(self, number: str | float) -> str:
        """A number in full: "1.234,5"."""
        from babel.numbers import format_decimal  # noqa: PLC0415

        return format_decimal(Decimal(str(number)), locale=self._locale, decimal_quantization=False)

    def percent(self, number: str | float) -> str:
        """A percentage in full: "8,875 %"."""
        from babel.numbers import format_percent  # noqa: PLC0415

        return format_percent(Decimal(str(number)) / 100, locale=self._locale, decimal_quantization=False)

    @property
    def functions(self) -> dict[str, Any]:
        """What templates are given."""
        functions = {"_": _escaping(self.text), "plural": _escaping(self.plural)}
        return functions | {"money": self.money, "day": self.day, "number": self.number, "language": self}


def _escaping(translate: Callable[..., str]) -> Callable[..., str]:
    """`translate` for templates: in HTML, values are escaped and texts are not."""
    from jinja2 import pass_eval_context  # noqa: PLC0415 -- the API starts without it
    from markupsafe import Markup  # noqa: PLC0415

    @pass_eval_context
    def translated(context: "EvalContext", *texts: Any, **values: object) -> str:
        if not context.autoescape:
            return translate(*texts, **values)
        return Markup(translate(*texts, **{name: Markup.escape(value) for name, value in values.items()}))  # noqa: S704 -- texts are ours

    return translated


@lru_cache(maxsize=len(LOCALES))
def language(tag: str) -> Language:
    return Language(tag)


def choose(wanted: Iterable[str], header: str = "", default: str = DEFAULT) -> Language:
    """The first language we have: of those `wanted`, then of Accept-Language's, then `default`."""
    return next((language(tag) for it in [*wanted, *_accepted(header)] if (tag := _known(it))), language(default))


def catalog(code: str) -> dict[str, tuple[str, ...]]:
    """The texts of a language by their English: one form, or one for each plural."""
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with (CATALOGS / f"{code}.po").open("rb") as file:
        read = read_po(file)
    found: dict[str, tuple[str, ...]] = {}
    for entry in read:
        english, said = entry.id, entry.string
        one = english if isinstance(english, str) else english[0]
        found[one] = (said,) if isinstance(said, str) else tuple(said or ())
    found.pop("", None)
    return found


def _known(tag: str) -> str | None:
    lower = tag.lower().replace("_", "-")
    return _KNOWN.get(lower) or _KNOWN.get(lower.partition("-")[0])


def _accepted(header: str) -> list[str]:
    """The tags of Accept-Language, the dearest first."""
    weighed = [(float(weight or 1), tag) for tag, weight in ACCEPTED.findall(header[:LONGEST_HEADER])]
    return [tag for weight, tag in sorted(weighed, key=lambda it: -it[0]) if weight]
