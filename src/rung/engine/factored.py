"""Products of two thin matrices, kept as their factors."""

import warnings
from collections.abc import Iterator
from functools import cached_property
from typing import Any, overload

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from ..errors import RungError, ShapeError
from .slicing import is_whole, whole
from .transformer import upcast


class FactoredMatrix:
    """AB for A: [*leading, ldim, mdim] and B: [*leading, mdim, rdim], never multiplied out unless asked.

    W_QK and W_OV have rank d_head but size d_model²; norms, spectra and products need only the factors. Leading axes
    broadcast (heads, layers).
    """

    def __init__(self, A: Tensor, B: Tensor) -> None:
        if A.ndim < 2 or B.ndim < 2 or A.shape[-1] != B.shape[-2]:
            raise ShapeError(
                f"cannot keep the product of {list(A.shape)} and {list(B.shape)}: "
                "the last axis of the first must match the last but one of the second"
            )
        try:  # torch.broadcast_shapes imports sympy, which takes seconds
            leading = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
        except ValueError:
            raise ShapeError(
                f"cannot keep the product of {list(A.shape)} and {list(B.shape)}: "
                "their leading axes do not broadcast; each pair must be equal, or one of the two must be 1"
            ) from None
        self.A = A.broadcast_to((*leading, *A.shape[-2:]))
        self.B = B.broadcast_to((*leading, *B.shape[-2:]))

    @property
    def ldim(self) -> int:
        """Rows of the product."""
        return self.A.shape[-2]

    @property
    def mdim(self) -> int:
        """Length of the axis summed over: the largest possible rank."""
        return self.A.shape[-1]

    @property
    def rdim(self) -> int:
        """Columns of the product."""
        return self.B.shape[-1]

    @property
    def shape(self) -> torch.Size:
        """Shape of the product."""
        return torch.Size((*self.A.shape[:-1], self.rdim))

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def has_leading_dims(self) -> bool:
        return self.ndim > 2

    @property
    def pair(self) -> tuple[Tensor, Tensor]:
        """Both factors."""
        return self.A, self.B

    @property
    def AB(self) -> Float[Tensor, "*leading ldim rdim"]:
        """The product itself, dense."""
        return self.A @ self.B

    @property
    def BA(self) -> Float[Tensor, "*leading mdim mdim"]:
        """The factors the other way round: the same nonzero eigenvalues, at size mdim. Needs ldim = rdim."""
        if self.ldim != self.rdim:
            raise ShapeError(f"BA needs a square product; this one is {self.ldim} by {self.rdim}")
        return self.B @ self.A

    @property
    def T(self) -> "FactoredMatrix":
        """The transpose of the product: (AB)ᵀ = BᵀAᵀ."""
        return FactoredMatrix(self.B.mT, self.A.mT)

    @overload
    def __matmul__(self, other: Tensor) -> "Tensor | FactoredMatrix": ...
    @overload
    def __matmul__(self, other: "FactoredMatrix") -> "FactoredMatrix": ...
    def __matmul__(self, other: "Tensor | FactoredMatrix") -> "Tensor | FactoredMatrix":
        """(AB) @ other: a vector gives a vector, a matrix or another product stays factored at the thinnest axis.

        Raises ShapeError where the axes do not meet.
        """
        rows = other.ldim if isinstance(other, FactoredMatrix) else _rows(other)
        if self.rdim != rows:
            raise ShapeError(
                f"a factored matrix of {self.rdim} columns cannot be multiplied by {list(other.shape)}: {rows} rows"
            )
        if isinstance(other, FactoredMatrix):
            return product(self.A, self.B, other.A, other.B)
        if other.ndim == 1:
            return (self.A @ (self.B @ other.unsqueeze(-1))).squeeze(-1)
        return product(self.A, self.B, other)

    def __rmatmul__(self, other: Tensor) -> "Tensor | FactoredMatrix":
        """Other @ (AB). Raises ShapeError where the axes do not meet."""
        if other.ndim == 0 or other.shape[-1] != self.ldim:
            raise ShapeError(
                f"{list(other.shape)} cannot be multiplied by a factored matrix of {self.ldim} rows: its last axis "
                "must be as long"
            )
        if other.ndim == 1:
            row: Tensor = (other.unsqueeze(-2) @ self.A) @ self.B
            return row.squeeze(-2)
        return product(other, self.A, self.B)

    def __mul__(self, scalar: float | int | Tensor) -> "FactoredMatrix":
        """The product times one number, or times one for each matrix: [*leading], or [*leading, 1, 1].

        Raises ShapeError for any other shape: it would scale rows, columns or the inner axis, whichever fits by chance.
        """
        if not isinstance(scalar, Tensor) or scalar.ndim == 0:
            return FactoredMatrix(self.A * scalar, self.B)
        leading = self.shape[:-2]
        each = scalar
        if scalar.numel() == 1:
            each = scalar.reshape(())
        elif scalar.ndim >= 3 and scalar.shape[-2:] == (1, 1):
            each = scalar
        elif scalar.shape == leading:
            each = scalar[..., None, None]
        else:
            raise ShapeError(
                f"cannot multiply {self!r} by a tensor of shape {list(scalar.shape)}: give one number, or one for each "
                "matrix, [*leading] or [*leading, 1, 1]; .AB is the product itself"
            )
        if each.ndim and not _broadcasts(each.shape[:-2], leading):
            raise ShapeError(f"{list(scalar.shape)} is not one number for each matrix of {self!r}, {[*leading]}")
        return FactoredMatrix(self.A * each, self.B)

    __rmul__ = __mul__

    def __getitem__(self, index: Any) -> "FactoredMatrix":
        """Indexes the product; rows and columns that are picked singly stay as axes of length one."""
        index = index if isinstance(index, tuple) else (index,)
        index = _spell_out(index, self.ndim)
        *leading, row, column = index
        everything = slice(None)
        return FactoredMatrix(
            self.A[(*leading, _as_axis(row), everything)], self.B[(*leading, everything, _as_axis(column))]
        )

    def __iter__(self) -> Iterator["FactoredMatrix"]:
        if not self.has_leading_dims:
            raise RungError("a single factored matrix has nothing to iterate over; its factors are .A and .B")
        return (self[i] for i in range(self.shape[0]))

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"FactoredMatrix: shape {list(self.shape)}, inner axis {self.mdim}"

    @cached_property
    def _triangles(self) -> tuple[Tensor, Tensor, Tensor]:
        # 16-bit factors as float32, for which there are kernels and digits.
        # AB = Q_A (R_A R_Bᵀ) Q_Bᵀ: orthonormal columns outside, everything of size at most mdim inside.
        Q_A, R_A = torch.linalg.qr(upcast(self.A))
        Q_B, R_B = torch.linalg.qr(upcast(self.B).mT)
        core: Tensor = R_A @ R_B.mT
        return Q_A, core, Q_B

    @cached_property
    def _svd(self) -> tuple[Tensor, Tensor, Tensor]:
        Q_A, core, Q_B = self._triangles
        U, S, Vh = torch.linalg.svd(core, full_matrices=False)
        return (Q_A @ U).to(self._kind), S.to(self._kind), (Q_B @ Vh.mT).to(self._kind)

    @property
    def _kind(self) -> torch.dtype:
        """The type that results come in; half precisions are computed in float32."""
        return torch.promote_types(self.A.dtype, self.B.dtype)

    def svd(self) -> tuple[Tensor, Tensor, Tensor]:
        """(U, S, V) with AB = U diag(S) Vᵀ: [*, ldim, r], [*, r], [*, rdim, r], r = min(ldim, mdim, rdim)."""
        return self._svd

    @property
    def U(self) -> Tensor:
        """Left singular vectors, as columns."""
        return self._svd[0]

    @property
    def S(self) -> Tensor:
        """Singular values, largest first."""
        return self._svd[1]

    @property
    def V(self) -> Tensor:
        """Right singular vectors, as columns."""
        return self._svd[2]

    @property
    def Vh(self) -> Tensor:
        """V under the name that the field's older code knows; columns, in spite of the h, so it warns."""
        warnings.warn(
            "FactoredMatrix.Vh is V, singular vectors as columns, and no conjugate transpose: write V",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.V

    @property
    def eigenvalues(self) -> Complex[Tensor, "*leading mdim"]:
        """The product's eigenvalues, but for zeros: those of BA. complex64 for half precisions, which have none."""
        BA = FactoredMatrix(upcast(self.A), upcast(self.B)).BA
        eigenvalues: Tensor = torch.linalg.eigvals(BA)
        return eigenvalues

    def norm(self) -> Float[Tensor, "*leading"]:
        """Frobenius norm, from the factors' triangles: exact also where the factors nearly cancel."""
        norm: Tensor = torch.linalg.matrix_norm(self._triangles[1])
        return norm.to(self._kind)

    def make_even(self) -> "FactoredMatrix":
        """The same product with its singular values shared evenly between the factors."""
        root = self.S.sqrt()
        return FactoredMatrix(self.U * root.unsqueeze(-2), root.unsqueeze(-1) * self.V.mT)

    def collapse_l(self) -> Float[Tensor, "*leading mdim rdim"]:
        """What the product does to its left side, up to a rotation: S Vᵀ."""
        return self.S.unsqueeze(-1) * self.V.mT

    def collapse_r(self) -> Float[Tensor, "*leading ldim mdim"]:
        """What the product does to its right side, up to a rotation: U S."""
        return self.U * self.S.unsqueeze(-2)

    def unsqueeze(self, dim: int) -> "FactoredMatrix":
        """A leading axis of length one at `dim`."""
        if dim < 0:
            dim += self.ndim - 1
        return FactoredMatrix(self.A.unsqueeze(dim), self.B.unsqueeze(dim))

    def get_corner(self, k: int = 3) -> Tensor:
        """The first k rows and columns, dense."""
        return self.A[..., :k, :] @ self.B[..., :k]


def product(*factors: Tensor) -> FactoredMatrix:
    """The product of matrices in a row, factored at the shortest of its inner axes."""
    widths = [factor.shape[-1] for factor in factors[:-1]]
    cut = widths.index(min(widths)) + 1
    return FactoredMatrix(_multiply(factors[:cut], from_right=True), _multiply(factors[cut:], from_right=False))


def _multiply(factors: tuple[Tensor, ...], from_right: bool) -> Tensor:
    """Their product, begun at the end where the factored matrix is thin."""
    *rest, made = factors if from_right else factors[::-1]
    for factor in reversed(rest):
        made = factor @ made if from_right else made @ factor
    return made


def _rows(other: Tensor) -> int:
    return 0 if other.ndim == 0 else other.shape[0 if other.ndim == 1 else -2]


def composition_scores(
    left: FactoredMatrix, right: FactoredMatrix, broadcast_dims: bool = True
) -> Float[Tensor, "*leading"]:
    """‖LR‖ / (‖L‖ ‖R‖), Frobenius: how much of what `left` writes lies where `right` reads, for row vectors.

    With `broadcast_dims`, every matrix of `left` against every one of `right`: [*left leading, *right leading].
    Two random matrices give about 1/sqrt(d_model). (Elhage et al. 2021, "A Mathematical Framework for Transformer
    Circuits", section on composition.)
    """
    if left.rdim != right.ldim:
        raise ShapeError(f"cannot compose {left!r} with {right!r}: {left.rdim} columns against {right.ldim} rows")
    kind = torch.promote_types(left.A.dtype, right.A.dtype)
    writes, reads = _writes(left), _reads(right)
    if not broadcast_dims:
        joint: Tensor = torch.linalg.matrix_norm(writes @ reads)
        return joint.div(torch.linalg.matrix_norm(writes) * torch.linalg.matrix_norm(reads)).to(kind)
    scores = _pair_scores(writes.reshape(-1, *writes.shape[-2:]), _side_by_side(reads.reshape(-1, *reads.shape[-2:])))
    return scores.to(kind).view((*left.shape[:-2], *right.shape[:-2]))


def later_composition_scores(
    left: FactoredMatrix, *rights: FactoredMatrix
) -> Float[Tensor, "kind layer head later_layer later_head"]:
    """`composition_scores` of `left` [layer, head] with each of `rights` [layer, head]; NaN unless the reader's layer
    is later, and never computed there.

    Nothing of size d_model² is formed: a block holds the [d_head, d_head] products of one layer's writers with some
    readers, at most `PAIRS` entries. Raises ShapeError where the axes do not meet.
    """
    layers, heads = left.shape[:2]
    writes, kind = _writes(left), left.A.dtype
    scores = writes.new_full((len(rights), layers, heads, layers, heads), torch.nan)
    for at, right in enumerate(rights):
        if left.rdim != right.ldim or right.shape[:2] != (layers, heads):
            raise ShapeError(f"cannot compose {left!r} with {right!r}: they need the same layers, heads and d_model")
        reads = _side_by_side(_reads(right).flatten(0, 1))
        for layer in range(layers - 1):
            later = _pair_scores(writes[layer], reads[:, (layer + 1) * heads :])
            scores[at, layer, :, layer + 1 :] = later.unflatten(1, (-1, heads))
    return scores.to(kind)


PAIRS = 2**24
"""Entries of pair products held at once (64 MiB in float32)."""


def _writes(left: FactoredMatrix) -> Float[Tensor, "*leading width d_model"]:
    """R_A B, with A = Q_A R_A: `left` without the orthonormal columns that no norm sees."""
    triangle: Tensor = torch.linalg.qr(upcast(left.A), mode="r").R
    return triangle @ upcast(left.B)


def _reads(right: FactoredMatrix) -> Float[Tensor, "*leading d_model width"]:
    """A R_Bᵀ, with Bᵀ = Q_B R_B."""
    triangle: Tensor = torch.linalg.qr(upcast(right.B).mT, mode="r").R
    return upcast(right.A) @ triangle.mT


def _side_by_side(reads: Float[Tensor, "reader d_model width"]) -> Float[Tensor, "d_model reader width"]:
    """All readers as columns of one matrix, of which any readers in a row are a view."""
    return reads.movedim(0, 1).contiguous()


def _pair_scores(
    writes: Float[Tensor, "writer width d_model"], reads: Float[Tensor, "d_model reader width_2"]
) -> Float[Tensor, "writer reader"]:
    """‖WR‖ / (‖W‖ ‖R‖) of every pair: one product of matrices for all writers and a block of readers.

    Squares of the product's entries are summed, so that nothing cancels where a pair hardly composes; the trace of two
    Gram matrices would lose half of the digits there.
    """
    stacked = writes.flatten(0, 1)
    step = max(1, PAIRS // max(1, len(stacked) * reads.shape[-1]))
    norms = []
    for block in reads.split(step, 1):
        pairs = stacked @ block.flatten(1)
        pairs = pairs.view(*writes.shape[:2], *block.shape[1:])
        norms.append(torch.linalg.vector_norm(pairs, dim=(1, 3)))
    apart = torch.linalg.matrix_norm(writes)[:, None] * torch.linalg.vector_norm(reads, dim=(0, 2))
    scores: Tensor = torch.cat(norms, 1) / apart
    return scores


def _broadcasts(shape: torch.Size, leading: torch.Size) -> bool:
    """Whether a tensor of `shape` spreads over `leading` without adding to it."""
    if len(shape) > len(leading):
        return False
    return all(one in (1, many) for one, many in zip(reversed(shape), reversed(leading), strict=False))


def _spell_out(index: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    if Ellipsis in [i for i in index if not isinstance(i, Tensor)]:
        at = next(n for n, i in enumerate(index) if i is Ellipsis)
        fill = ndim - (len(index) - 1)
        index = (*index[:at], *(slice(None),) * fill, *index[at + 1 :])
    if len(index) > ndim:
        raise RungError(f"{len(index)} indices for a factored matrix of {ndim} axes")
    return (*index, *(slice(None),) * (ndim - len(index)))


def _as_axis(index: Any) -> Any:
    if is_whole(index):
        at = whole(index)
        return slice(at, at + 1 or None)
    return index
