"""A metric's numbers, checked: one for each example, and none from padding."""

from __future__ import annotations

from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..errors import InterventionError
from ..tasks.metrics import Metric
from .cells import Rows


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
