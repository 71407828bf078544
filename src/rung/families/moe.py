"""Mixtures of experts: Mixtral (Jiang et al. 2024, arXiv:2401.04088), Qwen-MoE 2 and 3, OLMoE (Muennighoff et al. 2024,
arXiv:2409.02060), FlexOlmo (Shi et al. 2025, arXiv:2507.07024), Granite (IBM 2024).
"""

from collections.abc import Collection

from ..config import ModelConfig
from ..errors import ConfigError
from .granite import read_multipliers
from .llama_like import (
    ATTENTION,
    BEFORE_MLP,
    GATED_MLP,
    build,
    gated_biases,
    read_gated,
    read_optional_windows,
    read_windows,
)
from .olmo import NORMED_HEADS, POST_NORMS
from .qwen3 import QK_NORM
from .rotary import WHOLE_HEADS
from .rules import Family, Keys, Rule

_MLP = "model.layers.{l}.mlp"
_MIXTRAL = "model.layers.{l}.block_sparse_moe"
MIXTRAL_RULES = (
    *ATTENTION,
    *BEFORE_MLP,
    Rule("W_router", f"{_MIXTRAL}.gate.weight", "x d -> d x"),
    Rule("W_gate", f"{_MIXTRAL}.experts.{{x}}.w1.weight", "x m d -> x d m"),
    Rule("W_in", f"{_MIXTRAL}.experts.{{x}}.w3.weight", "x m d -> x d m"),
    Rule("W_out", f"{_MIXTRAL}.experts.{{x}}.w2.weight", "x d m -> x m d"),
)
EXPERTS = (
    Rule("W_router", f"{_MLP}.gate.weight", "x d -> d x"),
    Rule("W_gate", f"{_MLP}.experts.{{x}}.gate_proj.weight", "x m d -> x d m"),
    Rule("W_in", f"{_MLP}.experts.{{x}}.up_proj.weight", "x m d -> x d m"),
    Rule("W_out", f"{_MLP}.experts.{{x}}.down_proj.weight", "x d m -> x m d"),
)
QWEN_RULES = (
    *ATTENTION,
    *BEFORE_MLP,
    *QK_NORM,
    *(rule._replace(routed=False) for rule in GATED_MLP),
    *(rule._replace(routed=True) for rule in EXPERTS),
    Rule("W_router_shared", f"{_MLP}.shared_expert_gate.weight", "1 d -> d 1"),
    Rule("W_gate_shared", f"{_MLP}.shared_expert.gate_proj.weight", "r d -> d r"),
    Rule("W_in_shared", f"{_MLP}.shared_expert.up_proj.weight", "r d -> d r"),
    Rule("W_out_shared", f"{_MLP}.shared_expert.down_proj.weight", "d r -> r d"),
)

OLMOE_RULES = (*ATTENTION, *BEFORE_MLP, *NORMED_HEADS, *EXPERTS)
FLEX_OLMO_RULES = (*ATTENTION, *NORMED_HEADS, *POST_NORMS, *EXPERTS)


def granite_rules(config: ModelConfig, names: Collection[str]) -> tuple[Rule, ...]:
    """Experts lie in one tensor; what blocks write is multiplied as the config says."""
    scale = config.residual_scale
    return (
        *(rule._replace(times=scale) if rule.ours in ("W_O", "b_O") else rule for rule in (*ATTENTION, *BEFORE_MLP)),
        Rule("W_router", f"{_MIXTRAL}.router.layer.weight", "x d -> d x"),
        Rule(("W_gate", "W_in"), f"{_MIXTRAL}.input_linear.weight", "x (n m) d -> n x d m"),
        Rule("W_out", f"{_MIXTRAL}.output_linear.weight", "x d m -> x m d", times=scale),
    )


