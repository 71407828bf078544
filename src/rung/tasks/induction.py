"""Induction: `[BOS] prefix r₁…rₙ gap r₁…rₙ tail`, where everything after the second r₁ can be read off the first copy.

Periods, prefixes and gaps differ from sequence to sequence, so that neither a fixed distance nor a fixed position
works. All tokens of a sequence are different, but for the repetition. The tail only makes rows equally long: causal
attention never sees it. Sequence i is drawn from (seed, i), so more sequences extend the fewer.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Generator, Tensor

from ..config import ModelConfig
from ..errors import PromptError
from ..model.model import HookedTransformer
from .builtin import ordinary_tokens

LONGEST = 128
"""Sequences are this long, or as long as the model reads."""
SHORTEST = 16
Kind = Literal["repeated", "unrepeated", "shuffled", "prose"]
Corrupted = Literal["A", "B"]
"""Of `… A B … A`, which token of the first copy is replaced."""
STRATA = (
    "short periods",
    "medium periods",
    "long periods",
    "no prefix",
    "with prefix",
    "no gap",
    "with gap",
    "early sources",
    "middle sources",
    "late sources",
)
"""Groups of queries in each of which a claim must hold; a source is the position of B."""
EDGES = (1 / 3, 0.85)
"""Shares of the queries whose sources are early, and early or middle. Late ones are few, so that a role that ends at
some position shows."""


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

    @property
    def ends(self) -> Int[Tensor, " sequence"]:
        """Where the second copy has ended: nothing after it is scored."""
        return self.second + self.period

    @cached_property
    def predictable(self) -> Bool[Tensor, "sequence pos"]:
        """Queries whose next token follows from the first copy: the second copy but its last token."""
        return self._within(self.second)

    @cached_property
    def first_copy(self) -> Bool[Tensor, "sequence pos"]:
        """Queries for the same tokens at their first occurrence: the first copy but its last token."""
        return self._within(self.first)

    @cached_property
    def sources(self) -> Bool[Tensor, "sequence pos"]:
        """The positions of B: the first copy but its first token."""
        return self.first_copy.roll(1, 1)

    def _within(self, start: Tensor) -> Tensor:
        at = torch.arange(self.tokens.shape[1])
        return (at >= start[:, None]) & (at < (start + self.period - 1)[:, None])

    @cached_property
    def strata(self) -> Mapping[str, Bool[Tensor, "sequence pos"]]:
        """The predictable queries of each of the `STRATA`, empty where a batch has none."""
        rows = torch.arange(len(self.tokens)) % 3
        groups = [rows == i for i in range(3)]
        groups += [self.prefix == 0, self.prefix > 0, self.gap == 0, self.gap > 0]
        found = [group[:, None] & self.predictable for group in groups]
        source = torch.arange(self.tokens.shape[1]) - self.back[:, None] + 1
        low, high = source[self.predictable].double().quantile(torch.tensor(EDGES, dtype=torch.float64))
        found += [
            self.predictable & where for where in (source <= low, (source > low) & (source <= high), source > high)
        ]
        return dict(zip(STRATA, found, strict=True))

    def take(self, rows: slice) -> "InductionBatch":
        """Some of the sequences."""
        picked = {name: getattr(self, name)[rows] for name in ("tokens", "period", "prefix", "gap", "first")}
        return replace(self, **picked)


def draw(seed: int, row: int, purpose: str = "") -> Generator:
    """The generator of one row, for one purpose."""
    digest = hashlib.sha256(f"{purpose} {seed} {row}".encode()).digest()
    return Generator().manual_seed(int.from_bytes(digest[:6], "big"))


def induction_batch(
    model: HookedTransformer, *, sequences: int = 64, seed: int = 0, kind: Kind = "repeated"
) -> InductionBatch:
    """`sequences` draws with a third each of short, medium and long periods, half with a prefix, half with a gap.

    Of one seed, "unrepeated" puts other tokens where the second copy was, "shuffled" its own in another order. Raises
    PromptError where the model is too short in context or too small in vocabulary.
    """
    config = model.config
    length = min(config.n_ctx, LONGEST)
    ordinary = ordinary_tokens(config, model.tokenizer)
    check_room(config, len(ordinary), sequences)
    start = int(config.bos_token_id is not None)
    shortest, longest = period_range(length)
    edges = [shortest * (longest / shortest) ** (i / 3) for i in range(4)]
    tokens, shapes = [], []
    for row in range(sequences):
        generator = draw(seed, row)
        low, high = edges[row % 3], edges[row % 3 + 1]
        n = between(-int(-low // 1), max(int(high), shortest), generator)
        n = min(max(n, shortest), longest)
        prefix, gap = (between(1, most, generator) for most in longest_fill(length))
        prefix, gap = prefix * (row // 3 % 2), gap * (row // 6 % 2)
        own = ordinary[torch.randperm(len(ordinary), generator=generator)[:length]]
        tokens.append(_lay_out(config, own, n, prefix, gap, kind, generator))
        shapes.append((n, prefix, gap))
    period, prefixes, gaps = torch.tensor(shapes).T
    return InductionBatch(
        torch.stack(tokens), period, prefixes, gaps, start + prefixes, kind, seed, config.bos_token_id
    )


def _lay_out(
    config: ModelConfig, own: Tensor, n: int, prefix: int, gap: int, kind: Kind, generator: Generator
) -> Int[Tensor, " pos"]:
    """One row: BOS first where there is one, and the copy in its place."""
    row = own.clone()
    start = int(config.bos_token_id is not None)
    if config.bos_token_id is not None:
        row[0] = config.bos_token_id
    if kind != "unrepeated":
        one, two = start + prefix, start + prefix + n + gap
        order = torch.randperm(n, generator=generator) if kind == "shuffled" else torch.arange(n)
        row[two : two + n] = row[one : one + n][order]
    return row


def between(low: int, high: int, generator: Generator) -> int:
    """A whole number from `low` to `high`, each as likely."""
    return int(torch.randint(low, max(low, high) + 1, (1,), generator=generator))


def period_range(length: int) -> tuple[int, int]:
    """Shortest and longest period in sequences of this length."""
    return max(4, length // 16), 5 * length // 16


def longest_fill(length: int) -> tuple[int, int]:
    """The longest prefix and the longest gap in sequences of this length."""
    return 3 * length // 16, length // 8


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
    """What the first copy said before it was corrupted: B."""


def corrupt(batch: InductionBatch, which: Corrupted, model: HookedTransformer, seed: int) -> Corruption:
    """One pair A B of each first copy, with A (the route and the match lose it) or B (the copy loses it) replaced.

    The replacement occurs nowhere in its sequence.
    """
    ordinary = ordinary_tokens(model.config, model.tokenizer)
    tokens, rows = batch.tokens.clone(), torch.arange(len(batch.tokens))
    pair = torch.zeros_like(batch.period)
    for row in rows.tolist():
        generator = draw(seed, row, "corrupt")
        pair[row] = between(0, int(batch.period[row]) - 2, generator)
        at = int(batch.first[row] + pair[row]) + (which == "B")
        foreign = ordinary[~torch.isin(ordinary, batch.tokens[row])]
        if not len(foreign):  # every ordinary token occurs: take one from the tail, which nothing sees
            foreign = batch.tokens[row, -1:]
        tokens[row, at] = foreign[between(0, len(foreign) - 1, generator)]
    query = torch.zeros_like(batch.predictable)
    query[rows, batch.second + pair] = True
    return Corruption(tokens, query, batch.tokens[rows, batch.second + pair + 1])


@dataclass(frozen=True, eq=False)
class Interchange:
    """For each sequence S another one, S′: as long a copy of other tokens, elsewhere in its row."""

    donor: InductionBatch
    """The sequences S′. Its first copy's token j is "at the same place" as S's."""
    hybrid: Int[Tensor, "sequence pos"]
    """S with its second copy replaced by that of S′."""


def interchange(batch: InductionBatch, model: HookedTransformer, seed: int) -> Interchange:
    """S′ for each S: the same period, another prefix and another gap, a copy of tokens that S does not hold."""
    config, width = model.config, batch.tokens.shape[1]
    ordinary = ordinary_tokens(config, model.tokenizer)
    start = int(config.bos_token_id is not None)
    tokens, shapes, hybrid = [], [], batch.tokens.clone()
    for row in range(len(batch.tokens)):
        generator = draw(seed, row, "interchange")
        n, second = int(batch.period[row]), int(batch.second[row])
        prefix, gap = (
            (int(own) + between(1, most, generator)) % (most + 1)
            for own, most in zip((batch.prefix[row], batch.gap[row]), longest_fill(width), strict=True)
        )
        order = ordinary[torch.randperm(len(ordinary), generator=generator)]
        held = torch.isin(order, batch.tokens[row, : second + n])
        copy = order[~held][:n]
        rest = order[~torch.isin(order, copy)]
        one = start + prefix
        fill = rest.repeat(1 + width // len(rest))
        own = torch.cat((fill[:one], copy, fill[one : width - n]))
        tokens.append(_lay_out(config, own, n, prefix, gap, "repeated", generator))
        hybrid[row, second : second + n] = copy
        shapes.append((prefix, gap))
    prefixes, gaps = torch.tensor(shapes).T
    donor = replace(batch, tokens=torch.stack(tokens), prefix=prefixes, gap=gaps, first=start + prefixes, seed=seed)
    return Interchange(donor, hybrid)
