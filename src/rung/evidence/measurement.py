"""One test's result: what was measured, against what, and what follows. Plain numbers, ready for a record."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

import numpy as np

from ..circuits.heads import Head

RUNGS = ("behaviour", "clue", "contribution", "causal support", "mechanism")
Rung = Literal[0, 1, 2, 3, 4]


class Outcome(StrEnum):
    """How a test ended."""

    HOLDS = "holds"
    FAILS = "fails"
    CONTRADICTED = "contradicted"
    """Beyond the floor in the wrong direction."""
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not applicable"
    NOT_RUN = "not run"


def in_words(text: str) -> str:
    """A result as people write it: what rounds to nothing has no minus, and a per cent sign stands apart."""
    return re.sub(r"(\d)%", r"\1 %", re.sub(r"-(0(?:\.0+)?)(?![\d.])", r"\1", text))


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A number with its unit, interval, control, floor and outcome."""

    rung: Rung
    test: str
    subject: str
    """The role, member or edge that it speaks of."""
    outcome: Outcome
    required: bool
    """Whether the claim's verdict needs it to hold; else it is only shown."""
    value: float | None = None
    unit: str = ""
    n: int = 0
    """Independent units behind the value: sequences, tokens, positions."""
    interval: tuple[float, float] | None = None
    """95 %, over sequences."""
    p: float | None = None
    p_test: str = ""
    floor: float | None = None
    control: float | None = None
    """What the same test gives where nothing should be."""
    control_name: str = ""
    said: str = ""
    """The result in words, as a verdict would quote it."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"outcome": str(self.outcome), "rung": RUNGS[self.rung]}


@dataclass(frozen=True, kw_only=True)
class Floors:
    """What counts as enough. Fixed before looking; a verdict under others says so."""

    gain: float = 1.0
    """Nats of behaviour, in every stratum."""
    clue: float = 0.3
    """Signature score, in every stratum."""
    clue_ratio: float = 3.0
    """Signature score over its control."""
    contribution: float = 0.1
    """Each member's push, as a share of the strongest head's: a significant trifle does not pass."""
    necessity: float = 0.1
    """Share of the gain that removing a role costs."""
    member: float = 0.02
    """Share of the gain that removing one member costs; or else:"""
    alone: float = 0.3
    """share of its role's work that one member does with the others removed."""
    edge: float = 0.5
    """Share of the sender's effect that runs along the edge."""
    rival: float = 5.0
    """The edge's effect over each rival's."""
    denoising: float = 0.5
    """Share of the loss that restoring the role mends."""
    faithfulness: float = 0.8
    weights: float = 0.8
    """Share of tokens or positions for which the weights do what the role says."""
    alpha: float = 0.01
    sequences: int = 64
    """Confirmation sequences below which nothing above a clue is said."""

    def changed(self) -> dict[str, float]:
        """The floors that are not the default ones."""
        return {name: float(value) for name, value in asdict(self).items() if value != getattr(_DEFAULT, name)}


_DEFAULT = Floors()

Tables = dict[tuple[str, str], dict[Head, np.ndarray]]
"""(method, role) → each head's numbers: what the agreement table is made of."""
