"""Running chosen tests of the ladder on planted models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from ..circuits.composition import Into
from ..evidence.claim import CLAIMS, OUTPUT
from ..evidence.decide import criterion_of
from ..evidence.observation import Measurement, Outcome, TestSpec
from ..evidence.prove import Confirmation, prepare, run_tests
from ..methods.runner import Progress, no_progress
from ..planted import Planted, plant

Subject = Literal["head", "layer", "route"]
"""Whom tests of heads are run on: the claimed head, every head of its layer, or the head that feeds it."""
SEED = 2
"""The seed that every planted model of the checks is drawn from."""
GENUINE = 3
"""The lowest truth of a claim that the model relies on as claimed."""


@lru_cache(maxsize=32)
def planted_model(kind: str, seed: int) -> Planted:
    """The planted model of this kind, kept."""
    return plant(kind, seed)


@lru_cache(maxsize=32)
def confirmation(claim: str, kind: str, seed: int, whole_layer: bool, into: Into) -> Confirmation:
    """The claim about a planted model, with the planted heads or with every head of the receiver's layer; kept."""
    planted = planted_model(kind, seed)
    heads = dict(planted.heads)
    if whole_layer:
        layer = heads["induction"][0][0]
        heads["induction"] = tuple((layer, head) for head in range(planted.model.config.n_heads))
    made = CLAIMS[claim].with_heads(heads)
    made = replace(made, edges=tuple(replace(edge, into=into) for edge in made.edges))
    return prepare(made, planted.model)


def run_chosen(
    found: Confirmation, tests: Sequence[str], subject: Subject, progress: Progress = no_progress
) -> dict[str, list[Measurement]]:
    """The measurements of each chosen test, on the subject that was chosen; none where it has no such test."""
    chosen = [spec for spec in found.required if spec.id in tests and _speaks_of(found, spec, subject)]
    measured = run_tests(found.setting, chosen, found.alpha, progress, found.measured)
    return {test: [m for m in measured if m.test == test] for test in tests}


def _speaks_of(found: Confirmation, spec: TestSpec, subject: Subject) -> bool:
    if spec.into is not None or not spec.role:
        return True
    writes_out = found.claim.role(spec.role).writes_to == OUTPUT
    return writes_out is (subject != "route")


QUICK_FIRST = (
    "embedding_qk",
    "mechanism.ov",
    "clue.signature",
    "mechanism.routed_qk",
    "mechanism.positional",
    "contribution.direct",
    "support.interchange",
    "support.denoising",
    "support.necessity",
    "support.edge",
)
"""What may be chosen, by what it costs: weights are read once, ablation runs the model again for each control."""


def outcomes(tests: Sequence[str], run: Callable[[str], str], every: bool) -> dict[str, str]:
    """Each test's outcome. Unless `every`, quick tests run first, and the first that does not hold is the last."""
    found = {}
    for test in tests if every else sorted(tests, key=QUICK_FIRST.index):
        found[test] = run(test)
        if found[test] != Outcome.HOLDS.value and not every:
            break
    return {test: found[test] for test in tests if test in found}


def outcome(measured: Sequence[Measurement], holds: Callable[[Measurement], bool]) -> str:
    """One word for one test on several heads: it holds if it holds on any of them."""
    if not measured:
        return Outcome.NOT_RUN.value
    if any(holds(m) for m in measured):
        return Outcome.HOLDS.value
    left = [m.outcome for m in measured if m.outcome is not Outcome.HOLDS]
    return (left[0] if left else Outcome.FAILS).value


def by_floors(m: Measurement) -> bool:
    """Whether a test holds by the ladder's own floors and controls."""
    return m.outcome is Outcome.HOLDS


def above_zero(m: Measurement) -> bool:
    """Whether what a test asks for is there at all: its interval lies above zero, with no floor and no control."""
    asked = [
        check
        for check in m.checks
        if (criterion := criterion_of(m.test, check.name)) is not None
        and criterion.use == "decides"
        and criterion.sense == "at least"
        and not check.name.startswith("stratum/")
    ]
    return bool(asked) and all(check.low > 0 for check in asked)
