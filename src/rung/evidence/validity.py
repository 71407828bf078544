"""Which criteria of the framework "Mechanistic Validity" a proof met, and the tier that follows: from outcomes alone.

Mechanistic Validity (mechanistic-validity.github.io/mechanistic-validity/framework/criteria/, edition of 27 criteria,
June 2026) grades claims about circuits in five tiers. Its verdicts are written by hand; these follow from the tests of
a proof. A criterion is met only where tests decide its pass condition and the thresholds that its page states, and all
of them hold; every other criterion is "not tested", whatever else speaks for it. Where pages of the framework ask
different things for a tier (published calibration, M5, is asked for the third tier on one page only), the tier asks for
all of it.

A record stores nothing of this: it is derived anew from every proof that is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..display import Shown
from .claim import required_tests
from .observation import Measurement, Outcome
from .proof import Proof

SOURCE = "https://mechanistic-validity.github.io/mechanistic-validity/framework/criteria/"


class Status(StrEnum):
    """What a proof says of one criterion."""

    MET = "met"
    NOT_MET = "not met"
    UNDECIDED = "undecided"
    NOT_TESTED = "not tested"


@dataclass(frozen=True)
class Criterion:
    """One criterion of the framework, and the tests that decide it."""

    id: str
    name: str
    tests: tuple[str, ...] = ()
    """Ids of required tests, all of which must hold; an id without its rung ("faithfulness") stands for the test on
    either. None of them: Rung does not test the criterion."""
    more: Callable[[Proof], bool | None] | None = None
    """What must be true of these tests beyond their outcomes, such as a threshold that the criterion states; None where
    the proof cannot say."""


@dataclass(frozen=True)
class Tier:
    """A tier and what it asks beyond the tiers below."""

    name: str
    criteria: tuple[str, ...]
    tests: tuple[str, ...] = ()
    """Tests that the tier asks for beside its criteria, as `Criterion.tests`."""
    beyond: bool = False
    """Whether it also asks for something that no test of Rung decides."""


@dataclass(frozen=True, repr=False)
class Validity(Shown):
    """A proof by the framework's criteria."""

    statuses: Mapping[str, Status]
    """By criterion, in the framework's order."""
    tier: int
    """0: none; 1 proposed … 5 validated."""
    lacking: tuple[str, ...]
    """Ids of the criteria, and of the tests, that the next tier asks for and that are not met."""
    tag: str
    """The framework's description mode that the criteria license; empty where there is nothing to describe."""

    def having(self, status: Status) -> tuple[str, ...]:
        """The criteria of one status, in order."""
        return tuple(name for name, found in self.statuses.items() if found is status)


LEAST_EFFECT = 0.1
"""E4: share of the effect below which a component is no part of a primary mechanism claim."""
LEAST_JACCARD = 0.5
"""C5: overlap of the heads that methods of different families name."""
FAMILIES = ("ablation", "weights")
"""Methods whose evidence is of different families, causal and structural. Pattern and attribution only add to them."""


def _defaults(proof: Proof) -> bool | None:
    """Floors that nobody chose for this proof: what would refute the claim was stated before it was looked at.

    Other floors may have been stated beforehand too, which no record shows.
    """
    return None if proof.floors.changed() else True


def _specific(proof: Proof) -> bool:
    """Whether no head or pair without the role has the weights' signature too."""
    names = ("best unclaimed head", "best other pair")
    beside = [m.controls[name] for m in proof.of(4) if m.required for name in names if name in m.controls]
    return bool(beside) and max(beside) < proof.floors.weights


def _each_costs(proof: Proof, least: float) -> bool:
    """Whether ablating each head by itself removes at least this share of the gain, by each kind of ablation."""
    for role in proof.claim.roles:
        test = "support.member" if len(role.heads) > 1 else "support.necessity"
        found = [m for m in proof.measurements if m.test == test and m.spec.role == role.name]
        names = ("mean", "resample", "cost/mean", "cost/resample")
        lows = [one.low for m in found for one in m.checks if one.name in names]
        if not lows or not min(lows) >= least:
            return False
    return True


def _converges(proof: Proof) -> bool | None:
    """Whether for every role all methods, causal and structural among them, name mostly the claimed heads."""
    found = {one.role: one for one in proof.agreement}
    for role in proof.claim.roles:
        means = found[role.name].means if role.name in found else {}
        if any(family not in means for family in FAMILIES):
            return None
        claimed = set(found[role.name].claimed)
        for heads in means.values():
            top = set(sorted(heads, key=lambda head: -heads[head])[: len(claimed)])
            if len(top & claimed) < LEAST_JACCARD * len(top | claimed):
                return False
    return True


_BEHAVES = ("behaviour.gain", "behaviour.order")
_WEIGHTS = ("mechanism.ov", "mechanism.positional", "mechanism.qk", "mechanism.routed_qk")
_ALONE = ("faithfulness", "agreement")

