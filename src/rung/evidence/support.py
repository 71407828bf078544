"""Rung 3: does the model rely on it? Ablation, path patching, denoising, and the circuit as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from ..circuits.composition import Into
from ..circuits.heads import Head, head_label, kv_head
from ..engine.sites import Site
from ..engine.taps import EditTap
from ..methods.patching import message
from ..tasks.induction import corrupt
from .claim import Claim, Edge, Role
from .clue import Scores
from .measurement import Floors, Measurement, Outcome, in_words
from .statistics import SIGN_FLIP, interval, ratio_interval, sign_flip_p
from .trial import MEAN, RESAMPLE, ZERO, Ablation, Maker, PerSequence, Piece, Trial, put_heads

PATCH_DONORS = 4
"""Runs that an edge's foreign message is taken from; losses are averaged over them."""


def necessity(trial: Trial, role: Role, floors: Floors, seed: int) -> tuple[Measurement, dict[str, PerSequence]]:
    """Removing a role costs at least a share of the gain, by mean and by resample; the smaller is the one reported.

    One that clears the floor while the other does not is inconclusive: a resampled head asserts a wrong token, which a
    backup would have answered; a mean may lie where no run ever is.
    """
    gain = trial.gain.mean()
    effects = {how.put: trial.ablate(role.heads, how) - trial.clean for how in (MEAN, RESAMPLE)}
    ends = {put: interval(effect / gain, seed) for put, effect in effects.items()}
    clears = {
        put: ends[put][0] >= floors.necessity and sign_flip_p(effect, seed) <= floors.alpha
        for put, effect in effects.items()
    }
    put = min(effects, key=lambda name: effects[name].mean())
    effect, (low, high) = effects[put], ends[put]
    outcome = Outcome.FAILS
    if all(clears.values()):
        outcome = Outcome.HOLDS
    elif any(clears.values()):
        outcome = Outcome.INCONCLUSIVE
    elif all(end[1] <= -floors.necessity for end in ends.values()):
        outcome = Outcome.CONTRADICTED
    other = effects["mean" if put == "resample" else "resample"].mean()
    cost = f"removing {role.labels} costs {effect.mean():+.2f} nats ({effect.mean() / gain:.0%} of the gain; "
    said = cost + f"{put}; the other way {other:+.2f})"
    if outcome is Outcome.INCONCLUSIVE:
        said += ": redundant, or off distribution"
    measured = Measurement(
        rung=3,
        test="necessity, mean and resample",
        subject=role.labels,
        outcome=outcome,
        required=True,
        value=float(effect.mean() / gain),
        unit="of the gain",
        n=trial.n,
        interval=(low, high),
        p=sign_flip_p(effect, seed),
        p_test=SIGN_FLIP,
        floor=floors.necessity,
        control=float(other / gain),
        control_name="the other kind of ablation",
        said=in_words(said),
    )
    return measured, effects


def members(
    trial: Trial, role: Role, whole: dict[str, PerSequence], floors: Floors, seed: int
) -> Iterator[Measurement]:
    """Each member earns its place: removing it costs, or with the others removed it does a good part of the work."""
    if len(role.heads) < 2:
        return
    gain = trial.gain.mean()
    for head in role.heads:
        others = [other for other in role.heads if other != head]
        cost: dict[str, float] = {}
        alone: dict[str, float] = {}
        ends: dict[str, float] = {}
        for how in (MEAN, RESAMPLE):
            effect = trial.ablate([head], how) - trial.clean
            cost[how.put], ends[how.put] = effect.mean() / gain, interval(effect / gain, seed)[0]
            left = trial.ablate(others, how) - trial.clean
            alone[how.put] = 1 - left.mean() / whole[how.put].mean()
        least_cost, least_alone = min(cost.values()), min(alone.values())
        needed, able = min(ends.values()) >= floors.member, least_alone >= floors.alone
        yield Measurement(
            rung=3,
            test="member",
            subject=head_label(head),
            outcome=Outcome.HOLDS if needed or able else Outcome.FAILS,
            required=True,
            value=least_cost,
            unit="of the gain",
            n=trial.n,
            floor=floors.member,
            control=least_alone,
            control_name=f"share of the role's work done alone (floor {floors.alone:g})",
            said=in_words(
                f"{head_label(head)}: removing it costs {least_cost:.0%} of the gain, alone it does {least_alone:.0%}"
                + ("" if needed or able else ": a passenger")
            ),
        )


