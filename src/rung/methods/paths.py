"""Path patching along direct edges, from a sender to one input of a receiver.

The sender's output is replaced by that of a corrupted run only as the receiver's input reads it. All components
between the two keep their clean values, so that only the direct edge is tested; everything after the receiver is
recomputed. (Wang et al. 2022, arXiv:2211.00593, section 3.1; Goldowsky-Dill et al. 2023, arXiv:2304.05969.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..circuits.composition import Into, check_edge
from ..circuits.heads import Head, head_label, whole_head
from ..config import ModelConfig
from ..display import Shown
from ..engine.linearize import norms_after
from ..engine.positions import position_info
from ..engine.sites import Site, check_head
from ..engine.taps import NO_TAP, EditTap, Tap, compose
from ..engine.transformer import attention_inputs, attention_write, heads, mlp
from ..engine.weights import Weights, block_weights
from ..errors import InterventionError, SiteError
from ..model.model import HookedTransformer
from ..tasks.metrics import Metric
from .interventions import Edited, Effect, Intervention, hooks_of, on_head, record
from .scoring import check_padding
from .sweep import sweep
from .workers import Progress

INPUTS: tuple[Into, ...] = get_args(Into)
"""Query, key and value inputs, in the order of attention's arguments."""
Component = Head | str
"""A head, (1, 4), or the label of another component: "embed" or "0.mlp"; "logits" as a receiver."""


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
    check_corrupted(tokens, corrupted)
    check_padding(metric, tokens, model.find_padding(tokens.to(model.device)))
    clean = metric(model(tokens), tokens)
    tap = path_tap(model, tokens, corrupted, edges)
    edited = metric(model.run_with_hooks(tokens, fwd_hooks=hooks_of(tap)), tokens)
    return Effect(tuple(map(str, edges)), "path patch from a corrupted run", metric.name, metric.unit, clean, edited)


@dataclass(frozen=True, eq=False, repr=False)
class PathEffects(Shown):
    """A metric of each example in the clean run, and with one direct path patched at a time. Exact."""

    senders: tuple[str, ...]
    receiver: str
    """With its input: "1.2.K", "1.2" (all three inputs), "1.mlp", "logits"."""
    metric: str
    unit: str
    clean: Float[Tensor, " batch"]
    edited: Float[Tensor, "sender batch"]

    @property
    def change(self) -> Float[Tensor, "sender batch"]:
        """Edited minus clean metric of each example."""
        return self.edited - self.clean

    @property
    def n(self) -> int:
        """Number of examples."""
        return self.clean.shape[0]

    def of(self, sender: str) -> Float[Tensor, " batch"]:
        """The change by one sender. Raises InterventionError if it is not among them."""
        if sender not in self.senders:
            raise InterventionError(f"no sender {sender!r}; the senders are {', '.join(self.senders)}")
        return self.change[self.senders.index(sender)]


@torch.no_grad()
def patch_all_senders(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    corrupted: Int[Tensor, "other_batch other_pos"],
    receiver: tuple[Component, Into | None],
    metric: Metric,
    progress: Progress | None = None,
) -> PathEffects:
    """The effect of each direct path to one receiver: from embeddings, heads and MLPs before it, one at a time.

    `receiver`: ((1, 2), "K"), ((1, 2), None) for all inputs of a head, ("1.mlp", None), or ("logits", None). What the
    sender writes in the run over `corrupted`, less what it writes in the clean run, is added to what the receiver
    reads; every other component before the receiver keeps its clean value, norms are recomputed, and so is everything
    after the receiver. Runs start at the receiver (see `sweep`).

    Raises SiteError for a missing receiver, InterventionError for one with nothing before it, an input that it does
    not have, or corrupted sequences of another shape.
    """
    end, into = receiver
    check_corrupted(tokens, corrupted)
    site = _receiving_site(model.config, end, into)
    senders = senders_before(model.config, end)
    if not senders:
        raise InterventionError(f"nothing writes to the stream before {component_label(end)}")
    stream_site = _stream_before(model.config, end)
    before = record_component_sites(model, tokens, senders, stream_site)
    after = record_component_sites(model, corrupted, senders)
    padding = model.find_padding(tokens.to(model.device))
    stream = before[stream_site.path]

    def edit(x: Tensor, first: int, sender: Component) -> Tensor:
        changed = stream + sent(model.config, model.weights, sender, before, after)
        if end == "logits":
            found = changed
        elif isinstance(end, str):
            layer = int(end.split(".")[0])
            found = mlp(model.config, block_weights(model.weights, layer), layer, changed, NO_TAP)
        else:
            inputs: dict[Into, Tensor] = dict.fromkeys(INPUTS if into is None else (into,), changed)
            found = receive(model.config, model.weights, end, stream, inputs, padding)
        return found[:, first : first + x.shape[1]]

    cells = []
    for sender in senders:
        put = Edited(partial(edit, sender=sender))
        cells.append(Intervention(site, put) if isinstance(end, str) else on_head(end, put))
    found = sweep(model, tokens, cells, metric, progress)
    name = component_label(end) + ("" if into is None else f".{into}")
    return PathEffects(tuple(map(component_label, senders)), name, metric.name, metric.unit, found.clean, found.edited)


