"""One model on one batch: the runs that the rungs' tests are made of.

Every number is one per sequence. Runs begin at the first layer that an edit touches, and logits are taken only where
a loss is read, so that a proof is some dozens of cheap runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..circuits.heads import Head
from ..config import ModelConfig
from ..engine.positions import Frame, locate
from ..engine.sites import Site
from ..engine.taps import NO_TAP, CacheTap, EditTap, Tap
from ..engine.transformer import blocks, embed, unembed, upcast
from ..engine.weights import Weights
from ..methods.interventions import FEWEST_DONORS
from ..model.model import HookedTransformer
from ..tasks.induction import InductionBatch, induction_batch

PerSequence = np.ndarray
"""One number a sequence, float64."""

HeadValues = dict[int, Float[Tensor, "batch pos head d_head"]]
"""z of every head, by layer."""


@dataclass(frozen=True)
class Ablation:
    """What is put in place of heads: their per-position mean over the donors, a donor's own value, or nothing."""

    put: str
    draws: int


MEAN = Ablation("mean", 1)
ZERO = Ablation("zero", 1)
RESAMPLE = Ablation("resample", FEWEST_DONORS)


class Trial:
    """A model, the sequences it is scored on, and others of the same task that values are taken from."""

    def __init__(self, model: HookedTransformer, batch: InductionBatch, *, sequences: int, seed: int) -> None:
        self.model = model
        self.config: ModelConfig = model.config
        self.weights: Weights = model.weights
        self.batch = batch
        self.seed = seed
        donors = max(sequences, FEWEST_DONORS)
        self.donors = induction_batch(model, sequences=donors, seed=self.seed_for("donors"))
        self.told = batch.told.to(model.device)
        self._streams: dict[int, Tensor] = {}
        self._z: HeadValues = {}
        self._donor_z: HeadValues = {}
        self._loss: PerSequence | None = None
        self._gain: PerSequence | None = None

    def seed_for(self, purpose: str) -> int:
        """A seed of its own for each thing that is drawn: draws for one purpose say nothing of another's."""
        return sub_seed(self.seed, purpose)

    @property
    def n(self) -> int:
        """Sequences."""
        return len(self.batch.tokens)

    @torch.no_grad()
    def run(
        self, tokens: Int[Tensor, "batch pos"], tap: Tap = NO_TAP, start: int = 0, stream: Tensor | None = None
    ) -> Float[Tensor, "batch pos d_model"]:
        """The stream leaving the last layer, from tokens or from a stream that entered layer `start`."""
        frame = self._frame(tokens)
        x = embed(self.config, self.weights, tokens.to(self.model.device), frame, tap) if stream is None else stream
        return blocks(self.config, self.weights, x, frame, tap, start)

    def _frame(self, tokens: Tensor) -> Frame:
        return locate(self.config, self.weights, tokens.shape, self.model.device)

    def stream(self, layer: int) -> Float[Tensor, "batch pos d_model"]:
        """The scored sequences' clean stream before `layer`; every one that is asked for is kept."""
        if not layer:
            tokens = self.batch.tokens
            return embed(self.config, self.weights, tokens.to(self.model.device), self._frame(tokens), NO_TAP)
        if layer not in self._streams:
            tap = CacheTap([Site("resid_post", layer - 1)])
            self.run(self.batch.tokens, tap)
            self._streams[layer] = tap.store[Site("resid_post", layer - 1).path]
        return self._streams[layer]

    @torch.no_grad()
    def row_logits(self, x: Tensor, at: Bool[Tensor, "batch pos"], tap: Tap = NO_TAP) -> Float[Tensor, "row d_vocab"]:
        """Logits at the positions `at`, row after row."""
        return upcast(unembed(self.config, self.weights, x[at][None], tap)[0])

    def losses(
        self, taps: Sequence[Tap] = (NO_TAP,), start: int = 0, at: Bool[Tensor, "batch pos"] | None = None
    ) -> PerSequence:
        """Mean next-token loss of each scored sequence where `at` (None: the told queries), in nats.

        Several taps are draws of one resampling: their logits are averaged before the loss.
        """
        at = self.told if at is None else at.to(self.model.device)
        total: Tensor | None = None
        for tap in taps:
            logits = self.row_logits(self.run(self.batch.tokens, tap, start, self.stream(start)), at)
            total = logits if total is None else total.add_(logits)
        assert total is not None
        return per_sequence(next_losses(total.div_(len(taps)), self.batch.tokens, at), at)

    @property
    def clean(self) -> PerSequence:
        """Loss of the second copy, untouched."""
        if self._loss is None:
            self._loss = self.losses()
        return self._loss

    @property
    def gain(self) -> PerSequence:
        """First-copy loss minus second-copy loss."""
        if self._gain is None:
            self._gain = self.losses(at=self.batch.untold) - self.clean
        return self._gain

    def z(self, layers: Iterable[int], donors: bool = False) -> HeadValues:
        """What every head of some layers averaged, on the scored sequences or on the donors."""
        held, tokens = (self._donor_z, self.donors.tokens) if donors else (self._z, self.batch.tokens)
        missing = [layer for layer in layers if layer not in held]
        if missing:
            held |= self.z_of(tokens, missing)
        return {layer: held[layer] for layer in layers}

    def z_of(self, tokens: Int[Tensor, "batch pos"], layers: Iterable[int]) -> HeadValues:
        """z of some layers in a run over any sequences."""
        tap = CacheTap(Site("z", layer) for layer in layers)
        self.run(tokens, tap)
        return {layer: tap.store[Site("z", layer).path] for layer in layers}

    def donor_rows(self, draws: int) -> Int[Tensor, "draw batch"]:
        """Which donor each sequence takes in each draw; never the same twice."""
        order = torch.rand(
            self.n, len(self.donors.tokens), generator=torch.Generator().manual_seed(self.seed_for("draws"))
        )
        return order.argsort(1)[:, :draws].T

    def ablate(self, heads: Sequence[Head], how: Ablation) -> PerSequence:
        """Second-copy loss with `heads` replaced together."""
        if not heads:
            return self.clean
        return self.losses(self.ablation_taps(heads, how), min(layer for layer, _ in heads))

    def ablation_taps(self, heads: Sequence[Head], how: Ablation) -> list[Tap]:
        """One tap a draw."""
        layers = sorted({layer for layer, _ in heads})
        if how.put == "zero":
            return [put_heads(heads, {layer: torch.zeros((), device=self.model.device) for layer in layers})]
        values = self.z(layers, donors=True)
        if how.put == "mean":
            return [put_heads(heads, {layer: z.mean(0, keepdim=True) for layer, z in values.items()})]
        return [put_heads(heads, values, rows) for rows in self.donor_rows(how.draws).to(self.model.device)]

    def role_mends(
        self, heads: Sequence[Head], tokens: Tensor, at: Tensor, answer: Tensor
    ) -> tuple[PerSequence, PerSequence, PerSequence]:
        """Loss of `answer` at the one query `at`: clean, in the corrupted `tokens`, and there with `heads` restored."""
        layers = sorted({layer for layer, _ in heads})
        at = at.to(self.model.device)
        restored = put_heads(heads, self.z(layers))

        def loss(run: Tensor) -> PerSequence:
            logits = self.row_logits(run, at)
            return F.cross_entropy(logits, answer.to(logits.device), reduction="none").double().cpu().numpy()

        clean = self.run(self.batch.tokens)
        return loss(clean), loss(self.run(tokens)), loss(self.run(tokens, restored))


