"""Command R (Cohere 2024): side by side after one LayerNorm, adjacent rotary pairs, scaled logits."""

from collections.abc import Collection

from ..config import ModelConfig
from .llama_like import ATTENTION, GATED_MLP, build, gated_biases, read_gated
from .rotary import WHOLE_HEADS
from .rules import Family, Keys, Rule

_HERE = "model.layers.{l}"
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
        read_gated(keys, WHOLE_HEADS._replace(base=500000.0, pairing="adjacent"), tied=True),
        parallel_attn_mlp=True,
        normalization_type="LN",
        eps=keys.number("layer_norm_eps", 1e-5),
        qk_norm="head" if keys.flag("use_qk_norm", False) else None,
        logit_scale=keys.number("logit_scale", 0.0625),
        biases=gated_biases(keys),
    )


COHERE = Family("cohere", ("cohere",), read_config, RULES, tied_copy="lm_head.weight")
