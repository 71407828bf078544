"""Where tokens stand: angles, slopes, windows, padding, and what was read before."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rung.config import Alibi, ModelConfig, Rotary, RotaryScaling
from rung.engine.kv_cache import KeyValueCache
from rung.engine.positions import alibi_bias, causal, cos_sin, frequencies, position_info, rotate, sinusoids, visible
from rung.engine.weights import init_weights
from rung.errors import ConfigError

CPU = torch.device("cpu")
CONFIG = ModelConfig(n_layers=3, d_model=8, n_heads=2, d_head=4, d_vocab=11, n_ctx=12)


def test_causal_keys_are_not_after_their_query():
    assert causal(2, 3, CPU).tolist() == [[True, True, False], [True, True, True]]


@given(
    st.integers(1, 5),
    st.integers(0, 5),
    st.sampled_from([None, 1, 2, 3, 20]),
    st.lists(st.booleans(), min_size=10, max_size=10) | st.none(),
    st.booleans(),
)
def test_a_key_is_seen_unless_it_is_later_farther_than_the_window_or_padding(n, before, window, real, both_ways):
    config = replace(CONFIG, attention_dir="bidirectional") if both_ways else CONFIG
    mask = None if real is None else torch.tensor([real[: before + n], [True] * (before + n)])
    found = visible(config, n, before, mask, window, CPU)
    if found is None:
        assert not both_ways, "every key up to its own position is what None means"
        found = causal(n, before + n, CPU)
    found = found.expand(2, 1, -1, -1)[:, 0] if mask is not None else found.expand(2, -1, -1)
    for row in range(2):
        for query in range(n):
            for key in range(before + n):
                at = before + query
                # A window is so many tokens wide, and padding is none.
                places = torch.arange(before + n) if mask is None else mask[row].long().cumsum(0)
                seen = (both_ways or key <= at) and (window is None or bool(places[at] - places[key] < window))
                seen = seen and (mask is None or bool(mask[row, key]))
                # Padding sees itself, so that its row of the pattern is a distribution too.
                assert found[row, query, key] == (seen or (mask is not None and key == at))


def test_a_window_as_wide_as_the_input_needs_no_mask():
    assert visible(CONFIG, 4, 0, None, 4, CPU) is None
    assert visible(CONFIG, 4, 0, None, 3, CPU) is not None
    assert visible(CONFIG, 1, 3, None, None, CPU) is None


def test_layers_turn_and_see_each_in_its_own_way():
    near, far = Rotary(dim=4, base=10.0), Rotary(dim=4, base=1000.0)
    config = replace(
        CONFIG, positional_embedding_type="rotary", rotary=far, rotary_local=near, windows=(2, None, 2)
    )  # fmt: skip
    positions = position_info(config, init_weights(config, 0), (1, 4), CPU)
    for layer, rotary in enumerate((near, far, near)):
        angles = torch.arange(4)[:, None] * rotary.base ** -torch.tensor([0.0, 0.5])
        torch.testing.assert_close(positions.angles[layer], (angles.cos(), angles.sin()))
    assert positions.allowed[1] is None
    assert positions.allowed[0] is positions.allowed[2]
    assert positions.allowed[0].tolist() == (causal(4, 4, CPU) & ~torch.ones(4, 4, dtype=torch.bool).tril(-2)).tolist()


def test_a_past_of_a_model_that_attends_both_ways_is_refused():
    config = replace(CONFIG, attention_dir="bidirectional")
    weights = init_weights(config, 0)
    with pytest.raises(ConfigError, match="unnamed attends both ways, so keys and values cannot be kept"):
        position_info(config, weights, (1, 2), CPU, past=KeyValueCache(config, 1, 4, weights["W_E"]))


def test_slopes_raise_later_keys_and_are_rounded_where_a_model_was_trained_so():
    alibi = Alibi(slopes=(0.3, 0.1), scale=0.5)
    keys = torch.tensor([[0, 1, 301]])
    plain = alibi_bias(alibi, keys)
    assert plain.shape == (1, 2, 1, 3)
    torch.testing.assert_close(plain[0, :, 0], torch.tensor([[0.0, 0.15, 45.15], [0.0, 0.05, 15.05]]))
    rounded = alibi_bias(replace(alibi, rounded=True), keys)[0, :, 0]
    # bfloat16 keeps eight bits: neither 301, nor 0.3, nor their product is itself there.
    by_hand = (torch.tensor([[0.3], [0.1]]).bfloat16() * keys.bfloat16()).float() * 0.5
    assert torch.equal(rounded, by_hand) and not torch.allclose(rounded, plain[0, :, 0], atol=1e-3)


def test_llama3_scaling_keeps_fast_angles_and_divides_slow_ones():
    plain = Rotary(dim=64, base=500000.0)
    scaling = RotaryScaling(kind="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_n_ctx=8192)
    base, scaled = frequencies(plain, CPU), frequencies(replace(plain, scaling=scaling), CPU)
    wavelengths = 2 * math.pi / base
    fast, slow = wavelengths < 8192 / 4, wavelengths > 8192
    torch.testing.assert_close(scaled[fast], base[fast])
    torch.testing.assert_close(scaled[slow], base[slow] / 8)
    assert ((scaled <= base) & (scaled >= base / 8)).all() and fast.any() and slow.any() and not (fast | slow).all()
    linear = replace(plain, scaling=RotaryScaling(kind="linear", factor=2.0))
    torch.testing.assert_close(frequencies(linear, CPU), base / 2)


@pytest.mark.parametrize("whole", [True, False])
def test_yarn_keeps_what_turns_often_in_the_first_context_and_divides_what_hardly_does(whole):
    plain = Rotary(dim=64, base=10000.0)
    scaling = RotaryScaling(kind="yarn", factor=4.0, original_n_ctx=2048, whole_coordinates=whole)
    base, scaled = frequencies(plain, CPU), frequencies(replace(plain, scaling=scaling), CPU)
    turns = 2048 * base / (2 * math.pi)
    # The ramp's ends are whole coordinates, just outside those that turn 32 times and once.
    fast, slow = turns > (50 if whole else 32), turns < (0.7 if whole else 1)
    torch.testing.assert_close(scaled[fast], base[fast])
    torch.testing.assert_close(scaled[slow], base[slow] / 4)
    between = ~(fast | slow)
    assert fast.any() and slow.any() and (scaled[between] <= base[between]).all()
    share = scaled / base
    assert (share.diff() <= 1e-6).all() and ((share > 0.26) & (share < 0.99)).sum() > 10


def test_a_dynamic_base_grows_only_behind_the_first_context():
    plain = Rotary(dim=8, base=10000.0)
    dynamic = replace(plain, scaling=RotaryScaling(kind="dynamic", factor=2.0, original_n_ctx=16))
    for length in (1, 15, 16):
        torch.testing.assert_close(frequencies(dynamic, CPU, length), frequencies(plain, CPU))
    longer = frequencies(dynamic, CPU, 32)
    # At twice the context: base · (2 · 2 − 1)^(8/6).
    torch.testing.assert_close(longer, frequencies(replace(plain, base=10000.0 * 3 ** (8 / 6)), CPU))
    assert frequencies(dynamic, CPU, 64)[-1] < longer[-1]
    read = torch.arange(32)
    torch.testing.assert_close(cos_sin(dynamic, read)[0], (read[:, None] * longer).cos())


def test_longrope_has_one_set_of_factors_for_short_inputs_and_one_for_longer():
    plain = Rotary(dim=4, base=100.0)
    scaling = RotaryScaling(
        kind="longrope", factor=4.0, original_n_ctx=8, short_factors=(1.0, 2.0), long_factors=(3.0, 8.0),
        attention_factor=1.5,
    )  # fmt: skip
    long = replace(plain, scaling=scaling)
    base = frequencies(plain, CPU)
    for length, factors in ((8, scaling.short_factors), (9, scaling.long_factors)):
        wanted = torch.arange(length)[:, None] * base / torch.tensor(factors)
        cos, sin = cos_sin(long, torch.arange(length))
        torch.testing.assert_close(cos, 1.5 * wanted.cos())
        torch.testing.assert_close(sin, 1.5 * wanted.sin())


def test_rotation_depends_on_distance_only():
    rotary = Rotary(dim=4, base=50.0)
    q, k = torch.randn(2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    angles = torch.arange(10)[:, None] * frequencies(rotary, CPU)

    def at(x, pos):
        return rotate(x.view(1, 1, 1, 4), rotary, angles[pos : pos + 1].cos(), angles[pos : pos + 1].sin()).flatten()

    torch.testing.assert_close(at(q, 7) @ at(k, 4), at(q, 3) @ at(k, 0), atol=1e-6, rtol=1e-6)
    assert not torch.allclose(at(q, 7) @ at(k, 4), at(q, 7) @ at(k, 5))


def test_sinusoids_of_odd_width_and_any_positions():
    table = sinusoids(torch.tensor([0, 3]), 5, 100.0)
    assert table.shape == (2, 5)
    torch.testing.assert_close(table[0], torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0]))
    torch.testing.assert_close(table[1, 2], torch.tensor(3 / 100 ** (2 / 5)).sin())
