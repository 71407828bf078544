"""A metric under many interventions, each measured by itself: the numbers of a loop of `run_with_hooks`, at less cost.

`sweep` skips what an intervention cannot change. The clean run is made once; a cell, which is one intervention or a
set that applies jointly, starts at the first layer that it touches, from the clean stream. In a causal model nothing
before the first touched position changes, so that only later positions are computed, which read the clean run's keys
and values, and positions after the last one that the metric reads are left out. Logits are computed only where the
metric reads them. Cells that start alike share a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypedDict, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..circuits.heads import Head, head_label
from ..display import Shown
from ..engine.sites import check_head
from ..errors import InterventionError, StoreError
from ..model.model import HookedTransformer
from ..tasks.metrics import Metric
from .executors import Processes
from .footprint import MAX_MEMORY
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
from .request import Request
from .scoring import CellScores
from .store import Store, chunk_unit
from .workers import Progress, SweepWorker, check_loadable, dispatch, parse_shard, shard_of

Cell = Intervention | Sequence[Intervention]
"""What is measured together: one intervention, or several that apply jointly."""


@runtime_checkable
class HasTokens(Protocol):
    """A task, as far as a sweep needs it."""

    @property
    def tokens(self) -> Int[Tensor, "batch pos"]: ...


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult(Shown):
    """A metric of each example in the clean run and under each cell."""

    cells: tuple[tuple[Intervention, ...], ...]
    metric: str
    unit: str
    clean: Float[Tensor, " batch"]
    edited: Float[Tensor, "cell batch"]
    """NaN for cells that were not measured, because the sweep ended early or they failed."""
    measured: Bool[Tensor, " cell"]
    failed: tuple[int, ...] = ()
    """Cells of a stored sweep that killed every worker that tried them."""

    @classmethod
    def open(cls, store: str | Path | Store) -> SweepResult:
        """What the store in a folder holds so far, also while workers write to it. Raises StoreError."""
        store = store if isinstance(store, Store) else Store.open(store)
        store.refresh()
        request, cells = store.request, store.request.cells()
        metric, batch = request.metric(), len(request.tokens())
        found = {chunk: store.found[chunk_unit(chunk)] for chunk in range(store.n_chunks) if store.done(chunk)}
        clean = next((one.clean for one in found.values() if one.clean is not None), None)
        clean = torch.full((batch,), torch.nan) if clean is None else clean
        edited = clean.new_full((len(cells), batch), torch.nan)
        measured, failed = torch.zeros(len(cells), dtype=torch.bool), []
        for chunk, one in found.items():
            for cell in store.cells_of(chunk):
                value = one.values.get(store.keys[cell])
                if value is None:
                    failed.append(cell)
                else:
                    edited[cell], measured[cell] = value, True
        return cls(cells, metric.name, metric.unit, clean, edited, measured, tuple(failed))

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
    store: str | Path | None
    executor: Executor | None
    workers: int | None
    shard: str | None


@torch.no_grad()
def sweep(
    model: HookedTransformer,
    task: Int[Tensor, "batch pos"] | HasTokens,
    interventions: Sequence[Cell],
    metric: Metric,
    progress: Progress | None = None,
    max_memory: int = MAX_MEMORY,
    *,
    store: str | Path | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    shard: str | None = None,
) -> SweepResult:
    """`metric` of each example in the clean run and under each of `interventions`.

    The model's own hooks run before the interventions; with them, every cell runs alone and over all positions.
    `max_memory` bounds, in bytes, what runs that share a batch hold; it changes no result.

    `store`: a folder that keeps what is finished, from which the same sweep is resumed. `workers`: that many processes
    of this machine run the cells. `executor`: it runs them, as `workers` work items (None: one a chunk of cells); its
    workers must reach the store. They load the model by its name. See `methods.workers`. `shard`: "i/n", from "1/n" to
    "n/n", runs a fixed share of the cells of a store; the result has what the store holds by then.

    Raises SiteError for a site or head that the model does not have, InterventionError for no interventions, a
    replacement that does not fit, a metric that does not return one number per example, or what cannot be stored;
    StoreError for a store of another sweep, a model that workers cannot load, or a shard without a store or beside
    workers.
    """
    tokens = task if isinstance(task, Tensor) else task.tokens
    cells = [(cell,) if isinstance(cell, Intervention) else tuple(cell) for cell in interventions]
    if shard is not None:
        parse_shard(shard)
        if store is None or executor is not None or workers is not None:
            raise StoreError(
                f"the shard {shard} was asked for; it is run by this process, without workers, and kept in a store"
            )
    if store is not None or executor is not None or workers is not None:
        threads = torch.get_num_threads() if executor is None and workers is None else 1
        request = Request.of(model, tokens, cells, metric, max_memory, threads)
        if store is not None:
            kept = Store.create(store, request)
            if executor is None and workers is None:
                SweepWorker(kept, model, progress).run(shard_of(kept, shard), wait=True)
            else:
                _dispatch(kept, executor, workers, progress)
            found = SweepResult.open(kept)
        else:
            with TemporaryDirectory(prefix="rung-") as folder:
                kept = Store.create(folder, request)
                _dispatch(kept, executor, workers, progress)
                found = SweepResult.open(kept)
        return replace(found, cells=tuple(cells))
    scores = CellScores(model, tokens, cells, metric, max_memory)
    edited: dict[int, Tensor] = {}
    for done, index, values in scores:
        if index is not None:
            edited[index] = values
        if progress is not None and progress(done, len(cells)) is False:
            break
    # An early end may leave examples out.
    clean = scores.clean.new_full((len(tokens),), torch.nan)
    clean[: len(scores.clean)] = scores.clean
    whole = clean.new_full((len(cells), len(tokens)), torch.nan)
    for index, values in edited.items():
        whole[index] = values
    measured = torch.tensor([index in edited for index in range(len(cells))])
    return SweepResult(tuple(cells), metric.name, metric.unit, clean, whole, measured)


def _dispatch(store: Store, executor: Executor | None, workers: int | None, progress: Progress | None) -> None:
    """Runs a store through an executor, or else through processes of this machine."""
    check_loadable(store)
    if executor is not None:
        dispatch(store, executor, workers, progress)
    else:
        with Processes(workers or 1) as processes:
            dispatch(store, processes, None, progress)


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
