"""OPT (Zhang et al. 2022, arXiv:2205.01068): learned positions whose first two rows stand for no token's place."""

from collections.abc import Collection

from ..config import BIASES, ModelConfig
from .rules import Family, Keys, Rule
from .text import bos_or_none

_HERE = "decoder.layers.{l}"
RULES = (
    Rule("W_E", "decoder.embed_tokens.weight", "v d -> v d"),
    Rule("W_pos", "decoder.embed_positions.weight", "c d -> c d", skip=2),
    Rule("ln1_w", f"{_HERE}.self_attn_layer_norm.weight", "d -> d"),
    Rule("ln1_b", f"{_HERE}.self_attn_layer_norm.bias", "d -> d"),
    *(Rule(f"W_{x}", f"{_HERE}.self_attn.{x.lower()}_proj.weight", "(h e) d -> h d e") for x in "QKV"),
    *(Rule(f"b_{x}", f"{_HERE}.self_attn.{x.lower()}_proj.bias", "(h e) -> h e") for x in "QKV"),
    Rule("W_O", f"{_HERE}.self_attn.out_proj.weight", "d (h e) -> h e d"),
    Rule("b_O", f"{_HERE}.self_attn.out_proj.bias", "d -> d"),
    Rule("ln2_w", f"{_HERE}.final_layer_norm.weight", "d -> d"),
    Rule("ln2_b", f"{_HERE}.final_layer_norm.bias", "d -> d"),
    Rule("W_in", f"{_HERE}.fc1.weight", "m d -> d m"),
    Rule("b_in", f"{_HERE}.fc1.bias", "m -> m"),
    Rule("W_out", f"{_HERE}.fc2.weight", "d m -> m d"),
    Rule("b_out", f"{_HERE}.fc2.bias", "d -> d"),
    Rule("ln_final_w", "decoder.final_layer_norm.weight", "d -> d"),
    Rule("ln_final_b", "decoder.final_layer_norm.bias", "d -> d"),
    Rule("W_U", "lm_head.weight", "v d -> d v"),
)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' OPTConfig. The layout of opt-350m (norms of the sum, narrow embeddings) is refused."""
    width, heads, vocab = keys.size("hidden_size"), keys.size("num_attention_heads"), keys.size("vocab_size")
    keys.expect("do_layer_norm_before", True)
    keys.expect("_remove_final_layer_norm", False)
    keys.expect("word_embed_proj_dim", width, None)
    keys.expect("layer_norm_elementwise_affine", True)
    keys.ignore("dropout", "attention_dropout", "activation_dropout", "layerdrop", "init_std")
    bos, notes = bos_or_none(keys.size("bos_token_id", None, least=-1), vocab)
    biases = frozenset(BIASES) - {"b_gate", "b_U"}
    if not keys.flag("enable_bias", True):
        biases = frozenset({"ln1_b", "ln2_b", "ln_final_b"})
    config = ModelConfig(
        family="opt",
        n_layers=keys.size("num_hidden_layers", least=0),
        d_model=width,
        n_heads=heads,
        d_head=keys.share(width, heads),
        d_vocab=vocab,
        n_ctx=keys.size("max_position_embeddings", 2048),
        d_mlp=keys.size("ffn_dim"),
        act_fn=keys.activation("activation_function", "relu"),
        tied_embeddings=keys.flag("tie_word_embeddings", True),
        biases=biases,
        bos_token_id=bos,
        notes=notes,
        model_name="opt",
    )
    keys.finish()
    return config


OPT = Family("opt", ("opt",), read_config, RULES, prefix="model.", tied_copy="lm_head.weight")
