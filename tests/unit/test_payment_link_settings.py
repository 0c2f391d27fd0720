from typing import Any

import pytest
from pydantic import ValidationError

from app.languages.language import Language
from app.payment_links.pages.brand import Brand
from app.payment_links.pages.rendering import Pages
from app.settings import Settings

LEAST = {
    "database_url": "postgresql://localhost/none",
    "stripe_secret_key": "sk_test_x",
    "stripe_webhook_secrets": "whsec_x",
}
KEY, OTHER = "k" * 32, "o" * 32


def settings(**more: Any) -> Settings:
    return Settings(_env_file=None, **(LEAST | more))


SAFE_OTHERWISE = {"public_base_url": "https://pay.example", "stripe_webhook_secrets": "whsec_0123456789abcdef"}


@pytest.mark.parametrize(
    "unsafe",
    [
        {"environment": "production", "secrets_key": OTHER, **SAFE_OTHERWISE},
        {"stripe_secret_key": "sk_live_x", "secrets_key": OTHER, **SAFE_OTHERWISE},
    ],
)
def test_no_signing_key_is_refused_where_it_matters(unsafe: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="LINK_SIGNING_KEY must be set"):
        settings(**unsafe)
    assert settings(**unsafe, link_signing_key=KEY).link_keys == (KEY.encode(),)


@pytest.mark.parametrize("given", ["short", f"{KEY},short", f"{KEY},"])
def test_a_signing_key_that_could_be_guessed_is_refused(given: str) -> None:
    with pytest.raises(ValidationError, match="at least 32 characters"):
        settings(link_signing_key=given)


def test_several_signing_keys_are_taken_in_order() -> None:
    assert settings(link_signing_key=f"{KEY}, {OTHER}").link_keys == (KEY.encode(), OTHER.encode())


def test_processes_with_the_same_stripe_key_derive_the_same_signing_key() -> None:
    assert settings(link_signing_key="").link_keys == settings().link_keys
    assert settings(stripe_secret_key="sk_test_y").link_keys != settings().link_keys


def test_the_appearance_is_a_json_object() -> None:
    assert settings(payment_page_appearance="").payment_page_appearance == {}
    given = '{"variables": {"colorPrimary": "#0a6847"}}'
    assert settings(payment_page_appearance=given).payment_page_appearance["variables"] == {"colorPrimary": "#0a6847"}
    for wrong in ("blue", "[1]"):
        with pytest.raises(ValidationError):
            settings(payment_page_appearance=wrong)


@pytest.mark.parametrize("variables", ['{"colorPrimary": "tomato"}', '{"colorPrimary": null}', "7"])
def test_a_main_color_must_be_hexadecimal(variables: str) -> None:
    with pytest.raises(ValidationError, match=r"PAYMENT_PAGE_APPEARANCE, variables\.colorPrimary"):
        settings(payment_page_appearance=f'{{"variables": {variables}}}')


def test_a_logo_comes_by_https() -> None:
    assert settings(payment_page_logo_url="https://cdn.example/logo.svg").payment_page_logo_url
    with pytest.raises(ValidationError, match="PAYMENT_PAGE_LOGO_URL must be an address"):
        settings(payment_page_logo_url="http://cdn.example/logo.svg")


@pytest.mark.parametrize("origin", ["https://*.shop.example", "https://Shop.example", "https://shop.example/"])
def test_pages_lead_back_to_exact_origins(origin: str) -> None:
    with pytest.raises(ValidationError, match="PAYMENT_LINK_RETURN_ORIGINS must list origins"):
        settings(payment_link_return_origins=origin)


def test_a_charge_without_details_of_its_method_still_says_when() -> None:
    charge = {"created": 1_767_225_600, "payment_method_details": None, "receipt_url": None}
    shown = Pages(settings(), Brand("", "")).payment({"paid_at": None, "charge": charge}, Language("en"))
    assert shown == {"facts": [("Paid on", "January 1, 2026")], "receipt": False}
