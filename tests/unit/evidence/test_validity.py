"""Criteria of another framework, from outcomes alone: never one met whose tests do not all hold."""

import json
from dataclasses import replace

import pytest

from rung.errors import RecordError
from rung.evidence.claim import INDUCTION
from rung.evidence.observation import Floors, Outcome
from rung.evidence.proof import Agreement
from rung.evidence.prove import prove
from rung.evidence.record import load_record, record
from rung.evidence.validity import CRITERIA, TIERS, Status, validity
from rung.planted import plant
from rung.views.wording import validity_words, verdict_sentence


def test_the_criteria_are_the_frameworks_27():
    ids = [f"{kind}{i + 1}" for kind, count in (("C", 5), ("I", 5), ("E", 6), ("M", 6), ("V", 5)) for i in range(count)]
    assert [one.id for one in CRITERIA] == ids
    asked = [name for tier in TIERS for name in tier.criteria]
    assert sorted(asked) == sorted(ids), "each criterion is asked for by one tier"


def test_a_good_proof_meets_what_is_tested_and_nothing_else(proof):
    found = validity(proof(text="0f" * 32))
    met = ("C1", "C2", "C4", "C5", "I1", "I2", "I3", "E3", "E4", "V1", "V2")
    assert found.having(Status.MET) == met
    assert set(found.having(Status.NOT_TESTED)) == {one.id for one in CRITERIA} - set(met)
    assert (found.tier, found.lacking, found.tag) == (2, ("I4", "M1", "M5"), "functional")
    assert {"I3", "E3"} <= set(validity(proof()).having(Status.NOT_TESTED)), "no tokenizer, no text"


@pytest.mark.parametrize("outcome", [Outcome.FAILS, Outcome.INCONCLUSIVE, Outcome.NOT_RUN])
@pytest.mark.parametrize("criterion", [one for one in CRITERIA if one.tests], ids=lambda one: one.id)
def test_no_criterion_is_met_when_one_of_its_tests_does_not_hold(criterion, outcome, proof):
    whole = proof(text="0f" * 32)
    for test in criterion.tests:
        for m in whole.measurements:
            if test in (m.test, m.test.partition(".")[2]):
                found = validity(proof(text="0f" * 32, leave_out=lambda spec, m=m: spec.key == m.spec.key))
                assert found.statuses[criterion.id] is Status.UNDECIDED
                worse = proof(text="0f" * 32, outcomes={m.test: outcome})
                status = validity(worse).statuses[criterion.id]
                assert status is (Status.NOT_MET if outcome is Outcome.FAILS else Status.UNDECIDED)


def test_numbers_must_reach_what_a_criterion_states(proof):
    redundant = proof(heads={"previous_token": ((0, 0),), "induction": ((1, 0), (1, 1))})
    assert validity(redundant).statuses["C4"] is Status.MET
    low = tuple(
        replace(m, checks=tuple(replace(one, low=0.03) if "cost/" in one.name else one for one in m.checks))
        for m in redundant.measurements
    )
    statuses = validity(replace(redundant, measurements=low)).statuses
    assert statuses["E4"] is Status.NOT_MET and statuses["C4"] is Status.MET
    siblings = tuple(
        replace(m, controls={"best unclaimed head": 0.99}) if m.test == "mechanism.ov" else m
        for m in redundant.measurements
    )
    assert validity(replace(redundant, measurements=siblings)).statuses["C2"] is Status.NOT_MET


def test_methods_that_name_other_heads_do_not_converge(proof):
    one = proof()
    roles = [replace(role, means=dict(role.means) | {"weights": {"0.3": 0.9, "1.3": 0.8}}) for role in one.agreement]
    assert validity(replace(one, agreement=tuple(roles))).statuses["C5"] is Status.NOT_MET
    lacking = [Agreement(role.role, role.claimed, {}, {"pattern": role.means["pattern"]}) for role in one.agreement]
    assert validity(replace(one, agreement=tuple(lacking))).statuses["C5"] is Status.UNDECIDED


def test_chosen_floors_and_few_sequences_give_no_tier_above_what_they_show(proof):
    chosen = validity(proof(floors=Floors(necessity=0.01)))
    assert chosen.statuses["C1"] is Status.UNDECIDED and chosen.tier == 0
    few = validity(proof(sequences=16))
    assert few.statuses["I1"] is Status.UNDECIDED and few.tier == 1


def test_a_behaviour_that_is_absent_or_undecided_has_no_tier(proof):
    for outcome, status in ((Outcome.FAILS, Status.NOT_MET), (Outcome.INCONCLUSIVE, Status.UNDECIDED)):
        found = validity(proof(outcomes={"behaviour.gain": outcome}, leave_out=lambda spec: spec.rung > 0))
        assert (found.tier, found.tag) == (0, "") and found.statuses["V1"] is status
        assert not found.having(Status.MET)
        assert validity_words(found)[0] == "Mechanistic Validity: no tier"


@pytest.mark.parametrize(("kind", "tier", "refuted"), [("circuit", 2, ()), ("constant_output", 1, ("I1",))])
def test_a_planted_circuit_and_a_decoy(kind, tier, refuted):
    planted = plant(kind, 0)
    made = prove(INDUCTION.with_heads(planted.heads), planted.model)
    found = validity(made)
    assert found.tier <= tier and (kind != "circuit" or found.tier == tier)
    assert all(found.statuses[name] is not Status.MET for name in refuted)


def test_a_record_neither_holds_it_nor_can_be_edited_to_it(proof, tmp_path):
    made = proof(outcomes={"support.necessity": Outcome.FAILS})
    written = record(made, verdict_sentence(made)).to_dict()
    (tmp_path / "it.json").write_text(json.dumps(written))
    assert validity(load_record(tmp_path / "it.json").proof) == validity(made)
    (tmp_path / "it.json").write_text(json.dumps(written | {"validity": {"I1": "met"}}))
    with pytest.raises(RecordError, match="validity is not known"):
        load_record(tmp_path / "it.json")
    for m in written["measurements"]:
        m["outcome"] = "holds"
    (tmp_path / "it.json").write_text(json.dumps(written))
    with pytest.raises(RecordError, match="outcome is 'holds'"):
        load_record(tmp_path / "it.json")
