"""The page of a proof in a browser: it fits a telephone, follows light and dark, and prints black on white, whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rung.views.report import write_report
from rung.views.wording import read_record

RECORDS = Path(__file__).parents[2] / "examples" / "records"


@pytest.fixture(scope="module", params=["two-layer", "two-layer-redundant"])
def written(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("report") / f"{request.param}.html"
    write_report(read_record(str(RECORDS / f"{request.param}.json")), path)
    return path


@pytest.fixture
def shown(page: Any, written: Path) -> Iterator[Any]:
    """The page; whatever it asks for besides itself is an error."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(written.as_uri())
    yield page
    assert asked == [written.as_uri()]


def test_it_is_under_a_megabyte(written):
    assert written.stat().st_size < 1_000_000


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_scrolls_sideways_and_no_label_is_cut_off(shown, width):
    shown.set_viewport_size({"width": width, "height": 800})
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    cut = shown.evaluate(
        """() => [...document.querySelectorAll("svg text")].filter(text => {
            const box = text.getBBox(), view = text.ownerSVGElement.viewBox.baseVal;
            return box.x < view.x || box.x + box.width > view.x + view.width;
        }).map(text => text.textContent)"""
    )
    assert cut == []


def test_light_dark_and_paper_have_their_own_colours(shown):
    def page_and_ink(**media: str) -> list[str]:
        shown.emulate_media(**media)
        found: list[str] = shown.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        return found

    light = page_and_ink(media="screen", color_scheme="light")
    dark = page_and_ink(media="screen", color_scheme="dark")
    assert light[0] == "rgb(255, 255, 255)" and dark[0] == "rgb(13, 17, 23)" and light[1] != dark[1]
    for scheme in ("light", "dark"):
        assert page_and_ink(media="print", color_scheme=scheme) == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]


def test_on_paper_every_number_is_there_and_no_row_is_broken(shown):
    hidden = shown.locator("details .row").first
    assert not hidden.is_visible()
    shown.emulate_media(media="print", color_scheme="dark")
    assert hidden.is_visible()
    broken = shown.evaluate(
        """() => [...document.querySelectorAll("article, figure, .row, tr, pre")]
            .filter(one => getComputedStyle(one).breakInside !== "avoid").map(one => one.outerHTML.slice(0, 80))"""
    )
    assert broken == []
