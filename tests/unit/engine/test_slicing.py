"""The ways to pick along an axis."""

import numpy as np
import pytest
import torch

from rung.engine.slicing import Slice, take
from rung.errors import PromptError

X = torch.arange(24).view(2, 6, 2)


@pytest.mark.parametrize(
    ("picked", "found", "mode"),
    [
        (None, X, "identity"),
        (2, X[:, 2], "int"),
        (-1, X[:, -1], "int"),
        ((3,), X[:, :3], "slice"),
        ((1, 4), X[:, 1:4], "slice"),
        ((1, 6, 2), X[:, 1:6:2], "slice"),
        (slice(2, None), X[:, 2:], "slice"),
        ([0, 4, -1], X[:, [0, 4, 5]], "array"),
        (np.array([1, 2]), X[:, 1:3], "array"),
        (torch.tensor([True, False] * 3), X[:, ::2], "array"),
        (torch.tensor(3), X[:, 3], "int"),
    ],
)
def test_every_form_picks_the_same_as_indexing(picked, found, mode):
    chosen = Slice(picked)
    for form in (picked, chosen):
        assert torch.equal(take(X, form, 1), found)
        assert torch.equal(take(X, form, -2), found)
    assert torch.equal(chosen.apply(X, dim=1), found) and chosen.mode == mode


def test_what_a_slice_picks_can_be_listed():
    assert Slice(4).indices().tolist() == [4]
    assert Slice((1, 6, 2)).indices(6).tolist() == [1, 3, 5]
    assert Slice(None).indices(3).tolist() == [0, 1, 2]
    assert torch.equal(Slice.unwrap(2).apply(X, 1), X[:, 2:3])
    with pytest.raises(PromptError, match="max_ctx"):
        Slice((1, 3)).indices()
    with pytest.raises(PromptError, match="'late' picks nothing"):
        Slice("late")
