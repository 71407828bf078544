"""gpt-oss (OpenAI 2025, arXiv:2508.10925): attention sinks, experts with biases and a clamped gate, windows in every
other layer.
"""

from collections.abc import Collection

from ..config import ModelConfig
from .llama_like import ATTENTION, BEFORE_MLP, build, read_gated, read_windows
from .rotary import WHOLE_HEADS
from .rules import Family, Keys, Rule

_HERE = "model.layers.{l}"
_MLP = f"{_HERE}.mlp"
RULES = (
    *ATTENTION,
    *BEFORE_MLP,
    Rule("sinks", f"{_HERE}.self_attn.sinks", "h -> h"),
    Rule("W_router", f"{_MLP}.router.weight", "x d -> d x"),
    Rule("b_router", f"{_MLP}.router.bias", "x -> x"),
    # Gate and linear part lie in turn.
    Rule(("W_gate", "W_in"), f"{_MLP}.experts.gate_up_proj", "x d (m n) -> n x d m"),
    Rule(("b_gate", "b_in"), f"{_MLP}.experts.gate_up_proj_bias", "x (m n) -> n x m"),
    Rule("W_out", f"{_MLP}.experts.down_proj", "x m d -> x m d"),
    Rule("b_out", f"{_MLP}.experts.down_proj_bias", "x d -> x d"),
)
_YARN = {
    "rope_type": "yarn", "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": False,
    "original_max_position_embeddings": 4096,
}  # fmt: skip


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' GptOssConfig. Its gate is x σ(1.702 x), whatever `hidden_act` says."""
    keys.assume(num_key_value_heads=8, head_dim=64, max_position_embeddings=131072, rms_norm_eps=1e-5)
    keys.assume(sliding_window=128)
    if keys.take("rope_parameters", None) is None:
        keys.assume(rope_scaling=_YARN)
    keys.expect("hidden_act", "silu")
    keys.expect("swiglu_alpha", 1.702)
    keys.expect("experts_per_token", keys.take("num_experts_per_tok", 4))
    keys.ignore("initial_context_length", "output_router_logits", "router_aux_loss_coef")
    shape = read_gated(keys, WHOLE_HEADS._replace(base=150000.0)) | {"act_fn": "quick_gelu"}
    biases = {"b_router", "b_gate", "b_in", "b_out"}
    biases |= {"b_Q", "b_K", "b_V", "b_O"} if keys.flag("attention_bias", True) else set()
    return build(
        keys,
        "gpt_oss",
        shape,
        windows=read_windows(keys, shape["n_layers"], lambda layer: layer % 2 == 0),
        attn_sinks=True,
        swiglu_limit=keys.number("swiglu_limit", 7.0),
        n_experts=keys.size("num_local_experts", None) or keys.size("num_experts", 128),
        experts_per_token=keys.size("num_experts_per_tok", 4),
        norm_expert_weights=True,
        biases=frozenset(biases),
    )


GPT_OSS = Family("gpt_oss", ("gpt_oss",), read_config, RULES, tied_copy="lm_head.weight")
