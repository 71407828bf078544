"""Tasks solved by finding an earlier match and copying what followed it: random repeats and key-value look-up.

    random repeats       [BOS] prefix r₁ r₂ … rₙ gap r₁ r₂ … rₙ tail          after the second r₁ comes r₂
    key-value look-up    [BOS] prefix k₁ v₁ k₂ v₂ … gap k₅ v₅ k₂ v₂ … tail    the pairs return in another order

Periods, prefixes and gaps differ between sequences, so that attending to a fixed distance or position does not solve
the task. All tokens of a sequence are different, except for the repetition. The tail pads rows to equal length: no
scored query sees it. Sequence i is drawn from (seed, i), so that a larger batch extends a smaller one.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Generator, Tensor

from ..config import ModelConfig
from ..display import Shown
from ..errors import PromptError
from ..model.model import HookedTransformer
from .builtin import ordinary_tokens

LONGEST = 128
"""The length of sequences, unless the model's context is shorter."""
SHORTEST = 16
Kind = Literal["repeated", "unrepeated", "shuffled", "prose"]
Corrupted = Literal["A", "B"]
"""The token of the first copy that is replaced in `… A B … A`."""
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
"""Groups of queries, in each of which a claim must hold; a source is the position of B in the first copy."""
EDGES = (1 / 3, 0.85)
"""Quantiles of the source position that separate early, middle and late sources, over all sequences of the task. The
late stratum is small, so that a role that fails beyond some position is detected. Were it as the sequences of one batch
have it, it would sometimes begin earlier, and hide the failure among positions that work."""


