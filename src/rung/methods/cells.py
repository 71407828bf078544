"""Runs each cell of a sweep: the least that an edited forward pass has to compute.

A cell is one intervention, or several that apply jointly; `methods.sweep` says what is skipped, and why it may be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import ModelConfig
from ..engine.kv_cache import KeyValueRecord
from ..engine.transformer import unembed, upcast
from ..errors import InterventionError
from ..model.model import HookedTransformer
from .interventions import (
    AFTER_BLOCKS,
    Intervention,
    Target,
    Window,
    edit_tap,
    find_targets,
    hooks_of,
    n_draws,
    record_sources,
)

Rows = Float[Tensor, "row d_vocab"]
"""Logits at the positions that are read, concatenated over examples."""

MAX_MEMORY = 2**28
"""Bytes of activations, and of logits, that edited runs hold at once, unless one alone needs more."""
TOKENS_AT_ONCE = 1024
"""Tokens of edited runs that share a batch on a CPU, where more save nothing: weights are fetched once for all."""
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