def denoising(trial: Trial, role: Role, floors: Floors, seed: int) -> Measurement:
    """Restoring the role's clean output in a run whose first copy was corrupted mends at least half of the loss."""
    corruption = corrupt(trial.batch, role.corrupted, trial.model, trial.seed_for(f"corrupt {role.name}"))
    layer = role.heads[0][0]
    rest = [(layer, head) for head in range(trial.config.n_heads) if (layer, head) not in role.heads]
    groups = [role.heads, rest] if rest else [role.heads]
    clean, broken, restored = trial.mends(groups, corruption.tokens, corruption.query, corruption.answer)
    mended, damage, repair = restored[0], broken - clean, broken - restored[0]
    share = float(repair.mean() / damage.mean()) if damage.mean() else 0.0
    other = float((broken - restored[1]).mean() / damage.mean()) if rest and damage.mean() else 0.0
    harmed = sign_flip_p(damage, seed) <= floors.alpha and damage.mean() >= floors.necessity * trial.gain.mean()
    ends = ratio_interval(repair, damage, seed) if harmed else None
    outcome = Outcome.INCONCLUSIVE
    if harmed and ends is not None:
        outcome = Outcome.HOLDS if ends[0] >= floors.denoising else Outcome.FAILS
        outcome = Outcome.CONTRADICTED if ends[1] <= -floors.denoising else outcome
    what = (
        f"restoring {role.labels} after {role.corrupted} was replaced: {broken.mean():.2f} → {mended.mean():.2f} nats"
    )
    return Measurement(
        rung=3,
        test=f"denoising, {role.corrupted} replaced",
        subject=role.labels,
        outcome=outcome,
        required=True,
        value=share,
        unit="of the loss mended",
        n=trial.n,
        interval=ends,
        p=sign_flip_p(repair, seed),
        p_test=SIGN_FLIP,
        floor=floors.denoising,
        control=other,
        control_name=f"all other heads of layer {layer}",
        said=in_words(
            f"{what}, {share:.0%} mended (other heads of its layer {other:.0%})"
            + ("" if harmed else ": the corruption does too little harm to tell")
        ),
    )


@torch.no_grad()
def edge_effects(trial: Trial, claim: Claim, edge: Edge) -> tuple[dict[Into, PerSequence], PerSequence]:
    """What foreign messages from the sender cost: through each input of the receiver directly, and everywhere at once.

    The receiver's input gets `message` added, (z' − z) W_O with z' the sender's on another sequence; all between stays
    as it was, the norm before the receiver is computed anew. Losses are averaged over the foreign sequences.
    """
    senders, receivers = claim.role(edge.sender).heads, claim.role(edge.receiver).heads
    layers = sorted({layer for layer, _ in senders})
    clean, foreign = trial.z(layers), trial.z(layers, donors=True)
    before = {Site("z", layer).path: z for layer, z in clean.items()}
    itself = torch.arange(trial.n, device=trial.model.device)
    rows = trial.donor_rows(PATCH_DONORS).to(trial.model.device)
    start = min(layer for layer, _ in receivers)
    along: dict[Into, list[PerSequence]] = {into: [] for into in get_args(Into)}
    whole: list[PerSequence] = []
    for row in rows:
        swapped = {layer: foreign[layer][row] for layer in layers}
        after = {Site("z", layer).path: z for layer, z in swapped.items()}
        delta = message(trial.config, trial.weights, senders, before, after)
        for into in get_args(Into):
            along[into].append(trial.losses([_into(trial, receivers, into, delta)], start) - trial.clean)
        whole.append(trial.losses([put_heads(senders, swapped, itself)], layers[0]) - trial.clean)
    return {into: np.mean(found, axis=0) for into, found in along.items()}, np.mean(whole, axis=0)


