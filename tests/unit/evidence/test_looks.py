from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.errors import ClaimError
from rung.evidence.looks import check_sequences, look_alpha
from rung.evidence.observation import Floors


@given(halvings=st.integers(0, 6), doublings=st.integers(0, 20))
def test_all_looks_together_spend_no_more_than_alpha(halvings, doublings):
    fewer = [look_alpha(0.01, 64 // 2**look, 64) for look in range(halvings, 0, -1)]
    spent = [look_alpha(0.01, 64 * 2**look, 64) for look in range(doublings + 1)]
    assert sum(fewer) + sum(spent) <= 0.01
    assert spent[0] == pytest.approx(0.004375)
    assert all(later == earlier / 2 for earlier, later in pairwise(spent))
    assert all(later == 2 * earlier for earlier, later in pairwise(fewer))


def test_fewer_sequences_than_the_first_look_spend_of_a_reserve():
    assert [look_alpha(0.01, n, 64) for n in (63, 32, 31, 16, 2)] == [0.01 / 16] * 2 + [0.01 / 32] * 2 + [0.01 / 256]
    assert look_alpha(0.01, 128, 64) == pytest.approx(0.0021875)


@pytest.mark.parametrize("sequences", [2, 16, 63, 64, 128, 256, 4096])
def test_sizes_that_a_look_may_have(sequences):
    check_sequences(sequences, Floors())


@pytest.mark.parametrize(("sequences", "fits"), [(65, 128), (100, 128), (127, 128), (129, 256), (192, 256)])
def test_a_size_between_two_looks_is_refused_with_the_one_that_fits(sequences, fits):
    with pytest.raises(ClaimError, match=rf"{sequences} confirmation sequences were asked for; .*; {fits} would fit"):
        check_sequences(sequences, Floors())


@pytest.mark.parametrize("sequences", [1, 0, -3])
def test_too_few_are_refused(sequences):
    with pytest.raises(ClaimError, match="at least 2 are needed"):
        check_sequences(sequences, Floors())


def test_looks_start_where_the_floor_says():
    check_sequences(32, Floors(sequences=16))
    with pytest.raises(ClaimError, match="above 16 a proof looks at 32, 64, 128"):
        check_sequences(24, Floors(sequences=16))
