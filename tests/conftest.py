"""What every test may ask for."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

# The first call into torch is slow, and the same commit must give the same answer twice.
settings.register_profile("rung", deadline=None, derandomize=True)
settings.load_profile("rung")

# Models in tests are tiny: on a busy machine a second thread waits far longer than it computes.
torch.set_num_threads(1)


@pytest.fixture
def seed() -> Iterator[int]:
    """The seed for a test's own generators.

    Code outside rung that knows only torch's global generator (the initial weights of a
    transformers model, say) draws from the same seed; the generator is put back afterwards.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield 0
