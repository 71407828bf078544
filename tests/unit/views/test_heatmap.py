import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.views.heatmap import HeatMap, diverging, heat_map, legend


def test_a_heat_map_says_its_numbers_without_colour():
    assert heat_map(HeatMap.of_heads([[0.0, 0.004, 0.25], [1.0, 0.899, 0.005]]), 60).plain.splitlines() == [
        "     0   1   2 ",
        " 0   ·   ·  25 ",
        " 1 100  90   0",
    ]


@given(
    layers=st.integers(1, 12),
    heads=st.integers(1, 70),
    width=st.integers(20, 140),
)
def test_a_heat_map_fits_and_shows_every_head_once(layers, heads, width):
    lines = heat_map(HeatMap.of_heads([[0.95] * heads] * layers), width).plain.splitlines()
    assert max(map(len, lines)) <= width
    cells = "95" if 3 + 4 * heads <= width else "9"
    rows = [line[3:] for line in lines if line[:3].strip().isdecimal() and len(line) > 3]
    assert sum(row.split().count(cells) for row in rows) >= layers * heads


def test_signed_numbers_and_gaps():
    found = HeatMap([[-1.5, math.nan], [0.25, 3.0]], ["a", "bb"], ["Q", "K"], "rows", "columns", "nats", "number")
    assert heat_map(found, 40).plain.splitlines() == ["        Q      K ", " a  -1.50        ", "bb   0.25   3.00"]
    assert legend(found, 40) == "rows: rows, columns: columns; nats"
    assert heat_map(found, 12).plain.splitlines()[1:] == [" a -5    ", "bb  ·  9"]
    assert legend(found, 12).endswith("tenths of 3 nats, the largest")


@pytest.mark.parametrize("size", [3e-7, 0.02, 0.5, 80.0, 700.0, 4e9])
def test_numbers_of_every_size_fit(size):
    found = HeatMap([[-size, size / 3]], ["0"], ["0", "1"], unit="nats", scale="number")
    line = heat_map(found, 40).plain.splitlines()[1]
    shown = [float(cell) * 10.0**found.exponent for cell in line[3:].split()]
    assert shown == pytest.approx([-size, size / 3], rel=0.03)
    assert len(line) <= 3 + 14


@given(rows=st.integers(1, 5), columns=st.integers(1, 60), width=st.integers(20, 120), label=st.integers(1, 30))
def test_any_labels_fit(rows, columns, width, label):
    found = HeatMap([[-1.0] * columns] * rows, ["r" * label] * rows, ["c" * label] * columns, scale="number")
    assert max(map(len, heat_map(found, width).plain.splitlines())) <= width


def test_diverging_colours_keep_their_ink_readable():
    for step in range(-50, 51):
        style = diverging(step / 50)
        linear = [((c / 255 + 0.055) / 1.055) ** 2.4 for c in style.bgcolor.triplet]
        back = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert (1.05 / (back + 0.05) if style.color.name == "#ffffff" else (back + 0.05) / 0.05) >= 4.5
