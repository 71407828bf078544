"""Persimmon (Adept 2023): q, k, v fused head by head and normalized, half of each head turns, squared ReLU."""

from collections.abc import Collection

from ..config import BIASES, ModelConfig
from .llama_like import build, read_shape
from .rotary import RotaryDefaults
from .rules import Family, Keys, Rule

_HERE = "model.layers.{l}"
_ATTN = f"{_HERE}.self_attn"
RULES = (
    Rule("W_E", "model.embed_tokens.weight", "v d -> v d"),
    *(
        Rule(f"{ours}_{x}", f"{theirs}.{kind}", "d -> d")
        for ours, theirs in (
            ("ln1", f"{_HERE}.input_layernorm"),
            ("ln2", f"{_HERE}.post_attention_layernorm"),
            ("ln_final", "model.final_layernorm"),
        )
        for x, kind in (("w", "weight"), ("b", "bias"))
    ),
    Rule(("W_Q", "W_K", "W_V"), f"{_ATTN}.query_key_value.weight", "(h n e) d -> n h d e"),
    Rule(("b_Q", "b_K", "b_V"), f"{_ATTN}.query_key_value.bias", "(h n e) -> n h e"),
    Rule("q_norm_w", f"{_ATTN}.q_layernorm.weight", "e -> h e"),
    Rule("q_norm_b", f"{_ATTN}.q_layernorm.bias", "e -> h e"),
    Rule("k_norm_w", f"{_ATTN}.k_layernorm.weight", "e -> h e"),
    Rule("k_norm_b", f"{_ATTN}.k_layernorm.bias", "e -> h e"),
    Rule("W_O", f"{_ATTN}.dense.weight", "d (h e) -> h e d"),
    Rule("b_O", f"{_ATTN}.dense.bias", "d -> d"),
    Rule("W_in", f"{_HERE}.mlp.dense_h_to_4h.weight", "m d -> d m"),
    Rule("b_in", f"{_HERE}.mlp.dense_h_to_4h.bias", "m -> m"),
    Rule("W_out", f"{_HERE}.mlp.dense_4h_to_h.weight", "d m -> m d"),
    Rule("b_out", f"{_HERE}.mlp.dense_4h_to_h.bias", "d -> d"),
    Rule("W_U", "lm_head.weight", "v d -> d v"),
)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' PersimmonConfig."""
    keys.assume(max_position_embeddings=16384)
    normed = keys.flag("qk_layernorm", True)
    keys.expect("num_key_value_heads", keys.take("num_attention_heads"), None)
    return build(
        keys,
        "persimmon",
        read_shape(keys, RotaryDefaults(part=0.5)),
        d_mlp=keys.size("intermediate_size"),
        act_fn=keys.activation("hidden_act", "relu2"),
        eps=keys.number("layer_norm_eps", 1e-5),
        qk_norm="head" if normed else None,
        biases=frozenset(BIASES) - {"b_gate", "b_U"} | ({"q_norm_b", "k_norm_b"} if normed else set()),
    )


PERSIMMON = Family("persimmon", ("persimmon",), read_config, RULES, tied_copy="lm_head.weight")
