"""The forward passes of one model on one batch, which every test is measured with.

Results are one number for each sequence or for each query. Runs start at the first edited layer, stop after the last
activation that is read, and compute logits only at scored queries, so that a proof needs some dozens of cheap runs.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..circuits.heads import Head
from ..config import ModelConfig
from ..engine.positions import position_info
from ..engine.sites import Site
from ..engine.taps import NO_TAP, CacheTap, Tap, compose, watches
from ..engine.transformer import after_heads, blocks, embed, unembed, upcast
from ..engine.weights import Weights, block_weights
from ..model.model import HookedTransformer
from ..tasks.induction import Corrupted, Corruption, InductionBatch, corrupt, induction_batch, interchange
from ..tasks.task import TaskBatch, task_batch
from .interventions import (
    FEWEST_DONORS,
    Intervention,
    Mean,
    Replacement,
    Resample,
    Sources,
    Window,
    Zero,
    donor_rows,
    edit_tap,
    find_targets,
    on_head,
    source_key,
)

PerSequence = np.ndarray
"""One number a sequence, float64."""
PerQuery = np.ndarray
"""One number a position, [sequence, pos], float64; NaN at positions that are not scored."""

HeadValues = dict[int, Float[Tensor, "row place head d_head"]]
"""z of every head, by layer: of some sequences (or one for all), as far as any of them needs."""

LARGE = 20_000_000
"""Parameters from which a model counts as large: its sequences run in chunks, each as long as necessary."""
ROWS = 8
"""Sequences in a chunk."""
FEW = 2
"""Chunks that a large model runs for descriptive tests."""
FROM_Z = {"resid_pre", "z", "attn_out", "resid_mid", "mlp_out", "resid_post"}
"""What a tap may watch in a layer whose heads are not run again; resid_pre may be read there, but not edited."""


@dataclass(frozen=True)
class Ablation:
    """How heads are ablated: by their mean over the donors at each position, by a donor's value, or by zero."""

    name: str
    draws: int


MEAN = Ablation("mean", 1)
ZERO = Ablation("zero", 1)
RESAMPLE = Ablation("resample", FEWEST_DONORS)


class Chunk(NamedTuple):
    """Sequences that run together, and the number of positions that they need: tokens after the copies are not run."""

    rows: Int[Tensor, " row"]
    width: int

    def of(self, x: Tensor) -> Tensor:
        """The slice of a tensor [sequence, pos, …] for these sequences."""
        return x[self.rows.to(x.device), : self.width]


TapFactory = Callable[[Chunk], Tap]
"""A function that makes the tap of a chunk's run."""


class Readout(NamedTuple):
    """Loss and top-1 prediction at each query of a run."""

    loss: PerQuery
    """−log p(next token), in nats."""
    top: PerQuery
    """The most likely next token."""


Progress = Callable[[str, int, int], None]
"""Called with the name of the current step, the number of steps done, and the total."""


def no_progress(step: str, done: int, total: int) -> None:
    """A progress callback that does nothing."""


def untouched(chunk: Chunk) -> Tap:
    """A tap factory that edits nothing."""
    return NO_TAP


@runtime_checkable
class Scored(Protocol):
    """Sequences, the queries that are scored, and the end of what has to be run of each sequence."""

    @property
    def tokens(self) -> Int[Tensor, "sequence pos"]: ...
    @property
    def predictable(self) -> Bool[Tensor, "sequence pos"]: ...
    @property
    def ends(self) -> Int[Tensor, " sequence"]: ...


