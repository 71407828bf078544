"""Attention-only toys in classic config fields and classic names; positions are often shortformer's."""

from collections.abc import Collection
from typing import get_args

from ..config import BIASES, WEIGHT_PATHS, ModelConfig, Normalization, Positions
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
    positions = tuple(kind for kind in get_args(Positions) if kind not in ("rotary", "alibi"))
    n_heads, d_model = keys.size("n_heads"), keys.size("d_model")
    config = ModelConfig(
        family="attn_only",
        n_layers=keys.size("n_layers", least=0),
        d_model=d_model,
        n_heads=n_heads,
        d_head=keys.size("d_head", None) or keys.share(d_model, n_heads),
        d_vocab=keys.size("d_vocab"),
        n_ctx=keys.size("n_ctx"),
        normalization_type=keys.choice("normalization_type", "LN", get_args(Normalization)),
        eps=keys.number("eps", 1e-5),
        positional_embedding_type=keys.choice("positional_embedding_type", "standard", positions),
        attn_scale=keys.number("attn_scale", None),
        biases=frozenset(bias for bias in BIASES if WEIGHT_PATHS[bias].format(l=0) in names),
        bos_token_id=keys.size("bos_token_id", None, least=0),
        model_name=str(keys.take("model_name", "attn_only")),
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
