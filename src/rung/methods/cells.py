"""Runs each cell of a sweep: the least that an edited forward pass has to compute.

A cell is one intervention, or several that apply jointly; `methods.sweep` says what is skipped, and why it may be.
Cells that share a batch need not start together: each joins at the layer that it touches first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import ModelConfig
from ..engine.kv_cache import KeyValueRecord
from ..engine.positions import PositionInfo, position_info
from ..engine.sites import SITE_KINDS, Site
from ..engine.taps import NO_TAP, Tap, compose
from ..engine.transformer import (
    after_heads,
    answer_logits,
    attention_inputs,
    embed,
    heads,
    tap_pos_embed,
    unembed,
    upcast,
)
from ..engine.weights import block_weights
from ..errors import InterventionError
from ..model.model import HookedTransformer
from .footprint import MAX_MEMORY, TOKENS_AT_ONCE, kept_floats, run_bytes, site_floats
from .interventions import (
    AFTER_BLOCKS,
    Edited,
    Intervention,
    Patch,
    Target,
    Window,
    check_sources,
    edit_tap,
    find_targets,
    n_draws,
    record_patches,
    record_sources,
)

Rows = Float[Tensor, "row token"]
"""Logits at the positions that are read, of the whole vocabulary or of the answers, concatenated over examples."""
Stream = Float[Tensor, "batch pos d_model"]

METRIC_COPIES = 3
"""The logits that a metric reads, and the copies that it may make of them."""
FEW_TOKENS = 256
"""Tokens below which runs share a batch though some are then run from an earlier position than they need."""
WASTE = 1.05
"""How many times the tokens that its runs need a larger batch may compute."""

_NAMES = list(SITE_KINDS)
FROM_HEADS = frozenset(_NAMES[_NAMES.index("z") : _NAMES.index("resid_post") + 1])
"""Sites of a block that its heads' outputs z are enough to go on from."""

SPLIT_INPUTS = ("attn_in", "q_input", "k_input", "v_input")
"""Sites that, where they are watched, are read in place of one input for all heads."""


class Start(NamedTuple):
    """Where a run begins: with the stream before `layer`, or, `from_heads`, also with the outputs of its heads."""

    layer: int
    from_heads: bool = False


EMBEDDING = Start(-1)
"""A run that begins with the tokens, because the embedding is edited."""


@dataclass(frozen=True, eq=False)
class _Planned:
    """A cell, and the least that has to be run for it."""

    index: int
    targets: tuple[Target, ...]
    draws: int
    start: Start
    first: int
    """The first position that may change."""

    @property
    def after_blocks(self) -> bool:
        """Whether a site after the last block is edited."""
        return any(target.site.name in AFTER_BLOCKS for target in self.targets)


class _Draw(NamedTuple):
    """One edited run: a cell, and which of its draws."""

    cell: _Planned
    draw: int


