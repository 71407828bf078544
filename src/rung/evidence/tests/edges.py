"""Rung 3, edge by edge: what runs from one role straight into another's input, or straight to the logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ...circuits.composition import Into
from ...circuits.heads import Head
from ...engine.sites import Site
from ...engine.taps import EditTap
from ...methods.paths import INPUTS, ReceiverTap, message
from ...methods.runner import MEAN, Chunk, PerSequence, TapFactory, TaskRunner, averaged, together
from ..observation import Observation, Quantity, TestSpec
from ..setting import Setting
from .causes import Exchanged, exchanged, shares_of

PATCH_DONORS = 4
"""Runs that an edge's foreign message is taken from; losses are averaged over them."""

Path = tuple[Head, Head, Into]
"""Sender, receiver, and the receiver's input."""


@dataclass(frozen=True, eq=False)
class Messages:
    """What senders would write in a donor's run, one donor a sequence, minus what they write in their own."""

    runner: TaskRunner
    swapped: dict[int, Tensor]
    """z of the donors, by layer."""
    clean: dict[int, Tensor]

    def delta(self, senders: Sequence[Head]) -> Tensor:
        """The change of the stream, [batch, pos, d_model]."""
        before, after = (
            {Site("z", layer).path: z for layer, z in values.items()} for values in (self.clean, self.swapped)
        )
        return message(self.runner.config, self.runner.weights, senders, before, after)


def _messages(setting: Setting, senders: Sequence[Head]) -> list[Messages]:
    runner = setting.runner
    layers = sorted({layer for layer, _ in senders})
    clean, foreign = runner.z(layers), runner.z(layers, donors=True)
    rows = runner.donors_of(PATCH_DONORS).to(runner.model.device)
    return [Messages(runner, {layer: foreign[layer][row] for layer in layers}, clean) for row in rows]


def path_effect(setting: Setting, paths: Sequence[Path]) -> PerSequence:
    """What foreign messages along `paths`, together, cost: mean over the donors of the loss, less the clean one.

    The receiver's input is read with the message added, everything between sender and receiver as it was; the norm
    before the receiver is computed again.
    """
    runner = setting.runner
    start = min(receiver[0] for _, receiver, _ in paths)
    ends = list(dict.fromkeys((receiver, into) for _, receiver, into in paths))
    senders = {end: [sender for sender, *rest in paths if tuple(rest) == end] for end in ends}
    found = []
    for messages in _messages(setting, list(dict.fromkeys(sender for sender, _, _ in paths))):
        deltas = {end: messages.delta(heads) for end, heads in senders.items()}
        found.append(averaged(runner.read([_received(runner, deltas)], start).loss - runner.clean.loss))
    return _mean(found)


def _received(runner: TaskRunner, deltas: dict[tuple[Head, Into], Tensor]) -> TapFactory:
    def make(chunk: Chunk) -> ReceiverTap:
        return ReceiverTap(runner.config, runner.weights, {end: chunk.of(delta) for end, delta in deltas.items()})

    return make


def whole_effect(setting: Setting, senders: Sequence[Head]) -> PerSequence:
    """What the same foreign messages cost when everything hears them."""
    runner = setting.runner
    start = min(layer for layer, _ in senders)
    reads = [runner.read([runner.replaced(senders, one.swapped)], start) for one in _messages(setting, senders)]
    return _mean([averaged(read.loss - runner.clean.loss) for read in reads])


def logit_effect(setting: Setting, senders: Sequence[Head]) -> PerSequence:
    """What they cost when only the logits hear them, all later components frozen."""
    runner = setting.runner
    reads = [runner.read_with_addition(one.delta(senders)) for one in _messages(setting, senders)]
    return _mean([averaged(read.loss - runner.clean.loss) for read in reads])


def edge(setting: Setting, spec: TestSpec) -> Observation:
    """All pairs of an edge together: their share of the senders' effect, and each rival input's share of theirs."""
    into = {one: _together(spec, one) for one in INPUTS}
    effects = {one: path_effect(setting, paths) for one, paths in into.items()}
    assert spec.into is not None
    whole, own = whole_effect(setting, spec.heads), effects[spec.into]
    rivals = {one: effect for one, effect in effects.items() if one not in setting.claim.inputs(spec)}
    shares = {f"share of {one}": _ratio(effect, whole) for one, effect in rivals.items()}
    return Observation(
        {"carried": Quantity(own, whole), "senders": Quantity(whole, setting.gain)}
        | {f"rival/{one}": Quantity(effect, own) for one, effect in rivals.items()},
        "of the senders' effect",
        controls={"nats": float(whole.mean()), **shares},
    )


