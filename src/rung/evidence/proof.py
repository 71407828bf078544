"""What a proof is made of: types only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config import ModelConfig
from ..display import Shown
from .claim import Claim
from .observation import RUNGS, Floors, Measurement

NOTHING = -1
"""The rung of a claim about a behaviour that is not there."""


@dataclass(frozen=True, repr=False)
class Agreement(Shown):
    """For one role: the top head by each method."""

    role: str
    claimed: tuple[str, ...]
    first: Mapping[str, str]
    """pattern, attribution, ablation, weights → head."""
    means: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Each method's mean for every head it was run on: scores, pushes, costs, shares."""

    @property
    def agrees(self) -> bool:
        """Whether a claimed head is on top by every method."""
        return bool(self.first) and all(head in self.claimed for head in self.first.values())


@dataclass(frozen=True, repr=False)
class Verdict(Shown):
    """The highest rung up to which every required test holds, and the test that stopped it there."""

    rung: int
    """−1: nothing to explain; 0 behaviour, 1 clue, 2 contribution, 3 causal support, 4 mechanism."""
    stopped_by: tuple[str, str] | None = None
    """Id and subject of the weakest link; None where nothing stopped it."""
    capped: bool = False
    """Whether only the number of sequences keeps it at clue."""

    @property
    def name(self) -> str:
        """The rung in words."""
        return RUNGS[self.rung] if self.rung >= 0 else "nothing to explain"


@dataclass(frozen=True, repr=False)
class Proof(Shown):
    """What was claimed of a model, every test, and the verdict."""

    claim: Claim
    model: Mapping[str, Any]
    """Name, hashes of the checkpoint's weights and of those held, config."""
    verdict: Verdict
    measurements: tuple[Measurement, ...]
    agreement: tuple[Agreement, ...]
    run: Mapping[str, Any]
    """Seeds, looks, how heads were found, text, dtype, device, versions."""
    floors: Floors = field(default_factory=Floors)

    @property
    def config(self) -> ModelConfig:
        """The model's config."""
        return ModelConfig.from_dict(self.model["config"])

    @property
    def sequences(self) -> int:
        """Confirmation sequences of the last look."""
        return int(self.run["looks"][-1]["sequences"])

    def of(self, rung: int) -> tuple[Measurement, ...]:
        """The tests of one rung."""
        return tuple(m for m in self.measurements if m.rung == rung)

    def find(self, test: str, subject: str | None = None) -> Measurement | None:
        """A test by id and subject (None: the first of that id)."""
        found = (m for m in self.measurements if m.test == test and subject in (None, m.subject))
        return next(found, None)
