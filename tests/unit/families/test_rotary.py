"""Rotary settings in both spellings, agreeing and not."""

import math
from typing import Any

import pytest

from rung.config import Rotary, RotaryScaling
from rung.errors import ConfigError
from rung.families.rotary import RotaryDefaults, read_rotary, read_rotary_of
from rung.families.rules import Keys

LLAMA3 = {
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
SCALED = RotaryScaling(kind="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_n_ctx=16)

FACTORS = ("short_factor", "long_factor")
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


def test_yarn_takes_what_its_paper_weighs() -> None:
    """0.1 ln(factor) + 1 on cosines and sines unless the config says otherwise (section 3.4)."""
    grown = 0.1 * math.log(4) + 1
    plain = read(rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}).scaling
    assert plain == RotaryScaling(kind="yarn", factor=4.0, original_n_ctx=16, attention_factor=grown)
    assert read(rope_scaling={"type": "yarn", "factor": 4.0}).scaling == RotaryScaling(
        kind="yarn", factor=4.0, original_n_ctx=8192, attention_factor=grown
    )  # fmt: skip
    weighed = read(rope_parameters={"rope_type": "yarn", "factor": 4.0, "mscale": 1.0, "mscale_all_dim": 0.5}).scaling
    assert weighed is not None and weighed.attention_factor == pytest.approx(grown / (0.05 * math.log(4) + 1))
    said = {"rope_type": "yarn", "factor": 4.0, "attention_factor": 1.5, "beta_fast": 16, "beta_slow": 2}
    told = read(rope_parameters={**said, "truncate": False, "mscale": 1.0}).scaling
    assert told == RotaryScaling(
        kind="yarn", factor=4.0, original_n_ctx=8192, attention_factor=1.5, beta_fast=16.0, beta_slow=2.0,
        whole_coordinates=False,
    )  # fmt: skip
    unstretched = read(rope_scaling={"type": "yarn", "factor": 1.0}).scaling
    assert unstretched is not None and unstretched.attention_factor == 1.0


def test_dynamic_begins_where_the_context_ends() -> None:
    assert read(rope_scaling={"type": "dynamic", "factor": 2.0}).scaling == RotaryScaling(
        kind="dynamic", factor=2.0, original_n_ctx=8192
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["longrope", "su"])
def test_longrope_divides_each_frequency_by_its_own_number(kind: str) -> None:
    """Cosines and sines grow by sqrt(1 + ln(factor)/ln(original)) (section 3.3), factor being contexts' ratio."""
    section = {"type": kind, "short_factor": [1, 1, 1.5, 2], "long_factor": [1.0, 2.0, 4.0, 8.0]}
    wanted = RotaryScaling(
        kind="longrope", factor=8.0, original_n_ctx=1024, short_factors=(1.0, 1.0, 1.5, 2.0),
        long_factors=(1.0, 2.0, 4.0, 8.0), attention_factor=math.sqrt(1 + math.log(8) / math.log(1024)),
    )  # fmt: skip
    assert read(rope_scaling=section, original_max_position_embeddings=1024).scaling == wanted
    assert read(rope_scaling=section | {"original_max_position_embeddings": 1024}).scaling == wanted
    told = read(rope_scaling=section | {"factor": 4.0, "attention_factor": 1.25}).scaling
    assert told is not None and (told.factor, told.attention_factor, told.original_n_ctx) == (4.0, 1.25, 8192)
    # As long as ever: nothing grows.
    same = read(rope_scaling=section).scaling
    assert same is not None and (same.factor, same.attention_factor) == (1.0, 1.0)


def test_a_family_says_what_stands_where_a_config_is_silent() -> None:
    defaults = RotaryDefaults(
        base=5e5, part=0.25, pairing="adjacent", base_key="rotary_emb_base", part_key="rotary_pct"
    )
    assert read_rotary(Keys({}, "toy"), 8, 16, defaults) == Rotary(dim=2, base=5e5, pairing="adjacent")
    told = Keys({"rotary_emb_base": 100, "rotary_pct": 1.0}, "toy")
    assert read_rotary(told, 8, 16, defaults) == Rotary(dim=8, base=100.0, pairing="adjacent")
    with pytest.raises(ConfigError, match=r"rotary_pct as 0\.5 and as 0\.25"):
        values = {"rotary_pct": 0.5, "rope_parameters": {"partial_rotary_factor": 0.25}}
        read_rotary(Keys(values, "toy"), 8, 16, defaults)


def test_one_kind_of_layer_has_a_section_of_its_own() -> None:
    def here(section: Any) -> Rotary:
        return read_rotary_of(section, "rope_parameters", 8, 64, 1e6)

    assert here({}) == here({"rope_type": "default"}) == Rotary(dim=8, base=1e6)
    scaled = here({"rope_type": "linear", "factor": 2.0, "rope_theta": 100, "partial_rotary_factor": 1.0})
    assert scaled == Rotary(dim=8, base=100.0, scaling=RotaryScaling(kind="linear", factor=2.0, original_n_ctx=64))
    with pytest.raises(ConfigError, match="rope_parameters = 'fast'; it must be an object"):
        here("fast")
    with pytest.raises(ConfigError, match="rope_parameters of type 'yarn' lacks 'factor'"):
        here({"rope_type": "yarn"})
    with pytest.raises(ConfigError, match=r"partial_rotary_factor = 0.5; in this family whole heads turn"):
        here({"partial_rotary_factor": 0.5})


def test_contexts_of_before_the_stretch_must_agree() -> None:
    stretched = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
    agreeing = read(rope_scaling=stretched, original_max_position_embeddings=16)
    assert agreeing == read(rope_scaling=stretched)
    with pytest.raises(ConfigError, match="original_max_position_embeddings as 32 and as 16: they must agree"):
        read(rope_scaling=stretched, original_max_position_embeddings=32)


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
        (
            {"rope_scaling": {"rope_type": "unknown"}},
            "rope_type is 'unknown'; known are default, linear, dynamic, llama3",
        ),
        ({"rope_scaling": {"rope_type": "lama3", **LLAMA3}}, "'lama3'.* Near names: llama3"),
        ({"rope_scaling": {"rope_type": "yarn"}}, "rope_scaling of type 'yarn' lacks 'factor'"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 2.0, "beta": 1}}, "of type 'yarn' has 'beta'"),
        (
            {"rope_scaling": {"rope_type": "yarn", "factor": 2.0, "truncate": 1}},
            "truncate = 1; it must be true or false",
        ),
        (
            {"rope_scaling": {"rope_type": "yarn", "factor": 2.0, "beta_fast": 1, "beta_slow": 2}},
            "beta_slow is 2.0, above beta_fast, 1.0",
        ),
        ({"rope_scaling": {"type": "dynamic"}}, "of type 'dynamic' lacks 'factor'"),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0, "alpha": 3}}, "of type 'dynamic' has 'alpha'"),
        ({"rope_scaling": {"type": "su", "short_factor": [1, 1, 1, 1]}}, "of type 'longrope' lacks 'long_factor'"),
        (
            {"rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1], "long_factor": [1, 1, 1, 1]}},
            "longrope has 3 factors; it needs one for each of 4 frequencies",
        ),
        (
            {"rope_scaling": {"type": "longrope", "short_factor": "1", "long_factor": [1, 1, 1, 1]}},
            "rope_scaling says short_factor = '1'; it must be a list of numbers",
        ),
        (
            {"rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1, True], "long_factor": [1, 1, 1, 1]}},
            "short_factor = .*it must be a list of numbers, one a frequency",
        ),
        (
            {
                "original_max_position_embeddings": 1,
                "rope_scaling": {"type": "su", **dict.fromkeys(FACTORS, (1, 1, 1, 1))},
            },
            "stretches a context of original_max_position_embeddings = 1; it must be longer",
        ),
        ({"rope_theta": 1, "rope_scaling": {"type": "yarn", "factor": 2.0}}, "rotary base is 1.0, not above 1"),
        (
            {"rope_scaling": {"type": "dynamic", "factor": 2.0, "partial_rotary_factor": 0.25}},
            "rotary dim is 2, not above 2",
        ),
        ({"original_max_position_embeddings": 0}, "original_max_position_embeddings = 0; it must be a whole number"),
        ({"rope_scaling": {"rope_type": ["linear"], "factor": 2.0}}, "rope_type is .*known are"),
        ({"rope_scaling": {"rope_type": 3}}, "rope_type is 3"),
        ({"rope_scaling": {"type": "linear"}}, "rope_scaling of type 'linear' lacks 'factor'"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0, "beta": 1}}, "has 'beta', which is not understood"),
        ({"rope_parameters": {"rope_type": "default", "factor": 2.0}}, "has 'factor', which is not understood"),
        ({"rope_scaling": {"factor": 2.0}}, "of type 'default' has 'factor'"),
        ({"rope_scaling": {"type": "linear", "factor": "2"}}, "factor = '2'; it must be a finite number"),
        ({"rope_scaling": {"type": "linear", "factor": None}}, "rope_scaling of type 'linear' lacks 'factor'"),
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
