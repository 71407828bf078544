"""Falcon (Almazrouei et al. 2023, arXiv:2311.16867): keys and values shared by groups, fused after their queries."""

import math
from collections.abc import Collection

from ..config import Alibi, ModelConfig
from .bloom import alibi_slopes
from .llama_like import build, read_shape
from .rules import Family, Keys, Rule

_ATTN = "h.{l}.self_attention"
RULES = (
    Rule("W_E", "word_embeddings.weight", "v d -> v d"),
    Rule(("W_Q", "W_K", "W_V"), f"{_ATTN}.query_key_value.weight", "(k s e) d -> k s d e", split="g 1 1"),
    Rule(("b_Q", "b_K", "b_V"), f"{_ATTN}.query_key_value.bias", "(k s e) -> k s e", split="g 1 1"),
    Rule("W_O", f"{_ATTN}.dense.weight", "d (h e) -> h e d"),
    Rule("b_O", f"{_ATTN}.dense.bias", "d -> d"),
    Rule("W_in", "h.{l}.mlp.dense_h_to_4h.weight", "m d -> d m"),
    Rule("b_in", "h.{l}.mlp.dense_h_to_4h.bias", "m -> m"),
    Rule("W_out", "h.{l}.mlp.dense_4h_to_h.weight", "d m -> m d"),
    Rule("b_out", "h.{l}.mlp.dense_4h_to_h.bias", "d -> d"),
    Rule("ln_final_w", "ln_f.weight", "d -> d"),
    Rule("ln_final_b", "ln_f.bias", "d -> d"),
    Rule("W_U", "lm_head.weight", "v d -> d v"),
)
_ONE_NORM = (
    Rule(("ln1_w", "ln2_w"), "h.{l}.input_layernorm.weight", "d -> n d"),
    Rule(("ln1_b", "ln2_b"), "h.{l}.input_layernorm.bias", "d -> n d"),
)
_IN_TURN = (
    Rule("ln1_w", "h.{l}.input_layernorm.weight", "d -> d"),
    Rule("ln1_b", "h.{l}.input_layernorm.bias", "d -> d"),
    Rule("ln2_w", "h.{l}.post_attention_layernorm.weight", "d -> d"),
    Rule("ln2_b", "h.{l}.post_attention_layernorm.bias", "d -> d"),
)
_TWO_NORMS = (
    Rule("ln1_w", "h.{l}.ln_attn.weight", "d -> d"),
    Rule("ln1_b", "h.{l}.ln_attn.bias", "d -> d"),
    Rule("ln2_w", "h.{l}.ln_mlp.weight", "d -> d"),
    Rule("ln2_b", "h.{l}.ln_mlp.bias", "d -> d"),
)


def rules(config: ModelConfig, names: Collection[str]) -> tuple[Rule, ...]:
    """The norms come in three layouts: one for both parts side by side, one for each, or one after the other."""
    if not config.parallel_attn_mlp:
        return (*RULES, *_IN_TURN)
    return (*RULES, *(_TWO_NORMS if "h.0.ln_attn.weight" in names else _ONE_NORM))


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' FalconConfig."""
    keys.ignore("apply_residual_connection_post_layernorm", "n_embed", "num_ln_in_parallel_attn")
    new, n_heads = keys.flag("new_decoder_architecture", False), keys.size("num_attention_heads")
    shared = keys.flag("multi_query", True) and not new
    n_kv = 1 if shared else keys.size("num_kv_heads", n_heads) if new else n_heads
    keys.ignore("num_kv_heads")
    shape = read_shape(keys, tied=True)
    if keys.flag("alibi", False):
        slopes = Alibi(slopes=alibi_slopes(n_heads), scale=1 / math.sqrt(shape["d_head"]), rounded=True)
        shape |= {"positional_embedding_type": "alibi", "rotary": None, "alibi": slopes}
    d_mlp = keys.size("ffn_hidden_size", 4 * shape["d_model"])
    keys.expect("ff_factor", d_mlp // shape["d_model"])
    biases = {"ln1_b", "ln2_b", "ln_final_b"}
    if keys.flag("bias", False):
        biases |= {"b_Q", "b_K", "b_V", "b_O", "b_in", "b_out"}
    return build(
        keys,
        "falcon",
        shape | {"n_key_value_heads": n_kv},
        d_mlp=d_mlp,
        act_fn=keys.activation("activation", "gelu"),
        parallel_attn_mlp=keys.flag("parallel_attn", True) or new,
        eps=keys.number("layer_norm_epsilon", 1e-5),
        biases=frozenset(biases),
    )


FALCON = Family(
    "falcon",
    ("falcon",),
    read_config,
    rules,
    prefix="transformer.",
    tied_copy="lm_head.weight",
)
