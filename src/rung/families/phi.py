"""Phi-1 and Phi-2 (Gunasekar et al. 2023, arXiv:2306.11644; one norm, side by side) and Phi-3 (Abdin et al. 2024,
arXiv:2404.14219; like Llama, fused).
"""

from collections.abc import Collection

from ..config import ModelConfig
from .llama_like import BEFORE_MLP, build, read_gated, read_shape, read_windows
from .rotary import RotaryDefaults
from .rules import Family, Keys, Rule

_HERE = "model.layers.{l}"
ENDS = (Rule("W_E", "model.embed_tokens.weight", "v d -> v d"), Rule("W_U", "lm_head.weight", "v d -> d v"))
PHI_RULES = (
    *ENDS,
    Rule(("ln1_w", "ln2_w"), f"{_HERE}.input_layernorm.weight", "d -> n d"),
    Rule(("ln1_b", "ln2_b"), f"{_HERE}.input_layernorm.bias", "d -> n d"),
    Rule("W_Q", f"{_HERE}.self_attn.q_proj.weight", "(h e) d -> h d e"),
    Rule("b_Q", f"{_HERE}.self_attn.q_proj.bias", "(h e) -> h e"),
    *(Rule(f"W_{x}", f"{_HERE}.self_attn.{x.lower()}_proj.weight", "(k e) d -> k d e") for x in "KV"),
    *(Rule(f"b_{x}", f"{_HERE}.self_attn.{x.lower()}_proj.bias", "(k e) -> k e") for x in "KV"),
    Rule("q_norm_w", f"{_HERE}.self_attn.q_layernorm.weight", "e -> h e"),
    Rule("q_norm_b", f"{_HERE}.self_attn.q_layernorm.bias", "e -> h e"),
    Rule("k_norm_w", f"{_HERE}.self_attn.k_layernorm.weight", "e -> k e"),
    Rule("k_norm_b", f"{_HERE}.self_attn.k_layernorm.bias", "e -> k e"),
    Rule("W_O", f"{_HERE}.self_attn.dense.weight", "d (h e) -> h e d"),
    Rule("b_O", f"{_HERE}.self_attn.dense.bias", "d -> d"),
    Rule("W_in", f"{_HERE}.mlp.fc1.weight", "m d -> d m"),
    Rule("b_in", f"{_HERE}.mlp.fc1.bias", "m -> m"),
    Rule("W_out", f"{_HERE}.mlp.fc2.weight", "d m -> m d"),
    Rule("b_out", f"{_HERE}.mlp.fc2.bias", "d -> d"),
    Rule("ln_final_w", "model.final_layernorm.weight", "d -> d"),
    Rule("ln_final_b", "model.final_layernorm.bias", "d -> d"),
    Rule("b_U", "lm_head.bias", "v -> v"),
)
PHI3_RULES = (
    *ENDS,
    *BEFORE_MLP,
    Rule("ln1_w", f"{_HERE}.input_layernorm.weight", "d -> d"),
    Rule(("W_Q", "W_K", "W_V"), f"{_HERE}.self_attn.qkv_proj.weight", "(s e) d -> s d e", split="h k k"),
    Rule("W_O", f"{_HERE}.self_attn.o_proj.weight", "d (h e) -> h e d"),
    Rule(("W_gate", "W_in"), f"{_HERE}.mlp.gate_up_proj.weight", "(n m) d -> n d m"),
    Rule("W_out", f"{_HERE}.mlp.down_proj.weight", "d m -> m d"),
    Rule("ln_final_w", "model.norm.weight", "d -> d"),
)


def read_phi(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' PhiConfig."""
    normed = keys.flag("qk_layernorm", False)
    biases = {"b_Q", "b_K", "b_V", "b_O", "b_in", "b_out", "b_U", "ln1_b", "ln2_b", "ln_final_b"}
    return build(
        keys,
        "phi",
        read_shape(keys, RotaryDefaults(part=0.5)),
        d_mlp=keys.size("intermediate_size"),
        act_fn=keys.activation("hidden_act", "gelu_new"),
        parallel_attn_mlp=True,
        eps=keys.number("layer_norm_eps", 1e-5),
        qk_norm="head" if normed else None,
        biases=frozenset(biases | ({"q_norm_b", "k_norm_b"} if normed else set())),
    )


def read_phi3(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Phi3Config."""
    keys.assume(max_position_embeddings=4096, rms_norm_eps=1e-5)
    for bias in ("attention_bias", "mlp_bias", "lm_head_bias"):
        keys.expect(bias, False)
    keys.expect("full_attn_mod", 1)
    keys.expect("interpolate_factor", 1)
    shape = read_gated(keys, RotaryDefaults())
    return build(keys, "phi3", shape, windows=read_windows(keys, shape["n_layers"]))


PHI = Family("phi", ("phi",), read_phi, PHI_RULES, tied_copy="lm_head.weight")
PHI3 = Family("phi3", ("phi3",), read_phi3, PHI3_RULES, tied_copy="lm_head.weight")
