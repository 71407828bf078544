"""Induction: `[BOS] prefix r₁…rₙ gap r₁…rₙ tail`, where everything after the second r₁ can be read off the first copy.

Periods, prefixes and gaps differ from sequence to sequence, so that neither a fixed distance nor a fixed place will
do. All tokens of a sequence are different, but for the repetition. The tail only makes rows equally long: causal
attention never sees it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..config import ModelConfig
from ..errors import PromptError
from ..model.model import HookedTransformer
from .builtin import draw_distinct, ordinary_tokens

LONGEST = 128
"""Sequences are this long, or as long as the model reads."""
SHORTEST = 16
Kind = Literal["repeated", "unrepeated", "shuffled"]
Corrupted = Literal["A", "B"]
"""Of `… A B … A`, which token of the first copy is replaced."""


@dataclass(frozen=True, eq=False)
class InductionBatch:
    """Sequences, and where their copies lie: the first begins at `first`, the second at `second`."""

    tokens: Int[Tensor, "sequence pos"]
    period: Int[Tensor, " sequence"]
    prefix: Int[Tensor, " sequence"]
    gap: Int[Tensor, " sequence"]
    first: Int[Tensor, " sequence"]
    kind: Kind
    seed: int
    bos: int | None

    @property
    def second(self) -> Int[Tensor, " sequence"]:
        """Where the second copy begins."""
        return self.first + self.period + self.gap

    @property
    def back(self) -> Int[Tensor, " sequence"]:
        """From a token of the second copy back to its first occurrence."""
        return self.period + self.gap

    @cached_property
    def predictable(self) -> Bool[Tensor, "sequence pos"]:
        """Queries whose next token the first copy tells: the second copy but its last."""
        return self._within(self.second)

    @cached_property
    def first_copy(self) -> Bool[Tensor, "sequence pos"]:
        """Queries that ask for the same tokens when they first come: the first copy but its last."""
        return self._within(self.first)

    def _within(self, start: Tensor) -> Tensor:
        at = torch.arange(self.tokens.shape[1])
        return (at >= start[:, None]) & (at < (start + self.period - 1)[:, None])

    @property
    def strata(self) -> Mapping[str, Bool[Tensor, " sequence"]]:
        """Groups in each of which a claim must hold."""
        ranked = self.period.argsort().argsort() * 3 // len(self.period)
        groups = {f"{name} periods": ranked == i for i, name in enumerate(("short", "middle", "long"))}
        groups |= {"no prefix": self.prefix == 0, "a prefix": self.prefix > 0}
        return groups | {"no gap": self.gap == 0, "a gap": self.gap > 0}

    def take(self, rows: slice) -> "InductionBatch":
        """Some of the sequences."""
        picked = {name: getattr(self, name)[rows] for name in ("tokens", "period", "prefix", "gap", "first")}
        return replace(self, **picked)


def induction_batch(
    model: HookedTransformer, *, sequences: int = 64, seed: int = 0, kind: Kind = "repeated"
) -> InductionBatch:
    """`sequences` draws with a third each of short, middle and long periods, half with a prefix, half with a gap.

    Of one seed, "unrepeated" puts other tokens where the second copy was, "shuffled" its own in another order. Raises
    PromptError where the model is too short in context or too small in vocabulary.
    """
    config = model.config
    length = min(config.n_ctx, LONGEST)
    ordinary = ordinary_tokens(config, model.tokenizer)
    check_room(config, len(ordinary), sequences)
    generator = torch.Generator().manual_seed(seed)
    start = int(config.bos_token_id is not None)

    def between(low: Tensor, high: Tensor) -> Tensor:
        """Whole numbers, evenly from low to high."""
        return (low + torch.rand(sequences, generator=generator) * (high - low + 1)).long().clamp(max=high.long())

    shortest, longest = period_range(length)
    at = torch.arange(sequences)
    edges = torch.tensor([shortest * (longest / shortest) ** (i / 3) for i in range(4)])
    period = between(edges[at % 3].ceil(), edges[at % 3 + 1].floor().clamp(min=shortest))
    period = period.clamp(shortest, longest)
    most = torch.full((sequences,), float(length // 8))
    prefix = torch.where(at // 3 % 2 == 1, between(torch.ones(sequences), most), 0)
    gap = torch.where(at // 6 % 2 == 1, between(torch.ones(sequences), most), 0)
    tokens = draw_distinct(ordinary, length, sequences, generator)
    if config.bos_token_id is not None:
        tokens[:, 0] = config.bos_token_id
    batch = InductionBatch(tokens, period, prefix, gap, start + prefix, kind, seed, config.bos_token_id)
    if kind == "unrepeated":
        return batch
    for row in range(sequences):
        n, one, two = int(period[row]), int(batch.first[row]), int(batch.second[row])
        copy = tokens[row, one : one + n]
        order = torch.randperm(n, generator=generator) if kind == "shuffled" else torch.arange(n)
        tokens[row, two : two + n] = copy[order]
    return batch


def period_range(length: int) -> tuple[int, int]:
    """Shortest and longest period in sequences of this length."""
    return max(4, length // 16), 5 * length // 16


def check_room(config: ModelConfig, ordinary: int, sequences: int) -> None:
    """Raises PromptError unless the model can read the task."""
    length = min(config.n_ctx, LONGEST)
    if length < SHORTEST:
        raise PromptError(
            f"{config.model_name} reads {config.n_ctx} tokens, too short a context for the induction task: "
            f"{SHORTEST} is the least"
        )
    if ordinary < length:
        raise PromptError(
            f"{config.model_name} has {ordinary} ordinary tokens, too small a vocabulary for the induction task, "
            f"which needs {length} different ones"
        )
    if sequences < 2:
        raise PromptError(f"{sequences} sequences were asked for; at least 2 are needed")


@dataclass(frozen=True, eq=False)
class Corruption:
    """Of each sequence one query that the first copy no longer answers: A or B was replaced there."""

    tokens: Int[Tensor, "sequence pos"]
    query: Bool[Tensor, "sequence pos"]
    """The one query: the second A."""
    answer: Int[Tensor, " sequence"]
    """What the first copy told before it was corrupted: B."""


def corrupt(batch: InductionBatch, which: Corrupted, model: HookedTransformer, seed: int) -> Corruption:
    """One pair A B of each first copy, with A (the route and the match lose it) or B (the copy loses it) replaced.

    The replacement occurs nowhere in its sequence.
    """
    generator = torch.Generator().manual_seed(seed)
    ordinary = ordinary_tokens(model.config, model.tokenizer)
    tokens, rows = batch.tokens.clone(), torch.arange(len(batch.tokens))
    pair = (torch.rand(len(rows), generator=generator) * (batch.period - 1)).long()
    at = batch.first + pair + (which == "B")
    for row in rows.tolist():
        foreign = ordinary[~torch.isin(ordinary, batch.tokens[row])]
        if not len(foreign):  # every ordinary token occurs: take one from the tail, which nothing sees
            foreign = batch.tokens[row, -1:]
        tokens[row, at[row]] = foreign[int(torch.randint(len(foreign), (1,), generator=generator))]
    query = torch.zeros_like(batch.predictable)
    query[rows, batch.second + pair] = True
    return Corruption(tokens, query, batch.tokens[rows, batch.second + pair + 1])
