"""Section 10: the stepper and its arrows, read off the page."""

import re

import pytest
import torch

from rung.methods.interventions import Mean, on_head
from rung.methods.patterns import head_scores
from rung.methods.steps import induction_steps, pattern_reach
from rung.model.model import HookedTransformer
from rung.tasks.builtin import repeated_tokens

LENGTH, SEED, AT = 10, 2, 6


@pytest.fixture(scope="module")
def model():
    return HookedTransformer.from_pretrained("two-layer")


@pytest.fixture(scope="module")
def steps(model):
    task = repeated_tokens(model, period=LENGTH, sequences=1, seed=SEED)
    donors = repeated_tokens(model, period=LENGTH, sequences=32, seed=SEED + 1).tokens

    def measured(*off):
        cells = [on_head(head, Mean(donors)) for head in off]
        return induction_steps(model, task.tokens[0], (0, 0), (1, 0), task.second + AT, cells)

    return measured


def number(panel, name):
    text = panel.locator(f"[data-number='{name}']").first.inner_text()
    return float(re.search(r"[+−-]?\d+(?:\.\d+)?(?:e[−-]?\d+)?", text)[0].replace("−", "-"))


def check(panel, found):
    for name, value, scale, near in (
        ("route-attention", found.route_attention, 100, 0.6),
        ("route-score", found.route_score, 1, 0.006),
        ("match-score", found.match_score, 1, 0.006),
        ("match-attention", found.match_attention, 100, 0.6),
        ("copy-logit", found.copy_logit, 1, 0.006),
        ("logit", found.logit, 1, 0.006),
        ("probability", found.probability, 1, 0.0006),
    ):
        assert number(panel, name) == pytest.approx(scale * value, abs=near), name


def test_the_steps_go_by_keys_and_their_numbers_are_the_librarys(opened, model, steps):
    page = opened(f"length={LENGTH}&seed={SEED}", 10)
    panel = page.locator("#s10-steps")
    panel.locator("[data-act=run]").focus()
    page.keyboard.press("Enter")
    panel.locator(".see").wait_for()
    assert panel.locator(".edge").count() == 1
    panel.locator(".stepper").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    panel.get_by_text("step 3 of 3").wait_for()
    assert panel.locator(".edge").count() == 3
    check(panel, steps())
    scores = head_scores(model, repeated_tokens(model, period=LENGTH, sequences=32, seed=SEED + 1))
    assert number(panel, "route-signature") == pytest.approx(float(scores["previous_token"][0, 0]), abs=0.006)
    assert number(panel, "match-signature") == pytest.approx(float(scores["induction"][1, 0]), abs=0.006)
    assert number(panel, "loss") == pytest.approx(steps().loss, abs=0.0001)
    page.keyboard.press("ArrowLeft")
    assert panel.locator(".edge").count() == 2 and panel.locator(".edge.lit").count() == 1
    assert "s10-steps.step=2" in page.url


def test_an_ablated_head_breaks_its_arrow_live(opened, steps):
    page = opened(f"length={LENGTH}&seed={SEED}&s10-steps.step=3", 10)
    panel = page.locator("#s10-steps")
    panel.locator("[data-choice='route,match,copy']").click()
    panel.locator("[data-act=run]").click()
    panel.locator("[data-ablate='0.0']").click()
    panel.locator("[data-number=broken]", has_text="route, match, copy").wait_for()
    assert panel.locator(".edge.broken").count() == 3
    check(panel, steps((0, 0)))
    assert number(panel, "loss") == pytest.approx(steps((0, 0)).loss, abs=0.006)
    assert "As you said." in panel.locator(".facts").inner_text()
    panel.locator("[data-ablate='0.0']").click()
    panel.locator("[data-ablate='1.0']").click()
    panel.locator("[data-number=broken]", has_text=re.compile("^copy$")).wait_for()
    assert panel.locator(".edge.broken").count() == 1
    check(panel, steps((1, 0)))


def test_two_heads_of_one_layer_are_refused_and_nothing_typed_is_lost(opened):
    page = opened(f"length={LENGTH}&seed={SEED}", 10)
    panel = page.locator("#s10-steps")
    panel.locator("[data-act=run]").click()
    panel.locator(".see").wait_for()
    panel.locator("[data-key=route]").fill("1.1")
    panel.locator("[data-key=match]").fill("1.0")
    panel.locator("[data-key=match]").blur()
    panel.get_by_role("alert").get_by_text("heads of one layer read the same input").wait_for()
    assert panel.locator("[data-key=route]").input_value() == "1.1"


def test_no_head_reaches_its_own_layer(opened, model):
    page = opened(f"length={LENGTH}&seed={SEED}", 10)
    panel = page.locator("#s10-reach")
    panel.locator("[data-choice=no]").click()
    panel.locator("[data-act=run]").click()
    panel.locator(".see").wait_for()
    tokens = repeated_tokens(model, period=LENGTH, sequences=1, seed=SEED).tokens
    donors = repeated_tokens(model, period=LENGTH, sequences=32, seed=SEED + 1).tokens
    change = pattern_reach(model, tokens, donors).change
    assert panel.locator("[data-number=same]").inner_text() == "exactly 0"
    assert number(panel, "later") == pytest.approx(float(change.max()), abs=0.006)
    panel.locator(".table-button").click()
    cells = [row.locator("td").all_inner_texts() for row in panel.locator(".table-scroll tbody tr").all()]
    shown = torch.tensor([[float(text.replace("−", "-")) for text in row] for row in cells])
    torch.testing.assert_close(shown, change, atol=6e-4, rtol=0)
    assert "As you said." in panel.locator(".facts").inner_text()
