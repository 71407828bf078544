import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rung.circuits import argmax_diagonal as module
from rung.circuits.argmax_diagonal import diagonal
from rung.engine.factored import FactoredMatrix
from rung.errors import RungError


def factored(n: int, rank: int, seed: int) -> FactoredMatrix:
    generator = torch.Generator().manual_seed(seed)
    A, B = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((n, rank), (rank, n)))
    return FactoredMatrix(A, B)


@given(n=st.integers(2, 12), rank=st.integers(1, 4), edge=st.integers(1, 13), seed=st.integers(0, 99))
def test_it_equals_the_dense_matrix_whatever_the_block(n: int, rank: int, edge: int, seed: int) -> None:
    product = factored(n, rank, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "EDGE", edge)
        found = diagonal(product, "random")
    dense = product.A @ product.B
    for row in range(n):
        others = torch.cat((dense[row, :row], dense[row, row + 1 :]))
        assert found.rank[row] == (others >= dense[row, row]).sum()
        assert found.margin[row] == pytest.approx(float(dense[row, row] - others.max()))
    assert found.n == n
    assert found.share == pytest.approx(float((dense.argmax(1) == torch.arange(n)).double().mean()))


def test_rows_and_columns_are_told_apart() -> None:
    """Row 1 is twice row 0: each row's best column is 0, each column's best row is 1."""
    product = FactoredMatrix(torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0, 1.0]]))
    assert diagonal(product, "by row").rank.tolist() == [0, 1]
    assert diagonal(product.T, "by column").rank.tolist() == [1, 0]


def test_ties_count_against_the_diagonal() -> None:
    zero = FactoredMatrix(torch.zeros(5, 2), torch.zeros(2, 5))
    found = diagonal(zero, "a head that writes nothing")
    assert found.share == 0
    assert found.rank.tolist() == [4] * 5


@pytest.mark.parametrize("shape", [(3, 4), (1, 1)])
def test_only_square_matrices_of_two_rows_have_one(shape: tuple[int, int]) -> None:
    with pytest.raises(RungError, match="square"):
        diagonal(FactoredMatrix(torch.ones(shape[0], 2), torch.ones(2, shape[1])), "this")


@given(n=st.integers(2, 12), sample=st.integers(1, 12), memory=st.integers(1, 2000), seed=st.integers(0, 99))
def test_sampled_rows_are_those_of_the_whole(n: int, sample: int, memory: int, seed: int) -> None:
    product = factored(n, 3, seed)
    rows = torch.randperm(n, generator=torch.Generator().manual_seed(seed))[:sample]
    whole = diagonal(product, "whole")
    found = diagonal(FactoredMatrix(product.A[rows], product.B), "sample", rows=rows, max_memory=memory)
    assert found.rank.tolist() == whole.rank[rows].tolist()
    torch.testing.assert_close(found.margin, whole.margin[rows])
    low, high = found.interval()
    assert low <= found.share <= high
    assert whole.interval() == (whole.share, whole.share)


def test_the_interval_is_clopper_and_pearsons() -> None:
    """8 of 10: the published 95 % interval is 0.4439 to 0.9748."""
    found = module.Diagonal("by hand", "score", torch.tensor([0] * 8 + [3] * 2), torch.zeros(10), 100)
    assert found.interval() == pytest.approx((0.44390, 0.97479), abs=1e-5)
    assert found.top(4) == 1.0
    with pytest.raises(RungError, match="k is 1 to 100"):
        found.top(101)
