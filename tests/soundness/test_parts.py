"""Claims of one role: true where that role is, whatever else of the planted circuit is not, and never above it."""

from functools import cache

import pytest

from rung.evidence.claim import CLAIMS, required_tests
from rung.evidence.decide import summarize
from rung.evidence.observation import RUNGS, Floors, Outcome
from rung.evidence.proof import Proof
from rung.evidence.prove import prove
from rung.evidence.setting import Setting
from rung.evidence.tests import MEASURES
from rung.evidence.verdict import verdict
from rung.methods.runner import InductionRunner
from rung.model.model import HookedTransformer
from rung.planted import plant
from rung.tasks.induction import induction_batch

MECHANISM = RUNGS.index("mechanism")
ROLES = {"copying": "induction", "previous_token": "previous_token"}
"""Each claim and the role of the planted circuit that it is about."""
TRUE = [
    ("copying", "circuit", "attention_only"),
    ("copying", "circuit", "gpt2"),
    ("copying", "circuit", "llama"),
    ("copying", "wrong_edge", "attention_only"),
    ("copying", "mlp_translates", "attention_only"),
    ("previous_token", "circuit", "attention_only"),
    ("previous_token", "circuit", "gpt2"),
    ("previous_token", "circuit", "llama"),
    ("previous_token", "anti_copy", "attention_only"),
    ("previous_token", "constant_bonus", "attention_only"),
]
"""The role is what the claim says; what is wrong with the model lies elsewhere."""
DECOYS = [
    ("copying", "anti_copy", "attention_only", 1),
    ("copying", "constant_output", "attention_only", 1),
    ("copying", "mlp_copies", "attention_only", 1),
    ("copying", "fixed_distance", "attention_only", 0),
    ("copying", "constant_bonus", "attention_only", 2),
    ("copying", "other_reason", "silent_mlp", 2),
    ("copying", "mlp_amplifies", "attention_only", 2),
    ("copying", "mlp_amplifies_some", "attention_only", 2),
    ("copying", "half_vocabulary", "attention_only", 2),
    ("copying", "constant_member", "attention_only", 2),
    ("copying", "cancelled_downstream", "attention_only", 2),
    ("copying", "says_forbidden", "attention_only", 3),
    ("previous_token", "unread", "attention_only", 1),
    ("previous_token", "passenger_sender", "attention_only", 1),
    ("previous_token", "mediated", "attention_only", 1),
    ("previous_token", "early_only", "attention_only", 0),
    ("previous_token", "dormant_route", "attention_only", 2),
    ("previous_token", "covered_member", "attention_only", 2),
    ("previous_token", "mirrored_positions", "learned_positions", 3),
]
"""The role itself is not what the claim says: how far a verdict may go."""


@cache
def proved(name: str, kind: str, architecture: str) -> Proof:
    planted = plant(kind, 0, architecture=architecture)
    claim = CLAIMS[name].with_heads({CLAIMS[name].roles[0].name: planted.heads[ROLES[name]]})
    return prove(claim, planted.model, text=planted.text)


@pytest.mark.parametrize(("name", "kind", "architecture"), TRUE)
def test_a_role_that_is_there_is_recognised(name, kind, architecture):
    assert proved(name, kind, architecture).verdict.rung == MECHANISM


@pytest.mark.parametrize(("name", "kind", "architecture", "true"), DECOYS)
def test_no_verdict_stands_above_the_role(name, kind, architecture, true):
    assert proved(name, kind, architecture).verdict.rung <= true


def test_heads_that_do_the_work_beside_the_claimed_one_are_found_by_ablating_them():
    """The claimed head's output is erased until a patch or an ablation breaks the balance: only this test sees it."""
    proof = proved("previous_token", "dormant_route", "attention_only")
    held = [
        m if m.test != "support.complement" else type(m)(**vars(m) | {"outcome": Outcome.HOLDS})
        for m in proof.measurements
    ]
    required = required_tests(proof.claim, plant("dormant_route", 0).model.config, texts=False)
    assert verdict(required, held, Floors(), 64).rung > 2


def test_a_single_other_head_that_does_the_work_is_found():
    """Where the layer has one head beside the claimed one, there are no halves, and it is ablated by itself."""
    model = HookedTransformer.from_pretrained("two-layer-tiny")
    claim = CLAIMS["previous_token"].with_heads({"previous_token": [(0, 1)]})
    (spec,) = (spec for spec in required_tests(claim, model.config, texts=False) if spec.id == "support.complement")
    batch = induction_batch(model, sequences=64, seed=5)
    setting = Setting(InductionRunner(model, batch, seed=5), claim, Floors())
    found = summarize(spec, MEASURES[spec.id](setting, spec), Floors(), 0.005)
    assert found.outcome is Outcome.FAILS
    assert found.checks[0].value > 0.8
