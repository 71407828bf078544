import pytest
import torch

from rung.circuits.positional import looks_back, positional_qk
from rung.errors import RungError, SiteError


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


def test_what_cannot_be_asked(build, wired) -> None:
    with pytest.raises(RungError, match="rotary positions"):
        looks_back(build("RMS, rotary, grouped, gated"), (0, 0))
    with pytest.raises(RungError, match="no positions"):
        looks_back(build(positional_embedding_type=None), (0, 0))
    with pytest.raises(RungError, match="no key 20 back"):
        looks_back(wired, (0, 0), offset=20)
    with pytest.raises(SiteError, match="no head"):
        looks_back(wired, (2, 0))
