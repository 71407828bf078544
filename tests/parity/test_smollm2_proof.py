"""What the ladder measures of a real language model's heads, on a few sequences: `rung prove` with 64 takes minutes."""

from pathlib import Path

import numpy as np
import pytest

from rung.evidence.claim import INDUCTION
from rung.evidence.decide import DECOMPOSITION
from rung.evidence.observation import Floors
from rung.evidence.setting import Setting
from rung.evidence.tests.attribution import direct_attribution
from rung.methods.runner import MEAN, InductionRunner, averaged
from rung.model.model import HookedTransformer
from rung.tasks.induction import induction_batch

pytestmark = pytest.mark.slow

SEQUENCES = 8


@pytest.fixture(scope="module")
def setting(smollm2: Path) -> Setting:
    """16.0 and 11.1, which look alike, both claimed for the route to one of the strongest induction heads."""
    model = HookedTransformer.from_pretrained(smollm2)
    claim = INDUCTION.with_heads({"previous_token": [(16, 0), (11, 1)], "induction": [(18, 6)]})
    runner = InductionRunner(model, induction_batch(model, sequences=SEQUENCES, seed=3), seed=3)
    return Setting(runner, claim, Floors())


def test_the_behaviour_is_there_in_its_order(setting: Setting) -> None:
    assert setting.gain.mean() > 8
    loss, bound = (averaged(values) for values in setting.runner.remaining_losses())
    assert (loss < bound).all()


def test_both_heads_look_one_back(setting: Setting) -> None:
    for head in ((16, 0), (11, 1)):
        assert np.nanmean(setting.scores["previous_token"][head]) > 0.7


def test_one_of_them_is_needed_and_the_other_is_not(setting: Setting) -> None:
    needed, idle = (averaged(setting.cost((head,), MEAN)).mean() / setting.gain.mean() for head in ((16, 0), (11, 1)))
    assert needed > 0.3 and abs(idle) < 0.02


def test_parts_sum_to_the_whole(setting: Setting) -> None:
    assert direct_attribution(setting.runner).error <= DECOMPOSITION
