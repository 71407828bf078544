"""Scores of every head's attention pattern on repeated random tokens.

A score is an attention weight, averaged over the queries that it is defined for, then over sequences: 0 to 1. It is a
clue, not proof (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; Olsson et al. 2022,
arXiv:2209.11895).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..display import Shown
from ..engine.sites import Site
from ..engine.transformer import upcast
from ..errors import PromptError, SiteError
from ..model.model import HookedTransformer
from ..tasks.builtin import RandomTokens

Progress = Callable[[int, int], None]
"""Called with the number of sequences done and their total."""

SCORES: Mapping[str, str] = {
    "previous_token": "attention to the position just before",
    "induction": "attention from the second copy to the position after the token's first occurrence",
    "duplicate_token": "attention from the second copy to the token's first occurrence",
    "current_token": "attention from the second copy to the query's own position",
    "bos": "attention from the second copy to the first position of the sequence",
    "elsewhere": "attention from the second copy to none of these",
}
"""Every score, and the attention that it averages."""

SIGNATURES = ("previous_token", "induction", "duplicate_token")
"""The scores that suggest a role. The others are positions of idle attention (attention sinks), and the rest."""

_ELEMENTS = 2**24
"""Entries of one layer's patterns held in memory at once: 64 MiB in float32."""
_TOKENS = 2**13
"""Tokens in one batch."""


