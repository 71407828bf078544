"""The weights of a config: name in the engine, classic name and shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import ModelConfig

WEIGHT_PATHS: Mapping[str, str] = {
    "W_E": "embed.W_E",
    "ln_embed_w": "embed.ln.w",
    "ln_embed_b": "embed.ln.b",
    "W_pos": "pos_embed.W_pos",
    "ln1_w": "blocks.{l}.ln1.w",
    "ln1_b": "blocks.{l}.ln1.b",
    "W_DQ": "blocks.{l}.attn.W_DQ",
    "q_latent_w": "blocks.{l}.attn.q_latent.w",
    "W_QR": "blocks.{l}.attn.W_QR",
    "W_UQ": "blocks.{l}.attn.W_UQ",
    "W_DKV": "blocks.{l}.attn.W_DKV",
    "kv_latent_w": "blocks.{l}.attn.kv_latent.w",
    "W_KR": "blocks.{l}.attn.W_KR",
    "W_UK": "blocks.{l}.attn.W_UK",
    "W_UV": "blocks.{l}.attn.W_UV",
    "W_Q": "blocks.{l}.attn.W_Q",
    "W_K": "blocks.{l}.attn.W_K",
    "W_V": "blocks.{l}.attn.W_V",
    "W_O": "blocks.{l}.attn.W_O",
    "b_Q": "blocks.{l}.attn.b_Q",
    "b_K": "blocks.{l}.attn.b_K",
    "b_V": "blocks.{l}.attn.b_V",
    "b_O": "blocks.{l}.attn.b_O",
    "q_norm_w": "blocks.{l}.attn.q_norm.w",
    "q_norm_b": "blocks.{l}.attn.q_norm.b",
    "k_norm_w": "blocks.{l}.attn.k_norm.w",
    "k_norm_b": "blocks.{l}.attn.k_norm.b",
    "sinks": "blocks.{l}.attn.sinks",
    "ln1_post_w": "blocks.{l}.ln1_post.w",
    "ln2_w": "blocks.{l}.ln2.w",
    "ln2_b": "blocks.{l}.ln2.b",
    "W_router": "blocks.{l}.mlp.W_router",
    "b_router": "blocks.{l}.mlp.b_router",
    "b_select": "blocks.{l}.mlp.b_select",
    "W_gate": "blocks.{l}.mlp.W_gate",
    "W_in": "blocks.{l}.mlp.W_in",
    "W_out": "blocks.{l}.mlp.W_out",
    "b_gate": "blocks.{l}.mlp.b_gate",
    "b_in": "blocks.{l}.mlp.b_in",
    "b_out": "blocks.{l}.mlp.b_out",
    "W_router_shared": "blocks.{l}.mlp.shared.W_router",
    "W_gate_shared": "blocks.{l}.mlp.shared.W_gate",
    "W_in_shared": "blocks.{l}.mlp.shared.W_in",
    "W_out_shared": "blocks.{l}.mlp.shared.W_out",
    "ln2_post_w": "blocks.{l}.ln2_post.w",
    "ln_final_w": "ln_final.w",
    "ln_final_b": "ln_final.b",
    "W_U": "unembed.W_U",
    "b_U": "unembed.b_U",
}
"""Each weight's name in the engine, and its classic name in module trees and files."""

ALL_BIASES = tuple(name for name in WEIGHT_PATHS if name.startswith("b_") or name.endswith("_b"))
"""Every bias that a model can have."""
BIASES = tuple(
    name for name in ALL_BIASES if name not in ("ln_embed_b", "q_norm_b", "k_norm_b", "b_router", "b_select")
)
"""The biases of a model without experts whose norms are before attention, MLP and unembedding only."""
GROUPED = ("W_K", "W_V", "b_K", "b_V")
"""Weights with one entry for each key/value head; with grouped queries, their names have a leading underscore."""


def is_layered(name: str) -> bool:
    """Whether a weight has a tensor for each layer."""
    return "{l}" in WEIGHT_PATHS[name]


def weight_path(config: ModelConfig, name: str, layer: int | None = None) -> str:
    """The classic name: ("W_Q", 1) is "blocks.1.attn.W_Q"; shared keys and values are "blocks.1.attn._W_K"."""
    path = WEIGHT_PATHS[name].format(l=layer)
    if config.grouped and name in GROUPED:
        path = path.replace(f".{name}", f"._{name}")
    return path


