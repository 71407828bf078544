"""OLMo 1 (Groeneveld et al. 2024, arXiv:2402.00838; LayerNorm without weights) and 2 (OLMo Team 2025, arXiv:2501.00656;
norms after attention and MLP, and over all heads' queries and keys); 3 (OLMo Team 2025), three of whose four layers see
a window and keep the frequencies that the rest stretch.
"""

from collections.abc import Collection
from dataclasses import replace

from ..config import ModelConfig
from .llama_like import ATTENTION, GATED_MLP, ROTARY_TABLES, build, gated_biases, read_gated, read_windows
from .rotary import WHOLE_HEADS, read_rotary_of, split_sections
from .rules import Family, Keys, Rule

_HERE = "model.layers.{l}"
OLMO_RULES = (*ATTENTION, *GATED_MLP)
NORMED_HEADS = (
    Rule("q_norm_w", f"{_HERE}.self_attn.q_norm.weight", "(h e) -> h e"),
    Rule("k_norm_w", f"{_HERE}.self_attn.k_norm.weight", "(k e) -> k e"),
)
POST_NORMS = (
    Rule("ln1_post_w", f"{_HERE}.post_attention_layernorm.weight", "d -> d"),
    Rule("ln2_post_w", f"{_HERE}.post_feedforward_layernorm.weight", "d -> d"),
)
OLMO2_RULES = (*OLMO_RULES, *NORMED_HEADS, *POST_NORMS)


def read_olmo(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' OlmoConfig."""
    shape = read_gated(keys) | {"normalization_type": "LNPre", "eps": 1e-5}
    return build(keys, "olmo", shape, clip_qkv=keys.number("clip_qkv", None), biases=gated_biases(keys))


def read_olmo2(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Olmo2Config."""
    keys.assume(rms_norm_eps=1e-5)
    shape = read_gated(keys) | {"norm_placement": "post", "qk_norm": "heads"}
    return build(keys, "olmo2", shape, biases=gated_biases(keys))


def read_olmo3(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Olmo3Config."""
    keys.assume(rms_norm_eps=1e-5, sliding_window=4096)
    local = split_sections(keys)
    shape = read_gated(keys, WHOLE_HEADS._replace(base=5e5)) | {"norm_placement": "post", "qk_norm": "heads"}
    rotary = shape["rotary"]
    turned = replace(rotary, scaling=None)
    if local is not None:
        turned = read_rotary_of(local, "rope_parameters", shape["d_head"], shape["n_ctx"], 5e5)
    windows = read_windows(keys, shape["n_layers"], lambda layer: (layer + 1) % 4 != 0)
    apart = windows is not None and turned != rotary
    return build(
        keys, "olmo3", shape, windows=windows, rotary_local=turned if apart else None, biases=gated_biases(keys)
    )


OLMO = Family("olmo", ("olmo",), read_olmo, OLMO_RULES, ignorable=ROTARY_TABLES, tied_copy="lm_head.weight")
OLMO2 = Family("olmo2", ("olmo2",), read_olmo2, OLMO2_RULES, ignorable=ROTARY_TABLES, tied_copy="lm_head.weight")
OLMO3 = Family("olmo3", ("olmo3",), read_olmo3, OLMO2_RULES, tied_copy="lm_head.weight")
