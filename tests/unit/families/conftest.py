"""Configs as transformers writes them, as small as can be: one of each layout that a family reads."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from rung.config import ModelConfig
from rung.errors import ConfigError
from rung.families import FAMILIES
from rung.families.rules import Family, Keys

Values = dict[str, Any]

_GPT: Values = {"n_embd": 12, "n_head": 3, "n_layer": 2, "n_positions": 10, "vocab_size": 13}
_WIDE: Values = {"hidden_size": 12, "num_hidden_layers": 2, "vocab_size": 13, "max_position_embeddings": 10}
_LLAMA = _WIDE | {"num_attention_heads": 6, "num_key_value_heads": 2, "intermediate_size": 20}
# Part of a head turns: heads are wider, so that the part is a pair at least.
_PART = _WIDE | {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 20}
_FALCON = _WIDE | {"num_attention_heads": 6}
_QWEN_MOE = _LLAMA | {"moe_intermediate_size": 7, "num_experts": 3, "num_experts_per_tok": 2}
_GRANITE = {
    "attention_multiplier": 0.5,
    "embedding_multiplier": 2.0,
    "logits_scaling": 4.0,
    "residual_multiplier": 0.25,
}
_DEEPSEEK = _WIDE | {
    "num_attention_heads": 3, "num_key_value_heads": 3, "intermediate_size": 20, "q_lora_rank": 6, "kv_lora_rank": 5,
    "qk_rope_head_dim": 2, "qk_nope_head_dim": 3, "v_head_dim": 4, "n_routed_experts": 4, "num_experts_per_tok": 2,
    "n_shared_experts": 2, "moe_intermediate_size": 7, "first_k_dense_replace": 1, "n_group": 2, "topk_group": 1,
}  # fmt: skip
_TURNS = ["sliding_attention", "full_attention"]
_TWICE = {"rope_type": "linear", "factor": 2.0}
_TOY: Values = {"n_layers": 2, "d_model": 12, "n_heads": 3, "n_ctx": 10, "d_vocab": 13, "attn_only": True}

LAYOUTS: dict[str, tuple[Values, tuple[str, ...]]] = {
    "gpt2": (_GPT, ()),
    "gpt_neo": (_WIDE | {"num_layers": 2, "num_heads": 3, "window_size": 4, "num_hidden_layers": None}, ()),
    "gptj": (_GPT | {"rotary_dim": 2}, ()),
    "gpt_neox": (_PART, ()),
    "gpt_neox without attention biases": (_PART | {"attention_bias": False}, ()),
    "opt": (_WIDE | {"num_attention_heads": 3, "ffn_dim": 20}, ()),
    "bloom": ({"hidden_size": 12, "n_layer": 2, "n_head": 3, "vocab_size": 13}, ()),
    "llama": (_LLAMA, ()),
    "llama with biases": (_LLAMA | {"attention_bias": True, "mlp_bias": True}, ()),
    "mistral": (_LLAMA | {"sliding_window": 4}, ()),
    "mixtral": (_LLAMA | {"num_local_experts": 3, "sliding_window": None}, ()),
    "qwen2": (_LLAMA, ()),
    "qwen3": (_LLAMA | {"head_dim": 4}, ()),
    "qwen2_moe": (_QWEN_MOE | {"shared_expert_intermediate_size": 5}, ()),
    "qwen3_moe": (_QWEN_MOE, ()),
    "qwen3_moe with layers without experts": (_QWEN_MOE | {"mlp_only_layers": [1]}, ()),
    "gemma": (_LLAMA | {"head_dim": 4, "hidden_act": "gelu"}, ()),
    "gemma2": (_LLAMA | {"head_dim": 2, "sliding_window": 4}, ()),
    "gemma3_text": (_LLAMA | {"head_dim": 2, "sliding_window": 4, "sliding_window_pattern": 2}, ()),
    "gemma3": ({"text_config": _LLAMA | {"head_dim": 2, "sliding_window": 4, "sliding_window_pattern": 2}}, ()),
    "phi": (_PART, ()),
    "phi with normalized queries": (_PART | {"qk_layernorm": True, "num_key_value_heads": 1}, ()),
    "phi3": (_LLAMA | {"sliding_window": None}, ()),
    "stablelm": (_PART | {"num_key_value_heads": 2, "use_qkv_bias": True}, ()),
    "stablelm side by side": (
        _PART | {"num_key_value_heads": 2, "use_parallel_residual": True, "qk_layernorm": True}, ()
    ),
    "falcon": (_FALCON, ()),
    "falcon with two norms": (_FALCON | {"new_decoder_architecture": True, "num_kv_heads": 2}, ("h.0.ln_attn.weight",)),
    "falcon one after the other": (
        _FALCON | {"parallel_attn": False, "multi_query": False, "alibi": True, "bias": True}, ()
    ),
    "olmo": (_LLAMA | {"clip_qkv": 0.5}, ()),
    "olmo2": (_LLAMA, ()),
    "granite": (_LLAMA | _GRANITE, ()),
    "starcoder2": (_LLAMA | {"sliding_window": 4}, ()),
    "cohere": (_LLAMA, ()),
    "cohere with normalized queries": (_LLAMA | {"use_qk_norm": True}, ()),
    "ministral": (_LLAMA | {"sliding_window": 4, "layer_types": _TURNS}, ()),
    "mistral3": ({"text_config": _LLAMA | {"sliding_window": None}, "tie_word_embeddings": False}, ()),
    "smollm3": (_LLAMA | {"no_rope_layer_interval": 2, "tie_word_embeddings": False}, ()),
    "exaone4": (_LLAMA | {"sliding_window": 4, "sliding_window_pattern": "LG", "head_dim": 4}, ()),
    "ernie4_5": (_LLAMA | {"head_dim": 4, "use_bias": True}, ()),
    "helium": (_LLAMA | {"head_dim": 2, "attention_bias": True, "mlp_bias": True}, ()),
    "seed_oss": (_LLAMA | {"head_dim": 4, "attention_out_bias": True}, ()),
    "arcee": (_LLAMA | {"mlp_bias": True}, ()),
    "glm": (_PART | {"num_key_value_heads": 1, "head_dim": 8}, ()),
    "glm4": (_PART | {"num_key_value_heads": 2, "head_dim": 8, "attention_bias": False}, ()),
    "cohere2": (_LLAMA | {"sliding_window": 4, "layer_types": _TURNS}, ()),
    "olmo3": (_LLAMA | {"sliding_window": 4, "layer_types": _TURNS, "rope_scaling": _TWICE}, ()),
    "olmoe": (_LLAMA | {"num_experts": 3, "num_experts_per_tok": 2}, ()),
    "flex_olmo": (_LLAMA | {"num_experts": 3, "num_experts_per_tok": 2}, ()),
    "granitemoe": (_LLAMA | _GRANITE | {"num_local_experts": 3, "attention_bias": True}, ()),
    "nemotron": (_PART | {"num_key_value_heads": 1, "attention_bias": True, "mlp_bias": True}, ()),
    "persimmon": (_PART, ()),
    "persimmon as they are": (_PART | {"qk_layernorm": False}, ()),
    "mpt": ({"d_model": 12, "n_heads": 3, "n_layers": 2, "vocab_size": 13, "max_seq_len": 10}, ()),
    "gpt_bigcode": (_GPT, ()),
    "gpt_bigcode head by head": (_GPT | {"multi_query": False}, ()),
    "codegen": (_GPT | {"n_embd": 16, "n_head": 8, "rotary_dim": 2}, ()),
    "gpt_oss": (_LLAMA | {"head_dim": 4, "num_local_experts": 3, "num_experts_per_tok": 2, "sliding_window": 4}, ()),
    "deepseek_v2": (_DEEPSEEK | {"q_lora_rank": None, "topk_method": "group_limited_greedy"}, ()),
    "deepseek_v3": (_DEEPSEEK, ()),
    "deepseek_v3 without experts": (_DEEPSEEK | {"first_k_dense_replace": 2}, ()),
    "biogpt": (_WIDE | {"num_attention_heads": 3, "intermediate_size": 20}, ()),
    "attn_only": (_TOY, ("blocks.0.attn.b_Q", "blocks.0.ln1.b", "ln_final.b", "unembed.b_U")),
    "rung": (
        {
            "format": 1,
            "config": {
                "n_layers": 2, "d_model": 12, "n_heads": 6, "d_head": 2, "n_key_value_heads": 2, "d_vocab": 13,
                "n_ctx": 10, "d_mlp": 20, "act_fn": "silu", "gated_mlp": True, "n_experts": 3, "experts_per_token": 1,
                "d_mlp_shared": 5, "normalization_type": "LN", "norm_placement": "both", "qk_norm": "heads",
                "post_embedding_ln": True, "biases": ["b_K", "b_V", "q_norm_b", "ln_embed_b", "b_U", "ln1_b"],
            },
        },
        (),
    ),
}  # fmt: skip
"""Each layout's config.json, and names by which it is told from others of its family."""


