"""Weights of a circuit on sentences of names: what marks the name that returned, and what makes a head pass it by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ...circuits.argmax_diagonal import diagonal
from ...circuits.heads import Head, head_label, head_weights, keys_of, queries_of, turned_apart, writes_of
from ...engine.factored import FactoredMatrix
from ...engine.linearize import norms_after, norms_before
from ...engine.sites import Site
from ...engine.taps import NO_TAP, CacheTap
from ...engine.transformer import norm_before, upcast
from ...errors import NotDefinedError
from ...methods.names_runner import NamesRunner
from ..claim import Claim
from ..observation import Observation, TestSpec
from ..setting import Setting
from .inputs import Inputs, at_worst, inputs_of

TURNS = 20
"""Random directions that the senders' output is rotated to, for comparison."""

Writes = Callable[[Head], Float[Tensor, "name d_model"]]
"""What a head writes for each name that it attends to, up to a positive factor."""


def names_qk(setting: Setting, spec: TestSpec) -> Observation:
    """For each name that returns: does the receiver look where it should because of what the senders write of it?

    Into K: with the senders' output added, is this name's key the one that the query scores highest among all names?
    Into V: is what the receiver carries on read by its own receivers, as it is for an edge into Q: of all names' keys,
    is that of this name the one that the message scores lowest? Beside it the best other sender of these layers, and
    the senders' output rotated to random directions.
    """
    assert isinstance(setting.runner, NamesRunner)
    inputs = setting.once(inputs_of)
    if norms_after(setting.runner.config):
        raise NotDefinedError("the norm after attention has a scale of its own, which weights do not determine")
    right = _test(setting, spec, inputs)
    others = [
        (layer, head)
        for layer in sorted({layer for layer, _ in spec.heads})
        for head in range(setting.runner.config.n_heads)
        if (layer, head) not in spec.heads
    ]
    shares = {head: float(_test(setting, spec, inputs, instead=head).mean()) for head in others}
    best = max(shares, key=lambda head: shares[head], default=None)
    controls = {
        "best other pair": 0.0 if best is None else shares[best],
        "rotated": max(float(_test(setting, spec, inputs, turn=turn).mean()) for turn in _turns(setting, spec)),
    }
    notes = {"best other pair": "" if best is None else head_label(best), "read": inputs.name(spec.receivers[0][0])}
    return Observation({"matched": inputs.share(right)}, "of names", controls=controls, notes=notes)


def _test(
    setting: Setting,
    spec: TestSpec,
    inputs: Inputs,
    instead: Head | None = None,
    turn: Float[Tensor, "d_model d_model"] | None = None,
) -> np.ndarray:
    """1 for each name that passes; with another sender `instead` of all claimed ones, or their output turned."""
    runner, claim, (receiver,) = setting.runner, setting.claim, spec.receivers
    assert isinstance(runner, NamesRunner)
    senders = spec.heads if instead is None else (instead,)
    if spec.into == "K":
        return _marked(setting, senders, receiver, inputs, turn)

    def written(heads: Sequence[Head], of: Writes) -> Float[Tensor, "name d_model"]:
        found = torch.stack([of(head) for head in heads]).sum(0)
        return found if turn is None else found @ turn

    if spec.into == "Q":
        return _passed_by(runner, written(senders, lambda head: _carried(claim, head, inputs)), receiver, inputs)
    message = written(senders, lambda head: _writes(inputs, head))
    readers = [one for one in claim.edges if one.sender == claim.edge_of(spec).receiver]
    if not readers:
        raise NotDefinedError(f"no edge says who reads what {head_label(receiver)} carries on")
    heads = [head for edge in readers for head in claim.role(edge.receiver).heads]
    found = [_passed_by(runner, _through(inputs, receiver, message), head, inputs) for head in heads]
    return min(found, key=lambda one: float(one.mean()))


def _writes(inputs: Inputs, head: Head) -> Float[Tensor, "name d_model"]:
    """What a head writes for each name, attending to it."""
    return _through(inputs, head, inputs.at(head[0]))


def _through(inputs: Inputs, head: Head, read: Float[Tensor, "name d_model"]) -> Float[Tensor, "name d_model"]:
    values, W_O = writes_of(inputs.runner.model, head, read)
    return values @ W_O


