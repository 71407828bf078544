"""StableLM (Bellagente et al. 2024, arXiv:2402.17834): LayerNorm, gated MLP, rotary on a quarter of a head."""

from collections.abc import Collection

from ..config import ModelConfig
from .llama_like import ATTENTION, BEFORE_MLP, GATED_MLP, ROTARY_TABLES, build, read_shape
from .rotary import RotaryDefaults
from .rules import Family, Keys, Rule

_HERE = "model.layers.{l}"
_QK_NORM = (
    Rule("q_norm_w", f"{_HERE}.self_attn.q_layernorm.norms.{{h}}.weight", "h e -> h e"),
    Rule("k_norm_w", f"{_HERE}.self_attn.k_layernorm.norms.{{k}}.weight", "k e -> k e"),
)
_ONE_NORM = (
    Rule(("ln1_w", "ln2_w"), f"{_HERE}.input_layernorm.weight", "d -> n d"),
    Rule(("ln1_b", "ln2_b"), f"{_HERE}.input_layernorm.bias", "d -> n d"),
)


def rules(config: ModelConfig, names: Collection[str]) -> tuple[Rule, ...]:
    """Attention and MLP share a norm where they stand side by side."""
    if not config.parallel_attn_mlp:
        return (*ATTENTION, *BEFORE_MLP, *GATED_MLP, *_QK_NORM)
    rest = (rule for rule in ATTENTION if "input_layernorm" not in rule.theirs)
    return (*_ONE_NORM, *rest, *GATED_MLP, *_QK_NORM)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' StableLmConfig."""
    keys.assume(num_key_value_heads=32, max_position_embeddings=4096)
    return build(
        keys,
        "stablelm",
        read_shape(keys, RotaryDefaults(part=0.25)),
        d_mlp=keys.size("intermediate_size"),
        act_fn=keys.activation("hidden_act", "silu"),
        gated_mlp=True,
        parallel_attn_mlp=keys.flag("use_parallel_residual", False),
        eps=keys.number("layer_norm_eps", 1e-5),
        qk_norm="head" if keys.flag("qk_layernorm", False) else None,
        biases=frozenset(
            {"ln1_b", "ln2_b", "ln_final_b"} | ({"b_Q", "b_K", "b_V"} if keys.flag("use_qkv_bias", False) else set())
        ),
    )


STABLELM = Family("stablelm", ("stablelm",), read_config, rules, ignorable=ROTARY_TABLES, tied_copy="lm_head.weight")
