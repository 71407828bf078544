"""Section 7: thumbnails, one large map, the split, and the quiz whose answer waits."""

import pytest

from rung.methods.patterns import attention_split, head_scores
from rung.methods.values import weighted_patterns
from rung.model.model import HookedTransformer
from rung.planted.models import plant
from rung.tasks.builtin import repeated_tokens, unrepeated_tokens

from .figures import number


@pytest.fixture
def shown(opened):
    return opened(section=7)


@pytest.fixture(scope="module")
def model():
    return HookedTransformer.from_pretrained("two-layer")


@pytest.fixture(scope="module")
def task(model):
    return repeated_tokens(model, period=20, sequences=16, seed=0)


def heads(shown):
    panel = shown.locator("rung-s07-heads")
    panel.locator("[data-act=run]").click()
    panel.locator("[data-number=score]").wait_for()
    return panel


def test_heads_are_sorted_and_carry_score_and_floor(shown, model, task):
    panel = heads(shown)
    scores = head_scores(model, task)
    control = head_scores(model, unrepeated_tokens(model, task))
    thumbs = panel.locator(".thumb")
    assert [thumbs.nth(i).locator(".thumb-label").inner_text() for i in range(8)] == [
        f"{layer}.{head}" for layer, head in scores.ranked()
    ]
    assert "previous token 1.00 / floor 0.30" in " ".join(thumbs.nth(0).inner_text().split())
    assert "none fits" in thumbs.nth(7).inner_text()
    thumbs.nth(1).click()
    assert panel.locator("[data-number=label]").inner_text() == "induction"
    assert number(panel.locator("[data-number=score]")) == pytest.approx(float(scores["induction"][1, 0]), abs=0.006)
    floor = max(0.3, 3 * float(control["induction"][1, 0]))
    assert number(panel.locator("[data-number=floor]")) == pytest.approx(floor, abs=0.006)
    split = attention_split(model, task)
    values = panel.locator("table.bars td.value")
    assert number(values.nth(0)) == pytest.approx(float(split["induction"][1, 0]), abs=0.006)
    assert number(values.nth(4)) == pytest.approx(float(split["bos"][1, 0]), abs=0.006)


def test_the_stripe_is_found_by_keyboard_and_weighting_by_value_is_the_librarys(shown, model, task):
    panel = shown.locator("rung-s07-heads")
    panel.locator("[data-choice=same]").click()
    heads(shown)
    assert "your line" in panel.locator(".guides").inner_text()
    panel.locator(".map").focus()
    for _ in range(3):
        shown.keyboard.press("Shift+ArrowDown")
    shown.keyboard.press("m")
    found = weighted_patterns(model, task.tokens[:1])
    row = found.pattern[0, 1, 0, 24]
    readout = panel.locator(".readout").inner_text()
    assert f"key {int(row.argmax())} " in readout and int(row.argmax()) == 24 - 19
    assert float(readout.split(": ")[-1]) == pytest.approx(float(row.max()), abs=6e-4)
    assert shown.locator("rung-section-07 .tour").inner_text().count("✓") >= 1
    panel.locator("input[type=checkbox]").check()
    shown.wait_for_function(
        "before => document.querySelector('rung-s07-heads .readout').innerText !== before", arg=readout
    )
    weighted = float(panel.locator(".readout").inner_text().split(": ")[-1])
    assert weighted == pytest.approx(float(found.weighted[0, 1, 0, 24, 5]), abs=6e-4)


def test_the_quiz_remembers_the_choice_and_attribution_tells(shown):
    panel = shown.locator("rung-s07-quiz")
    panel.locator("[data-act=run]").click()
    panel.locator("[data-choice=A]").click()
    assert "You said A" in panel.inner_text()
    shown.reload()
    shown.locator("rung-section-07 h2").wait_for()
    assert "s07-quiz.choice=A" in shown.url
    answer = shown.locator("rung-decoy-answer")
    answer.get_by_text("You said that A is the decoy").wait_for()
    answer.locator("[data-act=reveal]").click()
    decoy = answer.locator("[data-number=decoy]")
    decoy.wait_for()
    values = answer.locator("table.bars td.value")
    silent = "AB".index(decoy.inner_text())
    assert abs(number(values.nth(silent))) < 0.01 * number(values.nth(1 - silent))
    assert plant("passenger", 0).truth == 1


def test_nothing_is_said_by_axe(shown, axe):
    heads(shown)
    shown.locator("rung-s07-heads [data-act=skip]").click()
    shown.locator("rung-s07-quiz [data-act=run]").click()
    shown.locator("rung-s07-quiz .pair").wait_for()
    assert axe(shown, "#section-7") == []
