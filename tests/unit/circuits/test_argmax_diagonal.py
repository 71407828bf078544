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


@given(n=st.integers(2, 12), rank=st.integers(1, 4), band=st.integers(1, 40), seed=st.integers(0, 99))
def test_it_equals_the_dense_matrix_whatever_the_band(n: int, rank: int, band: int, seed: int) -> None:
    product = factored(n, rank, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BAND", band)
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
