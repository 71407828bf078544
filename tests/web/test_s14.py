"""Notebook moves on the page: what runs is what is shown, and what it prints is printed."""

import json

import pytest

from rung.lab.moves import MOVES, find_move, notebook, run_move

LONG_MS = 90_000


def test_every_move_shows_its_own_code(opened):
    page = opened(section=14)
    page.locator("#s14-weights").wait_for()
    for move in MOVES:
        shown = page.locator(f"#s14-{move.name} pre:not(.printed) code").all_inner_texts()
        assert shown == [code for _, code in move.cells]


@pytest.mark.parametrize("name", ["find", "hook"])
def test_a_move_prints_what_its_code_prints(opened, name):
    page = opened(section=14)
    move = page.locator(f"#s14-{name}")
    move.locator("input").fill("both heads")
    move.locator("[data-act=run]").click()
    move.locator("pre.printed").first.wait_for(timeout=LONG_MS)
    printed = run_move(find_move(name))
    shown = {int(one.get_attribute("data-cell")): one.text_content() for one in move.locator("pre.printed").all()}
    assert shown == {at: text for at, text in enumerate(printed) if text}
    assert "You predicted: both heads." in move.inner_text()


def test_a_move_is_taken_as_a_notebook(opened, tmp_path):
    page = opened(section=14)
    move = page.locator("#s14-cache")
    with page.expect_download() as download:
        move.locator("[data-act=notebook]").click()
    assert download.value.suggested_filename == "cache.ipynb"
    path = tmp_path / "cache.ipynb"
    download.value.save_as(path)
    assert path.read_text() == notebook(find_move("cache"))
    assert json.loads(path.read_text())["nbformat"] == 4
