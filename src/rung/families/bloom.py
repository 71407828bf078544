"""BLOOM (BigScience 2022, arXiv:2211.05100): positions as a slope on the scores, embeddings normalized."""

from collections.abc import Collection

from ..config import BIASES, Alibi, ModelConfig
from .rules import Family, Keys, Rule
from .text import bos_or_none

RULES = (
    Rule("W_E", "word_embeddings.weight", "v d -> v d"),
    Rule("ln_embed_w", "word_embeddings_layernorm.weight", "d -> d"),
    Rule("ln_embed_b", "word_embeddings_layernorm.bias", "d -> d"),
    Rule("ln1_w", "h.{l}.input_layernorm.weight", "d -> d"),
    Rule("ln1_b", "h.{l}.input_layernorm.bias", "d -> d"),
    Rule(("W_Q", "W_K", "W_V"), "h.{l}.self_attention.query_key_value.weight", "(h n e) d -> n h d e"),
    Rule(("b_Q", "b_K", "b_V"), "h.{l}.self_attention.query_key_value.bias", "(h n e) -> n h e"),
    Rule("W_O", "h.{l}.self_attention.dense.weight", "d (h e) -> h e d"),
    Rule("b_O", "h.{l}.self_attention.dense.bias", "d -> d"),
    Rule("ln2_w", "h.{l}.post_attention_layernorm.weight", "d -> d"),
    Rule("ln2_b", "h.{l}.post_attention_layernorm.bias", "d -> d"),
    Rule("W_in", "h.{l}.mlp.dense_h_to_4h.weight", "m d -> d m"),
    Rule("b_in", "h.{l}.mlp.dense_h_to_4h.bias", "m -> m"),
    Rule("W_out", "h.{l}.mlp.dense_4h_to_h.weight", "d m -> m d"),
    Rule("b_out", "h.{l}.mlp.dense_4h_to_h.bias", "d -> d"),
    Rule("ln_final_w", "ln_f.weight", "d -> d"),
    Rule("ln_final_b", "ln_f.bias", "d -> d"),
    Rule("W_U", "lm_head.weight", "v d -> d v"),
)


def alibi_slopes(n_heads: int) -> tuple[float, ...]:
    """2^(−8/n), 2^(−16/n), … for n heads, n a power of two; other heads take every other slope of twice as many
    (Press et al. 2021, section 3).
    """
    whole = 1 << (n_heads.bit_length() - 1)
    slopes = [2.0 ** (-8 * i / whole) for i in range(1, whole + 1)]
    between = [2.0 ** (-4 * i / whole) for i in range(1, 2 * whole, 2)]
    return tuple((slopes + between)[:n_heads])


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' BloomConfig. It names no context: 2,048 is what the published models were trained on."""
    keys.expect("apply_residual_connection_post_layernorm", False)
    keys.expect("slow_but_exact", False)
    keys.ignore("attention_dropout", "hidden_dropout", "pretraining_tp", "masked_softmax_fusion", "bias_dropout_fusion")
    keys.ignore("attention_softmax_in_fp32", "skip_bias_add", "skip_bias_add_qkv", "offset_alibi", "unk_token_id")
    width = keys.size("hidden_size", None) or keys.size("n_embed")
    keys.expect("n_embed", width, None)
    keys.expect("n_inner", None, 4 * width)
    n_layers = keys.size("n_layer", None) or keys.size("num_hidden_layers", least=0)
    heads, vocab = keys.size("n_head", None) or keys.size("num_attention_heads"), keys.size("vocab_size")
    bos, notes = bos_or_none(keys.size("bos_token_id", None, least=-1), vocab)
    config = ModelConfig(
        family="bloom",
        n_layers=n_layers,
        d_model=width,
        n_heads=heads,
        d_head=keys.share(width, heads),
        d_vocab=vocab,
        n_ctx=keys.size("seq_length", 2048),
        d_mlp=4 * width,
        act_fn="gelu_new",
        eps=keys.number("layer_norm_epsilon", 1e-5),
        post_embedding_ln=True,
        positional_embedding_type="alibi",
        alibi=Alibi(slopes=alibi_slopes(heads)),
        tied_embeddings=keys.flag("tie_word_embeddings", True),
        biases=frozenset(BIASES) - {"b_gate", "b_U"} | {"ln_embed_b"},
        bos_token_id=bos,
        notes=notes,
        model_name="bloom",
    )
    keys.finish()
    return config


BLOOM = Family(
    "bloom", ("bloom",), read_config, RULES, prefix="transformer.", tied_copy="lm_head.weight", begins_texts=False
)
