"""The bounds themselves: against a direct root find, against each other, and by simulation at the floor."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq

from rung.evidence.decide import CRITERIA, summarize
from rung.evidence.looks import look_alpha
from rung.evidence.observation import Floors, Observation, Outcome, Quantity, TestSpec
from rung.evidence.statistics import SPARSEST, Bounds, Moments, bounds, p_above

N, TRIALS = 64, 2000
PROMISED = 0.01
SPENT = look_alpha(PROMISED, N, N)
"""What the first look spends: nearly half of what is promised."""

EFFECTS = {
    "normal": lambda rng, n: rng.normal(0, 1, n),
    "right-skewed": lambda rng, n: rng.exponential(1, n) - 1,
    "left-skewed": lambda rng, n: 1 - rng.exponential(1, n),
    "left-skewed, squared normals": lambda rng, n: 1 - rng.normal(0, 1, n) ** 2,
    "heavy tails": lambda rng, n: rng.standard_t(3, n),
    "left-skewed, lognormal": lambda rng, n: math.exp(0.5) - rng.lognormal(0, 1, n),
    "two values": lambda rng, n: rng.choice([-0.25, 1.0], n, p=[0.8, 0.2]),
}
"""Effects with mean 0."""

SHARES = {
    "all or nothing, 0.8": (0.8, lambda rng, n: (rng.random(n) < 0.8).astype(float)),
    "all or nothing, 0.9": (0.9, lambda rng, n: (rng.random(n) < 0.9).astype(float)),
    "of twenty queries": (0.8, lambda rng, n: rng.binomial(20, 0.8, n) / 20),
    "a few sequences fail": (0.9, lambda rng, n: np.where(rng.random(n) < 0.125, 0.2, 1.0)),
    "mostly full": (0.9, lambda rng, n: rng.beta(1.8, 0.2, n)),
}
"""Shares whose mean is the floor."""


def errors(draw, floor, share=False, trials=TRIALS):
    """How often the lower bound lies above a floor that is the true mean."""
    rng = np.random.default_rng(0)
    return sum(p_above(draw(rng, N), floor, share) <= SPENT for _ in range(trials))


@pytest.mark.parametrize("name", EFFECTS)
def test_the_error_at_the_floor_is_what_is_promised(name):
    wrong = errors(lambda rng, n: 2 + EFFECTS[name](rng, n), 2.0)
    assert wrong <= PROMISED * TRIALS, f"{wrong} of {TRIALS}"


@pytest.mark.parametrize("name", SHARES)
def test_the_error_at_the_floor_of_a_share_is_what_is_promised(name):
    floor, draw = SHARES[name]
    wrong = errors(draw, floor, share=True)
    assert wrong <= PROMISED * TRIALS, f"{wrong} of {TRIALS}"


def test_the_error_at_the_floor_of_a_ratio_is_what_is_promised():
    """A necessity of exactly a tenth of the gain, sequence by sequence skewed to the left."""
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(TRIALS):
        gain = 4 + rng.exponential(1, N)
        cost = 0.1 * gain * (2 - rng.exponential(1, N))
        wrong += p_above(cost - 0.1 * gain) <= SPENT
    assert wrong <= PROMISED * TRIALS


def test_the_simulation_would_see_students_t_alone_fail():
    """Without the correction left-skewed effects pass their floor more often than promised."""
    rng = np.random.default_rng(0)
    critical = stats.t.ppf(1 - SPENT, N - 1)
    draw = EFFECTS["left-skewed, squared normals"]
    wrong = sum(Moments.of(draw(rng, N)).student(0.0) >= critical for _ in range(TRIALS))
    assert wrong > 1.5 * PROMISED * TRIALS


def test_there_is_power_above_the_floor():
    rng = np.random.default_rng(0)
    assert np.mean([p_above(rng.normal(0.65, 1, N)) <= SPENT for _ in range(200)]) > 0.95
    shares = [bounds(rng.binomial(20, 0.97, N) / 20, alpha=SPENT, share=True).low for _ in range(100)]
    assert np.mean(np.array(shares) > 0.8) > 0.95


samples = st.lists(st.floats(-50, 50), min_size=SPARSEST, max_size=40).map(np.array)
unit = st.lists(st.floats(0, 1), min_size=SPARSEST, max_size=40).map(np.array)
alphas = st.sampled_from([0.05, 0.01, 0.005, 0.0025])


TOP, BOTTOM = [1.4, 1.1, 1.4, 0.9, 1.3, 1.6], [2.5, 2.2, 1.2, 2.1, 3.0, 1.3]
"""Six sequences whose ratio is above 0 by its test and not by its bound."""


def same_side(p, alpha, low, floor):
    assume(abs(p - alpha) > 1e-4 * alpha)
    return (p <= alpha) == (low >= floor)


@given(values=samples, floor=st.floats(-60, 60), alpha=alphas)
@settings(max_examples=60)
def test_p_and_bound_of_a_mean_are_one_decision(values, floor, alpha):
    found = bounds(values, alpha=alpha)
    assume(np.ptp(values) > 1e-3)
    assert same_side(p_above(values, floor), alpha, found.low, floor)
    assert same_side(p_above(-values, -floor), alpha, -found.high, -floor)


@given(values=unit, floor=st.floats(0.01, 0.99), alpha=alphas)
@settings(max_examples=60)
def test_p_and_bound_of_a_share_are_one_decision(values, floor, alpha):
    found = bounds(values, alpha=alpha, share=True)
    assume(np.ptp(values) > 1e-3 or not values.any() or values.all())
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert same_side(p_above(values, floor, share=True), alpha, found.low, floor)
    assert same_side(p_above(1 - values, 1 - floor, share=True), alpha, -found.high, -floor)


@given(values=samples, alpha=alphas)
@settings(max_examples=30)
def test_a_bound_widens_as_alpha_shrinks_and_p_falls_with_the_floor(values, alpha):
    wide, narrow = bounds(values, alpha=alpha / 2), bounds(values, alpha=alpha)
    slack = 1e-9 * (1 + np.abs(values).max())
    assert wide.low <= narrow.low + slack <= narrow.value + 2 * slack
    assert narrow.high - slack <= wide.high
    floors = np.linspace(-60, 60, 7).tolist()
    found = [p_above(values, floor) for floor in floors]
    assert all(one <= two + 1e-12 for one, two in pairwise(found))


@given(values=samples, shift=st.floats(-20, 20), scale=st.floats(0.1, 10))
@settings(max_examples=30)
def test_bounds_move_with_the_sample(values, shift, scale):
    assume(np.ptp(values) > 1e-2)
    one, two = bounds(values), bounds(scale * values + shift)
    assert two.low == pytest.approx(scale * one.low + shift, abs=1e-5)
    assert two.high == pytest.approx(scale * one.high + shift, abs=1e-5)


def directly(top, bottom, alpha, sign):
    """Where the test of sign · (top − f · bottom) stops to hold, by Brent's method on the sample itself."""
    value, critical = top.mean() / bottom.mean(), stats.t.ppf(1 - alpha / (1 + min(1, 64 / len(top))), len(top) - 1)

    def beyond(f):
        moments = Moments.of(sign * (top - f * bottom))
        return min(moments.student(0.0), moments.hall(0.0)) - critical

    far = value - sign
    while beyond(far) < 0:
        far -= sign * abs(value - far)
    return brentq(beyond, value, far, xtol=1e-13)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("alpha", [0.01, 0.005])