@dataclass(frozen=True, eq=False, repr=False)
class HeadScores(Shown):
    """The scores of every head: `scores["induction"]` is [layer, head], the mean attention weight over sequences.

    `per_sequence` has the scores of each sequence.
    """

    model_name: str
    per_sequence: Mapping[str, Float[Tensor, "sequence layer head"]]
    task: RandomTokens
    unit: str = "attention, 0 to 1"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.per_sequence)

    @property
    def n_sequences(self) -> int:
        return len(self.task.tokens)

    @property
    def seed(self) -> int:
        return self.task.seed

    @property
    def n_layers(self) -> int:
        return self.per_sequence["bos"].shape[1]

    @property
    def n_heads(self) -> int:
        return self.per_sequence["bos"].shape[2]

    @property
    def labels(self) -> tuple[tuple[str, ...], ...]:
        """Each head's label, "layer.head", by layer and head."""
        return tuple(tuple(f"{layer}.{head}" for head in range(self.n_heads)) for layer in range(self.n_layers))

    def __getitem__(self, name: str) -> Float[Tensor, "layer head"]:
        return self.per_sequence[known_score(name)].mean(0)

    def ranked(self, by: str | None = None) -> list[tuple[int, int]]:
        """(layer, head) of every head by the score `by` (None: the highest of its `SIGNATURES`), highest first."""
        score = torch.stack([self[name] for name in SIGNATURES]).amax(0) if by is None else self[by]
        order = score.flatten().argsort(descending=True, stable=True).tolist()
        return [divmod(index, self.n_heads) for index in order]

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON values: {"heads": {"1.0": {"induction": 0.9, …}, …}, …}."""
        means = {name: self[name].tolist() for name in self.names}
        heads = {
            label: {name: means[name][layer][head] for name in self.names}
            for layer, row in enumerate(self.labels)
            for head, label in enumerate(row)
        }
        return {"model": self.model_name, "unit": self.unit, "task": self.task.to_dict(), "heads": heads}


@torch.no_grad()
def head_scores(model: HookedTransformer, task: RandomTokens, progress: Progress | None = None) -> HeadScores:
    """Every head's scores on `task` (see `SCORES`), with the model's hooks active.

    Each layer's patterns are reduced during the run, in batches, so that memory does not grow with layers or sequences.
    On a control (`task.repeated` is False) attention at the same offsets is averaged. Raises SiteError if the model has
    no heads.
    """
    config = model.config
    if not config.n_layers:
        raise SiteError(f"{config.model_name} has no layers, so no heads to score")
    length, total = task.tokens.shape[1], len(task.tokens)
    rows = max(1, min(_ELEMENTS // (config.n_heads * length**2), _TOKENS // length))
    kept: dict[str, list[Tensor]] = {name: [] for name in SCORES}
    for begin in range(0, total, rows):
        reduce = _Reduce(task, config.n_layers)
        with model.hooks(fwd_hooks=[(Site("pattern", layer).path, reduce) for layer in range(config.n_layers)]):
            model(task.tokens[begin : begin + rows], return_type=None)
        for name, values in reduce.scores().items():
            kept[name].append(values)
        if progress is not None:
            progress(min(begin + rows, total), total)
    return HeadScores(config.model_name, {name: torch.cat(values) for name, values in kept.items()}, task)


class _Reduce:
    """A hook function that keeps the scores of patterns and discards the patterns."""

    def __init__(self, task: RandomTokens, n_layers: int) -> None:
        self._task = task
        self._by_layer: list[dict[str, Tensor]] = [{} for _ in range(n_layers)]

    def __call__(self, pattern: Tensor, *, hook: Any) -> None:
        found = pattern_scores(pattern, self._task.period, self._task.start)
        self._by_layer[hook.layer()] = {name: values.cpu() for name, values in found.items()}

    def scores(self) -> dict[str, Float[Tensor, "batch layer head"]]:
        return {name: torch.stack([found[name] for found in self._by_layer], 1) for name in SCORES}


def pattern_scores(
    pattern: Float[Tensor, "batch head query_pos key_pos"], period: int, start: int
) -> dict[str, Float[Tensor, "batch head"]]:
    """`SCORES` of patterns A on [first] r₁ … rₙ r₁ … rₙ, n = `period`, r₁ at position `start`.

    previous_token mean A[q, q−1] over both copies, q > start. Over the queries q of the second copy except its
    last, whose next token is in the first copy: induction mean A[q, q−n+1] · duplicate_token mean A[q, q−n] ·
    current_token mean A[q, q] · bos mean A[q, 0] · elsewhere 1 − these four and A[q, q−1]. The weights
    are not renormalized to exclude BOS.

    Raises PromptError if the patterns have another length.
    """
    length, second = start + 2 * period, start + period
    if tuple(pattern.shape[-2:]) != (length, length):
        raise PromptError(
            f"patterns have shape {list(pattern.shape[-2:])}, query by key; period {period} from position {start} "
            f"needs {length} of each"
        )
    pattern = upcast(pattern)
    predictable = slice(second, length - 1)

    def back(distance: int, queries: slice) -> Tensor:
        seen = pattern.diagonal(-distance, -2, -1)
        return seen[..., queries.start - distance : queries.stop - distance].mean(-1)

    named = _named_keys(length, period).to(pattern.device)[predictable]
    return {
        "previous_token": back(1, slice(start + 1, length)),
        "induction": back(period - 1, predictable),
        "duplicate_token": back(period, predictable),
        "current_token": back(0, predictable),
        "bos": pattern[..., predictable, 0].mean(-1),
        "elsewhere": pattern[..., predictable, :].masked_fill(named, 0).sum(-1).mean(-1),
    }


CLUE = 0.3
"""The least score that counts as a clue."""
CLUE_OVER_CONTROL = 3.0
"""The least ratio of an induction or duplicate-token score to that of the control."""


def floor_of(name: str, control: HeadScores | None, layer: int, head: int) -> float:
    """The least score of a head that counts as a clue: `CLUE` and, for induction and duplicate token,
    `CLUE_OVER_CONTROL` times the score on the control.
    """
    if control is None or name == "previous_token":
        return CLUE
    return max(CLUE, CLUE_OVER_CONTROL * float(control[name][layer, head]))


def clue(scores: HeadScores, control: HeadScores | None, layer: int, head: int) -> str | None:
    """The signature with a head's highest score among those that reach their floor; None if none does."""
    label = label_head(scores, control, layer, head)
    return label.reached[0] if label.reached else None


@dataclass(frozen=True, repr=False)
class HeadLabel(Shown):
    """What a head's attention looks like: a signature, "mixed" or "none fits", with the score and the floor behind it.

    `score` and `floor` are those of the signature that comes nearest to its floor, or exceeds it most. Attention to
    BOS or to the query itself takes no part: an idle position does not erase a signature.
    """

    name: str
    score: float
    floor: float
    signature: str
    """The signature that `score` and `floor` belong to."""
    reached: tuple[str, ...]
    """Every signature that reaches its floor, the highest score first."""


