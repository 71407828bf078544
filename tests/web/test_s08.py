"""Section 8: cache, hook, measure, undo; the sweep; silenced or lied."""

import time

import pytest

from rung.methods.grids import ablate_each_head
from rung.methods.interventions import Mean, Resample, on_head
from rung.methods.sweep import measure
from rung.model.model import HookedTransformer
from rung.tasks.builtin import repeated_tokens
from rung.tasks.metrics import next_token_loss

from .figures import number


@pytest.fixture
def shown(opened):
    return opened(section=8)


@pytest.fixture(scope="module")
def model():
    return HookedTransformer.from_pretrained("two-layer")


def repeats(model, sequences, seed=0):
    return repeated_tokens(model, period=20, sequences=sequences, seed=seed)


def change_is(shown, text):
    """Waits until the panel shows another change than `text`."""
    shown.wait_for_function(
        "text => (document.querySelector('rung-s08-edit [data-number=change]')?.innerText ?? text) !== text", arg=text
    )
    return shown.locator("rung-s08-edit [data-number=change]").inner_text()


def test_cache_hook_measure_and_undo(shown, model):
    panel = shown.locator("rung-s08-edit")
    panel.locator("[data-act=run]").click()
    clean = panel.locator("[data-number=change]")
    clean.wait_for()
    assert number(clean) == 0
    panel.locator("[data-act=ablate]").click()
    change_is(shown, "0.00")
    task, others = repeats(model, 8), repeats(model, 8, 1).tokens
    one = measure(model, task.tokens, [on_head((1, 0), Mean(others))], next_token_loss(task.predictable)).change
    assert number(panel.locator("[data-number=change]")) == pytest.approx(float(one.mean()), abs=0.006)
    assert "blocks.1.attn.hook_z" in panel.locator(".moves").inner_text()
    panel.locator("[data-key=head]").select_option("1")
    panel.locator("[data-key=layer]").select_option("0")
    panel.locator("[data-act=ablate]").click()
    change_is(shown, f"+{float(one.mean()):.2f}")
    both = [on_head((1, 0), Mean(others)), on_head((0, 1), Mean(others))]
    two = measure(model, task.tokens, both, next_token_loss(task.predictable)).change
    assert number(panel.locator("[data-number=change]")) == pytest.approx(float(two.mean()), abs=0.006)
    assert "s08-edit.moves=1.0%3Amean%3B0.1%3Amean" in shown.url
    shown.reload()
    panel.locator("[data-act=undo]").click()
    panel.locator("[data-number=change]").wait_for()
    assert number(panel.locator("[data-number=change]")) == pytest.approx(float(one.mean()), abs=0.006)
    panel.locator("[data-act=undo]").click()
    assert change_is(shown, f"+{float(one.mean()):.2f}") == "0.00"


def test_a_position_that_is_not_there_is_told_and_what_was_typed_stays(shown):
    panel = shown.locator("rung-s08-edit")
    panel.get_by_placeholder("all").fill("12, 99")
    panel.locator("[data-act=ablate]").click()
    problem = panel.locator(".problem")
    problem.wait_for()
    assert "99" in problem.inner_text()
    assert panel.get_by_placeholder("all").input_value() == "12, 99"


def test_a_sweep_names_the_heads_by_what_they_cost(shown, model):
    panel = shown.locator("rung-s08-sweep")
    panel.locator(".predict input").fill("1.0")
    panel.locator("[data-act=run]").click()
    values = panel.locator("table.bars td.value")
    values.first.wait_for()
    task, others = repeats(model, 16), repeats(model, 16, 1).tokens
    grid = ablate_each_head(model, task, next_token_loss(task.predictable), Mean(others))
    order = grid.mean_change.flatten().sort(descending=True)
    labels = panel.locator("table.bars th[scope=row]")
    for row in range(8):
        layer, head = divmod(int(order.indices[row]), 4)
        assert labels.nth(row).inner_text().strip() == f"{layer}.{head}"
    assert number(values.nth(0)) == pytest.approx(float(order.values[0]), abs=0.006)
    assert "you named it" in values.nth(0).inner_text()


def test_one_donor_lies(shown):
    panel = shown.locator("rung-s08-lie")
    for head in ("1.2", "1.3"):
        panel.locator(f"[data-head='{head}']").click()
    panel.locator("[data-act=run]").click()
    row = panel.locator("tr[data-way='one donor']")
    row.wait_for()
    model = HookedTransformer.from_pretrained("two-layer-redundant")
    task, others = repeats(model, 16), repeats(model, 16, 1).tokens
    lie = [on_head((1, head), Resample(others, draws=1)) for head in range(4)]
    cost = measure(model, task.tokens, lie, next_token_loss(task.predictable)).change
    assert number(panel.locator("table.bars td.value").nth(3)) == pytest.approx(float(cost.mean()), abs=0.006)
    assert number(row.locator("[data-number=named]")) > 80
    assert number(panel.locator("tr[data-way=zero] [data-number=named]")) < 20


def test_a_click_is_answered_soon(shown):
    """Twelve clicks on as many different edits: the median stays far below what a reader would notice."""
    panel = shown.locator("rung-s08-edit")
    panel.locator("[data-act=run]").click()
    panel.locator("[data-number=change]").wait_for()
    taken = []
    for position in range(21, 33):
        panel.get_by_placeholder("all").fill(str(position))
        panel.get_by_placeholder("all").press("Tab")
        began = time.perf_counter()
        panel.locator("[data-act=ablate]").click()
        shown.wait_for_function(
            "n => document.querySelectorAll('rung-s08-edit .moves li code').length === n"
            " && document.querySelector('rung-s08-edit .see').ariaBusy === 'false'",
            arg=position - 20,
        )
        taken.append(time.perf_counter() - began)
    assert sorted(taken)[6] < 2


def test_nothing_is_said_by_axe(shown, axe):
    for name in ("edit", "sweep", "lie"):
        panel = shown.locator(f"rung-s08-{name}")
        panel.locator("[data-act=ablate]" if name == "edit" else "[data-act=run]").click()
        panel.locator("[data-act=skip]").click()
    assert axe(shown, "#section-8") == []
