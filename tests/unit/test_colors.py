import pytest

from app.domain.colors import BLACK, CONTRAST, WHITE, color_of, contrast, legible, upon, written
from app.payment_links.pages.brand import GROUNDS

COLORS = [f"#{red}{green}{blue}" for red in "08f" for green in "08f" for blue in "08f"]


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
@pytest.mark.parametrize("chosen", COLORS)
def test_any_color_becomes_legible(chosen: str, ground: tuple[int, int, int]) -> None:
    accent = legible(color_of(chosen), ground)
    assert contrast(accent, ground) >= CONTRAST
    assert contrast(upon(accent), accent) >= CONTRAST


def test_a_color_that_is_legible_stays_as_it_is() -> None:
    assert written(legible(color_of("#0A6847"), GROUNDS["light"])) == "#0a6847"


def test_contrast_is_wcag_s() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast(color_of("#767676"), WHITE) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("wrong", ["", "red", "#12", "#1234", "#ggg", "#fff;}", "rgb(0, 0, 0)"])
def test_what_is_no_color_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is no color such as"):
        color_of(wrong)
