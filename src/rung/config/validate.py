"""Validation of config values, each by itself and in combination."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..errors import ConfigError, near
from .shapes import ALL_BIASES, bias_shapes

if TYPE_CHECKING:
    from .model import ModelConfig

Normalization = Literal["LN", "LNPre", "RMS", "RMSPre"]
Placement = Literal["pre", "post", "both"]
Positions = Literal["standard", "sinusoidal", "shortformer", "rotary", "alibi"]
Direction = Literal["causal", "bidirectional"]
Activation = Literal["gelu", "gelu_new", "quick_gelu", "relu", "relu2", "silu"]
Scaling = Literal["linear", "dynamic", "llama3", "yarn", "longrope"]


def read_arguments(what: str, values: Any, kind: type) -> dict[str, Any]:
    """Reads a JSON object as arguments of a dataclass. Raises ConfigError for wrong keys or types."""
    if not isinstance(values, Mapping):
        raise ConfigError(f"{what} is {values!r}; it must be an object of keys and values")
    known = {field.name for field in fields(kind)}
    unknown = sorted(str(key) for key in set(values) - known)
    if unknown:
        raise ConfigError(f"{what} key {unknown[0]!r} is unknown.{near(unknown[0], known)}")
    missing = [field.name for field in fields(kind) if field.default is MISSING and field.name not in values]
    if missing:
        raise ConfigError(f"{what} lacks {missing[0]!r}.{near(missing[0], values)}")
    check_fields(values)
    read = dict(values)
    for name in _NUMBERS & set(read):
        read[name] = None if read[name] is None else float(read[name])
    for name in (_LISTS | _ROWS | {"eos_token_ids"}) & set(read):
        if read[name] is not None:
            read[name] = (frozenset if name == "biases" else tuple)(read[name])
    return read


def check(config: ModelConfig) -> None:
    """Raises ConfigError for the first invalid value or combination of values."""
    check_fields(vars(config))
    if config.n_heads % config.n_kv:
        raise ConfigError(f"{config.n_heads} query heads cannot share {config.n_kv} key/value heads evenly")
    if (config.act_fn is None) != (config.d_mlp is None):
        raise ConfigError(f"act_fn is {config.act_fn!r} and d_mlp is {config.d_mlp!r}: give both, or neither")
    if config.gated_mlp and config.d_mlp is None:
        raise ConfigError("gated_mlp is set, but there is no MLP: d_mlp is None")
    if config.swiglu_limit is not None and not config.gated_mlp:
        raise ConfigError("swiglu_limit is for gated MLPs, and gated_mlp is not set")
    _check_positions(config)
    _check_experts(config)
    _check_latent(config)
    if config.normalization_type is None and (config.qk_norm or config.post_embedding_ln):
        raise ConfigError("qk_norm and post_embedding_ln need a norm, but normalization_type is None")
    unknown = sorted(config.biases - set(ALL_BIASES))
    if unknown:
        raise ConfigError(f"bias {unknown[0]!r} is unknown.{near(unknown[0], ALL_BIASES)}")
    misplaced = sorted(config.biases - set(bias_shapes(config)))
    if misplaced:
        raise ConfigError(f"bias {misplaced[0]!r} is listed, but this model has no component with that bias")
    bos = config.bos_token_id
    if bos is not None and bos >= config.d_vocab:
        raise ConfigError(f"bos_token_id is {bos}, outside the vocabulary of {config.d_vocab}")
    if any(eos >= config.d_vocab for eos in config.eos_token_ids):
        raise ConfigError(f"eos_token_ids are {list(config.eos_token_ids)}, with a vocabulary of {config.d_vocab}")
    if config.tied_embeddings and config.n_out != config.d_vocab:
        raise ConfigError(f"with tied embeddings d_vocab_out must be d_vocab, {config.d_vocab}; it is {config.n_out}")
    if config.default_prepend_bos and bos is None:
        raise ConfigError("default_prepend_bos is set, but there is no bos_token_id")


def _check_positions(config: ModelConfig) -> None:
    kind = config.positional_embedding_type
    for name in ("rotary", "alibi"):
        if (getattr(config, name) is None) != (kind != name):
            raise ConfigError(f"{name} settings must be given exactly when positional_embedding_type is {name!r}")
    for rotary in (config.rotary, config.rotary_local):
        if rotary and rotary.dim > config.d_head:
            raise ConfigError(f"rotary dim is {rotary.dim}; it must be at most d_head = {config.d_head}")
    if config.windows is not None and len(config.windows) != config.n_layers:
        raise ConfigError(f"windows are given for {len(config.windows)} layers; there are {config.n_layers}")
    if config.rotary_local is not None and (config.rotary is None or config.windows is None):
        raise ConfigError(
            "rotary_local applies to layers with a window, and rotary to the others: give windows and rotary too"
        )
    if config.unrotated_layers and (config.rotary is None or max(config.unrotated_layers) >= config.n_layers):
        raise ConfigError(
            f"unrotated_layers are {list(config.unrotated_layers)}; they are among {config.n_layers} layers of a model "
            "whose positions are rotary"
        )
    if config.alibi and len(config.alibi.slopes) != config.n_heads:
        raise ConfigError(
            f"alibi has {len(config.alibi.slopes)} slopes; it needs one for each of {config.n_heads} heads"
        )


def _check_experts(config: ModelConfig) -> None:
    n, k = config.n_experts, config.experts_per_token
    if (n is None) != (k is None):
        raise ConfigError(f"n_experts is {n} and experts_per_token is {k}: give both, or neither")
    if n is not None and k is not None and k > n:
        raise ConfigError(f"experts_per_token is {k}; there are {n} experts")
    if n is not None and config.d_mlp is None:
        raise ConfigError("n_experts is set, but there is no MLP: d_mlp is None")
    if n is None and (config.d_mlp_shared is not None or config.norm_expert_weights):
        raise ConfigError("d_mlp_shared and norm_expert_weights need n_experts, which is None")
    if (config.d_mlp_dense is None) != (not config.dense_layers):
        raise ConfigError(
            f"dense_layers are {list(config.dense_layers)} and d_mlp_dense is {config.d_mlp_dense}: "
            "give both, or neither"
        )
    if config.dense_layers and (n is None or max(config.dense_layers) >= config.n_layers):
        raise ConfigError(
            f"dense_layers are {list(config.dense_layers)}; they are among {config.n_layers} layers of a model "
            "that has experts"
        )
    groups, taken = config.n_expert_groups, config.expert_groups_per_token
    if (groups is None) != (taken is None):
        raise ConfigError(f"n_expert_groups is {groups} and expert_groups_per_token is {taken}: give both, or neither")
    if groups is None or taken is None:
        return
    if n is None or k is None or n % groups or taken > groups or taken * (n // groups) < k:
        raise ConfigError(
            f"{k} of {n} experts are chosen from {taken} of {groups} groups: groups are of one size, and those chosen "
            "hold enough experts"
        )
    if config.experts_per_group_score > n // groups:
        raise ConfigError(
            f"experts_per_group_score is {config.experts_per_group_score}; a group has {n // groups} experts"
        )


def _check_latent(config: ModelConfig) -> None:
    """Keys are [x W_KR, c W_UK], with the rotary part first; the norms of c are RMSNorms."""
    if config.latent is None:
        return
    if config.rotary is None or config.rotary.dim >= config.d_head:
        raise ConfigError("latent attention turns a part of each head, not all: give rotary, with dim below d_head")
    if config.normalization_type not in ("RMS", "RMSPre") or config.norm_placement != "pre":
        raise ConfigError("latent attention needs RMSNorm before attention")
    if config.grouped or config.qk_norm is not None or config.clip_qkv is not None:
        raise ConfigError("latent attention takes no n_key_value_heads, qk_norm or clip_qkv")


_WHOLE = dict.fromkeys(("d_model", "n_heads", "d_head", "d_vocab", "n_ctx", "dim", "original_n_ctx"), 1)
_WHOLE |= {"n_layers": 0, "n_key_value_heads": 1, "d_vocab_out": 1, "d_mlp": 1, "bos_token_id": 0}
_WHOLE |= dict.fromkeys(("n_experts", "experts_per_token", "d_mlp_shared", "d_mlp_dense", "d_head_v"), 1)
_WHOLE |= dict.fromkeys(("n_expert_groups", "expert_groups_per_token", "experts_per_group_score"), 1)
_WHOLE |= dict.fromkeys(("q_rank", "kv_rank"), 1)
"""The least value of each whole number."""
_NUMBERS = {"eps", "sinusoidal_base", "attn_scale", "base", "factor", "low_freq_factor", "high_freq_factor"}
_NUMBERS |= {"beta_fast", "beta_slow", "attention_factor", "scale", "embed_scale", "logit_scale", "residual_scale"}
_NUMBERS |= {"attn_scores_soft_cap", "output_logits_soft_cap", "clip_qkv", "swiglu_limit", "expert_scale"}
_FLAGS = {"gated_mlp", "parallel_attn_mlp", "tied_embeddings", "default_prepend_bos", "norm_expert_weights"}
_FLAGS |= {"gate_shared", "attn_sinks", "post_embedding_ln", "whole_coordinates", "rounded", "scores_over_layer"}
_TEXTS = {"family", "model_name"}
_LISTS = {"biases", "processing", "notes"}
_ROWS = {"windows", "unrotated_layers", "dense_layers", "slopes", "short_factors", "long_factors"}
"""Lists of numbers."""
_CHOICES: Mapping[str, tuple[str | None, ...]] = {
    "normalization_type": (*get_args(Normalization), None),
    "positional_embedding_type": (*get_args(Positions), None),
    "act_fn": (*get_args(Activation), None),
    "attention_dir": get_args(Direction),
    "pairing": ("halves", "adjacent"),
    "kind": get_args(Scaling),
    "norm_placement": get_args(Placement),
    "qk_norm": ("head", "heads", None),
    "router_score": ("softmax", "sigmoid"),
}
_MAY_BE_NONE = {"n_key_value_heads", "d_vocab_out", "d_mlp", "bos_token_id", "attn_scale"}
_MAY_BE_NONE |= {"n_experts", "experts_per_token"}
_MAY_BE_NONE |= {"d_mlp_shared", "attn_scores_soft_cap", "output_logits_soft_cap", "clip_qkv", "windows"}
_MAY_BE_NONE |= {"swiglu_limit", "d_head_v", "d_mlp_dense", "n_expert_groups", "expert_groups_per_token", "q_rank"}


def check_fields(values: Mapping[str, Any]) -> None:
    """Raises ConfigError for the first value that is invalid by itself."""
    for name, value in values.items():
        requirement = None if value is None and name in _MAY_BE_NONE else _unmet(name, value)
        if requirement is not None:
            raise ConfigError(f"{name} is {value!r}; {requirement}")


def _unmet(name: str, value: Any) -> str | None:
    """The requirement on a field that `value` does not meet; None if `value` is valid."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in _WHOLE:
        fits = number and isinstance(value, int) and value >= _WHOLE[name]
        return None if fits else f"it must be a whole number of at least {_WHOLE[name]}"
    if name in _NUMBERS:
        # Python reads NaN and Infinity from JSON. In practice no variance is 0, so eps may be 0.
        fits = number and (0 < value <= sys.float_info.max or (name == "eps" and value == 0))
        return None if fits else "it must be a finite number above 0"
    if name in _FLAGS:
        return None if isinstance(value, bool) else "it must be true or false"
    if name in _TEXTS:
        return None if isinstance(value, str) else "it must be text"
    if name in _LISTS:
        fits = isinstance(value, list | tuple | frozenset) and all(isinstance(item, str) for item in value)
        return None if fits else "it must be a list of texts"
    if name in ("unrotated_layers", "dense_layers"):
        fits = isinstance(value, list | tuple) and all(_unmet("n_layers", each) is None for each in value)
        return None if fits else "it must be a list of layers, counted from 0"
    if name == "windows":
        fits = isinstance(value, list | tuple) and all(each is None or _unmet("n_ctx", each) is None for each in value)
        return None if fits else "it must be a list of whole numbers of at least 1, or null, one for each layer"
    if name == "eos_token_ids":
        fits = isinstance(value, list | tuple) and all(_unmet("bos_token_id", each) is None for each in value)
        return None if fits else "it must be a list of token ids"
    if name in _ROWS:
        fits = isinstance(value, list | tuple) and all(_unmet("factor", each) is None for each in value)
        return None if fits else "it must be a list of finite numbers above 0"
    if name in _CHOICES:
        return None if value in _CHOICES[name] else f"known are {', '.join(map(str, _CHOICES[name]))}"
    return None
