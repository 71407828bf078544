"""Generation with kept keys and values against generation that reads everything anew."""

import pytest
import torch

from rung.config import Alibi, ModelConfig, Rotary, RotaryScaling
from rung.engine import generate as generation
from rung.engine.generate import Sampling, choose
from rung.engine.kv_cache import KeyValueCache
from rung.engine.transformer import forward
from rung.engine.weights import init_weights
from rung.errors import PromptError

TURNED = {"positional_embedding_type": "rotary", "rotary": Rotary(dim=4)}
KINDS = {
    **{str(name): {"positional_embedding_type": name} for name in ("standard", "sinusoidal", "shortformer", None)},
    "rotary": TURNED,
    "windows, two ways to turn": TURNED | {"windows": (3, None), "rotary_local": Rotary(dim=2, base=9.0)},
    "windows of one": TURNED | {"windows": (1, 2)},
    "slopes, windows": {
        "positional_embedding_type": "alibi", "alibi": Alibi(slopes=(0.5, 0.3, 0.2, 0.1)), "windows": (None, 4),
    },
    "rounded slopes": {
        "positional_embedding_type": "alibi", "alibi": Alibi(slopes=(0.5, 0.3, 0.2, 0.1), scale=0.7, rounded=True),
    },
    "norms everywhere, caps": {
        "norm_placement": "both", "qk_norm": "heads", "post_embedding_ln": True, "attn_scores_soft_cap": 2.0,
        "output_logits_soft_cap": 4.0, "clip_qkv": 1.0,
    },
    "experts": TURNED | {
        "normalization_type": "RMS", "d_mlp": 6, "act_fn": "silu", "gated_mlp": True, "n_experts": 3,
        "experts_per_token": 2, "d_mlp_shared": 4,
    },
}  # fmt: skip


@pytest.fixture(params=KINDS)
def model(request):
    config = ModelConfig(
        n_layers=2, d_model=8, n_heads=4, d_head=4, d_vocab=23, n_ctx=20, n_key_value_heads=2, **KINDS[request.param]
    )
    weights = init_weights(config, 3)
    return config, {n: tuple(x * 3 for x in w) if isinstance(w, tuple) else w * 3 for n, w in weights.items()}


def generate(*args, **options):
    return generation.generate(*args, **options).tokens


def naive(config, weights, tokens, count, mask=None):
    for _ in range(count):
        logits = forward(config, weights, tokens, mask=mask)
        tokens = torch.cat((tokens, logits[:, -1:].argmax(-1)), 1)
        mask = None if mask is None else torch.cat((mask, mask.new_ones(len(mask), 1)), 1)
    return tokens


def test_greedy_is_the_naive_loop(model):
    config, weights = model
    tokens = torch.tensor([[1, 2, 3], [4, 5, 6]])
    assert torch.equal(generate(config, weights, tokens, 12), naive(config, weights, tokens, 12))


@pytest.mark.parametrize("length", [2, 4, 5])
def test_long_frequencies_begin_where_the_naive_loop_has_them_begin(length):
    """Keys that were turned for short inputs are made again once there are more tokens than those were for."""
    scaling = RotaryScaling(
        kind="longrope", factor=4.0, original_n_ctx=4, short_factors=(1.0, 1.0), long_factors=(2.0, 9.0)
    )
    config = ModelConfig(
        n_layers=2, d_model=8, n_heads=2, d_head=4, d_vocab=23, n_ctx=16, positional_embedding_type="rotary",
        rotary=Rotary(dim=4, base=10.0, scaling=scaling),
    )  # fmt: skip
    weights = {
        n: tuple(x * 3 for x in w) if isinstance(w, tuple) else w * 3 for n, w in init_weights(config, 3).items()
    }
    tokens = torch.tensor([[1, 2, 3, 4, 5][:length], [6, 7, 8, 9, 10][:length]])
    assert torch.equal(generate(config, weights, tokens, 9), naive(config, weights, tokens, 9))


