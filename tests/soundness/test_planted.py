"""The ladder against models whose truth is known: no verdict above it, and none below it for true circuits.

Every kind in one architecture, another for the next kind; true circuits in every architecture. What `test_decoys`
proves is not proved twice, and kinds that it or another test proves wait for a second seed.
`SOUNDNESS_SEEDS=30 pytest tests/soundness` widens it. No false verdict of some forty decoys bounds the rate at 7 %
(95 %, one-sided); `benchmarks/soundness.py` prints the bounds of longer runs.
"""

import os
from dataclasses import replace

import pytest
import torch

from rung.errors import ClaimError
from rung.evidence.claim import INDUCTION
from rung.evidence.observation import RUNGS, Floors
from rung.evidence.prove import prove
from rung.model.model import HookedTransformer
from rung.planted import ARCHITECTURES, KINDS, plant
from rung.planted.attacks import ATTACKS
from rung.planted.models import OWN_ARCHITECTURE, unfit
from rung.planted.narrow import NARROW
from rung.planted.wiring import Stream
from rung.views.wording import verdict_sentence

from .test_decoys import STOPPED

SEEDS = int(os.environ.get("SOUNDNESS_SEEDS", "1"))
MECHANISM = RUNGS.index("mechanism")
QUICK = ("attention_only", "rms", "layernorm", "learned_positions", "rotary", "grouped", "silent_mlp", "mlp")
"""Two layers, so that a proof takes seconds."""
PROVED = {*NARROW, *ATTACKS, "circuit", "names", "names_kin"} - {"period_lookup", "dormant_route"}
"""Kinds that have a proof of their own, and wait for the second seed."""
REFUSED = {"same_layer"}
"""Kinds whose claim contradicts itself."""


def turns() -> list[tuple[str, str, int]]:
    """Each kind in one architecture: another for the next kind, and for the next seed."""
    found = []
    for seed in range(SEEDS):
        for at, kind in enumerate(KINDS):
            if kind in REFUSED or (seed == 0 and kind in PROVED):
                continue
            turn = (QUICK[(at + seed + later) % len(QUICK)] for later in range(len(QUICK)))
            architecture = next(one for one in turn if not unfit(kind, ARCHITECTURES[one]))
            if (kind, architecture, seed) not in STOPPED.values():
                found.append((kind, architecture, seed))
    return found


def test_the_kinds_that_are_set_apart_are_those_that_say_so():
    """`turns` is read when tests are collected, so it plants nothing itself."""
    generator = torch.Generator().manual_seed(0)
    plans = {kind: make(Stream.draw(generator), generator) for kind, make in KINDS.items()}
    assert {kind for kind, plan in plans.items() if plan.config_changes} == set(OWN_ARCHITECTURE)
    assert {kind for kind, plan in plans.items() if plan.refused} == REFUSED


@pytest.mark.parametrize(("kind", "architecture", "seed"), turns())
def test_no_verdict_above_the_truth(kind, architecture, seed, tested):
    found = tested(kind, architecture, seed, whole=False)
    truth = found.planted.truth
    assert found.rung() <= truth, f"{found.rung()} given, {truth} true: {found.planted.why} {found.short}"
    if truth == MECHANISM:
        assert found.rung() == truth, found.short


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_true_circuit_is_found_true_in_every_architecture(architecture, tested):
    found = tested("circuit", architecture, 0)
    assert found.rung() == MECHANISM, found.short


def test_a_claim_that_contradicts_itself_is_refused():
    planted = plant("same_layer", 0)
    with pytest.raises(ClaimError, match="heads of one layer read the same input"):
        prove(INDUCTION.with_heads(planted.heads), planted.model)


def test_the_search_finds_the_planted_circuit():
    planted = plant("circuit", 1)
    proof = prove("induction", planted.model)
    assert {role.name: role.heads for role in proof.claim.roles} == dict(planted.heads)
    assert proof.verdict.name == "mechanism" and all(role.agrees for role in proof.agreement)


def test_few_sequences_stop_at_a_clue():
    planted = plant("circuit", 0)
    proof = prove(INDUCTION.with_heads(planted.heads), planted.model, sequences=60)
    assert (proof.verdict.name, proof.verdict.capped) == ("clue", True)
    said = verdict_sentence(proof)
    assert said.startswith("Clue (rung 1 of 4), capped: 60 of the 64 confirmation sequences required.")


def test_other_floors_are_said_in_the_verdict():
    planted = plant("circuit", 0)
    proof = prove(INDUCTION.with_heads(planted.heads), planted.model, sequences=24, floors=Floors(clue=0.2))
    assert verdict_sentence(proof).endswith("Under other floors than the default: clue 0.2.")


def test_a_circuit_for_random_tokens_only_is_said_to_be_one():
    planted = plant("random_only", 0)
    proof = prove(INDUCTION.with_heads(planted.heads), planted.model, text=planted.text)
    score = next(m for m in proof.measurements if m.test == "shown.prose_signature" and m.spec.role == "induction")
    assert proof.verdict.name == "mechanism" and score.value < 0.1
    assert "on random repeats" in verdict_sentence(proof)
    assert "On repeated prose the model gains nothing that its heads could explain." in verdict_sentence(proof)


def test_an_mlp_does_not_excuse_the_circuit_from_being_enough():
    """A zero MLP changes nothing that the model computes: half of a shared role is no mechanism with it or without."""
    planted = plant("circuit_shared", 0)
    config = replace(planted.model.config, d_mlp=4, act_fn="relu")
    zeros = {
        "W_in": tuple(torch.zeros(config.d_model, 4) for _ in range(config.n_layers)),
        "W_out": tuple(torch.zeros(4, config.d_model) for _ in range(config.n_layers)),
    }
    model = HookedTransformer(config, {**planted.model.weights, **zeros})
    half = {"previous_token": planted.heads["previous_token"], "induction": planted.heads["induction"][:1]}
    proof = prove(INDUCTION.with_heads(half), model)
    assert proof.verdict.name != "mechanism"
    enough = proof.find("mechanism.faithfulness")
    assert enough.required and enough.outcome == "inconclusive"


def test_the_search_works_around_heads_that_are_given():
    planted = plant("circuit", 0)
    (route,) = planted.heads["previous_token"]
    proof = prove(INDUCTION.with_heads({"previous_token": [route]}), planted.model)
    assert proof.claim.role("induction").heads == planted.heads["induction"]
