"""Checkers of the course: each holds an answer against a truth that it computes itself, and names the mistake.

For readers:

    from rung.course import check
    check("2.3", answer)          # prints one line, returns a CheckResult (passed, mistake, sentence; to_dict)

For those who write exercises. A part is a source in examples/course/partN.py, and its checkers are in `partN.py` here:

- The source is a percent script. An exercise is these cells, in this order: a markdown cell with `### 2.3 Title` and
  `Difficulty 2 · importance 3 · 8 minutes`; a code cell tagged `exercise` (the stub: a function whose docstring says
  what it gives and that raises NotImplementedError, or `answer = ...`); a markdown cell tagged `hint`, folded in
  `<details>`; the cell `check("2.3", name)` alone; a code cell tagged `solution`, which defines the same names. Cells
  tagged `long` are left out of `make test`, those tagged `proof` (seconds of proving) where only answers are read. No
  name is defined in two cells (marimo refuses it).
- `EXERCISES` of a part maps each number to an `Exercise`, or to a `Custom`, which grades by a function of its own.
  An Exercise has `trials` (called for every check; under 2 s), the sentence for a right answer, and a sentence for
  each known mistake. A `Trial` has the truth, the arguments for the reader's function (None: the answer is a value),
  and what each known mistake would give there. Truths of integers are compared exactly, others within `TOLERANCE` of
  the largest.
- Truths come from `reference` (the forward pass again in NumPy and float64), from closed forms, or from planted models,
  never from a solution, and never from the library function that the exercise re-implements. Use several models
  (`models`), so that constants fail.
- What goes wrong in any exercise (it raises, a wrong type or shape, NaN, a changed model, hooks left behind) is graded
  in `grading`.

`scripts/course.py` renders the sources into `notebooks/`, which `rung notebook` copies. Tests: tests/unit/course/
test_exercises.py takes stub and solution from every source; test_partN.py holds `WRONG`, each known mistake as code.
"""

from .lift import LiftChoice, check_lift
from .plan import PlanChoice, check_plan
from .registry import check
from .result import Case, CheckResult

__all__ = ["Case", "CheckResult", "LiftChoice", "PlanChoice", "check", "check_lift", "check_plan"]
