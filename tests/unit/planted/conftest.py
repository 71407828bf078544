"""Planted models, each built once, and what is measured of them without the ladder."""

from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor

from rung.methods.interventions import Mean, Patch, Replacement, Resample, Zero, ablate_heads
from rung.methods.patching import Edge, patch_paths
from rung.planted import Planted, plant
from rung.tasks.induction import induction_batch
from rung.tasks.metrics import next_token_loss

SEEDS = (0, 1, 2)


class Measured:
    """A planted model on a batch of the induction task, with other sequences of the same task beside it."""

    def __init__(self, planted: Planted, sequences: int) -> None:
        self.planted, self.model = planted, planted.model
        self.batch = induction_batch(self.model, sequences=sequences, seed=11)
        self.others = induction_batch(self.model, sequences=sequences, seed=12).tokens
        self.loss = next_token_loss(self.batch.predictable)
        with torch.no_grad():
            logits, self.cache = self.model.run_with_cache(self.batch.tokens, names_filter="pattern")
        self.second = self.loss(logits, self.batch.tokens)
        self.first = next_token_loss(self.batch.first_copy)(logits, self.batch.tokens)

    @property
    def heads(self) -> dict[str, tuple[tuple[int, int], ...]]:
        return dict(self.planted.heads)

    @property
    def gain(self) -> float:
        return float(self.first.mean() - self.second.mean())

    def previous(self, head: tuple[int, int]) -> Tensor:
        """Attention one back, [sequence, query], from the first position that can."""
        return self.cache["pattern", head[0]][:, head[1]].diagonal(-1, -2, -1)

    def stripe(self, head: tuple[int, int]) -> Tensor:
        """Mean attention of each sequence's second copy to what followed the first occurrence."""
        pattern, told = self.cache["pattern", head[0]][:, head[1]], self.batch.predictable
        key = (torch.arange(pattern.shape[-1]) - self.batch.back[:, None] + 1).clamp(min=0)
        hit = pattern.gather(-1, key[..., None])[..., 0]
        return (hit * told).sum(1) / told.sum(1)

    def cost(self, heads: tuple[tuple[int, int], ...], put: Replacement | None = None) -> float:
        """Nats that replacing all of `heads` costs; None: the mean over other sequences."""
        put = Mean(self.others) if put is None else put
        return float(ablate_heads(self.model, self.batch.tokens, heads, put, self.loss).change.mean())

    def costs(self, heads: tuple[tuple[int, int], ...]) -> dict[str, float]:
        """By mean, resampling and zero."""
        puts = {"mean": Mean(self.others), "resample": Resample(self.others), "zero": Zero()}
        return {name: self.cost(heads, put) for name, put in puts.items()}

    def shares(self) -> dict[str, float]:
        """Of what swapping the claimed senders costs in all, what each input of the claimed receivers carries."""
        senders, receivers = self.heads["previous_token"], self.heads["induction"]
        whole = self.cost(senders, Patch(self.others))

        def through(into: str) -> float:
            edges = [Edge(sender, receiver, into) for sender in senders for receiver in receivers]
            found = patch_paths(self.model, self.batch.tokens, self.others, edges, self.loss)
            return float(found.change.mean()) / whole

        return {into: through(into) for into in "QKV"}


@cache
def _measured(kind: str, seed: int, sequences: int) -> Measured:
    return Measured(plant(kind, seed), sequences)


@pytest.fixture(scope="session", params=SEEDS)
def measured(request: pytest.FixtureRequest) -> Callable[..., Measured]:
    """measured(kind, sequences), for each seed in turn."""
    return lambda kind, sequences=18: _measured(kind, request.param, sequences)


@pytest.fixture
def tokens() -> Tensor:
    """Some rows of the induction task."""
    return induction_batch(plant("circuit", 0).model, sequences=8, seed=0).tokens
