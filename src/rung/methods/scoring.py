"""A metric's numbers, checked: one for each example, and none from padding."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from ..errors import InterventionError
from ..tasks.metrics import Metric
from .cells import CellRuns, Rows


def one_per_example(metric: Metric, rows: Rows, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, " batch"]:
    """The metric of each example, from the logits that it reads. Raises InterventionError for any other shape."""
    found: Tensor = metric.of_rows(rows, tokens)
    if tuple(found.shape) != (len(tokens),):
        raise InterventionError(
            f"the metric {metric.name!r} returned a tensor of shape {list(found.shape)}; a sweep needs one number per "
            f"example, shape {[len(tokens)]}"
        )
    return found


def check_padding(metric: Metric, runs: CellRuns) -> None:
    """Raises InterventionError for a metric that chooses a position which is padding."""
    if metric.reads is None or runs.padding is None:
        return
    wrong = (metric.positions(runs.tokens) & ~runs.padding).nonzero()
    if len(wrong):
        example, position = wrong[0].tolist()
        raise InterventionError(
            f"the metric {metric.name!r} reads position {position} of example {example}, which is padding: read only "
            "what is none (`next_token_loss` takes `model.find_padding(tokens)` as its `real`)"
        )