def _into(trial: Trial, receivers: Sequence[Head], into: Into, delta: Tensor) -> Maker:
    """Adds `delta` to what the receivers' queries, keys or values read; heads of a group share one K and one V."""
    ends = {(layer, head if into == "Q" else kv_head(trial.config, (layer, head))) for layer, head in receivers}

    def add(x: Tensor, layer: int, piece: Piece) -> Tensor:
        x = x.clone()
        for at, index in ends:
            if at == layer:
                x[:, :, index] += piece.of(delta)
        return x

    return lambda piece: EditTap(
        {Site(f"{into.lower()}_input", layer): partial(add, layer=layer, piece=piece) for layer, _ in ends}
    )


def edge_support(trial: Trial, claim: Claim, edge: Edge, floors: Floors, seed: int) -> Measurement:
    """The edge carries at least half of its sender's effect, and several times what each rival input carries."""
    along, whole = edge_effects(trial, claim, edge)
    own = along[edge.into]
    rivals = {into: float(effect.mean()) for into, effect in along.items() if into != edge.into}
    share = float(own.mean() / whole.mean()) if whole.mean() else 0.0
    ends = ratio_interval(own, whole, seed)
    significant = sign_flip_p(own, seed) <= floors.alpha and sign_flip_p(whole, seed) <= floors.alpha
    matters = whole.mean() >= floors.necessity * trial.gain.mean()
    clear = all(own.mean() >= floors.rival * abs(rival) for rival in rivals.values())
    outcome = Outcome.HOLDS if significant and matters and clear and ends[0] >= floors.edge else Outcome.FAILS
    if matters and ends[1] <= -floors.edge:
        outcome = Outcome.CONTRADICTED
    best = max(rivals, key=lambda into: rivals[into])
    subject = f"{claim.role(edge.sender).labels} → {claim.role(edge.receiver).labels}.{edge.into}"
    cost = f"{whole.mean():+.2f} nats"
    listed = ", ".join(f"{into} {effect / whole.mean() if whole.mean() else 0:.2f}" for into, effect in rivals.items())
    carried = f"edge into {edge.into} carries {share:.2f} of the sender's {cost}, {listed}"
    return Measurement(
        rung=3,
        test="path patching against rivals",
        subject=subject,
        outcome=outcome,
        required=True,
        value=share,
        unit="of the sender's effect",
        n=trial.n,
        interval=ends,
        p=sign_flip_p(own, seed),
        p_test=SIGN_FLIP,
        floor=floors.edge,
        control=rivals[best] / whole.mean() if whole.mean() else 0.0,
        control_name=f"strongest rival: {best}",
        said=in_words(carried if matters else f"too little of {subject} to follow: swapping all of it costs {cost}"),
    )


