"""The verdict from outcomes: the highest rung up to which every required test is there and holds."""

from __future__ import annotations

from collections.abc import Sequence

from .observation import RUNGS, Floors, Measurement, Outcome, TestSpec
from .proof import NOTHING, Verdict

_WORST = (Outcome.CONTRADICTED, Outcome.FAILS, Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE, Outcome.NOT_RUN)


def verdict(required: Sequence[TestSpec], measured: Sequence[Measurement], floors: Floors, sequences: int) -> Verdict:
    """How far the required tests carry. One that was not measured is "not run", and stops the verdict."""
    outcomes = {m.spec.key: m.outcome for m in measured}
    reached, stopped = NOTHING, None
    for rung in range(len(RUNGS)):
        here = [spec for spec in required if spec.rung == rung]
        stopped = _weakest(here, outcomes)
        if stopped is not None or not here:
            break
        reached = rung
    if sequences < floors.sequences and reached > 1:
        return Verdict(1, capped=True)
    return Verdict(reached, stopped)


def _weakest(specs: Sequence[TestSpec], outcomes: dict[tuple[str, str], Outcome]) -> tuple[str, str] | None:
    """The first test of the worst outcome among those that do not hold."""
    short = [(spec.key, outcomes.get(spec.key, Outcome.NOT_RUN)) for spec in specs]
    short = [(key, outcome) for key, outcome in short if outcome is not Outcome.HOLDS]
    return min(short, key=lambda one: _WORST.index(one[1]))[0] if short else None