def weight_shapes(config: ModelConfig, layer: int | None = None) -> dict[str, tuple[int, ...]]:
    """Every weight the model has, in the engine's names, with the shape of one tensor (one layer's, if layered).

    `layer`: without the weights that this layer lacks, and with its shapes; None: those that any layer has, shaped as
    where most have them.

    W_Q: [n_heads, d_model, d_head] · W_K, W_V: [n_kv, d_model, d_head] · W_O: [n_heads, d_head, d_model] ·
    W_in, W_gate: [d_model, d_mlp] · W_out: [d_mlp, d_model] · W_E: [d_vocab, d_model] · W_U: [d_model, n_out].
    Latent attention: W_DQ: [d_model, q_rank] · W_DKV: [d_model, kv_rank] · W_UQ, W_QR: [n_heads, q_rank or d_model,
    d_head's rest or rotary part] · W_KR: [d_model, rotary part] · W_UK, W_UV: [n_heads, kv_rank, d_head's rest or
    d_head_v].
    """
    d, h, e, v = config.d_model, config.n_heads, config.d_head, config.d_vocab
    shapes: dict[str, tuple[int, ...]] = {"W_E": (v, d)}
    if config.positional_embedding_type in ("standard", "shortformer"):
        shapes["W_pos"] = (config.n_ctx, d)
    shapes |= _read_shapes(config) | {"W_O": (h, config.d_v, d)}
    if config.qk_norm is not None:
        shapes |= {"q_norm_w": (h, e), "k_norm_w": (config.n_kv, e)}
    if config.attn_sinks:
        shapes["sinks"] = (h,)
    for one in (layer,) if layer is not None else _kinds_of_layer(config):
        shapes |= _mlp_shapes(config, one)
    if config.normalization_type in ("LN", "RMS"):
        shapes |= {f"{norm}_w": (width,) for norm, width in norms(config).items()}
    if config.normalization_type is not None and config.norm_placement != "pre":
        # The outputs of these norms are added to the stream, so their weights cannot be folded.
        shapes |= {f"{norm}_post_w": (d,) for norm in (("ln1",) if config.attn_only else ("ln1", "ln2"))}
    if config.post_embedding_ln:
        shapes["ln_embed_w"] = (d,)
    if not config.tied_embeddings:
        shapes["W_U"] = (d, config.n_out)
    shapes |= {name: shape for name, shape in bias_shapes(config, layer).items() if name in config.biases}
    return {name: shapes[name] for name in WEIGHT_PATHS if name in shapes}


def _read_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The shapes of what makes queries, keys and values."""
    d, h, k, e, latent = config.d_model, config.n_heads, config.n_kv, config.d_head, config.latent
    if latent is None or config.rotary is None:
        return {"W_Q": (h, d, e), "W_K": (k, d, e), "W_V": (k, d, config.d_v)}
    turned = config.rotary.dim
    q, kv = latent.q_rank or d, latent.kv_rank
    shapes = {"W_QR": (h, q, turned), "W_UQ": (h, q, e - turned), "W_DKV": (d, kv), "W_KR": (d, turned)}
    shapes |= {"W_UK": (h, kv, e - turned), "W_UV": (h, kv, config.d_v)}
    return shapes if latent.q_rank is None else shapes | {"W_DQ": (d, q)}


def _kinds_of_layer(config: ModelConfig) -> tuple[int | None, ...]:
    """A layer of each kind that the model has, the usual kind last."""
    if not config.dense_layers:
        return (None,)
    routed = [layer for layer in range(config.n_layers) if layer not in config.dense_layers]
    return (config.dense_layers[0], *routed[:1])


def _experts(config: ModelConfig, layer: int | None) -> tuple[int, ...]:
    """The axis of experts in `layer`, if it has them."""
    return () if config.n_experts is None or layer in config.dense_layers else (config.n_experts,)


def _mlp_shapes(config: ModelConfig, layer: int | None) -> dict[str, tuple[int, ...]]:
    m = config.d_mlp if layer is None else config.mlp_width(layer)
    if m is None:
        return {}
    d, experts = config.d_model, _experts(config, layer)
    shapes = {"W_in": (*experts, d, m), "W_out": (*experts, m, d)}
    if config.gated_mlp:
        shapes["W_gate"] = (*experts, d, m)
    if experts:
        shapes["W_router"] = (d, *experts)
    if experts and config.d_mlp_shared is not None:
        m = config.d_mlp_shared
        shapes |= {"W_gate_shared": (d, m), "W_in_shared": (d, m), "W_out_shared": (m, d)}
        shapes |= {"W_router_shared": (d, 1)} if config.gate_shared else {}
    return shapes


def bias_shapes(config: ModelConfig, layer: int | None = None) -> dict[str, tuple[int, ...]]:
    """The shapes of every bias that this architecture allows, whether or not the model has it; `layer` as in
    `weight_shapes`.
    """
    d, k, e = config.d_model, config.n_kv, config.d_head
    shapes: dict[str, tuple[int, ...]] = {"b_O": (d,)}
    if config.latent is None:
        shapes |= {"b_Q": (config.n_heads, e), "b_K": (k, e), "b_V": (k, config.d_v)}
    for one in (layer,) if layer is not None else _kinds_of_layer(config):
        shapes |= _mlp_bias_shapes(config, one)
    if config.normalization_type == "LN":
        shapes |= {f"{norm}_b": (d,) for norm in norms(config)}
    if config.qk_norm is not None:
        shapes |= {"q_norm_b": (config.n_heads, e), "k_norm_b": (k, e)}
    if config.post_embedding_ln and config.normalization_type in ("LN", "LNPre"):
        shapes["ln_embed_b"] = (d,)
    return shapes | {"b_U": (config.n_out,)}


def _mlp_bias_shapes(config: ModelConfig, layer: int | None) -> dict[str, tuple[int, ...]]:
    m = config.d_mlp if layer is None else config.mlp_width(layer)
    if m is None:
        return {}
    experts = _experts(config, layer)
    shapes = {"b_in": (*experts, m), "b_out": (*experts, config.d_model)}
    shapes |= {"b_gate": (*experts, m)} if config.gated_mlp else {}
    return shapes | ({"b_router": experts, "b_select": experts} if experts else {})


def norms(config: ModelConfig) -> dict[str, int]:
    """The norms whose output is read by weight matrices, which `fold_ln` folds; and how many coordinates each has."""
    before = () if config.norm_placement == "post" else ("ln1",) if config.attn_only else ("ln1", "ln2")
    widths = dict.fromkeys((*before, "ln_final"), config.d_model)
    if config.latent is not None:
        widths["kv_latent"] = config.latent.kv_rank
        if config.latent.q_rank is not None:
            widths["q_latent"] = config.latent.q_rank
    return widths