def check_corrupted(tokens: Tensor, corrupted: Tensor) -> None:
    """Raises InterventionError unless each example has a corrupted sequence of its length."""
    if corrupted.shape != tokens.shape:
        raise InterventionError(
            f"each example needs a corrupted sequence of the same length: tokens have shape {list(tokens.shape)}, "
            f"corrupted {list(corrupted.shape)}"
        )


def senders_before(config: ModelConfig, receiver: Component) -> tuple[Component, ...]:
    """Every component that writes to the stream which `receiver` reads, in order.

    Position embeddings are the same in every run, so they are none. Raises SiteError for a receiver that is not there.
    """
    if isinstance(receiver, tuple):
        end, attention_too = check_head(config, *receiver)[0], False
    elif receiver == "logits":
        end, attention_too = config.n_layers, False
    else:
        end, attention_too = _mlp_layer(config, receiver), not config.parallel_attn_mlp
    found: list[Component] = ["embed"]
    for layer in range(end + attention_too):
        found += [(layer, head) for head in range(config.n_heads)]
        found += [] if config.attn_only or layer == end else [f"{layer}.mlp"]
    return tuple(found)


def sent(
    config: ModelConfig, weights: Weights, sender: Component, before: Mapping[str, Tensor], after: Mapping[str, Tensor]
) -> Float[Tensor, "batch pos d_model"]:
    """What a sender writes to the stream in the run `after`, less what it writes in the run `before`."""
    if isinstance(sender, tuple):
        return message(config, weights, [sender], before, after)
    path = _written_site(sender).path
    return after[path] - before[path]


def record_component_sites(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], senders: Sequence[Component], *more: Site
) -> Mapping[str, Tensor]:
    """A run's activations, by path, that `sent` needs of these senders, and those at `more` sites."""
    return record(model, tokens, [*dict.fromkeys((*map(_written_site, senders), *more))])


def _written_site(sender: Component) -> Site:
    if isinstance(sender, tuple):
        return Site("z", sender[0])
    return Site("embed") if sender == "embed" else Site("mlp_out", int(sender.split(".")[0]))


def _receiving_site(config: ModelConfig, receiver: Component, into: Into | None) -> Site:
    """The site whose value is replaced: a head's z, an MLP's output, or the stream after the last layer."""
    if isinstance(receiver, tuple):
        if into is not None and into not in INPUTS:
            raise InterventionError(f"a head has the inputs {', '.join(INPUTS)}; got {into!r}")
        return Site("z", check_head(config, *receiver)[0])
    if into is not None:
        raise InterventionError(f"{receiver} has one input; Q, K and V are those of a head, got {into!r}")
    if receiver == "logits":
        if not config.n_layers:
            raise InterventionError(f"{config.model_name} has no layers, so no paths to patch")
        return Site("resid_post", config.n_layers - 1)
    return Site("mlp_out", _mlp_layer(config, receiver))


def _stream_before(config: ModelConfig, receiver: Component) -> Site:
    """The stream that a receiver reads."""
    if isinstance(receiver, tuple):
        return Site("resid_pre", receiver[0])
    if receiver == "logits":
        return Site("resid_post", config.n_layers - 1)
    return Site("resid_pre" if config.parallel_attn_mlp else "resid_mid", _mlp_layer(config, receiver))


def _mlp_layer(config: ModelConfig, label: str) -> int:
    """The layer of "1.mlp". Raises SiteError if the model has no such component."""
    layer, _, kind = label.partition(".")
    if kind != "mlp" or config.attn_only or not layer.isdecimal() or int(layer) >= config.n_layers:
        mlps = "no MLPs" if config.attn_only else f'"0.mlp" to "{config.n_layers - 1}.mlp"'
        raise SiteError(
            f'no receiver {label!r} in {config.model_name}: it has heads as (layer, head), {mlps}, "logits"'
        )
    return int(layer)


def component_label(component: Component) -> str:
    """(1, 4) as "1.4"; other components are their labels."""
    return component if isinstance(component, str) else head_label(component)


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
        model.config,
        model.weights,
        {end: delta for end, delta in deltas.items() if end is not None},
        model.find_padding(tokens.to(model.device)),
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
        padding: Bool[Tensor, "batch pos"] | None = None,
    ) -> None:
        self._config, self._weights, self._padding = config, weights, padding
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
        assert self._stream is not None
        inputs = {into: self._stream + delta for into, delta in self._deltas[receiver].items()}
        return receive(self._config, self._weights, receiver, self._stream, inputs, self._padding)


def receive(
    config: ModelConfig,
    weights: Weights,
    receiver: Head,
    stream: Float[Tensor, "batch pos d_model"],
    inputs: Mapping[Into, Float[Tensor, "batch pos d_model"]],
    padding: Bool[Tensor, "batch pos"] | None = None,
) -> Float[Tensor, "batch pos d_head"]:
    """A head's z when each of `inputs` is read instead of the stream. `padding` is False at padding."""
    layer, head = receiver
    w, x = block_weights(weights, layer), stream
    info = position_info(config, weights, x.shape[:2], x.device, mask=padding)
    every = list(attention_inputs(config, w, layer, x, info, NO_TAP))
    for into, other in inputs.items():
        at = INPUTS.index(into)
        every[at] = attention_inputs(config, w, layer, other, info, NO_TAP)[at]
    return heads(config, w, layer, (every[0], every[1], every[2]), info, NO_TAP)[:, :, head]
