"""Section 11: weights, read off the page."""

import re

import pytest

from rung.circuits.composition import composition, gaussian_composition, routed_diagonal
from rung.circuits.heads import eigenvalue_copying, ov_copying, qk_diagonal
from rung.circuits.positional import looks_back
from rung.model.model import HookedTransformer

HEADS = [(layer, head) for layer in (0, 1) for head in range(4)]


@pytest.fixture(scope="module")
def model():
    return HookedTransformer.from_pretrained("two-layer")


def number(panel, name):
    text = panel.locator(f"[data-number='{name}']").first.inner_text()
    return float(re.search(r"[+−-]?\d+(?:\.\d+)?(?:e[−-]?\d+)?", text)[0].replace("−", "-"))


def run(page, name):
    panel = page.locator(f"#{name}")
    panel.locator("[data-act=run]").click()
    panel.locator(".see").wait_for()
    return panel


def test_tiles_carry_their_share_of_the_vocabulary(opened, model):
    page = opened("", 11)
    panel = page.locator("#s11-tiles")
    panel.locator(".predict input").fill("40")
    run(page, "s11-tiles")
    assert number(panel, "ov") == pytest.approx(100 * ov_copying(model, (1, 0)).share, abs=0.06)
    assert number(panel, "composed") == pytest.approx(100 * routed_diagonal(model, (0, 0), (1, 0)).share, abs=0.06)
    assert number(panel, "qk") == pytest.approx(100 * qk_diagonal(model, (1, 0)).share, abs=0.06)
    x, w = model.W_E.detach(), (model.W_V[1, 0] @ model.W_O[1, 0]).detach()
    wrong = x @ w.T @ model.W_U.detach()
    share = (wrong.argmax(1) == wrong.diagonal().new_tensor(range(len(wrong))).long()).double().mean()
    assert number(panel, "ov-wrong") == pytest.approx(100 * float(share), abs=0.06)
    assert number(panel, "composed-wrong") < 5
    assert "You said 40 %" in panel.inner_text()
    # Another head, live: the route head's positions.
    panel.locator("[data-key=head]").fill("0.0")
    panel.locator("[data-key=head]").blur()
    panel.get_by_text("0.0 prefers the position before").wait_for()
    assert number(panel, "one-back") == pytest.approx(100 * looks_back(model, (0, 0)).share, abs=0.06)
    assert panel.locator("[data-number=composed]").count() == 0


def test_all_heads_score_high_by_eigenvalues_and_one_copies(opened, model):
    page = opened("", 11)
    panel = run(page, "s11-copying")
    for label, expected in (
        ("Eigenvalue copying score", {head: eigenvalue_copying(model, head) for head in HEADS}),
        ("OV copying, top-1", {head: ov_copying(model, head).share for head in HEADS}),
    ):
        rows = panel.locator(f"rung-bars[label='{label}'] tbody tr").all()
        assert len(rows) == 8
        for row, (head, value) in zip(rows, expected.items(), strict=True):
            assert row.locator("th").inner_text().split()[0] == f"{head[0]}.{head[1]}"
            assert float(row.locator("td.value").inner_text().split()[0]) == pytest.approx(value, abs=0.006)
    assert (number(panel, "eigen"), number(panel, "copies")) == (8, 1)
    panel.locator("[data-act=pin]").click()
    panel.locator(".status").get_by_text("Pinned: 1.0: OV copying").wait_for()


def test_the_trap_pair_stands_beside_the_pair_that_works(opened, model):
    page = opened("", 11)
    page.locator("#s11-pairs [data-choice=no]").click()
    panel = run(page, "s11-pairs")
    found = composition(model)
    for sender, receiver in ((3, 3), (0, 0)):
        name = f"0.{sender}-1.{receiver}"
        assert number(panel, f"norm-{name}") == pytest.approx(
            found.score(f"0.{sender}", f"1.{receiver}", "K"), abs=0.0006
        )
        share = routed_diagonal(model, (0, sender), (1, receiver)).share
        assert number(panel, f"match-{name}") == pytest.approx(100 * share, abs=0.06)
    assert number(panel, "chance") == pytest.approx(gaussian_composition(128, 32, 0)[0], abs=0.0006)
    assert "the trap: largest score" in panel.locator("tbody tr").first.inner_text()
    assert "As you said." in panel.locator(".facts").inner_text()
    # The matrix, from its table, by keyboard.
    panel.locator("rung-heatmap .map").first.focus()
    page.keyboard.press("t")
    cells = [row.locator("td").all_inner_texts() for row in panel.locator("rung-heatmap tbody tr").all()]
    for s, row in enumerate(cells):
        for r, text in enumerate(row):
            assert float(text) == pytest.approx(found.score(f"0.{s}", f"1.{r}", "K"), abs=0.0006)


def test_a_model_of_one_layer_has_no_pairs_and_the_page_says_so(opened):
    page = opened("model=one-layer", 11)
    panel = page.locator("#s11-pairs")
    panel.locator("[data-act=run]").click()
    panel.get_by_role("alert").get_by_text("composition needs two layers").wait_for()
    panel = page.locator("#s11-tiles")
    panel.locator("[data-key=head]").fill("zero")
    panel.locator("[data-key=head]").blur()
    panel.locator("[data-act=run]").click()
    panel.get_by_role("alert").get_by_text("Name a head as layer.head").wait_for()
    assert panel.locator("[data-key=head]").input_value() == "zero"
