"""Rung 3, role by role: does the model rely on it, for the reason claimed, where the claim says?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...circuits.heads import Head
from ...methods.runner import (
    MEAN,
    HeadValues,
    PerSequence,
    Swap,
    TapFactory,
    TaskRunner,
    averaged,
    together,
    untouched,
)
from ..claim import LOOKS, OUTPUT, Role
from ..observation import Observation, Quantity, TestSpec
from ..setting import METHODS, Setting
from .behaviour import by_stratum


def necessity(setting: Setting, spec: TestSpec) -> Observation:
    """What ablating a role removes of the gain, by mean and by resample, and the smaller one in every stratum.

    One that clears the floor while the other does not is inconclusive: a resampled head asserts a wrong token, which a
    backup would have answered; a mean may lie where no run ever is.
    """
    costs = {how.name: setting.cost(spec.heads, how) for how in METHODS}
    smaller = min(costs, key=lambda name: averaged(costs[name]).mean())
    setting.tables["ablation", spec.role] = _single_ablations(setting, spec.heads)
    first = sorted(costs, key=lambda name: name != smaller)
    return Observation(
        {name: Quantity(averaged(costs[name]), setting.gain) for name in first}
        | by_stratum(setting, costs[smaller], setting.runner.gain_by_query),
        "of the gain",
        controls={"nats": float(averaged(costs[smaller]).mean())},
        notes={"smaller": smaller},
    )


def _single_ablations(setting: Setting, heads: tuple[Head, ...]) -> dict[Head, np.ndarray]:
    """What each head of the role's layers costs by mean ablation; of a large model on few sequences."""
    runner = setting.runner
    layers = sorted({layer for layer, _ in heads})
    clean = averaged(runner.clean.loss)
    found = {}
    for head in ((layer, head) for layer in layers for head in range(runner.config.n_heads)):
        if runner.large:
            cost = averaged(runner.ablate([head], MEAN, chunks=runner.few).loss) - clean
        else:
            cost = averaged(setting.cost((head,), MEAN))
        found[head] = cost[~np.isnan(cost)]
    return found


def member(setting: Setting, spec: TestSpec) -> Observation:
    """Ablating one member costs, or with the others ablated it does a good part of the role's work alone."""
    role = setting.claim.role(spec.role)
    others = tuple(head for head in role.heads if head not in spec.heads)
    quantities = {}
    for how in METHODS:
        quantities[f"cost/{how.name}"] = Quantity(averaged(setting.cost(spec.heads, how)), setting.gain)
    for how in METHODS:
        joint, left = (averaged(setting.cost(heads, how)) for heads in (role.heads, others))
        quantities[f"alone/{how.name}"] = Quantity(joint - left, joint)
    return Observation(quantities, "of the gain")


def denoising(setting: Setting, spec: TestSpec) -> Observation:
    """Restoring the role's clean output in a run whose first copy was corrupted recovers a share of the damage."""
    runner, role = setting.runner, setting.claim.role(spec.role)
    corruption = runner.corrupted(role.denoising_corruption, runner.seed_for(*spec.key))
    answers = corruption.answer[:, None].expand_as(runner.batch.tokens)
    layer = role.heads[0][0]
    rest = [(layer, head) for head in range(runner.config.n_heads) if (layer, head) not in role.heads]

    def loss(heads: Sequence[Head], tokens: Tensor | None) -> PerSequence:
        """At the one query of each sequence, with the clean output of `heads` put back."""
        put = runner.replaced(heads, runner.z({at for at, _ in heads})) if heads else untouched
        return averaged(runner.read([put], at=corruption.query, tokens=tokens, answers=answers).loss)

    clean, broken = loss((), None), loss((), corruption.tokens)
    damage, recovered = broken - clean, broken - loss(role.heads, corruption.tokens)
    other = float((broken - loss(rest, corruption.tokens)).mean() / damage.mean()) if rest and damage.mean() else 0.0
    return Observation(
        {"recovered": Quantity(recovered, damage), "damage": Quantity(damage, setting.gain)},
        "of the damage",
        controls={"other heads of the layer": other, "clean": float(clean.mean()), "corrupted": float(broken.mean())},
        notes={"replaced": role.denoising_corruption, "layer": str(layer)},
    )


