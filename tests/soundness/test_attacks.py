"""Decoys that were made to pass one test without deserving it: no verdict is above their truth."""

import math

import pytest

from rung.evidence.observation import Floors
from rung.planted.attacks import ATTACKS

CASES = (
    ("cancelling_four", "attention_only", 126),
    ("every_other", "attention_only", 0),
    ("query_relayed", "silent_mlp", 0),
    ("value_relayed", "attention_only", 1),
    ("reads_on_both_ways", "attention_only", 0),
)


def test_every_attack_is_here():
    assert {kind for kind, _, _ in CASES} == set(ATTACKS)


@pytest.mark.parametrize(("kind", "architecture", "seed"), CASES)
def test_no_verdict_above_the_truth(kind, architecture, seed, tested):
    found = tested(kind, architecture, seed)
    assert found.rung() <= found.planted.truth, found.short


def test_halves_of_one_order_do_not_see_four_heads_that_cancel(tested):
    found = tested("cancelling_four", "attention_only", 126)
    (complement,) = (m for m in found.measured if m.test == "support.complement")
    config, floor = found.planted.model.config, 1 - Floors().faithfulness
    bits = math.ceil(math.log2(config.n_layers * config.n_heads - len(found.claim.heads)))
    first = [one for one in complement.checks if int(one.name.removeprefix("half/")[:-1]) < bits]
    assert len(first) == 2 * bits and all(one.high <= floor for one in first)
    assert any(one.low > floor for one in complement.checks)
    assert found.rung(broken=["support.complement"]) > found.planted.truth


def test_a_mean_over_text_does_not_see_gains_and_losses_that_cancel(tested):
    found = tested("reads_on_both_ways", "attention_only", 0)
    (text,) = (m for m in found.measured if m.test == "support.off_task")
    mean, by_token = text.check("text"), text.check("by_token")
    assert abs(mean.value) <= Floors().off_task < by_token.low / 2
    assert found.rung(broken=["support.off_task"]) > found.planted.truth
