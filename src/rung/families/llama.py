"""Llama (Touvron et al. 2023, arXiv:2302.13971) and its kin: RMSNorm, rotary positions, gated MLP, grouped queries."""

from collections.abc import Collection

from ..config import ModelConfig
from .rotary import read_rotary
from .rules import Family, Keys, Rule
from .text import bos_or_none

RULES = (
    Rule("W_E", "model.embed_tokens.weight", "v d -> v d"),
    Rule("ln1_w", "model.layers.{l}.input_layernorm.weight", "d -> d"),
    Rule("W_Q", "model.layers.{l}.self_attn.q_proj.weight", "(h e) d -> h d e"),
    Rule("W_K", "model.layers.{l}.self_attn.k_proj.weight", "(k e) d -> k d e"),
    Rule("W_V", "model.layers.{l}.self_attn.v_proj.weight", "(k e) d -> k d e"),
    Rule("W_O", "model.layers.{l}.self_attn.o_proj.weight", "d (h e) -> h e d"),
    Rule("b_Q", "model.layers.{l}.self_attn.q_proj.bias", "(h e) -> h e"),
    Rule("b_K", "model.layers.{l}.self_attn.k_proj.bias", "(k e) -> k e"),
    Rule("b_V", "model.layers.{l}.self_attn.v_proj.bias", "(k e) -> k e"),
    Rule("b_O", "model.layers.{l}.self_attn.o_proj.bias", "d -> d"),
    Rule("ln2_w", "model.layers.{l}.post_attention_layernorm.weight", "d -> d"),
    Rule("W_gate", "model.layers.{l}.mlp.gate_proj.weight", "m d -> d m"),
    Rule("W_in", "model.layers.{l}.mlp.up_proj.weight", "m d -> d m"),
    Rule("W_out", "model.layers.{l}.mlp.down_proj.weight", "d m -> m d"),
    Rule("b_gate", "model.layers.{l}.mlp.gate_proj.bias", "m -> m"),
    Rule("b_in", "model.layers.{l}.mlp.up_proj.bias", "m -> m"),
    Rule("b_out", "model.layers.{l}.mlp.down_proj.bias", "d -> d"),
    Rule("ln_final_w", "model.norm.weight", "d -> d"),
    Rule("W_U", "lm_head.weight", "v d -> d v"),
)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' LlamaConfig."""
    keys.expect("rope_interleaved", False)
    keys.ignore("attention_dropout", "pretraining_tp", "is_llama_config")
    width, heads, vocab = keys.size("hidden_size"), keys.size("num_attention_heads"), keys.size("vocab_size")
    d_head = keys.size("head_dim", None) or keys.share(width, heads)
    bos, notes = bos_or_none(keys.size("bos_token_id", None, least=-1), vocab)
    biases = {"b_Q", "b_K", "b_V", "b_O"} if keys.flag("attention_bias", False) else set()
    if keys.flag("mlp_bias", False):
        biases |= {"b_gate", "b_in", "b_out"}
    config = ModelConfig(
        family="llama",
        n_layers=keys.size("num_hidden_layers", least=0),
        d_model=width,
        n_heads=heads,
        d_head=d_head,
        n_key_value_heads=keys.size("num_key_value_heads", heads),
        d_vocab=vocab,
        n_ctx=keys.size("max_position_embeddings", 2048),
        d_mlp=keys.size("intermediate_size"),
        act_fn=keys.activation("hidden_act", "silu"),
        gated_mlp=True,
        normalization_type="RMS",
        eps=keys.number("rms_norm_eps", 1e-6),
        positional_embedding_type="rotary",
        rotary=read_rotary(keys, d_head),
        tied_embeddings=keys.flag("tie_word_embeddings", False),
        biases=frozenset(biases),
        bos_token_id=bos,
        notes=notes,
        model_name="llama",
    )
    keys.finish()
    return config


LLAMA = Family(
    "llama",
    ("llama",),
    read_config,
    lambda config: RULES,
    ignorable=(r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq",),
    tied_copy="lm_head.weight",
)