def faithfulness(trial: Trial, claim: Claim, scores: Scores, floors: Floors, seed: int) -> Iterator[Measurement]:
    """F(C) = (m(C) − m(∅)) / (m(M) − m(∅)) on loss, ∅ all heads at their mean; against every set with one head swapped.

    Asked for causal support where there are no MLPs. Where there are, they stay as they are in C and in ∅, and F is
    asked for mechanism: weights that match through the work of heads nobody named are no mechanism of the named ones.
    A head with the role's own signature may take a claimed one's place: a sibling is a finding, not a failure.
    """
    every = list(product(range(trial.config.n_layers), range(trial.config.n_heads)))
    claimed = set(claim.heads)

    def kept(circuit: set[Head], how: Ablation) -> PerSequence:
        return trial.ablate([head for head in every if head not in circuit], how)

    for how in (MEAN, RESAMPLE):
        if how is RESAMPLE and trial.large:
            yield _not_run(
                trial, f"faithfulness, {how.put}", f"{2 * how.draws} runs of all layers, which only describe"
            )
            continue
        empty, full, own = kept(set(), how), trial.clean, kept(claimed, how)
        scale = full.mean() - empty.mean()
        explained = float((own.mean() - empty.mean()) / scale)
        swaps: dict[str, PerSequence] = {}
        # Where it explains too little, nothing that the swaps could say would make it hold.
        enough = explained >= floors.faithfulness or not trial.large
        for role in claim.roles if how is MEAN and enough else ():
            for head in role.heads:
                for other in (h for h in every if h[0] == head[0] and h not in claimed):
                    if scores[role.signature][other].mean() < floors.clue:
                        label = f"{head_label(other)} for {head_label(head)}"
                        swaps[label] = kept(claimed - {head} | {other}, how)
        best = min(swaps, key=lambda label: swaps[label].mean(), default=None)
        # Another set that does as well means that the named heads are not what the work hangs on.
        better = best is None or interval(swaps[best] - own, seed)[0] > 0
        holds = explained >= floors.faithfulness and better
        outcome = Outcome.HOLDS if holds else Outcome.FAILS if trial.config.attn_only else Outcome.INCONCLUSIVE
        why = "" if holds else f": the circuit alone, all other heads at their {how.put}, is too little"
        if explained >= floors.faithfulness and not better:
            why = f": with {best} it does as well"
        yield Measurement(
            rung=3 if trial.config.attn_only or how is not MEAN else 4,
            test=f"faithfulness, {how.put}",
            subject="the circuit",
            outcome=outcome,
            required=how is MEAN,
            value=explained,
            unit="of the loss explained",
            n=trial.n,
            floor=floors.faithfulness,
            control=None if best is None else float((swaps[best].mean() - empty.mean()) / scale),
            control_name=f"best set with one swap: {best or 'no other head to swap in'}"
            if how is MEAN and enough
            else "",
            said=in_words(f"F {explained:.2f}{why}"),
        )


def shown(trial: Trial, claim: Claim, seed: int) -> Iterator[Measurement]:
    """What describes and does not decide: zero ablation, the model without the circuit, the first copy's loss."""
    gain = trial.gain.mean()
    for role in claim.roles:
        effect = trial.ablate(role.heads, ZERO) - trial.clean
        yield _shown(trial, "zero ablation", role.labels, effect / gain, seed, "of the gain")
    without = trial.ablate(claim.heads, MEAN) - trial.clean
    yield _shown(trial, "the model without the circuit", "the circuit", without / gain, seed, "of the gain")
    start, makers = min(layer for layer, _ in claim.heads), trial.ablation(claim.heads, MEAN)
    first = trial.losses(makers, start, trial.batch.first_copy) - trial.losses(at=trial.batch.first_copy)
    yield _shown(trial, "specificity: loss of the first copy", "the circuit", first / gain, seed, "of the gain")


def _not_run(trial: Trial, test: str, why: str) -> Measurement:
    return Measurement(
        rung=3,
        test=test,
        subject="the circuit",
        outcome=Outcome.NOT_RUN,
        required=False,
        n=trial.n,
        said=f"{test}: not run, {why}",
    )


def _shown(trial: Trial, test: str, subject: str, effect: PerSequence, seed: int, unit: str) -> Measurement:
    return Measurement(
        rung=3,
        test=test,
        subject=subject,
        outcome=Outcome.NOT_APPLICABLE,
        required=False,
        value=float(effect.mean()),
        unit=unit,
        n=trial.n,
        interval=interval(effect, seed),
        said=in_words(f"{test} {subject}: {effect.mean():+.0%} {unit}"),
    )
