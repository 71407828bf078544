"""DeepSeek V2 (DeepSeek-AI 2024, arXiv:2405.04434) and V3 (arXiv:2412.19437): latent attention; experts chosen by
groups, beside a shared one, after a few layers without.
"""

import math
from collections.abc import Collection
from typing import Any

from ..config import Latent, ModelConfig, RotaryScaling
from .llama_like import ATTENTION, BEFORE_MLP, GATED_MLP, ROTARY_TABLES, build, read_gated
from .moe import EXPERTS
from .rotary import WHOLE_HEADS, agreed, yarn_growth
from .rules import Family, Keys, Rule

_ATTN = "model.layers.{l}.self_attn"
_MLP = "model.layers.{l}.mlp"


def rules(config: ModelConfig, names: Collection[str]) -> tuple[Rule, ...]:
    """Heads lie with the part that turns last; queries are made from a compressed vector or from the stream."""
    query, axis = ("q_proj", "d") if config.latent is None or config.latent.q_rank is None else ("q_b_proj", "q")
    return (
        *(rule for rule in (*ATTENTION, *BEFORE_MLP) if rule.ours != "W_O"),
        Rule("W_DQ", f"{_ATTN}.q_a_proj.weight", "q d -> d q"),
        Rule("q_latent_w", f"{_ATTN}.q_a_layernorm.weight", "q -> q"),
        Rule(("W_UQ", "W_QR"), f"{_ATTN}.{query}.weight", f"(h s) {axis} -> h {axis} s", split="p o"),
        Rule(("W_DKV", "W_KR"), f"{_ATTN}.kv_a_proj_with_mqa.weight", "s d -> d s", split="b o"),
        Rule("kv_latent_w", f"{_ATTN}.kv_a_layernorm.weight", "b -> b"),
        Rule(("W_UK", "W_UV"), f"{_ATTN}.kv_b_proj.weight", "(h s) b -> h b s", split="p u"),
        Rule("W_O", f"{_ATTN}.o_proj.weight", "d (h u) -> h u d"),
        *(rule._replace(routed=False) for rule in GATED_MLP),
        *(rule._replace(routed=True) for rule in EXPERTS),
        Rule("b_select", f"{_MLP}.gate.e_score_correction_bias", "x -> x"),
        Rule("W_gate_shared", f"{_MLP}.shared_experts.gate_proj.weight", "r d -> d r"),
        Rule("W_in_shared", f"{_MLP}.shared_experts.up_proj.weight", "r d -> d r"),
        Rule("W_out_shared", f"{_MLP}.shared_experts.down_proj.weight", "d r -> r d"),
    )


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' DeepseekV2Config and DeepseekV3Config."""
    kind = keys.take("model_type")
    second = kind == "deepseek_v2"
    keys.assume(max_position_embeddings=2048 if second else 4096, q_lora_rank=1536)
    keys.assume(num_key_value_heads=None if second else 128)
    keys.expect("attention_bias", False)
    keys.expect("mlp_bias", False)
    turned, rest = keys.size("qk_rope_head_dim", 64), keys.size("qk_nope_head_dim", 128)
    keys.expect("qk_head_dim", turned + rest)
    keys.expect("head_dim", turned)
    keys.put("head_dim", turned)
    adjacent = second or keys.flag("rope_interleave", True)
    shape = read_gated(keys, WHOLE_HEADS._replace(pairing="adjacent" if adjacent else "halves"))
    keys.expect("num_key_value_heads", shape["n_heads"], None)  # every head has its own
    experts = _read_experts(keys, shape, second)
    ahead = any(name.startswith(f"model.layers.{shape['n_layers']}.") for name in names)
    notes = ("it also predicts tokens farther ahead; that part was left out",) if ahead else ()
    return build(
        keys,
        kind,
        shape | {"n_key_value_heads": None, "d_head": turned + rest, "notes": (*shape["notes"], *notes)} | experts,
        d_head_v=keys.size("v_head_dim", 128),
        latent=Latent(q_rank=keys.size("q_lora_rank", None), kv_rank=keys.size("kv_lora_rank", 512)),
        attn_scale=_score_scale(keys, turned + rest, shape["rotary"].scaling),
    )


def _score_scale(keys: Keys, d_head: int, scaling: RotaryScaling | None) -> float | None:
    """What scores are divided by: yarn makes them larger by the square of what `mscale_all_dim` says."""
    sections = (keys.take("rope_parameters", None) or {}, keys.take("rope_scaling", None) or {})
    weight = agreed("mscale_all_dim", [said.get("mscale_all_dim") for said in sections])
    return math.sqrt(d_head) / yarn_growth(scaling.factor, weight) ** 2 if scaling and weight else None


def _read_experts(keys: Keys, shape: dict[str, Any], second: bool) -> dict[str, Any]:
    """The config's arguments for the MLPs. V3 scores experts by sigmoids, and a group by its best two; what it adds to
    choose by is not in the weights that experts get.
    """
    keys.assume(n_shared_experts=2 if second else 1)
    keys.expect("scoring_func", "softmax" if second else "sigmoid")
    keys.expect("moe_layer_freq", 1)
    keys.expect("ep_size", 1)
    keys.ignore("aux_loss_alpha", "seq_aux", "output_router_logits", "num_nextn_predict_layers", "num_mtp_layers")
    if second:
        keys.expect("norm_topk_prob", False)
    methods = ("greedy", "group_limited_greedy") if second else ("noaux_tc",)
    method = keys.choice("topk_method", methods[0], methods) or methods[0]
    groups, taken = keys.size("n_group", None if second else 8), keys.size("topk_group", None if second else 4)
    width, shared = keys.size("moe_intermediate_size", 1407 if second else 2048), keys.size("n_shared_experts", None, 0)
    n_experts = keys.size("n_routed_experts", 64 if second else 256)
    per_token = keys.size("num_experts_per_tok") if second else keys.size("num_experts_per_tok", 8)
    scale, normed = (
        keys.number("routed_scaling_factor", 1.0 if second else 2.5),
        keys.flag("norm_topk_prob", not second),
    )
    dense = range(min(keys.size("first_k_dense_replace", 0 if second else 3, least=0), shape["n_layers"]))
    if len(dense) == shape["n_layers"]:
        return {}
    grouped = groups != taken and method != "greedy"
    return {
        "d_mlp": width,
        "d_mlp_dense": shape["d_mlp"] if dense else None,
        "dense_layers": tuple(dense),
        "n_experts": n_experts,
        "experts_per_token": per_token,
        "expert_scale": scale,
        "norm_expert_weights": normed,
        "router_score": "softmax" if second else "sigmoid",
        "n_expert_groups": groups if grouped else None,
        "expert_groups_per_token": taken if grouped else None,
        "experts_per_group_score": 1 if second or not grouped else 2,
        "d_mlp_shared": shared * width if shared else None,
        "gate_shared": False,
        "biases": frozenset() if second else frozenset({"b_select"}),
    }


DEEPSEEK = Family(
    "deepseek",
    ("deepseek_v2", "deepseek_v3"),
    read_config,
    rules,
    ignorable=(*ROTARY_TABLES, r"model\.layers\.{end}\..*"),
    tied_copy="lm_head.weight",
)
