"""GPT-2's config and layout. Logits beside transformers' own: tests/unit/model/test_checkpoint.py."""

from typing import Any

import pytest

from rung.config import BIASES
from rung.errors import ConfigError
from rung.families.gpt2 import GPT2, RULES
from rung.families.rules import Keys


def read(values: dict[str, Any], **changes: Any) -> Any:
    return GPT2.read_config(Keys(values | changes, "gpt2"), [])


def test_the_config_says_what_a_gpt2_is(gpt2_values: dict[str, Any]) -> None:
    config = read(gpt2_values, bos_token_id=0)
    shape = (config.n_layers, config.d_model, config.n_heads, config.d_head, config.d_vocab, config.n_ctx, config.d_mlp)
    assert shape == (2, 12, 3, 4, 13, 10, 48)
    assert (config.act_fn, config.normalization_type, config.eps) == ("gelu_new", "LN", 1e-5)
    assert config.positional_embedding_type == "standard"
    assert config.tied_embeddings is True
    assert config.biases == set(BIASES) - {"b_gate", "b_U"}
    assert (config.family, config.bos_token_id) == ("gpt2", 0)


def test_values_that_differ_are_taken(gpt2_values: dict[str, Any]) -> None:
    config = read(
        gpt2_values, n_inner=7, activation_function="relu", layer_norm_epsilon=1e-3, tie_word_embeddings=False
    )
    assert (config.d_mlp, config.act_fn, config.eps, config.tied_embeddings) == (7, "relu", 1e-3, False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_embd": "12"}, "n_embd = '12'"),
        ({"n_head": 0}, "n_head = 0"),
        ({"n_head": 5}, "a width of 12, which 5 heads cannot share"),
        ({"n_layer": 2.0}, "n_layer = 2.0"),
        ({"n_inner": 0}, "n_inner = 0"),
        ({"n_positions": True}, "n_positions = True"),
        ({"vocab_size": -1}, "vocab_size = -1"),
        ({"bos_token_id": "0"}, "bos_token_id = '0'"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings = 'yes'"),
        ({"layer_norm_epsilon": "small"}, "layer_norm_epsilon = 'small'"),
        ({"activation_function": "tanh"}, "activation_function = 'tanh'"),
        ({"scale_attn_weights": False}, "scale_attn_weights = False"),
        ({"scale_attn_by_inverse_layer_idx": 1}, "scale_attn_by_inverse_layer_idx = 1"),
        ({"add_cross_attention": True}, "add_cross_attention = True"),
        ({"hidden_size": 12}, "hidden_size = 12, which Rung's gpt2 does not understand"),
    ],
)
def test_what_would_be_another_model_is_refused(
    gpt2_values: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read(gpt2_values, **changes)


@pytest.mark.parametrize("key", ["n_embd", "n_head", "n_layer", "vocab_size"])
def test_a_size_that_is_missing_is_named(gpt2_values: dict[str, Any], key: str) -> None:
    del gpt2_values[key]
    with pytest.raises(ConfigError, match=f"no '{key}', which a gpt2 model needs"):
        read(gpt2_values)


@pytest.mark.parametrize("outside", [13, -1])
def test_a_first_token_outside_the_vocabulary_is_noted(gpt2_values: dict[str, Any], outside: int) -> None:
    config = read(gpt2_values, bos_token_id=outside)
    assert config.bos_token_id is None
    assert "outside the vocabulary of 13" in config.notes[0]


def test_no_two_rules_read_one_tensor_or_fill_one_weight() -> None:
    theirs = [rule.theirs for rule in RULES]
    ours = [name for rule in RULES for name in rule.names]
    assert len(set(theirs)) == len(theirs)
    assert len(set(ours)) == len(ours)
