"""How many sequences a proof may look at, and how much of α each look spends."""

from __future__ import annotations

import math

from ..errors import ClaimError
from .observation import Floors

FEWEST_SEQUENCES = 2


RESERVE = 1 / 8
"""The share of α that looks at fewer sequences than the first size may spend together: they give at most a clue."""


def look_alpha(alpha: float, sequences: int, first: int) -> float:
    """What a look at `sequences` may spend of `alpha`, of which all looks together spend no more.

    But for a reserve: half at the first size, half of the rest at each doubling. Of the reserve: half at half of the
    first size or more, half of the rest at each halving. More sequences extend fewer, so that a union bound holds: the
    looks err with a probability of at most `alpha`. (α split over the looks, not a confidence sequence.)
    """
    if sequences < first:
        halvings = math.ceil(math.log2(first / max(sequences, 1)))
        return float(alpha * RESERVE / 2**halvings)
    look = math.ceil(math.log2(sequences / max(first, 1)))
    return float(alpha * (1 - RESERVE) / 2 ** (look + 1))


def check_sequences(sequences: int, floors: Floors) -> None:
    """Raises ClaimError for too few sequences, or a look at a size that has no α of its own."""
    if sequences < FEWEST_SEQUENCES:
        raise ClaimError(f"{sequences} confirmation sequences were asked for; at least {FEWEST_SEQUENCES} are needed")
    first = int(floors.sequences)
    look = first
    while look < sequences:
        look *= 2
    if sequences > first and look != sequences:
        raise ClaimError(
            f"{sequences} confirmation sequences were asked for; above {first} a proof looks at {2 * first}, "
            f"{4 * first}, {8 * first}, …, because each look spends part of α; {look} would fit"
        )
