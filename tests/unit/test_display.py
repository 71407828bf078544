"""One line for any result."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from rung.display import LONGEST, Shown, _drawers, brief, set_drawer


@dataclass(frozen=True, eq=False, repr=False)
class Found(Shown):
    what: str
    values: Any
    labels: tuple[str, ...] = ()
    hidden: int = field(default=0, repr=False)


def test_tensors_are_their_shapes_and_lists_their_lengths():
    found = Found("loss", torch.zeros(3, 4, 5), tuple(map(str, range(9))))
    assert repr(found) == "Found(what='loss', values=tensor[3, 4, 5], labels=(9 items))"
    assert repr(Found("loss", np.zeros((2, 2)))) == "Found(what='loss', values=tensor[2, 2], labels=())"
    assert brief(torch.tensor(1.25)) == "1.25" and brief(0.1 + 0.2) == "0.3" and brief(("a",)) == "('a',)"
    assert brief({"a": torch.zeros(2), "b": [1, 2]}) == "{'a': tensor[2], 'b': (1, 2)}"
    assert brief(found) == "Found(…)"
    assert len(brief("x" * 500)) == LONGEST


def test_what_draws_is_told_from_outside():
    before = list(_drawers)
    try:
        _drawers.clear()
        assert Found("a", 1)._repr_mimebundle_() == {"text/plain": "Found(what='a', values=1, labels=())"}
        set_drawer(lambda result: {"text/plain": result.what})
        assert Found("a", 1)._repr_mimebundle_() == {"text/plain": "a"}
    finally:
        _drawers[:] = before