def edge_part(setting: Setting, spec: TestSpec) -> Observation:
    """One sender and one receiver: what patching that path alone costs, or what it carries once all others are patched.

    Rivals are held against a fifth of what the pair carries and of the least that a member must.
    """
    assert spec.into is not None
    claimed = setting.claim.edge_of(spec)
    paths: list[Path] = [(sender, receiver, spec.into) for sender, receiver in setting.claim.pairs(claimed)]
    (own_path,) = _together(spec, spec.into)
    own = path_effect(setting, [own_path])
    joint, left = path_effect(setting, paths), path_effect(setting, [path for path in paths if path != own_path])
    inputs = setting.claim.inputs(spec)
    rivals = {one: path_effect(setting, _together(spec, one)) for one in INPUTS if one not in inputs}
    least = own + setting.floors.member * setting.gain
    return Observation(
        {"cost/patch": Quantity(own, setting.gain), "alone/patch": Quantity(joint - left, joint)}
        | {f"rival/{one}": Quantity(effect, least) for one, effect in rivals.items()},
        "of the gain",
    )


def output(setting: Setting, spec: TestSpec) -> Observation:
    """The direct path of a role's heads to the logits: its share of their effect."""
    direct, whole = logit_effect(setting, spec.heads), whole_effect(setting, spec.heads)
    return Observation(
        {"carried": Quantity(direct, whole), "senders": Quantity(whole, setting.gain)},
        "of the heads' effect",
        controls={"nats": float(whole.mean())},
    )


def output_part(setting: Setting, spec: TestSpec) -> Observation:
    """One head's direct path to the logits, by the rule for every part, and as a share of its own whole effect.

    The latter with the other members mean-ablated: what they cover would hide it.
    """
    runner, (head,) = setting.runner, spec.heads
    heads = setting.claim.role(spec.role).heads
    others = [other for other in heads if other != head]
    own, joint, left = (logit_effect(setting, some) for some in (spec.heads, heads, others))
    (without,) = runner.ablation(others, MEAN)
    start = min(layer for layer, _ in heads)
    base = runner.read([without], start).loss
    effects: dict[str, list[PerSequence]] = {"direct": [], "whole": []}
    for messages in _messages(setting, [head]):
        ways = {"direct": _added(runner, messages.delta([head])), "whole": runner.replaced([head], messages.swapped)}
        for name, way in ways.items():
            effects[name].append(averaged(runner.read([together(without, way)], start).loss - base))
    return Observation(
        {
            "cost/patch": Quantity(own, setting.gain),
            "alone/patch": Quantity(joint - left, joint),
            "direct": Quantity(_mean(effects["direct"]), _mean(effects["whole"])),
        },
        "of the gain",
    )


def _added(runner: TaskRunner, delta: Tensor) -> TapFactory:
    """Adds to the stream after the last layer."""
    last = Site("resid_post", runner.config.n_layers - 1)
    return lambda chunk: EditTap({last: lambda x: x + chunk.of(delta)})


def edge_interchange(setting: Setting, spec: TestSpec) -> Observation:
    """What the senders write in S′, heard by the claimed inputs alone: does the model follow S′?

    Path patching asks whether the edge is needed; this asks whether it is enough, with all else as it was. Where
    senders and receivers are joined by several edges, all of these inputs hear S′.
    """
    runner, role = setting.runner, setting.claim.role(spec.role)
    given = exchanged(setting, role, spec.subject)
    delta, start = _delta_of(runner, spec.heads, given), min(layer for layer, _ in spec.receivers)
    inputs = setting.claim.inputs(spec)
    tap = _received(runner, {(receiver, into): delta for receiver in spec.receivers for into in inputs})
    return shares_of(setting, given.followed(runner, tap, start))


def output_interchange(setting: Setting, spec: TestSpec) -> Observation:
    """What the heads write in S′, heard by the logits alone: does the model say S′'s answer?"""
    runner = setting.runner
    given = exchanged(setting, setting.claim.role(spec.role), spec.subject)
    read = runner.read_with_addition(_delta_of(runner, spec.heads, given))
    return shares_of(setting, read.top == given.swap.answers.numpy())


def _delta_of(runner: TaskRunner, heads: Sequence[Head], given: Exchanged) -> Tensor:
    """The change of the stream with the heads' z from S′, where that is put."""
    layers = sorted({layer for layer, _ in heads})
    values = {layer: given.values[layer][:, : runner.width] for layer in layers}
    delta = Messages(runner, values, runner.z(layers)).delta(heads)
    return delta * given.where[:, : runner.width, None].to(delta)


def _mean(effects: list[PerSequence]) -> PerSequence:
    """Over the donors."""
    found: PerSequence = np.mean(effects, axis=0)
    return found


def _together(spec: TestSpec, into: Into) -> list[Path]:
    return [(sender, receiver, into) for sender in spec.heads for receiver in spec.receivers]


def _ratio(top: np.ndarray, bottom: np.ndarray) -> float:
    return float(top.mean() / bottom.mean()) if bottom.mean() else 0.0
