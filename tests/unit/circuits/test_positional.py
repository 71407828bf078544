from dataclasses import replace

import pytest
import torch

from rung.circuits.heads import token_inputs
from rung.circuits.positional import kernel_looks_back, looks_back, offset_kernel, positional_qk
from rung.errors import RungError, SiteError
from rung.model.model import HookedTransformer


def test_shortformer_positions_are_read_as_they_are(build) -> None:
    """Tokens that embed to nothing: scores are those of positions, but for a number a query (b_K)."""
    model = build("LN, shortformer, biases")
    model.weights["W_E"].zero_()
    for layer in range(3):
        model.weights["ln1_b"][layer].zero_()
    _, cache = model.run_with_cache(torch.zeros(1, 9, dtype=torch.long), names_filter="attn_scores")
    ran = cache["attn_scores", 0][0, 2]
    read = positional_qk(model, (0, 2)).AB
    seen = torch.ones(9, 9, dtype=torch.bool).tril()
    torch.testing.assert_close((ran - ran[:, :1])[seen], (read - read[:, :1])[seen])


@pytest.mark.parametrize("kind", ["LN, learned positions, MLP, biases", "RMSPre, sinusoidal, tied, own scale"])
def test_positions_in_the_stream_are_read_beside_the_mean_embedding(build, kind: str) -> None:
    model = build(kind)
    model.weights["W_E"].copy_(model.W_E.mean(0).expand_as(model.W_E).clone())
    _, cache = model.run_with_cache(torch.zeros(1, 9, dtype=torch.long), names_filter="attn_scores")
    ran = cache["attn_scores", 0][0, 1]
    read = positional_qk(model, (0, 1)).AB
    seen = torch.ones(9, 9, dtype=torch.bool).tril()
    # Sines and cosines are made in float32.
    torch.testing.assert_close((ran - ran[:, :1])[seen], (read - read[:, :1])[seen], atol=1e-5, rtol=1e-5)


def test_best_and_margin_are_those_of_the_dense_scores(build) -> None:
    model = build()
    dense = positional_qk(model, (1, 1)).AB
    found = looks_back(model, (1, 1), offset=2, n=8)
    assert found.n == 6
    for row, query in enumerate(range(2, 8)):
        keys = dense[query, : query + 1]
        others = torch.cat((keys[: query - 2], keys[query - 1 :]))
        assert found.best[row] == keys.argmax()
        assert found.margin[row] == pytest.approx(float(keys[query - 2] - others.max()))
    hits = found.best == torch.arange(6)
    assert found.share == pytest.approx(float(hits.double().mean()))


def test_the_wired_head_looks_one_back_and_not_one_ahead(wired) -> None:
    found = looks_back(wired, (0, 1))
    assert found.share == 1
    assert found.best.tolist() == list(range(19))
    assert looks_back(wired, (0, 0)).share == 0
    # Queries and keys swapped: the head looks one ahead, which it may not see.
    W_Q, W_K = wired.weights["W_Q"][0][1], wired.weights["W_K"][0][1]
    swapped = W_K.clone(), W_Q.clone()
    W_Q.copy_(swapped[0])
    W_K.copy_(swapped[1])
    assert looks_back(wired, (0, 1)).share == 0


@pytest.mark.parametrize(
    "kind",
    [
        "RMS, rotary, grouped, gated",
        "RMS before and behind, queries normed, caps, windows",
        "LN, each query normed, scaled logits, parallel",
        "LN, slopes, normed embeddings, biases",
    ],
)
def test_the_kernel_is_the_scores_of_one_token_again_and_again(build, kind: str) -> None:
    """Layer 0 of a sequence of one token: every key holds the mean, its own; but for a number a query (slopes)."""
    model = build(kind)
    _, cache = model.run_with_cache(torch.full((1, 8), 5), names_filter="attn_scores")
    kernel = offset_kernel(model, (0, 1), token_inputs(model, torch.tensor([5])), 8)[0]
    ran = cache["attn_scores", 0][0, 1, -1].flip(0)
    reach = model.config.window(0) or 8
    torch.testing.assert_close((ran - ran[0])[:reach], (kernel - kernel[0])[:reach], atol=1e-5, rtol=1e-5)
    found = kernel_looks_back(model, (0, 1), token_inputs(model, torch.tensor([5])), 8)
    assert found.best[0] == ran.argmax()
    assert found.attention[0] == pytest.approx(float(ran.softmax(0)[1]), abs=1e-5)


