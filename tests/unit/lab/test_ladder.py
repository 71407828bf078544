import json
from dataclasses import replace

import msgspec
import pytest

from rung.errors import ClaimError, RungError
from rung.evidence.claim import INDUCTION, required_tests
from rung.evidence.prove import prove
from rung.evidence.verify import verify
from rung.lab.computation import Cancelled
from rung.lab.computations import ladder
from rung.planted import plant
from rung.views.wording import read_record, stopper, verdict_sentence

TINY = "two-layer-tiny"


@pytest.fixture(scope="module")
def tiny(lab):
    return prove("induction", lab.model(TINY))


def test_the_claim_is_searched_for_and_its_tests_are_listed(lab, job, tiny):
    found = ladder.required.run(lab, ladder.AskClaim(model=TINY), job)
    assert found.heads == {role.name: [f"{a}.{b}" for a, b in role.heads] for role in tiny.claim.roles}
    specs = required_tests(tiny.claim, tiny.config, True)
    assert [(one.test, one.subject, one.rung) for one in found.tests] == [(s.id, s.subject, s.rung) for s in specs]
    assert not found.given


def test_a_part_is_judged_by_its_own_tests_alone(lab, job, tiny):
    tests = ["behaviour.gain", "behaviour.order", "clue.signature"]
    found = ladder.part.run(lab, ladder.AskPart(model=TINY, tests=tests), job)
    assert (found.rung, found.rung_name, found.weakest_test) == (1, "clue", "contribution.direct")
    rows = {(row.test, row.subject): row for row in found.graph.rows}
    for m in (m for m in tiny.measurements if m.required):
        row = rows[m.spec.key]
        if m.test in tests:
            assert {(c.name, c.value, c.low, c.high) for c in row.checks} == {
                (c.name, c.value, c.low, c.high) for c in m.checks
            }
        else:
            assert (row.outcome, row.checks) == ("not run", ())


def test_the_whole_proof_is_prove_s_own_and_its_record_verifies(lab, job, tiny, tmp_path):
    found = ladder.whole.run(lab, ladder.AskProof(model=TINY), job)
    assert found.sentence == verdict_sentence(tiny)
    assert (found.rung, found.weakest) == (tiny.verdict.rung, "")
    path = tmp_path / "record.json"
    path.write_text(found.record)
    again, differences = verify(read_record(str(path)).proof, lab.model(TINY))
    assert differences == []
    assert again.measurements == tiny.measurements
    totals = {total for _, _, total in job.steps}
    assert len(tiny.measurements) in totals
    assert json.loads(msgspec.json.encode(found))["record"] == found.record


@pytest.mark.parametrize("kind", ladder.DECOYS)
def test_a_decoy_is_proved_and_stopped_at_its_truth(lab, job, kind):
    found = ladder.decoy.run(lab, ladder.AskDecoy(decoy=kind), job)
    planted = plant(kind, 0)
    claim = replace(INDUCTION, edges=(replace(INDUCTION.edges[0], into=planted.into),))
    proof = prove(claim.with_heads(planted.heads), planted.model)
    assert found.rung == proof.verdict.rung <= planted.truth == found.truth
    assert found.weakest == stopper(proof)
    assert found.why == planted.why


def test_a_job_is_cancelled_midway_and_asked_again(lab, job, tiny):
    class Impatient:
        seen = 0

        def progress(self, step, done, total):
            self.seen += 1
            if self.seen == 40:
                raise Cancelled

    ask = ladder.AskProof(model=TINY, heads="previous_token=0.0; induction=1.0")
    with pytest.raises(Cancelled):
        ladder.whole.run(lab, ask, Impatient())
    found = ladder.whole.run(lab, ask, job)
    given = prove(INDUCTION.with_heads({"previous_token": [(0, 0)], "induction": [(1, 0)]}), lab.model(TINY))
    assert found.sentence == verdict_sentence(given)
    assert found.given


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        ("previous_token=0.0; previous_token=0.1", "named twice"),
        ("previous=0.0", "no role 'previous'"),
        ("induction=1", "induction=1"),
        ("previous_token=1.0; induction=1.1", "heads of one layer read the same input"),
        ("previous_token=0.9; induction=1.1", "0.9|9"),
    ],
)
def test_a_claim_that_cannot_be_is_refused(lab, job, heads, said):
    with pytest.raises(RungError, match=said):
        ladder.part.run(lab, ladder.AskPart(model=TINY, heads=heads, tests=["clue.signature"]), job)


def test_unknown_names_are_refused(lab, job):
    with pytest.raises(ClaimError, match="requires no test"):
        ladder.part.run(lab, ladder.AskPart(model=TINY, tests=["clue"]), job)
    with pytest.raises(RungError, match="0 tests were requested"):
        ladder.part.run(lab, ladder.AskPart(model=TINY, tests=[]), job)
    with pytest.raises(ClaimError, match="no decoy 'circuit' on this page"):
        ladder.decoy.run(lab, ladder.AskDecoy(decoy="circuit"), job)
