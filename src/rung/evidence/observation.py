"""What a test measures, and what is kept of it: arrays over sequences first, bounds after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

import numpy as np

from ..circuits.composition import Into
from ..circuits.heads import Head
from ..display import Shown
from ..errors import ClaimError

RUNGS = ("behaviour", "clue", "contribution", "causal support", "mechanism")
Rung = Literal[0, 1, 2, 3, 4]

PAIR = "pair/"
"""Begins the names of controls that make up a matrix: one entry for each pair of heads."""

Tables = dict[tuple[str, str], dict[Head, np.ndarray]]
"""(method, role) → each head's numbers: what the agreement table is made of."""


class Outcome(StrEnum):
    """How a test ended."""

    HOLDS = "holds"
    FAILS = "fails"
    CONTRADICTED = "contradicted"
    """Beyond the floor in the wrong direction."""
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not applicable"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class TestSpec:
    """One test of a claim: what a progress bar, a row on a page and an entry of a record share."""

    __test__ = False  # no pytest class

    id: str
    """Stable: "support.necessity". The part before the dot is the rung."""
    rung: Rung
    subject: str
    """The role, member or edge that it speaks of."""
    required: bool = True
    approximate: bool = False
    """Whether a number under its floor decides nothing: what is measured only approximates what the head reads."""
    role: str = ""
    """The role that is tested, or whose heads send."""
    heads: tuple[Head, ...] = ()
    """The heads that are tested, or that send."""
    receivers: tuple[Head, ...] = ()
    into: Into | None = None
    """The receivers' input that the edge ends in."""

    @property
    def key(self) -> tuple[str, str]:
        """What names it within a proof."""
        return self.id, self.subject


@dataclass(frozen=True, eq=False)
class Quantity:
    """mean(top) / mean(bottom) over sequences, one number of a test."""

    top: np.ndarray
    bottom: np.ndarray | float = 1.0
    share: bool = False
    """Whether each number lies between 0 and 1."""
    exact: bool = False
    """Whether nothing was sampled: the value is its own bound."""


@dataclass(frozen=True, eq=False, repr=False)
class Observation(Shown):
    """What one test measured, without a word about what follows."""

    quantities: Mapping[str, Quantity]
    """By the names that `decide.CRITERIA` gives them; the first is the one that is shown."""
    unit: str
    controls: Mapping[str, float] = field(default_factory=dict)
    """The same statistic where nothing should be."""
    undefined: str = ""
    """Why the test is not defined on this model; then nothing was measured."""
    not_run: str = ""
    """Why it was not run."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Labels that a sentence needs: which head is the control, what was read."""


@dataclass(frozen=True)
class Check:
    """One number of a test as it is kept: its value and bounds, and p where it has a floor."""

    name: str
    value: float
    low: float
    high: float
    n: int
    p: float | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Measurement(Shown):
    """A test's numbers with their bounds, what they were held against, and the outcome that follows."""

    spec: TestSpec
    outcome: Outcome
    checks: tuple[Check, ...] = ()
    unit: str = ""
    controls: Mapping[str, float] = field(default_factory=dict)
    undefined: str = ""
    not_run: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def rung(self) -> Rung:
        return self.spec.rung

    @property
    def test(self) -> str:
        """The test's stable id."""
        return self.spec.id

    @property
    def subject(self) -> str:
        return self.spec.subject

    @property
    def required(self) -> bool:
        """Whether the claim's verdict needs it to hold; otherwise it is only shown."""
        return self.spec.required

    @property
    def value(self) -> float | None:
        """The number that is shown first."""
        return self.checks[0].value if self.checks else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its bounds."""
        return (self.checks[0].low, self.checks[0].high) if self.checks else None

    @property
    def n(self) -> int:
        """Independent units behind the value: sequences, tokens, positions."""
        return self.checks[0].n if self.checks else 0

    def check(self, name: str) -> Check | None:
        """One of its numbers by name."""
        return next((one for one in self.checks if one.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "test": self.test,
            "subject": self.subject,
            "rung": RUNGS[self.rung],
            "required": self.required,
            "outcome": str(self.outcome),
            "unit": self.unit,
            "checks": [asdict(one) for one in self.checks],
            "controls": dict(self.controls),
            "undefined": self.undefined,
            "not_run": self.not_run,
            "notes": dict(self.notes),
        }


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
    """Each member's push, as a share of the strongest component's."""
    necessity: float = 0.1
    """Share of the gain that ablating a role removes."""
    member: float = 0.02
    """Share of the gain that ablating one member, or patching one edge, removes; or else:"""
    alone: float = 0.3
    """share of the joint work that one member or edge does with the others of its kind removed."""
    edge: float = 0.5
    """Share of the senders' effect that runs along their edges."""
    rival: float = 5.0
    """The edge's effect over each rival's."""
    interchange: float = 0.8
    """Share of queries that follow the other sequence."""
    content: float = 0.7
    """Cost of one member's output from another sequence, as a share of the cost of ablating it."""
    positions: float = 0.8
    """Share of the effect at the claimed positions."""
    elsewhere: float = 0.2
    """Share of the effect at all other positions, at most."""
    denoising: float = 0.5
    """Share of the damage that restoring the role recovers."""
    faithfulness: float = 0.8
    agreement: float = 0.9
    """Share of queries at which the circuit alone says what the model says."""
    off_task: float = 0.1
    """Change of the loss on ordinary text, as a share of that on the task, at most."""
    weights: float = 0.8
    """Share of tokens or positions for which the weights do what the role says."""
    alpha: float = 0.01
    sequences: int = 64
    """Confirmation sequences below which nothing above a clue is said."""

    def check(self) -> None:
        """Raises ClaimError for a floor that nothing could fall short of, or that nothing could meet."""
        for name, value in asdict(self).items():
            least, most, fits = _FITS.get(name, (0.0, 1.0, "a share between 0 and 1"))
            if not least <= value <= most:
                raise ClaimError(
                    f"the floor {name} is {value:g}; {fits} would fit (default {getattr(_DEFAULT, name):g})"
                )

    def changed(self) -> dict[str, float]:
        """The floors that are not the default ones."""
        return {name: float(value) for name, value in asdict(self).items() if value != getattr(_DEFAULT, name)}


_DEFAULT = Floors()
_FITS = {
    "gain": (0.0, 1e3, "nats between 0 and 1000"),
    "clue_ratio": (1.0, 1e6, "a ratio between 1 and a million"),
    "rival": (1.0, 1e6, "a ratio between 1 and a million"),
    "alpha": (1e-9, 0.5, "a probability of error between 1e-9 and 0.5"),
    "sequences": (2, 2**20, "a number of sequences between 2 and 1,048,576"),
}
"""Least and largest value of the floors that are no shares, and what that is in words."""
