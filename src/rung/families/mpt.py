"""MPT (MosaicML 2023): positions as slopes, LayerNorm and products without biases, fused q, k, v."""

from collections.abc import Collection, Mapping

from ..config import Alibi, ModelConfig
from ..errors import ConfigError
from .rules import Family, Keys, Rule
from .text import bos_or_none

RULES = (
    Rule("W_E", "wte.weight", "v d -> v d"),
    Rule("ln1_w", "blocks.{l}.norm_1.weight", "d -> d"),
    Rule(("W_Q", "W_K", "W_V"), "blocks.{l}.attn.Wqkv.weight", "(n h e) d -> n h d e"),
    Rule("W_O", "blocks.{l}.attn.out_proj.weight", "d (h e) -> h e d"),
    Rule("ln2_w", "blocks.{l}.norm_2.weight", "d -> d"),
    Rule("W_in", "blocks.{l}.ffn.up_proj.weight", "m d -> d m"),
    Rule("W_out", "blocks.{l}.ffn.down_proj.weight", "d m -> m d"),
    Rule("ln_final_w", "norm_f.weight", "d -> d"),
    Rule("W_U", "lm_head.weight", "v d -> d v"),
)


def slopes(n_heads: int, largest: float = 8) -> tuple[float, ...]:
    """2^(−largest · i / n) of the next power of two; other counts of heads take every other one of them first."""
    whole = 1 << (n_heads - 1).bit_length()
    every = [2.0 ** (-largest * i / whole) for i in range(1, whole + 1)]
    return tuple(every if whole == n_heads else (every[1::2] + every[::2])[:n_heads])


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' MptConfig."""
    keys.expect("no_bias", True)
    keys.expect("embedding_fraction", 1.0)
    keys.expect("norm_type", "low_precision_layernorm", "layernorm")
    keys.expect("expansion_ratio", 4)
    keys.expect("logit_scale", None)
    keys.ignore("resid_pdrop", "emb_pdrop", "init_device", "init_config", "verbose", "learned_pos_emb")
    keys.ignore("tokenizer_name")
    values = keys.take("attn_config", {})
    if not isinstance(values, Mapping):
        raise ConfigError(f"config.json says attn_config = {values!r}; it must be an object of keys and values")
    attn = Keys(values, "mpt")
    attn.ignore("attn_pdrop", "attn_impl", "attn_uses_sequence_id")
    attn.expect("attn_type", "multihead_attention")
    attn.expect("qk_ln", False)
    attn.expect("prefix_lm", False)
    attn.expect("alibi", True)
    width, heads, vocab = keys.size("d_model"), keys.size("n_heads"), keys.size("vocab_size")
    attn.expect("alibi_bias_max", 8)  # transformers' own forward takes 8 whatever the file says
    scale, clip = attn.number("softmax_scale", None), attn.take("clip_qkv", None)
    attn.finish()
    bos, notes = bos_or_none(keys.size("bos_token_id", None, least=-1), vocab)
    config = ModelConfig(
        family="mpt",
        n_layers=keys.size("n_layers", least=0),
        d_model=width,
        n_heads=heads,
        d_head=keys.share(width, heads),
        d_vocab=vocab,
        n_ctx=keys.size("max_seq_len", 2048),
        d_mlp=4 * width,
        act_fn="gelu",
        eps=keys.number("layer_norm_epsilon", 1e-5),
        positional_embedding_type="alibi",
        alibi=Alibi(slopes=slopes(heads)),
        attn_scale=None if scale is None else 1 / scale,
        clip_qkv=clip or None,
        tied_embeddings=keys.flag("tie_word_embeddings", True),
        bos_token_id=bos,
        notes=notes,
        model_name="mpt",
    )
    keys.finish()
    return config


MPT = Family("mpt", ("mpt",), read_config, RULES, prefix="transformer.", tied_copy="lm_head.weight")
