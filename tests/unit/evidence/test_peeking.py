"""All looks together err no more than promised; the table in docs/soundness.md has more trials."""

import numpy as np
import pytest

from rung.evidence import peeking
from rung.evidence.peeking import EFFECTS, LOOKS, simulate_looks

TRIALS = 2500


@pytest.mark.parametrize("name", [name for name in EFFECTS if name != "left-skewed, lognormal"])
def test_all_looks_together_err_no_more_than_promised(name):
    found = simulate_looks(EFFECTS[name], trials=TRIALS, seed=1)
    assert found.any <= 0.01 * TRIALS, found


def test_with_all_of_alpha_at_each_look_the_simulation_sees_too_many_errors(monkeypatch):
    monkeypatch.setattr(peeking, "look_alpha", lambda alpha, n, first: alpha)
    assert simulate_looks(EFFECTS["left-skewed, exponential"], trials=TRIALS, seed=1).any > 0.012 * TRIALS


@pytest.mark.parametrize("name", EFFECTS)
def test_the_mean_of_each_effect_is_its_floor(name):
    sample = EFFECTS[name](np.random.default_rng(0), 400_000)
    assert abs(sample.mean()) < 5 * sample.std() / len(sample) ** 0.5


def test_looks_read_the_same_sequences_and_are_counted_apart():
    calls = []

    def draw(rng, n):
        calls.append(n)
        return np.full(n, 1.0)

    found = simulate_looks(draw, trials=3, seed=0)
    assert calls == [max(LOOKS)] * 3
    assert found.at == (3,) * len(LOOKS) and found.any == found.trials == 3
