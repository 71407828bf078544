"""What the tests of every part ask of its known mistakes."""

from collections.abc import Mapping
from typing import Any

from rung.course import check
from rung.course.registry import find_exercise, numbers

Wrong = Mapping[str, Mapping[str, Any]]
"""Exercise → mistake → an answer that makes it."""


def cases(wrong: Wrong) -> list[tuple[str, str]]:
    """(exercise, mistake) of each."""
    return [(number, mistake) for number, mistakes in wrong.items() for mistake in mistakes]


def check_named(wrong: Wrong, number: str, mistake: str) -> None:
    """The checker gives the mistake its name and its sentence, with all that the sentence leaves open filled in."""
    found = check(number, wrong[number][mistake])
    assert (found.passed, found.mistake) == (False, mistake), found.sentence
    said = find_exercise(number).mistakes[mistake]
    assert found.sentence.startswith(said.split("{")[0]) and "{" not in found.sentence
    assert "{" in said or found.sentence == said


def check_all_tried(wrong: Wrong, part: str, elsewhere: tuple[str, ...] = ()) -> None:
    """Every known mistake of a part is tried; some of those of the exercises `elsewhere` in another file."""
    known = {number: set(find_exercise(number).mistakes) for number in numbers(part)}
    tried = {number: set(wrong.get(number, ())) for number in known}
    for number in elsewhere:
        assert tried[number] <= known.pop(number)
        del tried[number]
    assert tried == known
