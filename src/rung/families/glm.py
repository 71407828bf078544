"""GLM 4 in its two layouts (GLM Team 2024, arXiv:2406.12793): half of each head turns by adjacent pairs, the MLP is
fused; the later one normalizes what attention and MLP write, too.
"""

from collections.abc import Collection

from ..config import ModelConfig
from .llama_like import ATTENTION, BEFORE_MLP, build, read_gated
from .rotary import RotaryDefaults
from .rules import Family, Keys, Rule

_HERE = "model.layers.{l}"
GLM_RULES = (
    *ATTENTION,
    *BEFORE_MLP,
    Rule(("W_gate", "W_in"), f"{_HERE}.mlp.gate_up_proj.weight", "(n m) d -> n d m"),
    Rule("W_out", f"{_HERE}.mlp.down_proj.weight", "d m -> m d"),
)
GLM4_RULES = (
    *GLM_RULES,
    Rule("ln1_post_w", f"{_HERE}.post_self_attn_layernorm.weight", "d -> d"),
    Rule("ln2_post_w", f"{_HERE}.post_mlp_layernorm.weight", "d -> d"),
)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' GlmConfig and Glm4Config."""
    kind = keys.take("model_type")
    keys.assume(num_key_value_heads=2, head_dim=128, max_position_embeddings=131072, rms_norm_eps=1.5625e-07)
    biases = {"b_Q", "b_K", "b_V"} if keys.flag("attention_bias", True) else set()
    shape = read_gated(keys, RotaryDefaults(part=0.5, pairing="adjacent"))
    return build(keys, kind, shape, norm_placement="both" if kind == "glm4" else "pre", biases=frozenset(biases))


GLM = Family("glm", ("glm",), read_config, GLM_RULES, tied_copy="lm_head.weight")
GLM4 = Family("glm4", ("glm4",), read_config, GLM4_RULES, tied_copy="lm_head.weight")
