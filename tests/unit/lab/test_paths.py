import numpy as np
import pytest
import torch

from rung.errors import RungError
from rung.lab.computations.paths import BigramsAsk, NextAsk, bigrams, following
from rung.tasks.builtin import repeated_tokens


@pytest.mark.parametrize(("name", "text"), [("two-layer", " in the United"), ("two-layer-full", ""), ("two-layer", "")])
def test_every_number_is_that_of_a_run_without_the_path(lab, job, name, text):
    model = lab.model(name)
    found = following.run(lab, NextAsk(model=name, text=text, length=8, seed=2), job)
    if text:
        tokens = model.to_tokens(text)
        assert (found.kind, found.source, found.query) == ("bigram", None, tokens.shape[1] - 1)
    else:
        tokens = repeated_tokens(model, period=8, sequences=1, seed=2).tokens[:, :14]
        assert (found.kind, found.query, found.source) == ("repeat", 13, 6)
        assert found.tokens[found.source - 1] == found.tokens[found.query]
        assert found.target == found.tokens[found.source]
    off = [(f"blocks.{at}.hook_attn_out", lambda x, hook: torch.zeros_like(x)) for at in range(2)]
    with torch.no_grad():
        both, cache = model.run_with_cache(tokens)
        alone = model.run_with_hooks(tokens, fwd_hooks=off)
        stream = cache["resid_post", 1][0, -1] - cache["embed"][0, -1]
        scale = cache["ln_final.hook_scale"][0, -1] if model.config.normalization_type else 1
        rest = stream / scale @ model.W_U + model.b_U
        layerless = lab.model("zero-layer")(tokens)[0, -1]
        direct = cache["embed"][0, -1] / scale @ model.W_U
    expected = {"both": both[0, -1], "no_attention": alone[0, -1], "no_direct": rest, "zero_layer": layerless}
    ids = found.candidate_ids
    assert [model.token_text(i) for i in ids] == found.candidates and len(set(ids)) == len(ids)
    target = ids[found.target_index]
    assert [one.name for one in found.variants] == list(expected)
    for one in found.variants:
        logits = expected[one.name].double()
        np.testing.assert_allclose(one.probabilities, logits.softmax(-1)[ids], rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(one.logits, (logits - logits.mean())[ids], atol=1e-4)
        assert ids[one.top] == int(logits.argmax())
        assert one.loss == pytest.approx(-float(logits.log_softmax(-1)[target]), abs=1e-3)
    parts = {part.label: part.logit for part in found.parts}
    assert parts["direct"] == pytest.approx(float(direct[target] - direct.mean()), abs=1e-4)
    assert sum(parts.values()) == pytest.approx(found.logit, abs=1e-4) and found.residual < 1e-4
    assert found.logit == pytest.approx(float(both[0, -1, target] - both[0, -1].mean()), abs=1e-4)
    assert ("0.mlp" in parts) == (name == "two-layer-full")


def test_a_learned_bigram_needs_no_attention_and_a_repeat_needs_nothing_else(lab, job):
    known = following.run(lab, NextAsk(text="the United"), job)
    repeat = following.run(lab, NextAsk(text="", length=12), job)
    losses = {one.name: one.loss for one in known.variants}
    assert known.target == " States" and losses["no_attention"] < 1 and losses["zero_layer"] < 1
    losses = {one.name: one.loss for one in repeat.variants}
    assert losses["both"] < 1 and losses["no_attention"] > 5 and losses["zero_layer"] > 5 and losses["no_direct"] < 1


def test_bigrams_are_of_whole_words(lab, job):
    found = bigrams.run(lab, BigramsAsk(count=6), job)
    assert (found.bigrams[0].first, found.bigrams[0].second) == (" United", " States") and not found.story
    model = lab.model("zero-layer")
    with torch.no_grad():
        for one in found.bigrams:
            chances = model(model.to_tokens(one.first, prepend_bos=False))[0, -1].softmax(-1)
            assert one.probability == pytest.approx(float(chances.max()), rel=1e-4)
            assert model.token_text(int(chances.argmax())) == one.second
            assert one.first[1:].isalpha() and one.second[1:].isalpha()


def test_limits_say_what_fits(lab, job):
    with pytest.raises(RungError, match="bigrams were requested"):
        bigrams.run(lab, BigramsAsk(count=1000), job)
    with pytest.raises(RungError, match="the lab runs from 1 to 256"):
        following.run(lab, NextAsk(text="", length=1000), job)
