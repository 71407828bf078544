"""One tree of errors, and the closing sentence of a message."""

import inspect

from rung import errors
from rung.errors import ProcessingNote, RungError, TextNote, near


def test_there_is_one_class_to_catch() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
    assert len(kinds) > 8
    for kind in kinds:
        assert issubclass(kind, UserWarning if kind in (ProcessingNote, TextNote) else RungError)
        assert kind.__doc__, kind


def test_near_names_are_told_best_first() -> None:
    assert near("hook_patern", ["hook_z", "hook_pattern", "embed"]) == " Near names: hook_pattern, hook_z."
    assert near("ab", ["abc", "abcd", "b", "abx", "aby"]) == " Near names: aby, abx, abc."
    assert near("ab", ["abc", "abd"], count=1) == " Near names: abd."


def test_nothing_near_says_nothing() -> None:
    assert near("xyz", ["hook_pattern"]) == near("xyz", []) == ""