def test_the_bounds_of_a_ratio_are_those_of_a_direct_root_find(seed, alpha):
    rng = np.random.default_rng(seed)
    bottom = 3 + rng.gamma(2, 0.5, N)
    top = rng.uniform(-1, 1) * bottom + rng.choice([-1, 1]) * rng.exponential(0.5, N)
    found = bounds(top, bottom, alpha)
    assert found.value == pytest.approx(top.mean() / bottom.mean())
    assert found.low == pytest.approx(directly(top, bottom, alpha, 1), abs=1e-8)
    assert found.high == pytest.approx(directly(top, bottom, alpha, -1), abs=1e-8)
    assert p_above(top - found.low * bottom) == pytest.approx(alpha, rel=1e-6)


@given(seed=st.integers(0, 10_000), n=st.sampled_from([5, 8, 12, 21, 32, 64]))
@settings(max_examples=150)
def test_what_is_kept_of_a_ratio_never_contradicts_itself(seed, n):
    """Few sequences of a noisy ratio can make its test fall and rise again with the floor: then nothing is decided."""
    rng, floors = np.random.default_rng(seed), Floors(necessity=float(np.random.default_rng(seed).uniform(-1, 1)))
    bottom = rng.choice([rng.normal(3, 1, n), rng.exponential(2, n), np.abs(rng.standard_t(2, n))])
    top = rng.normal() * bottom * rng.integers(2) + rng.normal(0, rng.choice([0.1, 1, 3]), n)
    spec = TestSpec("support.necessity", 3, "s")
    (check,) = summarize(spec, Observation({"mean": Quantity(top, bottom)}, ""), floors, SPENT).checks
    (criterion,) = (one for one in CRITERIA[spec.id] if one.name == "mean")
    assert check.p is not None
    if abs(check.p - SPENT) > 1e-3 * SPENT:
        assert (check.p <= SPENT) == criterion.met(check, floors)


