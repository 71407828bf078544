import json
from dataclasses import FrozenInstanceError, fields, replace

import pytest

from rung.evidence.measurement import RUNGS, Floors, Measurement, Outcome

GAIN = Measurement(
    rung=3, test="necessity", subject="1.4", outcome=Outcome.HOLDS, required=True, value=0.5, interval=(0.4, 0.6)
)


def test_a_measurement_is_plain_json_with_its_rung_in_words():
    plain = GAIN.to_dict()
    assert plain["rung"] == "causal support" == RUNGS[3]
    assert plain["outcome"] == "holds"
    assert json.loads(json.dumps(plain)) == plain | {"interval": [0.4, 0.6]}
    assert set(plain) == {one.name for one in fields(Measurement)}


def test_it_cannot_be_changed_afterwards():
    with pytest.raises(FrozenInstanceError):
        GAIN.outcome = Outcome.FAILS  # type: ignore[misc]


def test_outcomes_are_the_six_that_a_verdict_knows():
    assert [str(one) for one in Outcome] == [
        "holds", "fails", "contradicted", "inconclusive", "not applicable", "not run",
    ]  # fmt: skip


def test_floors_say_which_of_them_are_not_the_default():
    assert Floors().changed() == {}
    assert Floors(gain=0.5, sequences=16).changed() == {"gain": 0.5, "sequences": 16}
    assert replace(Floors(gain=0.5), gain=1.0).changed() == {}


def test_the_default_floors_are_the_published_ones():
    published = {
        "gain": 1.0, "clue": 0.3, "clue_ratio": 3.0, "necessity": 0.1, "member": 0.02, "alone": 0.3, "edge": 0.5,
        "rival": 5.0, "denoising": 0.5, "faithfulness": 0.8, "weights": 0.8, "alpha": 0.01, "sequences": 64,
    }  # fmt: skip
    assert {name: value for name, value in vars(Floors()).items() if name in published} == published
