"""Picking positions or examples along one axis, in the forms the field's code uses."""

from collections.abc import Sequence

import torch
from torch import Tensor

SliceInput = int | slice | tuple[int | None, ...] | Sequence[int] | Tensor | None
"""None: everything. int: that one, its axis dropped. (start, stop[, step]): a range. A list or tensor: those."""


def take(x: Tensor, picked: SliceInput, dim: int) -> Tensor:
    """X along `dim` at `picked`; no copy for a range."""
    if picked is None:
        return x
    if isinstance(picked, int):
        return x.select(dim, picked)
    if isinstance(picked, tuple):
        picked = slice(*picked)
    if isinstance(picked, slice):
        index: list[slice | Tensor] = [slice(None)] * x.ndim
        index[dim] = picked
        return x[tuple(index)]
    indices = torch.as_tensor(picked, device=x.device)
    return x.select(dim, int(indices)) if indices.ndim == 0 else x.index_select(dim, indices.long() % x.shape[dim])
