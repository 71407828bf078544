"""A metric under many interventions, each measured by itself: the numbers of a loop of `run_with_hooks`, at less cost.

`sweep` skips what an intervention cannot change. The clean run is made once; a cell, which is one intervention or a
set that applies jointly, starts at the first layer that it touches, from the clean stream. In a causal model nothing
before the first touched position changes, so that only later positions are computed, which read the clean run's keys
and values, and positions after the last one that the metric reads are left out. Logits are computed only where the
metric reads them. Cells that start alike share a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..circuits.heads import Head, head_label
from ..config import ModelConfig
from ..engine.kv_cache import KeyValueRecord
from ..engine.sites import check_head
from ..engine.transformer import unembed, upcast
from ..errors import InterventionError
from ..model.model import HookedTransformer
from ..tasks.metrics import Metric
from .interventions import (
    AFTER_BLOCKS,
    FEWEST_DONORS,
    Effect,
    Intervention,
    Replacement,
    Resample,
    Target,
    Window,
    edit_tap,
    find_targets,
    hooks_of,
    n_draws,
    on_head,
    record_sources,
    replacement_name,
)

Cell = Intervention | Sequence[Intervention]
"""What is measured together: one intervention, or several that apply jointly."""
Progress = Callable[[int, int], bool | None]
"""Called with the number of cells measured and their total; if it returns False, the sweep ends early."""
Rows = Float[Tensor, "row d_vocab"]
"""Logits at the positions that are read, concatenated over examples."""

MAX_MEMORY = 2**28
"""Bytes of activations, and of logits, that edited runs hold at once, unless one alone needs more."""
TOKENS_AT_ONCE = 1024
"""Tokens of edited runs that share a batch on a CPU, where more save nothing: weights are fetched once for all."""


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
    runs = CellRuns(model, tokens, cells, metric.positions, max_memory)
    clean = _one_per_example(metric, runs.clean, runs.tokens)
    edited = clean.new_full((len(cells), len(clean)), torch.nan)
    measured = torch.zeros(len(cells), dtype=torch.bool)
    for done, (index, rows) in enumerate(runs, 1):
        edited[index] = _one_per_example(metric, rows, runs.tokens)
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


EMBEDDING = -1
"""The start of a run that begins with the tokens, because the embedding is edited."""


@dataclass(frozen=True, eq=False)
class _Planned:
    """A cell, and the least that has to be run for it."""

    index: int
    targets: tuple[Target, ...]
    draws: int
    start: int
    """The first layer that is run; the number of layers: none."""
    after_blocks: bool
    """Whether a site after the last block is edited."""
    first: int
    """The first position that may change."""


class _Draw(NamedTuple):
    """One edited run: a cell, and which of its draws."""

    cell: _Planned
    draw: int


class CellRuns:
    """Runs each cell, and gives its logits where they are read: iterate for (index of the cell, rows).

    `reads` gives a mask [batch, pos] of the positions that are read. Cells come in the order in which they are run.
    """

    @torch.no_grad()
    def __init__(
        self,
        model: HookedTransformer,
        tokens: Int[Tensor, "batch pos"],
        cells: Sequence[Sequence[Intervention]],
        reads: Callable[[Int[Tensor, "batch pos"]], Bool[Tensor, "batch pos"]],
        max_memory: int = MAX_MEMORY,
    ) -> None:
        _check_cells(cells, max_memory)
        self._model, self._max_memory = model, max_memory
        self.tokens, self._padding = model.read(tokens)
        self._hooked = any(point.fwd_hooks or point.bwd_hooks for point in model.hook_points())
        self._read = reads(self.tokens).to(self.tokens.device)
        causal = model.config.attention_dir == "causal" and not self._hooked
        self._plan = [_planned(model, self.tokens, at, cell, causal) for at, cell in enumerate(cells)]
        self._sources = record_sources(model, self.tokens, [one for cell in self._plan for one in cell.targets])
        self._length = self.tokens.shape[1]
        if not bool(self._read.any()):
            raise InterventionError("the metric reads the logits of no position")
        # From here on nothing is read.
        self._read_end = int(self._read.any(0).nonzero().max()) + 1
        later = not causal or _reads_later_positions(model.config, self._plan)
        self._end = self._length if later else self._read_end
        self._keys = KeyValueRecord() if any(cell.first for cell in self._plan) else None
        self._streams = self._clean_streams()
        last = self._streams[model.config.n_layers][:, : self._end]
        self.clean: Rows = self._clean_logits(last)
        """Logits of the clean run."""

    def __iter__(self) -> Iterator[tuple[int, Rows]]:
        totals: dict[int, tuple[Tensor, int]] = {}
        same = [cell.index for cell in self._plan if cell.first >= self._read_end]
        yield from ((index, self.clean.clone()) for index in same)
        for chunk in self._chunks():
            for (cell, _), rows in zip(chunk, self._edited(chunk), strict=True):
                if cell.draws == 1:
                    yield cell.index, rows
                    continue
                total, count = totals.pop(cell.index, (None, 0))
                total = upcast(rows) if total is None else total + rows
                if count + 1 == cell.draws:
                    yield cell.index, total / cell.draws
                else:
                    totals[cell.index] = (total, count + 1)

    def _clean_streams(self) -> dict[int, Float[Tensor, "batch pos d_model"]]:
        """The clean stream before each layer that a cell starts at, and after the last."""
        model, stops = self._model, {cell.start for cell in self._plan if cell.start >= 0}
        mask = torch.ones_like(self._read) if self._padding is None else self._padding
        x: Tensor = self.tokens[:, : self._end]
        streams: dict[int, Tensor] = {}
        start: int | None = None
        for stop in sorted({*stops, model.config.n_layers}):
            x = model(
                x,
                start_at_layer=start,
                stop_at_layer=stop,
                attention_mask=mask[:, : self._end],
                past_kv_cache=self._keys,
            )
            streams[stop], start = x, stop
        return streams

    def _chunks(self) -> Iterator[list[_Draw]]:
        """Runs that share a batch: they start at the same layer, and their first positions are near."""
        cells = [cell for cell in self._plan if cell.first < self._read_end]
        cells.sort(key=lambda cell: (cell.start, cell.after_blocks, cell.first))
        chunk: list[_Draw] = []
        for run in (_Draw(cell, draw) for cell in cells for draw in range(cell.draws)):
            if chunk:
                begun = chunk[0].cell
                alike = (begun.start, begun.after_blocks) == (run.cell.start, run.cell.after_blocks)
                if not alike or not self._fits(len(chunk) + 1, begun):
                    yield chunk
                    chunk = []
            chunk.append(run)
        if chunk:
            yield chunk

    def _fits(self, runs: int, begun: _Planned) -> bool:
        """Whether so many runs, from the first position of `begun` on, may share a batch."""
        if self._hooked:
            return False
        config, rows = self._model.config, runs * len(self.tokens)
        tokens = rows * (self._end - begun.first)
        # The stream and what one block makes of it; the keys and values of all positions.
        floats = 8 * config.d_model + 3 * (config.d_mlp or 0) + 3 * config.n_heads * self._length
        floats += config.n_out if begun.after_blocks else 0
        held = tokens * floats + rows * self._length * 2 * config.n_kv * config.d_head
        small = tokens <= TOKENS_AT_ONCE or self._model.device.type != "cpu"
        return small and held * self._model.dtype.itemsize <= self._max_memory

    def _edited(self, chunk: Sequence[_Draw]) -> Iterator[Rows]:
        """Logits of each run of a chunk, one run after the other."""
        config, first = self._model.config, chunk[0].cell.first
        changed = (torch.arange(self._length, device=self._read.device) >= first).expand_as(self._read)[self._read]
        found = self._run(chunk)
        width = max(1, found.shape[1]) * config.n_out * found.element_size()
        for some in found.split(max(1, self._max_memory // width)):
            logits = some if self._to_logits(chunk) else self._logits(some.flatten(0, 1)).view(*some.shape[:2], -1)
            for own in logits:
                if bool(changed.all()):
                    yield own
                    continue
                rows = self.clean.clone()
                rows[changed] = own
                yield rows

    def _to_logits(self, chunk: Sequence[_Draw]) -> bool:
        """Whether a chunk's runs go through the model's unembedding, because hooks after the last block edit it."""
        return self._hooked or chunk[0].cell.after_blocks

    @torch.no_grad()
    def _run(self, chunk: Sequence[_Draw]) -> Float[Tensor, "run row last"]:
        """Logits, or the stream after the last block, of stacked runs at the positions that are read and may change."""
        model, copies, (cell, _) = self._model, len(chunk), chunk[0]
        window = Window(len(self.tokens), cell.first, self._end, self._length)
        tap = edit_tap([(run.cell.targets, run.draw) for run in chunk], self._sources, window)
        span, n_layers = slice(window.first, window.end), model.config.n_layers
        mask = self._padding
        if cell.start == EMBEDDING:
            x, mask = self.tokens[:, span], torch.ones_like(self._read) if mask is None else mask
        else:
            x = self._streams[cell.start][:, span]
        mask = None if mask is None or cell.start == n_layers else mask[:, : window.end].repeat(copies, 1)
        past = self._keys.before(window.first, copies) if self._keys is not None and window.first else None
        found = model.run_with_hooks(
            x.repeat(copies, *(1 for _ in x.shape[1:])),
            start_at_layer=None if cell.start == EMBEDDING else cell.start,
            stop_at_layer=None if self._to_logits(chunk) else n_layers,
            attention_mask=mask,
            past_kv_cache=past,
            fwd_hooks=hooks_of(tap),
        )
        rows: Tensor = found.view(copies, window.batch, *found.shape[1:])[:, self._read[:, span]]
        return rows

    def _clean_logits(self, x: Float[Tensor, "batch pos d_model"]) -> Rows:
        """Logits of the clean run, from its stream after the last block."""
        read = self._read[:, : self._end]
        if self._hooked:
            hooked: Tensor = self._model(x, start_at_layer=self._model.config.n_layers)
            return hooked[read]
        return self._logits(x[read])

    @torch.no_grad()
    def _logits(self, x: Float[Tensor, "row d_model"]) -> Rows:
        """Logits of rows of the stream after the last block."""
        return unembed(self._model.config, self._model.weights, x[None])[0]


def _planned(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], index: int, cell: Sequence[Intervention], causal: bool
) -> _Planned:
    """The least that has to be run for a cell. Raises as `sweep` does."""
    targets = find_targets(model, tokens, cell)
    return _Planned(
        index=index,
        targets=tuple(targets),
        draws=n_draws(cell),
        start=min(_start(model.config, target) for target in targets),
        after_blocks=any(target.site.name in AFTER_BLOCKS for target in targets),
        first=min(target.first for target in targets) if causal else 0,
    )


def _start(config: ModelConfig, target: Target) -> int:
    """The first layer that has to be run where a site is edited."""
    if target.site.layer is not None:
        return target.site.layer
    return config.n_layers if target.site.name in AFTER_BLOCKS else EMBEDDING


def _check_cells(cells: Sequence[Sequence[Intervention]], max_memory: int) -> None:
    if not cells:
        raise InterventionError("no interventions were given to sweep")
    empty = next((at for at, cell in enumerate(cells) if not cell), None)
    if empty is not None:
        raise InterventionError(f"cell {empty} of the sweep has no interventions; each needs at least one")
    if max_memory < 1:
        raise InterventionError(f"max_memory is {max_memory}; it is a number of bytes, at least 1")


def _reads_later_positions(config: ModelConfig, plan: Sequence[_Planned]) -> bool:
    """Whether a position may depend on later ones: through an edited pattern, or rotary angles of the whole length."""
    edited = any(target.site.name in ("attn_scores", "pattern") for cell in plan for target in cell.targets)
    rotary = (config.rotary_of(layer) for layer in range(config.n_layers))
    return edited or any(
        one is not None and one.scaling is not None and one.scaling.kind in ("dynamic", "longrope") for one in rotary
    )


def _one_per_example(metric: Metric, rows: Rows, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, " batch"]:
    found: Tensor = metric.of_rows(rows, tokens)
    if tuple(found.shape) != (len(tokens),):
        raise InterventionError(
            f"the metric {metric.name!r} returned a tensor of shape {list(found.shape)}; a sweep needs one number per "
            f"example, shape {[len(tokens)]}"
        )
    return found
