"""Weights as people ask for them."""

from collections.abc import Callable

import pytest
import torch

from rung.circuits.heads import full_ov, full_qk, ov_copying, token_inputs, token_outputs
from rung.engine.weights import block_weights
from rung.errors import CheckpointError, NotDefinedError, SiteError
from rung.model.model import HookedTransformer
from rung.model.tree import check_weights

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


LATENT = "RMS, latent, one dense layer before groups of experts"


def test_what_no_one_matrix_makes_is_not_defined(build: Build) -> None:
    model = build(LATENT)
    attn = model.blocks[0].attn
    asked: tuple[Callable[[], object], ...] = (
        *(lambda: model.W_Q, lambda: model.W_K, lambda: model.W_V, lambda: model.QK, lambda: model.OV),
        *(lambda: attn.QK, lambda: attn.OV, lambda: model.all_composition_scores("V")),
    )
    for ask in asked:
        with pytest.raises(NotDefinedError, match=r"has no W_[QKV]: .* a norm between the two products"):
            ask()
    assert not hasattr(attn, "W_K") and hasattr(attn, "W_UK")
    with pytest.raises(CheckpointError, match="has no b_K"):
        model.b_K  # noqa: B018


def test_layers_of_two_shapes_are_not_one_stack(build: Build) -> None:
    model = build(LATENT)
    with pytest.raises(CheckpointError, match=r"W_in of unnamed has another shape in layers \[0\] than in the others"):
        model.W_in  # noqa: B018
    assert model.blocks[0].mlp.W_in.shape == (20, 24) and model.blocks[1].mlp.W_in.shape == (6, 20, 12)
    router = model.weights["W_router"]
    assert isinstance(router, tuple) and [held is None for held in router] == [True, False, False]
    for layer, wrong in ((0, router[1]), (1, None)):
        held = dict(model.weights) | {"W_router": (*router[:layer], wrong, *router[layer + 1 :])}
        with pytest.raises(CheckpointError, match=f"W_router of layer {layer} must be"):
            check_weights(model.config, held)


def test_circuits_over_tables_of_tokens_are_exact_with_latent_attention(build: Build) -> None:
    """A token alone, at position 0, where nothing is turned: its own key and value."""
    model, tokens = build(LATENT), torch.arange(13)[:, None]
    _, cache = model.run_with_cache(tokens)
    inputs = token_inputs(model)
    q, k = cache["rot_q", 0][:, 0, 2], cache["rot_k", 0][:, 0, 2]
    torch.testing.assert_close(full_qk(model, (0, 2), inputs, inputs).AB, q @ k.T / 6**0.5)
    written = cache["z", 0][:, 0, 2] @ block_weights(model.weights, 0).W_O[2]
    torch.testing.assert_close(full_ov(model, (0, 2), inputs, token_outputs(model)).AB, written @ token_outputs(model))
    assert 0 <= ov_copying(model, (0, 2)).share <= 1


def test_the_first_layers_alone_are_a_model(build: Build, tmp_path: object) -> None:
    model = build(LATENT)
    model.save_pretrained(tmp_path)
    whole = HookedTransformer.from_pretrained_no_processing(tmp_path, dtype=torch.float64)
    tokens = torch.arange(7)[None]
    assert torch.equal(whole(tokens), model(tokens))
    for count, dense in ((0, ()), (1, (0,)), (2, (0,))):
        some = HookedTransformer.from_pretrained_no_processing(tmp_path, first_n_layers=count, dtype=torch.float64)
        assert some.config.dense_layers == dense and some.config.n_params == sum(p.numel() for p in some.parameters())
        assert torch.equal(some(tokens, return_type=None, stop_at_layer=count), model(tokens, stop_at_layer=count))
