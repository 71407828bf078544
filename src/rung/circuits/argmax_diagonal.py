"""For a large factored matrix: in which rows is the diagonal entry the largest? Computed in bands of rows."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..engine.factored import FactoredMatrix
from ..errors import RungError

BAND = 2**24
"""Entries of the product computed at once (64 MiB in float32)."""


@dataclass(frozen=True, eq=False)
class Diagonal:
    """The rank and margin of each row's diagonal entry. Exact: nothing is sampled."""

    what: str
    """A description of the matrix and its axes."""
    unit: str
    rank: Int[Tensor, " row"]
    """The number of other entries that are at least as large: 0 is best, and ties count against the diagonal."""
    margin: Float[Tensor, " row"]
    """The diagonal entry minus the largest other entry."""

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.rank.shape[0]

    @property
    def share(self) -> float:
        """Share of rows whose largest entry is the diagonal one."""
        return (self.rank == 0).double().mean().item()


@torch.no_grad()
def diagonal(product: FactoredMatrix, what: str, unit: str = "score") -> Diagonal:
    """Compares each row's diagonal entry with the rest of the row; for columns, give the transpose (`product.T`).

    Never holds more than `BAND` entries of the [n, n] product. Raises RungError unless it is square with n ≥ 2.
    """
    n = product.ldim
    if product.has_leading_dims or product.rdim != n or n < 2:
        raise RungError(
            f"a diagonal needs one square matrix of at least two rows; {what} has shape {list(product.shape)}"
        )
    rank, margin = [], []
    step = max(1, BAND // n)
    for start in range(0, n, step):
        band = product.A[start : start + step] @ product.B
        at = torch.arange(start, start + len(band), device=band.device)[:, None]
        own = band.gather(1, at)
        others = band.scatter(1, at, -torch.inf)
        rank.append((others >= own).sum(1))
        margin.append(own[:, 0] - others.amax(1))
    return Diagonal(what, unit, torch.cat(rank), torch.cat(margin))
