"""Rung 2: which component pushes the right token, or the right key, and do the parts sum to the whole?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ...circuits.heads import Head, attention_scale, head_label, kv_head
from ...engine.positions import position_info
from ...engine.sites import Site
from ...engine.taps import CacheTap
from ...engine.transformer import upcast
from ...errors import NotDefinedError
from ...methods.attribution import LogitRead, written_sites
from ...methods.runner import Chunk, PerSequence, TaskRunner, per_sequence
from ...methods.scores import LinearizedRead, query_key_vectors, reading_sites, seen_keys
from ..claim import LOOKS, Signature
from ..observation import Observation, Quantity, TestSpec
from ..setting import Setting

Component = Head | str
"""A head, or "embed", "pos_embed", "0.mlp"."""
Pushes = dict[Component, PerSequence]


@dataclass(frozen=True, eq=False)
class DirectAttribution:
    """Each component's direct push for the right token against the mean of the sequence's other tokens (names: against
    the name that returned), in logits.
    """

    pushes: Pushes
    error: float
    """Largest difference between the sum of all parts and the model's own number, as a share of the latter."""


def direct(setting: Setting, spec: TestSpec) -> Observation:
    """part · (W_U[right] − mean W_U[others]) of one head, beside the strongest component and the best other head."""
    pushes = setting.once(_direct_of).pushes
    setting.tables["attribution", spec.role] = {head: x for head, x in pushes.items() if isinstance(head, tuple)}
    return _compared(setting, spec, pushes, "logits")


def edge(setting: Setting, spec: TestSpec) -> Observation:
    """What the sender writes into the receiver's K (or Q), as the score that it adds at the right key.

    Into V, as what it adds to what tells the value read from the others. Without a named receiver: of the later heads
    with the signature of what reads such a role, the one whose score is highest.
    """
    receiver, signature = _reader(setting, spec)
    if receiver is None:
        return Observation({}, "score", undefined=f"no later head has the {signature.replace('_', '-')} signature")
    try:
        if spec.into == "V":
            pushes = value_attribution(setting.runner, receiver, signature)
        else:
            pushes = key_attribution(setting.runner, receiver, "K" if spec.into == "K" else "Q", signature)
    except NotDefinedError as error:
        return Observation({}, "score", undefined=str(error))
    table = setting.tables.setdefault(("attribution", spec.role), {})
    table |= {head: x for head, x in pushes.items() if isinstance(head, tuple)}
    return _compared(setting, spec, pushes, "score")


def _reader(setting: Setting, spec: TestSpec) -> tuple[Head | None, Signature]:
    """The receiver and its signature: the named one, or the later head that has it most; None if none has."""
    if spec.receivers:
        signatures = {head: role.signature for role in setting.claim.roles for head in role.heads}
        return spec.receivers[0], signatures[spec.receivers[0]]
    signature = LOOKS[setting.claim.role(spec.role).signature].read_by
    assert signature is not None
    means = np.nanmean(setting.scores[signature], axis=(-2, -1))
    later = [h for h in setting.every_head if h[0] > spec.heads[0][0] and means[h] >= setting.floors.clue]
    return max(later, key=lambda h: means[h], default=None), signature


def decomposition(setting: Setting, spec: TestSpec) -> Observation:
    """The error of the sum of all parts."""
    error = setting.once(_direct_of).error
    return Observation({"error": Quantity(np.array([error]), exact=True)}, "of the largest logit difference")