class Layout(NamedTuple):
    """A family, a config that it read, and what the rules are chosen by."""

    family: Family
    config: ModelConfig
    names: tuple[str, ...]


def _values(label: str, **changes: Any) -> Values:
    """A layout's config.json with some keys changed; None takes a key out."""
    values = {"model_type": label.split()[0], **LAYOUTS[label][0], **changes}
    return {key: value for key, value in values.items() if value is not None}


def _read(label: str, *names: str, **changes: Any) -> ModelConfig:
    """What its family makes of it."""
    values = _values(label, **changes)
    family = next(family for family in FAMILIES if values["model_type"] in family.model_types)
    return family.read_config(Keys(values, family.name), (*LAYOUTS[label][1], *names))


@pytest.fixture(scope="session")
def layouts() -> dict[str, Layout]:
    """Every layout, by its label."""
    found = {}
    for label, (_, names) in LAYOUTS.items():
        family = next(family for family in FAMILIES if label.split()[0] in family.model_types)
        found[label] = Layout(family, _read(label), names)
    return found


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest, layouts: dict[str, Layout]) -> Layout:
    """Each in turn."""
    return layouts[request.param]


@pytest.fixture(scope="session")
def values() -> Callable[..., Values]:
    """values(label, **changes): a layout's config.json; None takes a key out."""
    return _values


@pytest.fixture(scope="session")
def read() -> Callable[..., ModelConfig]:
    """read(label, *names, **changes): the config that a layout's family reads; None takes a key out."""
    return _read


@pytest.fixture(scope="session")
def refused() -> Callable[..., None]:
    """refused(label, message, **changes): asserts that it is refused, in one ConfigError that says so."""

    def check(label: str, message: str, **changes: Any) -> None:
        with pytest.raises(ConfigError, match=message):
            _read(label, **changes)

    return check


@pytest.fixture
def gpt2_values() -> Values:
    """A GPT-2 config.json, as small as can be."""
    return _values("gpt2")


@pytest.fixture
def llama_values() -> Values:
    """A Llama config.json, as small as can be."""
    return _values("llama")


@pytest.fixture
def toy_values() -> Values:
    """An attention-only config.json in classic fields."""
    return _values("attn_only") | {"positional_embedding_type": "shortformer", "normalization_type": None}
