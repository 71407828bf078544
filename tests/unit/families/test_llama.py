"""Llama's config and layout. Logits beside transformers' own: tests/unit/model/test_checkpoint.py."""

from typing import Any

import pytest

from rung.config import Rotary
from rung.errors import ConfigError
from rung.families.llama import LLAMA, RULES
from rung.families.rules import Keys


def read(values: dict[str, Any], **changes: Any) -> Any:
    return LLAMA.read_config(Keys(values | changes, "llama"), [])


def test_the_config_says_what_a_llama_is(llama_values: dict[str, Any]) -> None:
    config = read(llama_values)
    shape = (config.n_layers, config.d_model, config.n_heads, config.d_head, config.n_kv, config.d_mlp, config.n_ctx)
    assert shape == (2, 12, 6, 2, 2, 20, 10)
    assert (config.act_fn, config.gated_mlp, config.normalization_type, config.eps) == ("silu", True, "RMS", 1e-6)
    assert config.rotary == Rotary(dim=2, base=10000.0)
    assert (config.tied_embeddings, config.biases, config.bos_token_id) == (False, frozenset(), None)


def test_values_that_differ_are_taken(llama_values: dict[str, Any]) -> None:
    config = read(
        llama_values, head_dim=4, num_key_value_heads=None, attention_bias=True, mlp_bias=True, rope_theta=5e5
    )
    assert (config.d_head, config.n_kv, config.grouped) == (4, 6, False)
    assert config.biases == {"b_Q", "b_K", "b_V", "b_O", "b_gate", "b_in", "b_out"}
    assert config.rotary == Rotary(dim=4, base=5e5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_size": 12.0}, "hidden_size = 12.0"),
        ({"num_attention_heads": "6"}, "num_attention_heads = '6'"),
        ({"num_attention_heads": 0}, "num_attention_heads = 0"),
        ({"num_attention_heads": 5, "num_key_value_heads": 1}, "a width of 12, which 5 heads cannot share"),
        ({"num_key_value_heads": 4}, "6 query heads cannot share 4 key/value heads evenly"),
        ({"num_key_value_heads": 0}, "num_key_value_heads = 0"),
        ({"head_dim": 0}, "head_dim = 0"),
        ({"head_dim": 3}, "rotary dim is 3|dim is 3; it must be even"),
        ({"num_hidden_layers": -1}, "num_hidden_layers = -1"),
        ({"intermediate_size": None}, "intermediate_size = None"),
        ({"rms_norm_eps": -1e-6}, "rms_norm_eps = -1e-06"),
        ({"attention_bias": 1}, "attention_bias = 1"),
        ({"mlp_bias": "no"}, "mlp_bias = 'no'"),
        ({"tie_word_embeddings": None}, "tie_word_embeddings = None"),
        ({"hidden_act": "geglu"}, "hidden_act = 'geglu'"),
        ({"rope_interleaved": True}, "rope_interleaved = True"),
        ({"rope_scaling": {"rope_type": "unknown"}}, "rope_type is 'unknown'; known are"),
        ({"sliding_window": 4}, "sliding_window = 4, which Rung's llama does not understand"),
    ],
)
def test_what_would_be_another_model_is_refused(
    llama_values: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read(llama_values, **changes)


def test_no_two_rules_read_one_tensor_or_fill_one_weight() -> None:
    theirs, ours = [rule.theirs for rule in RULES], [name for rule in RULES for name in rule.names]
    assert len(set(theirs)) == len(theirs)
    assert len(set(ours)) == len(ours)
