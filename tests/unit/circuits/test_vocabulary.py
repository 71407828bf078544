import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rung.circuits import heads, vocabulary
from rung.circuits.heads import (
    OV,
    QK,
    attention_scale,
    full_ov,
    full_qk,
    ov_copying,
    sampled_copying,
    token_inputs,
    token_outputs,
    vocabulary_ov,
    vocabulary_qk,
)
from rung.circuits.vocabulary import singular_directions, skip_trigrams, strongest
from rung.engine.factored import FactoredMatrix
from rung.errors import NotDefinedError, RungError, SiteError
from rung.model.model import HookedTransformer


@given(rows=st.integers(1, 7), columns=st.integers(1, 7), k=st.integers(1, 9), seed=st.integers(0, 99))
def test_the_strongest_entries_are_those_of_the_dense_matrix(rows: int, columns: int, k: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    A, B = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((rows, 2), (2, columns)))
    k = min(k, rows * columns)
    found = strongest(FactoredMatrix(A, B), k)
    torch.testing.assert_close([each.value for each in found], (A @ B).flatten().topk(k).values.tolist())
    for each in found:
        assert (A @ B)[each.row, each.column].item() == pytest.approx(each.value)


@pytest.mark.parametrize("chunk", [2, 5, 100])
def test_the_vocabulary_in_chunks_is_the_whole(any_kind, chunk: int, monkeypatch) -> None:
    monkeypatch.setattr(heads, "CHUNK", chunk)
    x, outputs = token_inputs(any_kind), token_outputs(any_kind)
    for head in ((0, 1), (2, 3)):
        torch.testing.assert_close(vocabulary_ov(any_kind, head).AB, full_ov(any_kind, head, x, outputs).AB)
        torch.testing.assert_close(vocabulary_qk(any_kind, head).AB, full_qk(any_kind, head, x, x).AB)


def test_sampled_copying_is_copying_of_the_sample(build) -> None:
    model = build()
    whole, found = ov_copying(model, (1, 2)), sampled_copying(model, (1, 2), 5, seed=4)
    rows = torch.randperm(13, generator=torch.Generator().manual_seed(4))[:5]
    assert found.rank.tolist() == whole.rank[rows].tolist()
    assert sampled_copying(model, (1, 2), None).rank.tolist() == whole.rank.tolist()
    with pytest.raises(RungError, match="has 13"):
        sampled_copying(model, (1, 2), 14)


@pytest.mark.parametrize("kind", ["RMS, rotary, grouped, gated", "LN, each query normed, scaled logits, parallel"])
@pytest.mark.parametrize("back", [1, 4])
def test_qk_at_a_distance_is_what_a_run_scores(build, kind: str, back: int) -> None:
    """Layer 0 sees tokens alone: scores of key tokens in one place differ as the circuit says."""
    model = build(kind)
    x, head = token_inputs(model), (0, 3)
    rows = torch.zeros(13, 7, dtype=torch.long)
    rows[:, 6 - back] = torch.arange(13)
    rows[:, 6] = 5
    _, cache = model.run_with_cache(rows, names_filter="attn_scores")
    ran = cache["attn_scores", 0][:, 3, 6, 6 - back]
    read = full_qk(model, head, x, x, back).AB[5]
    # Angles are kept in float32.
    torch.testing.assert_close(ran - ran[0], read - read[0], atol=1e-5, rtol=1e-5)


def test_weights_at_a_distance_are_the_scores_without_a_norm(build) -> None:
    model = build("RMS, rotary, grouped, gated", normalization_type=None)
    W_E = model.W_E
    dense = W_E @ QK(model, (1, 3), back=2).AB @ W_E.T / attention_scale(model.config)
    torch.testing.assert_close(dense, full_qk(model, (1, 3), W_E, W_E, back=2).AB)
    torch.testing.assert_close(QK(model, (1, 3), back=0).AB, QK(model, (1, 3)).AB)
    assert not torch.allclose(QK(model, (1, 3), back=2).AB, QK(model, (1, 3)).AB)


def test_skip_trigrams_are_the_largest_products(build) -> None:
    model, head = build("RMS, rotary, grouped, gated"), (1, 2)
    x = token_inputs(model)
    qk, ov = full_qk(model, head, x, x, 3).AB, full_ov(model, head, x, token_outputs(model)).AB
    qk, ov = qk - qk.mean(1, keepdim=True), ov - ov.mean(1, keepdim=True)
    cube = qk.T.clamp(min=0)[:, :, None] * ov.clamp(min=0)[:, None]  # [source, query, output]
    found = skip_trigrams(model, head, 9, back=3)
    torch.testing.assert_close([each.score for each in found], cube.flatten().topk(9).values.tolist())
    for each in found:
        assert cube[each.source, each.query, each.output].item() == pytest.approx(each.score)
    fixed = skip_trigrams(model, head, 5, source=4, query=7, back=3)
    expected = cube[4, 7].topk(5).values
    torch.testing.assert_close([each.score for each in fixed], expected[expected > 0].tolist())
    assert all((each.source, each.query) == (4, 7) for each in fixed)


def test_the_one_layer_models_skip_trigrams_and_their_bug_are_found() -> None:
    """at … same → time and at … early → period; with them at … same → period and at … early → time."""
    model = HookedTransformer.from_pretrained("one-layer")
    at, same, early, time, period = map(model.to_single_token, (" at", " same", " early", " time", " period"))
    for query, output in itertools.product((same, early), (time, period)):
        found = [each.output for each in skip_trigrams(model, (0, 0), 8, source=at, query=query)]
        assert output in found
    assert skip_trigrams(model, (0, 0), 1, source=at, query=same)[0].output == time


@pytest.mark.parametrize("circuit", ["OV", "QK"])
def test_singular_directions_are_the_dense_ones(build, circuit: vocabulary.Circuit) -> None:
    model = build()
    found = singular_directions(model, (1, 3), circuit, directions=2, k=4)
    U, S, Vh = torch.linalg.svd((OV if circuit == "OV" else QK)(model, (1, 3)).AB)
    torch.testing.assert_close(found.values, S[:6])
    left, right = model.W_E @ U, (model.W_U.T if circuit == "OV" else model.W_E) @ Vh.T
    for n in range(2):
        sign = left[left[:, n].abs().argmax(), n].sign()
        assert found.left[n].tolist() == (left[:, n] * sign).topk(4).indices.tolist()
        assert found.right[n].tolist() == (right[:, n] * sign).topk(4).indices.tolist()


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (lambda m: QK(m, (0, 0), back=1), NotDefinedError, "needs rotary positions"),
        (lambda m: skip_trigrams(m, (0, 9)), SiteError, "no head"),
        (lambda m: skip_trigrams(m, (0, 0), 0), RungError, "0 skip-trigrams were asked for"),
        (lambda m: skip_trigrams(m, (0, 0), 5, source=13), RungError, "source is token 13"),
        (lambda m: singular_directions(m, (0, 0), directions=7), RungError, "there are 1 to 6"),
        (lambda m: singular_directions(m, (0, 0), k=14), RungError, "there are 1 to 13"),
        (lambda m: strongest(OV(m, (0, 0)), 401), RungError, "there are 1 to 400"),
    ],
)
def test_what_cannot_be_asked(build, ask, error, said) -> None:
    with pytest.raises(error, match=said):
        ask(build())


def test_a_distance_that_no_query_sees(build) -> None:
    model = build("RMS before and behind, queries normed, caps, windows")
    with pytest.raises(RungError, match="distances are 0 to 3"):
        QK(model, (0, 0), back=4)
