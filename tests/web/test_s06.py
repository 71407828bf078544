"""Section 6: the reader guesses, runs the board, moves along training, trains and proves."""

import pytest

from rung.methods.behaviour import loss_by_position
from rung.model.model import HookedTransformer
from rung.tasks.builtin import repeated_tokens
from rung.training.card import checkpoints

from .figures import number


@pytest.fixture
def shown(opened):
    return opened(section=6)


@pytest.fixture(scope="module")
def board():
    model = HookedTransformer.from_pretrained("two-layer")
    return loss_by_position(model, repeated_tokens(model, period=20, sequences=16, seed=0))


def test_the_reader_plays_first_and_then_reads_the_board(shown, board):
    panel = shown.locator("rung-s06-board")
    tokens = panel.locator("rung-tokens .tok")
    tokens.nth(12).wait_for()
    assert tokens.count() == 33, "BOS, twenty tokens, eleven of the second copy, and ?"
    tokens.nth(5).click()
    assert "wrong" in panel.locator(".your-guess").inner_text()
    tokens.nth(12).click()
    said = panel.locator(".your-guess").inner_text()
    assert "right" in said and "once in 2048" in said and "once in 20" in said
    panel.locator(".predict input[type=range]").first.fill("3")
    panel.locator("[data-act=run]").click()
    gain = panel.locator("[data-number=gain]")
    gain.wait_for()
    assert number(gain) == pytest.approx(board.gain, abs=0.006)
    assert number(panel.locator("[data-number=accuracy]")) == pytest.approx(100 * board.accuracy, abs=0.6)
    means = panel.locator("table.bars td.value")
    assert number(means.nth(0)) == pytest.approx(board.first_copy_loss, abs=0.006)
    assert "you: 3" in means.nth(0).inner_text()
    assert number(means.nth(1)) == pytest.approx(board.second_copy_loss, abs=0.006)


def test_the_board_by_keyboard_alone(shown, board):
    panel = shown.locator("rung-s06-board")
    panel.locator("[data-act=run]").focus()
    shown.keyboard.press("Enter")
    chart = panel.locator(".columns")
    chart.wait_for()
    chart.focus()
    shown.keyboard.press("m")
    at = int(board.by_position.argmax())
    assert panel.locator(".readout").first.inner_text().startswith(f"{at} ")
    shown.keyboard.press("t")
    rows = panel.locator(".table-scroll tbody tr")
    assert rows.count() == 40
    for row in (0, 20, 39):
        value = float(rows.nth(row).locator("td").last.inner_text())
        assert value == pytest.approx(float(board.by_position[row]), abs=0.006)


def test_two_checkpoints_side_by_side(shown):
    panel = shown.locator("rung-s06-phase")
    panel.locator("[data-act=run]").click()
    panel.locator("[data-number=second]").wait_for()
    panel.locator("[data-act=keep]").click()
    # The slider has its range once the steps are known; an answer computed beforehand may come first.
    slider = panel.locator(".controls").last.locator(
        f"input[type=range][max='{len(checkpoints('two-layer-tiny')) - 1}']"
    )
    slider.focus()
    shown.keyboard.press("End")
    shown.wait_for_function("() => document.querySelector('rung-s06-phase .now .facts')?.innerText.includes('2500')")
    for side, step in ((".kept", 500), (".now", 2500)):
        model = HookedTransformer.from_pretrained(str(checkpoints("two-layer-tiny")[step]))
        found = loss_by_position(model, repeated_tokens(model, period=20, sequences=16, seed=0))
        here = panel.locator(side)
        assert number(here.locator("[data-number=first]")) == pytest.approx(found.first_copy_loss, abs=0.006)
        assert number(here.locator("[data-number=second]")) == pytest.approx(found.second_copy_loss, abs=0.006)
        assert number(here.locator("[data-number=in-context]")) == pytest.approx(-found.gain, abs=0.006)
    assert "s06-phase.step=2500" in shown.url


def test_training_here_is_stopped_and_goes_on(shown):
    panel = shown.locator("rung-s06-train")
    step = "() => Number(document.querySelector('rung-s06-train .facts[data-step]')?.dataset.step ?? -1)"
    panel.locator("[data-act=run]").click()
    shown.wait_for_function(f"least => ({step})() >= least", arg=25, timeout=60_000)
    panel.locator("[data-act=cancel]").click()
    panel.get_by_text("Stopped.").wait_for()
    stopped = shown.evaluate(step)
    shown.reload()
    panel.get_by_text("Stopped.").wait_for()
    assert shown.evaluate(step) == stopped, "what was trained is kept"
    panel.locator("[data-act=run]").click()
    shown.wait_for_function(f"least => ({step})() >= least", arg=stopped + 25, timeout=60_000)
    panel.locator("[data-act=cancel]").click()
    panel.get_by_text("Stopped.").wait_for()


def test_the_rungs_of_some_steps(shown):
    panel = shown.locator("rung-s06-rungs")
    panel.locator("[data-choice='causal support']").click()
    panel.locator("input[type=number]").fill("700")
    panel.locator("input[type=number]").press("Tab")
    panel.locator("[data-act=run]").click()
    row = panel.locator("tr[data-step='700']")
    row.wait_for(timeout=60_000)
    assert "causal support" in row.inner_text() and "mechanism.positional, 0.0" in row.inner_text()
    assert "You said causal support" in panel.inner_text()
    panel.locator("[data-choice=here]").click()
    panel.locator("input[type=number]").fill("9999")
    panel.locator("input[type=number]").press("Tab")
    panel.locator("[data-act=run]").click()
    problem = panel.locator(".problem")
    problem.wait_for()
    assert "step 9999 were requested" in problem.inner_text()


def test_nothing_is_said_by_axe(shown, axe):
    for name in ("board", "phase"):
        shown.locator(f"rung-s06-{name} [data-act=run]").click()
        shown.locator(f"rung-s06-{name} [data-act=skip]").click()
    shown.locator("rung-s06-board rung-tokens .tok").nth(5).click()
    assert axe(shown, "#section-6") == []
