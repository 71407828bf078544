"""Path patching along one edge: what a sender tells one receiver, and nobody else.

The sender's output is swapped for that of a corrupted run only where the receiver's input reads it. Everything between
the two stays as it was in the clean run, so that only the direct edge is tested; everything after the receiver is
computed again. (Wang et al. 2022, arXiv:2211.00593, section 3.1; Goldowsky-Dill et al. 2023, arXiv:2304.05969.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..circuits.composition import Into, check_edge
from ..circuits.heads import Head, head_label
from ..config import ModelConfig
from ..engine.linearize import attention_write, norms_after
from ..engine.positions import position_info
from ..engine.sites import Site, check_head
from ..engine.taps import NO_TAP, CacheTap, EditTap, Tap, compose
from ..engine.transformer import attention_inputs, heads
from ..engine.weights import Weights, block_weights
from ..errors import InterventionError
from ..model.model import HookedTransformer
from ..tasks.metrics import Metric
from .interventions import Effect, hooks_of, record

INPUTS: tuple[Into, ...] = get_args(Into)
"""Queries, keys, values: in the order that attention takes them."""


@dataclass(frozen=True)
class Edge:
    """From `sender` to the receiver's Q, K or V input; without a receiver, straight to the logits.

    Keys and values are shared by a group of query heads; an edge into K or V of one head is read by that head alone.
    """

    sender: Head
    receiver: Head | None = None
    into: Into | None = None

    def __str__(self) -> str:
        end = "logits" if self.receiver is None else f"{head_label(self.receiver)}.{self.into}"
        return f"{head_label(self.sender)} → {end}"

    def check(self, config: ModelConfig) -> None:
        """Raises SiteError for a missing head, RungError for an edge that does not run forwards."""
        if self.receiver is None:
            check_head(config, *self.sender)
        else:
            check_edge(config, self.sender, self.receiver)
        if (self.receiver is None) != (self.into is None):
            raise InterventionError(f"an edge has a receiver and its input (Q, K or V), or neither; not {self}")


@torch.no_grad()
def patch_paths(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    corrupted: Int[Tensor, "other_batch other_pos"],
    edges: Sequence[Edge],
    metric: Metric,
) -> Effect:
    """`metric` of each example in the clean run, and with all of `edges` carrying what they carry in the corrupted run.

    The receiver's input gets (z' − z) W_O added, z the sender's in the clean run, z' in that of `corrupted`, example by
    example: what swapping z for z' changes in what its layer's attention writes, a norm after it computed again, as is
    the norm before the receiver. Raises RungError for an edge within a layer or
    backwards, InterventionError for no edge or corrupted sequences that do not match.
    """
    if not edges:
        raise InterventionError("no edge was given to patch")
    for edge in edges:
        edge.check(model.config)
    if corrupted.shape != tokens.shape:
        raise InterventionError(
            f"each example needs its corrupted sequence: tokens are {list(tokens.shape)}, corrupted "
            f"{list(corrupted.shape)}"
        )
    clean = metric(model(tokens), tokens)
    tap = path_tap(model, tokens, corrupted, edges)
    edited = metric(model.run_with_hooks(tokens, fwd_hooks=hooks_of(tap)), tokens)
    return Effect(tuple(map(str, edges)), "path patch from a corrupted run", metric.name, metric.unit, clean, edited)


def message(
    config: ModelConfig,
    weights: Weights,
    senders: Sequence[Head],
    before: Mapping[str, Tensor],
    after: Mapping[str, Tensor],
) -> Float[Tensor, "batch pos d_model"]:
    """The change of attention's output when z of `senders` is that of the run `after`: Σ (z' − z) W_O.

    A norm after attention is computed again. Both runs hold z, by path. Changes are computed per layer; a change in an
    earlier sender does not propagate to a later one.
    """
    total: Tensor | None = None
    for layer in sorted({layer for layer, _ in senders}):
        z, w = before[Site("z", layer).path], block_weights(weights, layer)
        heads = [head for at, head in senders if at == layer]
        if norms_after(config):
            swapped = z.clone()
            swapped[:, :, heads] = after[Site("z", layer).path][:, :, heads]
            change = attention_write(config, w, layer, swapped) - attention_write(config, w, layer, z)
        else:
            change = torch.einsum(
                "bphe,hed->bpd", after[Site("z", layer).path][:, :, heads] - z[:, :, heads], w.W_O[heads]
            )
        total = change if total is None else total + change
    assert total is not None
    return total


def path_tap(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    corrupted: Int[Tensor, "batch pos"],
    edges: Sequence[Edge],
) -> Tap:
    """The tap of a clean run in which `edges` carry what they carry in the corrupted run."""
    sites = [Site("z", layer) for layer in sorted({edge.sender[0] for edge in edges})]
    before, after = record(model, tokens, sites), record(model, corrupted, sites)

    # Senders of one end are swapped together.
    senders: dict[tuple[Head, Into] | None, dict[Head, None]] = {}
    for edge in edges:
        end = None if edge.receiver is None or edge.into is None else (edge.receiver, edge.into)
        senders.setdefault(end, {})[edge.sender] = None
    deltas = {
        end: message(model.config, model.weights, tuple(heads), before.cache_dict, after.cache_dict)
        for end, heads in senders.items()
    }
    direct = deltas.pop(None, None)
    received = ReceiverTap(
        model.config, model.weights, {end: delta for end, delta in deltas.items() if end is not None}
    )
    if direct is None:
        return received
    last = Site("resid_post", model.config.n_layers - 1)
    return compose(received, EditTap({last: lambda x: x + direct}))


class ReceiverTap:
    """Lets receivers read the stream with a delta added in one of their inputs; all other heads read it as it is.

    `deltas`: (receiver, input) → [batch, pos, d_model]. The receiver's z is computed again from the run's own stream
    with the delta added before the norm of that input alone. Keys and values of a group are patched for the one query
    head that is named: its siblings read what they read.
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: Weights,
        deltas: Mapping[tuple[Head, Into], Float[Tensor, "batch pos d_model"]],
    ) -> None:
        self._config, self._weights = config, weights
        self._deltas: dict[Head, dict[Into, Tensor]] = {}
        for (receiver, into), delta in deltas.items():
            self._deltas.setdefault(receiver, {})[into] = delta
        layers = {layer for layer, _ in self._deltas}
        self.sites = frozenset(Site(name, layer) for layer in layers for name in ("resid_pre", "z"))
        self._stream: Tensor | None = None

    def __call__(self, name: str, layer: int | None, x: Tensor) -> Tensor:
        if layer is None or Site(name, layer) not in self.sites:
            return x
        if name == "resid_pre":
            self._stream = x
            return x
        z = x.clone()
        for receiver in (head for head in self._deltas if head[0] == layer):
            z[:, :, receiver[1]] = self._received(receiver)
        return z

    def _received(self, receiver: Head) -> Float[Tensor, "batch pos d_head"]:
        layer, head = receiver
        assert self._stream is not None
        config, w, x = self._config, block_weights(self._weights, layer), self._stream
        info = position_info(config, self._weights, x.shape[:2], x.device)
        inputs = list(attention_inputs(config, w, layer, x, info, NO_TAP))
        for into, delta in self._deltas[receiver].items():
            at = INPUTS.index(into)
            inputs[at] = attention_inputs(config, w, layer, x + delta, info, NO_TAP)[at]
        tap = CacheTap([Site("z", layer)])
        heads(config, w, layer, (inputs[0], inputs[1], inputs[2]), info, tap)
        return tap.store[Site("z", layer).path][:, :, head]