@dataclass(frozen=True, eq=False)
class Exchanged:
    """A role's z from other sequences S′, moved to where it stands in S, and where it is put."""

    swap: Swap
    values: HeadValues
    where: Tensor
    """The positions at which the role's heads look."""

    def followed(self, runner: TaskRunner, put: TapFactory, start: int) -> np.ndarray:
        """Whether the model follows S′ at each query, with `put` edited into it from layer `start` on."""
        answers, hybrid = self.swap.answers.numpy(), self.swap.hybrid
        here: np.ndarray = runner.read([put], start).top == answers
        return here if hybrid is None else (runner.read([put], tokens=hybrid).top == answers) & ~here


def exchanged(setting: Setting, role: Role, purpose: str) -> Exchanged:
    """What S′ gives a role, at the same place of the task."""
    runner = setting.runner
    swap = runner.swap(role.writes_to == OUTPUT, runner.seed_for("interchange", purpose))
    layers = sorted({layer for layer, _ in role.heads})
    values = _moved(setting, swap.tokens, layers, swap.shift)
    return Exchanged(swap, values, runner.batch.acting(role.signature))


def interchange(setting: Setting, spec: TestSpec) -> Observation:
    """With the role's heads put from another sequence S′, at the same place: does the model follow S′?

    A role that writes to the output must make the model say S′'s answer. One that writes for another head must make
    it find what S′ would have it find: on random repeats the query A′, and no longer A, finds the source.
    """
    runner, role = setting.runner, setting.claim.role(spec.role)
    given = exchanged(setting, role, spec.subject)
    put = runner.replaced(role.heads, given.values, given.where)
    return shares_of(setting, given.followed(runner, put, min(layer for layer, _ in role.heads)))


def shares_of(setting: Setting, followed: np.ndarray) -> Observation:
    """The share of each sequence's queries that follow S′."""
    shares = averaged(np.where(setting.runner.batch.predictable.numpy(), followed.astype(float), np.nan))
    return Observation({"followed": Quantity(shares, share=True)}, "of queries")


def member_content(setting: Setting, spec: TestSpec) -> Observation:
    """What one member's z from S′ costs, as a share of what ablating it costs, all other members ablated.

    A member that is relied on for something that every sequence shares, and not for what it carries, costs little.
    """
    runner, role, (head,) = setting.runner, setting.claim.role(spec.role), spec.heads
    given = exchanged(setting, role, role.labels)
    others = [other for other in role.heads if other != head]
    (without,) = runner.ablation(others, MEAN)
    (gone,) = runner.ablation([head], MEAN)
    swapped = runner.replaced([head], given.values, given.where)
    start = min(layer for layer, _ in role.heads)
    base = runner.read([without], start).loss
    costs = [averaged(runner.read([together(without, one)], start).loss - base) for one in (swapped, gone)]
    return Observation({"content": Quantity(costs[0], costs[1])}, "of the cost of ablating it")


def _moved(setting: Setting, tokens: Tensor, layers: list[int], shift: Tensor) -> HeadValues:
    """z of another sequence's run, each position's taken `shift` later, so that the same place is at the same one."""
    runner = setting.runner
    rows = tokens.split(8) if runner.large else (tokens,)
    parts = [runner.z_of(one, layers) for one in rows]
    at = (torch.arange(tokens.shape[1]) + shift).clamp(0, tokens.shape[1] - 1)
    found = {}
    for layer in layers:
        z = torch.cat([part[layer] for part in parts])
        found[layer] = z.gather(1, at[:, :, None, None].to(z.device).expand(-1, -1, *z.shape[2:]))
    return found


def positions(setting: Setting, spec: TestSpec) -> Observation:
    """The heads mean-ablated at the claimed positions alone, and everywhere else, as shares of their whole effect.

    A role acts where its heads look from: the predictable queries, the sources, the name that returns.
    """
    runner = setting.runner
    role = setting.claim.role(spec.role)
    where = runner.batch.acting(role.signature)
    whole = averaged(setting.cost(role.heads, MEAN))
    parts = {"claimed": where, "elsewhere": ~where}
    return Observation(
        {name: Quantity(averaged(runner.cost(role.heads, MEAN, at)), whole) for name, at in parts.items()},
        "of the effect",
        notes={"positions": LOOKS[role.signature].acts_at},
    )
