import pytest

from rung.course import LiftChoice, check_lift
from rung.course.lift import MODELS, SENTENCES
from rung.course.trial import SEED, above_zero, confirmation, planted_model
from rung.errors import RungError
from rung.evidence.claim import INDUCTION
from rung.evidence.prove import prove

NECESSITY, INTERCHANGE = "support.necessity", "support.interchange"
WRONG = {
    "nothing": LiftChoice(()),
    "patterns_only": LiftChoice(("clue.signature",)),
    "matching_only": LiftChoice(("clue.signature", "mechanism.routed_qk")),
    "weights_only": LiftChoice(("mechanism.ov",)),
    "contribution_only": LiftChoice(("contribution.direct",)),
    "not_needed": LiftChoice((INTERCHANGE,)),
    "needed_not_why": LiftChoice((NECESSITY,)),
    "whole_layer": LiftChoice((NECESSITY, INTERCHANGE), subject="layer"),
    "other_head": LiftChoice((NECESSITY, INTERCHANGE), subject="route"),
    "no_floor": LiftChoice((NECESSITY, INTERCHANGE), held_to="zero"),
    "not_there": LiftChoice(("contribution.direct",), subject="route"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_answer_is_rejected_with_a_sentence_of_its_own(mistake):
    found = check_lift(WRONG[mistake])
    assert (found.passed, found.mistake) == (False, mistake)
    assert found.sentence.startswith(SENTENCES[mistake].split("{")[0])
    assert "{" not in found.sentence
    quick = check_lift(WRONG[mistake], every=False)
    assert (quick.passed, quick.mistake, quick.sentence) == (False, mistake, found.sentence)


def test_every_sentence_is_another():
    said = [check_lift(choice).sentence for choice in WRONG.values()]
    assert len(set(said)) == len(WRONG)


@pytest.mark.parametrize("more", [(), ("clue.signature", "contribution.direct", "mechanism.ov"), ("support.edge",)])
def test_more_than_one_right_answer_passes(more):
    found = check_lift(LiftChoice((NECESSITY, INTERCHANGE, *more)))
    assert found.passed, found
    assert [case.accepted for case in found.cases] == [kind == "circuit" for kind in MODELS]
    assert all(case.right for case in found.cases)
    quick = check_lift(LiftChoice((NECESSITY, INTERCHANGE, *more)), every=False)
    assert (quick.passed, quick.sentence) == (True, found.sentence)
    for case, whole in zip(quick.cases, found.cases, strict=True):
        assert (case.accepted, case.outcomes.items() <= whole.outcomes.items()) == (whole.accepted, True)


def test_the_cases_are_what_a_whole_proof_finds():
    """Independent of the checker's own runs: the same outcomes stand in a proof of each planted model."""
    tests = (NECESSITY, INTERCHANGE, "mechanism.ov")
    cases = {case.model: case for case in check_lift(LiftChoice(tests)).cases}
    for case in (cases["circuit"], cases["covered"]):
        planted = planted_model(case.model, SEED)
        proof = prove(INDUCTION.with_heads(planted.heads), planted.model)
        head = ".".join(map(str, planted.heads["induction"][0]))
        assert case.outcomes == {test: proof.find(test, head).outcome.value for test in tests}
        assert case.genuine is (planted.truth >= 3)


def test_above_zero_asks_for_no_floor():
    found = confirmation("induction", "covered", SEED, False, "K")
    check_lift(LiftChoice((NECESSITY,)))
    m = next(m for m in found.measured.values() if m.test == NECESSITY and m.spec.role == "induction")
    assert m.outcome.value == "fails"
    assert above_zero(m) is (min(m.check("mean").low, m.check("resample").low) > 0) is True
    assert m.value < 0.001


def test_progress_is_told_and_a_test_that_is_not_there_is_refused():
    steps = []
    check_lift(LiftChoice((NECESSITY,)), lambda *step: steps.append(step))
    assert [done for _, done, _ in steps] == list(range(len(MODELS)))
    with pytest.raises(RungError, match=r"no test 'support.nec' to choose.*support.necessity"):
        check_lift(LiftChoice(("support.nec",)))
