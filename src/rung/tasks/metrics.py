"""Metrics: one number for each example, from logits and tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..engine.transformer import upcast
from ..errors import PromptError
from ..model.model import next_real

Logits = Float[Tensor, "batch pos d_vocab"]
Tokens = Int[Tensor, "batch pos"]
Queries = slice | Bool[Tensor, "example query"]
"""The query positions: a slice for all examples, or a mask with one row for each."""


@dataclass(frozen=True, eq=False)
class Metric:
    """A named number for each example, from its logits and tokens."""

    name: str
    unit: str
    compute: Callable[[Float[Tensor, "*rows token"], Tokens], Float[Tensor, " batch"]]
    """From all logits, or, if `reads` is given, from the rows that it selects: [row, d_vocab], example by example;
    with `answers` too, from the logits of those tokens only: [row, token]."""
    reads: Callable[[Tokens], Bool[Tensor, "batch pos"]] | None = None
    """The positions whose logits are needed (None: all), so that others need not be computed. None may be padding: a
    metric of all logits is refused where a batch is padded."""
    answers: Callable[[Tokens], Int[Tensor, "row token"]] | None = None
    """The tokens whose logits are needed in each row (None: the whole vocabulary); needs `reads`."""
    take: Callable[[slice], Metric] | None = None
    """The same metric of some of the examples (None: it is of all at once), so that they need not run together."""
    source: tuple[str, Mapping[str, Any]] | None = field(default=None, init=False)
    """The metric as data: the function of `METRICS` that made it, and its arguments. None: it is functions alone.
    `dataclasses.replace` drops it, since what it changes is another metric."""

    def __post_init__(self) -> None:
        if self.answers is not None and self.reads is None:
            raise PromptError(f"the metric {self.name!r} has answers, which are given for the rows of `reads`: add it")

    def __call__(self, logits: Logits, tokens: Tokens) -> Float[Tensor, " batch"]:
        tokens = tokens.to(logits.device)
        if self.reads is None:
            return self.compute(logits, tokens)
        rows = logits[self.reads(tokens)]
        return self.compute(rows if self.answers is None else rows.gather(-1, self.answers(tokens)), tokens)

    def positions(self, tokens: Tokens) -> Bool[Tensor, "batch pos"]:
        """True where the metric needs the logits."""
        return torch.ones_like(tokens, dtype=torch.bool) if self.reads is None else self.reads(tokens)

    def of_rows(self, rows: Float[Tensor, "row token"], tokens: Tokens) -> Tensor:
        """The metric, [batch], from the logits of its `answers` at its `positions` only.

        The shape is the caller's to check.
        """
        return self.compute(rows.view(*tokens.shape, -1) if self.reads is None else rows, tokens)


Arguments = ParamSpec("Arguments")
METRICS: dict[str, Callable[..., Metric]] = {}
"""The functions whose metrics are data, so that a sweep of them can be stored and shared out; by name."""


def as_data(make: Callable[Arguments, Metric]) -> Callable[Arguments, Metric]:
    """Enters a function that makes metrics in `METRICS`, and has them say what made them."""

    @wraps(make)
    def made(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Metric:
        metric = make(*args, **kwargs)
        object.__setattr__(metric, "source", (make.__name__, signature(make).bind(*args, **kwargs).arguments))
        return metric

    METRICS[make.__name__] = made
    return made


@as_data
def next_token_loss(queries: Queries, real: Bool[Tensor, "batch pos"] | None = None) -> Metric:
    """The mean of −log p(next token) over each example's `queries`, in nats.

    `real` is False at padding (None: nothing is padded), as `model.find_padding(tokens)` gives it: padding is no query,
    and the next token is the next one that is no padding. The metric raises PromptError if the last position, which has
    no next token, is a query of a batch without padding, or if an example has no query.
    """

    def scored(tokens: Tokens) -> tuple[Bool[Tensor, "batch pos"], Tokens]:
        if real is None:
            mask, targets = _mask(queries, tokens), tokens.roll(-1, 1)
            if mask[:, -1].any():
                raise PromptError(f"the last of {tokens.shape[1]} positions is a query, but it has no next token")
        else:
            targets = next_real(tokens, real.to(tokens.device))
            mask = _mask(queries, tokens) & (targets >= 0)
        if not mask.any(1).all():
            raise PromptError("an example has no query to score")
        return mask, targets

    # Only the queries' rows are normalized, because the vocabulary is the largest axis.
    def compute(rows: Float[Tensor, "row d_vocab"], tokens: Tokens) -> Float[Tensor, " batch"]:
        mask, targets = scored(tokens)
        loss = F.cross_entropy(upcast(rows), targets[mask], reduction="none")
        total: Tensor = loss.new_zeros(mask.shape).masked_scatter(mask, loss).sum(1)
        return total / mask.sum(1)

    def take(rows: slice) -> Metric:
        own = queries if isinstance(queries, slice) else queries[rows]
        return next_token_loss(own, None if real is None else real[rows])

    return Metric("next-token loss", "nats", compute, lambda tokens: scored(tokens)[0], take=take)


@as_data
def logit_difference(right: Int[Tensor, " batch"], wrong: Int[Tensor, " batch"], query: int = -1) -> Metric:
    """The logit of `right` minus the logit of `wrong` at one position: log p(right)/p(wrong), in nats."""

    def compute(rows: Float[Tensor, "batch two"], tokens: Tokens) -> Float[Tensor, " batch"]:
        rows = upcast(rows)
        return rows[:, 0] - rows[:, 1]

    def reads(tokens: Tokens) -> Bool[Tensor, "batch pos"]:
        mask = torch.zeros_like(tokens, dtype=torch.bool)
        mask[:, query] = True
        return mask

    def answers(tokens: Tokens) -> Int[Tensor, "batch two"]:
        return torch.stack((right, wrong), 1).to(tokens.device)

    def take(rows: slice) -> Metric:
        return logit_difference(right[rows], wrong[rows], query)

    return Metric("logit difference", "nats", compute, reads, answers, take)


def _mask(queries: Queries, tokens: Tokens) -> Bool[Tensor, "batch pos"]:
    mask = torch.zeros_like(tokens, dtype=torch.bool)
    if isinstance(queries, slice):
        mask[:, queries] = True
    elif queries.shape == tokens.shape:
        mask = queries.to(tokens.device)
    else:
        raise PromptError(f"queries have shape {list(queries.shape)} and tokens {list(tokens.shape)}; they must agree")
    return mask