class CellPlan:
    """What has to be run for each cell of a sweep, and which examples run together.

    `reads` gives a mask [batch, pos] of the positions that are read; `answers` the tokens that are read there,
    [row, token], example by example (None: the whole vocabulary).
    """

    @torch.no_grad()
    def __init__(
        self,
        model: HookedTransformer,
        tokens: Int[Tensor, "batch pos"],
        cells: Sequence[Sequence[Intervention]],
        reads: Callable[[Int[Tensor, "batch pos"]], Bool[Tensor, "batch pos"]],
        answers: Callable[[Int[Tensor, "batch pos"]], Int[Tensor, "row token"]] | None = None,
        max_memory: int = MAX_MEMORY,
    ) -> None:
        _check_cells(cells, max_memory)
        self.model = model
        self.tokens, self.padding = model.read(tokens)
        """The tokens on the model's device, and what is False at padding (None: nothing is padded)."""
        self.hooks = model.attached_hooks()
        self.hooked = any(point.fwd_hooks or point.bwd_hooks for point in model.hook_points())
        self.read = reads(self.tokens).to(self.tokens.device)
        if not bool(self.read.any()):
            raise InterventionError("the metric reads the logits of no position")
        self.answers = None if answers is None else answers(self.tokens).to(self.tokens.device)
        self.causal = model.config.attention_dir == "causal" and not self.hooked
        self.cells = [self._planned(at, cell) for at, cell in enumerate(cells)]
        self.length = self.tokens.shape[1]
        # From here on nothing is read.
        self.read_end = int(self.read.any(0).nonzero().max()) + 1
        later = not self.causal or _reads_later_positions(model.config, self.cells)
        self.end = self.length if later else self.read_end
        self.past = any(cell.first for cell in self.cells)
        """Whether some runs read the clean run's keys and values."""
        targets = [one for cell in self.cells for one in cell.targets]
        check_sources(self.tokens, targets)
        self.shared = record_sources(model, targets, max_memory)
        """Sources that all examples share; what is patched is each example's own."""
        sources = (value for kept in self.shared.values() for value in kept.values())
        self.left = max(0, max_memory - sum(value.nbytes for value in sources))
        """Bytes for all but these."""
        # Only where some rows that are read come before what changes.
        first_read = int(self.read.any(0).nonzero().min())
        self.clean_rows = any(cell.first > first_read for cell in self.cells)
        """Whether some cells have the clean run's logits at some positions."""

    def _planned(self, index: int, cell: Sequence[Intervention]) -> _Planned:
        """The least that has to be run for a cell. Raises as `sweep` does."""
        config, targets = self.model.config, find_targets(self.model, self.tokens, cell)
        if not self.hooked:
            # What leaves a block is what enters the next one, where less has to be run; it is edited first.
            targets.sort(key=lambda target: target.site.name != "resid_post")
            targets = [_at_entry(config, target) for target in targets]
        start = min(_start(config, target) for target in targets)
        if self.hooked:
            start = Start(start.layer)
        return _Planned(
            index=index,
            targets=tuple(targets),
            draws=n_draws(cell),
            start=start,
            first=min(target.first for target in targets) if self.causal else 0,
        )

    def blocks(self) -> list[slice]:
        """The examples that run together: as few blocks as `max_memory` allows, or one where functions edit."""
        total = len(self.tokens)
        edited = (isinstance(target.put, Edited) for cell in self.cells for target in cell.targets)
        if self.hooked or any(edited):
            return [slice(0, total)]
        run = max(run_bytes(self.model, (), self.end, self.end), *(self.run_bytes(cell) for cell in self.cells))
        one = self.kept_bytes(1) + max(run, METRIC_COPIES * self.row_bytes(1))
        count = -(-total // max(1, self.left // one))
        size = -(-total // count)
        return [slice(at, min(total, at + size)) for at in range(0, total, size)]

    def run_bytes(self, cell: _Planned, first: int | None = None) -> int:
        """Bytes that a run of one example under a cell holds, from its first position on or from `first`."""
        new = self.end - (cell.first if first is None else first)
        return run_bytes(self.model, [target.site for target in cell.targets], new, self.end)

    def row_bytes(self, examples: int) -> int:
        """Bytes of the logits that are read of one run over so many examples."""
        width = self.model.config.n_out if self.answers is None else self.answers.shape[1]
        # A metric reads half precisions as float32.
        return examples * int(self.read.sum(1).max()) * width * max(4, self.model.dtype.itemsize)

    def kept_bytes(self, examples: int) -> int:
        """Bytes that are held for so many examples from their clean run on."""
        config, starts = self.model.config, {cell.start for cell in self.cells}
        streams = len({start.layer for start in starts} | {config.n_layers})
        kept = self.end * kept_floats(config, streams, sum(start.from_heads for start in starts), self.past)
        patched = {target.site for cell in self.cells for target in cell.targets if isinstance(target.put, Patch)}
        kept += sum(site_floats(config, site, self.length) for site in patched)
        rows = self.row_bytes(examples) if self.clean_rows else 0
        return examples * kept * self.model.dtype.itemsize + rows


class CellRuns:
    """Runs each cell on some of the examples (None: all), and gives its logits where they are read.

    Iterate for (index of the cell, rows); cells come in the order in which they are run.
    """

    @torch.no_grad()
    def __init__(self, plan: CellPlan, examples: slice | None = None) -> None:
        self._plan, self._model = plan, plan.model
        whole = len(plan.tokens)
        self._rows = slice(0, whole) if examples is None else examples
        self.tokens = plan.tokens[self._rows]
        self._padding = None if plan.padding is None else plan.padding[self._rows]
        self._read = plan.read[self._rows]
        self._answers = plan.answers
        if plan.answers is not None:
            before, own = int(plan.read[: self._rows.start].sum()), int(self._read.sum())
            self._answers = plan.answers[before : before + own]
        targets = [one for cell in plan.cells for one in cell.targets]
        # What is left for edited runs, beside what the clean run leaves.
        self._budget = max(0, plan.left - plan.kept_bytes(len(self.tokens)))
        self._sources = {**plan.shared, **record_patches(plan.model, targets, self._rows, self._budget)}
        self._keys = KeyValueRecord() if plan.past else None
        self._streams: dict[int, Stream] = {}
        self._z: dict[int, Float[Tensor, "batch pos head d_head"]] = {}
        self._clean: Rows | None = self._run_clean()

    def take_clean(self) -> Rows:
        """The clean run's logits where they are read; let go of unless cells still need them."""
        assert self._clean is not None
        clean = self._clean
        if not self._plan.clean_rows:
            self._clean = None
        return clean

    def __iter__(self) -> Iterator[tuple[int, Rows]]:
        totals: dict[int, tuple[Tensor, int]] = {}
        same = [cell.index for cell in self._plan.cells if cell.first >= self._plan.read_end]
        yield from ((index, self._clean_rows()) for index in same)
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

    def _clean_rows(self) -> Rows:
        assert self._clean is not None
        return self._clean.clone()

    def _run_clean(self) -> Rows:
        """Runs the model as it is, keeps what cells start from, and gives its logits where they are read."""
        config, weights, tap, end = self._model.config, self._model.weights, self._plan.hooks, self._plan.end
        starts = {cell.start for cell in self._plan.cells}
        tokens = self._model.hooked_tokens(self.tokens[:, :end])
        mask = None if self._padding is None else self._padding[:, :end]
        positions = position_info(config, weights, (*tokens.shape,), tokens.device, mask=mask, past=self._keys)
        x = embed(config, weights, tokens, positions, tap)
        positions = _tap_qk_positions(positions, x, tap)
        for layer in range(config.n_layers):
            if Start(layer) in starts or Start(layer, from_heads=True) in starts:
                self._streams[layer] = x
            w = block_weights(weights, layer)
            x = tap("resid_pre", layer, x)
            z = heads(config, w, layer, attention_inputs(config, w, layer, x, positions, tap), positions, tap)
            if Start(layer, from_heads=True) in starts:
                self._z[layer] = z
            x = after_heads(config, w, layer, x, z, tap)
        self._streams[config.n_layers] = x
        read = self._read[:, :end]
        if self._plan.hooked:
            return self._of_answers(unembed(config, weights, x, tap)[read][None])[0]
        return self._logits(x[read][None])[0]

    def _chunks(self) -> Iterator[list[_Draw]]:
        """Runs that share a batch: their first positions are near."""
        cells = [cell for cell in self._plan.cells if cell.first < self._plan.read_end]
        cells.sort(key=lambda cell: (self._kind(cell), cell.first, cell.start))
        chunk: list[_Draw] = []
        for run in (_Draw(cell, draw) for cell in cells for draw in range(cell.draws)):
            if chunk and not (self._kind(chunk[0].cell) == self._kind(run.cell) and self._fits([*chunk, run])):
                yield sorted(chunk, key=lambda one: one.cell.start)
                chunk = []
            chunk.append(run)
        if chunk:
            yield sorted(chunk, key=lambda one: one.cell.start)

    def _kind(self, cell: _Planned) -> tuple[bool, bool, bool, list[Site]]:
        """Of runs that share a batch, all or none begin with the tokens, end in edited logits, run no layer, and edit
        the same split inputs: where one is watched, every run of the batch reads it instead of the shared input.
        """
        split = sorted({target.site for target in cell.targets if target.site.name in SPLIT_INPUTS})
        return cell.start == EMBEDDING, cell.after_blocks, cell.start.layer == self._model.config.n_layers, split

    def _fits(self, chunk: Sequence[_Draw]) -> bool:
        """Whether these runs may share a batch."""
        plan, batch, first = self._plan, len(self.tokens), chunk[0].cell.first
        if plan.hooked:
            return False
        tokens = len(chunk) * batch * (plan.end - first)
        needed = sum(batch * (plan.end - run.cell.first) for run in chunk)
        # What one run edits, all of the batch watch.
        held = len(chunk) * batch * max(plan.run_bytes(run.cell, first) for run in chunk)
        small = tokens <= TOKENS_AT_ONCE or self._model.device.type != "cpu"
        return small and tokens <= max(FEW_TOKENS, WASTE * needed) and held <= self._budget

    def _edited(self, chunk: Sequence[_Draw]) -> Iterator[Rows]:
        """Logits of each run of a chunk, one run after the other."""
        first = min(run.cell.first for run in chunk)
        changed = (torch.arange(self._plan.length, device=self._read.device) >= first).expand_as(self._read)[self._read]
        found, are_logits = self._run(chunk, first, changed)
        held = METRIC_COPIES * self._plan.row_bytes(len(self.tokens))
        for some in found.split(len(found) if are_logits else max(1, self._budget // max(1, held))):
            for own in some if are_logits else self._logits(some, changed):
                if bool(changed.all()):
                    yield own
                    continue
                rows = self._clean_rows()
                rows[changed] = own
                yield rows

    @torch.no_grad()
    def _run(
        self, chunk: Sequence[_Draw], first: int, changed: Bool[Tensor, " every_row"]
    ) -> tuple[Float[Tensor, "run row last"], bool]:
        """What stacked runs have at the positions that are read, from `first` on: the stream after the last block, or
        logits (True) where something after the last block is edited.
        """
        config, weights, n_layers = self._model.config, self._model.weights, self._model.config.n_layers
        plan = self._plan
        window = Window(self._rows, len(plan.tokens), first, plan.end, plan.length)
        edits = edit_tap([(run.cell.targets, run.draw) for run in chunk], self._sources, window)
        tap, span = compose(plan.hooks, edits), slice(first, plan.end)
        read, joining = self._read[:, span], Counter(run.cell.start for run in chunk)
        x, positions, stacked = None, None, len(chunk) * window.batch
        if joining[EMBEDDING]:
            tokens = self._model.hooked_tokens(self.tokens[:, span].repeat(len(chunk), 1))
            positions = self._positions(window, len(chunk))
            x = embed(config, weights, tokens, positions, tap)
            positions = _tap_qk_positions(positions, x, tap)
        for layer in range(max(0, chunk[0].cell.start.layer), n_layers):
            w, z = block_weights(weights, layer), None
            x = _joined(x, self._streams.get(layer), span, joining[Start(layer)])
            if x is not None:
                if positions is None or len(x) > stacked:
                    stacked, positions = len(x), self._positions(window, len(x) // window.batch)
                    positions = _tap_qk_positions(positions, x, tap)
                x = tap("resid_pre", layer, x)
                z = heads(config, w, layer, attention_inputs(config, w, layer, x, positions, tap), positions, tap)
            x = _joined(x, self._streams.get(layer), span, joining[Start(layer, from_heads=True)])
            z = _joined(z, self._z.get(layer), span, joining[Start(layer, from_heads=True)])
            assert x is not None and z is not None
            if layer == n_layers - 1 and not plan.hooked and not _edits_after_heads(chunk, layer):
                # Nothing mixes positions from here on, so that only those that are read go on.
                z = tap("z", layer, z)
                x, z = (one.unflatten(0, (-1, window.batch))[:, read] for one in (x, z))
                return after_heads(config, w, layer, x, z, NO_TAP), False
            x = after_heads(config, w, layer, x, z, tap)
        if x is None:
            x = _joined(x, self._streams[n_layers], span, len(chunk))
            assert x is not None
            x = edits("resid_post", n_layers - 1, x)
        if not (plan.hooked or chunk[0].cell.after_blocks):
            return x.unflatten(0, (-1, window.batch))[:, read], False
        logits = unembed(config, weights, x, tap).unflatten(0, (-1, window.batch))[:, read]
        return self._of_answers(logits, changed), True

    def _positions(self, window: Window, copies: int) -> PositionInfo:
        """Positions and mask of `copies` stacked runs."""
        mask = None if self._padding is None else self._padding[:, : window.end].repeat(copies, 1)
        past = self._keys.before(window.first, copies) if self._keys is not None and window.first else None
        shape = (copies * window.batch, window.end - window.first)
        model = self._model
        return position_info(model.config, model.weights, shape, self.tokens.device, mask=mask, past=past)

    @torch.no_grad()
    def _logits(
        self, x: Float[Tensor, "run row d_model"], changed: Bool[Tensor, " every_row"] | None = None
    ) -> Float[Tensor, "run row token"]:
        """Logits of rows of the stream after the last block: all rows that are read, or those that have changed."""
        config, weights = self._model.config, self._model.weights
        if self._answers is None:
            return unembed(config, weights, x)
        return answer_logits(config, weights, x, self._answers if changed is None else self._answers[changed])

    def _of_answers(
        self, logits: Float[Tensor, "run row d_vocab"], changed: Bool[Tensor, " every_row"] | None = None
    ) -> Float[Tensor, "run row token"]:
        """The logits of the answers among those of the whole vocabulary."""
        if self._answers is None:
            return logits
        answers = self._answers if changed is None else self._answers[changed]
        return logits.gather(-1, answers.expand(len(logits), -1, -1))


def _joined(x: Tensor | None, clean: Tensor | None, span: slice, count: int) -> Tensor | None:
    """`x` and after it `count` copies of the clean run's tensor, at the positions that are run."""
    if not count:
        return x
    assert clean is not None
    copies = clean[:, span].repeat(count, *(1 for _ in clean.shape[1:]))
    return copies if x is None else torch.cat((x, copies))


def _tap_qk_positions(positions: PositionInfo, x: Stream, tap: Tap) -> PositionInfo:
    """Positions with those of a shortformer model, which its queries and keys read, as the tap leaves them."""
    if positions.qk_pos_embed is None:
        return positions
    return positions._replace(qk_pos_embed=tap_pos_embed(positions.qk_pos_embed, x, tap))


def _at_entry(config: ModelConfig, target: Target) -> Target:
    """The same slice of the stream where it enters the next block, if there is one."""
    layer = target.site.layer
    if target.site.name != "resid_post" or layer is None or layer == config.n_layers - 1:
        return target
    return replace(target, site=Site("resid_pre", layer + 1))


def _start(config: ModelConfig, target: Target) -> Start:
    """Where a run has to begin for a site to be edited."""
    name, layer = target.site
    if layer is None:
        return Start(config.n_layers) if name in AFTER_BLOCKS else EMBEDDING
    if name == "resid_post":  # of the last block
        return Start(config.n_layers)
    return Start(layer, from_heads=name in FROM_HEADS)


def _edits_after_heads(chunk: Sequence[_Draw], layer: int) -> bool:
    """Whether a run edits what the last block makes of its heads' outputs, or anything after it."""
    sites = {target.site for run in chunk for target in run.cell.targets}
    return any(
        site.name in AFTER_BLOCKS or (site.layer == layer and site.name in FROM_HEADS and site.name != "z")
        for site in sites
    )


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