def _compared(setting: Setting, spec: TestSpec, pushes: Pushes, unit: str) -> Observation:
    """One head's push beside the strongest component's, and beside the best head without a role.

    A head with the role's own signature that is as strong is a sibling, not a rival: not unique is not false.
    """
    (head,) = spec.heads
    own = pushes[head]
    siblings = setting.siblings(setting.claim.role(spec.role), setting.floors.clue)
    strongest = max(pushes, key=lambda one: pushes[one].mean())
    rivals = {h: x for h, x in pushes.items() if isinstance(h, tuple) and h not in setting.claim.heads}
    rivals = {h: x for h, x in rivals.items() if h not in siblings}
    rival = max(rivals, key=lambda h: rivals[h].mean(), default=None)
    beside = np.zeros_like(own) if rival is None else rivals[rival]
    strong = sorted(h for h in siblings - set(setting.claim.heads) if h in pushes and pushes[h].mean() >= own.mean())
    return Observation(
        {"push": Quantity(own), "strongest": Quantity(own, pushes[strongest]), "rival": Quantity(beside, own)},
        unit,
        controls={"best unclaimed": float(beside.mean()), "strongest": float(pushes[strongest].mean())},
        notes={
            "best unclaimed": "" if rival is None else head_label(rival),
            "strongest": strongest if isinstance(strongest, str) else head_label(strongest),
            "as strong": ", ".join(map(head_label, strong)),
        },
    )


def _direct_of(setting: Setting) -> DirectAttribution:
    return direct_attribution(setting.runner)


def direct_attribution(runner: TaskRunner) -> DirectAttribution:
    """part · (W_U[right] − mean W_U[others]), the last norm's scale as in this run; parts sum to the logits' own."""
    errors, sizes = [], []

    def measured(chunk: Chunk) -> Mapping[Component, PerSequence]:
        pushes, error, size = _direct(runner, chunk)
        errors.append(error)
        sizes.append(size)
        return pushes

    return DirectAttribution(runner.by_chunk(measured), max(errors) / max(sizes))


@torch.no_grad()
def _direct(runner: TaskRunner, chunk: Chunk) -> tuple[Pushes, float, float]:
    """Each component's push, the largest difference between their sum and the model's number, the largest number."""
    config, at, tokens = runner.config, chunk.of(runner.predictable), chunk.of(runner.batch.tokens)
    tokens = tokens.to(runner.model.device)
    tap = CacheTap(written_sites(config, config.n_layers), keep=lambda x: x[at][None])
    stream = runner.run(tokens, tap)
    right, sequence = tokens.roll(-1, 1)[at], at.nonzero()[:, 0]
    everything = runner.batch.tokens[chunk.rows].to(tokens.device)
    member = stream.new_zeros(len(tokens), config.n_out, dtype=upcast(stream).dtype).scatter_(1, everything, 1.0)
    count = member.sum(1)

    foils = None if runner.batch.foils is None else chunk.of(runner.batch.foils).to(tokens.device)[at]

    def contrast(table: Float[Tensor, "token *width"]) -> Float[Tensor, "one row *width"]:
        if foils is not None:
            return (table[right] - table[foils])[None]
        # Right minus the mean of the others is (right minus the mean of all) · count / (count − 1).
        wide = table.view(len(table), -1)
        mean = (member @ wide / count[:, None])[sequence]
        found = (wide[right] - mean) * (count / (count - 1))[sequence, None]
        return found.view(1, len(right), *table.shape[1:])

    read = LogitRead.of(runner.model, stream[at][None], contrast)
    pushes: Pushes = {}
    summed = torch.zeros_like(read.total)
    for component, own in read.terms(tap.store):
        summed += own
        if _is_component(component):
            pushes[component] = per_sequence(own[0], at)
    return pushes, float((read.total - summed).abs().max()), float(read.total.abs().max())


def key_attribution(
    runner: TaskRunner, receiver: Head, into: Literal["Q", "K"], signature: Signature = "induction"
) -> Pushes:
    """What each earlier component's write adds, through the receiver's K (or Q), to its score of the right key.

    Of a predictable query: the score where the signature looks minus the mean over the query's other keys, or minus the
    one that it must rather not look at; the scale of every norm on the way as in this run; a query that does not see
    that key adds nothing. Before a cap. Raises NotDefinedError where the receiver's keys (queries) were clamped.
    """
    return runner.by_chunk(lambda chunk: _relayed(runner, chunk, receiver, into, signature))