class Runner:
    """A model, the sequences it is scored on, and donors: other sequences of the same task for ablation values."""

    def __init__(self, model: HookedTransformer, batch: Scored, *, seed: int, donors: Int[Tensor, "donor pos"]) -> None:
        self.model = model
        self.config: ModelConfig = model.config
        self.weights: Weights = model.weights
        self.batch = batch
        self.seed = seed
        self.large = model.config.n_params >= LARGE
        self.chunks = _chunks(batch, ROWS if self.large else self.n)
        self.donors = donors
        self.predictable = batch.predictable.to(model.device)
        self.on_run: Callable[[], None] = lambda: None
        self._streams: dict[int, list[Tensor]] = {}
        self._z: HeadValues = {}
        self._donor_z: HeadValues = {}
        self._donor_means: HeadValues = {}
        self._clean: Readout | None = None

    def seed_for(self, *purpose: str) -> int:
        """A separate seed for each purpose, so that draws for different purposes are independent."""
        return sub_seed(self.seed, " ".join(purpose))

    @property
    def n(self) -> int:
        """Number of sequences."""
        return len(self.batch.tokens)

    @property
    def width(self) -> int:
        """Number of positions of the longest chunk."""
        return max(chunk.width for chunk in self.chunks)

    @property
    def few(self) -> list[Chunk]:
        """The chunks for descriptive tests: for a large model a few, from short sequences to long ones."""
        return self.chunks[:: max(1, len(self.chunks) // FEW)] if self.large else self.chunks

    @torch.no_grad()
    def run(
        self,
        tokens: Int[Tensor, "batch pos"],
        tap: Tap = NO_TAP,
        start: int = 0,
        stream: Tensor | None = None,
        stop: int | None = None,
        z: Float[Tensor, "batch pos head d_head"] | None = None,
    ) -> Float[Tensor, "batch pos d_model"]:
        """The stream before layer `stop` (None: after the last), from tokens or the stream before layer `start`, or
        from the outputs `z` of that layer's heads, where they are known.
        """
        positions = position_info(self.config, self.weights, tokens.shape, self.model.device)
        x = embed(self.config, self.weights, tokens.to(self.model.device), positions, tap) if stream is None else stream
        if z is not None:
            x = after_heads(self.config, block_weights(self.weights, start), start, tap("resid_pre", start, x), z, tap)
            start += 1
        x = blocks(self.config, self.weights, x, positions, tap, start, stop)
        self.on_run()
        return x

    def stream(self, layer: int) -> list[Float[Tensor, "row pos d_model"]]:
        """Each chunk's clean stream before `layer` (`n_layers`: after the last); cached."""
        if layer not in self._streams:
            before = max((at for at in self._streams if at < layer), default=0)
            inputs = self._streams[before] if before else [None] * len(self.chunks)
            self._streams[layer] = [
                self.run(chunk.of(self.batch.tokens), start=before, stream=x, stop=layer)
                for chunk, x in zip(self.chunks, inputs, strict=True)
            ]
        return self._streams[layer]

    @torch.no_grad()
    def row_logits(self, x: Tensor, at: Bool[Tensor, "batch pos"], tap: Tap = NO_TAP) -> Float[Tensor, "row d_vocab"]:
        """Logits at the positions `at`, concatenated over sequences."""
        return upcast(unembed(self.config, self.weights, x[at][None], tap)[0])

    def read(
        self,
        factories: Sequence[TapFactory] = (untouched,),
        start: int | None = None,
        *,
        at: Bool[Tensor, "batch pos"] | None = None,
        tokens: Int[Tensor, "batch pos"] | None = None,
        answers: Int[Tensor, "batch pos"] | None = None,
        chunks: Sequence[Chunk] | None = None,
    ) -> Readout:
        """Loss and top-1 prediction at the queries `at` (None: the predictable ones) of the scored sequences.

        Args:
            factories: Several are the draws of one resample ablation, whose logits are averaged. Sites after the last
                block have the rows that are read, [1, row, …].
            start: The first edited layer (None: no layer is edited). Where its edits begin at z, which is known of the
                clean run, its heads are not run again.
            at: The queries that are read.
            tokens: Run instead of the batch's tokens, from layer 0.
            answers: The tokens whose loss is taken (None: the next tokens).
            chunks: The chunks that are run (None: all); other sequences are NaN.
        """
        at = self.predictable if at is None else at.to(self.model.device)
        answers = (self.batch.tokens if tokens is None else tokens).roll(-1, 1) if answers is None else answers
        layer = self.config.n_layers if start is None else start
        streams = self.stream(layer) if tokens is None else [None] * len(self.chunks)
        known = self._known_z(layer) if tokens is None else None
        shape = self.batch.tokens.shape
        loss, top = np.full(shape, np.nan), np.full(shape, np.nan)
        for chunk, x in zip(self.chunks, streams, strict=True):
            if chunks is not None and not any(chunk is one for one in chunks):
                continue
            own, here, total = chunk.of(self.batch.tokens if tokens is None else tokens), chunk.of(at), None
            own_z = None if known is None else chunk.of(known)
            for make in factories:
                tap = make(chunk)
                z = own_z if _begins_at_z(tap, layer) else None
                logits = self.row_logits(self.run(own, tap, layer if tokens is None else 0, x, z=z), here, tap)
                total = logits if total is None else total.add_(logits)
            assert total is not None
            self._keep(total.div_(len(factories)), chunk, here, answers, loss, top)
        return Readout(loss, top)

    def _known_z(self, layer: int) -> Float[Tensor, "sequence pos head d_head"] | None:
        """z of a layer on the scored sequences; of a large model, whose z fill the memory, only where it was asked."""
        if layer == self.config.n_layers or (self.large and layer not in self._z):
            return None
        return self.z([layer])[layer]

    def read_with_addition(self, delta: Float[Tensor, "batch pos d_model"]) -> Readout:
        """Loss and top-1 prediction with `delta` added to the stream after the last layer: its direct effect."""
        shape = self.batch.tokens.shape
        loss, top = np.full(shape, np.nan), np.full(shape, np.nan)
        for chunk, x in zip(self.chunks, self.stream(self.config.n_layers), strict=True):
            here = chunk.of(self.predictable)
            logits = self.row_logits(x + chunk.of(delta), here)
            self._keep(logits, chunk, here, self.batch.tokens.roll(-1, 1), loss, top)
        return Readout(loss, top)

    def _keep(
        self, logits: Tensor, chunk: Chunk, here: Tensor, answers: Tensor, loss: np.ndarray, top: np.ndarray
    ) -> None:
        targets = chunk.of(answers).to(logits.device)[here]
        rows, columns = (axis.cpu().numpy() for axis in here.nonzero(as_tuple=True))
        of = chunk.rows.numpy()[rows]
        loss[of, columns] = self.loss_of(logits, targets, chunk, here).double().cpu().numpy()
        top[of, columns] = self.top_of(logits).cpu().numpy()

    def loss_of(
        self,
        logits: Float[Tensor, "row d_vocab"],
        targets: Int[Tensor, " row"],
        chunk: Chunk,
        here: Bool[Tensor, "batch pos"],
    ) -> Float[Tensor, " row"]:
        """−log p of each target, in nats."""
        return F.cross_entropy(logits, targets, reduction="none")

    def top_of(self, logits: Float[Tensor, "row d_vocab"]) -> Int[Tensor, " row"]:
        """The token with the highest logit in each row."""
        return logits.argmax(-1)

    @property
    def clean(self) -> Readout:
        """The clean run's readout at the predictable queries."""
        if self._clean is None:
            self._clean = self.read()
        return self._clean

    def cost(self, heads: Sequence[Head], how: Ablation, where: Bool[Tensor, "batch pos"] | None = None) -> PerQuery:
        """Loss with `heads` ablated together (at the positions `where`; None: everywhere) minus clean loss."""
        found: PerQuery = self.ablate(heads, how, where).loss - self.clean.loss
        return found

    def by_chunk(self, measured: Callable[[Chunk], Mapping[Any, PerSequence]]) -> dict[Any, PerSequence]:
        """Measures every chunk and joins the results: one number for each sequence under every key."""
        whole: dict[Any, PerSequence] = {}
        for chunk in self.chunks:
            for key, values in measured(chunk).items():
                whole.setdefault(key, np.full(self.n, np.nan))[chunk.rows] = values
        return whole

    def z(self, layers: Iterable[int], donors: bool = False) -> HeadValues:
        """z of every head of some layers, on the scored sequences (0 after their copies) or on the donors; cached."""
        layers = list(layers)
        cache = self._donor_z if donors else self._z
        missing = [layer for layer in layers if layer not in cache]
        if missing and donors:
            parts = [self.z_of(tokens, missing) for tokens in self._donor_batches()]
            cache |= {layer: torch.cat([part[layer] for part in parts]) for layer in missing}
        elif missing:
            first = min(missing)
            for chunk, x in zip(self.chunks, self.stream(first), strict=True):
                for layer, z in self.z_of(chunk.of(self.batch.tokens), missing, first, x).items():
                    whole = cache.setdefault(layer, z.new_zeros((self.n, self.width, *z.shape[2:])))
                    whole[chunk.rows.to(z.device), : chunk.width] = z
        return {layer: cache[layer] for layer in layers}

    def z_of(
        self, tokens: Int[Tensor, "batch pos"], layers: Sequence[int], start: int = 0, stream: Tensor | None = None
    ) -> HeadValues:
        """z of every head of some layers in one run."""
        tap = CacheTap(Site("z", layer) for layer in layers)
        self.run(tokens, tap, start, stream, max(layers) + 1)
        return {layer: tap.store[Site("z", layer).path] for layer in layers}

    def _donor_batches(self) -> Sequence[Tensor]:
        # Donor values after the end of the longest chunk are never used.
        tokens = self.donors[:, : self.width]
        return tokens.split(ROWS) if self.large else (tokens,)

    def donor_means(self, layers: Iterable[int]) -> HeadValues:
        """z of every head of some layers: the mean over donors at each position; cached."""
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
                    total = self._donor_means.get(layer, 0)
                    self._donor_means[layer] = total + tap.store[Site("z", layer).path] / len(self.donors)
        return {layer: self._donor_means[layer] for layer in layers}

    def ablate(
        self,
        heads: Sequence[Head],
        how: Ablation,
        where: Bool[Tensor, "batch pos"] | None = None,
        chunks: Sequence[Chunk] | None = None,
    ) -> Readout:
        """The readout with `heads` ablated together, at the positions `where` (None: everywhere)."""
        if not heads:
            return self.clean if chunks is None else self.read(chunks=chunks)
        return self.read(self.ablation(heads, how, where), min(layer for layer, _ in heads), chunks=chunks)

    def ablation(
        self, heads: Sequence[Head], how: Ablation, where: Bool[Tensor, "batch pos"] | None = None
    ) -> list[TapFactory]:
        """The tap factories of an ablation, one for each draw."""
        layers, put = sorted({layer for layer, _ in heads}), self._put(how)
        held: HeadValues = {}
        if how is not ZERO:
            held = self.donor_means(layers) if how is MEAN else self.z(layers, donors=True)
        sources = {source_key(put): {Site("z", layer): z[:, : self.width] for layer, z in held.items()}}
        at = self._within(where)
        return [self._edits([on_head(head, put, at) for head in heads], sources, draw) for draw in range(how.draws)]

    def _put(self, how: Ablation) -> Replacement:
        if how is ZERO:
            return Zero()
        return Mean(self.donors) if how is MEAN else self.resample(how.draws)

    def resample(self, draws: int) -> Resample:
        """Values from `draws` donors of each sequence."""
        return Resample(self.donors, draws, self.seed_for("draws"))

    def donors_of(self, draws: int) -> Int[Tensor, "draw sequence"]:
        """The donor of each sequence in each of several draws."""
        return donor_rows(self.resample(draws), self.n)

    def replaced(
        self, heads: Sequence[Head], values: HeadValues, where: Bool[Tensor, "batch pos"] | None = None
    ) -> TapFactory:
        """The tap factory that puts z of `heads` from `values`, at the positions `where` (None: everywhere)."""
        at = self._within(where)
        return self._edits([on_head(head, values[head[0]][:, : self.width, head[1]], at) for head in heads])

    def _within(self, where: Bool[Tensor, "batch pos"] | None) -> Bool[Tensor, "batch width"] | None:
        """A mask of positions, up to the end of the longest chunk."""
        return None if where is None else where[:, : self.width]

    def _edits(
        self, interventions: Sequence[Intervention], sources: Sources | None = None, draw: int = 0
    ) -> TapFactory:
        """The tap factory of interventions on sequences as long as the longest chunk."""
        targets = find_targets(self.model, self.batch.tokens[:, : self.width], interventions)

        def make(chunk: Chunk) -> Tap:
            return edit_tap([(targets, draw)], sources or {}, Window(chunk.rows, self.n, 0, chunk.width, self.width))

        return make


@dataclass(frozen=True, eq=False)
class Swap:
    """Other sequences S′, one for each S, whose place of the task stands `shift` later than in S."""

    tokens: Int[Tensor, "sequence pos"]
    shift: Int[Tensor, "sequence one"]
    answers: Int[Tensor, "sequence pos"]
    """What must be said at each query if the model follows what is put from S′."""
    hybrid: Int[Tensor, "sequence pos"] | None = None
    """Sequences that must be answered so, while S must not be; None: S itself must be."""


class TaskRunner(Runner):
    """A runner on a task of the ladder, with what the behaviour is worth."""

    batch: TaskBatch

    @property
    def sequences(self) -> int:
        """Number of sequences as a claim counts them."""
        return int(self.n // self.batch.task.rows)

    @property
    def gain_by_query(self) -> PerQuery:
        """What the behaviour is worth at each predictable query, in nats."""
        raise NotImplementedError

    @property
    def gain(self) -> PerSequence:
        """The gain, averaged within sequences."""
        return averaged(self.gain_by_query)

    def remaining_losses(self) -> tuple[PerQuery, PerQuery]:
        """Loss of the right answer among those that are left, and the least that a guess among them is expected to
        lose.
        """
        raise NotImplementedError

    def beside_gain(self) -> dict[str, float]:
        """Numbers that a reader wants beside the gain."""
        raise NotImplementedError

    def control_batch(self) -> TaskBatch:
        """As many sequences in which the behaviour has nothing to work on."""
        return task_batch(self.model, self.batch.task, sequences=self.sequences, seed=self.batch.seed, control=True)

    def redrawn(self, sequences: int, seed: int) -> TaskRunner:
        """A runner on other sequences of the task, with the same donors."""
        raise NotImplementedError

    def again(self) -> TaskRunner:
        """A runner on the same sequences and donors, in which nothing was run."""
        raise NotImplementedError

    def corrupted(self, which: Corrupted, seed: int) -> Corruption:
        """The sequences with one of the two tokens of the answer's match replaced."""
        raise NotImplementedError

    def swap(self, to_output: bool, seed: int) -> Swap:
        """What heads are to be put from, in an interchange: heads that write to the output, or those that do not."""
        raise NotImplementedError


class InductionRunner(TaskRunner):
    """A runner on the induction task, with the gain from the first copy to the second."""

    batch: InductionBatch

    def __init__(
        self,
        model: HookedTransformer,
        batch: InductionBatch,
        *,
        seed: int,
        donors: Int[Tensor, "donor pos"] | None = None,
    ) -> None:
        if donors is None:
            own = sub_seed(seed, "donors")
            count = max(len(batch.tokens), FEWEST_DONORS)
            donors = induction_batch(model, sequences=count, seed=own, task=batch.task).tokens
        super().__init__(model, batch, seed=seed, donors=donors)
        self._first: PerQuery | None = None

    def redrawn(self, sequences: int, seed: int) -> InductionRunner:
        batch = induction_batch(self.model, sequences=sequences, seed=seed, task=self.batch.task)
        return InductionRunner(self.model, batch, seed=seed, donors=self.donors)

    def again(self) -> InductionRunner:
        return InductionRunner(self.model, self.batch, seed=self.seed, donors=self.donors)

    def corrupted(self, which: Corrupted, seed: int) -> Corruption:
        return corrupt(self.batch, which, self.model, seed)

    def swap(self, to_output: bool, seed: int) -> Swap:
        """Copies of other tokens. To the output, S′'s B must be said; else the query A′, no longer A, finds S's B."""
        batch, other = self.batch, interchange(self.batch, self.model, seed)
        if not to_output:
            return Swap(
                other.donor.tokens, (other.donor.first - batch.first)[:, None], batch.tokens.roll(-1, 1), other.hybrid
            )
        shift = (other.donor.second - batch.second)[:, None]
        at = torch.arange(batch.tokens.shape[1]) + 1 + shift
        return Swap(other.donor.tokens, shift, other.donor.tokens.gather(1, at.clamp(0, batch.tokens.shape[1] - 1)))

    def beside_gain(self) -> dict[str, float]:
        right = self.clean.top == self.batch.tokens.roll(-1, 1).numpy()
        return {
            "first copy": float(averaged(self.first_loss).mean()),
            "second copy": float(averaged(self.clean.loss).mean()),
            "accuracy": share_of_queries(right, self.batch.predictable),
            "ln n": float(self.batch.period.double().log().mean()),
            "ln V": math.log(self.config.d_vocab),
        }

    @property
    def first_loss(self) -> PerQuery:
        """Clean loss on the first copy, stored at the position of the corresponding query in the second copy."""
        if self._first is None:
            at = (self.batch.source.numpy() - 1).clip(0)
            found = np.take_along_axis(self.read(at=self.batch.first_copy).loss, at, 1)
            self._first = np.where(self.batch.predictable.numpy(), found, np.nan)
        return self._first

    @property
    def gain_by_query(self) -> PerQuery:
        """First-copy loss minus second-copy loss at each predictable query."""
        found: PerQuery = self.first_loss - self.clean.loss
        return found

    @torch.no_grad()
    def remaining_losses(self) -> tuple[PerQuery, PerQuery]:
        """Loss of the predictable tokens among the first copy's remaining answers, and its order-blind bound.

        −log of p(right) / Σ p(remaining), which does not depend on the logits of other tokens; the logarithm of their
        number, ln(n − k) after k tokens of a repeat: a predictor that knows the set of remaining answers but not their
        order has at least this expected loss.
        """
        batch = self.batch
        loss, bound = (np.full(batch.tokens.shape, np.nan) for _ in range(2))
        for chunk, x in zip(self.chunks, self.stream(self.config.n_layers), strict=True):
            at = chunk.of(batch.predictable)
            sequence, query = at.nonzero(as_tuple=True)
            left = batch.asked_at[chunk.rows][sequence] >= query[:, None]
            source = batch.source[chunk.rows][sequence, query]
            logits = self.row_logits(x, at.to(x.device))
            remaining = logits.gather(1, batch.tokens[chunk.rows][sequence].to(logits.device))
            remaining = remaining.masked_fill(~left.to(remaining.device), -torch.inf)
            right = remaining.gather(1, source[:, None].to(remaining.device))[:, 0]
            of = (chunk.rows[sequence].numpy(), query.numpy())
            loss[of] = (remaining.logsumexp(1) - right).double().cpu().numpy()
            bound[of] = left.sum(1).double().log().numpy()
        return loss, bound


def _begins_at_z(tap: Tap, layer: int) -> bool:
    """Whether a tap leaves what the heads of `layer` are made from."""
    return not watches(tap, None, "pos_embed") and all(site.name in FROM_Z for site in tap.sites if site.layer == layer)


def _chunks(batch: Scored, rows: int) -> list[Chunk]:
    """Chunks of `rows` sequences, sorted by length and cut to the longest of the chunk; one chunk if all fit."""
    n, width = batch.tokens.shape
    if rows >= n:
        return [Chunk(torch.arange(n), width)]
    return [Chunk(some, int(batch.ends[some].max())) for some in batch.ends.argsort(stable=True).split(rows)]


def sub_seed(seed: int, purpose: str) -> int:
    """A seed derived from a seed and the name of a purpose."""
    return int.from_bytes(hashlib.sha256(f"{purpose} {seed}".encode()).digest()[:4], "big")


def together(*factories: TapFactory) -> TapFactory:
    """One factory for several: each tap sees what the ones before it left."""
    return lambda chunk: compose(*(make(chunk) for make in factories))


def averaged(values: PerQuery, where: Bool[Tensor, "batch pos"] | None = None) -> PerSequence:
    """The mean over each sequence's queries (those in `where`); NaN for a sequence without queries."""
    mask = ~np.isnan(values) if where is None else where.cpu().numpy()
    count = mask.sum(1)
    with np.errstate(invalid="ignore"):
        found: PerSequence = np.where(mask, values, 0.0).sum(1) / np.where(count, count, np.nan)
    return found


def share_of_queries(right: np.ndarray, at: Bool[Tensor, "batch pos"]) -> float:
    """The share of queries at which something is so, the mean of the sequences' own."""
    return float(averaged(np.where(at.numpy(), right.astype(float), np.nan)).mean())


def per_sequence(rows: Float[Tensor, " row"], at: Bool[Tensor, "batch pos"]) -> PerSequence:
    """Averages rows, one for each True position of `at`, within each sequence."""
    sums = torch.zeros(at.shape, dtype=torch.float64, device=rows.device).masked_scatter(at, rows.double()).sum(1)
    return (sums / at.sum(1)).cpu().numpy()
