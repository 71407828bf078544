"""Looking again and again, simulated: how often does any of several looks say that an effect at its floor is above it?

Each look has more of the same sequences, and α is split over the looks as `looks.look_alpha` says. A confidence
sequence (Waudby-Smith & Ramdas 2024, arXiv:2010.09686) would allow a look after every sequence; it needs effects that
are bounded, which losses are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..display import Shown
from .looks import look_alpha
from .statistics import p_above

Draw = Callable[[np.random.Generator, int], np.ndarray]
"""n effects, one a sequence, whose mean is 0."""
LOOKS = (16, 32, 64, 128, 256)
FIRST = 64
"""Sequences from which a verdict may say more than a clue."""

EFFECTS: Mapping[str, Draw] = {
    "normal": lambda rng, n: rng.normal(0, 1, n),
    "right-skewed, exponential": lambda rng, n: rng.exponential(1, n) - 1,
    "right-skewed, lognormal": lambda rng, n: rng.lognormal(0, 1, n) - math.exp(0.5),
    "left-skewed, exponential": lambda rng, n: 1 - rng.exponential(1, n),
    "left-skewed, squared normals": lambda rng, n: 1 - rng.normal(0, 1, n) ** 2,
    "left-skewed, lognormal": lambda rng, n: math.exp(0.5) - rng.lognormal(0, 1, n),
    "heavy tails, t with 3 degrees": lambda rng, n: rng.standard_t(3, n),
}
"""Effects whose mean is exactly at the floor."""


@dataclass(frozen=True, repr=False)
class Peeks(Shown):
    """How many of the trials said "holds", wrongly."""

    trials: int
    at: tuple[int, ...]
    """At each look."""
    any: int
    """At one look at least."""


def simulate_looks(draw: Draw, *, trials: int, seed: int, looks: Sequence[int] = LOOKS, alpha: float = 0.01) -> Peeks:
    """Tests effects at their floor at every look, in `trials` samples drawn from `seed`."""
    rng = np.random.default_rng(seed)
    spent = [look_alpha(alpha, n, FIRST) for n in looks]
    at, anywhere = np.zeros(len(looks), dtype=int), 0
    for _ in range(trials):
        sample = draw(rng, max(looks))
        held = [p_above(sample[:n]) <= part for n, part in zip(looks, spent, strict=True)]
        at += held
        anywhere += any(held)
    return Peeks(trials, tuple(at.tolist()), anywhere)
