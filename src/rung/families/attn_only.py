"""Attention-only toys in classic config fields and classic names; positions are often shortformer's."""

from collections.abc import Collection

from ..config import BIASES, WEIGHT_PATHS, ModelConfig
from .rules import Family, Keys, identity_rules

_UNUSED = (
    "init_weights",
    "init_mode",
    "initializer_range",
    "seed",
    "device",
    "n_devices",
    "n_params",
    "act_fn",
    "d_mlp",
)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Classic config fields; which biases exist is read off the tensors' names."""
    keys.expect("attn_only", True)
    keys.expect("attention_dir", "causal")
    keys.ignore("bos_token", "eos_token", *_UNUSED)
    n_heads, d_model = keys.take("n_heads"), keys.take("d_model")
    config = ModelConfig(
        family="attn_only",
        n_layers=keys.take("n_layers"),
        d_model=d_model,
        n_heads=n_heads,
        d_head=keys.take("d_head", d_model // n_heads),
        d_vocab=keys.take("d_vocab"),
        n_ctx=keys.take("n_ctx"),
        normalization_type=keys.take("normalization_type", "LN"),
        eps=keys.take("eps", 1e-5),
        positional_embedding_type=keys.take("positional_embedding_type", "standard"),
        attn_scale=keys.take("attn_scale", None),
        biases=frozenset(bias for bias in BIASES if WEIGHT_PATHS[bias].format(l=0) in names),
        bos_token_id=keys.take("bos_token_id", None),
        model_name=keys.take("model_name", "attn_only"),
    )
    keys.finish()
    return config


ATTN_ONLY = Family(
    "attn_only",
    ("attn_only",),
    read_config,
    identity_rules,
    ignorable=(r"blocks\.\d+\.attn\.(mask|IGNORE)",),
)