def test_left_padded_rows_go_on_as_they_would_alone(model):
    config, weights = model
    padded = torch.tensor([[0, 0, 7, 8], [1, 2, 3, 4]])
    mask = torch.tensor([[False, False, True, True], [True] * 4])
    longer = generate(config, weights, padded, 8, mask=mask)
    assert torch.equal(longer[0, 2:], generate(config, weights, torch.tensor([[7, 8]]), 8)[0])
    assert torch.equal(longer[1], generate(config, weights, torch.tensor([[1, 2, 3, 4]]), 8)[0])


def test_several_tokens_at_once_behind_a_past(model):
    config, weights = model
    tokens = torch.tensor([[1, 2, 3, 4, 5, 6]])
    past = KeyValueCache(config, 1, 10, weights["W_E"])
    forward(config, weights, tokens[:, :2], past=past)
    rest = forward(config, weights, tokens[:, 2:], past=past)
    torch.testing.assert_close(rest, forward(config, weights, tokens)[:, 2:], atol=1e-5, rtol=1e-5)
    with pytest.raises(PromptError, match="11 tokens asked of a key-value cache with room for 10"):
        forward(config, weights, tokens[:, :5], past=past)


def test_rows_end_at_the_stop_token(model):
    config, weights = model
    tokens = torch.tensor([[1, 2, 3], [4, 5, 6]])
    free = generate(config, weights, tokens, 8)
    stop = int(free[0, 4])
    ended = generate(config, weights, tokens, 8, stop_tokens=[stop])
    at = (ended[0, 3:] == stop).nonzero()[0, 0] + 3
    assert (ended[0, at:] == stop).all() and torch.equal(ended[0, : at + 1], free[0, : at + 1])


def test_too_long_is_refused_before_anything_runs(model):
    config, weights = model
    with pytest.raises(PromptError, match="3 tokens and 18 new ones make 21; unnamed reads 20"):
        generate(config, weights, torch.tensor([[1, 2, 3]]), 18)


def test_draws_follow_the_softmax_and_the_seed():
    logits = torch.tensor([[0.0, 1.0, 2.0, -torch.inf]]).expand(20_000, 4)
    drawn = choose(logits, Sampling(2.0), generator=torch.Generator().manual_seed(0))
    share = torch.bincount(drawn, minlength=4) / len(drawn)
    torch.testing.assert_close(share, (logits[0] / 2).softmax(-1), atol=0.02, rtol=0.0)
    assert torch.equal(drawn, choose(logits, Sampling(2.0), generator=torch.Generator().manual_seed(0)))


def test_cuts_keep_the_likeliest():
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log().expand(2_000, 4)

    def seen(**cut):
        return set(choose(logits, Sampling(1.0, **cut), torch.Generator().manual_seed(0)).tolist())

    assert seen() == {0, 1, 2, 3} and seen(top_k=2) == {0, 1} and seen(top_p=0.6) == {0, 1} and seen(top_p=0.01) == {0}
    assert choose(logits[:1]).tolist() == [0]
    for wrong in (
        {"temperature": -1.0},
        {"temperature": 1.0, "top_k": 0},
        {"temperature": 1.0, "top_p": 1.5},
        {"repetition_penalty": 0.0},
    ):
        with pytest.raises(PromptError, match="it must be"):
            Sampling(**wrong)


def test_penalties_count_what_occurred():
    logits, tokens = torch.tensor([[2.0, 1.9, -1.0, -1.05]]), torch.tensor([[0, 0, 2]])
    assert choose(logits, Sampling(), tokens=tokens).tolist() == [0]
    assert choose(logits, Sampling(freq_penalty=0.04), tokens=tokens).tolist() == [0]
    assert choose(logits, Sampling(freq_penalty=0.06), tokens=tokens).tolist() == [1]
    assert choose(logits, Sampling(repetition_penalty=1.1), tokens=tokens).tolist() == [1]
    assert choose(logits[:, 2:], Sampling(), tokens=tokens[:, :1]).tolist() == [0]
    assert choose(logits[:, 2:], Sampling(repetition_penalty=1.1), tokens=tokens[:, :1]).tolist() == [1]
