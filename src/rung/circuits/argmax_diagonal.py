"""For a large factored matrix: in which rows is the diagonal entry the largest? Computed in blocks."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..display import Shown
from ..engine.factored import FactoredMatrix
from ..errors import RungError

EDGE = 2048
"""Rows and columns of the product computed at once: 16 MiB in float32."""
MAX_MEMORY = 500_000_000
"""Bytes that a block and what is compared in it may take."""


@dataclass(frozen=True, eq=False, repr=False)
class Diagonal(Shown):
    """The rank and margin of the diagonal entries of all rows, or of a sample of rows; each is exact."""

    what: str
    """A description of the matrix and its axes."""
    unit: str
    rank: Int[Tensor, " row"]
    """The number of other entries that are at least as large: 0 is best, and ties count against the diagonal."""
    margin: Float[Tensor, " row"]
    """The diagonal entry minus the largest other entry."""
    size: int
    """Rows of the whole matrix."""

    @property
    def n(self) -> int:
        """Number of rows that were compared."""
        return self.rank.shape[0]

    @property
    def share(self) -> float:
        """Share of rows whose largest entry is the diagonal one."""
        return self.top(1)

    def top(self, k: int) -> float:
        """Share of rows whose diagonal entry is among the `k` largest. Raises RungError unless 1 ≤ k ≤ columns."""
        if not 1 <= k <= self.size:
            raise RungError(f"a row of {self.size} entries has no {k} largest; k is 1 to {self.size}")
        return (self.rank < k).double().mean().item()

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Clopper–Pearson interval of `share` over the whole matrix; the share itself where no row was left out.

        Exact for rows drawn with replacement, and conservative for rows drawn without. (Clopper & Pearson 1934.)
        """
        if self.n == self.size:
            return self.share, self.share
        from scipy.special import betaincinv

        hits, miss = int((self.rank == 0).sum()), (1 - confidence) / 2
        low = float(betaincinv(hits, self.n - hits + 1, miss)) if hits else 0.0
        high = float(betaincinv(hits + 1, self.n - hits, 1 - miss)) if hits < self.n else 1.0
        return low, high


@torch.no_grad()
def diagonal(
    product: FactoredMatrix,
    what: str,
    unit: str = "score",
    *,
    rows: Int[Tensor, " row"] | None = None,
    max_memory: int = MAX_MEMORY,
) -> Diagonal:
    """Compares each row's diagonal entry with the rest of the row; for columns, give the transpose (`product.T`).

    `rows`: which rows of the matrix `product` holds, in that order (None: all). Never holds
    more than `EDGE` rows and columns of the product, fewer where `max_memory` bytes need it. Raises RungError unless
    the product is square with n ≥ 2.
    """
    n = product.rdim
    if product.has_leading_dims or product.ldim != (n if rows is None else len(rows)) or n < 2:
        raise RungError(
            f"a diagonal needs one square matrix of at least two rows; {what} has shape {list(product.shape)}"
        )
    # Of each entry: itself and its comparison.
    edge = max(1, min(EDGE, math.isqrt(max_memory // (product.A.element_size() + 2))))
    A = product.A
    columns = torch.arange(n, device=A.device) if rows is None else rows.to(A.device)
    rank, margin = [], []
    for band, at in zip(A.split(edge), columns.split(edge), strict=True):
        ranks, margins = _compare(band, product.B, at, edge)
        rank.append(ranks)
        margin.append(margins)
    return Diagonal(what, unit, torch.cat(rank), torch.cat(margin), n)


def _compare(
    band: Float[Tensor, "row mdim"], B: Float[Tensor, "mdim column"], at: Int[Tensor, " row"], edge: int
) -> tuple[Int[Tensor, " row"], Float[Tensor, " row"]]:
    """Rank and margin of the entries in columns `at`, block by block of columns."""
    own = band.new_empty(len(band))
    starts = range(0, B.shape[1], edge)
    # Earlier blocks are compared with entries of later ones: those are computed first.
    for start in starts if len(starts) > 1 else ():
        here = ((at >= start) & (at < start + edge)).nonzero()[:, 0]
        if len(here):
            block = band[here] @ B[:, start : start + edge]
            own[here] = block.gather(1, at[here, None] - start)[:, 0]
    rank, best = at.new_zeros(len(band)), band.new_full((len(band),), -torch.inf)
    for start in starts:
        block = band @ B[:, start : start + edge]
        here = ((at >= start) & (at < start + edge)).nonzero()[:, 0]
        own[here] = block[here, at[here] - start]
        block[here, at[here] - start] = -torch.inf
        rank += (block >= own[:, None]).sum(1)
        best = torch.maximum(best, block.amax(1))
    return rank, own - best
