"""Each planted model is tested once; verdicts are derived from its measurements as often as need be."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cache

import pytest

from rung.evidence.claim import Claim, required_tests
from rung.evidence.looks import look_alpha
from rung.evidence.observation import RUNGS, Floors, Measurement, Outcome
from rung.evidence.prove import run_tests
from rung.evidence.soundness import claim_of, setting_of
from rung.evidence.verdict import verdict
from rung.planted import Planted, plant

MECHANISM = RUNGS.index("mechanism")


@dataclass(frozen=True, eq=False)
class Tested:
    """A planted model and the required tests of its claim, on 64 confirmation sequences: those of the rung above its
    truth, and below. Whatever holds above says nothing of a verdict that must end here.
    """

    planted: Planted
    claim: Claim
    measured: tuple[Measurement, ...]

    def rung(self, broken: Collection[str] = ()) -> int:
        """How far the verdict goes when every test of the ids `broken` held, whatever it measured."""
        required = required_tests(self.claim, self.planted.model.config, texts=self.planted.text is not None)
        found = [replace(m, outcome=Outcome.HOLDS) if m.test in broken else m for m in self.measured]
        return verdict(required, found, Floors(), 64).rung

    @property
    def short(self) -> list[str]:
        """What does not hold, for a message."""
        return [f"{m.test} of {m.subject}: {m.outcome}" for m in self.measured if m.outcome is not Outcome.HOLDS]


@cache
def _tested(kind: str, architecture: str, seed: int, whole: bool = True) -> Tested:
    planted = plant(kind, seed, architecture=architecture)
    claim = claim_of(planted)
    setting, required = setting_of(planted, claim)
    specs = [spec for spec in required if spec.rung <= planted.truth + 1]
    alpha = look_alpha(0.01, 64, 64)
    if whole or planted.truth == MECHANISM:
        return Tested(planted, claim, tuple(run_tests(setting, specs, alpha)))
    measured: list[Measurement] = []
    known: dict[tuple[str, str], Measurement] = {}
    for count in range(1, len(specs) + 1):
        measured = run_tests(setting, specs[:count], alpha, known=known)
        if measured[-1].outcome is not Outcome.HOLDS:
            break
    return Tested(planted, claim, tuple(measured))


@pytest.fixture(scope="session")
def tested() -> Callable[..., Tested]:
    """tested(kind, architecture, seed): the required tests of a planted model. `whole=False`: those of a decoy up to
    the first that does not hold, which ends its verdict.
    """
    return _tested
