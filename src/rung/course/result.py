"""What a checker gives: whether the choice tells true circuits from decoys, each case, and the mistake it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One model whose truth is known, and what the chosen tests said of it."""

    model: str
    """The kind of planted model."""
    genuine: bool
    """Whether the claim is true of it."""
    accepted: bool
    """Whether every chosen test holds."""
    outcomes: Mapping[str, str]
    """Each chosen test's outcome."""
    why: str
    """What is true of the model."""

    @property
    def right(self) -> bool:
        """Whether the choice accepts what is true, or rejects what is false."""
        return self.genuine is self.accepted


@dataclass(frozen=True)
class CheckResult:
    """An answer or a choice, held against a computation or models whose truth is known."""

    passed: bool
    mistake: str
    """A stable name of the mistake; empty where none was found."""
    sentence: str
    """What was found, in a sentence or two."""
    cases: tuple[Case, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    def _ipython_display_(self) -> None:
        """Shows nothing in a notebook: `check` has printed the sentence."""
