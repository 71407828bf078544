"""GPT-Neo (Black et al. 2021): GPT-2 with every other layer local, undivided scores, no biases on q, k, v."""

from collections.abc import Collection
from typing import Any

from ..config import BIASES, ModelConfig
from ..errors import ConfigError
from .gpt2 import ENDS, NORMS
from .rules import Family, Keys, Rule
from .text import bos_or_none

_HERE = "h.{l}.attn.attention"
RULES = (
    *ENDS,
    *NORMS,
    Rule("W_Q", f"{_HERE}.q_proj.weight", "(h e) d -> h d e"),
    Rule("W_K", f"{_HERE}.k_proj.weight", "(h e) d -> h d e"),
    Rule("W_V", f"{_HERE}.v_proj.weight", "(h e) d -> h d e"),
    Rule("W_O", f"{_HERE}.out_proj.weight", "d (h e) -> h e d"),
    Rule("b_O", f"{_HERE}.out_proj.bias", "d -> d"),
    Rule("W_in", "h.{l}.mlp.c_fc.weight", "m d -> d m"),
    Rule("b_in", "h.{l}.mlp.c_fc.bias", "m -> m"),
    Rule("W_out", "h.{l}.mlp.c_proj.weight", "d m -> m d"),
    Rule("b_out", "h.{l}.mlp.c_proj.bias", "d -> d"),
)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' GPTNeoConfig."""
    keys.ignore("attention_dropout", "embed_dropout", "resid_dropout", "classifier_dropout", "attention_layers")
    keys.ignore(*(f"summary_{what}" for what in _SUMMARY))
    width, heads, vocab = keys.size("hidden_size"), keys.size("num_heads"), keys.size("vocab_size")
    n_layers, window = keys.size("num_layers", least=0), keys.size("window_size", 256)
    local = _local_layers(keys.take("attention_types", [[["global", "local"], n_layers // 2]]), n_layers)
    bos, notes = bos_or_none(keys.size("bos_token_id", None, least=-1), vocab)
    config = ModelConfig(
        family="gpt_neo",
        n_layers=n_layers,
        d_model=width,
        n_heads=heads,
        d_head=keys.share(width, heads),
        d_vocab=vocab,
        n_ctx=keys.size("max_position_embeddings", 2048),
        d_mlp=keys.size("intermediate_size", 4 * width),
        act_fn=keys.activation("activation_function", "gelu_new"),
        eps=keys.number("layer_norm_epsilon", 1e-5),
        windows=tuple(window if here else None for here in local) if any(local) else None,
        attn_scale=1.0,
        tied_embeddings=keys.flag("tie_word_embeddings", True),
        biases=frozenset(BIASES) - {"b_Q", "b_K", "b_V", "b_gate", "b_U"},
        bos_token_id=bos,
        notes=notes,
        model_name="gpt_neo",
    )
    keys.finish()
    return config


_SUMMARY = ("activation", "first_dropout", "proj_to_labels", "type", "use_proj")


def _local_layers(types: Any, n_layers: int) -> list[bool]:
    """[[["global", "local"], 6]] is those two, six times over."""
    try:
        kinds = [kind for pattern, times in types for _ in range(times) for kind in pattern]
    except (TypeError, ValueError):
        kinds = []
    if len(kinds) != n_layers or not all(kind in ("global", "local") for kind in kinds):
        raise ConfigError(
            f"config.json says attention_types = {types!r}; each of {n_layers} layers must be 'global' or 'local'"
        )
    return [kind == "local" for kind in kinds]


GPT_NEO = Family(
    "gpt_neo",
    ("gpt_neo",),
    read_config,
    RULES,
    prefix="transformer.",
    ignorable=(r"h\.\d+\.attn\.attention\.(bias|masked_bias)",),
    tied_copy="lm_head.weight",
)
