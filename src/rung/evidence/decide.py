"""What a test's numbers amount to: which of them decide, against which floor, and the outcome that follows.

`CRITERIA` is the one place that says what each test must show. A record keeps numbers; reading one back decides again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..tasks.task import STRATA
from .observation import Check, Floors, Measurement, Observation, Outcome, Quantity, TestSpec
from .statistics import Bounds, bounds, p_above

DECOMPOSITION = 1e-4
"""Largest error of a sum of parts, as a share of the whole: some hundreds of parts are summed in float32."""

BY_TOKEN = 2
"""How much larger than the mean change of the loss on text the change of each token may be, whatever its sign."""

Sense = Literal["at least", "at most", "within"]
Use = Literal["decides", "guard", "shown"]


@dataclass(frozen=True)
class Criterion:
    """One number of a test held against a floor, by the conservative end of its interval."""

    name: str
    """The number's name; "x/*" stands for every number whose name starts with "x/"."""
    floor: Callable[[Floors], float] = lambda floors: 0.0
    sense: Sense = "at least"
    use: Use = "decides"
    """A guard that is not met leaves the test inconclusive: then the other numbers mean nothing."""
    way: str = ""
    """Criteria that share a way hold together; one way that holds is enough."""
    signed: bool = False
    """Whether as much in the other direction contradicts the claim."""
    names: tuple[tuple[str, ...], ...] = ((),)
    """What a starred criterion must at least be given: all of one of these."""

    def covers(self, name: str) -> bool:
        """Whether it speaks of the number of this name."""
        return name == self.name or (self.name.endswith("/*") and name.startswith(self.name[:-1]))

    def lacking(self, given: Collection[str]) -> list[str]:
        """The numbers that must be there and were not given; of several such sets, those of the one that is meant."""
        if not self.name.endswith("/*"):
            return [] if self.name in given else [self.name]
        sets = [[self.name[:-1] + name for name in some] for some in self.names]
        meant = max(sets, key=lambda some: sum(name in given for name in some))
        return [name for name in meant if name not in given]

    @property
    def least(self) -> list[str]:
        """The numbers that must be there; of several such sets the first."""
        return self.lacking(())

    def met(self, check: Check, floors: Floors) -> bool:
        """Whether the conservative end is on the right side of the floor."""
        floor = self.floor(floors)
        if any(math.isnan(one) for one in (check.value, check.low, check.high)):
            return False
        match self.sense:
            case "at least":
                return check.low >= floor
            case "at most":
                return check.high <= floor
        return -floor <= check.low and check.high <= floor

    def missed(self, check: Check, floors: Floors) -> bool:
        """Whether the whole interval is on the wrong side of the floor."""
        floor = self.floor(floors)
        match self.sense:
            case "at least":
                return not check.high >= floor
            case "at most":
                return not check.low <= floor
        return not (check.low <= floor and check.high >= -floor)

    def p(self, quantity: Quantity, floors: Floors) -> float | None:
        """p of "the floor is not met"; None where nothing was sampled."""
        if quantity.exact:
            return None
        floor, top, bottom = self.floor(floors), *_paired(quantity)
        above = p_above(top, floor, True) if quantity.share else p_above(top - floor * bottom)
        below = p_above(1 - top, 1 - floor, True) if quantity.share else p_above(floor * bottom - top)
        match self.sense:
            case "at least":
                return above
            case "at most":
                return below
        return max(below, p_above(top + floor * bottom))


def _strata(name: str = "stratum/*", **options: object) -> Criterion:
    return Criterion(name, names=STRATA, **options)  # type: ignore[arg-type]


def _alternatives(*kinds: str) -> tuple[Criterion, ...]:
    """The rule for every part: removing it costs, or with the others of its kind removed it does a good part alone."""
    cost = tuple(Criterion(f"cost/{kind}", lambda f: f.member, way="cost") for kind in kinds)
    return cost + tuple(Criterion(f"alone/{kind}", lambda f: f.alone, way="alone") for kind in kinds)


_FAITHFUL = (
    Criterion("explained", lambda f: f.faithfulness),
    Criterion("room", lambda f: f.necessity, use="guard"),
    Criterion("swap/*"),
)
_AGREES = (Criterion("same", lambda f: f.agreement),)
_STANDS = (Criterion("half/*", lambda f: 1 - f.faithfulness, "at most", names=(("0a", "0b"),)),)

