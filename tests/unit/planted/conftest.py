"""Planted models, each built once, and what is measured of them without the ladder."""

from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor

from rung.engine.sites import Site
from rung.methods.interventions import Mean, Patch, Replacement, Resample, Zero
from rung.methods.paths import Edge, patch_paths
from rung.methods.sweep import ablate_heads
from rung.planted import ARCHITECTURES, Planted, plant
from rung.planted.decoys import POSITIONS
from rung.tasks.induction import induction_batch
from rung.tasks.metrics import Metric, next_token_loss

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

    def stripe(self, head: tuple[int, int], pattern: Tensor | None = None) -> Tensor:
        """Mean attention of each sequence's second copy to what followed the first occurrence."""
        pattern, told = (
            (self.cache["pattern", head[0]] if pattern is None else pattern)[:, head[1]],
            self.batch.predictable,
        )
        key = self.batch.source
        hit = pattern.gather(-1, key[..., None])[..., 0]
        return (hit * told).sum(1) / told.sum(1)

    def cost(self, heads: tuple[tuple[int, int], ...], put: Replacement | None = None) -> float:
        """Nats that replacing all of `heads` costs; None: the mean over other sequences."""
        put = Mean(self.others) if put is None else put
        return float(ablate_heads(self.model, self.batch.tokens, heads, put, self.loss).change.mean())

    def measure(self, heads: tuple[tuple[int, int], ...], put: Replacement, metric: Metric) -> Tensor:
        """`metric` of each sequence while all of `heads` are replaced."""
        return ablate_heads(self.model, self.batch.tokens, heads, put, metric).edited

    @property
    def every(self) -> tuple[tuple[int, int], ...]:
        """All heads."""
        config = self.model.config
        return tuple((layer, head) for layer in range(config.n_layers) for head in range(config.n_heads))

    @property
    def unclaimed(self) -> tuple[tuple[int, int], ...]:
        """All heads that fill no role."""
        claimed = {head for heads in self.heads.values() for head in heads}
        return tuple(head for head in self.every if head not in claimed)

    def says(self, answers: Tensor) -> Metric:
        """Share of the predictable queries at which the likeliest next token is that of `answers`."""

        def compute(logits: Tensor, tokens: Tensor) -> Tensor:
            hit = (logits.argmax(-1) == answers) & self.batch.predictable
            return hit.sum(1) / self.batch.predictable.sum(1)

        return Metric("share that says it", "of queries", compute)

    def right(self) -> float:
        """Share of the predictable queries at which the model says what comes next."""
        with torch.no_grad():
            logits = self.model(self.batch.tokens)
        return float(self.says(self.batch.tokens.roll(-1, 1))(logits, self.batch.tokens).mean())

    def alone(self) -> tuple[float, float]:
        """Loss of the claimed heads, all others at their mean, and the share of queries with the model's top token."""
        with torch.no_grad():
            own = self.model(self.batch.tokens).argmax(-1)
        kept = Mean(self.others)
        loss, agreement = (self.measure(self.unclaimed, kept, metric) for metric in (self.loss, self.says(own)))
        return float(loss.mean()), float(agreement.mean())

    def interchanged(self) -> float:
        """Share of queries at which the model copies from another sequence of the same layout, once the claimed
        induction heads' output is that sequence's.
        """
        batch, n = self.batch, len(self.batch.tokens)
        generator = torch.Generator().manual_seed(5)
        foreign = batch.tokens.clone()
        for row in range(n):
            known = set(batch.tokens[row].tolist())
            order = torch.randperm(self.model.config.d_vocab - 1, generator=generator) + 1
            fresh = [token for token in order.tolist() if token not in known]
            one, two, period = int(batch.first[row]), int(batch.second[row]), int(batch.period[row])
            foreign[row, one : one + period] = torch.tensor((fresh + order.tolist())[:period])
            foreign[row, two : two + period] = foreign[row, one : one + period]
        found = self.measure(self.heads["induction"], Patch(foreign), self.says(foreign.roll(-1, 1)))
        return float(found.mean())

    def push(self, head: tuple[int, int]) -> float:
        """Logits of the right token, against the mean over the vocabulary, that the head writes itself, and no MLP."""
        return self._push(Site("z", head[0]).path, self.model.weights["W_O"][head[0]][head[1]], head[1])

    def mlp_push(self, layer: int) -> float:
        """The same for an MLP."""
        return self._push(Site("mlp_out", layer).path)

    def _push(self, site: str, W: Tensor | None = None, head: int | None = None) -> float:
        weights, told = self.model.weights, self.batch.predictable
        with torch.no_grad():
            _, cache = self.model.run_with_cache(self.batch.tokens)
        written = cache[site] if W is None else cache[site][:, :, head] @ W
        if self.model.config.normalization_type is not None:
            written = written / cache["ln_final.hook_scale"] * weights["ln_final_w"]
        logits = (written @ weights["W_U"])[told]
        right = self.batch.tokens.roll(-1, 1)[told]
        return float((logits.gather(1, right[:, None])[:, 0] - logits.mean(1)).mean().detach())

    def through(self, sender: tuple[int, int], receiver: tuple[int, int], into: str = "K") -> float:
        """Nats that the direct edge costs when it carries what it carries in other sequences."""
        edge = Edge(sender, receiver, into)
        return float(patch_paths(self.model, self.batch.tokens, self.others, [edge], self.loss).change.mean())

    def moved(self, head: tuple[int, int], sender: tuple[int, int]) -> float:
        """By how much the head's mean attention to what followed the first occurrence falls without the sender."""
        site, kept = Site("z", sender[0]).path, {}
        with torch.no_grad():
            mean = self.model.run_with_cache(self.others, names_filter=site)[1][site].mean(0)

            def silence(z: Tensor, hook: object) -> Tensor:
                z[:, :, sender[1]] = mean[:, sender[1]]
                return z

            def keep(pattern: Tensor, hook: object) -> None:
                kept["pattern"] = pattern.clone()

            hooks = [(site, silence), (Site("pattern", head[0]).path, keep)]
            self.model.run_with_hooks(self.batch.tokens, fwd_hooks=hooks)
        return float((self.stripe(head) - self.stripe(head, kept["pattern"])).mean())

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
def _measured(kind: str, seed: int, sequences: int, architecture: str) -> Measured:
    return Measured(plant(kind, seed, architecture=architecture), sequences)


