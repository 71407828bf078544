"""What a checker gives: whether the choice tells true circuits from decoys, each case, and the mistake it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
    """A choice held against models whose truth is known."""

    passed: bool
    mistake: str
    """A stable name of the mistake; empty where none was found."""
    sentence: str
    """What was found, in a sentence or two."""
    cases: tuple[Case, ...] = field(default=())
