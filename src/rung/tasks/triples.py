"""Skip-trigrams: an earlier token and the last one, with anything between, call for an output.

    [BOS] x x A x x x B → C        of each source A the table says its output C; B is one of the table's queries

All other tokens are ordinary ones that the table does not hold, and all of a sequence are different. One head's QK and
OV are separate tables, so every source of the table goes with every query (Elhage et al. 2021, "A Mathematical
Framework for Transformer Circuits", on skip-trigrams). The answer stands behind the query, where no scored query sees
it. Sequence i is drawn from (seed, i).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..display import Shown
from ..errors import ClaimError, PromptError
from ..model.model import HookedTransformer
from .builtin import ordinary_tokens
from .induction import Corrupted, Corruption, between, draw

OPEN = "skip-trigrams"
"""The task before its table was found."""
TABLE = f"{OPEN} QUERY …: SOURCE>OUTPUT …"
"""How a task with its table is written, in token ids."""
FEWEST_PAIRS = 4
LONGEST = 32
"""The longest sequence: the answer too."""
NEAR, FAR = 3, 10
"""A source up to NEAR positions before its query is near, one more than FAR before it is far."""
STRATA = ("near", "middle", "far")
TriplesKind = Literal["triples", "control"]


@dataclass(frozen=True)
class TriplesTask:
    """Queries, and for each source its output."""

    queries: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    strata: tuple[str, ...] = STRATA
    """Groups of sequences, by how far the source is, in each of which a claim must hold."""
    rows: int = 4
    """Rows, short and with one query each, that count as one sequence."""

    @property
    def name(self) -> str:
        """The task in a line that `read_task` reads back: skip-trigrams 7 9: 12>40 13>41 …"""
        queries = " ".join(map(str, self.queries))
        return f"{OPEN} {queries}: " + " ".join(f"{source}>{output}" for source, output in self.pairs)

    def __post_init__(self) -> None:
        sources, outputs = ([pair[at] for pair in self.pairs] for at in range(2))
        listed = [*sources, *self.queries]
        if len(self.pairs) < FEWEST_PAIRS or not self.queries:
            raise ClaimError(
                f"a table of {len(self.pairs)} pairs and {len(self.queries)} queries was given; at least "
                f"{FEWEST_PAIRS} pairs and one query are needed"
            )
        if len(set(listed)) < len(listed) or len(set(outputs)) < len(outputs):
            raise ClaimError("a token stands twice among a table's sources and queries, or twice among its outputs")


def read_task(name: str) -> TriplesTask | None:
    """The task of this name; None if it is not one."""
    if not re.fullmatch(rf"{OPEN}( [0-9]{{1,9}})+:( [0-9]{{1,9}}>[0-9]{{1,9}})+", name):
        return None
    queries, _, pairs = name.removeprefix(OPEN).partition(":")
    two = [pair.split(">") for pair in pairs.split()]
    return TriplesTask(tuple(map(int, queries.split())), tuple((int(source), int(output)) for source, output in two))


@dataclass(frozen=True, eq=False, repr=False)
class TriplesBatch(Shown):
    """Sequences, and where source and query stand."""

    tokens: Int[Tensor, "sequence pos"]
    pair: Int[Tensor, " sequence"]
    """Which pair of the table each holds."""
    source: Int[Tensor, " sequence"]
    query: Int[Tensor, " sequence"]
    filler: Int[Tensor, " sequence"]
    """An ordinary token that neither the sequence nor the table holds."""
    kind: TriplesKind
    seed: int
    bos: int | None
    task: TriplesTask

    @property
    def ends(self) -> Int[Tensor, " sequence"]:
        """The position after the answer."""
        return self.query + 2

    @cached_property
    def predictable(self) -> Bool[Tensor, "sequence pos"]:
        """Mask of the one query of each sequence."""
        return torch.arange(self.tokens.shape[1]) == self.query[:, None]

    @property
    def signatures(self) -> Mapping[str, tuple[Int[Tensor, "sequence pos"], Int[Tensor, "sequence pos"]]]:
        """From the query at the source."""
        return {"skip_trigram": (self._wide(self.query), self._wide(self.source))}

    @property
    def rivals(self) -> Mapping[str, Int[Tensor, "sequence pos"]]:
        """No position that must rather not be looked at than any other."""
        return {}

    def distances_of(self, signature: str) -> Int[Tensor, " query"]:
        """How far the source is behind the query."""
        return self.query - self.source

    def acting(self, signature: str) -> Bool[Tensor, "sequence pos"]:
        """Mask of the queries."""
        return self.predictable

    @property
    def foils(self) -> None:
        """No single token that the answer is held against."""
        return None

    @property
    def outputs(self) -> Int[Tensor, " pair"]:
        """The outputs of the table."""
        return torch.tensor([output for _, output in self.task.pairs])

    @property
    def candidates(self) -> Int[Tensor, " token"]:
        """A prediction is taken among the table's outputs."""
        return self.outputs

    @cached_property
    def strata(self) -> Mapping[str, Bool[Tensor, "sequence pos"]]:
        """Mask of the queries in each group."""
        back = self.query - self.source
        groups = (back <= NEAR, (back > NEAR) & (back <= FAR), back > FAR)
        return {name: rows[:, None] & self.predictable for name, rows in zip(STRATA, groups, strict=True)}

    def _wide(self, x: Int[Tensor, " sequence"]) -> Int[Tensor, "sequence pos"]:
        return x[:, None].expand_as(self.tokens)


