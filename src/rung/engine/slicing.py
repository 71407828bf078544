"""Picking positions or examples along one axis, in the forms the field's code uses."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex, TypeAlias, TypeGuard, overload

import numpy as np
import torch
from torch import Tensor

from ..errors import PromptError


@overload
def whole(value: SupportsIndex) -> int: ...
@overload
def whole(value: None) -> None: ...
def whole(value: SupportsIndex | None) -> int | None:
    """A whole number of any library (a NumPy integer, a tensor without axes) as Python's own; None stays."""
    return None if value is None else operator.index(value)


def is_whole(value: object) -> TypeGuard[SupportsIndex]:
    """Whether it is one whole number, of any library."""
    if isinstance(value, Tensor | np.ndarray):
        return value.ndim == 0 and (isinstance(value, np.ndarray) or not value.is_floating_point()) and _counts(value)
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _counts(value: Tensor | np.ndarray) -> bool:
    try:
        operator.index(value)
    except TypeError:
        return False
    return value.dtype not in (torch.bool, np.bool_)


class Slice:
    """A choice along an axis, to be applied later."""

    def __init__(self, input_slice: Any = None) -> None:
        """`input_slice`: any form of `SliceInput`."""
        picked = plain(input_slice)
        if picked is not None and not isinstance(picked, int | slice | list | Tensor | np.ndarray):
            raise PromptError(
                f"{input_slice!r} picks nothing: give an int, a slice, (start, stop, step), a list, a tensor or None"
            )
        self.slice: Any = slice(None) if picked is None else picked

    @property
    def mode(self) -> str:
        """identity, int, slice or array."""
        if isinstance(self.slice, slice):
            return "identity" if self.slice == slice(None) else "slice"
        return "int" if isinstance(self.slice, int) else "array"

    @classmethod
    def unwrap(cls, slice_input: SliceInput) -> Slice:
        """A Slice that keeps its axis: a single position is a list of one."""
        return cls([whole(slice_input)] if is_whole(slice_input) else slice_input)

    def apply(self, tensor: Tensor, dim: int = 0) -> Tensor:
        """`tensor` along `dim` at what is picked."""
        return take(tensor, self.slice, dim)

    def indices(self, max_ctx: int | None = None) -> np.ndarray:
        """Which of `max_ctx` places are picked. Raises PromptError where that depends on a length not given."""
        if isinstance(self.slice, int):
            return np.array([self.slice])
        if max_ctx is None:
            raise PromptError("max_ctx is needed to list what a slice picks")
        return take(torch.arange(max_ctx), self.slice, 0).numpy()

    def __repr__(self) -> str:
        return f"Slice({self.slice!r})"


SliceInput: TypeAlias = (
    SupportsIndex
    | slice
    | tuple[SupportsIndex | None, ...]
    | Sequence[SupportsIndex]
    | Tensor
    | np.ndarray
    | Slice
    | None
)
"""None: everything. int: that one, its axis dropped. (start, stop[, step]): a range. A list, tensor or array: those, or
where True.
"""


def plain(picked: Any) -> Any:
    """A choice (`SliceInput`) as None, an int, a slice, or something that lists places."""
    if isinstance(picked, Slice):
        return None if picked.mode == "identity" else picked.slice
    if isinstance(picked, tuple):
        if not 1 <= len(picked) <= 3 or not all(end is None or is_whole(end) for end in picked):
            raise PromptError(f"{picked!r} is no (start, stop) or (start, stop, step) of whole numbers or None")
        return slice(*map(whole, picked))
    if isinstance(picked, list) and all(map(is_whole, picked)):
        return list(map(whole, picked))
    return whole(picked) if is_whole(picked) else picked


def take(x: Tensor, picked: SliceInput, dim: int) -> Tensor:
    """X along `dim` at `picked`; no copy for a range."""
    chosen = plain(picked)
    if chosen is None:
        return x
    if isinstance(chosen, int):
        return x.select(dim, chosen)
    if isinstance(chosen, slice):
        index: list[slice | Tensor] = [slice(None)] * x.ndim
        index[dim] = chosen
        return x[tuple(index)]
    indices = torch.as_tensor(chosen, device=x.device)
    if indices.dtype == torch.bool:
        indices = indices.nonzero().squeeze(-1)
    return x.select(dim, int(indices)) if indices.ndim == 0 else x.index_select(dim, indices.long() % x.shape[dim])


def alone(x: Tensor) -> Tensor:
    """A part of a larger tensor as a copy, so that what keeps it does not keep the whole."""
    return x.clone() if x.untyped_storage().nbytes() > x.nbytes else x
