import math

import pytest
import torch

from rung.lab.estimate import ALPHA, Estimate


def test_an_estimate_is_the_mean_within_bounds_that_students_t_would_give_at_least(seed):
    from scipy import stats

    values = torch.randn(20, generator=torch.Generator().manual_seed(seed)) + 1
    found = Estimate.of(values)
    low, high = stats.t.interval(1 - 2 * ALPHA, 19, values.mean(), values.std() / math.sqrt(20))
    assert found.value == pytest.approx(float(values.mean()))
    assert found.low <= low + 1e-4 and high - 1e-4 <= found.high and found.n == 20


def test_too_few_sequences_have_no_bounds():
    found = Estimate.of(torch.tensor([1.0, 2.0]))
    assert (found.value, found.low, found.high, found.n) == (1.5, None, None, 2)
