"""BioGPT (Luo et al. 2022, arXiv:2210.10341): OPT's positions, embeddings multiplied by √d_model."""

import math
from collections.abc import Collection

from ..config import BIASES, ModelConfig
from .opt import RULES as OPT_RULES
from .rules import Family, Keys
from .text import bos_or_none

_NAMES = {"decoder.final_layer_norm": "layer_norm", "lm_head": "output_projection"}


def _renamed(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{_NAMES.get(stem, stem).removeprefix('decoder.')}.{ending}"


RULES = tuple(rule._replace(theirs=_renamed(rule.theirs)) for rule in OPT_RULES)


def read_config(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' BioGptConfig, whose `layer_norm_eps` no norm reads."""
    keys.ignore("hidden_dropout_prob", "attention_probs_dropout_prob", "activation_dropout", "layerdrop")
    keys.ignore("layer_norm_eps")
    width, heads, vocab = keys.size("hidden_size"), keys.size("num_attention_heads"), keys.size("vocab_size")
    bos, notes = bos_or_none(keys.size("bos_token_id", None, least=-1), vocab)
    config = ModelConfig(
        family="biogpt",
        n_layers=keys.size("num_hidden_layers", least=0),
        d_model=width,
        n_heads=heads,
        d_head=keys.share(width, heads),
        d_vocab=vocab,
        n_ctx=keys.size("max_position_embeddings", 1024),
        d_mlp=keys.size("intermediate_size"),
        act_fn=keys.activation("hidden_act", "gelu"),
        embed_scale=math.sqrt(width) if keys.flag("scale_embedding", True) else 1.0,
        tied_embeddings=keys.flag("tie_word_embeddings", True),
        biases=frozenset(BIASES) - {"b_gate", "b_U"},
        bos_token_id=bos,
        notes=notes,
        model_name="biogpt",
    )
    keys.finish()
    return config


BIOGPT = Family("biogpt", ("biogpt",), read_config, RULES, prefix="biogpt.", tied_copy="output_projection.weight")
