"""What is said in words: by stable ids, in one file, with nothing left out."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import rung
from rung.errors import RecordError
from rung.evidence.decide import CRITERIA
from rung.evidence.observation import Floors, Outcome
from rung.evidence.record import record, write_record
from rung.evidence.tests import MEASURES
from rung.views import wording
from rung.views.wording import (
    CHECK_NAMES,
    SCOPE,
    TEST_NAMES,
    check_name,
    clean_numbers,
    number,
    percent,
    read_record,
    result,
    shortfall,
    verdict_sentence,
)

TWO = {"previous_token": ((0, 0), (0, 1)), "induction": ((1, 0), (1, 1))}
TEXT = "0f" * 32
DIALECT = "mends|trifle|passenger|untold|earns its place|cover for each other|among its bag|points at"


def test_every_test_has_a_name_and_no_name_is_without_its_test():
    assert set(TEST_NAMES) == set(MEASURES)


def test_every_number_that_decides_has_a_name():
    for criteria in CRITERIA.values():
        for one in criteria:
            assert one.name in CHECK_NAMES or one.name.endswith("/*")
    assert check_name("stratum/late sources") == "late sources"
    assert check_name("rival/Q") == "through Q"
    assert check_name("half/0a") == "half 0a"
    assert check_name("cost/mean") == "removed by its mean ablation"


def test_a_progress_bar_says_the_tests_name():
    assert wording.test_in_progress("support.edge, run 3") == "path patching, run 3"
    assert wording.test_in_progress("search") == "search"


@pytest.mark.parametrize(
    ("value", "said"),
    [(1.0, "100 %"), (0.9999, "99.9 %"), (0.995, "99.5 %"), (0.88, "88 %"), (0.0, "0 %"), (-0.001, "0 %"), (None, "–"),
     (float("nan"), "–"), (-0.2, "-20 %")],
)  # fmt: skip
def test_a_share_never_rounds_up_to_all(value, said):
    assert percent(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(6.9e-7, "7e-07"), (0.0, "0.000"), (-0.00001, "-1e-05"), (0.0312, "0.031"), (0.3, "0.30"), (12345.6, "12,345.6"),
     (2e7, "2.0e+07"), (None, "–")],
)  # fmt: skip
def test_numbers_have_three_digits(value, said):
    assert number(value) == said


def test_nothing_has_no_minus():
    assert clean_numbers("-0.00 nats, -0 %, -0.5 nats, 5%") == "0.00 nats, 0 %, -0.5 nats, 5 %"


def sentence(proof, **changes):
    return verdict_sentence(proof(**changes))


def test_the_sentence_names_its_scope(proof):
    assert SCOPE["random repeats"] == "token induction on random repeats"
    assert sentence(proof) == (
        "Mechanism (rung 4 of 4). A circuit for token induction on random repeats: 0.0 → 1.0 (K-composition). "
        "Not tested on prose: no tokenizer."
    )


def test_with_a_tokenizer_it_says_what_was_found_on_prose(proof):
    found = sentence(proof, text=TEXT, shown=True)
    assert found.endswith("On repeated prose its heads carry 40 % of a gain of 2.50 nats, least signature score 0.50.")
    assert "no tokenizer" not in found
    assert sentence(proof, text=TEXT).endswith("Not tested on prose.")
    none = proof(text=TEXT, shown=True)
    flat = [
        replace(m, checks=tuple(replace(c, value=0.0, low=-0.1, high=0.1) if c.name == "gain" else c for c in m.checks))
        if m.test == "shown.prose_necessity" else m
        for m in none.measurements
    ]  # fmt: skip
    assert verdict_sentence(replace(none, measurements=tuple(flat))).endswith(
        "On repeated prose the model gains nothing that its heads could explain."
    )


def test_it_says_what_stopped_it_and_the_floor(proof):
    assert sentence(proof, outcomes={"support.edge": Outcome.FAILS}).startswith(
        "Contribution (rung 2 of 4), token induction on random repeats. Not causal support: path patching 0.0 → 1.0: "
        "K 30 % of +8.71 nats, Q 0 %, V 0 % (floor 50 %"
    ) or "limit 20 %" in sentence(proof, outcomes={"support.edge": Outcome.FAILS})
    assert "Not causal support: faithfulness 0.60 < 0.80." in sentence(
        proof, outcomes={"support.faithfulness": Outcome.FAILS}
    )
    assert "Not causal support: interchange of 0.0 was not run." in sentence(
        proof, leave_out=lambda spec: spec.id == "support.interchange" and spec.subject == "0.0"
    )
    assert sentence(proof, outcomes={"mechanism.routed_qk": Outcome.INCONCLUSIVE}).startswith(
        "Causal support (rung 3 of 4), token induction on random repeats. Not mechanism: composed QK 0.0 → 1.0.K: not "
        "defined here, the keys were clamped (inconclusive)."
    )


def test_nothing_to_explain_says_why(proof):
    found = sentence(proof, outcomes={"behaviour.gain": Outcome.FAILS})
    assert found.startswith("Nothing to explain: no token induction on random repeats in this model. Loss 9.88 → 0.07")
    open_ = sentence(proof, outcomes={"behaviour.gain": Outcome.INCONCLUSIVE})
    assert open_.startswith("Nothing can be said: loss 9.88 → 0.07 nats")
    both = {"behaviour.gain": Outcome.FAILS, "behaviour.order": Outcome.INCONCLUSIVE}
    assert sentence(proof, outcomes=both).startswith("Nothing to explain: no token induction")  # one is enough


def test_few_sequences_and_other_floors_are_said(proof):
    found = sentence(proof, sequences=16, floors=Floors(clue=0.2))
    assert found == (
        "Clue (rung 1 of 4), capped: 16 of the 64 confirmation sequences required. Not tested on prose: no tokenizer. "
        "Under other floors than the default: clue 0.2."
    )


def redundant(proof, cost, alone):
    one = proof(heads=TWO)
    measured = []
    for m in one.measurements:
        if m.test == "support.member" and m.spec.role == "induction":
            values = [replace(c, value=cost if c.name.startswith("cost") else alone) for c in m.checks]
            m = replace(m, checks=tuple(values))
        measured.append(m)
    return verdict_sentence(replace(one, measurements=tuple(measured)))


def test_backup_heads_are_said_to_be(proof):
    assert "Redundant (backup heads): any one of 1.0, 1.1 suffices." in redundant(proof, 0.03, 0.9)
    assert "Redundant (backup heads): of 1.0, 1.1, each does at least 60 % of the work alone." in redundant(
        proof, 0.03, 0.6
    )
    for cost, alone in ((0.4, 0.9), (0.03, 0.2)):
        assert "Redundant" not in redundant(proof, cost, alone)


@pytest.mark.parametrize("outcome", [Outcome.HOLDS, Outcome.FAILS, Outcome.INCONCLUSIVE, Outcome.NOT_RUN])
def test_each_test_says_what_it_found_in_plain_words(proof, outcome):
    one = proof(outcomes=dict.fromkeys(CRITERIA, outcome), heads=TWO, text=TEXT, shown=True)
    for m in one.measurements:
        said = result(m, one.claim, one.floors)
        assert said and "nan" not in said and not re.search(DIALECT, said), said
        if outcome is Outcome.HOLDS:
            assert not shortfall(m, one.floors)
        elif outcome is not Outcome.NOT_RUN and m.required and not m.undefined:
            assert shortfall(m, one.floors) and re.search("floor|limit|bound", said), said


def test_no_other_file_of_the_evidence_says_a_test_by_name():
    names = [name for name in TEST_NAMES.values() if " " in name]
    for path in (Path(rung.__file__).parent / "evidence" / "tests").glob("*.py"):
        code = re.sub(r'"""(?s:.*?)"""', "", path.read_text("utf-8"))
        assert not [name for name in names if f'"{name}"' in code], path


def test_a_record_whose_sentence_is_not_what_its_tests_say_is_refused(proof, tmp_path):
    path = tmp_path / "it.json"
    write_record(record(proof(), "Mechanism. The circuit of everything."), path)
    with pytest.raises(
        RecordError, match=r"says 'Mechanism\. The circuit of everything\.'; its tests say 'Mechanism \(r"
    ):
        read_record(str(path))
    write_record(record(proof(), verdict_sentence(proof())), path)
    assert rung.load_record(str(path)).proof == proof()
