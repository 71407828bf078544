"""Bounds and p-values for means and for ratios of means over sequences: closed forms, nothing drawn.

A test asks whether mean(top − floor · bottom) is above zero, and the bound on a ratio is the floor at which that test
stops holding: p and interval belong to the same decision. Two statistics are taken and the more careful one counts:
Student's t, and t corrected for skewness by Hall's cubic transformation (Hall 1992, "On the removal of skewness by
transformation", J. R. Statist. Soc. B 54). Student's alone rejects three times too often where effects are skewed to
the left. What skewness beyond the third moment leaves is an error of order 1/n, so that p is multiplied by 1 + 64/n,
by 2 at most: without it a lognormal effect skewed to the left passes its floor in 1.45 % of samples of 64 where 1 % is
promised.
`tests/unit/evidence/test_statistics.py` simulates the error at the floor, `benchmarks/peeking.py` of several looks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

SPARSEST = 5
"""Sequences without which a mean is not bounded."""
REMAINDER = 64.0
"""Sequences at which what is left of the error doubles p."""
_STEPS = 40


def careful(n: int) -> float:
    """What p of a mean of n sequences is multiplied by."""
    return 1 + min(1.0, REMAINDER / n)


class Bounds(NamedTuple):
    """A mean or ratio of means with one-sided bounds, each missed with a probability of at most α."""

    value: float
    low: float
    high: float
    n: int


class Moments(NamedTuple):
    """What a test of a mean reads of its sample."""

    n: int
    mean: float
    variance: float
    """Divided by n."""
    third: float
    """Third central moment."""

    @classmethod
    def of(cls, values: np.ndarray) -> Moments:
        """Of one number a sequence."""
        mean = float(values.mean())
        away = values - mean
        return cls(len(values), mean, float((away**2).mean()), float((away**3).mean()))

    def constant(self, floor: float) -> bool:
        """Whether the sample has no spread beside its size."""
        return math.sqrt(max(self.variance, 0.0)) <= 1e-12 * max(abs(self.mean), abs(floor))

    def student(self, floor: float) -> float:
        """Student's t of the mean against `floor`."""
        if self.constant(floor):
            return math.copysign(math.inf, self.mean - floor) if self.mean != floor else -math.inf
        return float((self.mean - floor) / math.sqrt(self.variance) * math.sqrt(self.n - 1))

    def hall(self, floor: float) -> float:
        """t by Hall's transformation g(T) = T + γT²/3 + γ²T³/27 + γ/6n of T = (mean − floor)/s, γ the skewness."""
        if self.constant(floor):
            return self.student(floor)
        skew, T = self.third / self.variance**1.5, (self.mean - floor) / math.sqrt(self.variance)
        return float((T + skew * T**2 / 3 + skew**2 * T**3 / 27 + skew / (6 * self.n)) * math.sqrt(self.n - 1))


def p_above(values: np.ndarray, floor: float = 0.0, share: bool = False) -> float:
    """p of "the mean is at most `floor`".

    `share`: values lie between 0 and 1; Student's t is taken with one more sequence at the far end, so that sixty-four
    equal shares do not make a certainty. That alone holds the error, and Hall's term would count the end twice.
    """
    n = len(values)
    if n < SPARSEST or not np.isfinite(values).all():
        return 1.0
    if share:
        return float(stdtr(n - 1, -_with_one_more(values).student(floor)))
    moments = Moments.of(values)
    return min(1.0, careful(n) * float(stdtr(n - 1, -min(moments.student(floor), moments.hall(floor)))))


def bounds(top: np.ndarray, bottom: np.ndarray | float = 1.0, alpha: float = 0.01, share: bool = False) -> Bounds:
    """mean(top) / mean(bottom), sequences in pairs, with the bounds that `p_above` gives at `alpha` on either side.

    Where mean(bottom) is not above zero at `alpha` the bounds are infinite. A sequence that is NaN has no such query
    and is left out.
    """
    pairs = np.broadcast_arrays(np.asarray(top, dtype=np.float64), np.asarray(bottom, dtype=np.float64))
    held = ~np.isnan(pairs[0])
    a, b = (one[held] for one in pairs)
    n = len(a)
    denominator = float(b.mean()) if n else 0.0
    value = float(a.mean()) / denominator if n and denominator else math.nan
    if n < SPARSEST or not (np.isfinite(a).all() and np.isfinite(b).all()) or p_above(b) > alpha:
        return Bounds(value, -math.inf, math.inf, n)
    if share:
        low, high = (_share_end(x, float(stdtrit(n - 1, 1 - alpha))) for x in (a, 1 - a))
        return Bounds(value, max(low, 0.0), min(1 - high, 1.0), n)
    combined, critical = _Difference.of(a, b), float(stdtrit(n - 1, 1 - alpha / careful(n)))

    def holds(floor: float, sign: float) -> bool:
        """Whether sign · (mean(top) − floor · mean(bottom)) is above zero."""
        moments = combined.at(floor, sign)
        return min(moments.student(0.0), moments.hall(0.0)) >= critical

    return Bounds(value, _end(lambda f: holds(f, 1.0), value, -1.0), _end(lambda f: holds(f, -1.0), value, 1.0), n)


def _share_end(values: np.ndarray, critical: float) -> float:
    """The largest floor below the mean of shares that still holds."""
    moments = _with_one_more(values)
    return moments.mean - critical * math.sqrt(moments.variance / len(values))


def _with_one_more(values: np.ndarray) -> Moments:
    """Of shares and one sequence at the far end."""
    return Moments.of(np.append(values, 0.0))


@dataclass(frozen=True)
class _Difference:
    """Central moments of a and b, from which those of a − f·b follow for any f."""

    n: int
    means: tuple[float, float]
    second: tuple[float, float, float]
    third: tuple[float, float, float, float]

    @classmethod
    def of(cls, a: np.ndarray, b: np.ndarray) -> _Difference:
        x, y = a - a.mean(), b - b.mean()
        second = tuple(float(one.mean()) for one in (x * x, x * y, y * y))
        third = tuple(float(one.mean()) for one in (x**3, x * x * y, x * y * y, y**3))
        return cls(len(a), (float(a.mean()), float(b.mean())), second, third)  # type: ignore[arg-type]

    def at(self, f: float, sign: float) -> Moments:
        """The moments of sign · (a − f·b)."""
        (a, b), (aa, ab, bb), (aaa, aab, abb, bbb) = self.means, self.second, self.third
        variance = max(aa - 2 * f * ab + f * f * bb, 0.0)
        third = aaa - 3 * f * aab + 3 * f * f * abb - f**3 * bbb
        moments = Moments(self.n, sign * (a - f * b), variance, sign * third)
        # Below rounding, a spread is none: its skewness would be noise.
        scale = abs(a) + abs(f * b) + math.sqrt(max(aa, f * f * bb))
        return moments if variance > (1e-7 * scale) ** 2 else moments._replace(variance=0.0, third=0.0)


def _end(holds: Callable[[float], bool], value: float, direction: float) -> float:
    """The floor nearest to `value`, below (−1) or above (+1), that still holds."""
    step = max(abs(value), 1e-6) * 1e-3
    while not holds(value + direction * step):
        step *= 2
        if step > 1e9 * max(abs(value), 1e-6):
            return direction * math.inf
    near, far = 0.0, step
    for _ in range(_STEPS):
        middle = (near + far) / 2
        near, far = (near, middle) if holds(value + direction * middle) else (middle, far)
    return value + direction * far
