"""The languages that payers can read, and the regions whose way of writing money and dates we know. Pure."""

LOCALES = (
    *("en", "en-AU", "en-CA", "en-GB", "en-IE", "en-IN", "en-NZ"),
    *("de", "de-AT", "de-CH"),
    *("es", "es-419", "es-MX"),
    *("fr", "fr-BE", "fr-CA", "fr-CH"),
    *("it", "it-CH"),
    "ja",
    *("nl", "nl-BE"),
    *("pt", "pt-BR", "pt-PT"),
)
"""BCP 47 tags. Another region of one of these languages is written as the language itself."""

DEFAULT = "en"
"""The language in which the texts are written in the code."""

LANGUAGES = tuple(tag for tag in LOCALES if "-" not in tag)
"""The languages that have texts."""