CRITERIA: Mapping[str, tuple[Criterion, ...]] = {
    "behaviour.gain": (Criterion("gain", use="shown"), _strata(floor=lambda f: f.gain)),
    "behaviour.order": (Criterion("excess", use="shown"), _strata(sense="at most")),
    "clue.signature": (
        Criterion("score", use="shown"),
        Criterion("control", lambda f: 1 / f.clue_ratio, "at most"),
        _strata(floor=lambda f: f.clue),
    ),
    "contribution.direct": (
        Criterion("push", signed=True),
        Criterion("strongest", lambda f: f.contribution),
        Criterion("rival", lambda f: 1.0, "at most"),
    ),
    "contribution.edge": (
        Criterion("push", signed=True),
        Criterion("strongest", lambda f: f.contribution),
        Criterion("rival", lambda f: 1.0, "at most"),
    ),
    "contribution.sum": (Criterion("error", lambda f: DECOMPOSITION, "at most"),),
    "support.necessity": (
        Criterion("mean", lambda f: f.necessity, signed=True),
        Criterion("resample", lambda f: f.necessity, signed=True),
        _strata(floor=lambda f: f.necessity),
    ),
    "support.member": _alternatives("mean", "resample"),
    "support.member_content": (Criterion("content", lambda f: f.content),),
    "support.member_alone": _alternatives("mean"),
    "support.denoising": (
        Criterion("recovered", lambda f: f.denoising, signed=True),
        Criterion("damage", lambda f: f.necessity, use="guard"),
    ),
    "support.interchange": (Criterion("followed", lambda f: f.interchange),),
    "support.positions": (
        Criterion("claimed", lambda f: f.positions),
        Criterion("elsewhere", lambda f: f.elsewhere, "within"),
    ),
    "support.output": (
        Criterion("carried", lambda f: f.edge, signed=True),
        Criterion("senders", lambda f: f.necessity, use="guard"),
    ),
    "support.output_part": (*_alternatives("patch"), Criterion("direct", lambda f: f.edge)),
    "support.output_interchange": (Criterion("followed", lambda f: f.interchange),),
    "support.edge": (
        Criterion("carried", lambda f: f.edge, signed=True),
        Criterion("senders", lambda f: f.necessity, use="guard"),
        Criterion("rival/*", lambda f: 1 / f.rival, "within"),
    ),
    "support.edge_interchange": (Criterion("followed", lambda f: f.interchange),),
    "support.edge_part": (*_alternatives("patch"), Criterion("rival/*", lambda f: 1 / f.rival, "within")),
    "support.faithfulness": _FAITHFUL,
    "support.agreement": _AGREES,
    "support.complement": _STANDS,
    "support.off_task": (
        Criterion("text", lambda f: f.off_task, "within"),
        Criterion("by_token", lambda f: BY_TOKEN * f.off_task, "at most"),
    ),
    "mechanism.ov": (Criterion("copied", lambda f: f.weights),),
    "mechanism.positional": (Criterion("one_back", lambda f: f.weights),),
    "mechanism.qk": (Criterion("matched", lambda f: f.weights),),
    "mechanism.routed_qk": (Criterion("matched", lambda f: f.weights),),
    "mechanism.member_alone": _alternatives("mean"),
    "mechanism.faithfulness": _FAITHFUL,
    "mechanism.agreement": _AGREES,
    "mechanism.complement": _STANDS,
}
"""What each test must show. Ids that are not here are only shown."""


def criterion_of(test: str, name: str) -> Criterion | None:
    """The criterion that a test holds one of its numbers against; None for a number that is only shown."""
    return next((one for one in CRITERIA.get(test, ()) if one.covers(name) and one.use != "shown"), None)


def summarize(spec: TestSpec, observed: Observation, floors: Floors, alpha: float) -> Measurement:
    """Bounds and p-values of what was observed, and the outcome that follows."""
    checks = tuple(_check(spec.id, name, one, floors, alpha) for name, one in observed.quantities.items())
    outcome = decide(spec, checks, floors, observed.undefined, observed.not_run)
    return Measurement(
        spec=spec,
        outcome=outcome,
        checks=checks,
        unit=observed.unit,
        controls=dict(observed.controls),
        undefined=observed.undefined,
        not_run=observed.not_run,
        notes=dict(observed.notes),
    )


