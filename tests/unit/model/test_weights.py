"""Weights as people ask for them."""

from collections.abc import Callable

import pytest
import torch

from rung.errors import CheckpointError, SiteError
from rung.model.model import HookedTransformer

Build = Callable[..., HookedTransformer]


def test_stacks_are_the_layers_in_order(build: Build) -> None:
    model = build("LN, learned positions, MLP, biases", gated_mlp=True)
    for part, names in (
        ("attn", ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V", "b_O")),
        ("mlp", ("W_in", "W_gate", "W_out", "b_in", "b_gate", "b_out")),
    ):
        for name in names:
            wanted = torch.stack([getattr(getattr(block, part), name) for block in model.blocks])
            assert torch.equal(getattr(model, name), wanted), name


def test_stacks_are_copies(build: Build) -> None:
    model = build()
    kept = model.blocks[1].attn.W_Q.clone()
    model.W_Q[1].zero_()
    assert torch.equal(model.blocks[1].attn.W_Q, kept)


def test_embeddings_are_the_parameters_themselves(build: Build) -> None:
    model = build()
    assert model.W_E is model.embed.W_E
    assert model.W_U is model.unembed.W_U
    assert model.W_pos is model.pos_embed.W_pos
    assert torch.equal(model.W_E_pos, torch.cat((model.W_E, model.W_pos)))


def test_absent_biases_are_zeros(build: Build) -> None:
    model = build()
    assert model.b_Q.shape == (3, 4, 6)
    assert model.b_O.shape == (3, 20)
    assert model.b_U.shape == (13,)
    assert not any(bool(b.any()) for b in (model.b_Q, model.b_K, model.b_V, model.b_O, model.b_U))
    grouped = build("RMS, rotary, grouped, gated")
    assert grouped.b_K.shape == grouped.b_Q.shape == (3, 4, 6)


def test_sinusoidal_positions_are_shown_as_a_table(build: Build) -> None:
    table = build("RMSPre, sinusoidal, tied, own scale").W_pos
    assert (table.shape, table.dtype) == ((9, 20), torch.float64)
    positions = torch.arange(9)
    torch.testing.assert_close(table[:, 0], positions.sin().double(), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(table[:, 1], positions.cos().double(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["W_in", "W_gate", "W_out", "b_in", "W_pos"])
def test_a_part_that_is_not_there_is_named(build: Build, name: str) -> None:
    model = build(positional_embedding_type=None)
    with pytest.raises(CheckpointError, match=f"has no {name}"):
        getattr(model, name)


def test_no_layers_have_no_stacks(build: Build) -> None:
    with pytest.raises(CheckpointError, match="has no layers, so no W_Q"):
        _ = build(n_layers=0).W_Q


def test_circuits_are_products(build: Build) -> None:
    for model in (build(), build("RMS, rotary, grouped, gated")):
        torch.testing.assert_close(model.QK.AB, model.W_Q @ model.W_K.mT, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(model.OV.AB, model.W_V @ model.W_O, rtol=1e-12, atol=1e-12)
        assert model.QK.shape == model.OV.shape == (3, 4, 20, 20)


def test_labels_and_whereabouts(build: Build) -> None:
    model = build(n_layers=2, n_heads=2)
    assert model.all_head_labels() == ["L0H0", "L0H1", "L1H0", "L1H1"]
    assert (model.device, model.dtype) == (torch.device("cpu"), torch.float64)
    assert model.to(torch.bfloat16).dtype == torch.bfloat16


def test_weights_are_the_parameters_by_name(build: Build) -> None:
    model = build(n_layers=0)
    assert model.weights["W_Q"] == ()
    model = build()
    assert model.weights["W_E"] is model.embed.W_E
    assert model.weights["W_O"][2] is model.blocks[2].attn.W_O


def test_biases_add_up(build: Build) -> None:
    model = build("LN, learned positions, MLP, biases")
    heads, mlps = model.b_O, model.b_out
    torch.testing.assert_close(model.accumulated_bias(2), heads[:2].sum(0) + mlps[:2].sum(0))
    torch.testing.assert_close(model.accumulated_bias(1, mlp_input=True), heads[:2].sum(0) + mlps[0])
    torch.testing.assert_close(model.accumulated_bias(3, include_mlp_biases=False), heads.sum(0))
    assert not build().accumulated_bias(3).any()
    with pytest.raises(SiteError, match="before layer 3"):
        model.accumulated_bias(3, mlp_input=True)


@pytest.mark.parametrize("mode", ["Q", "K", "V"])
def test_composition_scores_are_ratios_of_norms(build: Build, mode: str) -> None:
    model = build("RMS, rotary, grouped, gated")
    scores = model.all_composition_scores(mode)
    left, right = model.OV[0, 1].AB, (model.OV if mode == "V" else model.QK)[2, 3].AB
    right = right.T if mode == "K" else right
    assert scores[0, 1, 2, 3].item() == pytest.approx(((left @ right).norm() / left.norm() / right.norm()).item())
    assert not scores[1, :, 1].any() and not scores[2, :, 1].any() and bool((scores[0, :, 1:] > 0).all())
    with pytest.raises(SiteError, match="known are Q, K and V"):
        model.all_composition_scores("O")