def test_at_no_distance_a_key_is_the_querys_own(build) -> None:
    model = build("LN, slopes, normed embeddings, biases")
    x = token_inputs(model)
    kernel = offset_kernel(model, (0, 1), x, 4)
    one = torch.cat([offset_kernel(model, (0, 1), x[[token]], 4) for token in range(13)])
    torch.testing.assert_close(kernel[:, 0], one[:, 0])
    assert not torch.allclose(kernel[:, 1], one[:, 1])


def test_slopes_alone_prefer_the_querys_own_position(build) -> None:
    """Tokens that embed alike: nothing but the slope tells keys apart, and it favours the nearest."""
    model = build("LN, slopes, normed embeddings, biases")
    model.weights["W_E"].copy_(model.W_E[:1].expand_as(model.W_E).clone())
    found = kernel_looks_back(model, (0, 0), token_inputs(model), 6)
    assert found.best.eq(0).all() and found.share == 0


def test_keys_beyond_the_window_are_no_rivals_and_no_answers(wired) -> None:
    config = replace(wired.config, windows=(2, None))
    near = HookedTransformer(config, wired.weights)
    assert looks_back(near, (0, 1)).share == 1 and looks_back(near, (0, 1)).best.tolist() == list(range(19))
    alone = HookedTransformer(replace(config, windows=(1, None)), wired.weights)
    assert looks_back(alone, (0, 1)).share == 0 and looks_back(alone, (0, 1)).attention.eq(0).all()


def test_what_cannot_be_asked(build, wired) -> None:
    with pytest.raises(RungError, match="depends on the token"):
        looks_back(build("LN, shortformer, biases", qk_norm="head", biases=frozenset()), (0, 0))
    with pytest.raises(RungError, match="alibi positions"):
        looks_back(build("LN, slopes, normed embeddings, biases"), (0, 0))
    with pytest.raises(RungError, match="no key 6 back"):
        kernel_looks_back(build("RMS, rotary, grouped, gated"), (0, 0), wired.W_E[:, :20].double(), 6, offset=6)
    with pytest.raises(RungError, match="rotary positions"):
        looks_back(build("RMS, rotary, grouped, gated"), (0, 0))
    with pytest.raises(RungError, match="no positions"):
        looks_back(build(positional_embedding_type=None), (0, 0))
    with pytest.raises(RungError, match="no key 20 back"):
        looks_back(wired, (0, 0), offset=20)
    with pytest.raises(SiteError, match="no head"):
        looks_back(wired, (2, 0))


def test_a_sink_takes_attention_that_no_key_gets(build) -> None:
    plain, sunk = (build("RMS, rotary, grouped, gated", attn_sinks=sinks) for sinks in (False, True))
    sunk.weights["sinks"][1].copy_(torch.tensor([0.5, 2.0, -1.0, 3.0]))
    for name, weight in plain.weights.items():
        for own, other in zip(sunk.weights[name], weight, strict=True) if isinstance(weight, tuple) else ():
            own.copy_(other)
    inputs = torch.randn(13, 20, generator=torch.Generator().manual_seed(0)).double()
    without, found = (kernel_looks_back(model, (1, 3), inputs, 6) for model in (plain, sunk))
    assert torch.equal(found.margin, without.margin)
    exponents = offset_kernel(plain, (1, 3), inputs, 6).exp()
    torch.testing.assert_close(found.attention, exponents[:, 1] / (exponents.sum(1) + torch.tensor(3.0).exp()))
    assert (found.attention < without.attention).all()
