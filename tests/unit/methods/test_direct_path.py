import pytest
import torch

from rung.errors import PromptError
from rung.methods.direct_path import learned_bigrams, split_paths
from rung.model.model import HookedTransformer


def test_parts_sum_and_either_path_off_is_what_hooks_give(any_kind, draw):
    model, config = any_kind, any_kind.config
    tokens = draw()
    found = split_paths(model, tokens, 4)
    logits = model(tokens)[:, 4]
    torch.testing.assert_close(found.both, logits, rtol=0, atol=1e-9)
    assert found.residual.abs().max() < 1e-9 and found.query == 4
    off = [(f"blocks.{at}.hook_attn_out", lambda x, hook: torch.zeros_like(x)) for at in range(config.n_layers)]
    alone = model.run_with_hooks(tokens, fwd_hooks=off)[:, 4]
    torch.testing.assert_close(found.without_attention, alone, rtol=0, atol=1e-9)
    kinds = ("attn",) if config.attn_only else ("attn", "mlp")
    labels = [f"{layer}.{kind}" for layer in range(config.n_layers) for kind in kinds]
    assert list(found.labels) == ["direct", *labels, "biases"]


def test_the_direct_path_is_the_embedding_s_own_write(build, draw):
    """Independently: the stream that the last norm reads, less the embedding, with the scale of the run."""
    model = build("LN, learned positions, MLP, biases")
    tokens = draw()
    _, cache = model.run_with_cache(tokens)
    w = model.weights
    whole, own = cache["resid_post", 2][:, -1], (cache["embed"] + cache["pos_embed"])[:, -1]
    left = whole - own
    scale = ((whole - whole.mean(-1, keepdim=True)) ** 2).mean(-1, keepdim=True).add(model.config.eps).sqrt()
    expected = ((left - left.mean(-1, keepdim=True)) / scale * w["ln_final_w"] + w["ln_final_b"]) @ w["W_U"] + w["b_U"]
    torch.testing.assert_close(split_paths(model, tokens).without_direct, expected, rtol=0, atol=1e-9)


def test_bigrams_are_the_largest_of_the_table_that_weights_give():
    model = HookedTransformer.from_pretrained("zero-layer")
    with torch.no_grad():
        table = (model.W_E @ model.W_U + model.b_U).softmax(-1)
    words = [i for i in range(2048) if model.token_text(i).startswith(" ") and model.token_text(i).strip().isalpha()]
    found = learned_bigrams(model, 5, torch.tensor(words))
    best, at = table[words].max(-1)
    inside = [(float(p), words[i], int(at[i])) for i, p in enumerate(best) if int(at[i]) in set(words)]
    expected = sorted(inside, reverse=True)[:5]
    assert [(one.first, one.second) for one in found] == [(first, second) for _, first, second in expected]
    assert [one.probability for one in found] == pytest.approx([p for p, *_ in expected], rel=1e-4)
    assert (model.token_text(found[0].first), model.token_text(found[0].second)) == (" United", " States")


def test_without_attention_every_layered_model_has_bigrams(build):
    model = build("RMS, rotary, grouped, gated")
    found = learned_bigrams(model, 3)
    off = [(f"blocks.{at}.hook_attn_out", lambda x, hook: torch.zeros_like(x)) for at in range(3)]
    for one in found:
        chances = model.run_with_hooks(torch.tensor([[one.first]]), fwd_hooks=off)[0, 0].softmax(-1)
        assert chances.max() == pytest.approx(one.probability) and int(chances.argmax()) == one.second


def test_a_query_that_is_not_there_is_refused(build, draw):
    with pytest.raises(PromptError, match="query 7 was requested; the tokens have positions 0 to 6"):
        split_paths(build(), draw(), 7)
