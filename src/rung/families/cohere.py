"""Command R (Cohere 2024): side by side after one LayerNorm, adjacent rotary pairs, scaled logits; R7B and A (Cohere
2025, arXiv:2504.00698): every fourth of their layers sees everything, and no positions.
"""

from collections.abc import Collection

from ..config import ModelConfig
from .llama_like import ATTENTION, GATED_MLP, build, gated_biases, read_gated, read_windows
from .rotary import WHOLE_HEADS
from .rules import Family, Keys, Rule

_HERE = "model.layers.{l}"
_ROTARY = WHOLE_HEADS._replace(base=500000.0, pairing="adjacent")
RULES = (
    *(rule for rule in ATTENTION if "input_layernorm" not in rule.theirs),
    *GATED_MLP,
    Rule(("ln1_w", "ln2_w"), f"{_HERE}.input_layernorm.weight", "d -> n d"),
    Rule("q_norm_w", f"{_HERE}.self_attn.q_norm.weight", "h e -> h e"),
    Rule("k_norm_w", f"{_HERE}.self_attn.k_norm.weight", "k e -> k e"),
)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' CohereConfig."""
    keys.assume(max_position_embeddings=8192)
    keys.expect("mlp_bias", False)
    return build(
        keys,
        "cohere",
        read_gated(keys, _ROTARY, tied=True),
        parallel_attn_mlp=True,
        normalization_type="LN",
        eps=keys.number("layer_norm_eps", 1e-5),
        qk_norm="head" if keys.flag("use_qk_norm", False) else None,
        logit_scale=keys.number("logit_scale", 0.0625),
        biases=gated_biases(keys),
    )


def read_cohere2(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Cohere2Config. The published files also say things that only other code reads."""
    keys.assume(max_position_embeddings=8192, sliding_window=4096)
    keys.expect("rotary_pct", 1.0)
    keys.expect("use_qk_norm", False)
    keys.expect("use_parallel_block", True)
    keys.expect("use_gated_activation", True)
    keys.expect("order_of_interleaved_layers", "local_attn_first")
    keys.expect("position_embedding_type", "rope_gptj")
    keys.ignore("layer_switch", "use_embedding_sharing", "use_parallel_embedding")
    shape = read_gated(keys, _ROTARY._replace(base=10000.0), tied=True)
    every = keys.size("sliding_window_pattern", None) or keys.size("_sliding_window_pattern", 4)
    windows = read_windows(keys, shape["n_layers"], lambda layer: (layer + 1) % every != 0)
    seen = windows or (None,) * shape["n_layers"]
    return build(
        keys,
        "cohere2",
        shape,
        parallel_attn_mlp=True,
        normalization_type="LN",
        eps=keys.number("layer_norm_eps", 1e-5),
        windows=windows,
        unrotated_layers=tuple(layer for layer, window in enumerate(seen) if window is None),
        logit_scale=keys.number("logit_scale", 0.0625),
        biases=gated_biases(keys),
    )


COHERE = Family("cohere", ("cohere",), read_config, RULES, tied_copy="lm_head.weight")
COHERE2 = Family("cohere2", ("cohere2",), read_cohere2, RULES, tied_copy="lm_head.weight")