def _carried(claim: Claim, head: Head, inputs: Inputs) -> Float[Tensor, "name d_model"]:
    """What a head writes of what its claimed senders told its values; without such an edge, of the name itself."""
    senders = [
        sender
        for edge in claim.edges
        if edge.into == "V" and head in claim.role(edge.receiver).heads
        for sender in claim.role(edge.sender).heads
    ]
    if not senders:
        return _writes(inputs, head)
    return _through(inputs, head, torch.stack([_writes(inputs, sender) for sender in senders]).sum(0))


def _passed_by(
    runner: NamesRunner, message: Float[Tensor, "name d_model"], receiver: Head, inputs: Inputs
) -> np.ndarray:
    """Whether each name's message, read as a query, scores the key of that name lowest."""
    queries = message @ head_weights(runner.model, receiver).W_Q
    keys = keys_of(runner.model, receiver, inputs.at(receiver[0]))

    def right(back: int | None) -> np.ndarray:
        q, k = queries, keys
        if back is not None:
            q, k = turned_apart(runner.config, receiver[0], q, k, back)
        return (diagonal(FactoredMatrix(-q, k.T), "routed query").rank == 0).double().cpu().numpy()

    return at_worst(runner, receiver, runner.batch.distances_of("name_mover"), right)


@torch.no_grad()
def _asking(setting: Setting) -> dict[int, tuple[Float[Tensor, "sequence d_model"], float]]:
    """By layer of the claim's heads: the stream before it at each query, and its norm's mean scale where a name
    returns (1 without norms).
    """
    runner = setting.runner
    assert isinstance(runner, NamesRunner)
    layers = sorted({layer for layer, _ in setting.claim.heads})
    normed = norms_before(runner.config)
    sites = [Site("resid_pre", layer) for layer in layers]
    sites += [Site("ln1.scale", layer) for layer in layers if normed]
    streams: dict[int, list[Tensor]] = {layer: [] for layer in layers}
    scales: dict[int, list[Tensor]] = {layer: [] for layer in layers}
    for chunk in runner.chunks:
        tap = CacheTap(sites)
        runner.run(chunk.of(runner.batch.tokens), tap, stop=max(layers) + 1)
        rows = torch.arange(len(chunk.rows))
        at, returns = (where[chunk.rows] for where in (runner.batch.query, runner.batch.s2))
        for layer in layers:
            streams[layer].append(upcast(tap.store[Site("resid_pre", layer).path])[rows, at])
            if normed:
                scales[layer].append(upcast(tap.store[Site("ln1.scale", layer).path])[rows, returns])
    return {
        layer: (torch.cat(streams[layer]), float(torch.cat(scales[layer]).mean()) if normed else 1.0)
        for layer in layers
    }


@torch.no_grad()
def _marked(
    setting: Setting,
    senders: Sequence[Head],
    receiver: Head,
    inputs: Inputs,
    turn: Float[Tensor, "d_model d_model"] | None,
) -> np.ndarray:
    """For each name, the share of sequences whose query scores its marked key above every other name's plain key."""
    runner, layer, config = setting.runner, receiver[0], setting.runner.config
    stream, scale = setting.once(_asking)[layer]
    message = torch.stack([_writes(inputs, sender) for sender in senders]).sum(0)
    message = (message if turn is None else message @ turn) / scale
    own = norm_before(config, None, None, "ln1", layer, stream, NO_TAP)
    queries, keys = queries_of(runner.model, receiver, own), keys_of(runner.model, receiver, inputs.at(layer))
    marks = message @ head_weights(runner.model, receiver).W_K

    def right(back: int | None) -> np.ndarray:
        q, plain, marked = queries, keys, keys + marks
        if back is not None:
            q, plain = turned_apart(config, layer, queries, keys, back)
            _, marked = turned_apart(config, layer, queries, keys + marks, back)
        scores, best = q @ marked.T, q @ plain.T
        top = best.topk(2, dim=1)
        # Of the name itself the plain key does not count.
        other = torch.where(best == top.values[:, :1], top.values[:, 1:], top.values[:, :1])
        return (scores > other).double().mean(0).cpu().numpy()

    return at_worst(runner, receiver, runner.batch.distances_of("s_inhibition"), right)


def _turns(setting: Setting, spec: TestSpec) -> list[Float[Tensor, "d_model d_model"]]:
    """Random rotations of the stream."""
    generator = torch.Generator().manual_seed(setting.runner.seed_for("turns", spec.subject))
    wide = upcast(setting.runner.model.W_E)
    size = setting.runner.config.d_model
    return [torch.linalg.qr(torch.randn(size, size, generator=generator)).Q.to(wide) for _ in range(TURNS)]
