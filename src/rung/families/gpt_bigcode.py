"""GPT-BigCode: SantaCoder and StarCoder (Li et al. 2023, arXiv:2305.06161): GPT-2 whose heads share keys and values."""

from collections.abc import Collection
from dataclasses import replace

from ..config import ModelConfig
from .gpt2 import ENDS, NORMS
from .gpt2 import read_config as read_gpt2
from .rules import Family, Keys, Rule

_ATTN = "h.{l}.attn"
_REST = (
    *ENDS,
    *NORMS,
    Rule("W_O", f"{_ATTN}.c_proj.weight", "d (h e) -> h e d"),
    Rule("b_O", f"{_ATTN}.c_proj.bias", "d -> d"),
    Rule("W_in", "h.{l}.mlp.c_fc.weight", "m d -> d m"),
    Rule("b_in", "h.{l}.mlp.c_fc.bias", "m -> m"),
    Rule("W_out", "h.{l}.mlp.c_proj.weight", "d m -> m d"),
    Rule("b_out", "h.{l}.mlp.c_proj.bias", "d -> d"),
)
_SHARED = (
    Rule(("W_Q", "W_K", "W_V"), f"{_ATTN}.c_attn.weight", "(s e) d -> s d e", split="h k k"),
    Rule(("b_Q", "b_K", "b_V"), f"{_ATTN}.c_attn.bias", "(s e) -> s e", split="h k k"),
)
_EACH = (
    Rule(("W_Q", "W_K", "W_V"), f"{_ATTN}.c_attn.weight", "(h n e) d -> n h d e"),
    Rule(("b_Q", "b_K", "b_V"), f"{_ATTN}.c_attn.bias", "(h n e) -> n h e"),
)


def rules(config: ModelConfig, names: Collection[str]) -> tuple[Rule, ...]:
    """Queries, keys and values are fused after one another where keys are shared, else head by head."""
    return (*_REST, *(_SHARED if config.n_key_value_heads == 1 else _EACH))


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' GPTBigCodeConfig."""
    keys.assume(activation_function="gelu_pytorch_tanh")
    keys.ignore("attention_softmax_in_fp32", "scale_attention_softmax_in_fp32", "num_key_value_heads")
    keys.ignore("inference_runner", "validate_runner_input", "pre_allocate_kv_cache", "max_sequence_length")
    keys.ignore("max_batch_size", "pad_key_length")
    shared = keys.flag("multi_query", True)
    config = read_gpt2(keys, names)
    return replace(
        config,
        family="gpt_bigcode",
        model_name="gpt_bigcode",
        n_key_value_heads=1 if shared else None,
    )


GPT_BIGCODE = Family(
    "gpt_bigcode",
    ("gpt_bigcode",),
    read_config,
    rules,
    prefix="transformer.",
    ignorable=(r"h\.\d+\.attn\.(bias|masked_bias)",),
    tied_copy="lm_head.weight",
)