@dataclass(frozen=True)
class Task:
    """How the second copy is made from the first, and which of its tokens follow from it."""

    name: str
    block: int
    """Tokens that stay together; a copy is a number of whole blocks."""
    shuffles: bool
    """Whether the blocks return in another order."""
    strata: tuple[str, ...] = STRATA
    """Groups of queries, in each of which a claim must hold."""
    rows: int = 1
    """Rows of tokens that count as one sequence."""

    def whole(self, n: int) -> int:
        """The longest copy of whole blocks with at most `n` tokens."""
        return n // self.block * self.block

    def order(self, n: int, generator: Generator) -> Int[Tensor, " n"]:
        """For each token of a second copy of `n` tokens, the place of the same token in the first."""
        if not self.shuffles:
            return torch.arange(n)
        blocks = torch.randperm(n // self.block, generator=generator)
        return (blocks[:, None] * self.block + torch.arange(self.block)).flatten()

    def predicts(self, place: Int[Tensor, "*copy"], n: Int[Tensor, "*copy"]) -> Bool[Tensor, "*copy"]:
        """Whether the token after this place of the second copy follows from the first copy.

        Where the blocks are shuffled, only the tokens within a block do.
        """
        inside = (place >= 0) & (place < n - 1)
        return inside & (place % self.block < self.block - 1) if self.shuffles else inside


RANDOM_REPEATS = Task("random repeats", 1, False)
LOOK_UP = Task("key-value look-up", 2, True)


@dataclass(frozen=True, eq=False, repr=False)
class InductionBatch(Shown):
    """Sequences, and the positions of their copies, which begin at `first` and `second`."""

    tokens: Int[Tensor, "sequence pos"]
    order: Int[Tensor, "sequence pos"]
    """For each place of the second copy, the place of the same token in the first; 0 beyond the copy's end."""
    period: Int[Tensor, " sequence"]
    prefix: Int[Tensor, " sequence"]
    gap: Int[Tensor, " sequence"]
    first: Int[Tensor, " sequence"]
    kind: Kind
    seed: int
    bos: int | None
    task: Task = RANDOM_REPEATS
    edges: tuple[int, int] | None = None
    """The last of the early and of the middle sources; None: as the quantiles of these sequences are."""

    @property
    def second(self) -> Int[Tensor, " sequence"]:
        """The position at which the second copy begins."""
        return self.first + self.period + self.gap

    @property
    def ends(self) -> Int[Tensor, " sequence"]:
        """The position after the second copy; nothing from there on is scored."""
        return self.second + self.period

    @cached_property
    def _place(self) -> Int[Tensor, "sequence pos"]:
        """The place in the second copy of each position; negative before it."""
        return torch.arange(self.tokens.shape[1]) - self.second[:, None]

    @cached_property
    def predictable(self) -> Bool[Tensor, "sequence pos"]:
        """Mask of the queries whose next token follows from the first copy."""
        return self.task.predicts(self._place, self.period[:, None].expand_as(self._place))

    @cached_property
    def source(self) -> Int[Tensor, "sequence pos"]:
        """For each predictable query, the position of its answer B in the first copy; 0 elsewhere."""
        place = self.order.gather(1, self._place.clamp(min=0))
        return torch.where(self.predictable, self.first[:, None] + place + 1, 0)

    @cached_property
    def asked_at(self) -> Int[Tensor, "sequence pos"]:
        """For each source, the query that it answers; −1 at other positions."""
        found = torch.full_like(self.tokens, -1)
        rows, queries = self.predictable.nonzero(as_tuple=True)
        found[rows, self.source[rows, queries]] = queries
        return found

    @property
    def sources(self) -> Bool[Tensor, "sequence pos"]:
        """Mask of the positions of B."""
        return self.asked_at >= 0

    @property
    def first_copy(self) -> Bool[Tensor, "sequence pos"]:
        """Mask of the queries for the same targets at their first occurrence."""
        return self.sources.roll(-1, 1)

    @property
    def signatures(self) -> Mapping[str, tuple[Int[Tensor, "sequence pos"], Int[Tensor, "sequence pos"]]]:
        """By signature: from which position it looks at which, told at the query's own position."""
        at = torch.arange(self.tokens.shape[1]).expand_as(self.source)
        return {"previous_token": (self.source, (self.source - 1).clamp(min=0)), "induction": (at, self.source)}

    @property
    def rivals(self) -> Mapping[str, Int[Tensor, "sequence pos"]]:
        """No position that a signature must rather not look at than any other."""
        return {}

    def acting(self, signature: str) -> Bool[Tensor, "sequence pos"]:
        """Mask of the positions at which heads of this signature look."""
        return self.sources if signature == "previous_token" else self.predictable

    @property
    def foils(self) -> None:
        """No single token that the answer is held against."""
        return None

    @property
    def candidates(self) -> None:
        """A prediction is taken among all tokens."""
        return None

    def distances_of(self, signature: str) -> Int[Tensor, " query"]:
        """How far what a signature looks at is behind where it looks from, of each predictable query."""
        where, at = self.signatures[signature]
        return (where - at)[self.predictable]

    @cached_property
    def strata(self) -> Mapping[str, Bool[Tensor, "sequence pos"]]:
        """Mask of the predictable queries in each of the `STRATA`; it may be empty."""
        rows = torch.arange(len(self.tokens)) % 3
        groups = [rows == i for i in range(3)]
        groups += [self.prefix == 0, self.prefix > 0, self.gap == 0, self.gap > 0]
        found = [group[:, None] & self.predictable for group in groups]
        if self.edges is None:
            quantiles = self.source[self.predictable].double().quantile(torch.tensor(EDGES, dtype=torch.float64))
            low, high = quantiles.tolist()
        else:
            low, high = self.edges
        early, late = self.source <= low, self.source > high
        found += [self.predictable & where for where in (early, ~early & ~late, late)]
        return dict(zip(STRATA, found, strict=True))

    def take(self, rows: slice) -> "InductionBatch":
        """A batch of some of the sequences."""
        picked = {name: getattr(self, name)[rows] for name in ("tokens", "order", "period", "prefix", "gap", "first")}
        return replace(self, **picked)


def draw(seed: int, row: int, purpose: str = "") -> Generator:
    """The random generator of one row, for one purpose."""
    digest = hashlib.sha256(f"{purpose} {seed} {row}".encode()).digest()
    return Generator().manual_seed(int.from_bytes(digest[:6], "big"))


def induction_batch(
    model: HookedTransformer,
    *,
    sequences: int = 64,
    seed: int = 0,
    kind: Kind = "repeated",
    task: Task = RANDOM_REPEATS,
) -> InductionBatch:
    """Sequences with a third each of short, medium and long periods, half with a prefix, half with a gap.

    For the same seed, "unrepeated" has other tokens in place of the second copy, and "shuffled" has the copy's tokens
    in another order. Raises PromptError if the model's context or vocabulary is too small.
    """
    config = model.config
    length = min(config.n_ctx, LONGEST)
    ordinary = ordinary_tokens(config, model.tokenizer)
    check_room(config, len(ordinary), sequences)
    start = int(config.bos_token_id is not None)
    periods = periods_by_third(length)
    tokens, shapes, orders = [], [], torch.zeros(sequences, length, dtype=torch.long)
    for row in range(sequences):
        generator = draw(seed, row)
        n = task.whole(between(periods[row % 3][0], periods[row % 3][-1], generator))
        prefix, gap = (between(1, most, generator) for most in longest_fill(length))
        prefix, gap = prefix * (row // 3 % 2), gap * (row // 6 % 2)
        own = ordinary[torch.randperm(len(ordinary), generator=generator)[:length]]
        orders[row, :n] = order = task.order(n, generator)
        if kind == "shuffled":
            order = order[torch.randperm(n, generator=generator)]
        tokens.append(_lay_out(config, own, prefix, gap, order, repeated=kind != "unrepeated"))
        shapes.append((n, prefix, gap))
    period, prefixes, gaps = torch.tensor(shapes).T
    return InductionBatch(
        torch.stack(tokens),
        orders,
        period,
        prefixes,
        gaps,
        start + prefixes,
        kind,
        seed,
        config.bos_token_id,
        task,
        source_edges(length, start, task),
    )


@cache
def source_edges(length: int, start: int, task: Task) -> tuple[int, int]:
    """The quantiles `EDGES` of the source position over all sequences of the task, each query as likely: more than a
    third are at most the first, and more than 15 % are beyond the second.
    """
    share, most = torch.zeros(length, dtype=torch.float64), longest_fill(length)[0]
    generator = draw(0, 0, "edges")
    for periods in periods_by_third(length):
        for n in map(task.whole, periods):
            places = torch.arange(n)
            predicted = task.predicts(places, torch.full_like(places, n))
            sources = start + task.order(n, generator)[predicted] + 1
            share[sources] += 0.5 / len(periods)
            for prefix in range(1, most + 1):
                share[sources + prefix] += 0.5 / most / len(periods)
    below = share.cumsum(0) / share.sum()
    low, high = (int((below < quantile).sum()) for quantile in EDGES)
    return low, high - 1


def _lay_out(
    config: ModelConfig, own: Tensor, prefix: int, gap: int, order: Int[Tensor, " n"], repeated: bool = True
) -> Int[Tensor, " pos"]:
    """One row, with BOS if the model has one, and with the second copy."""
    row, n = own.clone(), len(order)
    start = int(config.bos_token_id is not None)
    if config.bos_token_id is not None:
        row[0] = config.bos_token_id
    if repeated:
        one, two = start + prefix, start + prefix + n + gap
        row[two : two + n] = row[one : one + n][order]
    return row


def between(low: int, high: int, generator: Generator) -> int:
    """A uniform random integer from `low` to `high`, both included."""
    return int(torch.randint(low, max(low, high) + 1, (1,), generator=generator))


def period_range(length: int) -> tuple[int, int]:
    """The shortest and longest period in sequences of this length."""
    return max(4, length // 16), 5 * length // 16


def periods_by_third(length: int) -> list[range]:
    """The short, the medium and the long periods in sequences of this length; thirds of the logarithm."""
    shortest, longest = period_range(length)
    edges = [shortest * (longest / shortest) ** (i / 3) for i in range(4)]
    found = []
    for low, high in pairwise(edges):
        first = min(max(math.ceil(low), shortest), longest)
        found.append(range(first, max(min(int(high), longest), first) + 1))
    return found


def longest_fill(length: int) -> tuple[int, int]:
    """The longest prefix and the longest gap in sequences of this length."""
    return 3 * length // 16, length // 8


def check_room(config: ModelConfig, ordinary: int, sequences: int) -> None:
    """Raises PromptError unless context, vocabulary and number of sequences are large enough."""
    length = min(config.n_ctx, LONGEST)
    if length < SHORTEST:
        raise PromptError(
            f"the context of {config.model_name} is {config.n_ctx}, too short for the induction task: at least "
            f"{SHORTEST} is needed"
        )
    if ordinary < length:
        raise PromptError(
            f"{config.model_name} has {ordinary} ordinary tokens, too few for the induction task, which needs "
            f"{length} different ones"
        )
    if sequences < 2:
        raise PromptError(f"{sequences} sequences were requested; at least 2 are needed")


@dataclass(frozen=True, eq=False, repr=False)
class Corruption(Shown):
    """Sequences in which A or B of the first copy is replaced, so that one query is no longer predictable."""

    tokens: Int[Tensor, "sequence pos"]
    query: Bool[Tensor, "sequence pos"]
    """The one query: the second A."""
    answer: Int[Tensor, " sequence"]
    """The answer before the corruption: B."""


def corrupt(batch: InductionBatch, which: Corrupted, model: HookedTransformer, seed: int) -> Corruption:
    """One pair A B of each first copy, with A (the route and the match lose it) or B (the copy loses it) replaced.

    The replacement occurs nowhere in its sequence.
    """
    ordinary = ordinary_tokens(model.config, model.tokenizer)
    tokens, rows = batch.tokens.clone(), torch.arange(len(batch.tokens))
    asked = torch.zeros_like(batch.period)
    for row in rows.tolist():
        generator = draw(seed, row, "corrupt")
        queries = batch.predictable[row].nonzero()[:, 0]
        asked[row] = queries[between(0, len(queries) - 1, generator)]
        at = int(batch.source[row, asked[row]]) - (which == "A")
        foreign = ordinary[~torch.isin(ordinary, batch.tokens[row])]
        if not len(foreign):  # Every ordinary token occurs: take one from the tail, which no scored query sees.
            foreign = batch.tokens[row, -1:]
        tokens[row, at] = foreign[between(0, len(foreign) - 1, generator)]
    query = torch.zeros_like(batch.predictable)
    query[rows, asked] = True
    return Corruption(tokens, query, batch.tokens[rows, asked + 1])


@dataclass(frozen=True, eq=False, repr=False)
class Interchange(Shown):
    """For each sequence S another sequence S′ of the same period and order, other tokens, copies at other positions."""

    donor: InductionBatch
    """The sequences S′. Token j of its copies corresponds to token j of the copies of S."""
    hybrid: Int[Tensor, "sequence pos"]
    """S with its second copy replaced by that of S′."""


def interchange(batch: InductionBatch, model: HookedTransformer, seed: int) -> Interchange:
    """Draws S′ for each S: the same period, another prefix and gap, and a copy of tokens that S does not contain."""
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
        drawn = ordinary[torch.randperm(len(ordinary), generator=generator)]
        used = torch.isin(drawn, batch.tokens[row, : second + n])
        copy = drawn[~used][:n]
        rest = drawn[~torch.isin(drawn, copy)]
        one = start + prefix
        fill = rest.repeat(1 + width // len(rest))
        own = torch.cat((fill[:one], copy, fill[one : width - n]))
        order = batch.order[row, :n]
        tokens.append(_lay_out(config, own, prefix, gap, order))
        hybrid[row, second : second + n] = copy[order]
        shapes.append((prefix, gap))
    prefixes, gaps = torch.tensor(shapes).T
    donor = replace(batch, tokens=torch.stack(tokens), prefix=prefixes, gap=gaps, first=start + prefixes, seed=seed)
    return Interchange(donor, hybrid)
