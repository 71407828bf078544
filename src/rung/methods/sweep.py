"""A metric under many interventions, each measured by itself: the numbers of a loop of `run_with_hooks`, at less cost.

`sweep` skips what an intervention cannot change. The clean run is made once; a cell, which is one intervention or a
set that applies jointly, starts at the first layer that it touches, from the clean stream. In a causal model nothing
before the first touched position changes, so that only later positions are computed, which read the clean run's keys
and values, and positions after the last one that the metric reads are left out. Logits are computed only where the
metric reads them. Cells that start alike share a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypedDict, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..circuits.heads import Head, head_label
from ..engine.sites import check_head
from ..errors import InterventionError
from ..model.model import HookedTransformer
from ..tasks.metrics import Metric
from .cells import MAX_MEMORY, CellRuns
from .interventions import (
    FEWEST_DONORS,
    Effect,
    Intervention,
    Replacement,
    Resample,
    n_draws,
    on_head,
    replacement_name,
)

Cell = Intervention | Sequence[Intervention]
"""What is measured together: one intervention, or several that apply jointly."""
Progress = Callable[[int, int], bool | None]
"""Called with the number of cells measured and their total; if it returns False, the sweep ends early."""


@runtime_checkable
class HasTokens(Protocol):
    """A task, as far as a sweep needs it."""

    @property
    def tokens(self) -> Int[Tensor, "batch pos"]: ...


@dataclass(frozen=True, eq=False)
class SweepResult:
    """A metric of each example in the clean run and under each cell."""

    cells: tuple[tuple[Intervention, ...], ...]
    metric: str
    unit: str
    clean: Float[Tensor, " batch"]
    edited: Float[Tensor, "cell batch"]
    """NaN for cells that were not measured, because the sweep ended early."""
    measured: Bool[Tensor, " cell"]

    @property
    def labels(self) -> tuple[str, ...]:
        """Each cell in words."""
        return tuple("; ".join(map(str, cell)) for cell in self.cells)

    @property
    def change(self) -> Float[Tensor, "cell batch"]:
        """Edited minus clean metric of each example."""
        return self.edited - self.clean

    @property
    def n(self) -> int:
        """Number of examples."""
        return self.clean.shape[0]

    def effect(self, index: int, labels: Sequence[str] | None = None) -> Effect:
        """One cell; `labels` name what was replaced (None: the interventions in words)."""
        cell = self.cells[index]
        drawn = next((one.put for one in cell if isinstance(one.put, Resample)), None)
        return Effect(
            labels=tuple(map(str, cell)) if labels is None else tuple(labels),
            put="; ".join(dict.fromkeys(replacement_name(one.put) for one in cell)),
            metric=self.metric,
            unit=self.unit,
            clean=self.clean,
            edited=self.edited[index],
            seed=None if drawn is None else drawn.seed,
            draws=n_draws(cell),
        )


class SweepOptions(TypedDict, total=False):
    """Keyword options of `sweep`, which ready sweeps pass on."""

    progress: Progress | None
    max_memory: int


@torch.no_grad()
def sweep(
    model: HookedTransformer,
    task: Int[Tensor, "batch pos"] | HasTokens,
    interventions: Sequence[Cell],
    metric: Metric,
    progress: Progress | None = None,
    max_memory: int = MAX_MEMORY,
) -> SweepResult:
    """`metric` of each example in the clean run and under each of `interventions`.

    The model's own hooks run before the interventions; with them, every cell runs alone and over all positions.
    `max_memory` bounds, in bytes, what runs that share a batch hold; it changes no result.

    Raises SiteError for a site or head that the model does not have, InterventionError for no interventions, a
    replacement that does not fit, or a metric that does not return one number per example.
    """
    tokens = task if isinstance(task, Tensor) else task.tokens
    cells = [(cell,) if isinstance(cell, Intervention) else tuple(cell) for cell in interventions]
    runs = CellRuns(model, tokens, cells, metric.positions, metric.answers, max_memory)
    if metric.reads is not None:
        _check_padding(metric, runs)
    clean = check_one_per_example(metric, metric.of_rows(runs.clean, runs.tokens), runs.tokens)
    edited = clean.new_full((len(cells), len(clean)), torch.nan)
    measured = torch.zeros(len(cells), dtype=torch.bool)
    for done, (index, rows) in enumerate(runs, 1):
        edited[index] = check_one_per_example(metric, metric.of_rows(rows, runs.tokens), runs.tokens)
        measured[index] = True
        if progress is not None and progress(done, len(cells)) is False:
            break
    return SweepResult(tuple(cells), metric.name, metric.unit, clean, edited, measured)


def measure(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    interventions: Sequence[Intervention],
    metric: Metric,
    labels: Sequence[str] | None = None,
) -> Effect:
    """`metric` of each example in the clean run and under all of `interventions` together: a sweep of one cell.

    `labels` name what was replaced (None: the interventions in words). Raises as `sweep` does.
    """
    return sweep(model, tokens, [interventions], metric).effect(0, labels)


def ablate_heads(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    heads: Sequence[Head],
    put: Replacement,
    metric: Metric,
) -> Effect:
    """`metric` of each example in the clean run and with all of `heads` ablated together.

    Raises SiteError for a missing head, InterventionError for no heads or fewer than eight draws of donors.
    """
    if not heads:
        raise InterventionError("no head was given to ablate")
    if isinstance(put, Resample) and put.draws < FEWEST_DONORS:
        raise InterventionError(
            f"{put.draws} draws were requested; at least {FEWEST_DONORS} are needed, because a resampled head raises "
            "the logit of a wrong token"
        )
    for head in heads:
        check_head(model.config, *head)
    return measure(model, tokens, [on_head(head, put) for head in heads], metric, [head_label(head) for head in heads])


def _check_padding(metric: Metric, runs: CellRuns) -> None:
    """Raises InterventionError for a metric that chooses a position which is padding."""
    if runs.padding is None:
        return
    wrong = (metric.positions(runs.tokens) & ~runs.padding).nonzero()
    if len(wrong):
        example, position = wrong[0].tolist()
        raise InterventionError(
            f"the metric {metric.name!r} reads position {position} of example {example}, which is padding: read only "
            "what is none (`next_token_loss` takes `model.find_padding(tokens)` as its `real`)"
        )


def check_one_per_example(metric: Metric, found: Tensor, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, " batch"]:
    """What a metric gave. Raises InterventionError unless it is one number per example."""
    if tuple(found.shape) != (len(tokens),):
        raise InterventionError(
            f"the metric {metric.name!r} returned a tensor of shape {list(found.shape)}; a sweep needs one number per "
            f"example, shape {[len(tokens)]}"
        )
    return found