def _check(test: str, name: str, quantity: Quantity, floors: Floors, alpha: float) -> Check:
    top, bottom = _paired(quantity)
    if quantity.exact:
        value = float(top.mean() / bottom.mean())
        found = Bounds(value, value, value, len(top))
    else:
        found = bounds(top, bottom, alpha, quantity.share)
    criterion = criterion_of(test, name)
    check = Check(name, *found, p=None if criterion is None else criterion.p(quantity, floors))
    if criterion is None or not _disagree(criterion, check, floors, alpha):
        return check
    # The test of a ratio need not be monotone in its floor where sequences are few: then it says nothing.
    return replace(check, low=-math.inf, high=math.inf, p=1.0)


def _disagree(criterion: Criterion, check: Check, floors: Floors, alpha: float) -> bool:
    """Whether p and interval decide differently, by more than rounding."""
    if check.p is None or abs(check.p - alpha) <= 1e-3 * alpha:
        return False
    return (check.p <= alpha) != criterion.met(check, floors)


def _paired(quantity: Quantity) -> tuple[np.ndarray, np.ndarray]:
    """Top and bottom, sequence by sequence; a sequence without a query is left out."""
    top, bottom = np.broadcast_arrays(
        np.atleast_1d(quantity.top).astype(float), np.asarray(quantity.bottom, dtype=float)
    )
    held = ~np.isnan(top)
    return top[held], bottom[held]


def decide(spec: TestSpec, checks: Sequence[Check], floors: Floors, undefined: str = "", not_run: str = "") -> Outcome:
    """The outcome of a test from its numbers: pure, and the same when a record is read back."""
    criteria = CRITERIA.get(spec.id)
    if not_run:
        return Outcome.NOT_RUN
    if undefined:
        return Outcome.INCONCLUSIVE
    if criteria is None:
        return Outcome.NOT_APPLICABLE
    if missing(spec.id, [one.name for one in checks]):
        return Outcome.NOT_RUN
    pairs = [(criterion, check) for check in checks if (criterion := criterion_of(spec.id, check.name)) is not None]
    if any(not criterion.met(check, floors) for criterion, check in pairs if criterion.use == "guard"):
        return Outcome.INCONCLUSIVE
    deciding = [(criterion, check) for criterion, check in pairs if criterion.use == "decides"]
    if any(
        criterion.signed and check.high <= -criterion.floor(floors) and check.high < 0 for criterion, check in deciding
    ):
        return Outcome.CONTRADICTED
    ways = {way: [pair for pair in deciding if pair[0].way == way] for way in dict.fromkeys(c.way for c, _ in deciding)}
    always = ways.pop("", [])
    held = all(one.met(check, floors) for one, check in always)
    if held and (not ways or any(all(one.met(check, floors) for one, check in way) for way in ways.values())):
        return Outcome.HOLDS
    if spec.approximate or (spec.id == "support.necessity" and _methods_disagree(deciding, floors)):
        return Outcome.INCONCLUSIVE
    missed = any(one.missed(check, floors) for one, check in always)
    missed |= bool(ways) and all(any(one.missed(check, floors) for one, check in way) for way in ways.values())
    return Outcome.FAILS if missed else Outcome.INCONCLUSIVE


EXACT = ("contribution.sum", "mechanism.ov", "mechanism.positional", "mechanism.qk", "mechanism.routed_qk")
"""Tests whose numbers may be their own bounds: nothing was sampled, or every token was read."""


def inconsistent(test: str, check: Check, floors: Floors, alpha: float) -> str:
    """What contradicts itself in one number of a test as it was written down; empty where nothing does."""
    if not math.isnan(check.value) and not check.low <= check.value <= check.high:
        return f"its value {check.value:g} lies outside its interval [{check.low:g}, {check.high:g}]"
    criterion = criterion_of(test, check.name)
    if criterion is None:
        return "" if check.p is None else "it has a p, and no floor"
    if check.p is None:
        exact = test in EXACT and check.low == check.high
        return "" if exact else "it has a floor, and no p"
    if _disagree(criterion, check, floors, alpha):
        return f"its p is {check.p:g}, and its interval [{check.low:g}, {check.high:g}] says otherwise"
    return ""


def missing(test: str, names: Iterable[str]) -> list[str]:
    """The numbers that a test needs and was not given."""
    given = set(names)
    return [name for one in CRITERIA.get(test, ()) for name in one.lacking(given)]


def _methods_disagree(deciding: Sequence[tuple[Criterion, Check]], floors: Floors) -> bool:
    """Whether one kind of ablation clears the floor and the other does not: redundant, or off distribution."""
    clear = [criterion.met(check, floors) for criterion, check in deciding if check.name in ("mean", "resample")]
    return any(clear) and not all(clear)
