"""Factored products against dense ones, in float64."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rung.engine import factored
from rung.engine.factored import FactoredMatrix, composition_scores, later_composition_scores
from rung.errors import RungError, ShapeError

SHAPES = st.tuples(*[st.integers(1, 6)] * 4, st.sampled_from([(), (3,), (2, 3)]), st.integers(0, 99))


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def factors(shape):
    left, middle, right, _, leading, seed = shape
    return random(*leading, left, middle, seed=seed), random(*leading, middle, right, seed=seed + 1)


def dense(x):
    return x.AB if isinstance(x, FactoredMatrix) else x


def close(a, b):
    torch.testing.assert_close(dense(a), dense(b), atol=1e-9, rtol=1e-9)


@given(SHAPES)
@settings(max_examples=40)
def test_algebra_is_that_of_the_dense_product(shape):
    A, B = factors(shape)
    left, _, right, other, _, seed = shape
    product, full = FactoredMatrix(A, B), A @ B
    assert product.shape == full.shape and product.ndim == full.ndim
    assert (product.ldim, product.mdim, product.rdim) == (left, A.shape[-1], right)
    close(product, full)
    close(product.T, full.mT)
    close(product * 3.0, 3.0 * full)
    close(0.5 * product, 0.5 * full)
    vector, row = random(right, seed=seed + 2), random(left, seed=seed + 3)
    close(product @ vector, full @ vector)
    close(row @ product, row @ full)
    after, before = random(right, other, seed=seed + 4), random(other, left, seed=seed + 5)
    close(product @ after, full @ after)
    close(before @ product, before @ full)
    second = FactoredMatrix(random(right, 2, seed=seed + 6), random(2, other, seed=seed + 7))
    close(product @ second, full @ second.AB)
    third = FactoredMatrix(random(other, 2, seed=seed + 8), random(2, left, seed=seed + 9))
    close(third @ product, third.AB @ full)


@given(SHAPES)
@settings(max_examples=40)
def test_norm_and_spectrum_are_those_of_the_dense_product(shape):
    A, B = factors(shape)
    product, full = FactoredMatrix(A, B), A @ B
    close(product.norm(), torch.linalg.matrix_norm(full))
    U, S, V = product.svd()
    close(U * S.unsqueeze(-2) @ V.mT, full)
    identity = torch.eye(S.shape[-1], dtype=torch.float64).expand(*S.shape, S.shape[-1])
    close(U.mT @ U, identity)
    close(V.mT @ V, identity)
    rank = min(A.shape[-1], *full.shape[-2:])
    close(S, torch.linalg.svdvals(full)[..., :rank])
    close(product.make_even(), full)
    close(product.collapse_r() @ product.V.mT, full)
    close(product.U @ product.collapse_l(), full)


@given(st.integers(2, 6), st.integers(1, 6), st.integers(0, 99))
@settings(max_examples=30)
def test_eigenvalues_are_the_dense_ones_but_for_zeros(size, middle, seed):
    product = FactoredMatrix(random(size, middle, seed=seed), random(middle, size, seed=seed + 1))
    full = torch.linalg.eigvals(product.AB)
    for power in (1, 2, 3):
        # Sums of powers name the nonzero eigenvalues without an order to match.
        torch.testing.assert_close((product.eigenvalues**power).sum(), (full**power).sum(), atol=1e-6, rtol=1e-6)


def test_a_norm_is_exact_where_the_factors_nearly_cancel():
    writes, reads = torch.zeros(8, 2), torch.zeros(2, 8)
    writes[:, 0], reads[1] = 1.0, 1.0
    reads[0] = 1e-6
    product = FactoredMatrix(writes, reads)
    torch.testing.assert_close(
        product.norm(), torch.linalg.matrix_norm(product.AB.double()).float(), rtol=1e-5, atol=0.0
    )


def test_composition_scores_are_the_dense_ones_for_every_pair():
    first = FactoredMatrix(random(3, 7, 2), random(3, 2, 7, seed=1))
    second = FactoredMatrix(random(2, 7, 3, seed=2), random(2, 3, 7, seed=3))
    scores = composition_scores(first, second)
    assert scores.shape == (3, 2)
    for i in range(3):
        for j in range(2):
            L, R = first.AB[i], second.AB[j]
            torch.testing.assert_close(scores[i, j], (L @ R).norm() / L.norm() / R.norm())
    # The order of the factors matters: these matrices are not symmetric.
    assert not torch.allclose(scores[0, 0], composition_scores(second, first)[0, 0])
    with pytest.raises(RungError, match="7 columns against 5 rows"):
        composition_scores(first, FactoredMatrix(random(5, 2), random(2, 7)))


def test_indexing_rows_columns_and_leading_axes():
    A, B = random(2, 3, 5, 4), random(2, 3, 4, 6, seed=1)
    product, full = FactoredMatrix(A, B), A @ B
    close(product[1], full[1])
    close(product[1, 2], full[1, 2])
    close(product[:, 1:], full[:, 1:])
    close(product[..., 2, 3], full[..., 2:3, 3:4])
    close(product[0, 1, -1], full[0, 1, -1:])
    close(product[0, 1, :, torch.tensor([4, 0])], full[0, 1][:, [4, 0]])
    close(torch.stack([part[0].AB for part in product]), full[:, 0])
    close(product.get_corner(2), full[..., :2, :2])
    close(product.unsqueeze(0), full.unsqueeze(0))
    assert len(product) == 2 and "5, 6" in repr(product)
    with pytest.raises(RungError, match="5 indices"):
        product[0, 0, 0, 0, 0]


def test_leading_axes_broadcast():
    product = FactoredMatrix(random(3, 5, 2), random(2, 5, seed=1))
    assert product.shape == (3, 5, 5) and product.has_leading_dims
    close(product, random(3, 5, 2) @ random(2, 5, seed=1))


def test_factors_that_do_not_fit_are_refused():
    with pytest.raises(RungError, match=r"\[5, 2\] and \[3, 5\]"):
        FactoredMatrix(random(5, 2), random(3, 5))
    with pytest.raises(RungError, match=r"\[3, 5, 2\] and \[4, 2, 5\].*leading axes"):
        FactoredMatrix(random(3, 5, 2), random(4, 2, 5))
    with pytest.raises(RungError, match="square"):
        _ = FactoredMatrix(random(5, 2), random(2, 4)).BA
    with pytest.raises(RungError, match="nothing to iterate"):
        list(FactoredMatrix(random(5, 2), random(2, 4)))


def test_products_keep_the_thinnest_inner_axis():
    thick = FactoredMatrix(random(5, 9), random(9, 3, seed=1))
    thin = FactoredMatrix(random(3, 8, seed=2), random(8, 7, seed=3))
    both = thick @ thin
    assert both.mdim == 3 and (both.ldim, both.rdim) == (5, 7)
    close(both, thick.AB @ thin.AB)
    assert (thick.T @ random(5, 2, seed=4)).mdim == 5 and (random(2, 5, seed=4) @ thick).mdim == 5
    assert (FactoredMatrix(random(4, 2), random(2, 6)) @ FactoredMatrix(random(6, 3), random(3, 4))).mdim == 2


@pytest.mark.parametrize("leading", [(), (2,)])
def test_axes_that_do_not_meet_are_refused_as_an_assertion_too(leading):
    made = FactoredMatrix(random(*leading, 3, 4), random(*leading, 4, 6))
    wrong = FactoredMatrix(random(5, 2), random(2, 5))
    for multiply in (
        lambda: made @ wrong,
        lambda: made @ random(5, 6),
        lambda: made @ random(5),
        lambda: random(2, 4) @ made,
        lambda: random(4) @ made,
        lambda: made @ torch.tensor(2.0),
    ):
        for kind in (RungError, AssertionError, RuntimeError):
            with pytest.raises(kind, match="cannot be multiplied"):
                multiply()


def test_only_numbers_scale_a_product():
    made = FactoredMatrix(random(3, 2, 4), random(3, 4, 5))
    for number in (2, 0.5, torch.tensor(3.0), torch.tensor([3.0])):
        close(made * number, made.AB * number)
    each = random(3, 1, 1, seed=1)
    close(each * made, each * made.AB)
    square = FactoredMatrix(random(4, 4), random(4, 4))
    for tensor in (random(4), random(4, 4), random(1, 4)):
        with pytest.raises(ShapeError, match=r"\[\*leading, 1, 1\]"):
            square * tensor
        with pytest.raises(AssertionError):
            tensor * square


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_sixteen_bits_are_computed_in_32_and_returned_in_kind(kind):
    A, B = random(6, 3).to(kind), random(3, 6, seed=1).to(kind)
    made, wide = FactoredMatrix(A, B), FactoredMatrix(A.float(), B.float())
    for name in ("S", "U", "V"):
        assert getattr(made, name).dtype == kind
    torch.testing.assert_close(made.S, wide.S.to(kind))
    torch.testing.assert_close(made.norm(), wide.norm().to(kind))
    torch.testing.assert_close(composition_scores(made, made), composition_scores(wide, wide).to(kind))
    assert made.eigenvalues.dtype == torch.complex64 and made.make_even().A.dtype == kind


def test_vh_is_v_and_warns_of_its_name():
    made = FactoredMatrix(random(4, 2), random(2, 4))
    with pytest.warns(DeprecationWarning, match="write V"):
        assert torch.equal(made.Vh, made.V)


def test_a_product_is_multiplied_by_numbers_alone():
    """One number a head, where heads are as many as the inner axis is long: a scale of the wrong axis would fit."""
    generator = torch.Generator().manual_seed(0)
    f = FactoredMatrix(torch.randn(4, 8, 4, generator=generator), torch.randn(4, 4, 8, generator=generator))
    each = torch.tensor([1.0, 2.0, 3.0, 4.0])
    wanted = f.AB * each[:, None, None]
    for scaled in (f * each, each * f, f * each[:, None, None], f * each.view(4, 1, 1)):
        torch.testing.assert_close(scaled.AB, wanted)
    for number in (2.5, 3, torch.tensor(2.5), torch.tensor([2.5]), torch.tensor([[2.5]]), torch.tensor([[[2.5]]])):
        torch.testing.assert_close((f * number).AB, f.AB * float(number))
        torch.testing.assert_close((number * f).AB, f.AB * float(number))
    two = FactoredMatrix(torch.randn(3, 1, 8, 2, generator=generator), torch.randn(3, 4, 2, 8, generator=generator))
    grid = torch.randn(3, 4, generator=generator)
    torch.testing.assert_close((two * grid).AB, two.AB * grid[..., None, None])
    torch.testing.assert_close((two * grid[:1, :, None, None]).AB, two.AB * grid[:1, :, None, None])
    single = f[0]
    for matrix, wrong in (
        (f, (8,)), (f, (8, 8)), (f, (4, 8, 8)), (f, (8, 1)), (f, (1, 4)), (f, (3, 1, 1)), (f, (2, 4, 1, 1)),
        (single, (8,)), (single, (4,)), (single, (8, 1)), (single, (4, 1, 1)), (two, (4,)),
    ):  # fmt: skip
        with pytest.raises(RungError, match="one number"):
            matrix * torch.ones(wrong)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precisions_are_computed_in_float32(dtype):
    generator = torch.Generator().manual_seed(0)
    half = FactoredMatrix(
        torch.randn(2, 9, 3, generator=generator).to(dtype), torch.randn(2, 3, 9, generator=generator).to(dtype)
    )
    wide = FactoredMatrix(half.A.float(), half.B.float())
    for name in ("U", "S", "V"):
        found = getattr(half, name)
        assert found.dtype == dtype and torch.equal(found, getattr(wide, name).to(dtype))
    assert half.norm().dtype == dtype and torch.equal(half.norm(), wide.norm().to(dtype))
    torch.testing.assert_close(half.eigenvalues, wide.eigenvalues)
    assert half.collapse_l().dtype == half.make_even().A.dtype == dtype
    scores = composition_scores(half, half)
    assert scores.dtype == dtype and torch.equal(scores, composition_scores(wide, wide).to(dtype))


@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(2, 7), st.integers(1, 4), st.integers(1, 60), st.integers(0, 99)
)
@settings(max_examples=30)
def test_scores_with_later_layers_are_the_dense_ones(layers, heads, size, width, pairs, seed):
    A, B, C, D = (random(layers, heads, size, width, seed=seed + n) for n in range(4))
    left, right = FactoredMatrix(A, B.mT), FactoredMatrix(C, D.mT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factored, "PAIRS", pairs)
        found = later_composition_scores(left, right, right.T)
    for l1, h1, l2, h2 in itertools.product(range(layers), range(heads), range(layers), range(heads)):
        L, R = left.AB[l1, h1], right.AB[l2, h2]
        for score, read in zip(found[:, l1, h1, l2, h2], (R, R.T), strict=True):
            if l1 < l2:
                torch.testing.assert_close(score, (L @ read).norm() / L.norm() / read.norm())
            else:
                assert score.isnan()


def test_a_pair_that_hardly_composes_keeps_its_digits():
    write, read = torch.zeros(2, 1, 8, 1), torch.zeros(2, 1, 8, 1)
    write[..., 0, 0], read[..., 0, 0], read[..., 1, 0] = 1.0, 1e-6, 1.0
    found = later_composition_scores(FactoredMatrix(write, write.mT), FactoredMatrix(read, read.mT))
    torch.testing.assert_close(found[0, 0, 0, 1, 0], torch.tensor(1e-6), rtol=1e-5, atol=0.0)


def test_later_scores_need_the_same_layers():
    with pytest.raises(RungError, match="same layers"):
        later_composition_scores(
            FactoredMatrix(random(2, 1, 5, 2), random(2, 1, 2, 5)),
            FactoredMatrix(random(1, 1, 5, 2), random(1, 1, 2, 5)),
        )
