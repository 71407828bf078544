"""Qwen 3 (Yang et al. 2025, arXiv:2505.09388): each head's queries and keys are normalized before they are turned."""

from collections.abc import Collection

from ..config import ModelConfig
from .llama import RULES as LLAMA_RULES
from .llama_like import build, gated_biases, read_gated, read_optional_windows
from .rules import Family, Keys, Rule

QK_NORM = (
    Rule("q_norm_w", "model.layers.{l}.self_attn.q_norm.weight", "e -> h e"),
    Rule("k_norm_w", "model.layers.{l}.self_attn.k_norm.weight", "e -> k e"),
)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Qwen3Config."""
    keys.assume(num_key_value_heads=32, head_dim=128, max_position_embeddings=32768, sliding_window=4096)
    shape = read_gated(keys)
    windows = read_optional_windows(keys, shape["n_layers"])
    return build(keys, "qwen3", shape, windows=windows, qk_norm="head", biases=gated_biases(keys))


QWEN3 = Family(
    "qwen3", ("qwen3",), read_config, (*LLAMA_RULES, *QK_NORM), tied_copy="lm_head.weight", begins_texts=False
)
