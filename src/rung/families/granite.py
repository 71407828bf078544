"""Granite (IBM 2024): Llama with a multiplier on embeddings, scores, what blocks write, and logits."""

from collections.abc import Collection

from ..config import ModelConfig
from .llama import RULES
from .llama_like import build, gated_biases, read_gated
from .rules import Family, Keys, Rule

_WRITE = ("W_O", "b_O", "W_out", "b_out")


def rules(config: ModelConfig, names: Collection[str]) -> tuple[Rule, ...]:
    """Llama's, with what blocks write multiplied as the config says."""
    return tuple(rule._replace(times=config.residual_scale) if rule.ours in _WRITE else rule for rule in RULES)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' GraniteConfig."""
    return build(
        keys,
        "granite",
        read_gated(keys),
        **read_multipliers(keys),
        biases=gated_biases(keys),
    )


def read_multipliers(keys: Keys) -> dict[str, float]:
    """What stands before embeddings, scores, logits and all that blocks write."""
    return {
        "attn_scale": 1 / keys.number("attention_multiplier", 1.0),
        "embed_scale": keys.number("embedding_multiplier", 1.0),
        "logit_scale": 1 / keys.number("logits_scaling", 1.0),
        "residual_scale": keys.number("residual_multiplier", 1.0),
    }


GRANITE = Family("granite", ("granite",), read_config, rules, tied_copy="lm_head.weight")
