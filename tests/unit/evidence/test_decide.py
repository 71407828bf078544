"""What numbers amount to: the one page on which every floor is decided."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.evidence.claim import INDUCTION, descriptive_tests, required_tests
from rung.evidence.decide import CRITERIA, Criterion, criterion_of, decide, inconsistent, missing, summarize
from rung.evidence.looks import look_alpha
from rung.evidence.observation import Check, Floors, Observation, Outcome, Quantity, TestSpec
from rung.tasks.induction import STRATA

FLOORS = Floors()
ALPHA = look_alpha(0.01, 64, 64)


def spec_of(test, **changes):
    return replace(TestSpec(test, 3, "s"), **changes)


def check(name, value, low=None, high=None, p=1e-9):
    return Check(name, value, value if low is None else low, value if high is None else high, 64, p)


def outcome(test, *checks, floors=FLOORS, approximate=False, **options):
    return decide(spec_of(test, approximate=approximate), checks, floors, **options)


AT_LEAST, AT_MOST = Criterion("x", lambda f: 0.5), Criterion("x", lambda f: 0.5, "at most")
WITHIN = Criterion("x", lambda f: 0.5, "within")


@pytest.mark.parametrize(
    ("criterion", "low", "high", "met", "missed"),
    [
        (AT_LEAST, 0.5, 0.9, True, False), (AT_LEAST, 0.49, 0.9, False, False), (AT_LEAST, 0.1, 0.49, False, True),
        (AT_MOST, 0.1, 0.5, True, False), (AT_MOST, 0.1, 0.51, False, False), (AT_MOST, 0.51, 0.9, False, True),
        (WITHIN, -0.5, 0.5, True, False), (WITHIN, -0.51, 0.5, False, False), (WITHIN, -0.9, -0.51, False, True),
        (WITHIN, 0.51, 0.9, False, True), (WITHIN, 0.3, 0.51, False, False),
        (AT_LEAST, -math.inf, math.inf, False, False), (AT_LEAST, math.nan, math.nan, False, True),
        (AT_MOST, math.nan, math.nan, False, True),
    ],
)  # fmt: skip
def test_a_floor_is_held_by_the_conservative_end(criterion, low, high, met, missed):
    one = Check("x", (low + high) / 2 if math.isfinite(low + high) else math.nan, low, high, 64)
    one = replace(one, value=0.5) if math.isinf(low) else one
    assert (criterion.met(one, FLOORS), criterion.missed(one, FLOORS)) == (met, missed)


def test_a_good_point_estimate_whose_bound_falls_short_is_inconclusive():
    good = [check("mean", 0.5, 0.2, 0.8), check("resample", 0.5, 0.2, 0.8)]
    strata = [check(f"stratum/{name}", 0.5, 0.2, 0.8) for name in STRATA]
    assert outcome("support.necessity", *good, *strata) is Outcome.HOLDS
    weak = replace(strata[0], low=0.09)
    assert outcome("support.necessity", *good, weak, *strata[1:]) is Outcome.INCONCLUSIVE
    none = replace(strata[0], value=0.05, low=0.01, high=0.09)
    assert outcome("support.necessity", *good, none, *strata[1:]) is Outcome.FAILS


def test_mean_and_resample_that_disagree_are_inconclusive():
    strata = [check(f"stratum/{name}", 0.5, 0.2, 0.8) for name in STRATA]
    resample, mean = check("resample", 0.7, 0.6, 0.8), check("mean", 0.0, -0.01, 0.01)
    assert outcome("support.necessity", mean, resample, *strata) is Outcome.INCONCLUSIVE
    both = replace(resample, value=0.0, low=-0.01, high=0.01)
    assert outcome("support.necessity", mean, both, *strata) is Outcome.FAILS


def test_beyond_the_floor_in_the_wrong_direction_is_contradicted():
    strata = [check(f"stratum/{name}", -0.5, -0.8, -0.2) for name in STRATA]
    against = [check("mean", -0.5, -0.8, -0.2), check("resample", -0.5, -0.8, -0.2)]
    assert outcome("support.necessity", *against, *strata) is Outcome.CONTRADICTED
    push = [check("push", -3.0, -4.0, -2.0), check("strongest", 1.0, 1.0, 1.0), check("rival", 0.0, 0.0, 0.0)]
    assert outcome("contribution.direct", *push) is Outcome.CONTRADICTED
    assert outcome("contribution.direct", check("push", 0.0, -0.1, 0.1), *push[1:]) is Outcome.INCONCLUSIVE


def faithfulness(empty, circuit, full, noise=0.05, gain=9.0, swap=5.0):
    """Faithfulness decided on sequences whose losses lie around these means."""
    rng = np.random.default_rng(0)
    m0, mC, mM = (mean + rng.normal(0, noise, 64) for mean in (empty, circuit, full))
    observed = Observation(
        {
            "explained": Quantity(m0 - mC, m0 - mM),
            "room": Quantity(m0 - mM, np.full(64, gain)),
            "swap/1.3 for 1.0": Quantity(swap + rng.normal(0, noise, 64)),
        },
        "of the loss explained",
    )
    return summarize(spec_of("support.faithfulness"), observed, FLOORS, ALPHA)


def test_a_circuit_worse_than_none_is_not_faithful():
    """Empty 11.0, circuit 12.8, full 13.0: numerator and denominator are both negative, and F would be 0.90."""
    found = faithfulness(11.0, 12.8, 13.0)
    assert found.value == pytest.approx(0.9, abs=0.02)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.interval == (-math.inf, math.inf)


def test_faithfulness_of_next_to_no_effect_is_not_decided():
    assert faithfulness(1.05, 1.0, 1.0, noise=0.005).outcome is Outcome.INCONCLUSIVE
    assert faithfulness(10.0, 1.2, 1.0).outcome is Outcome.HOLDS
    assert faithfulness(10.0, 6.0, 1.0).outcome is Outcome.FAILS
    assert faithfulness(10.0, 1.2, 1.0, swap=0.0).outcome is not Outcome.HOLDS
    wide = faithfulness(10.0, 2.0, 1.0, noise=4.0)
    assert wide.value is not None and wide.value > 0.8
    assert wide.outcome is Outcome.INCONCLUSIVE, "its own lower bound decides"


def test_faithfulness_above_one_is_not_clamped():
    found = faithfulness(10.0, 0.0, 2.0)
    assert found.outcome is Outcome.HOLDS and found.value == pytest.approx(1.25, abs=0.01)


def test_a_guard_that_is_not_met_leaves_the_rest_without_meaning():
    carried, senders = check("carried", 0.1, 0.05, 0.15), check("senders", 0.05, 0.01, 0.09)
    assert outcome("support.edge", carried, senders) is Outcome.INCONCLUSIVE
    assert outcome("support.edge", carried, check("senders", 0.5, 0.4, 0.6)) is Outcome.FAILS
    holds = check("carried", 0.9, 0.8, 1.0), check("senders", 0.5, 0.4, 0.6)
    assert outcome("support.edge", *holds) is Outcome.HOLDS
    for rival in (check("rival/Q", 0.0, -0.1, 0.21), check("rival/V", 0.0, -0.21, 0.1)):
        assert outcome("support.edge", *holds, rival) is Outcome.INCONCLUSIVE


def member(cost, alone, spread=0.005):
    names = [
        (f"{way}/{how}", value) for way, value in (("cost", cost), ("alone", alone)) for how in ("mean", "resample")
    ]
    return outcome("support.member", *(check(name, v, v - spread, v + spread) for name, v in names))


def test_a_member_costs_or_does_a_good_part_alone():
    assert member(0.5, 0.5) is Outcome.HOLDS
    assert member(0.5, 0.0) is Outcome.HOLDS
    assert member(0.0, 0.5) is Outcome.HOLDS, "redundant siblings"
    assert member(0.0, 0.0) is Outcome.FAILS, "a passenger"
    assert member(0.021, 0.0) is Outcome.INCONCLUSIVE
    assert member(0.01, 0.301) is Outcome.INCONCLUSIVE


def test_a_member_that_one_ablation_alone_finds_does_not_hold():
    mixed = [
        check("cost/mean", 0.5),
        check("cost/resample", 0.0),
        check("alone/mean", 0.0),
        check("alone/resample", 0.9),
    ]
    assert outcome("support.member", *mixed) is Outcome.FAILS


def test_what_only_approximates_decides_nothing_below_its_floor():
    low = check("copied", 0.2, p=None)
    assert outcome("mechanism.ov", low) is Outcome.FAILS
    assert outcome("mechanism.ov", low, approximate=True) is Outcome.INCONCLUSIVE
    assert outcome("mechanism.ov", check("copied", 0.9, p=None), approximate=True) is Outcome.HOLDS


def test_what_was_not_run_or_is_not_defined_says_so():
    good = check("followed", 0.9)
    assert outcome("support.interchange", good, not_run="too large") is Outcome.NOT_RUN
    assert outcome("support.interchange", undefined="no such keys") is Outcome.INCONCLUSIVE
    assert outcome("support.interchange") is Outcome.NOT_RUN
    assert outcome("shown.zero", good) is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("test", CRITERIA)
def test_a_number_that_is_missing_is_not_run(test, proof):
    for spec in (m for m in proof(text="0f" * 32, heads=TWO).measurements if m.test == test):
        assert spec.outcome is Outcome.HOLDS
        needed = [name for one in CRITERIA[test] for name in one.least]
        for name in needed:
            left = [one for one in spec.checks if one.name != name]
            assert missing(test, [one.name for one in left]) == [name]
            assert decide(spec.spec, left, FLOORS) is Outcome.NOT_RUN


TWO = {"previous_token": ((0, 0), (0, 1)), "induction": ((1, 0), (1, 1))}


@pytest.mark.parametrize("test", [name for name in CRITERIA if name.startswith(("behaviour", "clue", "support.nec"))])
def test_each_stratum_counts(test, proof):
    found = next(m for m in proof().measurements if m.test == test)
    for name in STRATA:
        bad = 9.0 if test == "behaviour.order" else -9.0
        spoilt = [replace(c, value=bad, low=bad, high=bad) if c.name == f"stratum/{name}" else c for c in found.checks]
        assert decide(found.spec, spoilt, FLOORS) is Outcome.FAILS


def test_numbers_that_are_shown_decide_nothing():
    for test, criteria in CRITERIA.items():
        for one in criteria:
            if one.use == "shown":
                assert criterion_of(test, one.name) is None
    assert criterion_of("support.edge", "rival/Q") is criterion_of("support.edge", "rival/V")
    assert criterion_of("support.edge", "rivals") is None
    assert criterion_of("shown.zero", "cost") is None


@pytest.mark.parametrize("test", CRITERIA)
def test_numbers_that_are_not_finite_hold_nothing(test, proof):
    found = next((m for m in proof(text="0f" * 32, heads=TWO).measurements if m.test == test), None)
    if found is None:  # faithfulness of mechanism: of models with MLPs
        pytest.skip("asked of other models")
    for value in (math.nan, math.inf, -math.inf):
        spoilt = [replace(one, value=value, low=-math.inf, high=math.inf, p=1.0) for one in found.checks]
        assert decide(found.spec, spoilt, FLOORS) is not Outcome.HOLDS


@settings(max_examples=40)
@given(
    tops=st.lists(st.floats(-3, 3), min_size=8, max_size=8),
    bottom=st.floats(0.01, 2) | st.sampled_from([0.0, -1.0]),
    test=st.sampled_from(["support.positions", "support.denoising", "contribution.direct", "support.edge"]),
)  # fmt: skip
def test_a_test_that_holds_has_small_p_everywhere(tops, bottom, test):
    names = [name for one in CRITERIA[test] for name in (one.least or ("rival/Q",))]
    quantities = {name: Quantity(np.array(tops) + i, bottom) for i, name in enumerate(names)}
    found = summarize(spec_of(test), Observation(quantities, ""), FLOORS, ALPHA)
    if found.outcome is Outcome.HOLDS:
        assert all(one.p is not None and one.p <= 1.001 * ALPHA for one in found.checks)
    assert all(not inconsistent(test, one, FLOORS, ALPHA) for one in found.checks)


def test_what_contradicts_itself_is_named():
    good = check("followed", 0.9, 0.85, 0.95)
    assert inconsistent("support.interchange", good, FLOORS, ALPHA) == ""
    for spoilt, said in (
        (replace(good, value=0.99), "its value 0.99 lies outside its interval"),
        (replace(good, low=0.7), "its p is 1e-09, and its interval"),
        (replace(good, p=0.4), "its p is 0.4, and its interval"),
        (replace(good, p=None), "it has a floor, and no p"),
        (replace(good, low=0.9, high=0.9, p=None), "it has a floor, and no p"),
    ):
        assert inconsistent("support.interchange", spoilt, FLOORS, ALPHA).startswith(said)
    assert inconsistent("shown.zero", good, FLOORS, ALPHA) == "it has a p, and no floor"


def test_exact_numbers_are_their_own_bounds():
    exact = Observation({"copied": Quantity(np.array([1.0, 1, 1, 0]), share=True, exact=True)}, "of tokens")
    (found,) = summarize(spec_of("mechanism.ov"), exact, FLOORS, ALPHA).checks
    assert found == Check("copied", 0.75, 0.75, 0.75, 4, None)


def test_every_required_test_of_any_claim_has_a_floor(build):
    claim = INDUCTION.with_heads(TWO)
    for config in (build().config, build("LN, learned positions, MLP, biases").config):
        assert {spec.id for spec in required_tests(claim, config, True)} <= set(CRITERIA)
        assert not {spec.id for spec in descriptive_tests(claim, config, True)} & set(CRITERIA)
