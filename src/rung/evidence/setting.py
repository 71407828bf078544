"""What the tests of one claim share: runs on the task, on text and on prose, each made once, when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..circuits.heads import Head
from ..engine.sites import Site
from ..methods.runner import (
    MEAN,
    RESAMPLE,
    Ablation,
    Chunk,
    InductionRunner,
    PerQuery,
    PerSequence,
    Runner,
    TaskRunner,
    averaged,
)
from ..tasks.prose import TextBatch, repeated_passages, text_windows
from ..tasks.task import TaskBatch
from .claim import Claim, Role, Signature
from .observation import Floors, Tables

Scores = Mapping[Signature, np.ndarray]
"""By signature: [layer, head, sequence, pos], at the predictable queries, NaN elsewhere."""
METHODS: tuple[Ablation, ...] = (MEAN, RESAMPLE)
MOST_WINDOWS = 48
"""Windows of text that are scored; the rest are donors."""


Made = TypeVar("Made")
AnyRunner = TypeVar("AnyRunner", bound=Runner)


class Setting:
    """A claim, a runner on its task, and what several tests read."""

    def __init__(self, runner: TaskRunner, claim: Claim, floors: Floors, text: str | None = None) -> None:
        self.runner = runner
        self.claim = claim
        self.floors = floors
        self.text = text
        self.on_run: Callable[[], None] = lambda: None
        """Called after each run of the model, on whichever batch."""
        self._report(runner)
        self.tables: Tables = {}
        self.pair_shares: dict[tuple[Head, Head], float] = {}
        """Share of tokens that each pair of sender and receiver matches, as the weights tests compute them."""
        self._made: dict[Callable[[Setting], Any], Any] = {}
        self._costs: dict[tuple[tuple[Head, ...], str], PerQuery] = {}

    @property
    def gain(self) -> PerSequence:
        """What the behaviour is worth, in nats."""
        return self.runner.gain

    def cost(self, heads: tuple[Head, ...], how: Ablation) -> PerQuery:
        """Loss with `heads` ablated everywhere minus clean loss, kept once computed."""
        key = (tuple(sorted(heads)), how.name)
        if key not in self._costs:
            self._costs[key] = self.runner.cost(key[0], how)
        return self._costs[key]

    def once(self, make: Callable[[Setting], Made]) -> Made:
        """`make` of this setting, kept once computed."""
        if make not in self._made:
            self._made[make] = make(self)
        made: Made = self._made[make]
        return made

    @cached_property
    def scores(self) -> Scores:
        """Every head's signature scores on the task."""
        return signature_scores(self.runner, self.runner.batch)

    @cached_property
    def unrepeated_scores(self) -> Scores:
        """The same places on sequences in which the behaviour has nothing to work on."""
        return signature_scores(self.runner, self.runner.control_batch())

    def siblings(self, role: Role, floor: float) -> set[Head]:
        """Heads that look where the role's heads do."""
        means = np.nanmean(self.scores[role.signature], axis=(-2, -1))
        return {(int(layer), int(head)) for layer, head in np.argwhere(means >= floor)}

    @property
    def every_head(self) -> list[Head]:
        """All heads of the model."""
        return [(layer, head) for layer, head in np.ndindex(self.runner.config.n_layers, self.runner.config.n_heads)]

    @cached_property
    def text_runner(self) -> Runner:
        """The model on windows of ordinary text, with other windows as donors."""
        assert self.text is not None
        rows = text_windows(self.runner.model, self.text)
        scored = min(MOST_WINDOWS, len(rows) * 2 // 3)
        return self._report(
            Runner(self.runner.model, TextBatch(rows[:scored]), seed=self.runner.seed_for("text"), donors=rows[scored:])
        )

    @cached_property
    def prose_runner(self) -> InductionRunner:
        """The model on passages of text, each twice, with other passages as donors."""
        assert self.text is not None
        batch = repeated_passages(self.runner.model, self.text)
        scored = min(MOST_WINDOWS, len(batch.tokens) * 2 // 3)
        scored_batch, donors = batch.take(slice(0, scored)), batch.tokens[scored:]
        seed = self.runner.seed_for("prose")
        return self._report(InductionRunner(self.runner.model, scored_batch, seed=seed, donors=donors))

    def _report(self, runner: AnyRunner) -> AnyRunner:
        runner.on_run = lambda: self.on_run()
        return runner


def signature_scores(runner: Runner, batch: TaskBatch) -> Scores:
    """Every head's attention where each signature of the task says, told at each predictable query.

    Patterns are reduced as they come. Attention is not divided by what is parked on BOS.
    """
    config, (n, width) = runner.config, batch.tokens.shape
    places: Mapping[Any, tuple[Tensor, Tensor]] = batch.signatures
    held: dict[Signature, np.ndarray] = {
        name: np.full((config.n_layers, config.n_heads, n, width), np.nan, dtype=np.float32) for name in places
    }

    class Reduce:
        sites = frozenset(Site("pattern", layer) for layer in range(config.n_layers))

        def __init__(self, chunk: Chunk) -> None:
            self.chunk = chunk
            self.asked = chunk.of(batch.predictable).numpy()

        def __call__(self, name: str, layer: int | None, x: Tensor) -> Tensor:
            if name == "pattern" and layer is not None:
                rows = torch.arange(len(x), device=x.device)[:, None]
                for signature, place in places.items():
                    queries, keys = (self.chunk.of(one).clamp(max=x.shape[-1] - 1).to(x.device) for one in place)
                    picked = x[rows, :, queries, keys].permute(2, 0, 1).float().cpu().numpy()
                    held[signature][layer][:, self.chunk.rows, : self.chunk.width] = np.where(
                        self.asked, picked, np.nan
                    )
            return x

    for chunk in runner.chunks:
        runner.run(chunk.of(batch.tokens), Reduce(chunk))
    return held


def uniform_scores(batch: TaskBatch, signature: Signature, window: int | None = None) -> PerSequence:
    """What even attention over all positions that are seen gives any one of them: 1/(position + 1), 1/window."""
    seen = (batch.signatures[signature][0].numpy() + 1.0).clip(1, np.inf if window is None else window)
    return averaged(np.where(batch.predictable.numpy(), 1 / seen, np.nan))
