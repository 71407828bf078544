"""The module tree: names people know, reads that explain absence, writes that the forward pass sees."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from rung.config import weight_path, weight_shapes
from rung.errors import CheckpointError, ConfigError, PromptError
from rung.model.components import MLP, Attention, Embed, LayerNorm, PosEmbed, TransformerBlock, Unembed
from rung.model.model import HookedTransformer

Build = Callable[..., HookedTransformer]
Draw = Callable[..., Tensor]
FULL = "LN, learned positions, MLP, biases"
GROUPED = "RMS, rotary, grouped, gated"
TIED = "RMSPre, sinusoidal, tied, own scale"


def close(found: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(found, wanted, atol=1e-8, rtol=1e-8)


def test_every_weight_is_a_leaf_where_its_name_says(any_kind: HookedTransformer) -> None:
    config = any_kind.config
    held = dict(any_kind.named_parameters())
    wanted = {}
    for layer in range(config.n_layers):
        wanted |= {weight_path(config, name, layer): shape for name, shape in weight_shapes(config, layer).items()}
    # Classic models have these two always: tied ones as a view, a bias that is not there as zeros.
    lacking = {"unembed.W_U": (20, 13), "unembed.b_U": (13,)}
    wanted |= {name: shape for name, shape in lacking.items() if name not in wanted}
    assert {name: tuple(tensor.shape) for name, tensor in held.items()} == wanted
    assert all(tensor.is_leaf for tensor in held.values())


def test_every_weight_gets_a_gradient(any_kind: HookedTransformer, draw: Callable[..., Tensor]) -> None:
    any_kind.requires_grad_(True)
    any_kind(draw(), return_type="loss").backward()
    # Softmax does not see what all keys share: b_K is without effect, its gradient zero but for rounding. Experts are
    # chosen by b_select, and no step of that has a gradient.
    real = set(map(id, any_kind.parameters()))
    dead = [
        name
        for name, parameter in any_kind.named_parameters()
        if id(parameter) in real
        and not name.endswith("b_select")
        and (parameter.grad is None or (not parameter.grad.any() and not name.endswith("b_K")))
    ]
    assert dead == []


def test_every_weight_counts(any_kind: HookedTransformer, draw: Callable[..., Tensor]) -> None:
    """A write to any parameter changes the output."""
    plain, real = any_kind(draw()), set(map(id, any_kind.parameters()))
    for name, parameter in any_kind.named_parameters():
        if id(parameter) not in real:
            continue
        if name.endswith(("b_K", "k_norm.b")):  # adds the same to all of a query's scores
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
    assert [name for name, _ in model.named_modules() if name.startswith("unembed") and "hook" not in name] == [
        "unembed"
    ]


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


def test_parts_called_by_hand_do_their_part(any_kind: HookedTransformer, draw: Draw) -> None:
    model, tokens, config = any_kind, draw(), any_kind.config
    logits, cache = model.run_with_cache(tokens)
    shortformer = config.positional_embedding_type == "shortformer"
    positions = model.pos_embed(tokens) if shortformer else None
    for layer, block in enumerate(model.blocks):
        x = cache["resid_pre", layer]
        close(block(x, shortformer_pos_embed=positions), cache["resid_post", layer])
        if config.norm_placement != "pre":
            continue
        normed = block.ln1(x)
        reads = normed if positions is None else normed + positions
        close(block.attn(reads, reads, normed), cache["attn_out", layer])
        if not config.attn_only:
            mid = x if config.parallel_attn_mlp else cache["resid_mid", layer]
            close(block.mlp(block.ln2(mid)), cache["mlp_out", layer])
    close(model.embed(tokens), cache["embed"])
    last = model.ln_final(cache["resid_post", -1])
    close(last, cache["unembed.hook_in"])
    if config.output_logits_soft_cap is None and config.logit_scale == 1:
        close(model.unembed(last), logits)
    if "hook_pos_embed" in cache and config.positional_embedding_type != "sinusoidal":
        close(model.pos_embed(tokens), cache["pos_embed"])


def test_parts_called_by_hand_fire_their_hooks(build: Build, draw: Draw) -> None:
    model, tokens = build(FULL), draw()
    _, cache = model.run_with_cache(tokens)
    x, seen = cache["resid_pre", 1], []

    def halve(value: torch.Tensor, hook: object) -> torch.Tensor:
        seen.append(hook.name)  # type: ignore[attr-defined]
        return value / 2

    model.add_hook(lambda name: name.startswith("blocks.1.") or name.startswith("ln_final"), halve)
    block = model.blocks[1]
    normed = block.ln1(x)
    # The scale is halved, which doubles what is normalized, and then that is halved.
    close(normed, cache["normalized", 1, "ln1"] * block.ln1.w + block.ln1.b)
    block.attn(normed, normed, normed)
    block.mlp(normed)
    names = {
        f"blocks.1.{name}" for name in ("ln1.hook_scale", "attn.hook_pattern", "attn.hook_result", "mlp.hook_post")
    }
    assert names <= set(seen) and "blocks.1.hook_attn_out" not in seen
    seen.clear()
    block(x)
    assert seen[0] == "blocks.1.hook_resid_pre" and seen[-1] == "blocks.1.hook_resid_post"
    seen.clear()
    model.ln_final(x)
    assert seen == ["ln_final.hook_scale", "ln_final.hook_normalized"]


def test_padding_reaches_parts(build: Build, draw: Draw) -> None:
    model, tokens = build(FULL), draw()
    mask = torch.ones_like(tokens)
    mask[1, :2] = 0
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens, attention_mask=mask)
    close(model.blocks[1](cache["resid_pre", 1], attention_mask=mask), cache["resid_post", 1])
    close(model.pos_embed(tokens, attention_mask=mask), cache["pos_embed"])


@pytest.mark.parametrize(
    ("part", "shape"),
    [
        (Embed, (3, 7, 12)),
        (PosEmbed, (3, 7, 12)),
        (Unembed, (3, 7, 11)),
        (LayerNorm, (3, 7, 12)),
        (Attention, (3, 7, 12)),
        (MLP, (3, 7, 12)),
        (TransformerBlock, (3, 7, 12)),
    ],
)
def test_parts_can_be_made_alone(part: type, shape: tuple[int, ...], draw: Draw) -> None:
    fields = {"n_layers": 2, "d_model": 12, "n_ctx": 9, "d_head": 3, "d_vocab": 11, "act_fn": "relu", "seed": 0}
    alone, x = part(fields), torch.ones(3, 7, 12)
    given = draw(vocabulary=11) if part in (Embed, PosEmbed) else x
    assert alone(given).shape == shape
    model = HookedTransformer(fields)
    fitting = {
        Embed: model.embed, PosEmbed: model.pos_embed, Unembed: model.unembed, LayerNorm: model.blocks[0].ln1,
        Attention: model.blocks[0].attn, MLP: model.blocks[0].mlp, TransformerBlock: model.blocks[0],
    }[part]  # fmt: skip
    assert isinstance(fitting, part)
    alone.load_state_dict(fitting.state_dict())
    close(alone(given), fitting(given))
    assert alone.cfg.d_model == 12


def test_what_no_forward_would_see_is_refused(build: Build) -> None:
    model = build(FULL)
    for owner, name in ((model.blocks[0], "attn"), (model, "unembed"), (model, "blocks")):
        with pytest.raises(ConfigError, match=f"{name} was to be replaced by a Linear"):
            setattr(owner, name, torch.nn.Linear(2, 2))
    with pytest.raises(ConfigError, match="a torch hook on one would never run"):
        model.blocks[0].mlp.register_forward_hook(print)
    with pytest.raises(ConfigError, match="norm of length 5"):
        LayerNorm(model.config, 5)
    with pytest.raises(ConfigError, match="layer 7 was asked for"):
        Attention(model.config, "global", 7)
    with pytest.raises(PromptError, match="shortformer_pos_embed"):
        build("LN, shortformer, biases").blocks[0](torch.ones(1, 2, 20, dtype=torch.float64))


def test_circuits_of_one_layer(build: Build) -> None:
    model = build("RMS, rotary, grouped, gated")
    attn = model.blocks[1].attn
    close(attn.OV.AB, model.OV[1].AB)
    close(attn.QK.AB, model.QK[1].AB)
