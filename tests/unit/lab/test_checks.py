import pytest

from rung.course import LiftChoice, PlanChoice, check_lift, check_plan
from rung.errors import RungError
from rung.lab.computations import checks
from rung.views.wording import TEST_NAMES


def test_what_may_be_chosen_is_what_the_checkers_take(lab, job):
    found = checks.choices.run(lab, checks.AskChoices(), job)
    assert all(one.name == TEST_NAMES[one.id] for one in found.tests)
    check_lift(LiftChoice(tuple(one.id for one in found.tests)), every=False)
    ids = [tuple(one.id for one in some) for some in (found.interventions, found.weights)]
    check_plan(PlanChoice("one_back", "value", ids[0], "K", ids[1]), every=False)


@pytest.mark.parametrize("tests", [[], ["clue.signature"], ["support.necessity", "support.interchange"]])
def test_check_c_is_the_checker_s(lab, job, tests):
    found = checks.lift.run(lab, checks.AskLift(tests=tests), job)
    own = check_lift(LiftChoice(tuple(tests)))
    assert (found.passed, found.mistake, found.sentence) == (own.passed, own.mistake, own.sentence)
    for shown, case in zip(found.cases, own.cases, strict=True):
        assert (shown.model, shown.genuine, shown.accepted, shown.why) == (
            case.model, case.genuine, case.accepted, case.why,
        )  # fmt: skip
        assert shown.outcomes == [(TEST_NAMES[test], one) for test, one in case.outcomes.items()]


def test_check_e_is_the_checker_s(lab, job):
    ask = checks.AskPlan(route="one_back", match="key", interventions=["ablate"], weights=["ov"])
    found = checks.plan.run(lab, ask, job)
    own = check_plan(PlanChoice("one_back", "key", ("ablate",), "K", ("ov",)))
    assert (found.passed, found.mistake, found.sentence) == (False, "match_signature", own.sentence)
    assert job.steps


def test_an_unknown_choice_is_refused(lab, job):
    with pytest.raises(RungError, match="no test 'clue' to choose"):
        checks.lift.run(lab, checks.AskLift(tests=["clue"]), job)
