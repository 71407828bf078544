"""Composition of pairs of heads, from weights: composition scores and the composed QK circuit.

A composition score is descriptive: an unrelated pair of heads may score above the true pair. The composed QK decides.
(Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits", on composition and induction heads.)
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..config import ModelConfig
from ..display import Shown
from ..engine.factored import FactoredMatrix, composition_scores, later_composition_scores
from ..engine.linearize import norms_after
from ..engine.sites import check_head
from ..engine.weights import ModelLike
from ..errors import NotDefinedError, RungError
from .argmax_diagonal import Diagonal, diagonal
from .heads import (
    OV,
    QK,
    Head,
    attention_scale,
    head_label,
    head_weights,
    queries_of,
    token_inputs,
    turned_apart,
    writes_of,
)

Into = Literal["Q", "K", "V"]
"""The receiver's input that an edge ends in."""


@dataclass(frozen=True, eq=False, repr=False)
class Composition(Shown):
    """Composition scores of all pairs of heads; NaN unless the receiver is in a later layer. Nothing is sampled."""

    heads: tuple[str, ...]
    values: Float[Tensor, "into sender receiver"]
    """Axes: `into` (Q, K, V), sender, receiver; heads in the order of `heads`."""
    chance: float
    """The root mean square of the scores of heads with random directions: 1/sqrt(d_model)."""
    n_heads: int
    """Heads in a layer."""
    into: tuple[str, ...] = get_args(Into)
    unit: str = "share of the product of norms"

    @property
    def n(self) -> int:
        """Number of pairs."""
        return int(self.values[0].isfinite().sum())

    def score(self, sender: str, receiver: str, into: Into) -> float:
        """The score of one edge; heads are written as "0.3"."""
        for name in (sender, receiver):
            if name not in self.heads:
                raise RungError(f"no head {name!r} among {self.heads[0]} to {self.heads[-1]}")
        at = self.heads.index(sender), self.heads.index(receiver)
        return self.values[self.into.index(into)][at].item()

    def others(self) -> Float[Tensor, "into sender receiver"]:
        """The same-model baseline: the mean score of the other pairs of the same two layers; NaN where there are none.

        A score above it is particular to the pair, not to what the two layers have in common.
        """
        block = self.values.unflatten(2, (-1, self.n_heads)).unflatten(1, (-1, self.n_heads))
        total, count = block.sum((2, 4), keepdim=True), self.n_heads**2 - 1
        rest = (total - block) / count if count else torch.full_like(block, torch.nan)
        return rest.flatten(3).flatten(1, 2)

    def ranked(self) -> list[tuple[str, str, str, float]]:
        """(sender, receiver, into, score) of every pair, highest first."""
        found = [
            (self.heads[sender], self.heads[receiver], self.into[into], self.values[into, sender, receiver].item())
            for into, sender, receiver in self.values.isfinite().nonzero().tolist()
        ]
        return sorted(found, key=lambda each: -each[3])


def check_edge(config: ModelConfig, sender: Head, receiver: Head) -> None:
    """Raises SiteError for a missing head, RungError unless the receiver is in a later layer than the sender."""
    for head in (sender, receiver):
        check_head(config, *head)
    if receiver[0] <= sender[0]:
        why = "heads of one layer read the same input" if receiver[0] == sender[0] else "the stream runs forwards"
        raise RungError(
            f"no edge {head_label(sender)} → {head_label(receiver)}: {why}, so a receiver must be in a "
            f"later layer than its sender ({sender[0] + 1} to {config.n_layers - 1} here)"
        )


@torch.no_grad()
def composition(model: ModelLike) -> Composition:
    """‖W_OV M‖ / (‖W_OV‖ ‖M‖), with M the receiver's W_QK for Q, W_QKᵀ for K, W_OV for V.

    Frobenius norms, computed from the factors; the linear parts of norms are folded in. Raises RungError for a model
    with fewer than two layers.
    """
    config = model.config
    if config.n_layers < 2:
        raise RungError(f"composition needs two layers; {config.model_name} has {config.n_layers}")
    heads = [(layer, head) for layer in range(config.n_layers) for head in range(config.n_heads)]
    shape = (config.n_layers, config.n_heads)
    writes = _stack([OV(model, head) for head in heads], shape)
    matching = _stack([QK(model, head) for head in heads], shape)
    values = later_composition_scores(writes, matching, matching.T, writes).flatten(3).flatten(1, 2)
    return Composition(tuple(map(head_label, heads)), values, 1 / math.sqrt(config.d_model), config.n_heads)


