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
BIASES = tuple(name for name in ALL_BIASES if name not in ("ln_embed_b", "q_norm_b", "k_norm_b", "b_router"))
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


def weight_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Every weight the model has, in the engine's names, with the shape of one tensor (one layer's, if layered).

    W_Q: [n_heads, d_model, d_head] · W_K, W_V: [n_kv, d_model, d_head] · W_O: [n_heads, d_head, d_model] ·
    W_in, W_gate: [d_model, d_mlp] · W_out: [d_mlp, d_model] · W_E: [d_vocab, d_model] · W_U: [d_model, n_out].
    """
    d, h, k, e, v = config.d_model, config.n_heads, config.n_kv, config.d_head, config.d_vocab
    shapes: dict[str, tuple[int, ...]] = {"W_E": (v, d)}
    if config.positional_embedding_type in ("standard", "shortformer"):
        shapes["W_pos"] = (config.n_ctx, d)
    shapes |= {"W_Q": (h, d, e), "W_K": (k, d, e), "W_V": (k, d, e), "W_O": (h, e, d)}
    if config.qk_norm is not None:
        shapes |= {"q_norm_w": (h, e), "k_norm_w": (k, e)}
    if config.attn_sinks:
        shapes["sinks"] = (h,)
    shapes |= _mlp_shapes(config)
    if config.normalization_type in ("LN", "RMS"):
        shapes |= {f"{norm}_w": (d,) for norm in norms(config)}
    if config.normalization_type is not None and config.norm_placement != "pre":
        # The outputs of these norms are added to the stream, so their weights cannot be folded.
        shapes |= {f"{norm}_post_w": (d,) for norm in (("ln1",) if config.attn_only else ("ln1", "ln2"))}
    if config.post_embedding_ln:
        shapes["ln_embed_w"] = (d,)
    if not config.tied_embeddings:
        shapes["W_U"] = (d, config.n_out)
    shapes |= {name: shape for name, shape in bias_shapes(config).items() if name in config.biases}
    return {name: shapes[name] for name in WEIGHT_PATHS if name in shapes}


def _mlp_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    if config.d_mlp is None:
        return {}
    d, m = config.d_model, config.d_mlp
    experts = () if config.n_experts is None else (config.n_experts,)
    shapes = {"W_in": (*experts, d, m), "W_out": (*experts, m, d)}
    if config.gated_mlp:
        shapes["W_gate"] = (*experts, d, m)
    if config.n_experts is not None:
        shapes["W_router"] = (d, config.n_experts)
    if config.d_mlp_shared is not None:
        m = config.d_mlp_shared
        shapes |= {"W_router_shared": (d, 1), "W_gate_shared": (d, m), "W_in_shared": (d, m), "W_out_shared": (m, d)}
    return shapes


def bias_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The shapes of every bias that this architecture allows, whether or not the model has it."""
    d, k, e = config.d_model, config.n_kv, config.d_head
    shapes: dict[str, tuple[int, ...]] = {"b_Q": (config.n_heads, e), "b_K": (k, e), "b_V": (k, e), "b_O": (d,)}
    if config.d_mlp is not None:
        experts = () if config.n_experts is None else (config.n_experts,)
        shapes |= {"b_in": (*experts, config.d_mlp), "b_out": (*experts, d)}
        if config.gated_mlp:
            shapes["b_gate"] = (*experts, config.d_mlp)
        if config.n_experts is not None:
            shapes["b_router"] = experts
    if config.normalization_type == "LN":
        shapes |= {f"{norm}_b": (d,) for norm in norms(config)}
    if config.qk_norm is not None:
        shapes |= {"q_norm_b": (config.n_heads, e), "k_norm_b": (k, e)}
    if config.post_embedding_ln and config.normalization_type in ("LN", "LNPre"):
        shapes["ln_embed_b"] = (d,)
    return shapes | {"b_U": (config.n_out,)}


def norms(config: ModelConfig) -> tuple[str, ...]:
    """The norms whose output is read by weight matrices, which `fold_ln` folds."""
    before = () if config.norm_placement == "post" else ("ln1",) if config.attn_only else ("ln1", "ln2")
    return (*before, "ln_final")
