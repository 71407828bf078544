"""Check (c): what lifts a clean stripe beyond a clue? The chosen tests are run on a true circuit and on four decoys.

Every one of the five models has a head with a clean stripe. In one of them the claim is true; in the others the striped
head writes nothing, is undone later, is not needed, or is needed for another reason. A choice is right if all of its
tests hold where the claim is true, and at least one does not in each of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import RungError, near
from ..methods.runner import Progress, no_progress
from .result import Case, CheckResult
from .trial import (
    GENUINE,
    SEED,
    Subject,
    above_zero,
    by_floors,
    confirmation,
    outcome,
    outcomes,
    planted_model,
    run_chosen,
)

NAMES = {
    "clue.signature": "the pattern",
    "contribution.direct": "the direct push",
    "support.necessity": "ablation",
    "support.denoising": "denoising",
    "support.interchange": "interchange",
    "support.edge": "path patching",
    "mechanism.ov": "OV",
    "mechanism.routed_qk": "composed QK",
}
"""What may be chosen, and how a sentence calls it."""
TESTS = tuple(NAMES)
MODELS = ("circuit", "stripe", "cancelled_downstream", "covered", "other_reason")


@dataclass(frozen=True)
class LiftChoice:
    """Which tests, run on which heads, held to what."""

    tests: tuple[str, ...]
    subject: Subject = "head"
    held_to: Literal["floor", "zero"] = "floor"
    """floor: the ladder's floors and controls, fixed beforehand; zero: any effect counts."""


SENTENCES = {
    "nothing": "You chose no test, so nothing was held against the models. A stripe alone stays a clue.",
    "not_there": "There is no such test on that head: {tests} asks what a head writes to the output, and the "
    "route head writes for another head.",
    "rejects_truth": "Your tests also reject the true circuit: {tests} does not hold there. Something is asked "
    "of a head that is not its job.",
    "patterns_only": "All your tests look at where the head looks. The decoy whose head writes nothing passes "
    "them: {outcomes}. Ask what the head does.",
    "matching_only": "Your tests show where the head looks and how it finds the place. The decoy whose head "
    "writes nothing passes them too: {outcomes}. Ask what is moved, and whether it matters.",
    "whole_layer": "You tested the layer, not the head. In the decoy another head of that layer copies, and the"
    " silent striped head gets its credit: {outcomes}.",
    "other_head": "You tested the head that feeds the stripe. It does its work in the decoy too, where the "
    "striped head writes nothing: {outcomes}.",
    "weights_only": "Weights say what a head can do. In one decoy a later head takes back all that the striped "
    "head writes, and its weights are as good: {outcomes}. Intervene.",
    "contribution_only": "A direct push is a contribution, not reliance. In one decoy a later head takes the "
    "push back: {outcomes}. Ablate, and see whether the loss moves.",
    "no_floor": "Any effect above zero is not an effect worth a claim. In one decoy a second circuit does the "
    "same work; ablating the striped head moves the loss by less than a thousandth of the gain, and that is above "
    "zero: {outcomes}.",
    "not_needed": "You show what the head can carry, not that the model needs it. In one decoy a second circuit"
    " does the same without it: {outcomes}. Ablate it.",
    "needed_not_why": "You show that the model needs the head, not what for. In one decoy it is relied on "
    "because it takes back what another head says wrongly: {outcomes}. Exchange its output and see what the model "
    "says.",
    "accepts_decoy": "Your tests accept a model in which the claim is false: {outcomes}.",
    "right": "Your tests hold on the true circuit and reject all four decoys. The stripe is now more than a "
    "clue: the model relies on this head, for the reason claimed.",
}
"""Each mistake in words; `outcomes` are the chosen tests' own on that decoy."""


def check_lift(choice: LiftChoice, progress: Progress = no_progress, every: bool = True) -> CheckResult:
    """Runs the chosen tests on all five models: `every` one, or, which is quicker, on a decoy until one does not hold,
    and on no model after the first that is judged wrongly. Raises RungError for a test that may not be chosen.
    """
    for test in choice.tests:
        if test not in TESTS:
            raise RungError(f"no test {test!r} to choose; there are {', '.join(TESTS)}.{near(test, TESTS)}")
    if not choice.tests:
        return CheckResult(False, "nothing", SENTENCES["nothing"])
    cases = []
    for done, kind in enumerate(MODELS):
        progress(f"planted model {done + 1} of {len(MODELS)}", done, len(MODELS))
        cases.append(_case(choice, kind, every))
        if not (every or cases[-1].right):
            break
    mistake, case = _mistake(choice, cases)
    return CheckResult(not mistake, mistake, _said(mistake or "right", case), tuple(cases))


def _case(choice: LiftChoice, kind: str, every: bool) -> Case:
    planted = planted_model(kind, SEED)
    found = confirmation("induction", kind, SEED, choice.subject == "layer", planted.into)
    holds = by_floors if choice.held_to == "floor" else above_zero
    genuine = planted.truth >= GENUINE

    def run(test: str) -> str:
        return outcome(run_chosen(found, [test], choice.subject)[test], holds)

    ran = outcomes(choice.tests, run, every or genuine)
    return Case(kind, genuine, all(one == "holds" for one in ran.values()), ran, planted.why)


def _mistake(choice: LiftChoice, cases: list[Case]) -> tuple[str, Case]:
    """The first mistake, and the model that shows it; empty where there is none."""
    genuine = next(case for case in cases if case.genuine)
    if not genuine.accepted:
        absent = "not run" in genuine.outcomes.values()
        return ("not_there" if absent else "rejects_truth"), genuine
    fooled = next((case for case in cases if not case.right), None)
    if fooled is None:
        return "", genuine
    tests = set(choice.tests)
    match fooled.model:
        case "stripe" if choice.subject == "layer":
            return "whole_layer", fooled
        case "stripe" if choice.subject == "route":
            return "other_head", fooled
        case "stripe":
            return ("patterns_only" if tests == {"clue.signature"} else "matching_only"), fooled
        case "cancelled_downstream":
            return ("contribution_only" if "contribution.direct" in tests else "weights_only"), fooled
        case "covered":
            return ("no_floor" if choice.held_to == "zero" else "not_needed"), fooled
        case "other_reason":
            return "needed_not_why", fooled
    return "accepts_decoy", fooled


def _said(name: str, case: Case) -> str:
    short = [NAMES[test] for test, found in case.outcomes.items() if found != "holds"]
    listed = ", ".join(f"{NAMES[test]} {found}" for test, found in case.outcomes.items())
    return SENTENCES[name].format(tests=", ".join(short), outcomes=listed)
