"""For each required test a decoy that it alone stops: were the test to hold whatever it measured, the verdict would go
beyond the truth. So a test that is disabled, or whose floor is gone, fails here.
"""

import pytest

from rung.evidence.claim import INDUCTION, IOI, required_tests
from rung.evidence.decide import CRITERIA
from rung.planted import KINDS, plant

STOPPED = {
    ("clue.signature",): ("wrong_match", "attention_only", 0),
    ("contribution.direct",): ("anti_copy", "attention_only", 0),
    ("contribution.edge",): ("unread", "attention_only", 0),
    ("support.interchange", "support.output_interchange"): ("other_reason", "silent_mlp", 0),
    ("support.output", "support.output_interchange"): ("mlp_amplifies", "attention_only", 0),
    ("support.edge", "support.edge_interchange"): ("mlp_translates_most", "attention_only", 0),
    ("behaviour.gain",): ("faint", "attention_only", 0),
    ("behaviour.order",): ("unordered", "attention_only", 0),
    ("support.edge_interchange",): ("mlp_tips", "attention_only", 0),
    ("support.output_interchange",): ("mlp_amplifies_some", "attention_only", 0),
    ("support.output_part",): ("amplified_member", "attention_only", 0),
    ("support.member_content",): ("constant_member", "attention_only", 0),
    ("support.member_alone",): ("mostly_mixed_routes", "attention_only", 0),
    ("support.complement",): ("cancelling_pair", "attention_only", 0),
    ("mechanism.complement",): ("cancelling_pair", "silent_mlp", 0),
    ("support.necessity",): ("covered_late", "mlp", 0),
    ("support.member",): ("covered_member", "attention_only", 0),
    ("support.denoising",): ("hums_unless_repeated", "gpt2", 0),
    ("support.positions",): ("second_use", "silent_mlp", 0),
    ("support.edge_part",): ("spare_edge", "silent_mlp", 0),
    ("support.faithfulness",): ("hums", "rms", 0),
    ("support.agreement",): ("hushed", "attention_only", 0),
    ("support.off_task",): ("reads_on", "attention_only", 0),
    ("mechanism.ov",): ("says_forbidden", "attention_only", 0),
    ("mechanism.qk",): ("names_kin", "attention_only", 3),
    ("mechanism.positional",): ("mirrored_positions", "learned_positions", 0),
    ("mechanism.routed_qk",): ("matches_kin", "attention_only", 0),
    ("mechanism.faithfulness",): ("alarm", "gpt2", 0),
    ("mechanism.agreement",): ("hushed", "silent_mlp", 0),
    ("mechanism.member_alone",): ("mostly_mixed_routes", "silent_mlp", 0),
}
"""Test → kind, architecture and seed of a decoy that no other test of its rung stops. Two tests: a path that is not
needed is not enough either, so one of them never stops a decoy without the other."""

SKIP_TRIGRAMS = {
    ("mechanism.ov",): ("skip_first", "attention_only", 0),
    ("mechanism.qk",): ("skip_draws", "gpt2", 0),
}
"""The same for tests that ask something else of skip-trigrams."""

MISSING = {
    "contribution.sum": "holds by algebra: only a mistake in the decomposition fails it, not a model",
}
"""Tests without such a decoy, and why."""


def test_every_required_test_has_its_decoy_or_its_reason():
    claim = INDUCTION.with_heads({"previous_token": [(0, 0), (0, 1)], "induction": [(1, 0), (1, 1)]})
    names = IOI.with_heads({"duplicate_token": [(0, 0)], "s_inhibition": [(1, 0)], "name_mover": [(2, 0)]})
    asked = set()
    for architecture in ("attention_only", "mlp"):
        config = plant("circuit", 0, architecture=architecture).model.config
        asked |= {spec.id for spec in required_tests(claim, config, texts=True)}
        asked |= {spec.id for spec in required_tests(names, config, texts=True)}
    stopped = {test for tests in STOPPED for test in tests}
    assert asked == set(CRITERIA) == stopped | set(MISSING)
    assert not stopped & set(MISSING)
    assert {kind for kind, _, _ in STOPPED.values()} <= set(KINDS)


@pytest.mark.parametrize(
    ("tests", "decoy"),
    [
        pytest.param(*one, id=" and ".join((*one[0], one[1][0])))
        for some in (STOPPED, SKIP_TRIGRAMS)
        for one in some.items()
    ],
)
def test_breaking_a_test_lets_its_decoy_through(tests, decoy, tested):
    found = tested(*decoy)
    truth = found.planted.truth
    assert found.rung() <= truth, found.short
    assert found.rung(broken=tests) > truth, f"{tests} is not what stops it: {found.short}"
    others = set(CRITERIA) - set(tests)
    assert found.rung(broken=others) <= truth, "breaking every other test must not let it through"
