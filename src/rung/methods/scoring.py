"""A metric's numbers under each cell, checked: one for each example, and none from padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..errors import InterventionError
from ..model.model import HookedTransformer
from ..tasks.metrics import Metric
from .cells import CellPlan, CellRuns, Rows
from .interventions import Intervention


class CellScores:
    """A metric of each example, in the clean run and under each cell, within `max_memory`.

    Iterate for (number of cells that are finished, index of a cell or None, its values): examples run in blocks where
    they need to and the metric allows it, and a cell is finished with the last block. `clean` is whole from then on.
    Raises as `sweep` does.
    """

    def __init__(
        self,
        model: HookedTransformer,
        tokens: Int[Tensor, "batch pos"],
        cells: Sequence[Sequence[Intervention]],
        metric: Metric,
        max_memory: int,
    ) -> None:
        self._plan = CellPlan(model, tokens, cells, metric.positions, metric.answers, max_memory)
        self._metric, self._n_cells = metric, len(cells)
        check_padding(metric, self._plan.tokens, self._plan.padding)
        whole = slice(0, len(tokens))
        self.blocks = [whole] if metric.take is None else self._plan.blocks()
        """The examples that run together."""
        self.clean: Float[Tensor, " batch"] = torch.zeros(0)

    def __iter__(self) -> Iterator[tuple[int, int | None, Float[Tensor, " batch"]]]:
        parts: dict[int, list[Tensor]] = {}
        clean, steps = [], 0
        for block in self.blocks:
            metric = self._metric
            if len(self.blocks) > 1:
                assert metric.take is not None
                metric = metric.take(block)
            runs = CellRuns(self._plan, block)
            clean.append(one_per_example(metric, runs.take_clean(), runs.tokens))
            self.clean = torch.cat(clean)
            for index, rows in runs:
                steps += 1
                some = parts.setdefault(index, [])
                some.append(one_per_example(metric, rows, runs.tokens))
                done = len(some) == len(self.blocks)
                yield steps // len(self.blocks), index if done else None, torch.cat(some)
            del runs  # before the next block takes its place


def one_per_example(metric: Metric, rows: Rows, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, " batch"]:
    """The metric of each example, from the logits that it reads. Raises InterventionError for any other shape."""
    found: Tensor = metric.of_rows(rows, tokens)
    if tuple(found.shape) != (len(tokens),):
        raise InterventionError(
            f"the metric {metric.name!r} returned a tensor of shape {list(found.shape)}; a sweep needs one number per "
            f"example, shape {[len(tokens)]}"
        )
    return found


def check_padding(metric: Metric, tokens: Int[Tensor, "batch pos"], padding: Bool[Tensor, "batch pos"] | None) -> None:
    """Raises InterventionError for a metric that reads a position which is padding, where `padding` is False."""
    if padding is None:
        return
    wrong = (metric.positions(tokens) & ~padding).nonzero()
    if len(wrong):
        example, position = wrong[0].tolist()
        every = "all logits, also " if metric.reads is None else ""
        raise InterventionError(
            f"the metric {metric.name!r} reads {every}position {position} of example {example}, which is padding: let "
            "its `reads` choose only what is none, as `model.find_padding(tokens)` says (`next_token_loss` takes that "
            "as its `real`)"
        )
