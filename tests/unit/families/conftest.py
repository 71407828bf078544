"""Configs as transformers writes them."""

from typing import Any

import pytest


@pytest.fixture
def gpt2_values() -> dict[str, Any]:
    """A GPT-2 config.json, as small as can be."""
    return {"model_type": "gpt2", "n_embd": 12, "n_head": 3, "n_layer": 2, "n_positions": 10, "vocab_size": 13}


@pytest.fixture
def llama_values() -> dict[str, Any]:
    """A Llama config.json, as small as can be."""
    return {
        "model_type": "llama", "hidden_size": 12, "num_attention_heads": 6, "num_key_value_heads": 2,
        "num_hidden_layers": 2, "intermediate_size": 20, "max_position_embeddings": 10, "vocab_size": 13,
    }  # fmt: skip


@pytest.fixture
def toy_values() -> dict[str, Any]:
    """An attention-only config.json in classic fields."""
    return {
        "model_type": "attn_only", "n_layers": 2, "d_model": 12, "n_heads": 3, "n_ctx": 10, "d_vocab": 13,
        "positional_embedding_type": "shortformer", "normalization_type": None, "attn_only": True,
    }  # fmt: skip
