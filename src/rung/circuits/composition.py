"""Pairs of heads read from their weights: does what one writes lie where another reads, and does it fit?

A composition score describes: an unrelated pair of heads may score above the true one. The routed QK decides.
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
from ..engine.factored import FactoredMatrix, composition_scores
from ..engine.linearize import norms_after
from ..engine.sites import check_head
from ..engine.weights import ModelLike
from ..errors import NotDefinedError, RungError
from .argmax_diagonal import Diagonal, diagonal
from .heads import OV, QK, Head, attention_scale, head_label, head_weights, queries_of, token_inputs, writes_of
from .positional import turned_apart

Into = Literal["Q", "K", "V"]
"""Which input of the receiver an edge ends in."""


@dataclass(frozen=True, eq=False)
class Composition:
    """Composition scores of every pair of heads; NaN where the receiver is not in a later layer. Exact: no seed."""

    heads: tuple[str, ...]
    values: Float[Tensor, "into sender receiver"]
    """Axes: `into` (Q, K, V), sender, receiver; heads in the order of `heads`."""
    chance: float
    """What two random matrices give: 1/sqrt(d_model)."""
    into: tuple[str, ...] = get_args(Into)
    unit: str = "share of the product of norms"

    @property
    def n(self) -> int:
        """Pairs compared."""
        return int(self.values[0].isfinite().sum())

    def score(self, sender: str, receiver: str, into: Into) -> float:
        """The score of one edge, heads as "0.3"."""
        for name in (sender, receiver):
            if name not in self.heads:
                raise RungError(f"no head {name!r} among {self.heads[0]} to {self.heads[-1]}")
        at = self.heads.index(sender), self.heads.index(receiver)
        return self.values[self.into.index(into)][at].item()


def check_edge(config: ModelConfig, sender: Head, receiver: Head) -> None:
    """Raises SiteError for a head that is not there, RungError unless the receiver is in a later layer."""
    for head in (sender, receiver):
        check_head(config, *head)
    if receiver[0] <= sender[0]:
        why = "heads of one layer read the same input" if receiver[0] == sender[0] else "the stream runs forwards"
        raise RungError(
            f"no edge {head_label(sender)} → {head_label(receiver)}: {why}, so a receiver stands in a later layer "
            f"than its sender ({sender[0] + 1} to {config.n_layers - 1} here)"
        )


@torch.no_grad()
def composition(model: ModelLike) -> Composition:
    """‖W_OV M‖ / (‖W_OV‖ ‖M‖), M what the receiver does with the sender's write: W_QK for Q, W_QKᵀ for K, W_OV for V.

    Frobenius norms from the factors, the linear parts of norms folded in. Raises RungError without two layers.
    """
    config = model.config
    if config.n_layers < 2:
        raise RungError(f"composition needs two layers; {config.model_name} has {config.n_layers}")
    heads = [(layer, head) for layer in range(config.n_layers) for head in range(config.n_heads)]
    writes = _stack([OV(model, head) for head in heads])
    values = writes.A.new_full((3, len(heads), len(heads)), torch.nan)
    for layer in range(1, config.n_layers):
        here = slice(layer * config.n_heads, (layer + 1) * config.n_heads)
        matching = _stack([QK(model, head) for head in heads[here]])
        earlier = writes[: here.start]
        for at, read in enumerate((matching, matching.T, writes[here])):
            values[at, : here.start, here] = composition_scores(earlier, read)
    return Composition(tuple(map(head_label, heads)), values, 1 / math.sqrt(config.d_model))


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
    """The receiver's score of each query against what the senders write together on reading each token: [query, key].

    (x W_Q + b_Q) (Σ y W_V' W_O' W_K)ᵀ / scale, primes a sender's, x and y normalized inputs (`token_inputs`; each
    sender has its own table), up to a positive number for each key: the scales of the norms that come after the
    senders, before the receiver and at its keys. What senders write whatever they read (b_V) is left out. Rotary
    queries and keys stand `back` positions apart (None: are not turned). `outputs` stand in for W_O'.

    Raises SiteError for a missing head, RungError for an edge that does not run forwards, NotDefinedError for senders
    of several layers with norms after them: each layer's write is scaled by its own amount, which no weights tell.
    """
    config, keys = model.config, None
    if norms_after(config) and len({layer for layer, _ in senders}) > 1:
        raise NotDefinedError(
            f"{', '.join(map(head_label, senders))} stand in several layers, and the norm behind each scales what they "
            "write by an amount of its own: what they write together cannot be told from weights"
        )
    W_K = head_weights(model, receiver).W_K
    for sender, read in senders.items():
        check_edge(config, sender, receiver)
        values, W_O = writes_of(model, sender, read)
        written = values @ ((W_O if outputs is None else outputs[sender]) @ W_K)
        keys = written if keys is None else keys + written
    if keys is None:
        raise RungError("no sender was given")
    made = queries_of(model, receiver, queries)
    if back is not None:
        made, keys = turned_apart(config, receiver[0], made, keys, back)
    return FactoredMatrix(made / attention_scale(config), keys.T)


def routed_diagonal(
    model: ModelLike,
    sender: Head,
    receiver: Head,
    tokens: Int[Tensor, " token"] | None = None,
    inputs: Float[Tensor, "token d_model"] | None = None,
) -> Diagonal:
    """For each token routed into the receiver's key: is the query that scores it highest the same token?

    That is an induction head's question, "who was preceded by me?". `inputs` replaces the effective embedding of
    `tokens`.
    """
    x = token_inputs(model, tokens) if inputs is None else inputs
    what = f"{head_label(sender)} → {head_label(receiver)} routed QK, key token × query token"
    return diagonal(routed_qk(model, {sender: x}, receiver, x).T, what)


def _stack(matrices: list[FactoredMatrix]) -> FactoredMatrix:
    return FactoredMatrix(torch.stack([m.A for m in matrices]), torch.stack([m.B for m in matrices]))