def read_olmoe(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' OlmoeConfig and FlexOlmoConfig: queries and keys are normalized over all heads."""
    flex = keys.take("model_type") == "flex_olmo"
    keys.assume(max_position_embeddings=4096, rms_norm_eps=1e-6 if flex else 1e-5)
    keys.expect("clip_qkv", None)
    keys.ignore("output_router_logits", "router_aux_loss_coef")
    shape = read_gated(keys, WHOLE_HEADS._replace(base=500000.0 if flex else 10000.0))
    return build(
        keys,
        "flex_olmo" if flex else "olmoe",
        shape,
        qk_norm="heads",
        norm_placement="post" if flex else "pre",
        n_experts=keys.size("num_experts", None) or keys.size("num_local_experts", 7 if flex else 64),
        experts_per_token=keys.size("num_experts_per_tok", 5 if flex else 8),
        norm_expert_weights=keys.flag("norm_topk_prob", False),
        biases=gated_biases(keys),
    )


def read_granite_moe(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' GraniteMoeConfig."""
    keys.ignore("output_router_logits", "router_aux_loss_coef")
    shape = read_gated(keys)
    return build(
        keys,
        "granitemoe",
        shape,
        **read_multipliers(keys),
        n_experts=keys.size("num_local_experts", 8),
        experts_per_token=keys.size("num_experts_per_tok", 2),
        norm_expert_weights=True,
        biases=gated_biases(keys),
    )


def read_mixtral(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' MixtralConfig."""
    keys.assume(num_key_value_heads=8, max_position_embeddings=131072, rms_norm_eps=1e-5)
    keys.ignore("output_router_logits", "router_aux_loss_coef", "router_jitter_noise")
    shape = read_gated(keys, WHOLE_HEADS._replace(base=1e6))
    return build(
        keys,
        "mixtral",
        shape,
        windows=read_windows(keys, shape["n_layers"]),
        n_experts=keys.size("num_local_experts", None) or keys.size("num_experts", 8),
        experts_per_token=keys.size("num_experts_per_tok", 2),
        norm_expert_weights=True,
    )


def read_qwen_moe(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Qwen2MoeConfig and Qwen3MoeConfig: experts in every layer, or in every so many but for some."""
    second = keys.take("model_type") == "qwen2_moe"
    keys.assume(num_key_value_heads=16 if second else 4, max_position_embeddings=32768, sliding_window=4096)
    every, but = keys.size("decoder_sparse_step", 1), keys.take("mlp_only_layers", None) or []
    if not isinstance(but, list):
        raise ConfigError(f"config.json says mlp_only_layers = {but!r}; it must be a list of layers, counted from 0")
    keys.ignore("output_router_logits", "router_aux_loss_coef")
    shape = read_gated(keys)
    shared = keys.size("shared_expert_intermediate_size") if second else None
    dense = tuple(layer for layer in range(shape["n_layers"]) if layer in but or (layer + 1) % every)
    biases = {"b_Q", "b_K", "b_V"} if second and keys.flag("qkv_bias", True) else gated_biases(keys)
    return build(
        keys,
        "qwen2_moe" if second else "qwen3_moe",
        shape | {"d_mlp": keys.size("moe_intermediate_size")},
        dense_layers=dense,
        d_mlp_dense=shape["d_mlp"] if dense else None,
        windows=read_optional_windows(keys, shape["n_layers"]),
        qk_norm=None if second else "head",
        n_experts=keys.size("num_experts", None) or keys.size("num_local_experts"),
        experts_per_token=keys.size("num_experts_per_tok"),
        norm_expert_weights=keys.flag("norm_topk_prob", False),
        d_mlp_shared=shared,
        biases=frozenset(biases),
    )


MIXTRAL = Family("mixtral", ("mixtral",), read_mixtral, MIXTRAL_RULES, tied_copy="lm_head.weight")
QWEN_MOE = Family(
    "qwen_moe", ("qwen2_moe", "qwen3_moe"), read_qwen_moe, QWEN_RULES, tied_copy="lm_head.weight", begins_texts=False
)
OLMOE = Family("olmoe", ("olmoe",), read_olmoe, OLMOE_RULES, tied_copy="lm_head.weight")
FLEX_OLMO = Family("flex_olmo", ("flex_olmo",), read_olmoe, FLEX_OLMO_RULES, tied_copy="lm_head.weight")
GRANITE_MOE = Family("granitemoe", ("granitemoe",), read_granite_moe, granite_rules, tied_copy="lm_head.weight")
