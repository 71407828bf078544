"""How many sequences a proof may look at, and how much of α each look spends."""

from __future__ import annotations

import math

from ..errors import ClaimError
from .observation import Floors

FEWEST_SEQUENCES = 2


def look_alpha(alpha: float, sequences: int, first: int) -> float:
    """What a look at `sequences` may spend of `alpha`: half at the first size, half of the rest at each doubling.

    Looks at more sequences extend the same sequences, so that all looks together err with a probability of at most
    `alpha` (a union bound).
    """
    look = max(0, math.ceil(math.log2(max(sequences, 1) / max(first, 1))))
    return float(alpha / 2 ** (look + 1))


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
