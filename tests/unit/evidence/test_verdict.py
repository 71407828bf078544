"""The verdict is the highest rung up to which every required test is there and holds."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.evidence.observation import RUNGS, Floors, Measurement, Outcome, TestSpec
from rung.evidence.proof import Verdict
from rung.evidence.verdict import verdict

SPECS = tuple(TestSpec(f"t{rung}{name}", rung, "s") for rung in range(5) for name in "ab")


def measured(outcomes=None, specs=SPECS):
    return [Measurement(spec=spec, outcome=(outcomes or {}).get(spec.id, Outcome.HOLDS)) for spec in specs]


def found(outcomes=None, *, required=SPECS, measured_specs=SPECS, sequences=64):
    return verdict(required, measured(outcomes, measured_specs), Floors(), sequences)


def test_where_everything_holds_nothing_stops_it():
    assert found() == Verdict(4)
    assert Verdict(4).name == "mechanism"


@pytest.mark.parametrize("rung", range(5))
@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.HOLDS])
def test_one_test_of_a_rung_that_does_not_hold_stops_it_below(rung, outcome):
    assert found({f"t{rung}b": outcome}) == Verdict(rung - 1, (f"t{rung}b", "s"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_one_that_is_absent_was_not_run_and_stops_it_too(spec):
    left = [one for one in SPECS if one is not spec]
    assert found(measured_specs=left) == Verdict(spec.rung - 1, spec.key)


def test_no_behaviour_is_nothing_to_explain():
    assert found({"t0a": Outcome.FAILS}).name == "nothing to explain"


def test_the_weakest_link_is_the_first_of_the_worst_outcome():
    assert found({"t3a": Outcome.INCONCLUSIVE, "t3b": Outcome.FAILS}).stopped_by == ("t3b", "s")
    assert found({"t3a": Outcome.FAILS, "t3b": Outcome.CONTRADICTED}).stopped_by == ("t3b", "s")
    assert found({"t3a": Outcome.FAILS, "t3b": Outcome.FAILS}).stopped_by == ("t3a", "s")
    assert found({"t3a": Outcome.NOT_RUN, "t3b": Outcome.INCONCLUSIVE}).stopped_by == ("t3b", "s")


def test_what_is_only_shown_decides_nothing():
    shown = replace(SPECS[4], id="shown.x", required=False)
    outcomes = {"shown.x": Outcome.CONTRADICTED}
    assert found(outcomes, measured_specs=(*SPECS, shown)) == Verdict(4)


def test_a_rung_without_tests_is_not_reached():
    assert found(required=[spec for spec in SPECS if spec.rung != 3]) == Verdict(2)
    assert found(required=[], measured_specs=[]) == Verdict(-1)


def test_few_sequences_are_capped_at_a_clue():
    assert found(sequences=63) == Verdict(1, capped=True)
    assert found({"t4a": Outcome.FAILS}, sequences=63) == Verdict(1, capped=True)
    assert found({"t2a": Outcome.FAILS}, sequences=63) == Verdict(1, ("t2a", "s"))
    assert found({"t0a": Outcome.FAILS}, sequences=8) == Verdict(-1, ("t0a", "s"))


@given(outcomes=st.dictionaries(st.sampled_from([spec.id for spec in SPECS]), st.sampled_from(list(Outcome))))
def test_no_rung_is_given_above_a_test_that_does_not_hold(outcomes):
    verdict_found = found(outcomes)
    short = [spec.rung for spec in SPECS if outcomes.get(spec.id, Outcome.HOLDS) is not Outcome.HOLDS]
    assert verdict_found.rung == min(short, default=len(RUNGS)) - 1