@pytest.fixture(scope="session", params=SEEDS)
def measured(request: pytest.FixtureRequest) -> Callable[..., Measured]:
    """measured(kind, sequences, architecture), for each seed in turn."""

    def measure(kind: str, sequences: int = 18, architecture: str = "attention_only") -> Measured:
        return _measured(kind, request.param, sequences, architecture)

    return measure


@pytest.fixture
def tokens() -> Tensor:
    """Some rows of the induction task."""
    return induction_batch(plant("circuit", 0).model, sequences=8, seed=0).tokens


@pytest.fixture(scope="session")
def measured_in() -> Callable[[str, str], Measured]:
    """measured_in(architecture, kind), for one seed."""
    return lambda architecture, kind="circuit": _measured(kind, 3, 18, architecture)


SETTINGS = (("attention_only", 0), ("silent_mlp", 1), ("gpt2", 0), ("all", 2))
"""Architectures and seeds that decoys are measured in."""


@pytest.fixture(scope="session", params=SETTINGS, ids=lambda setting: f"{setting[0]}-{setting[1]}")
def decoy(request: pytest.FixtureRequest) -> Callable[[str], Measured]:
    """decoy(kind), in each setting in turn; skips where a kind cannot be."""
    architecture, seed = request.param

    def measure(kind: str) -> Measured:
        positions = ARCHITECTURES[architecture].positions
        if positions not in POSITIONS.get(kind, (positions,)):
            pytest.skip(f"{kind} needs other positions")
        return _measured(kind, seed, 18, architecture)

    return measure
