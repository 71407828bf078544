"""GPT-2 (Radford et al. 2019): LayerNorm, learned positions, biases everywhere, tied embeddings, fused q, k, v."""

from collections.abc import Collection

from ..config import BIASES, ModelConfig
from .rules import Family, Keys, Rule
from .text import bos_or_none

ENDS = (
    Rule("W_E", "wte.weight", "v d -> v d"),
    Rule("W_pos", "wpe.weight", "c d -> c d"),
    Rule("ln_final_w", "ln_f.weight", "d -> d"),
    Rule("ln_final_b", "ln_f.bias", "d -> d"),
    Rule("W_U", "lm_head.weight", "v d -> d v"),
)
NORMS = (
    Rule("ln1_w", "h.{l}.ln_1.weight", "d -> d"),
    Rule("ln1_b", "h.{l}.ln_1.bias", "d -> d"),
    Rule("ln2_w", "h.{l}.ln_2.weight", "d -> d"),
    Rule("ln2_b", "h.{l}.ln_2.bias", "d -> d"),
)
RULES = (
    *ENDS,
    *NORMS,
    Rule(("W_Q", "W_K", "W_V"), "h.{l}.attn.c_attn.weight", "d (n h e) -> n h d e"),
    Rule(("b_Q", "b_K", "b_V"), "h.{l}.attn.c_attn.bias", "(n h e) -> n h e"),
    Rule("W_O", "h.{l}.attn.c_proj.weight", "(h e) d -> h e d"),
    Rule("b_O", "h.{l}.attn.c_proj.bias", "d -> d"),
    Rule("W_in", "h.{l}.mlp.c_fc.weight", "d m -> d m"),
    Rule("b_in", "h.{l}.mlp.c_fc.bias", "m -> m"),
    Rule("W_out", "h.{l}.mlp.c_proj.weight", "m d -> m d"),
    Rule("b_out", "h.{l}.mlp.c_proj.bias", "d -> d"),
)


def rules(config: ModelConfig, names: Collection[str]) -> tuple[Rule, ...]:
    """The table; where a layer's scores are divided by its number (Karamcheti et al. 2021, Mistral), queries are."""
    divided = ("W_Q", "b_Q") if config.scores_over_layer else ()
    return tuple(rule._replace(over_layer=divided) for rule in RULES)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' GPT2Config."""
    keys.expect("scale_attn_weights", True)
    keys.ignore("attn_pdrop", "embd_pdrop", "resid_pdrop", "reorder_and_upcast_attn", "n_ctx", "n_special")
    keys.ignore("predict_special_tokens")
    keys.ignore(*(f"summary_{what}" for what in ("activation", "first_dropout", "proj_to_labels", "type", "use_proj")))
    width, heads, vocab = keys.size("n_embd"), keys.size("n_head"), keys.size("vocab_size")
    bos, notes = bos_or_none(keys.size("bos_token_id", None, least=-1), vocab)
    config = ModelConfig(
        family="gpt2",
        n_layers=keys.size("n_layer", least=0),
        d_model=width,
        n_heads=heads,
        d_head=keys.share(width, heads),
        d_vocab=vocab,
        n_ctx=keys.size("n_positions", 1024),
        d_mlp=keys.size("n_inner", 4 * width),
        act_fn=keys.activation("activation_function", "gelu_new"),
        eps=keys.number("layer_norm_epsilon", 1e-5),
        scores_over_layer=keys.flag("scale_attn_by_inverse_layer_idx", False),
        tied_embeddings=keys.flag("tie_word_embeddings", True),
        biases=frozenset(BIASES) - {"b_gate", "b_U"},
        bos_token_id=bos,
        notes=notes,
        model_name="gpt2",
    )
    keys.finish()
    return config


GPT2 = Family(
    "gpt2",
    ("gpt2",),
    read_config,
    rules,
    prefix="transformer.",
    ignorable=(r"h\.\d+\.attn\.(bias|masked_bias)",),
    tied_copy="lm_head.weight",
)
