"""Computations of the lab: checks (c) and (e), graded by running what the reader chose."""

from __future__ import annotations

from typing import Literal

import msgspec

from ...course import CheckResult, LiftChoice, PlanChoice, check_lift, check_plan
from ...course.lift import TESTS
from ...course.plan import INTERVENTIONS, OWN_QK, WEIGHTS
from ...views.wording import TEST_NAMES
from ..computation import Answer, Ask, Computation, Job, Lab, check_at_most, computation


class Choice(msgspec.Struct, frozen=True):
    """Something to choose: its id, and its name."""

    id: str
    name: str


class Choices(Answer, frozen=True, kw_only=True):
    """What may be chosen in (c) and (e)."""

    tests: list[Choice]
    interventions: list[Choice]
    weights: list[Choice]


class ShownCase(msgspec.Struct, frozen=True):
    """One planted model, and what the choice said of it."""

    model: str
    genuine: bool
    accepted: bool
    outcomes: list[tuple[str, str]]
    """Name and outcome of each chosen test."""
    why: str


class Graded(Answer, frozen=True, kw_only=True):
    """Whether the choice passed, the mistake it makes, and every model it was run on."""

    passed: bool
    mistake: str
    sentence: str
    cases: list[ShownCase]


class AskChoices(Ask, frozen=True, kw_only=True):
    """What may be chosen."""


class AskLift(Ask, frozen=True, kw_only=True):
    """Check (c)."""

    tests: list[str]
    subject: Literal["head", "layer", "route"] = "head"
    held_to: Literal["floor", "zero"] = "floor"


class AskPlan(Ask, frozen=True, kw_only=True):
    """Check (e)."""

    route: Literal["one_back", "two_back", "itself"]
    match: Literal["value", "key", "last"]
    interventions: list[str]
    into: Literal["Q", "K", "V"] = "K"
    weights: list[str]


@computation("checks.choices")
def choices(lab: Lab, ask: AskChoices, job: Job) -> Choices:
    """What may be chosen in (c) and (e)."""
    return Choices(
        tests=[Choice(test, _name(test)) for test in TESTS],
        interventions=[Choice(one, _name(test)) for one, test in INTERVENTIONS.items()],
        weights=[Choice(one, _name(test)) for one, test in WEIGHTS.items()] + [Choice(OWN_QK, _name(OWN_QK))],
    )


@computation("checks.lift", lane="long")
def lift(lab: Lab, ask: AskLift, job: Job) -> Graded:
    """What lifts a clean stripe beyond a clue?"""
    check_at_most("tests", max(1, len(ask.tests)), len(TESTS))
    return _graded(check_lift(LiftChoice(tuple(ask.tests), ask.subject, ask.held_to), job.progress))


@computation("checks.plan", lane="long")
def plan(lab: Lab, ask: AskPlan, job: Job) -> Graded:
    """A new task: which signatures, interventions and weight checks first?"""
    choice = PlanChoice(ask.route, ask.match, tuple(ask.interventions), ask.into, tuple(ask.weights))
    return _graded(check_plan(choice, job.progress))


def _name(test: str) -> str:
    return "QK on embeddings alone" if test == OWN_QK else TEST_NAMES[test]


def _graded(found: CheckResult) -> Graded:
    cases = [
        ShownCase(
            case.model,
            case.genuine,
            case.accepted,
            [(_name(test), one) for test, one in case.outcomes.items()],
            case.why,
        )
        for case in found.cases
    ]
    return Graded(passed=found.passed, mistake=found.mistake, sentence=found.sentence, cases=cases)


COMPUTATIONS: tuple[Computation, ...] = (choices, lift, plan)
