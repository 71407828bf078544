"""GPT-NeoX (Black et al. 2022, arXiv:2204.06745) and Pythia: q, k, v fused head by head, rotary on part of a head."""

from collections.abc import Collection

from ..config import ModelConfig
from .llama_like import build, read_shape
from .rotary import RotaryDefaults
from .rules import Family, Keys, Rule

_HERE = "layers.{l}"
RULES = (
    Rule("W_E", "embed_in.weight", "v d -> v d"),
    Rule("ln1_w", f"{_HERE}.input_layernorm.weight", "d -> d"),
    Rule("ln1_b", f"{_HERE}.input_layernorm.bias", "d -> d"),
    Rule(("W_Q", "W_K", "W_V"), f"{_HERE}.attention.query_key_value.weight", "(h n e) d -> n h d e"),
    Rule(("b_Q", "b_K", "b_V"), f"{_HERE}.attention.query_key_value.bias", "(h n e) -> n h e"),
    Rule("W_O", f"{_HERE}.attention.dense.weight", "d (h e) -> h e d"),
    Rule("b_O", f"{_HERE}.attention.dense.bias", "d -> d"),
    Rule("ln2_w", f"{_HERE}.post_attention_layernorm.weight", "d -> d"),
    Rule("ln2_b", f"{_HERE}.post_attention_layernorm.bias", "d -> d"),
    Rule("W_in", f"{_HERE}.mlp.dense_h_to_4h.weight", "m d -> d m"),
    Rule("b_in", f"{_HERE}.mlp.dense_h_to_4h.bias", "m -> m"),
    Rule("W_out", f"{_HERE}.mlp.dense_4h_to_h.weight", "d m -> m d"),
    Rule("b_out", f"{_HERE}.mlp.dense_4h_to_h.bias", "d -> d"),
    Rule("ln_final_w", "final_layer_norm.weight", "d -> d"),
    Rule("ln_final_b", "final_layer_norm.bias", "d -> d"),
    Rule("W_U", "embed_out.weight", "v d -> d v"),
)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' GPTNeoXConfig."""
    keys.ignore("classifier_dropout", "attention_probs_dropout_prob", "hidden_dropout_prob")
    shape = read_shape(keys, RotaryDefaults(part=0.25, base_key="rotary_emb_base", part_key="rotary_pct"))
    biases = {"ln1_b", "ln2_b", "ln_final_b", "b_in", "b_out"}
    if keys.flag("attention_bias", True):
        biases |= {"b_Q", "b_K", "b_V", "b_O"}
    return build(
        keys,
        "gpt_neox",
        shape,
        d_mlp=keys.size("intermediate_size"),
        act_fn=keys.activation("hidden_act", "gelu"),
        parallel_attn_mlp=keys.flag("use_parallel_residual", True),
        eps=keys.number("layer_norm_eps", 1e-5),
        biases=frozenset(biases),
    )


GPT_NEOX = Family(
    "gpt_neox",
    ("gpt_neox",),
    read_config,
    RULES,
    prefix="gpt_neox.",
    ignorable=(r"layers\.\d+\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)",),
    tied_copy="embed_out.weight",
    aliases={"lm_head.weight": "embed_out.weight"},
)
