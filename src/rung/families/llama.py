"""Llama (Touvron et al. 2023, arXiv:2302.13971) and those that differ from it by a window or by which biases there are.

RMSNorm, rotary positions, gated MLP, grouped queries.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from ..config import ModelConfig
from ..errors import ConfigError
from .llama_like import (
    ATTENTION,
    BEFORE_MLP,
    GATED_MLP,
    ROTARY_TABLES,
    build,
    gated_biases,
    read_gated,
    read_optional_windows,
    read_windows,
)
from .rules import Family, Keys

RULES = (*ATTENTION, *BEFORE_MLP, *GATED_MLP)


def read_llama(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' LlamaConfig."""
    keys.expect("rope_interleaved", False)
    keys.ignore("is_llama_config", "max_sequence_length")
    return build(keys, "llama", read_gated(keys), biases=gated_biases(keys))


def read_mistral(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' MistralConfig (Jiang et al. 2023, arXiv:2310.06825): every layer sees a window."""
    keys.assume(num_key_value_heads=8, max_position_embeddings=131072, sliding_window=4096)
    shape = read_gated(keys)
    return build(keys, "mistral", shape, windows=read_windows(keys, shape["n_layers"]))


def read_ministral(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' MinistralConfig: windows where `layer_types` says so."""
    keys.assume(num_key_value_heads=8, max_position_embeddings=131072, sliding_window=4096)
    shape = read_gated(keys)
    return build(keys, "ministral", shape, windows=read_windows(keys, shape["n_layers"]))


def read_mistral3(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Mistral3Config: the model of text in a model that also sees images, which is left out.

    Files say little of whether embeddings are tied; where they say nothing, they are if there is no lm_head.
    """
    keys.ignore("vision_config", "image_token_index", "image_token_id", "projector_hidden_act", "vision_feature_layer")
    keys.ignore("multimodal_projector_bias", "spatial_merge_size")
    values, tied = keys.take("text_config"), keys.take("tie_word_embeddings", None)
    bos = keys.size("bos_token_id", 1, least=-1)
    keys.finish()
    if not isinstance(values, Mapping) or values.get("model_type", "mistral") != "mistral":
        raise ConfigError(f"config.json says text_config = {values!r}; Rung's mistral3 reads one of model_type mistral")
    text = Keys(values, "mistral3")
    if tied is None:
        tied = values.get("tie_word_embeddings", not any(name.endswith("lm_head.weight") for name in names))
    text.put("tie_word_embeddings", tied)
    text.assume(bos_token_id=bos)
    config = read_mistral(text, names)
    return replace(
        config,
        family="mistral3",
        model_name="mistral3",
        notes=(*config.notes, "it also sees images; that part was left out"),
    )


def read_qwen2(keys: Keys, names: Collection[str]) -> ModelConfig:
    """Transformers' Qwen2Config (Yang et al. 2024, arXiv:2407.10671): biases on queries, keys and values."""
    keys.assume(num_key_value_heads=32, max_position_embeddings=32768, sliding_window=4096)
    keys.expect("use_mrope", False)
    shape = read_gated(keys)
    windows = read_optional_windows(keys, shape["n_layers"])
    return build(keys, "qwen2", shape, windows=windows, biases=frozenset({"b_Q", "b_K", "b_V"}))


LLAMA = Family("llama", ("llama",), read_llama, RULES, ignorable=ROTARY_TABLES, tied_copy="lm_head.weight")
MISTRAL = Family("mistral", ("mistral",), read_mistral, RULES, tied_copy="lm_head.weight")
QWEN2 = Family("qwen2", ("qwen2",), read_qwen2, RULES, tied_copy="lm_head.weight", begins_texts=False)
MINISTRAL = Family("ministral", ("ministral",), read_ministral, RULES, tied_copy="lm_head.weight")
MISTRAL3 = Family(
    "mistral3",
    ("mistral3",),
    read_mistral3,
    RULES,
    prefix="language_model.",
    ignorable=(r"(vision_tower|multi_modal_projector)\..*",),
    tied_copy="lm_head.weight",
)
