"""The exercises by number, each part's checkers loaded when one of them is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import RungError, near
from .grading import Custom, Exercise
from .result import CheckResult

PARTS = ("1", "2", "3", "4", "5")


def numbers(part: str) -> tuple[str, ...]:
    """The numbers of a part's exercises, in order."""
    return tuple(_exercises(part))


def find_exercise(number: str) -> Exercise | Custom:
    """The checker of an exercise, as in "2.3". Raises RungError for a number that no exercise has."""
    part = str(number).partition(".")[0]
    known = _exercises(part) if part in PARTS else {}
    if str(number) not in known:
        every = [one for each in PARTS for one in numbers(each)]
        raise RungError(
            f"no exercise has the number {number!r}; there are {every[0]} to {every[-1]}.{near(str(number), every)}"
        )
    return known[str(number)]


def check(number: str, answer: Any) -> CheckResult:
    """Grades the answer to an exercise, prints the finding in one line, and returns it (`to_dict` for programs).

    Raises RungError for a number that no exercise has, and for nothing that the answer does.
    """
    found = find_exercise(number).judge(answer)
    print(f"{'✓' if found.passed else '✗'} {number}  {found.sentence}")
    return found


def _exercises(part: str) -> dict[str, Exercise | Custom]:
    exercises: dict[str, Exercise | Custom] = import_module(f".part{part}", __package__).EXERCISES
    return exercises
