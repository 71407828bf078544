"""Section 4: the ledger adds up at every token, and the overlap matrix has its chance beside it."""

import pytest

from rung.circuits.overlap import overlap
from rung.model.model import HookedTransformer
from rung.tasks.builtin import repeated_tokens

from .figures import number


@pytest.fixture(scope="module")
def full():
    return HookedTransformer.from_pretrained("two-layer-full")


def ran(page, name, wait):
    panel = page.locator(name)
    panel.locator("[data-act=run]").first.click()
    panel.locator(f"[data-number={wait}]").wait_for()
    return panel


def test_bars_add_up_to_the_logit_with_mlps_too(opened, full):
    page = opened("model=two-layer-full&seed=2&s04-ledger.at=11", section=4)
    panel = ran(page, "rung-s04-ledger", "sum")
    tokens = repeated_tokens(full, period=8, sequences=1, seed=2).tokens
    logits, cache = full.run_with_cache(tokens)
    target = int(tokens[0, 12])
    assert number(panel.locator("[data-number=logit]")) == pytest.approx(float(logits[0, 11, target]), abs=6e-4)
    assert number(panel.locator("[data-number=sum]")) == pytest.approx(float(logits[0, 11, target]), abs=6e-4)
    assert abs(number(panel.locator("[data-number=residual]"))) < 1e-4
    row = panel.locator("table.bars tr", has=page.locator("th", has_text="1.mlp"))
    write = cache["mlp_out", 1][0, 11] / cache["ln_final.hook_scale"][0, 11] @ full.W_U[:, target]
    assert number(row.locator("td.value")) == pytest.approx(float(write), abs=0.006)


def test_the_token_is_moved_by_keyboard(opened):
    page = opened("seed=2&s04-ledger.at=4", section=4)
    panel = ran(page, "rung-s04-ledger", "sum")
    before = panel.locator("[data-number=logit]").inner_text()
    panel.locator("input[aria-label='At token']").press("ArrowRight")
    page.wait_for_function(
        "old => document.querySelector('rung-s04-ledger [data-number=logit]').innerText !== old", arg=before
    )
    assert number(panel.locator("[data-number=sum]")) == pytest.approx(
        number(panel.locator("[data-number=logit]")), abs=2e-3
    )


def test_overlaps_are_the_library_s_with_their_spread(opened):
    page = opened(section=4)
    page.locator("rung-s04-overlap [data-choice=Q]").click()
    panel = ran(page, "rung-s04-overlap", "times")
    found = overlap(HookedTransformer.from_pretrained("two-layer"))
    at = found.writers.index("0.0"), found.readers.index("1.0.K")
    assert number(panel.locator("[data-number=times]")) == pytest.approx(float(found.times_chance[at]), abs=0.006)
    assert number(panel.locator("[data-number=spread]")) == pytest.approx(float(found.spread[at]), abs=0.006)
    strongest = found.times_chance.nan_to_num(0).flatten().topk(8).values
    for i, value in enumerate(strongest.tolist()):
        assert number(panel.locator("table.bars td.value").nth(i)) == pytest.approx(value, abs=0.006)


def test_the_section_is_accessible(opened, axe):
    page = opened(section=4)
    ran(page, "rung-s04-ledger", "sum")
    assert axe(page, "#section-4") == []
