"""The module tree: names people know, reads that explain absence, writes that the forward pass sees."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from rung.config import weight_path, weight_shapes
from rung.errors import CheckpointError
from rung.model.model import HookedTransformer

Build = Callable[..., HookedTransformer]
GROUPED = "RMS, rotary, grouped, gated"
TIED = "RMSPre, sinusoidal, tied, own scale"


def test_every_weight_is_a_leaf_where_its_name_says(any_kind: HookedTransformer) -> None:
    config = any_kind.config
    held = dict(any_kind.named_parameters())
    wanted = {}
    for name, shape in weight_shapes(config).items():
        layers = range(config.n_layers) if "{l}" in weight_path(config, name).replace("None", "{l}") else (None,)
        wanted |= {weight_path(config, name, layer): shape for layer in layers}
    assert {name: tuple(tensor.shape) for name, tensor in held.items()} == wanted
    assert all(tensor.is_leaf for tensor in held.values())


def test_every_weight_gets_a_gradient(any_kind: HookedTransformer, draw: Callable[..., Tensor]) -> None:
    any_kind.requires_grad_(True)
    any_kind(draw(), return_type="loss").backward()
    # Softmax does not see what all keys share: b_K is without effect, its gradient zero but for rounding.
    dead = [
        name
        for name, parameter in any_kind.named_parameters()
        if parameter.grad is None or (not parameter.grad.any() and not name.endswith("b_K"))
    ]
    assert dead == []


def test_every_weight_counts(any_kind: HookedTransformer, draw: Callable[..., Tensor]) -> None:
    """A write to any parameter changes the output."""
    plain = any_kind(draw())
    for name, parameter in any_kind.named_parameters():
        if name.endswith("b_K"):
            continue
        kept = parameter.clone()
        parameter += torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)).double()
        assert not torch.allclose(any_kind(draw()), plain), name
        parameter.copy_(kept)
    assert torch.equal(any_kind(draw()), plain)


def test_a_weight_may_be_exchanged(build: Build, draw: Callable[..., Tensor]) -> None:
    model = build()
    plain = model(draw())
    attn = model.blocks[1].attn
    attn.W_Q = nn.Parameter(attn.W_Q * 2)
    assert not torch.allclose(model(draw()), plain)
    with pytest.raises(CheckpointError, match=r"W_Q was given shape \[4, 6, 20\]; the config calls for \[4, 20, 6\]"):
        attn.W_Q = nn.Parameter(attn.W_Q.mT.clone())


def test_absent_biases_read_as_zeros(build: Build) -> None:
    model = build(GROUPED, normalization_type="LN")
    block = model.blocks[0]
    shapes = {
        "b_Q": (4, 6), "b_K": (4, 6), "b_V": (4, 6), "_b_K": None, "b_O": (20,), "b_in": None, "W_gate": None,
    }  # fmt: skip
    for name, shape in shapes.items():
        if shape is None:
            with pytest.raises(AttributeError):
                getattr(block.attn, name)
        else:
            zeros = getattr(block.attn, name)
            assert (tuple(zeros.shape), zeros.dtype, bool(zeros.any())) == (shape, torch.float64, False)
    assert block.mlp.b_gate.shape == block.mlp.b_in.shape == (24,)
    assert block.mlp.b_out.shape == block.ln1.b.shape == model.ln_final.b.shape == (20,)
    assert model.unembed.b_U.shape == (13,)


def test_biases_that_are_there_read_as_they_are(build: Build) -> None:
    model = build("LN, learned positions, MLP, biases")
    assert all(bool(getattr(model.blocks[0].attn, name).any()) for name in ("b_Q", "b_K", "b_V", "b_O"))
    assert model.unembed.b_U.any()


def test_a_write_that_nothing_would_read_is_refused(build: Build) -> None:
    model = build()
    for value in (torch.ones(4, 6), nn.Parameter(torch.ones(4, 6))):
        with pytest.raises(CheckpointError, match="has no b_Q to write to"):
            model.blocks[0].attn.b_Q = value
    with pytest.raises(CheckpointError, match="has no W_U to write to"):
        build(TIED).unembed.W_U = nn.Parameter(torch.ones(20, 13))


def test_tied_embeddings_read_from_both_ends(build: Build) -> None:
    model = build(TIED)
    assert torch.equal(model.unembed.W_U, model.embed.W_E.T)
    assert torch.equal(model.W_U, model.embed.W_E.T)
    assert not model.unembed.b_U.any()
    model.embed.W_E[3] = 7.0
    assert (model.unembed.W_U[:, 3] == 7).all()
    assert [name for name, _ in model.named_modules() if name.startswith("unembed")] == ["unembed"]


def test_shared_heads_are_written_once_and_shown_to_each_query_head(build: Build, draw: Callable[..., Tensor]) -> None:
    model = build(GROUPED)
    attn = model.blocks[0].attn
    assert attn._W_K.shape == (2, 20, 6)
    assert torch.equal(attn.W_K, attn._W_K[[0, 0, 1, 1]])
    assert torch.equal(model.W_V[0], attn._W_V[[0, 0, 1, 1]])
    plain = model(draw())
    with pytest.raises(CheckpointError, match="write to _W_K, which holds the 2 that exist"):
        attn.W_K = nn.Parameter(torch.zeros(4, 20, 6))
    attn._W_K[1] = 0
    assert not torch.allclose(model(draw()), plain)
    assert not attn.W_K[2:].any()
    attn._W_K = nn.Parameter(torch.ones(2, 20, 6).double())
    assert (attn.W_K == 1).all()


def test_parts_a_model_lacks_are_not_in_its_tree(build: Build) -> None:
    names = {name.rpartition(".")[2] for name, _ in build().named_modules()}
    assert not {"mlp", "ln2", "hook_mlp_out", "hook_resid_mid", "hook_rot_q"} & names
    assert {"pos_embed", "hook_pos_embed", "hook_pattern"} <= names
    with pytest.raises(AttributeError, match="nonsense"):
        _ = build().blocks[0].attn.nonsense


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("W_Q"), "the weights lack W_Q"),
        (lambda w: w.update(W_in=w["W_Q"]), "the weights have W_in; the config does not call for it"),
        (lambda w: w.update(W_Q=w["W_Q"][:2]), "W_Q must be a tuple of 3 tensors"),
        (lambda w: w.update(W_Q=torch.stack(w["W_Q"])), "W_Q must be a tuple of 3 tensors"),
        (lambda w: w.update(W_E=w["W_E"].T), r"W_E is torch\.float64 of shape \[20, 13\].*\[13, 20\]"),
        (lambda w: w.update(W_E=w["W_E"].long()), r"W_E is torch\.int64"),
    ],
)
def test_weights_that_do_not_fit_their_config_are_refused(
    build: Build, change: Callable[[dict[str, object]], object], message: str
) -> None:
    weights = dict(build().weights)
    change(weights)
    with pytest.raises(CheckpointError, match=message):
        HookedTransformer(build().config, weights)
