from io import StringIO

from rung.evidence.soundness import REFUSED, Rate, Result
from rung.views.soundness import kind_sheet, markdown, missed_lines, rate_text, rung_name, soundness_view, totals
from rung.views.terminal import show


def result(kind: str, verdict: int, truth: int, seed: int = 0, architecture: str = "attention_only") -> Result:
    stopped = "" if verdict == truth == 4 else "clue.signature of 0.1: fails"
    return Result(kind, architecture, seed, verdict, truth, stopped, f"{kind}{architecture}{seed}", 1.0)


FOUND = [
    result("circuit", 4, 4),
    result("circuit", 2, 4, 1, "gpt2"),
    result("unread", 1, 1),
    result("unread", 3, 1, 1),
    result("same_layer", REFUSED, REFUSED),
]


def test_a_rate_is_shown_with_its_exact_bounds():
    assert rate_text(Rate(0, 30, 0.0, 0.1157)) == "0 of 30 [0.0 %, 11.6 %]"
    assert rate_text(Rate(300, 300, 0.98778, 1.0)) == "300 of 300 [98.8 %, 100.0 %]"
    assert rate_text(Rate(9, 900, 0.00458, 0.9999)).endswith("[0.5 %, 99.99 %]")
    assert rate_text(Rate(0, 0, 0.0, 1.0)) == "none run"


def test_names_of_rungs():
    assert [rung_name(rung) for rung in (-2, -1, 0, 4)] == ["refused", "nothing", "behaviour", "mechanism"]


def test_totals_count_what_is_above_and_true_circuits_by_what_they_are_made_of():
    rows = dict(totals(FOUND))
    assert rows["verdicts above the truth"].startswith("1 of 5 ")
    assert rows["true circuits recognised"].startswith("1 of 2 ")
    assert rows["true circuits recognised, with LayerNorm"].startswith("0 of 1 ")
    assert rows["true circuits recognised, with grouped queries"] == "none run"


def test_kinds_have_a_row_each_and_wrong_verdicts_a_line():
    columns, rows = kind_sheet(FOUND)
    assert [row[:3] for row in rows] == [
        ("same_layer", "attention_only", "refused"),
        ("unread", "attention_only", "clue"),
        ("circuit", "attention_only", "mechanism"),
        ("circuit", "gpt2", "mechanism"),
    ]
    assert rows[1][3].startswith("1 of 2") and rows[1][5] == "clue 1, causal support 1"
    assert missed_lines(FOUND) == [
        "circuit, gpt2, seed 1: contribution, true is mechanism (stopped by clue.signature of 0.1: fails)",
        "unread, attention_only, seed 1: causal support, true is clue (stopped by clue.signature of 0.1: fails)",
    ]
    table = markdown((columns, rows)).split("\n")
    assert len(table) == 6 and {line.count("|") for line in table} == {7}


def test_the_terminal_shows_both_tables():
    out = StringIO()
    show(lambda width: soundness_view(FOUND, 200), out)
    for text in ("5 planted models", "false positives", "same_layer", "Clopper and Pearson"):
        assert text in out.getvalue()