def gaussian_composition(d_model: int, d_head: int, seed: int, n: int = 16) -> tuple[float, float]:
    """The mean and standard deviation of the scores of `n`² pairs of Gaussian heads, drawn from `seed`.

    The root mean square is 1/sqrt(d_model) whatever the spectra: E tr(G_L G_R) = tr(G_L) tr(G_R) / d_model for Gram
    matrices of independent random directions.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(n, *shape, generator=generator)

    left, right = (FactoredMatrix(draw(d_model, d_head), draw(d_head, d_model)) for _ in range(2))
    scores = composition_scores(left, right).double()
    return scores.mean().item(), scores.std().item()


@torch.no_grad()
def routed_qk(
    model: ModelLike,
    senders: Mapping[Head, Float[Tensor, "key d_model"]],
    receiver: Head,
    queries: Float[Tensor, "query d_model"],
    *,
    back: int | None = None,
    outputs: Mapping[Head, Float[Tensor, "d_head d_model"]] | None = None,
) -> FactoredMatrix:
    """The composed QK: scores of each query against the senders' summed output on each token, [query, key].

    (x W_Q + b_Q) (Σ y W_V' W_O' W_K)ᵀ / scale, primes a sender's, x and y normalized inputs (`token_inputs`; one table
    for each sender), up to a positive factor for each key: the scales of the norms after the senders, before the
    receiver and at its keys. The senders' b_V, which does not depend on their input, is left out. Rotary embeddings
    are applied for a distance of `back` positions (None: not applied). `outputs` replace W_O'.

    Raises SiteError for a missing head, RungError if the receiver is not in a later layer than each sender,
    NotDefinedError for senders in several layers with norms after attention: the scale of each layer's output is not
    determined by weights.
    """
    config, keys = model.config, None
    if norms_after(config) and len({layer for layer, _ in senders}) > 1:
        raise NotDefinedError(
            f"{', '.join(map(head_label, senders))} are in several layers, and the norm after each layer's attention "
            "has a scale of its own: their summed output is not determined by weights"
        )
    W_K = head_weights(model, receiver).W_K
    for sender, read in senders.items():
        check_edge(config, sender, receiver)
        values, W_O = writes_of(model, sender, read)
        written = values @ ((W_O if outputs is None else outputs[sender]) @ W_K)
        keys = written if keys is None else keys + written
    if keys is None:
        raise RungError("no sender was given")
    q = queries_of(model, receiver, queries)
    if back is not None:
        q, keys = turned_apart(config, receiver[0], q, keys, back)
    return FactoredMatrix(q / attention_scale(config), keys.T)


def routed_diagonal(
    model: ModelLike,
    sender: Head,
    receiver: Head,
    tokens: Int[Tensor, " token"] | None = None,
    inputs: Float[Tensor, "token d_model"] | None = None,
) -> Diagonal:
    """The composed QK's diagonal: for each token read by the sender, does the same token as query score it highest?

    In an induction circuit it does: the query token attends to the position that follows its earlier occurrence.
    `inputs` replaces the effective embedding of `tokens`.
    """
    x = token_inputs(model, tokens) if inputs is None else inputs
    what = f"{head_label(sender)} → {head_label(receiver)} composed QK, key token × query token"
    return diagonal(routed_qk(model, {sender: x}, receiver, x).T, what)


def _stack(matrices: list[FactoredMatrix], shape: tuple[int, int]) -> FactoredMatrix:
    A, B = torch.stack([m.A for m in matrices]), torch.stack([m.B for m in matrices])
    return FactoredMatrix(A.unflatten(0, shape), B.unflatten(0, shape))
