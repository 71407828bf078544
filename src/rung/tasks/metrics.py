"""Metrics: one number for each example, from logits and tokens."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..engine.transformer import upcast
from ..errors import PromptError

Logits = Float[Tensor, "batch pos d_vocab"]
Tokens = Int[Tensor, "batch pos"]
Queries = slice | Bool[Tensor, "example query"]
"""The query positions: a slice for all examples, or a mask with one row for each."""


@dataclass(frozen=True, eq=False)
class Metric:
    """A named number for each example, from its logits and tokens."""

    name: str
    unit: str
    compute: Callable[[Logits, Tokens], Float[Tensor, " batch"]]

    def __call__(self, logits: Logits, tokens: Tokens) -> Float[Tensor, " batch"]:
        return self.compute(logits, tokens.to(logits.device))


def next_token_loss(queries: Queries) -> Metric:
    """The mean of −log p(next token) over each example's `queries`, in nats.

    The metric raises PromptError if the last position, which has no next token, is a query, or an example has no query.
    """

    def compute(logits: Logits, tokens: Tokens) -> Float[Tensor, " batch"]:
        mask = _mask(queries, tokens)
        # Only the queries' rows are normalized, because the vocabulary is the largest axis.
        loss = F.cross_entropy(upcast(logits[mask]), tokens.roll(-1, 1)[mask], reduction="none")
        total: Tensor = loss.new_zeros(mask.shape).masked_scatter(mask, loss).sum(1)
        return total / mask.sum(1)

    return Metric("next-token loss", "nats", compute)


def logit_difference(right: Int[Tensor, " batch"], wrong: Int[Tensor, " batch"], query: int = -1) -> Metric:
    """The logit of `right` minus the logit of `wrong` at one position: log p(right)/p(wrong), in nats."""

    def compute(logits: Logits, tokens: Tokens) -> Float[Tensor, " batch"]:
        at = upcast(logits[:, query])
        answers = at.gather(1, torch.stack((right, wrong), 1).to(at.device))
        return answers[:, 0] - answers[:, 1]

    return Metric("logit difference", "nats", compute)


def _mask(queries: Queries, tokens: Tokens) -> Bool[Tensor, "batch pos"]:
    mask = torch.zeros_like(tokens, dtype=torch.bool)
    if isinstance(queries, slice):
        mask[:, queries] = True
    elif queries.shape == tokens.shape:
        mask = queries.to(tokens.device)
    else:
        raise PromptError(f"queries have shape {list(queries.shape)} and tokens {list(tokens.shape)}; they must agree")
    if mask[:, -1].any():
        raise PromptError(f"the last of {tokens.shape[1]} positions is a query, but it has no next token")
    if not mask.any(1).all():
        raise PromptError("an example has no query to score")
    return mask
