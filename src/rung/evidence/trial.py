"""One model on one batch: the runs that the rungs' tests are made of.

Every number is one per sequence. Runs begin at the first layer that an edit touches, end where nothing more is read,
and take logits only where a loss is read, so that a proof is some dozens of cheap runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..circuits.heads import Head
from ..config import ModelConfig
from ..engine.positions import position_info
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

LARGE = 20_000_000
"""Weights from which a run takes seconds: sequences then run in pieces as long as they need to be."""
ROWS = 8
"""Sequences of a piece."""
FEW = 2
"""Pieces that a large model runs for what only describes."""


@dataclass(frozen=True)
class Ablation:
    """What is put in place of heads: their per-position mean over the donors, a donor's own value, or nothing."""

    put: str
    draws: int


MEAN = Ablation("mean", 1)
ZERO = Ablation("zero", 1)
RESAMPLE = Ablation("resample", FEWEST_DONORS)


class Piece(NamedTuple):
    """Sequences that run together, and as many positions as any of them needs: none reads what follows the copies."""

    rows: Int[Tensor, " row"]
    width: int

    def of(self, x: Tensor) -> Tensor:
        """These sequences' part of [sequence, pos, …]."""
        return x[self.rows.to(x.device), : self.width]


Maker = Callable[[Piece], Tap]
"""What a piece runs with."""


def untouched(piece: Piece) -> Tap:
    """Nothing is edited."""
    return NO_TAP


