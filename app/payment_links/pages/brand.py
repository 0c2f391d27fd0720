"""The merchant's logo and color on the payment pages, from the settings.

They are settings because Stripe's account names its logo only by a file's id: to show that file needs a public link,
which a restricted key may not make, and most restricted keys may not read the account either.
"""

import hashlib
from dataclasses import dataclass

from app.domain.colors import Color, color_of, legible, upon, written
from app.settings import Settings

GROUNDS = {"light": color_of("#f6f8f7"), "dark": color_of("#18201c")}
"""What text lies on in pages.css: of a theme's two grounds the one on which it is harder to read."""


@dataclass(frozen=True, slots=True)
class Brand:
    """`logo` is an address, `styles` a style sheet; each is empty where the merchant chose nothing."""

    logo: str
    styles: str

    @property
    def address(self) -> str:
        """The address of the style sheet, which changes with it; empty where there is none."""
        return f"/pay/brand/{self.version}.css" if self.styles else ""

    @property
    def version(self) -> str:
        return hashlib.sha256(self.styles.encode()).hexdigest()[:12]


def brand_of(settings: Settings) -> Brand:
    chosen = settings.payment_page_appearance.get("variables", {}).get("colorPrimary")
    styles = ""
    if chosen:
        light, dark = (_theme(color_of(chosen), ground) for ground in GROUNDS.values())
        styles = f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
    return Brand(settings.payment_page_logo_url, styles)


def _theme(chosen: Color, ground: Color) -> str:
    """Buttons have the color itself, with black or white on it. What is written in it is made legible."""
    accent, on_button = legible(chosen, ground), upon(chosen)
    return f"--button: {written(chosen)}; --on-accent: {written(on_button)}; --accent: {written(accent)};"
