"""OLMo 1 (Groeneveld et al. 2024, arXiv:2402.00838; LayerNorm without weights) and 2 (OLMo Team 2025, arXiv:2501.00656;
norms after attention and MLP, and over all heads' queries and keys).
"""

from collections.abc import Collection

from ..config import ModelConfig
from .llama_like import ATTENTION, GATED_MLP, ROTARY_TABLES, build, gated_biases, read_gated
from .rules import Family, Keys, Rule

_HERE = "model.layers.{l}"
OLMO_RULES = (*ATTENTION, *GATED_MLP)
OLMO2_RULES = (
    *OLMO_RULES,
    Rule("q_norm_w", f"{_HERE}.self_attn.q_norm.weight", "(h e) -> h e"),
    Rule("k_norm_w", f"{_HERE}.self_attn.k_norm.weight", "(k e) -> k e"),
    Rule("ln1_post_w", f"{_HERE}.post_attention_layernorm.weight", "d -> d"),
    Rule("ln2_post_w", f"{_HERE}.post_feedforward_layernorm.weight", "d -> d"),
)


def read_olmo(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' OlmoConfig."""
    shape = read_gated(keys) | {"normalization_type": "LNPre", "eps": 1e-5}
    return build(keys, "olmo", shape, clip_qkv=keys.number("clip_qkv", None), biases=gated_biases(keys))


def read_olmo2(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Olmo2Config."""
    keys.assume(rms_norm_eps=1e-5)
    shape = read_gated(keys) | {"norm_placement": "post", "qk_norm": "heads"}
    return build(keys, "olmo2", shape, biases=gated_biases(keys))


OLMO = Family("olmo", ("olmo",), read_olmo, OLMO_RULES, ignorable=ROTARY_TABLES, tied_copy="lm_head.weight")
OLMO2 = Family("olmo2", ("olmo2",), read_olmo2, OLMO2_RULES, ignorable=ROTARY_TABLES, tied_copy="lm_head.weight")