class Trial:
    """A model, the sequences it is scored on, and others of the same task that values are taken from."""

    def __init__(self, model: HookedTransformer, batch: InductionBatch, *, sequences: int, seed: int) -> None:
        self.model = model
        self.config: ModelConfig = model.config
        self.weights: Weights = model.weights
        self.batch = batch
        self.seed = seed
        self.large = model.config.n_params >= LARGE
        self.pieces = _pieces(batch, ROWS if self.large else self.n)
        donors = max(sequences, FEWEST_DONORS)
        self.donors = induction_batch(model, sequences=donors, seed=self.seed_for("donors"))
        self.told = batch.predictable.to(model.device)
        self.on_run: Callable[[], None] = lambda: None
        self._streams: dict[int, list[Tensor]] = {}
        self._z: HeadValues = {}
        self._donor_z: HeadValues = {}
        self._donor_means: HeadValues = {}
        self._loss: PerSequence | None = None
        self._gain: PerSequence | None = None

    def seed_for(self, purpose: str) -> int:
        """A seed of its own for each thing that is drawn: draws for one purpose say nothing of another's."""
        return sub_seed(self.seed, purpose)

    @property
    def n(self) -> int:
        """Sequences."""
        return len(self.batch.tokens)

    @property
    def width(self) -> int:
        """Positions of the longest piece."""
        return max(piece.width for piece in self.pieces)

    @property
    def few(self) -> list[Piece]:
        """The pieces for what only describes: of a large model some, from short sequences to long."""
        return self.pieces[:: max(1, len(self.pieces) // FEW)] if self.large else self.pieces

    @torch.no_grad()
    def run(
        self,
        tokens: Int[Tensor, "batch pos"],
        tap: Tap = NO_TAP,
        start: int = 0,
        stream: Tensor | None = None,
        stop: int | None = None,
    ) -> Float[Tensor, "batch pos d_model"]:
        """The stream before layer `stop` (None: leaving the last), from tokens or from one that entered `start`."""
        frame = position_info(self.config, self.weights, tokens.shape, self.model.device)
        x = embed(self.config, self.weights, tokens.to(self.model.device), frame, tap) if stream is None else stream
        x = blocks(self.config, self.weights, x, frame, tap, start, stop)
        self.on_run()
        return x

    def stream(self, layer: int) -> list[Float[Tensor, "row pos d_model"]]:
        """Each piece's clean stream before `layer` (of as many as there are: leaving the last); kept once asked for."""
        if layer not in self._streams:
            before = max((at for at in self._streams if at < layer), default=0)
            entered = self._streams[before] if before else [None] * len(self.pieces)
            self._streams[layer] = [
                self.run(piece.of(self.batch.tokens), start=before, stream=x, stop=layer)
                for piece, x in zip(self.pieces, entered, strict=True)
            ]
        return self._streams[layer]

    @torch.no_grad()
    def row_logits(self, x: Tensor, at: Bool[Tensor, "batch pos"], tap: Tap = NO_TAP) -> Float[Tensor, "row d_vocab"]:
        """Logits at the positions `at`, row after row."""
        return upcast(unembed(self.config, self.weights, x[at][None], tap)[0])

    def losses(
        self,
        makers: Sequence[Maker] = (untouched,),
        start: int | None = None,
        at: Bool[Tensor, "batch pos"] | None = None,
        pieces: Sequence[Piece] | None = None,
    ) -> PerSequence:
        """Mean next-token loss of each scored sequence where `at` (None: the told queries), in nats.

        Runs begin at layer `start` (None: behind the last, where nothing is edited). Several makers are draws of one
        resampling: their logits are averaged before the loss. `pieces` (None: all): of which sequences, in their order.
        """
        at = self.told if at is None else at.to(self.model.device)
        streams = self.stream(self.config.n_layers if start is None else start)
        found = np.full(self.n, np.nan)
        for piece, x in zip(self.pieces, streams, strict=True):
            if pieces is not None and not any(piece is one for one in pieces):
                continue
            tokens, here, total = piece.of(self.batch.tokens), piece.of(at), None
            for make in makers:
                stream = self.run(tokens, make(piece), self.config.n_layers if start is None else start, x)
                logits = self.row_logits(stream, here)
                total = logits if total is None else total.add_(logits)
            assert total is not None
            found[piece.rows] = per_sequence(next_losses(total.div_(len(makers)), tokens, here), here)
        return found if pieces is None else found[torch.cat([piece.rows for piece in pieces])]

    @torch.no_grad()
    def bag_losses(self) -> tuple[PerSequence, PerSequence]:
        """Loss of the told tokens among what is left of the first copy's tokens, and what knowing those, but not their
        order, must cost at least.

        −log of p(right) / Σ p(left), whatever the model gives to all other tokens; ln(n − k), mean over the queries, k
        tokens of the second copy read: a guess among n − k tokens of which any may be next.
        """
        batch, streams = self.batch, self.stream(self.config.n_layers)
        column = torch.arange(batch.tokens.shape[1])

        def measured(piece: Piece) -> dict[str, PerSequence]:
            at, sequence = piece.of(self.told), piece.of(batch.predictable).nonzero()[:, 0]
            read = piece.of(batch.predictable).nonzero()[:, 1] - batch.second[piece.rows][sequence] + 1
            first, n = batch.first[piece.rows][sequence], batch.period[piece.rows][sequence]
            left = (column >= (first + read)[:, None]) & (column < (first + n)[:, None])
            logits = self.row_logits(next(x for one, x in zip(self.pieces, streams, strict=True) if one is piece), at)
            bag = logits.gather(1, batch.tokens[piece.rows][sequence].to(logits.device))
            bag = bag.masked_fill(~left.to(bag.device), -torch.inf)
            right = bag.gather(1, (first + read)[:, None].to(bag.device))[:, 0]
            bound = (n - read).double().log()
            return {
                "loss": per_sequence(bag.logsumexp(1) - right, at),
                "bound": per_sequence(bound.to(bag.device), at),
            }

        found = self.by_piece(measured)
        return found["loss"], found["bound"]

    def by_piece(self, measured: Callable[[Piece], Mapping[Any, PerSequence]]) -> dict[Any, PerSequence]:
        """What is measured of each piece, put together: one number a sequence under every key."""
        whole: dict[Any, PerSequence] = {}
        for piece in self.pieces:
            for key, values in measured(piece).items():
                whole.setdefault(key, np.full(self.n, np.nan))[piece.rows] = values
        return whole

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
            self._gain = self.losses(at=self.batch.first_copy) - self.clean
        return self._gain

    def z(self, layers: Iterable[int], donors: bool = False) -> HeadValues:
        """What every head of some layers averaged, on the scored sequences (0 behind their copies) or on the donors."""
        layers = list(layers)
        held = self._donor_z if donors else self._z
        missing = [layer for layer in layers if layer not in held]
        if missing and donors:
            parts = [self._z_of(tokens, missing) for tokens in self._donor_batches()]
            held |= {layer: torch.cat([part[layer] for part in parts]) for layer in missing}
        elif missing:
            first = min(missing)
            for piece, x in zip(self.pieces, self.stream(first), strict=True):
                for layer, z in self._z_of(piece.of(self.batch.tokens), missing, first, x).items():
                    whole = held.setdefault(layer, z.new_zeros((self.n, self.width, *z.shape[2:])))
                    whole[piece.rows.to(z.device), : piece.width] = z
        return {layer: held[layer] for layer in layers}

    def _z_of(
        self, tokens: Int[Tensor, "batch pos"], layers: Sequence[int], start: int = 0, stream: Tensor | None = None
    ) -> HeadValues:
        tap = CacheTap(Site("z", layer) for layer in layers)
        self.run(tokens, tap, start, stream, max(layers) + 1)
        return {layer: tap.store[Site("z", layer).path] for layer in layers}

    def _donor_batches(self) -> Sequence[Tensor]:
        # Nothing behind the longest piece is put anywhere.
        tokens = self.donors.tokens[:, : self.width]
        return tokens.split(ROWS) if self.large else (tokens,)

    def donor_means(self, layers: Iterable[int]) -> HeadValues:
        """What every head of some layers averaged, mean over the donors for each position."""
        layers = list(layers)
        missing = [layer for layer in layers if layer not in self._donor_means]
        for layer in [layer for layer in missing if layer in self._donor_z]:
            self._donor_means[layer] = self._donor_z[layer].mean(0, keepdim=True)
        missing = [layer for layer in missing if layer not in self._donor_means]
        if missing:
            tap = CacheTap((Site("z", layer) for layer in missing), keep=lambda z: z.sum(0, keepdim=True))
            for tokens in self._donor_batches():
                self.run(tokens, tap, stop=max(missing) + 1)
                for layer in missing:
                    held = self._donor_means.get(layer, 0)
                    self._donor_means[layer] = held + tap.store[Site("z", layer).path] / len(self.donors.tokens)
        return {layer: self._donor_means[layer] for layer in layers}

    def donor_rows(self, draws: int) -> Int[Tensor, "draw batch"]:
        """Which donor each sequence takes in each draw; never the same twice."""
        order = torch.rand(
            self.n, len(self.donors.tokens), generator=torch.Generator().manual_seed(self.seed_for("draws"))
        )
        return order.argsort(1)[:, :draws].T

    def ablate(self, heads: Sequence[Head], how: Ablation, pieces: Sequence[Piece] | None = None) -> PerSequence:
        """Second-copy loss with `heads` replaced together."""
        if not heads:
            return self.losses(pieces=pieces)
        return self.losses(self.ablation(heads, how), min(layer for layer, _ in heads), pieces=pieces)

    def ablation(self, heads: Sequence[Head], how: Ablation) -> list[Maker]:
        """One maker a draw."""
        layers = sorted({layer for layer, _ in heads})
        if how.put == "zero":
            return [put_heads(heads, {layer: torch.zeros((), device=self.model.device) for layer in layers})]
        if how.put == "mean":
            return [put_heads(heads, self.donor_means(layers))]
        values = self.z(layers, donors=True)
        return [put_heads(heads, values, rows) for rows in self.donor_rows(how.draws).to(self.model.device)]

    def mends(
        self, groups: Sequence[Sequence[Head]], tokens: Tensor, at: Tensor, answer: Tensor
    ) -> tuple[PerSequence, PerSequence, list[PerSequence]]:
        """Loss of `answer` at the one query `at`: clean, in the corrupted `tokens`, and there with each group of heads
        restored.
        """
        first = min(layer for heads in groups for layer, _ in heads)
        itself = torch.arange(self.n, device=self.model.device)
        restored = [put_heads(heads, self.z({layer for layer, _ in heads}), itself) for heads in groups]

        def loss(piece: Piece, stream: Tensor) -> PerSequence:
            logits = self.row_logits(stream, piece.of(at.to(stream.device)))
            found = F.cross_entropy(logits, answer[piece.rows].to(logits.device), reduction="none")
            return found.double().cpu().numpy()

        def measured(piece: Piece) -> dict[int, PerSequence]:
            corrupted = piece.of(tokens)
            entered = self.run(corrupted, stop=first)
            runs = [self.run(corrupted, make(piece), first, entered) for make in (untouched, *restored)]
            return dict(enumerate(loss(piece, stream) for stream in runs))

        clean = np.full(self.n, np.nan)
        for piece, stream in zip(self.pieces, self.stream(self.config.n_layers), strict=True):
            clean[piece.rows] = loss(piece, stream)
        found = self.by_piece(measured)
        return clean, found[0], [found[i + 1] for i in range(len(groups))]


def _pieces(batch: InductionBatch, rows: int) -> list[Piece]:
    """The sequences by length, `rows` at a time, each piece as long as its longest; whole if all run together."""
    n, width = batch.tokens.shape
    if rows >= n:
        return [Piece(torch.arange(n), width)]
    ends = batch.second + batch.period
    return [Piece(some, int(ends[some].max())) for some in ends.argsort(stable=True).split(rows)]


def sub_seed(seed: int, purpose: str) -> int:
    """A seed for one purpose, from a seed and the purpose's name."""
    return int.from_bytes(hashlib.sha256(f"{purpose} {seed}".encode()).digest()[:4], "big")


def put_heads(heads: Sequence[Head], values: dict[int, Tensor], rows: Int[Tensor, " batch"] | None = None) -> Maker:
    """Puts `values` in place of the z of `heads`: for each sequence that of its row in `rows`, or (None) one for all.

    A value without axes (zero) is the same for all heads.
    """
    by_layer: dict[int, list[int]] = {}
    for layer, head in heads:
        by_layer.setdefault(layer, []).append(head)

    def edit(z: Tensor, layer: int, piece: Piece) -> Tensor:
        z, value = z.clone(), values[layer]
        for head in by_layer[layer]:
            one = value if value.ndim == 0 else value[:, : piece.width, head]
            z[:, :, head] = one if rows is None else one[rows[piece.rows.to(rows.device)]]
        return z

    return lambda piece: EditTap({Site("z", layer): partial(edit, layer=layer, piece=piece) for layer in by_layer})


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
