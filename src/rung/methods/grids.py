"""Ready sweeps: every head, or every layer and position, each by itself, laid out in rows and columns.

`ablate_each_head` asks which heads a metric needs. `patch_stream` and `patch_heads` ask where the difference between
two runs is carried: the model runs on `tokens`, and one activation at a time is taken from the run on `source` (Meng et
al. 2022, arXiv:2202.05262; Heimersheim & Nanda 2024, arXiv:2404.15255). With corrupted `tokens` and a clean `source`
that is denoising: which activations are enough; the other way round it is noising: which are needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Unpack

from jaxtyping import Float, Int
from torch import Tensor

from ..circuits.heads import head_label
from ..display import Shown
from ..errors import InterventionError
from ..model.model import HookedTransformer
from ..tasks.metrics import Metric
from .interventions import Intervention, Mean, Patch, Resample, Zero, on_head
from .sweep import HasTokens, SweepOptions, SweepResult, sweep

StreamSite = Literal["resid_pre", "resid_mid", "attn_out", "mlp_out"]
HeadSite = Literal["z", "q", "k", "v", "pattern"]


@dataclass(frozen=True, eq=False, repr=False)
class Grid(Shown):
    """The cells of a sweep in rows and columns."""

    what: str
    """What each cell replaces, and by what."""
    row_axis: str
    rows: tuple[str, ...]
    column_axis: str
    columns: tuple[str, ...]
    result: SweepResult
    """Cell (row, column) is cell row · len(columns) + column of it."""

    @property
    def change(self) -> Float[Tensor, "row column batch"]:
        """Edited minus clean metric of each example."""
        change: Tensor = self.result.change.unflatten(0, (len(self.rows), len(self.columns)))
        return change

    @property
    def mean_change(self) -> Float[Tensor, "row column"]:
        """The change, averaged over examples."""
        return self.change.mean(-1)

    def to_dict(self) -> dict[str, Any]:
        """Labels, unit, and each example's number, as JSON holds them; cells that were not measured are null."""
        measured = self.result.measured.tolist()
        edited = [row if done else None for row, done in zip(self.result.edited.tolist(), measured, strict=True)]
        width = len(self.columns)
        return {
            "what": self.what,
            "metric": self.result.metric,
            "unit": self.result.unit,
            self.row_axis: list(self.rows),
            self.column_axis: list(self.columns),
            "clean": self.result.clean.tolist(),
            "edited": [edited[at : at + width] for at in range(0, len(edited), width)],
        }


def ablate_each_head(
    model: HookedTransformer,
    task: Int[Tensor, "batch pos"] | HasTokens,
    metric: Metric,
    put: Zero | Mean | Resample | None = None,
    **options: Unpack[SweepOptions],
) -> Grid:
    """Each head's z replaced (None: by zero), [layer, head]. Raises as `sweep` does."""
    config, value = model.config, Zero() if put is None else put
    layers, heads = range(config.n_layers), range(config.n_heads)
    cells = [on_head((layer, head), value) for layer in layers for head in heads]
    result = sweep(model, task, cells, metric, **options)
    return Grid(f"z of each head: {value}", "layer", _names(layers), "head", _names(heads), result)


def patch_stream(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    source: Int[Tensor, "batch pos"],
    metric: Metric,
    site: StreamSite = "resid_pre",
    **options: Unpack[SweepOptions],
) -> Grid:
    """The stream, or what attention or MLP writes, patched from the run on `source`, [layer, position].

    Raises as `sweep` does, SiteError for a site that the model does not have.
    """
    layers, positions = range(model.config.n_layers), range(tokens.shape[1])
    put = Patch(source)
    cells = [Intervention((site, layer), put, None, (at,)) for layer in layers for at in positions]
    result = sweep(model, tokens, cells, metric, **options)
    return Grid(f"{site}: {put}", "layer", _names(layers), "position", _names(positions), result)


def patch_heads(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    source: Int[Tensor, "batch pos"],
    metric: Metric,
    site: HeadSite = "z",
    by: str = "head",
    **options: Unpack[SweepOptions],
) -> Grid:
    """A head's output, queries, keys, values or pattern patched from the run on `source`.

    By head: at all positions, [layer, head]. By position: [head, position], positions of the queries for a pattern.
    Keys and values that a group of heads shares are the group's: one column or row each. Raises as `sweep` does.
    """
    config, put = model.config, Patch(source)
    layers, heads = range(config.n_layers), range(config.n_kv if site in ("k", "v") else config.n_heads)
    if by == "head":
        cells = [Intervention((site, layer), put, head) for layer in layers for head in heads]
        result = sweep(model, tokens, cells, metric, **options)
        return Grid(f"{site}: {put}", "layer", _names(layers), "head", _names(heads), result)
    if by != "position":
        raise InterventionError(f"patches by {by!r} were asked for; known are by 'head' and by 'position'")
    every, positions = [(layer, head) for layer in layers for head in heads], range(tokens.shape[1])
    cells = [Intervention((site, layer), put, head, (at,)) for layer, head in every for at in positions]
    result = sweep(model, tokens, cells, metric, **options)
    names = tuple(head_label(head) for head in every)
    return Grid(f"{site}: {put}", "head", names, "position", _names(positions), result)


def _names(numbers: Sequence[int]) -> tuple[str, ...]:
    return tuple(map(str, numbers))
