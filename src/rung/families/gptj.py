"""GPT-J (Wang & Komatsuzaki 2021): attention and MLP side by side after one norm, adjacent rotary pairs."""

from collections.abc import Collection

from ..config import ModelConfig, Rotary
from .rules import Family, Keys, Rule
from .text import bos_or_none

RULES = (
    Rule("W_E", "wte.weight", "v d -> v d"),
    Rule(("ln1_w", "ln2_w"), "h.{l}.ln_1.weight", "d -> n d"),
    Rule(("ln1_b", "ln2_b"), "h.{l}.ln_1.bias", "d -> n d"),
    Rule("W_Q", "h.{l}.attn.q_proj.weight", "(h e) d -> h d e"),
    Rule("W_K", "h.{l}.attn.k_proj.weight", "(h e) d -> h d e"),
    Rule("W_V", "h.{l}.attn.v_proj.weight", "(h e) d -> h d e"),
    Rule("W_O", "h.{l}.attn.out_proj.weight", "d (h e) -> h e d"),
    Rule("W_in", "h.{l}.mlp.fc_in.weight", "m d -> d m"),
    Rule("b_in", "h.{l}.mlp.fc_in.bias", "m -> m"),
    Rule("W_out", "h.{l}.mlp.fc_out.weight", "d m -> m d"),
    Rule("b_out", "h.{l}.mlp.fc_out.bias", "d -> d"),
    Rule("ln_final_w", "ln_f.weight", "d -> d"),
    Rule("ln_final_b", "ln_f.bias", "d -> d"),
    Rule("W_U", "lm_head.weight", "v d -> d v"),
    Rule("b_U", "lm_head.bias", "v -> v"),
)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' GPTJConfig."""
    keys.assume(rotary_dim=64)
    keys.expect("rotary", True)
    keys.expect("scale_attn_weights", True)
    keys.ignore("attn_pdrop", "embd_pdrop", "resid_pdrop", "n_ctx")
    keys.ignore(*(f"summary_{what}" for what in ("activation", "first_dropout", "proj_to_labels", "type", "use_proj")))
    width, heads, vocab = keys.size("n_embd"), keys.size("n_head"), keys.size("vocab_size")
    d_head = keys.share(width, heads)
    bos, notes = bos_or_none(keys.size("bos_token_id", None, least=-1), vocab)
    config = ModelConfig(
        family="gptj",
        n_layers=keys.size("n_layer", least=0),
        d_model=width,
        n_heads=heads,
        d_head=d_head,
        d_vocab=vocab,
        n_ctx=keys.size("n_positions", 2048),
        d_mlp=keys.size("n_inner", 4 * width),
        act_fn=keys.activation("activation_function", "gelu_new"),
        parallel_attn_mlp=True,
        eps=keys.number("layer_norm_epsilon", 1e-5),
        positional_embedding_type="rotary",
        rotary=Rotary(dim=keys.size("rotary_dim", d_head), pairing="adjacent"),
        tied_embeddings=keys.flag("tie_word_embeddings", False),
        biases=frozenset({"ln1_b", "ln2_b", "b_in", "b_out", "ln_final_b", "b_U"}),
        bos_token_id=bos,
        notes=notes,
        model_name="gptj",
    )
    keys.finish()
    return config


GPTJ = Family(
    "gptj",
    ("gptj",),
    read_config,
    RULES,
    prefix="transformer.",
    ignorable=(r"h\.\d+\.attn\.(bias|masked_bias|embed_positions)",),
    tied_copy="lm_head.weight",
)
