"""Terminal views of the results of `rung ablate` and `rung patch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..methods.grids import Grid
from ..methods.interventions import Effect
from .heatmap import HeatMap, heat_map, legend
from .terminal import facts, heading, note, printable
from .wording import SWEEPS

LISTED = 8
"""Cells in the table of the largest changes."""


class Whole(NamedTuple):
    """What a change is given in percent of."""

    value: float
    words: str


def grid_view(
    title: str,
    rows: Sequence[tuple[str, str]],
    grid: Grid,
    width: int,
    notes: Sequence[str],
    whole: Whole | None = None,
) -> RenderableType:
    """A heat map of the mean change, and the largest changes; in percent of `whole` (None: in the metric's unit)."""
    mean, unit = grid.mean_change, grid.result.unit
    if whole is not None:
        mean, unit = 100 * mean / whole.value, f"percent of {whole.words}, {whole.value:.3g} {unit}"
    names = {"row_name": f"{grid.row_axis}s", "column_name": f"{grid.column_axis}s"}
    found = HeatMap(mean.tolist(), grid.rows, grid.columns, unit=unit, scale="number", **names)
    return Group(
        heading(title),
        facts(rows),
        Text(),
        heat_map(found, width),
        note(legend(found, width)),
        Text(),
        _largest(grid),
        Text(),
        *(note(text) for text in notes),
    )


def ablation_view(model_name: str, task: str, put: str, grid: Grid, width: int) -> RenderableType:
    """Each head ablated by itself."""
    clean = f"{float(grid.result.clean.mean()):.2f} nats a token"
    rows = [("task", task), ("replaced", put), ("clean loss", clean)]
    return grid_view(SWEEPS["ablation"].format(model=model_name), rows, grid, width, [SWEEPS["ablation.note"]])


class Patched(NamedTuple):
    """Two prompts that were patched into each other."""

    prompts: tuple[str, str]
    """The clean text and the corrupted one."""
    answers: tuple[str, str]
    """Their next tokens."""
    differences: tuple[float, float]
    """The logit of the first answer minus that of the second, on each text."""
    tokens: Sequence[str]
    """The texts of the corrupted prompt's tokens."""


def patching_view(model_name: str, site: str, said: Patched, grid: Grid, width: int) -> RenderableType:
    """Activations of one text patched into another."""
    (clean, corrupted), (right, wrong), (whole, none) = said.prompts, said.answers, said.differences
    rows = [
        ("clean text", f"{clean}: {right!r} over {wrong!r} by {whole:+.2f} nats"),
        ("corrupted", f"{corrupted}: {none:+.2f} nats"),
        ("positions", "  ".join(f"{at} {printable(text)}" for at, text in enumerate(said.tokens))),
    ]
    title = SWEEPS["patching"].format(model=model_name, site=site)
    return grid_view(title, rows, grid, width, [SWEEPS["patching.note"]], Whole(whole - none, SWEEPS["patching.whole"]))


def joint_view(model_name: str, task: str, effect: Effect) -> RenderableType:
    """The effect of heads that were ablated together."""
    change = effect.change.double()
    spread = "" if effect.n < 2 else f", standard error {float(change.std() / effect.n**0.5):.2f}"
    clean, edited = float(effect.clean.mean()), float(effect.edited.mean())
    rows = [
        ("task", task),
        ("replaced", f"{', '.join(effect.labels)}, together, by {effect.put}"),
        ("clean loss", f"{clean:.2f} nats a token"),
        ("ablated", f"{edited:.2f} nats a token"),
        ("change", f"{float(change.mean()):+.2f} nats over {effect.n} sequences{spread}"),
    ]
    return Group(heading(SWEEPS["ablation.joint"].format(model=model_name)), facts(rows))


def _largest(grid: Grid) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(grid.row_axis, justify="right", no_wrap=True)
    table.add_column(grid.column_axis, justify="right", no_wrap=True)
    table.add_column(f"change, {grid.result.unit}", justify="right", no_wrap=True)
    table.add_column("standard error", justify="right", no_wrap=True)
    width, change = len(grid.columns), grid.change.flatten(0, 1).double()
    order = change.mean(1).nan_to_num().abs().argsort(descending=True, stable=True)[:LISTED].tolist()
    for at in order:
        error = "–" if grid.result.n < 2 else f"{float(change[at].std() / grid.result.n**0.5):.2f}"
        moved = round(float(change[at].mean()), 2) + 0.0  # without a minus sign before zero
        table.add_row(grid.rows[at // width], grid.columns[at % width], f"{moved:+.2f}", error)
    return table