@torch.no_grad()
def _relayed(runner: TaskRunner, chunk: Chunk, receiver: Head, into: Literal["Q", "K"], signature: Signature) -> Pushes:
    layer = receiver[0]
    config, tokens, at = runner.config, chunk.of(runner.batch.tokens), chunk.of(runner.predictable)
    tap = CacheTap([*reading_sites(config, layer), *written_sites(config, layer)])
    runner.run(tokens, tap, stop=layer + 1)
    run = tap.store
    info = position_info(config, runner.weights, tokens.shape, runner.model.device)
    read = LinearizedRead.of(runner.model, receiver, into, run, info)
    q, k = query_key_vectors(runner.model, receiver, run)
    n = tokens.shape[1]
    seen = seen_keys(info, layer, n)

    def key(where: Tensor) -> Tensor:
        return chunk.of(where).clamp(max=n - 1).to(q.device)[:, :, None]

    right = key(runner.batch.signatures[signature][1])
    rival = None if signature not in runner.batch.rivals else key(runner.batch.rivals[signature])
    found = seen.expand(len(tokens), -1, -1).gather(2, right)[..., 0]

    def pushed(part: Float[Tensor, "batch pos d_head"]) -> PerSequence:
        scores = (q @ part.mT if into == "K" else part @ k.mT) / attention_scale(config)
        own = scores.gather(2, right)[..., 0]
        if rival is not None:
            others = scores.gather(2, rival)[..., 0]
        else:
            others = ((scores * seen).sum(2) - own) / (seen.sum(1) - 1).clamp(min=1)
        return per_sequence(((own - others) * found)[at], at)

    terms = read.terms(runner.weights, run)
    return {component: pushed(part) for component, part in terms if _is_component(component)}


def value_attribution(runner: TaskRunner, receiver: Head, signature: Signature) -> Pushes:
    """What each earlier component adds to what tells the value that the receiver reads from those at its other keys.

    part · d, where d is the unit vector from the mean value of the query's other keys to the value where the signature
    looks, and a part is likewise its own value there minus its mean at the other keys; parts sum to the distance.
    """
    return runner.by_chunk(lambda chunk: _valued(runner, chunk, receiver, signature))


@torch.no_grad()
def _valued(runner: TaskRunner, chunk: Chunk, receiver: Head, signature: Signature) -> Pushes:
    layer, config = receiver[0], runner.config
    tokens, at = chunk.of(runner.batch.tokens), chunk.of(runner.predictable)
    tap = CacheTap([Site("v", layer), *reading_sites(config, layer), *written_sites(config, layer)])
    runner.run(tokens, tap, stop=layer + 1)
    info = position_info(config, runner.weights, tokens.shape, runner.model.device)
    read = LinearizedRead.of(runner.model, receiver, "V", tap.store, info)
    seen = seen_keys(info, layer, tokens.shape[1])
    where = chunk.of(runner.batch.signatures[signature][1]).clamp(max=tokens.shape[1] - 1).to(runner.model.device)

    def told(part: Float[Tensor, "batch pos d_head"]) -> Float[Tensor, "batch query d_head"]:
        own = part.gather(1, where[:, :, None].expand(-1, -1, part.shape[2]))
        return own - ((seen.to(part) @ part) - own) / (seen.sum(-1, keepdim=True) - 1).clamp(min=1)

    values = told(upcast(tap.store[Site("v", layer).path])[:, :, kv_head(config, receiver)])
    direction = values / values.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    terms = read.terms(runner.weights, tap.store)
    return {
        component: per_sequence((told(part) * direction).sum(-1)[at], at)
        for component, part in terms
        if _is_component(component)
    }


def _is_component(term: Head | str) -> bool:
    """Whether a term is what a component writes, not a constant."""
    return isinstance(term, tuple) or term in ("embed", "pos_embed") or term.endswith(".mlp")
