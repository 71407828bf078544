"""`rung diff` for a reader: what matters of each test, and how much more there is."""

import io

from rich.console import Console

from rung.evidence.compare import Comparison
from rung.evidence.verify import Difference
from rung.views.comparison import comparison_view


def told(*differences: tuple[str, str, str, str]) -> str:
    found = Comparison(tuple(Difference(test, "0.0", what, *values) for test, what, *values in differences))
    console = Console(file=io.StringIO(), width=120)
    console.print(comparison_view(found, ["{a}.json", "b.json"]))
    return console.file.getvalue()


def test_of_a_test_outcome_and_value_are_shown_and_the_rest_is_counted():
    said = told(
        ("clue.signature", "score, low", "0.1", "0.2"),
        ("clue.signature", "outcome", "holds", "fails"),
        ("clue.signature", "score, value", "0.3", "0.4"),
        ("clue.signature", "stratum/early sources, value", "0.5", "0.6"),
        ("clue.signature", "control: best", "0.7", "0.8"),
    )
    assert "5 differences" in said and "and 3 more numbers" in said
    assert all(value in said for value in ("fails", "0.3", "0.4"))
    assert not any(value in said for value in ("0.1", "0.2", "0.5", "0.6", "0.7", "0.8"))


def test_what_moved_alone_is_shown_whatever_it_is():
    said = told(("clue.signature", "score, low", "0.1", "0.2"), ("support.edge", "control: best", "0.7", "0.8"))
    assert all(value in said for value in ("0.1", "0.2", "0.7", "0.8")) and "more numbers" not in said


def test_tests_that_one_record_alone_has_are_counted():
    said = told(
        *[(f"test {n}", "test", "run", "not run") for n in range(3)],
        ("another", "test", "not in the record", "run"),
    )
    assert "tests that only {a}.json has: 3" in said and "tests that only b.json has: 1" in said
    assert "test 0" not in said
