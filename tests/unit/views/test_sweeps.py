import io

import pytest
import torch
from rich.console import Console

from rung.methods.grids import Grid
from rung.methods.interventions import Effect, Zero, on_head
from rung.methods.sweep import SweepResult
from rung.views.sweeps import Whole, grid_view, joint_view


def text(renderable, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, markup=False).print(renderable)
    assert max(map(len, out.getvalue().splitlines())) <= width
    return out.getvalue()


@pytest.fixture
def grid() -> Grid:
    """Two layers of three heads; the change of 1.2 is 4 nats, of 0.1 -1, and 1.0 was not measured."""
    clean, change = torch.ones(2), torch.zeros(6, 2)
    change[5], change[1], change[3] = torch.tensor([3.0, 5.0]), -1.0, torch.nan
    cells = tuple((on_head((at // 3, at % 3), Zero()),) for at in range(6))
    result = SweepResult(cells, "loss", "nats", clean, clean + change, torch.arange(6) != 3)
    return Grid("z: zero", "layer", ("0", "1"), "head", ("0", "1", "2"), result)


@pytest.mark.parametrize("width", [30, 60, 120])
def test_a_grid_shows_numbers_and_not_colours_alone(grid, width):
    drawn = text(grid_view("title", [("task", "repeats")], grid, width, ["a note"]), width)
    lines = drawn.splitlines()
    assert lines[4].split() == ["0", "0.00", "-1.00", "0.00"] and lines[5].split() == ["1", "0.00", "4.00"]
    assert "rows: layers, columns: heads; nats" in " ".join(drawn.split())
    assert ["1", "2", "+4.00", "1.00"] in [line.split() for line in lines]
    halved = text(grid_view("title", [], grid, width, [], Whole(8.0, "the way")), width)
    assert "50.0" in halved and "percent of the way, 8 nats" in " ".join(halved.split())


def test_heads_together():
    clean = torch.tensor([1.0, 2.0])
    effect = Effect(("0.3", "1.0"), "zero", "loss", "nats", clean, clean + torch.tensor([1.0, 3.0]))
    drawn = text(joint_view("m", "repeats", effect), 80)
    assert "0.3, 1.0, together, by zero" in drawn and "+2.00 nats over 2 sequences, standard error 1.00" in drawn
