"""The claim of look-up on planted models: the same circuit, and decoys of each kind."""

from dataclasses import replace

import pytest

from rung.evidence.claim import LOOKUP
from rung.evidence.observation import RUNGS
from rung.evidence.prove import prove
from rung.planted import plant

MECHANISM = RUNGS.index("mechanism")
TRUE = [("circuit", "attention_only"), ("circuit", "rms"), ("circuit", "gpt2")]
DECOYS = [
    "stripe_alone",
    "anti_copy",
    "fixed_distance",
    "mixed_routes",
    "half_vocabulary",
    "says_forbidden",
    "unordered",
]


def proved(kind: str, architecture: str) -> tuple[int, int]:
    """(rung given, rung true)."""
    planted = plant(kind, 0, architecture=architecture)
    claim = replace(LOOKUP.with_heads(planted.heads), edges=(replace(LOOKUP.edges[0], into=planted.into),))
    return prove(claim, planted.model, text=planted.text).verdict.rung, planted.truth


@pytest.mark.parametrize(("kind", "architecture"), TRUE)
def test_a_circuit_that_matches_and_copies_looks_up_too(kind, architecture):
    assert proved(kind, architecture) == (MECHANISM, MECHANISM)


@pytest.mark.parametrize("kind", DECOYS)
def test_no_decoy_stands_above_its_truth_in_a_look_up(kind):
    said, true = proved(kind, "attention_only")
    assert said <= true < MECHANISM