def label_head(scores: HeadScores, control: HeadScores | None, layer: int, head: int) -> HeadLabel:
    """Labels a head by the signatures that reach their floor: the one that does, "mixed" if several do, "none fits"
    if none does.
    """
    values = {name: float(scores[name][layer, head]) for name in SIGNATURES}
    floors = {name: floor_of(name, control, layer, head) for name in SIGNATURES}
    reached = sorted((name for name in SIGNATURES if values[name] >= floors[name]), key=lambda name: -values[name])
    nearest = reached[0] if reached else max(SIGNATURES, key=lambda name: values[name] / floors[name])
    label = reached[0] if len(reached) == 1 else "mixed" if reached else "none fits"
    return HeadLabel(label, values[nearest], floors[nearest], nearest, tuple(reached))


SPLIT: Mapping[str, str] = {
    "induction": "the position after the token's first occurrence",
    "previous": "the position just before",
    "duplicate": "the token's first occurrence",
    "self": "the query's own position",
    "bos": "the first position of the sequence",
    "elsewhere": "all other positions",
}
"""The parts of a head's attention from the second copy, which sum to 1; a key that fits several is in the first."""


@torch.no_grad()
def attention_split(
    model: HookedTransformer, task: RandomTokens, progress: Progress | None = None
) -> dict[str, Float[Tensor, "layer head"]]:
    """Each head's attention from the second copy, split over `SPLIT`: means over predictable queries and sequences.

    Raises SiteError if the model has no heads.
    """
    config, total = model.config, len(task.tokens)
    if not config.n_layers:
        raise SiteError(f"{config.model_name} has no layers, so no heads to split the attention of")
    parts = _split_masks(task).to(model.device)
    length = task.tokens.shape[1]
    rows = max(1, min(_ELEMENTS // (config.n_heads * length**2), _TOKENS // length))
    summed = torch.zeros(len(SPLIT), config.n_layers, config.n_heads, dtype=torch.float64)

    def reduce(pattern: Tensor, *, hook: Any) -> None:
        seen = upcast(pattern)[..., task.predictable, :]
        summed[:, hook.layer()] += torch.einsum("bhqk,sqk->sh", seen, parts.to(seen.dtype)).cpu()

    hooks = [(Site("pattern", layer).path, reduce) for layer in range(config.n_layers)]
    for begin in range(0, total, rows):
        with model.hooks(fwd_hooks=hooks):
            model(task.tokens[begin : begin + rows], return_type=None)
        if progress is not None:
            progress(min(begin + rows, total), total)
    means = summed / (total * (task.period - 1))
    return {name: means[at] for at, name in enumerate(SPLIT)}


def _split_masks(task: RandomTokens) -> Bool[Tensor, "part query key_pos"]:
    """For the predictable queries, the keys of each part of `SPLIT`: every key is in one."""
    query = torch.arange(task.tokens.shape[1])[task.predictable, None]
    key = torch.arange(task.tokens.shape[1])[None]
    back = query - key
    wanted = (back == task.period - 1, back == 1, back == task.period, back == 0, (key == 0).expand_as(back))
    free, parts = torch.ones_like(back, dtype=torch.bool), []
    for mask in (*wanted, free):
        parts.append(mask & free)
        free = free & ~mask
    return torch.stack(parts)


def known_score(name: str) -> str:
    """Returns `name`. Raises SiteError unless it is one of `SCORES`."""
    if name not in SCORES:
        raise SiteError(f"no head score is called {name!r}; the scores are {', '.join(SCORES)}")
    return name


def _named_keys(length: int, period: int) -> Bool[Tensor, "query_pos key_pos"]:
    """True at the keys that one of the scores is defined for, for queries of the second copy."""
    query = torch.arange(length)[:, None]
    key = torch.arange(length)[None]
    distance = query - key
    return (key == 0) | (distance == 0) | (distance == 1) | (distance == period) | (distance == period - 1)
