"""Section 9, driven as a learner does; every number is read off the page and held against the library's."""

import re

import pytest
import torch

from rung.evidence.statistics import bounds
from rung.methods.attribution import attribute_logits
from rung.methods.grids import ablate_each_head
from rung.methods.interventions import Mean
from rung.methods.paths import patch_all_senders
from rung.methods.scores import why_attend
from rung.model.model import HookedTransformer
from rung.tasks.builtin import repeated_tokens
from rung.tasks.metrics import next_token_loss

LENGTH, SEED = 8, 3
QUERY = f"length={LENGTH}&seed={SEED}"


@pytest.fixture(scope="module")
def model():
    return HookedTransformer.from_pretrained("two-layer")


@pytest.fixture(scope="module")
def task(model):
    return repeated_tokens(model, period=LENGTH, sequences=16, seed=SEED)


def number(panel, name):
    """A number as it stands on the page."""
    text = panel.locator(f"[data-number='{name}']").first.inner_text()
    found = re.search(r"[+−-]?\d+(?:\.\d+)?(?:e[−-]?\d+)?", text.replace("\u202f", ""))
    assert found, text
    return float(found[0].replace("−", "-"))


def run(page, name):
    panel = page.locator(f"#{name}")
    panel.locator("[data-act=run]").click()
    panel.locator(".see").wait_for()
    return panel


def bars(panel, label):
    rows = panel.locator(f"rung-bars[label='{label}'] tbody tr").all()
    return {row.locator("th").inner_text().split()[0]: row.locator("td.value").inner_text() for row in rows}


def first_number(text):
    return float(text.split()[0].replace("−", "-"))


def test_the_bars_are_the_librarys_and_the_prediction_stays(opened, model, task):
    page = opened(QUERY, 9)
    panel = page.locator("#s09-heads")
    panel.locator("input[type=range]").first.fill("50")
    run(page, "s09-heads")
    found = attribute_logits(model, task.tokens, task.targets, task.others, task.queries)
    shown = bars(panel, "Direct attribution to the right token’s logit")
    assert set(shown) == {*found.labels, "sum"}
    for label in found.labels:
        values = found.of(label).mean(1).double().numpy()
        assert first_number(shown[label]) == pytest.approx(values.mean(), abs=0.006), label
        low, high = (float(x.replace("−", "-")) for x in re.search(r"\[(.+), (.+)\]", shown[label]).groups())
        expected = bounds(values, alpha=0.01)
        assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.006)
    total = float(found.total.mean())
    assert number(panel, "total") == pytest.approx(total, abs=0.006)
    assert number(panel, "best") == pytest.approx(float(found.of("1.0").mean()), abs=0.006)
    assert number(panel, "share") == pytest.approx(100 * float(found.of("1.0").mean()) / total, abs=0.6)
    assert number(panel, "residual") <= 1e-4
    assert f"you: {total / 2:.2f}" in shown["1.0"]
    panel.locator("[data-act=pin]").click()
    page.locator("#s09-heads .status").get_by_text("Pinned: 1.0").wait_for()


def test_a_against_b_is_what_the_model_says(opened, model):
    page = opened(QUERY, 9)
    panel = page.locator("#s09-contrast")
    fields = panel.locator(".controls input")
    for at, text in enumerate(("the king and the queen of the", " king", " house")):
        fields.nth(at).fill(text)
        fields.nth(at).blur()
    run(page, "s09-contrast")
    with torch.no_grad():
        logits = model("the king and the queen of the")[0, -1]
    a, b = (float(logits[model.to_single_token(text)]) for text in (" king", " house"))
    assert (number(panel, "a"), number(panel, "b")) == pytest.approx((a, b), abs=0.006)
    assert number(panel, "difference") == pytest.approx(a - b, abs=0.006)
    fields.nth(1).fill(" no single token")
    fields.nth(1).blur()
    panel.get_by_role("alert").get_by_text("not one").wait_for()
    assert fields.nth(1).input_value() == " no single token"


def test_ablation_finds_what_attribution_misses_and_the_path_explains_it(opened, model, task):
    page = opened(QUERY, 9)
    page.locator("#s09-agree [data-choice=more]").click()
    panel = run(page, "s09-agree")
    donors = repeated_tokens(model, period=LENGTH, sequences=64, seed=SEED + 1).tokens
    loss = next_token_loss(task.predictable)
    costs = ablate_each_head(model, task, loss, Mean(donors)).mean_change.flatten()
    pushes = attribute_logits(model, task.tokens, task.targets, task.others, task.queries)
    for at, label in enumerate(f"{layer}.{head}" for layer in (0, 1) for head in range(4)):
        assert number(panel, f"mean-{label}") == pytest.approx(float(costs[at]), abs=0.006)
        assert number(panel, f"direct-{label}") == pytest.approx(float(pushes.of(label).mean()), abs=0.006)
    assert panel.locator("[data-number=needed]").inner_text() == "0.0, 1.0"
    assert panel.locator("[data-number=hidden]").inner_text() == "0.0"
    assert "As you said." in panel.locator(".facts").inner_text()
    panel.locator(".gap-form input").fill("It works for 1.0")
    panel.locator("[data-act=answer]").click()
    effect = patch_all_senders(model, task.tokens, donors[:16], ((1, 0), "K"), loss).of("0.0")
    assert number(panel, "link") == pytest.approx(float(effect.mean()), abs=0.006)
    # Words light the figure.
    panel.locator(".explain .word", has_text="0.0").first.click()
    assert panel.locator(".flow .node.lit").count() == 1


def test_why_here_is_asked_of_a_cell_by_keyboard(opened, model):
    page = opened(QUERY, 9)
    panel = run(page, "s09-why")
    tokens = repeated_tokens(model, period=LENGTH, sequences=1, seed=SEED).tokens

    def check(query, key):
        found = why_attend(model, tokens, (1, 0), query, key)
        panel.locator(".facts", has_text=f"Query {query} ").get_by_text(f"gives source {key} ").wait_for()
        assert number(panel, "score") == pytest.approx(found.score, abs=0.006)
        assert number(panel, "attention") == pytest.approx(100 * found.pattern, abs=0.6)
        by_key = dict(zip(found.key_labels, found.values.sum(0).tolist(), strict=True))
        shown = bars(panel, "The score by what wrote into the key")
        for label, value in by_key.items():
            assert first_number(shown[label]) == pytest.approx(value, abs=0.006)
        assert panel.locator("[data-number=part]").inner_text() == max(by_key, key=by_key.get)

    check(15, 8)
    cells = panel.locator("rung-heatmap .map").first
    cells.focus()
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    readout = panel.locator(".readout").first.inner_text()
    row, col = (int(x) for x in re.search(r"query (\d+) .*source (\d+) ", readout).groups())
    check(row, col)
