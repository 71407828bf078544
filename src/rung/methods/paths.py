"""Path patching along direct edges, from a sender to one input of a receiver.

The sender's output is replaced by that of a corrupted run only as the receiver's input reads it. All components
between the two keep their clean values, so that only the direct edge is tested; everything after the receiver is
recomputed. (Wang et al. 2022, arXiv:2211.00593, section 3.1; Goldowsky-Dill et al. 2023, arXiv:2304.05969.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..circuits.composition import Into, check_edge
from ..circuits.heads import Head, head_label, whole_head
from ..config import ModelConfig
from ..engine.linearize import norms_after
from ..engine.positions import position_info
from ..engine.sites import Site, check_head
from ..engine.taps import NO_TAP, EditTap, Tap, compose
from ..engine.transformer import attention_inputs, attention_write, heads
from ..engine.weights import Weights, block_weights
from ..errors import InterventionError
from ..model.model import HookedTransformer
from ..tasks.metrics import Metric
from .interventions import Effect, hooks_of, record

INPUTS: tuple[Into, ...] = get_args(Into)
"""Query, key and value inputs, in the order of attention's arguments."""


@dataclass(frozen=True)
class Edge:
    """From `sender` to the receiver's Q, K or V input, or (without a receiver) directly to the logits.

    Keys and values may be shared by a group of query heads; an edge into K or V changes them for its receiver only.
    """

    sender: Head
    receiver: Head | None = None
    into: Into | None = None

    def __post_init__(self) -> None:
        # Whole numbers of any library become Python's own.
        object.__setattr__(self, "sender", whole_head(self.sender))
        if self.receiver is not None:
            object.__setattr__(self, "receiver", whole_head(self.receiver))

    def __str__(self) -> str:
        end = "logits" if self.receiver is None else f"{head_label(self.receiver)}.{self.into}"
        return f"{head_label(self.sender)} → {end}"

    def check(self, config: ModelConfig) -> None:
        """Raises SiteError for a missing head, RungError if the receiver is not in a later layer."""
        if self.receiver is None:
            check_head(config, *self.sender)
        else:
            check_edge(config, self.sender, self.receiver)
        if (self.receiver is None) != (self.into is None):
            raise InterventionError(f"an edge needs both a receiver and its input (Q, K or V), or neither; got {self}")


@torch.no_grad()
def patch_paths(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    corrupted: Int[Tensor, "other_batch other_pos"],
    edges: Sequence[Edge],
    metric: Metric,
) -> Effect:
    """`metric` of each example in the clean run, and with all of `edges` patched from the corrupted run.

    (z' − z) W_O is added to the receiver's input, with the sender's z in the clean run and z' in the run over
    `corrupted`. Norms after attention and before the receiver are recomputed. Raises RungError if a receiver is not in
    a later layer than its sender, InterventionError for no edges or corrupted sequences of another shape.
    """
    if not edges:
        raise InterventionError("no edges were given to patch")
    for edge in edges:
        edge.check(model.config)
    if corrupted.shape != tokens.shape:
        raise InterventionError(
            f"each example needs a corrupted sequence of the same length: tokens have shape {list(tokens.shape)}, "
            f"corrupted {list(corrupted.shape)}"
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
    """The change of attention's output when z of `senders` is replaced by that of the run `after`: Σ (z' − z) W_O.

    A norm after attention is recomputed. Both runs hold z, by path. Changes are computed per layer; a change in an
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
    """The tap that patches `edges` in a clean run with values from the corrupted run."""
    sites = [Site("z", layer) for layer in sorted({edge.sender[0] for edge in edges})]
    before, after = record(model, tokens, sites), record(model, corrupted, sites)

    # Senders with the same end are patched together.
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
    """Adds a delta to one input of each receiver; all other heads read the unchanged stream.

    `deltas`: (receiver, input) → [batch, pos, d_model]. The receiver's z is recomputed from the run's stream, with the
    delta added before the norm of that input only. Keys and values of a group change for the receiver only, not for
    the other query heads of the group.
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
        return heads(config, w, layer, (inputs[0], inputs[1], inputs[2]), info, NO_TAP)[:, :, head]
