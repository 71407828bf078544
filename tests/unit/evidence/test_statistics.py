"""The tests themselves, against enumeration and against data for which nothing is true."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rung.evidence.statistics import RESAMPLES, interval, ratio_interval, sign_flip_p


def every_flip(effects: np.ndarray) -> float:
    """The share of all 2ⁿ signings whose mean is at least the one that was seen."""
    means = [np.mean(effects * signs) for signs in product((1, -1), repeat=len(effects))]
    return float(np.mean(np.array(means) >= np.mean(effects) - 1e-12))


@given(values=st.lists(st.integers(-20, 20), min_size=2, max_size=8).filter(any))
def test_p_of_few_effects_is_that_of_all_sign_flips(values):
    effects = np.array(values, dtype=float)
    assert sign_flip_p(effects, 0) == pytest.approx(every_flip(effects))


def test_p_of_many_effects_is_close_to_that_of_all_sign_flips():
    effects = np.random.default_rng(0).normal(0.8, 1, 16)
    exact = every_flip(effects)
    assert 0.01 < exact < 0.2
    drawn = sign_flip_p(effects, 1)
    assert drawn == pytest.approx(exact, abs=5 * np.sqrt(exact / RESAMPLES))


def test_p_counts_the_data_themselves_and_so_is_never_zero():
    assert sign_flip_p(np.full(64, 3.0), 0) == 1 / (1 + RESAMPLES)
    assert sign_flip_p(np.full(64, -3.0), 0) == 1.0
    assert sign_flip_p(np.zeros(64), 0) == 1.0


def test_the_same_seed_gives_the_same_p():
    effects = np.random.default_rng(0).normal(0.2, 1, 40)
    assert sign_flip_p(effects, 5) == sign_flip_p(effects, 5) != sign_flip_p(effects, 6)


def exceeds(count: int, trials: int, alpha: float) -> bool:
    """Whether so many of so many are more than chance allows where each has probability alpha."""
    return count > stats.binom.ppf(0.9999, trials, alpha)


@pytest.mark.parametrize(("n", "trials"), [(7, 400), (24, 150)])
@pytest.mark.parametrize("shape", ["normal", "heavy", "lumpy"])
def test_where_signs_are_exchangeable_p_is_at_most_alpha_as_often_as_alpha_says(n, trials, shape):
    rng = np.random.default_rng(1)
    draw = {
        "normal": lambda: rng.normal(0, 1, n),
        "heavy": lambda: rng.standard_t(1.5, n),
        "lumpy": lambda: rng.choice([-1.0, 0.0, 1.0], n),
    }[shape]
    found = np.array([sign_flip_p(draw(), seed) for seed in range(trials)])
    for alpha in (0.01, 0.05, 0.2, 0.5):
        assert not exceeds(int((found <= alpha).sum()), trials, alpha), alpha
    if shape == "normal":  # nor is it shy: half of the p are in the lower half
        assert (found <= 0.5).mean() > 0.35


@pytest.mark.parametrize("shape", ["normal", "skewed"])
def test_intervals_cover_the_mean_about_as_often_as_they_say(shape):
    rng, trials = np.random.default_rng(2), 120
    draw, mean = {
        "normal": (lambda: rng.normal(1, 2, 40), 1.0),
        "skewed": (lambda: rng.exponential(1, 40), 1.0),
    }[shape]
    ends = [interval(draw(), seed) for seed in range(trials)]
    missed = sum(not low <= mean <= high for low, high in ends)
    # A bootstrap of 40 is a little too narrow: 10 % is allowed where 5 % is promised.
    assert not exceeds(missed, trials, 0.10)
    assert missed > 0


def test_intervals_of_a_ratio_cover_it():
    rng, trials = np.random.default_rng(3), 120
    missed = 0
    for seed in range(trials):
        bottom = rng.normal(4, 1, 40)
        top = 0.5 * bottom + rng.normal(0, 0.5, 40)
        low, high = ratio_interval(top, bottom, seed)
        missed += not low <= 0.5 <= high
    assert not exceeds(missed, trials, 0.10)


def test_an_interval_holds_the_mean_and_narrows_with_n():
    rng = np.random.default_rng(4)
    few, many = rng.normal(0, 1, 10), rng.normal(0, 1, 1000)
    for values in (few, many):
        low, high = interval(values, 0)
        assert low < values.mean() < high
    assert np.ptp(interval(many, 0)) < np.ptp(interval(few, 0)) / 4


@pytest.mark.parametrize("values", [[2.0], [2.0, 2.0, 2.0], [1.0, 1.0, 1.0, 1.0 + 1e-15], [0.0, 1.0]])
def test_few_or_equal_values_still_have_finite_ends(values):
    low, high = interval(np.array(values), 0)
    assert np.isfinite([low, high]).all()
    assert low <= high
    if len(set(values)) == 1:
        assert low == high == values[0]


def test_a_ratio_to_nearly_nothing_is_wide_and_not_an_error():
    rng = np.random.default_rng(5)
    low, high = ratio_interval(rng.normal(1, 1, 30), rng.normal(0, 1, 30), 0)
    assert high - low > 5
