"""CodeGen (Nijkamp et al. 2022, arXiv:2203.13474): GPT-J with q, v, k fused in four groups of heads."""

from collections.abc import Collection
from dataclasses import replace

from ..config import ModelConfig
from .gptj import RULES as GPTJ_RULES
from .gptj import read_config as read_gptj
from .rules import Family, Keys, Rule

_GROUPS = 4
"""As many as the accelerators that it was trained on held parts of it."""


def rules(config: ModelConfig, names: Collection[str]) -> tuple[Rule, ...]:
    """GPT-J's, but for queries, keys and values."""
    rest = (rule for rule in GPTJ_RULES if rule.ours not in ("W_Q", "W_K", "W_V"))
    axes = (("p", _GROUPS), ("i", config.n_heads // _GROUPS))
    return (
        *rest,
        Rule(("W_Q", "W_V", "W_K"), "h.{l}.attn.qkv_proj.weight", "(p n i e) d -> n (p i) d e", axes=axes),
    )


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' CodeGenConfig."""
    keys.share(keys.size("n_head"), _GROUPS)
    return replace(read_gptj(keys, names), family="codegen", model_name="codegen")


CODEGEN = Family(
    "codegen",
    ("codegen",),
    read_config,
    rules,
    prefix="transformer.",
    ignorable=(r"h\.\d+\.attn\.(bias|causal_mask|masked_bias|embed_positions)",),
    tied_copy="lm_head.weight",
)
