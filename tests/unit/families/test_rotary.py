"""Rotary settings in both spellings, agreeing and not."""

from typing import Any

import pytest

from rung.config import Rotary, RotaryScaling
from rung.errors import ConfigError
from rung.families.rotary import read_rotary
from rung.families.rules import Keys

LLAMA3 = {
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
SCALED = RotaryScaling(kind="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_n_ctx=16)

DOUBLED = RotaryScaling(kind="linear", factor=2.0)


def read(**values: Any) -> Rotary:
    keys = Keys(values, "toy")
    found = read_rotary(keys, 8, 8192)
    keys.finish()
    return found


def test_nothing_said_is_the_default() -> None:
    wanted = Rotary(dim=8, base=10000.0)
    assert read() == read(rope_scaling=None, rope_parameters=None, rope_theta=None) == wanted
    assert read(rope_parameters={"rope_type": "default", "rope_theta": 10000}) == wanted


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ({"type": "linear", "factor": 2}, {"rope_type": "linear", "factor": 2.0}, DOUBLED),
        ({"rope_type": "llama3", **LLAMA3}, {"rope_type": "llama3", **LLAMA3}, SCALED),
        ({"type": "llama3", "rope_type": "llama3", **LLAMA3}, {"rope_type": "llama3", **LLAMA3}, SCALED),
        ({"type": "default"}, {"rope_type": "default"}, None),
    ],
)  # fmt: skip
def test_old_and_new_spellings_mean_the_same(
    old: dict[str, Any], new: dict[str, Any], wanted: RotaryScaling | None
) -> None:
    rotary = Rotary(dim=8, base=5e4, scaling=wanted)
    assert read(rope_theta=5e4, rope_scaling=old) == rotary
    assert read(rope_parameters={**new, "rope_theta": 50000}) == rotary
    assert read(rope_theta=5e4, rope_scaling=old, rope_parameters={**new, "rope_theta": 5e4}) == rotary
    assert read(rope_scaling=old, rope_parameters={"rope_theta": 5e4}) == rotary


def test_part_of_a_head_may_turn() -> None:
    assert read(rope_parameters={"rope_type": "default", "partial_rotary_factor": 0.5}).dim == 4
    assert read(rope_scaling={"partial_rotary_factor": 1}).dim == 8


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rope_theta": 1e4, "rope_parameters": {"rope_theta": 5e5}}, "rope_theta as 10000.0 and as 500000.0"),
        ({"rope_scaling": {"rope_theta": 2.0}, "rope_parameters": {"rope_theta": 3.0}}, "rope_theta as 2.0 and as 3.0"),
        (
            {"rope_scaling": {"type": "linear", "factor": 2.0}, "rope_parameters": {"rope_type": "default"}},
            "rope_type as linear and as default",
        ),
        (
            {"rope_scaling": {"type": "linear", "factor": 2.0}, "rope_parameters": {"type": "linear", "factor": 4.0}},
            "rope_type 'linear' as .*factor=2.0.* and as .*factor=4.0",
        ),
        ({"rope_scaling": {"type": "linear", "rope_type": "llama3", **LLAMA3}}, "rope_scaling as linear and as llama3"),
        (
            {
                "rope_scaling": {"partial_rotary_factor": 0.5},
                "rope_parameters": {"partial_rotary_factor": 0.25},
            },
            "partial_rotary_factor as 0.5 and as 0.25",
        ),
        ({"rope_scaling": {"rope_type": "unknown"}}, "rope_type is 'unknown'; known are default, linear, llama3"),
        ({"rope_scaling": {"rope_type": "lama3", **LLAMA3}}, "'lama3'.* Near names: llama3"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 2.0}}, "rope_type is 'yarn'"),
        ({"rope_scaling": {"rope_type": ["linear"], "factor": 2.0}}, "rope_type is .*known are"),
        ({"rope_scaling": {"rope_type": 3}}, "rope_type is 3"),
        ({"rope_scaling": {"type": "linear"}}, "rope_scaling of type 'linear' lacks 'factor'"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0, "beta": 1}}, "has 'beta', which is not understood"),
        ({"rope_parameters": {"rope_type": "default", "factor": 2.0}}, "has 'factor', which is not understood"),
        ({"rope_scaling": {"factor": 2.0}}, "of type 'default' has 'factor'"),
        ({"rope_scaling": {"type": "linear", "factor": "2"}}, "factor = '2'; it must be a finite number"),
        ({"rope_scaling": {"type": "linear", "factor": None}}, "factor = None; it must be a finite number"),
        ({"rope_scaling": {"type": "linear", "factor": 0}}, "factor = 0; it must be a finite number"),
        ({"rope_scaling": {"type": "linear", "factor": True}}, "factor = True"),
        (
            {"rope_scaling": {"rope_type": "llama3", **LLAMA3, "original_max_position_embeddings": 16.0}},
            "original_max_position_embeddings = 16.0; it must be a whole number",
        ),
        ({"rope_scaling": {"rope_type": "llama3", **LLAMA3, "high_freq_factor": 1.0}}, "must be the smaller"),
        ({"rope_scaling": "linear"}, "rope_scaling = 'linear'; it must be an object"),
        ({"rope_parameters": [1]}, "rope_parameters = .*it must be an object"),
        ({"rope_theta": "10000"}, "rope_theta = '10000'; it must be a finite number"),
        ({"rope_theta": -1}, "rope_theta = -1"),
        ({"rope_parameters": {"rope_theta": 0}}, "rope_theta = 0"),
        ({"rope_scaling": {"partial_rotary_factor": 2}}, "partial_rotary_factor = 2.0; it is a part of each head"),
        ({"rope_scaling": {"partial_rotary_factor": 0.4}}, "dim is 3; it must be even"),
        ({"rope_scaling": {"partial_rotary_factor": 0.01}}, "dim is 0"),
    ],
)
def test_what_is_not_understood_or_disagrees_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(**values)
