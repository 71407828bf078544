"""Gemma 1, 2 and 3 (Gemma Team 2024, 2025, arXiv:2403.08295, 2408.00118, 2503.19786).

Norm weights are kept as their distance from 1, embeddings are multiplied by √d_model. From 2 on, norms come after
attention and MLP too and most layers see a window; 2 caps scores and logits, 3 normalizes queries and keys instead.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ..config import ModelConfig
from ..errors import ConfigError
from .llama_like import ATTENTION, GATED_MLP, build, gated_biases, read_gated, read_windows
from .qwen3 import QK_NORM
from .rotary import WHOLE_HEADS, agreed, read_rotary_of, split_sections
from .rules import Family, Keys, Rule

_LAYER = "model.layers.{l}"
_NORMED = tuple(rule._replace(plus=1.0) if "norm" in rule.theirs else rule for rule in (*ATTENTION, *QK_NORM))
GEMMA_RULES = (*_NORMED, *GATED_MLP, Rule("ln2_w", f"{_LAYER}.post_attention_layernorm.weight", "d -> d", plus=1.0))
GEMMA2_RULES = (
    *_NORMED,
    *GATED_MLP,
    Rule("ln1_post_w", f"{_LAYER}.post_attention_layernorm.weight", "d -> d", plus=1.0),
    Rule("ln2_w", f"{_LAYER}.pre_feedforward_layernorm.weight", "d -> d", plus=1.0),
    Rule("ln2_post_w", f"{_LAYER}.post_feedforward_layernorm.weight", "d -> d", plus=1.0),
)


_GELU = ("gelu", "gelu_pytorch_tanh", "gelu_new")
_EVERY = ("sliding_window_pattern", "_sliding_window_pattern")
"""Of so many layers the last sees everything: as the hub has it, and as transformers writes it, beside the first."""


def read_gemma(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' GemmaConfig; its first releases say gelu and mean gelu_new."""
    keys.assume(num_key_value_heads=16, head_dim=256, max_position_embeddings=8192)
    keys.expect("use_bidirectional_attention", None, False)
    keys.expect("hidden_act", *_GELU)
    keys.expect("hidden_activation", None, *_GELU)
    shape = _scaled(read_gated(keys, tied=True))
    return build(keys, "gemma", shape | {"act_fn": "gelu_new"}, biases=gated_biases(keys))


def read_gemma2(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Gemma2Config: every other layer sees a window, the first does."""
    keys.assume(max_position_embeddings=8192, attn_logit_softcapping=50.0, final_logit_softcapping=30.0)
    keys.assume(num_key_value_heads=4, head_dim=256, sliding_window=4096)
    keys.expect("use_bidirectional_attention", None, False)
    keys.expect("sliding_window_size", keys.take("sliding_window"))
    shape = _later(keys, _scaled(read_gated(keys, tied=True)))
    windows = read_windows(keys, shape["n_layers"], lambda layer: layer % 2 == 0)
    return build(keys, "gemma2", shape, windows=windows)


def read_gemma3(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Gemma3TextConfig: of six layers, five see a window and turn faster."""
    keys.assume(num_key_value_heads=4, head_dim=256, max_position_embeddings=131072, sliding_window=4096)
    keys.expect("use_bidirectional_attention", None, False)
    local = _local_rotary(keys)
    shape = _later(keys, _scaled(read_gated(keys, WHOLE_HEADS._replace(base=1e6), tied=True)))
    every = agreed(_EVERY[0], [keys.size(name, None) for name in _EVERY]) or 6
    windows = read_windows(keys, shape["n_layers"], lambda layer: (layer + 1) % every != 0)
    turned = read_rotary_of(local, "rope_parameters", shape["d_head"], shape["n_ctx"], 1e4)
    return build(keys, "gemma3", shape, windows=windows, rotary_local=turned if windows else None, qk_norm="head")


def read_gemma3_images(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Gemma3Config: the model of text in a model that also sees images, which is left out."""
    keys.ignore("vision_config", "mm_tokens_per_image", "boi_token_index", "eoi_token_index", "image_token_index")
    values = keys.take("text_config")
    shared = {
        "tie_word_embeddings": keys.take("tie_word_embeddings", True),
        "bos_token_id": keys.take("bos_token_id", 2),
    }
    keys.finish()
    if not isinstance(values, Mapping):
        raise ConfigError(f"config.json says text_config = {values!r}; it must be an object of keys and values")
    text = Keys(values, "gemma3")
    text.assume(num_attention_heads=8, vocab_size=262208, **shared)
    config = read_gemma3(text, names)
    return replace(config, notes=(*config.notes, "it also sees images; that part was left out"))


def _scaled(shape: dict[str, Any]) -> dict[str, Any]:
    return shape | {"embed_scale": math.sqrt(shape["d_model"])}


def _later(keys: Keys, shape: dict[str, Any]) -> dict[str, Any]:
    """What Gemma 2 and 3 share."""
    return shape | {
        "act_fn": keys.activation("hidden_activation", "gelu_pytorch_tanh"),
        "attn_scale": math.sqrt(keys.number("query_pre_attn_scalar", 256)),
        "norm_placement": "both",
        "attn_scores_soft_cap": keys.number("attn_logit_softcapping", None),
        "output_logits_soft_cap": keys.number("final_logit_softcapping", None),
        "biases": gated_biases(keys),
    }


def _local_rotary(keys: Keys) -> Any:
    """The windowed layers' settings, from the newer section of two or the older keys; the rest is left for the full."""
    base, section = keys.number("rope_local_base_freq", 1e4), split_sections(keys)
    return {"rope_theta": base} if section is None else section


GEMMA = Family("gemma", ("gemma",), read_gemma, GEMMA_RULES, tied_copy="lm_head.weight")
GEMMA2 = Family("gemma2", ("gemma2",), read_gemma2, GEMMA2_RULES, tied_copy="lm_head.weight")
GEMMA3 = Family("gemma3", ("gemma3_text",), read_gemma3, GEMMA2_RULES, tied_copy="lm_head.weight")
GEMMA3_IMAGES = Family(
    "gemma3",
    ("gemma3",),
    read_gemma3_images,
    GEMMA2_RULES,
    prefix="language_model.",
    ignorable=(r"(vision_tower|multi_modal_projector)\..*",),
    tied_copy="lm_head.weight",
)
