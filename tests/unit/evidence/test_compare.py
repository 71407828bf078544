"""What differs between two records, and when rungs turn on."""

from dataclasses import replace

import pytest

from rung.errors import RecordError
from rung.evidence.compare import compare, turned_on
from rung.evidence.observation import RUNGS, Floors, Outcome
from rung.evidence.verify import TOLERANCE


def test_a_proof_says_what_itself_says(proof):
    assert compare(proof(shown=True), proof(shown=True)).same


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"outcomes": {"support.positions": Outcome.FAILS}}, ("verdict", "rung", "mechanism", "contribution")),
        ({"heads": {"previous_token": ((0, 1),), "induction": ((1, 0),)}}, ("heads", "heads", "0.0", "0.1")),
        ({"floors": Floors(clue=0.2)}, ("floors", "floor", "0.3", "0.2")),
        ({"sequences": 128}, ("run", "sequences", "64", "128")),
        ({"text": "0f" * 32}, ("run", "text", "None", "0f" * 32)),
    ],
)
def test_it_names_what_differs(proof, changes, named):
    found = compare(proof(), proof(**changes)).differences
    assert named in [(one.test, one.what, one.recorded, one.found) for one in found]


def test_other_weights_and_another_outcome_are_named(proof):
    one = proof()
    two = replace(one, model=dict(one.model) | {"checkpoint": "ab" * 32})
    assert [(d.test, d.what) for d in compare(one, two).differences] == [("model", "checkpoint")]
    failed = compare(one, proof(outcomes={"mechanism.ov": Outcome.FAILS})).differences
    assert ("mechanism.ov", "1.0", "outcome", "holds", "fails") in [
        (d.test, d.subject, d.what, d.recorded, d.found) for d in failed
    ]


def test_numbers_differ_beyond_the_tolerance_of_verify_alone(proof):
    one = proof()

    def moved(by):
        first = one.measurements[0]
        check = replace(first.checks[0], value=first.checks[0].value * (1 + by))
        return replace(one, measurements=(replace(first, checks=(check, *first.checks[1:])), *one.measurements[1:]))

    assert compare(one, moved(TOLERANCE / 2)).same
    (found,) = compare(one, moved(2 * TOLERANCE)).differences
    assert (found.test, found.what) == ("behaviour.gain", "gain, value")


def test_a_rung_turns_on_where_no_later_verdict_is_below_it(proof):
    low = proof(outcomes={"clue.signature": Outcome.FAILS})
    middle = proof(outcomes={"mechanism.ov": Outcome.FAILS})
    assert turned_on([low, middle, low, middle, proof()]) == dict(zip(RUNGS, (0, 3, 3, 3, 4), strict=True))
    assert turned_on([proof(), low])["mechanism"] is None


def test_a_curve_needs_records_of_one_claim(proof):
    with pytest.raises(RecordError, match="at least two"):
        turned_on([proof()])
    with pytest.raises(RecordError, match="different claims, induction, other"):
        turned_on([proof(), replace(proof(), claim=replace(proof().claim, name="other"))])
