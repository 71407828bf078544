"""What is run, kept and counted; the verdicts themselves are `tests/soundness`."""

import json
from dataclasses import replace

import pytest
from scipy.stats import binom

from rung.errors import StoreError
from rung.evidence import soundness
from rung.evidence.prove import prove
from rung.evidence.soundness import (
    MECHANISM,
    REFUSED,
    Case,
    Result,
    Results,
    claim_of,
    false_negatives,
    false_positives,
    finished,
    key_of,
    places,
    plan,
    power,
    quick_plan,
    rate,
    run_case,
    run_cases,
    true_kinds,
)
from rung.planted import ARCHITECTURES, KINDS, plant
from rung.planted.models import OWN_ARCHITECTURE, unfit

CHEAP = [Case("same_layer", "attention_only", 0), Case("early_only", "attention_only", 0), Case("faint", "rms", 1)]


def result(kind: str, verdict: int, truth: int, seed: int = 0) -> Result:
    return Result(kind, "attention_only", seed, verdict, truth, "", f"{kind}{seed}", 1.0)


def test_zero_of_six_hundred_and_zero_of_thirty_have_the_bounds_of_the_textbook():
    assert rate(0, 600).high == pytest.approx(1 - 0.025 ** (1 / 600)) and rate(0, 600).low == 0
    assert rate(0, 30).high == pytest.approx(0.1157, abs=1e-4)
    assert rate(300, 300).low > 0.98
    assert (rate(0, 0).low, rate(0, 0).high) == (0.0, 1.0)


@pytest.mark.parametrize(("count", "n"), [(1, 30), (7, 40), (299, 300)])
def test_each_end_of_an_interval_leaves_a_fortieth_of_the_binomial_outside(count, n):
    found = rate(count, n)
    assert binom.sf(count - 1, n, found.low) == pytest.approx(0.025, rel=1e-6)
    assert binom.cdf(count, n, found.high) == pytest.approx(0.025, rel=1e-6)


def test_errors_are_counted_by_rung_from_what_is_true():
    found = [
        result("a", 2, 1),
        result("b", 1, 1),
        result("c", 4, 4),
        result("d", 2, 4, 1),
        result("e", REFUSED, REFUSED),
    ]
    wrong = [(one.count, one.n) for one in false_positives(found)]
    assert wrong == [(0, 1), (0, 1), (1, 3), (0, 3), (0, 3)]
    assert [(one.count, one.n) for one in false_negatives(found)] == [(0, 2), (0, 2), (0, 2), (1, 2), (1, 2)]
    assert (power(found).count, power(found).n) == (1, 2)
    assert [one.above for one in found] == [True, False, False, False, False]


def test_a_claim_that_is_not_refused_though_it_contradicts_itself_is_above_the_truth():
    assert result("same_layer", -1, REFUSED).above and not result("same_layer", REFUSED, REFUSED).above


def test_the_plan_has_every_kind_as_often_and_true_circuits_of_every_sort():
    cases = plan(2)
    assert len(set(cases)) == len(cases) and {case.kind for case in cases} == set(KINDS)
    assert {case.architecture for case in cases if case.kind == "circuit"} == set(ARCHITECTURES)
    for kind in KINDS:
        assert sorted(case.seed for case in cases if case.kind == kind) == sorted(list(range(2)) * len(places(kind)))
    assert plan(1) == [case for case in plan(3) if case.seed == 0]
    assert sum(case.kind in true_kinds() for case in plan(30)) >= 300
    assert {case.kind for case in quick_plan()} == set(KINDS) and len(quick_plan()) < 120


def test_each_decoy_is_planted_without_mlps_and_with_mlps_and_a_norm():
    """`hums` alone has heads that only positions outside the stream leave room for."""
    for kind in set(KINDS) - set(true_kinds()) - set(OWN_ARCHITECTURE) - {"hums"}:
        plain, other = (ARCHITECTURES[name] for name in places(kind))
        assert plain.mlp is None and other.mlp is not None and other.normalization_type is not None, kind
        assert other.rotary or unfit(kind, ARCHITECTURES["small_llama"])


def test_the_verdict_is_that_of_prove():
    for kind, architecture in [("circuit", "rms"), ("unread", "attention_only"), ("untrained", "attention_only")]:
        planted = plant(kind, 3, architecture=architecture)
        said = prove(claim_of(planted), planted.model, text=planted.text).verdict
        found = run_case(Case(kind, architecture, 3))
        assert found.verdict == said.rung and bool(found.stopped_by) == (said.rung < MECHANISM)


def test_results_are_kept_and_not_computed_again(tmp_path, monkeypatch):
    seen = []
    first = run_cases(CHEAP, Results(tmp_path), progress=lambda done, total: seen.append((done, total)))
    assert [(one.kind, one.verdict) for one in first] == [("same_layer", REFUSED), ("early_only", 0), ("faint", -1)]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    monkeypatch.setattr(soundness, "run_case", lambda case: pytest.fail(f"{case} was run again"))
    assert run_cases(CHEAP, Results(tmp_path)) == first
    assert finished([*CHEAP, Case("circuit", "rms", 0)], Results(tmp_path)) == first


def test_what_was_kept_of_other_code_or_another_model_is_not_used(tmp_path, monkeypatch):
    before = run_cases(CHEAP[1:2], Results(tmp_path))
    monkeypatch.setattr(soundness, "ladder_code", lambda: "other")
    assert finished(CHEAP[1:2], Results(tmp_path)) == []
    again = run_cases(CHEAP[1:2], Results(tmp_path))
    assert again[0].key != before[0].key and len(Results(tmp_path).read()) == 2
    assert key_of(CHEAP[1]) != key_of(replace(CHEAP[1], seed=1))


def test_half_a_line_is_passed_over(tmp_path):
    (one,) = run_cases(CHEAP[:1], Results(tmp_path))
    (file,) = tmp_path.glob("*.jsonl")
    whole = json.loads(file.read_text())
    file.write_text(file.read_text() + json.dumps(whole | {"key": "x"})[:40] + '\n{"kind": 1}\nnull\n')
    assert Results(tmp_path).read() == {one.key: one}


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        Results(tmp_path / "file")


def test_workers_give_the_same_results(tmp_path):
    alone = run_cases(CHEAP)
    shared = run_cases(CHEAP, Results(tmp_path), workers=2)
    assert [replace(one, seconds=0.0) for one in shared] == [replace(one, seconds=0.0) for one in alone]
    assert len(Results(tmp_path).read()) == 3
