"""Section 3: either path off, on a bigram and on a repeat, with the zero-layer model beside."""

import pytest
import torch

from rung.methods.direct_path import learned_bigrams
from rung.model.model import HookedTransformer
from rung.tasks.builtin import repeated_tokens

from .figures import number

TEXT = "The President of the United"


@pytest.fixture(scope="module")
def model():
    return HookedTransformer.from_pretrained("two-layer")


def ran(page):
    panel = page.locator("rung-s03-paths")
    panel.locator("[data-act=run]").click()
    panel.locator("[data-variant=both]").wait_for()
    return panel


def probabilities(model, tokens, query):
    off = [(f"blocks.{at}.hook_attn_out", lambda x, hook: torch.zeros_like(x)) for at in range(2)]
    with torch.no_grad():
        both, cache = model.run_with_cache(tokens)
        alone = model.run_with_hooks(tokens, fwd_hooks=off)
        rest = (cache["resid_post", 1] - cache["embed"]) @ model.W_U + model.b_U
        layerless = HookedTransformer.from_pretrained("zero-layer")(tokens)
    found = {"both": both, "no_attention": alone, "no_direct": rest, "zero_layer": layerless}
    return {name: logits[0, query].softmax(-1) for name, logits in found.items()}


def check(panel, expected, target):
    for name, chances in expected.items():
        row = panel.locator(f"[data-variant={name}]")
        assert number(row.locator("[data-number=p]")) == pytest.approx(100 * float(chances[target]), abs=0.06)
        assert number(row.locator("[data-number=loss]")) == pytest.approx(-float(chances[target].log()), abs=0.006)


def test_a_bigram_needs_no_attention(opened, model):
    page = opened(section=3)
    page.locator("rung-s03-paths [data-choice=no_attention]").first.click()
    panel = ran(page)
    tokens = model.to_tokens(TEXT)
    check(panel, probabilities(model, tokens, -1), model.to_single_token(" States"))
    assert "·States" in panel.locator("caption", has_text="both paths expect").inner_text()
    panel.locator("[data-act=skip]").click()
    assert "You said: attention" in panel.locator(".explain").inner_text()


def test_a_repeat_needs_attention_and_the_diagram_has_the_live_numbers(opened, model):
    page = opened("length=8&seed=3", section=3)
    page.locator("rung-s03-paths [data-choice=repeat]").click()
    page.locator("rung-s03-paths [aria-label=Paths] [data-choice=no_attention]").click()
    panel = ran(page)
    task = repeated_tokens(model, period=8, sequences=1, seed=3)
    query = task.second + 4
    tokens, target = task.tokens[:, : query + 1], int(task.tokens[0, query - 7])
    check(panel, probabilities(model, tokens, query), target)
    _, cache = model.run_with_cache(tokens)
    direct = (cache["embed"][0, query] @ model.W_U).detach()
    texts = " ".join(panel.locator("rung-flow .edge-text").all_text_contents()).replace("−", "-")
    assert f"{float(direct[target] - direct.mean()):+.2f}" in texts
    assert panel.locator("rung-flow .edge.broken").count() == 4


def test_the_surest_bigrams_are_the_model_s_own(opened):
    page = opened(section=3)
    panel = page.locator("rung-s03-bigrams")
    panel.locator("[data-act=run]").press("Enter")
    panel.locator("table.bars td.value").first.wait_for()
    zero = HookedTransformer.from_pretrained("zero-layer")
    words = torch.tensor([i for i in range(2048) if zero.token_text(i)[1:].isalpha() and zero.token_text(i)[0] == " "
                          and len(zero.token_text(i)) > 2])  # fmt: skip
    for i, one in enumerate(learned_bigrams(zero, 10, words)):
        assert number(panel.locator("table.bars td.value").nth(i)) == pytest.approx(one.probability, abs=6e-4)


def test_the_section_is_accessible(opened, axe):
    page = opened(section=3)
    ran(page)
    assert axe(page, "#section-3") == []
