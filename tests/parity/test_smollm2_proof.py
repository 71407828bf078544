"""What the ladder says of a real language model's heads.

Few sequences: every test runs, and the verdict may say no more than a clue. `rung prove` with 64 takes minutes.
"""

from pathlib import Path

import pytest

from rung.evidence.claim import INDUCTION
from rung.evidence.observation import Measurement, Outcome
from rung.evidence.proof import Proof
from rung.evidence.prove import prove
from rung.model.model import HookedTransformer

pytestmark = pytest.mark.slow

SEQUENCES = 24
"""So many that every stratum has some to be bounded by."""


@pytest.fixture(scope="module")
def proof(smollm2: Path) -> Proof:
    """16.0 and 11.1, which look alike, both claimed for the route to one of the strongest induction heads."""
    model = HookedTransformer.from_pretrained(smollm2)
    claim = INDUCTION.with_heads({"previous_token": [(16, 0), (11, 1)], "induction": [(18, 6)]})
    return prove(claim, model, sequences=SEQUENCES)


def one(proof: Proof, test: str, subject: str) -> Measurement:
    (found,) = (m for m in proof.measurements if m.test == test and m.subject == subject)
    return found


def test_the_behaviour_is_there_and_no_more_than_a_clue_is_said_of_few_sequences(proof: Proof) -> None:
    gain = one(proof, "behaviour.gain", "the model")
    assert gain.outcome is Outcome.HOLDS and gain.value is not None and gain.value > 8
    order = one(proof, "behaviour.order", "the model")
    assert order.outcome is Outcome.HOLDS and order.value is not None and order.value < 0
    assert proof.verdict.rung <= 1


def test_both_heads_look_one_back(proof: Proof) -> None:
    for head in ("16.0", "11.1"):
        found = one(proof, "clue.signature", head)
        assert found.value is not None and found.value > 0.7


def test_one_of_them_is_needed_and_the_other_is_not(proof: Proof) -> None:
    needed, idle = (one(proof, "support.member", head) for head in ("16.0", "11.1"))
    assert needed.value is not None and idle.value is not None
    assert needed.value > 0.02 and abs(idle.value) < 0.02
    assert idle.outcome is not Outcome.HOLDS


def test_parts_sum_to_the_whole(proof: Proof) -> None:
    assert one(proof, "contribution.sum", "the model").outcome is Outcome.HOLDS


def test_every_rung_was_run(proof: Proof) -> None:
    assert {m.rung for m in proof.measurements} == {0, 1, 2, 3, 4}
    assert one(proof, "shown.permuted", "the circuit").outcome is Outcome.NOT_RUN
