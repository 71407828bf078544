"""The exported page of a widget, opened as a file, with no server at all."""

import base64

import numpy as np
import pytest

from rung.methods.attribution import attribute_logits
from rung.methods.behaviour import loss_by_position
from rung.model.model import HookedTransformer
from rung.tasks.builtin import repeated_tokens
from rung.views import widgets

EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def model():
    return HookedTransformer.from_pretrained("two-layer-tiny")


@pytest.fixture
def shown(page, tmp_path):
    """shown(figure): its page, opened from a file; any request but that for the file, and any error, fails the test."""
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))

    def go(figure):
        file = tmp_path / "figure.html"
        file.write_text(widgets.page(figure), encoding="utf-8")
        page.goto(file.as_uri())
        page.locator(".widget").wait_for()
        return page

    yield go
    assert len(requests) == 1, requests
    assert not errors, errors


def test_attention_is_read_by_keyboard_off_the_exported_page(model, shown):
    tokens = repeated_tokens(model, period=6, sequences=1, seed=0).tokens
    widget = widgets.attention(model, tokens, 1)
    found = widget.figure["data"]["pattern"]
    pattern = np.frombuffer(base64.b64decode(found["data"]), "<f4").reshape(found["shape"])
    page = shown(widget.figure)
    page.locator(".thumb").nth(1).click()
    map_ = page.locator(".map")
    map_.focus()
    for _ in range(9):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("m")
    strongest = int(pattern[1, 9].argmax())
    readout = page.locator(".readout").inner_text()
    assert readout.startswith("query 9 ") and f"key {strongest} " in readout
    assert float(readout.rsplit(": ", 1)[1]) == pytest.approx(pattern[1, 9, strongest], abs=5e-4)
    page.keyboard.press("t")
    row = page.locator("tbody tr").nth(9).locator("td").all_inner_texts()[:10]
    np.testing.assert_allclose([float(cell.replace("−", "-")) for cell in row], pattern[1, 9, :10], atol=5e-4)


def test_bars_show_their_numbers_and_a_token_only_as_text(model, shown):
    task = repeated_tokens(model, period=6, sequences=8, seed=0)
    found = attribute_logits(model, task.tokens, task.targets, task.others, task.queries)
    figure = widgets.attribution(found, top=5).figure
    figure["data"]["items"][0]["label"] = EVIL
    figure["data"]["tokens"] = True
    page = shown(figure)
    rows = page.locator("table.bars tbody tr")
    assert rows.count() == 5
    assert rows.nth(0).locator("th").inner_text() == EVIL.replace(" ", "·")
    assert page.locator("img").count() == 0
    for row, item in zip(rows.all(), figure["data"]["items"], strict=True):
        value = row.locator("td.value").inner_text().split("[")[0].strip().replace("−", "-")
        assert float(value) == pytest.approx(item["value"], abs=5e-3)


def test_the_board_is_one_tab_stop_and_has_a_table(model, shown):
    found = loss_by_position(model, repeated_tokens(model, period=6, sequences=4, seed=1))
    figure = widgets.board(found).figure
    page = shown(figure)
    page.locator(".columns").focus()
    page.keyboard.press("End")
    last = figure["data"]["items"][-1]
    assert f"{last['value']:.2f} nats" in page.locator(".readout").inner_text()
    page.keyboard.press("t")
    assert page.locator(".table-scroll tbody tr").count() == len(figure["data"]["items"])


def test_a_converted_notebook_shows_a_widget_without_a_network(browser, tmp_path, model):
    """What a saved notebook holds, as nbconvert puts it on a page."""
    widget = widgets.attention(model, [0, 5, 6, 7, 5, 6], 1)
    file = tmp_path / "notebook.html"
    file.write_text(f"<!doctype html><body>{widgets.static(widget.figure)}</body>", encoding="utf-8")
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(file.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(".widget rung-heatmap").wait_for()
    assert frame.locator("#still").count() == 0
    context.close()


def test_where_no_script_runs_the_still_picture_is_there(browser, tmp_path, model):
    widget = widgets.attention(model, [0, 5, 6, 7, 5, 6], 1)
    file = tmp_path / "notebook.html"
    file.write_text(widget.html(), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(file.as_uri())
    page.locator("#still svg").wait_for()
    assert page.locator("#still svg rect").count() > 6
    assert page.locator(".widget").count() == 0
    context.close()
