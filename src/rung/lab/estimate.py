"""A mean over sequences with its bounds, as the page draws it."""

from __future__ import annotations

import math

import msgspec
import torch

from ..evidence.observation import Floors
from ..evidence.statistics import bounds

ALPHA = Floors().alpha
"""Each bound is missed with this probability at most: that of the ladder."""


class Estimate(msgspec.Struct, frozen=True):
    """A mean over `n` sequences; `low` and `high` are None where too few sequences bound it."""

    value: float
    low: float | None
    high: float | None
    n: int

    @staticmethod
    def of(values: torch.Tensor) -> Estimate:
        """Of one number a sequence."""
        found = bounds(values.detach().double().cpu().numpy(), alpha=ALPHA)
        low, high = (end if math.isfinite(end) else None for end in (found.low, found.high))
        return Estimate(found.value, low, high, found.n)
