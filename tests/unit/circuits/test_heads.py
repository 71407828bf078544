import pytest
import torch

from rung.circuits.heads import (
    OV,
    QK,
    attention_scale,
    eigenvalue_copying,
    full_ov,
    full_qk,
    head_label,
    kv_head,
    ov_copying,
    qk_diagonal,
    token_inputs,
    token_outputs,
)
from rung.errors import SiteError
from rung.model.processing import fold_ln

UNTURNED = "LN, learned positions, MLP, biases"


def test_qk_and_ov_are_the_dense_products_in_the_fields_orientation(build) -> None:
    model = build()
    matching = torch.einsum("qe,ke->qk", model.W_Q[1, 3], model.W_K[1, 3])
    moving = torch.einsum("re,ew->rw", model.W_V[1, 3], model.W_O[1, 3])
    torch.testing.assert_close(QK(model, (1, 3)).AB, matching)
    torch.testing.assert_close(OV(model, (1, 3)).AB, moving)


def test_heads_of_a_group_share_keys_and_values(build) -> None:
    model = build("RMS, rotary, grouped, gated", normalization_type=None)
    assert [kv_head(model.config, (0, head)) for head in range(4)] == [0, 0, 1, 1]
    w = model.weights
    torch.testing.assert_close(QK(model, (1, 3)).AB, w["W_Q"][1][3] @ w["W_K"][1][1].T)
    torch.testing.assert_close(OV(model, (1, 1)).AB, w["W_V"][1][0] @ w["W_O"][1][1])


@pytest.mark.parametrize("kind", ["LN, learned positions, MLP, biases", "RMS, rotary, grouped, gated"])
def test_folding_here_equals_the_processed_model(build, kind: str) -> None:
    model = build(kind)
    folded = type(model)(*fold_ln(model.config, model.weights))
    x, outputs = token_inputs(model), token_outputs(model)
    torch.testing.assert_close(x, token_inputs(folded))
    torch.testing.assert_close(outputs, token_outputs(folded))
    for head in [(0, 0), (2, 3)]:
        torch.testing.assert_close(OV(model, head).AB, OV(folded, head).AB)
        torch.testing.assert_close(full_qk(model, head, x, x).AB, full_qk(folded, head, x, x).AB)


def test_full_qk_is_what_attention_computes_but_for_a_number_a_query(build) -> None:
    """Layer 0 without positions: scores[q, k] − scores[q, 0] is the same by weights and by running."""
    model = build(UNTURNED, positional_embedding_type=None)
    tokens = torch.arange(8)
    _, cache = model.run_with_cache(tokens[None], names_filter="attn_scores")
    for head in range(4):
        ran = cache["attn_scores", 0][0, head]
        read = full_qk(model, (0, head), token_inputs(model, tokens), token_inputs(model, tokens)).AB
        seen = torch.ones(8, 8, dtype=torch.bool).tril()
        torch.testing.assert_close((ran - ran[:, :1])[seen], (read - read[:, :1])[seen])


def test_full_ov_is_what_the_head_adds_to_the_logits(build) -> None:
    """One token attends to itself: its head's write, read out by W_U."""
    model = build("no norm, shortformer, attention only", n_layers=1)
    tokens = torch.arange(13)
    _, cache = model.run_with_cache(tokens[:, None])
    ran = torch.einsum("td,dv->tv", cache["result", 0][:, 0, 2], model.W_U)
    read = full_ov(model, (0, 2), token_inputs(model), token_outputs(model)).AB
    torch.testing.assert_close(ran, read)


def test_the_diagonals_are_those_of_the_dense_circuits(build) -> None:
    model = build()
    W_E, W_U = model.W_E, model.W_U
    tokens = torch.tensor([2, 3, 5, 7, 11])
    for head in [(0, 1), (2, 2)]:
        ov = (W_E @ model.W_V[head] @ model.W_O[head] @ W_U)[tokens][:, tokens]
        found = ov_copying(model, head, tokens)
        torch.testing.assert_close(found.rank, (ov > ov.diagonal()[:, None]).sum(1))
        # Keys are rows: each key's scores by every query.
        by_query = (W_E @ model.W_Q[head]) @ (W_E @ model.W_K[head]).T / attention_scale(model.config)
        by_key = by_query[tokens][:, tokens].T
        found = qk_diagonal(model, head, tokens)
        torch.testing.assert_close(found.rank, (by_key > by_key.diagonal()[:, None]).sum(1))
        others = by_key.masked_fill(torch.eye(5, dtype=torch.bool), -torch.inf).amax(1)
        torch.testing.assert_close(found.margin, by_key.diagonal() - others)


def test_the_embedding_that_a_head_reads_can_be_given(build) -> None:
    model = build()
    inputs = torch.randn(13, 20, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    dense = inputs @ OV(model, (1, 0)).AB @ model.W_U
    assert ov_copying(model, (1, 0), inputs=inputs).rank.tolist() == (dense > dense.diagonal()[:, None]).sum(1).tolist()


def test_the_eigenvalue_score_is_that_of_the_whole_circuit(build) -> None:
    model = build()
    dense = model.W_E @ model.W_V[1, 2] @ model.W_O[1, 2] @ model.W_U
    eigenvalues = torch.linalg.eigvals(dense)
    score = float(eigenvalues.sum().real / eigenvalues.abs().sum())
    assert eigenvalue_copying(model, (1, 2)) == pytest.approx(score, abs=1e-6)


def test_a_copying_head_scores_one_its_inverse_minus_one_an_empty_one_zero(wired) -> None:
    assert eigenvalue_copying(wired, (1, 2)) == pytest.approx(1)
    assert ov_copying(wired, (1, 2)).share == 1
    assert eigenvalue_copying(wired, (1, 0)) == 0
    assert ov_copying(wired, (1, 0)).share == 0
    wired.weights["W_O"][1][2].neg_()
    assert eigenvalue_copying(wired, (1, 2)) == pytest.approx(-1)
    assert ov_copying(wired, (1, 2)).share == 0


def test_a_head_that_is_not_there(wired) -> None:
    with pytest.raises(SiteError, match=r"no head 1\.3 in wired"):
        QK(wired, (1, 3))
    assert head_label((1, 2)) == "1.2"
