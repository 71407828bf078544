"""What most configs since Llama share: windows in three spellings, biases by flags, contexts that grow."""

from collections.abc import Callable
from typing import Any

import pytest

from rung.config import ModelConfig
from rung.errors import ConfigError
from rung.families.llama_like import gated_biases, read_optional_windows, read_windows
from rung.families.rules import Keys

SLIDE, FULL = "sliding_attention", "full_attention"


def keys(**values: Any) -> Keys:
    return Keys(values, "toy")


def test_layer_types_say_which_layers_see_a_window() -> None:
    assert read_windows(keys(sliding_window=8, layer_types=[SLIDE, FULL, SLIDE]), 3) == (8, None, 8)
    assert read_windows(keys(sliding_window=8), 2) == (8, 8)
    assert read_windows(keys(sliding_window=8), 3, lambda layer: layer > 1) == (None, None, 8)
    # What the layers are called outweighs the rule.
    assert read_windows(keys(sliding_window=8, layer_types=[FULL, SLIDE]), 2, lambda layer: layer == 0) == (None, 8)


def test_no_window_anywhere_is_none() -> None:
    assert read_windows(keys(), 2) is None
    assert read_windows(keys(sliding_window=0), 2) is None
    assert read_windows(keys(sliding_window=None, layer_types=[SLIDE, SLIDE]), 2) is None
    assert read_windows(keys(sliding_window=8, layer_types=[FULL, FULL]), 2) is None


def test_windows_that_are_optional() -> None:
    on = {"use_sliding_window": True, "sliding_window": 8}
    assert read_optional_windows(keys(**on, max_window_layers=1), 3) == (None, 8, 8)
    assert read_optional_windows(keys(**on), 3) is None
    assert read_optional_windows(keys(**on, layer_types=[SLIDE, FULL, FULL]), 3) == (8, None, None)
    off = keys(sliding_window=8, max_window_layers=0)
    assert read_optional_windows(off, 3) is None
    off.finish()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"layer_types": [SLIDE]}, "layer_types = .*each of 2 layers must be sliding_attention or full_attention"),
        ({"layer_types": [SLIDE, "chunked_attention"]}, "'chunked_attention'.*must be sliding_attention or full"),
        ({"layer_types": SLIDE}, "layer_types = 'sliding_attention'"),
        ({"layer_types": [SLIDE, [FULL]]}, "layer_types = "),
        ({"sliding_window": -1}, "sliding_window = -1; it must be a whole number of at least 0"),
        ({"sliding_window": "8"}, "sliding_window = '8'"),
        ({"use_sliding_window": 1}, "use_sliding_window = 1; it must be true or false"),
        ({"max_window_layers": -1}, "max_window_layers = -1"),
    ],
)
def test_windows_that_cannot_be_read(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_optional_windows(keys(**values), 2)


def test_biases_come_by_two_flags() -> None:
    assert gated_biases(keys()) == frozenset()
    assert gated_biases(keys(attention_bias=True)) == {"b_Q", "b_K", "b_V", "b_O"}
    assert gated_biases(keys(mlp_bias=True)) == {"b_gate", "b_in", "b_out"}


def test_a_context_whose_base_grows_is_longer(read: Callable[..., ModelConfig]) -> None:
    assert read("llama", head_dim=4, rope_scaling={"type": "dynamic", "factor": 3.0}).n_ctx == 30
    assert read("llama", head_dim=4, rope_scaling={"type": "linear", "factor": 3.0}).n_ctx == 10


def test_sizes_that_are_silent_follow_from_others(read: Callable[..., ModelConfig]) -> None:
    config = read("llama", num_key_value_heads=None, max_position_embeddings=None)
    assert (config.n_kv, config.d_head, config.n_ctx) == (6, 2, 2048)
