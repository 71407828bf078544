"""Still pictures of widgets: what is drawn, held against the numbers."""

import re
import xml.etree.ElementTree as ET

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from rung.evidence.observation import RUNGS, Outcome
from rung.methods.attribution import attribute_logits
from rung.methods.behaviour import loss_by_position
from rung.model.model import HookedTransformer
from rung.tasks.builtin import repeated_tokens
from rung.views import widgets
from rung.views.still import DOWN, FAINT, LINE, UP, still

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def model():
    return HookedTransformer.from_pretrained("two-layer-tiny")


@pytest.fixture(scope="module")
def task(model):
    return repeated_tokens(model, period=6, sequences=4, seed=1)


def drawn(figure):
    """The picture's rectangles and its lines of text."""
    tree = ET.fromstring(still(figure))
    rects = [{k: v for k, v in one.attrib.items()} for one in tree.iter(f"{SVG}rect")]
    return rects, [one.text for one in tree.iter(f"{SVG}text")]


def test_a_pattern_is_drawn_cell_by_cell(model, task):
    figure = widgets.attention(model, task.tokens[0], 1).figure
    rects, texts = drawn(figure)
    pattern = model.run_with_cache(task.tokens[:1])[1]["pattern", 1][0].detach().numpy()
    filled = [one for one in rects if one["fill"] == UP]
    assert len(filled) == int((pattern >= FAINT).sum())
    assert texts == ["1.0", "1.1"]
    # The first head's largest weight that the picture shows is at its query (down) and key (across).
    cell = float(filled[0]["width"])
    first = [one for one in filled if float(one["x"]) < cell * pattern.shape[1]]
    top = min(float(one["y"]) for one in first)
    shares = {(round((float(o["y"]) - top) / cell), round(float(o["x"]) / cell)): o["fill-opacity"] for o in first}
    for (query, key), share in shares.items():
        assert float(share) == pytest.approx(pattern[0, query, key], abs=0.006)


def test_bars_are_as_long_as_their_values(model, task):
    found = attribute_logits(model, task.tokens, task.targets, task.others, task.queries)
    figure = widgets.attribution(found).figure
    rects, texts = drawn(figure)
    values = np.array([item["value"] for item in figure["data"]["items"]])
    widths = np.array([float(one["width"]) for one in rects])
    np.testing.assert_allclose(widths / widths.max(), np.abs(values) / np.abs(values).max(), atol=2e-3)
    assert [one["fill"] for one in rects] == [UP if value >= 0 else DOWN for value in values]
    assert {item["label"] for item in figure["data"]["items"]} <= set(texts)


def test_the_board_has_a_column_a_token_and_the_line(model, task):
    figure = widgets.board(loss_by_position(model, task)).figure
    rects, texts = drawn(figure)
    values = np.array([item["value"] for item in figure["data"]["items"]])
    heights = np.array([float(one["height"]) for one in rects])
    np.testing.assert_allclose(heights / heights.max(), values / values.max(), atol=2e-3)
    assert "uniform guess, ln V" in texts


def test_the_ladder_is_a_line_a_test(proof):
    figure = widgets.ladder(proof(outcomes={"support.necessity": Outcome.FAILS})).figure
    _, texts = drawn(figure)
    assert [text.split("  ")[1] for text in texts if text[0].isdigit() and text[1:3] == "  "] == list(RUNGS)
    failed = [row for row in figure["data"]["measurements"] if row["outcome"] == "fails"]
    assert len(failed) == sum(text.startswith("✗") for text in texts) > 0


def test_text_in_a_picture_stays_text():
    evil = "</svg><script>alert(1)</script>"
    figure = {"kind": "bars", "title": evil, "data": {"items": [{"label": evil, "value": -1.0}]}}
    assert "<script" not in still(figure)
    assert drawn(figure)[1][0] == evil
    assert LINE > 0


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A notebook with a widget, executed, and the page that nbconvert makes of it."""
    code = (
        "from rung import HookedTransformer\nfrom rung.views import widgets\n"
        "model = HookedTransformer.from_pretrained('two-layer-tiny')\n"
        "widgets.attention(model, [0, 5, 6, 7, 5, 6], 1)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook, HTMLExporter().from_notebook_node(notebook)[0]


@pytest.mark.slow
def test_a_saved_notebook_holds_the_page_and_the_picture(saved):
    notebook, page = saved
    live, kept = notebook.cells[0].outputs
    assert "application/vnd.jupyter.widget-view+json" in live.data and "attention of layer 1" in live.data["text/plain"]
    assert (
        "&lt;figure id=&quot;still&quot;&gt;&lt;svg" in kept.data["text/html"]
        and 'sandbox="allow-scripts"' in kept.data["text/html"]
    )
    assert '<div class="rung-static"><iframe' in page
    frame = re.search(r'srcdoc="([^"]*)"', kept.data["text/html"])[1]
    assert not re.search(r"(?:src|href)=&quot;https?:", frame)


def test_a_widget_says_what_it_is(model):
    widget = widgets.attention(model, torch.tensor([0, 5, 6]), 0)
    assert repr(widget) == "<Rung widget: two-layer-tiny: attention of layer 0>"
    assert widget.svg() == still(widget.figure)
    assert f'<figure id="still">{widget.svg()}</figure>' in widget.html()