def sub_seed(seed: int, purpose: str) -> int:
    """A seed for one purpose, from a seed and the purpose's name."""
    return int.from_bytes(hashlib.sha256(f"{purpose} {seed}".encode()).digest()[:4], "big")


def put_heads(heads: Sequence[Head], values: dict[int, Tensor], rows: Int[Tensor, " batch"] | None = None) -> EditTap:
    """A tap that puts `values` (picked by `rows`, if given) in place of the z of `heads`."""
    by_layer: dict[int, list[int]] = {}
    for layer, head in heads:
        by_layer.setdefault(layer, []).append(head)

    def edit(z: Tensor, layer: int) -> Tensor:
        z, value = z.clone(), values[layer]
        for head in by_layer[layer]:
            # A value without heads (zero) is the same for all of them.
            one = value if value.ndim == 0 else value[:, :, head]
            z[:, :, head] = one if rows is None or value.ndim == 0 else one[rows]
        return z

    return EditTap({Site("z", layer): partial(edit, layer=layer) for layer in by_layer})


def next_losses(
    logits: Float[Tensor, "row d_vocab"], tokens: Int[Tensor, "batch pos"], at: Bool[Tensor, "batch pos"]
) -> Float[Tensor, " row"]:
    """−log p(next token) of each row."""
    return F.cross_entropy(logits, tokens.roll(-1, 1).to(logits.device)[at], reduction="none")


def per_sequence(rows: Float[Tensor, " row"], at: Bool[Tensor, "batch pos"]) -> PerSequence:
    """Rows averaged within each sequence."""
    sums = torch.zeros(at.shape, dtype=torch.float64, device=rows.device).masked_scatter(at, rows.double()).sum(1)
    return (sums / at.sum(1)).cpu().numpy()


Progress = Callable[[str, int, int], None]
"""Told what is being done, how many steps are behind, and how many there are."""


def silent(step: str, done: int, total: int) -> None:
    """No progress shown."""