def triples_batch(
    model: HookedTransformer, task: TriplesTask, *, sequences: int = 64, seed: int = 0, kind: TriplesKind = "triples"
) -> TriplesBatch:
    """Sequences with the source near, farther and far, each pair and each query of the table in turn.

    In the "control" another token stands in place of the query, so that nothing calls for the source. Raises
    PromptError for a token outside the vocabulary, and where vocabulary or context is too small.
    """
    config = model.config
    if sequences < 2:
        raise PromptError(f"{sequences} sequences were requested; at least 2 are needed")
    table = {token for pair in task.pairs for token in pair} | set(task.queries)
    if worst := max(table) if max(table) >= config.d_vocab else 0:
        raise PromptError(f"the table holds token {worst}; {config.model_name} has 0 to {config.d_vocab - 1}")
    ordinary = ordinary_tokens(config, model.tokenizer)
    free, width = ordinary[~torch.isin(ordinary, torch.tensor(sorted(table)))], min(config.n_ctx, LONGEST)
    start = int(config.bos_token_id is not None)
    if width < start + FAR + 6 or len(free) < width + 1:
        raise PromptError(
            f"{config.model_name} has a context of {config.n_ctx} and {len(free)} ordinary tokens beside the table; "
            f"skip-trigrams need {start + FAR + 6} and {width + 1}"
        )
    rows, places = [], []
    for row in range(sequences):
        generator = draw(seed, row, "triples")
        fill = free[torch.randperm(len(free), generator=generator)[: width + 1]]
        query = between(start + FAR + 4, width - 2, generator)
        back = ((1, NEAR), (NEAR + 1, FAR), (FAR + 1, query - start))[row % 3]
        source = query - between(*back, generator)
        pair = between(0, len(task.pairs) - 1, generator)
        asks = task.queries[between(0, len(task.queries) - 1, generator)]
        own = fill[:width].clone()
        if config.bos_token_id is not None:
            own[0] = config.bos_token_id
        own[source], own[query + 1] = task.pairs[pair]
        if kind == "triples":
            own[query] = asks
        rows.append(own)
        places.append((pair, source, query, int(fill[width])))
    pairs, sources, queries, fillers = torch.tensor(places).T
    return TriplesBatch(torch.stack(rows), pairs, sources, queries, fillers, kind, seed, config.bos_token_id, task)


def without_source(batch: TriplesBatch) -> Int[Tensor, "sequence pos"]:
    """The same sequences with an ordinary token in place of the source."""
    tokens = batch.tokens.clone()
    tokens[torch.arange(len(tokens)), batch.source] = batch.filler
    return tokens


def other_source(batch: TriplesBatch, seed: int) -> TriplesBatch:
    """The same sequences with another source of the table, and its output behind the query."""
    tokens, pair = batch.tokens.clone(), batch.pair.clone()
    for row in range(len(tokens)):
        pair[row] = (pair[row] + between(1, len(batch.task.pairs) - 1, draw(seed, row, "other"))) % len(
            batch.task.pairs
        )
    table = torch.tensor(batch.task.pairs)[pair]
    rows = torch.arange(len(tokens))
    tokens[rows, batch.source], tokens[rows, batch.query + 1] = table[:, 0], table[:, 1]
    return replace(batch, tokens=tokens, pair=pair)


def corrupt_triples(batch: TriplesBatch, which: Corrupted, seed: int) -> Corruption:
    """The sequences with another source ("B"), or an ordinary token in its place ("A")."""
    tokens = without_source(batch) if which == "A" else other_source(batch, seed).tokens
    rows = torch.arange(len(tokens))
    return Corruption(tokens, batch.predictable, batch.tokens[rows, batch.query + 1])
