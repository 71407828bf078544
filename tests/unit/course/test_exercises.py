"""Every exercise: its untouched stub, its solution, and answers that are wrong without being a known mistake."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from rung.course import check
from rung.course.grading import GENERAL, Exercise, compare, to_array
from rung.course.registry import PARTS, find_exercise, numbers
from rung.errors import RungError

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "examples" / "course"
WRITTEN = [part for part in PARTS if (SOURCES / f"part{part}.py").exists()]
EVERY = [number for part in WRITTEN for number in numbers(part)]
TRIED = [number for number in EVERY if isinstance(find_exercise(number), Exercise)]


@pytest.mark.parametrize("part", WRITTEN)
def test_source_and_checkers_have_the_same_exercises(part, answers_of):
    assert tuple(answers_of(part)) == numbers(part)
    text = (SOURCES / f"part{part}.py").read_text(encoding="utf-8")
    titles = [line.removeprefix("# ### ").split()[0] for line in text.splitlines() if line.startswith(f"# ### {part}.")]
    assert tuple(titles) == numbers(part)
    assert text.count("# Difficulty ") == text.count("<summary>Hint</summary>") == len(titles)


@pytest.mark.parametrize("number", EVERY)
def test_the_stub_is_not_done_and_the_solution_is_right(number, answers_of, capsys):
    stub, solution = answers_of(number[0])[number]
    assert check(number, stub).mistake == "not_done"
    found = check(number, solution)
    assert found.passed and not found.mistake, found.sentence
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith(f"✗ {number}  Not answered yet") and told[1] == f"✓ {number}  {found.sentence}"
    assert json.loads(json.dumps(found.to_dict()))["sentence"] == found.sentence


@cache
def frozen(number):
    """An exercise whose trials are made once."""
    trials = tuple(find_exercise(number).trials())
    return replace(find_exercise(number), trials=lambda: trials)


def all_zero(values):
    return all(to_array(value) is None or not to_array(value).any() for value in values)


@pytest.mark.parametrize("number", TRIED)
@pytest.mark.parametrize("kind", ["noise", "constant", "last", "zero"])
def test_another_wrong_answer_has_no_mistakes_name(number, kind):
    """Noise of the right shape; one number everywhere; always the truth of the last trial; zeros."""
    trials = frozen(number).trials()
    generator, calls = np.random.default_rng(0), iter(trials)

    def answer(*arguments):
        truth = next(calls).truth
        if isinstance(truth, (str, set, frozenset)):
            return "no such thing" if isinstance(truth, str) else {"no such thing"}
        shape = to_array(truth).shape
        if kind == "last":
            return trials[-1].truth
        made = {"noise": generator.normal(size=shape), "constant": np.full(shape, 0.1234), "zero": np.zeros(shape)}
        return torch.tensor(made[kind])

    if kind == "zero" and any(
        all_zero(t.truth for t in trials) or all_zero(t.mistakes.get(name, 1) for t in trials)
        for name in find_exercise(number).mistakes
    ):
        pytest.skip("zero is right here, or what a known mistake gives")
    if kind == "last" and len(trials) == 1:
        pytest.skip("there is one truth only")
    given = answer() if trials[0].arguments is None else answer
    found = frozen(number).judge(given)
    assert not found.passed and found.mistake in GENERAL, found


@pytest.mark.parametrize("number", TRIED)
def test_truth_and_mistakes_can_be_told_apart(number):
    """On some trial each mistake gives something else than the truth, and than each other mistake."""
    exercise = frozen(number)
    trials = exercise.trials()
    names = list(exercise.mistakes)
    assert {name for trial in trials for name in trial.mistakes} == set(names)
    for at, name in enumerate(names):
        others = [("the truth", [(t.mistakes[name], t.truth) for t in trials if name in t.mistakes])]
        others += [
            (other, [(t.mistakes[name], t.mistakes[other]) for t in trials if {name, other} <= set(t.mistakes)])
            for other in names[:at]
        ]
        for other, pairs in others:
            assert any(compare(a, b, 5 * exercise.tolerance) for a, b in pairs), f"{name} gives what {other} gives"


def test_a_number_that_no_exercise_has():
    with pytest.raises(RungError, match=r"no exercise has the number '1\.99'"):
        check("1.99", 0.0)
    with pytest.raises(RungError, match=r"there are 1\.1 to "):
        check("nine", 0.0)