CRITERIA: tuple[Criterion, ...] = (
    Criterion("C1", "Falsifiability", _BEHAVES, _defaults),
    Criterion("C2", "Structural plausibility", _WEIGHTS, _specific),
    Criterion("C3", "Task specificity"),
    Criterion(
        "C4",
        "Minimality",
        ("support.necessity", "support.member", *_ALONE),
        lambda proof: _each_costs(proof, proof.floors.member),
    ),
    Criterion(
        "C5",
        "Convergent validity",
        ("clue.signature", "contribution.direct", "contribution.edge", "support.necessity", *_WEIGHTS),
        _converges,
    ),
    Criterion("I1", "Necessity", ("support.necessity",)),
    Criterion("I2", "Sufficiency", _ALONE),
    Criterion("I3", "Specificity", ("support.necessity", "support.off_task")),
    Criterion("I4", "Consistency"),
    Criterion("I5", "Confound control"),
    Criterion("E1", "Intervention reach"),
    Criterion("E2", "Graded response"),
    Criterion("E3", "Selectivity", ("support.off_task",)),
    Criterion(
        "E4",
        "Effect magnitude",
        ("behaviour.gain", "support.necessity", "support.member"),
        lambda proof: _each_costs(proof, LEAST_EFFECT),
    ),
    Criterion("E5", "Robustness"),
    Criterion("E6", "Cross-architecture generalization"),
    Criterion("M1", "Reliability"),
    Criterion("M2", "Invariance"),
    Criterion("M3", "Baseline separation"),
    Criterion("M4", "Sensitivity"),
    Criterion("M5", "Calibration"),
    Criterion("M6", "Construct coverage"),
    Criterion("V1", "Level declaration", _BEHAVES),
    Criterion("V2", "Level–evidence match", _BEHAVES),
    Criterion("V3", "Narrative coherence"),
    Criterion("V4", "Alternative exclusion"),
    Criterion("V5", "Scope honesty"),
)
"""The 27 criteria, in the framework's order. V1 and V2 ask that a description mode is declared and licensed: `tag_of`
declares the one that the criteria license, which for a behaviour that is there is at least "functional"."""

_FIRST_FOUR = ("C1", "I1", "E4", "V1", "I2", "I3", "I4", "M1", "M5", "C5", "E5", "V2")
TIERS: tuple[Tier, ...] = (
    Tier("proposed", ("C1",), _BEHAVES),
    Tier("causally suggestive", ("I1", "E4", "V1"), ("complement",)),
    Tier("mechanistically supported", ("I2", "I3", "I4", "M1", "M5")),
    Tier("triangulated", ("C5", "E5", "V2")),
    Tier("validated", tuple(one.id for one in CRITERIA if one.id not in _FIRST_FOUR), beyond=True),
)
"""The tiers from the lowest. The second asks that necessity exceeds that of a control of as many heads: halves of all
other heads. The fifth asks besides for every part's function, a prediction confirmed after it was made, and coverage.
"""

MODES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("structural-mechanistic", ("C2", "I1", "M3")),
    ("causal-mechanistic", ("I1", "I2", "I3", "M3")),
    ("representational", ("M1", "M3", "M5")),
    ("functional", ("V2",)),
)
"""Description modes and the criteria that license them (the framework's page on V2), the strongest first."""


def validity(proof: Proof) -> Validity:
    """The status of each criterion, and the highest tier of which and below which everything is met."""
    statuses = {one.id: status_of(one, proof) for one in CRITERIA}
    tier = 0
    lacking: tuple[str, ...] = ()
    for made in TIERS:
        lacking = tuple(name for name in made.criteria if statuses[name] is not Status.MET)
        lacking += tuple(name for name in made.tests if tests_status((name,), proof) is not Status.MET)
        if lacking or made.beyond:
            break
        tier += 1
    return Validity(statuses, tier, lacking, tag_of(statuses))


def status_of(criterion: Criterion, proof: Proof) -> Status:
    """Met where every test behind the criterion was run and holds, and its numbers reach the criterion's thresholds."""
    found = tests_status(criterion.tests, proof)
    if found is not Status.MET or criterion.more is None:
        return found
    more = criterion.more(proof)
    return Status.UNDECIDED if more is None else Status.MET if more else Status.NOT_MET


def tests_status(tests: Sequence[str], proof: Proof) -> Status:
    """What the claim's required tests of these ids say together.

    Not tested if the claim requires none of them, or lacks one that the criterion cannot do without: faithfulness,
    text. Above a clue nothing counts on fewer sequences than the floors ask for.
    """
    specs = required_tests(proof.claim, proof.config, proof.run["text"] is not None)
    measured: dict[tuple[str, str], Measurement] = {m.spec.key: m for m in proof.measurements}
    outcomes: list[Outcome] = []
    if not tests:
        return Status.NOT_TESTED
    for test in tests:
        own = [spec for spec in specs if test in (spec.id, spec.id.partition(".")[2])]
        if not own and proof.claim.complete and test not in _OPTIONAL:
            return Status.NOT_TESTED
        for spec in own:
            counts = spec.rung <= 1 or proof.sequences >= proof.floors.sequences
            m = measured.get(spec.key) if counts else None
            outcomes.append(Outcome.NOT_RUN if m is None else m.outcome)
        if not own and test not in _OPTIONAL:
            outcomes.append(Outcome.NOT_RUN)
    if any(one in (Outcome.FAILS, Outcome.CONTRADICTED) for one in outcomes):
        return Status.NOT_MET
    return Status.MET if outcomes and all(one is Outcome.HOLDS for one in outcomes) else Status.UNDECIDED


_OPTIONAL = ("support.member", *_WEIGHTS, "contribution.direct", "contribution.edge")
"""Tests that only some claims are asked for, and that say of the others what theirs cannot: members of a role of
several heads, and what a role's weights and attribution must show by where it writes."""


def tag_of(statuses: Mapping[str, Status]) -> str:
    """The strongest description mode of which every criterion is met."""
    licensed = (mode for mode, needed in MODES if all(statuses[one] is Status.MET for one in needed))
    return next(licensed, "")
