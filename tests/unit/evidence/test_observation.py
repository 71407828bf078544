import json
import math
import re
from dataclasses import FrozenInstanceError, replace

import pytest

from rung.errors import ClaimError
from rung.evidence.observation import RUNGS, Check, Floors, Measurement, Outcome, TestSpec

NECESSITY = Measurement(
    spec=TestSpec("support.necessity", 3, "1.4", role="induction", heads=((1, 4),)),
    outcome=Outcome.HOLDS,
    checks=(Check("mean", 0.5, 0.4, 0.6, 64, 1e-6), Check("resample", 0.7, 0.6, 0.8, 63, 1e-7)),
    unit="of the gain",
)


def test_a_measurement_is_plain_json_with_its_rung_in_words():
    plain = NECESSITY.to_dict()
    assert plain["rung"] == "causal support" == RUNGS[3]
    assert plain["outcome"] == "holds"
    assert plain["checks"][0] == {"name": "mean", "value": 0.5, "low": 0.4, "high": 0.6, "n": 64, "p": 1e-6}
    assert json.loads(json.dumps(plain)) == plain


def test_its_first_number_is_the_one_that_is_shown():
    assert (NECESSITY.value, NECESSITY.interval, NECESSITY.n) == (0.5, (0.4, 0.6), 64)
    assert NECESSITY.check("resample") is NECESSITY.checks[1]
    assert NECESSITY.check("zero") is None
    nothing = replace(NECESSITY, checks=())
    assert (nothing.value, nothing.interval, nothing.n) == (None, None, 0)


def test_it_cannot_be_changed_afterwards():
    with pytest.raises(FrozenInstanceError):
        NECESSITY.outcome = Outcome.FAILS  # type: ignore[misc]


def test_outcomes_are_the_six_that_a_verdict_knows():
    assert [str(one) for one in Outcome] == [
        "holds", "fails", "contradicted", "inconclusive", "not applicable", "not run",
    ]  # fmt: skip


def test_floors_say_which_of_them_are_not_the_default():
    assert Floors().changed() == {}
    assert Floors(gain=0.5, sequences=16).changed() == {"gain": 0.5, "sequences": 16}
    assert replace(Floors(gain=0.5), gain=1.0).changed() == {}


def test_the_default_floors_are_the_published_ones():
    assert vars(Floors()) == {
        "gain": 1.0, "clue": 0.3, "clue_ratio": 3.0, "contribution": 0.1, "necessity": 0.1, "member": 0.02,
        "alone": 0.3, "edge": 0.5, "rival": 5.0, "interchange": 0.8, "content": 0.7, "positions": 0.8,
        "elsewhere": 0.2,
        "denoising": 0.5, "faithfulness": 0.8, "agreement": 0.9, "off_task": 0.1, "weights": 0.8, "alpha": 0.01,
        "sequences": 64,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("floors", "said"),
    [
        ({"necessity": 1.5}, "the floor necessity is 1.5; a share between 0 and 1 would fit (default 0.1)"),
        ({"faithfulness": -0.1}, "the floor faithfulness is -0.1; a share between 0 and 1 would fit (default 0.8)"),
        ({"clue": math.nan}, "the floor clue is nan; a share between 0 and 1"),
        ({"gain": -1.0}, "the floor gain is -1; nats between 0 and 1000 would fit (default 1)"),
        ({"gain": math.inf}, "the floor gain is inf; nats"),
        ({"clue_ratio": 0.0}, "the floor clue_ratio is 0; a ratio between 1 and a million would fit (default 3)"),
        ({"rival": 0.5}, "the floor rival is 0.5; a ratio"),
        ({"alpha": 0.0}, "the floor alpha is 0; a probability of error between 1e-9 and 0.5 would fit (default 0.01)"),
        ({"alpha": 1.0}, "the floor alpha is 1; a probability"),
        ({"sequences": 1}, "the floor sequences is 1; a number of sequences between 2"),
    ],
)
def test_floors_that_nothing_meets_or_nothing_falls_short_of_are_refused(floors, said):
    with pytest.raises(ClaimError, match=f"^{re.escape(said)}"):
        Floors(**floors).check()
    Floors().check()