def test_a_ratio_whose_test_is_not_monotone_is_not_decided():
    top, bottom = np.array(TOP), np.array(BOTTOM)
    assert p_above(top) <= SPENT and bounds(top, bottom, SPENT).low < 0
    spec = TestSpec("support.positions", 3, "s")
    kept = summarize(spec, Observation({"claimed": Quantity(top, bottom)}, ""), Floors(positions=0.0), SPENT)
    assert (kept.checks[0].p, kept.interval) == (1.0, (-math.inf, math.inf))
    assert kept.outcome is not Outcome.HOLDS


def test_a_share_of_nearly_nothing_has_no_bounds():
    rng = np.random.default_rng(5)
    found = bounds(rng.normal(1, 1, 30), rng.normal(0, 1, 30))
    assert (found.low, found.high) == (-math.inf, math.inf)
    negative = bounds(np.full(64, 1.0) + rng.normal(0, 0.1, 64), rng.normal(-2, 0.1, 64))
    assert (negative.low, negative.high) == (-math.inf, math.inf)


def test_equal_values_are_certain_and_equal_shares_are_not():
    for value in (2.0, -2.0, 0.0):
        found = bounds(np.full(64, value))
        assert found.low == pytest.approx(value, abs=1e-8) and found.high == pytest.approx(value, abs=1e-8)
    assert p_above(np.full(64, 2.0), 1.0) == 0.0
    assert p_above(np.full(64, 2.0), 2.0) == 1.0 == p_above(np.full(64, 2.0), 3.0)
    full = bounds(np.ones(64), share=True, alpha=SPENT)
    assert full.value == full.high == 1 and 0.9 < full.low < 1
    none = bounds(np.zeros(64), share=True, alpha=SPENT)
    assert none.value == none.low == 0 and 0 < none.high < 0.1


def test_sequences_without_a_query_are_left_out():
    values = np.array([1.0, 2.0, np.nan, 3.0, 2.5, 1.5, np.nan, 2.2])
    assert bounds(values) == bounds(values[~np.isnan(values)])
    assert bounds(values).n == 6
    bottom = np.arange(2.0, 10.0)
    kept = ~np.isnan(values)
    assert bounds(values, bottom) == bounds(values[kept], bottom[kept])


@pytest.mark.parametrize("spoil", [np.inf, -np.inf])
def test_what_is_not_finite_proves_nothing(spoil):
    values = np.array([1.0, 2.0, 3.0] * 20 + [spoil])
    assert (bounds(values).low, bounds(values).high) == (-math.inf, math.inf)
    assert p_above(values) == 1.0
    assert p_above(np.array([1.0, 2.0, np.nan, 3.0] * 16)) == 1.0
    bottom = np.where(np.isinf(values), np.nan, 1.0)
    assert (bounds(np.ones(61), bottom).low, bounds(np.ones(61), bottom).high) == (-math.inf, math.inf)


@pytest.mark.parametrize("n", range(SPARSEST))
def test_too_few_sequences_have_no_bounds(n):
    found = bounds(np.full(n, 3.0) + np.arange(n))
    assert (found.low, found.high, found.n) == (-math.inf, math.inf, n)
    assert math.isnan(found.value) == (n == 0)
    assert p_above(np.full(n, 3.0)) == 1.0


def test_nothing_is_drawn():
    values = np.random.default_rng(0).normal(1, 1, 64)
    assert bounds(values) == bounds(values) == bounds(values[::-1]) or np.allclose(bounds(values), bounds(values[::-1]))
    assert isinstance(bounds(values), Bounds)
