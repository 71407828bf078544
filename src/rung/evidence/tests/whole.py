"""Rung 3 (4 with MLPs): the circuit alone, the model without other heads, and the model on other text."""

from __future__ import annotations

import math

import numpy as np
import torch

from ...circuits.heads import Head, head_label
from ...methods.runner import MEAN, PerSequence, Readout, averaged
from ..claim import uninvolved_heads
from ..observation import Observation, Quantity, TestSpec
from ..setting import Setting

ORDERS = 3
"""Random orders of the unclaimed heads that halves are taken from."""


def faithfulness(setting: Setting, spec: TestSpec) -> Observation:
    """F(C) = (m(∅) − m(C)) / (m(∅) − m(M)) on loss, ∅ all heads at their per-position mean; MLPs stay as they are.

    It must exceed every set in which one claimed head is swapped for another of its layer without the role's
    signature: a set that does as well means that the work does not depend on the named heads.
    """
    claim = setting.claim
    empty, full, own = setting.once(_losses)
    swaps: dict[str, np.ndarray] = {}
    # Where the circuit explains too little, nothing that a swap could show would make the test hold.
    for role in claim.roles if setting.once(_worth_more) else ():
        siblings = setting.siblings(role, setting.floors.clue)
        for head in role.heads:
            for other in setting.every_head:
                if other[0] == head[0] and other not in claim.heads and other not in siblings:
                    circuit = (*(one for one in claim.heads if one != head), other)
                    swapped = averaged(kept(setting, circuit).loss)
                    swaps[f"swap/{head_label(other)} for {head_label(head)}"] = swapped - own
    # Every swap must be worse; the one that comes nearest decides.
    nearest = min(swaps, key=lambda name: swaps[name].mean(), default=None)
    return Observation(
        {"explained": Quantity(empty - own, empty - full), "room": Quantity(empty - full, setting.gain)}
        | ({} if nearest is None else {nearest: Quantity(swaps[nearest])}),
        "of the loss explained",
        controls={"empty": float(empty.mean()), "circuit": float(own.mean()), "full": float(full.mean())},
        notes={"swaps": str(len(swaps))},
    )


def _losses(setting: Setting) -> tuple[PerSequence, PerSequence, PerSequence]:
    """Of no head, of the whole model, and of the circuit alone."""
    empty, full, own = kept(setting, ()), setting.runner.clean, setting.once(alone)
    return averaged(empty.loss), averaged(full.loss), averaged(own.loss)


def _worth_more(setting: Setting) -> bool:
    """Whether more runs could still change the verdict; not in a large model whose circuit explains too little."""
    empty, full, own = (one.mean() for one in setting.once(_losses))
    return bool(not setting.runner.large or (empty - own) / (empty - full) >= setting.floors.faithfulness)


def agreement(setting: Setting, spec: TestSpec) -> Observation:
    """Share of queries at which the circuit alone says the token that the whole model says: means can hide much."""
    runner = setting.runner
    same = np.asarray(setting.once(alone).top == runner.clean.top, dtype=float)
    shares = averaged(np.where(runner.batch.predictable.numpy(), same, np.nan))
    return Observation({"same": Quantity(shares, share=True)}, "of queries")


def member_alone(setting: Setting, spec: TestSpec) -> Observation:
    """The rule for every member, inside the circuit alone: other heads might do its work in the whole model."""
    role, circuit = setting.claim.role(spec.role), setting.claim.heads
    whole = averaged(setting.once(alone).loss)
    without = averaged(kept(setting, tuple(head for head in circuit if head not in spec.heads)).loss)
    only = averaged(kept(setting, tuple(h for h in circuit if h not in role.heads or h in spec.heads)).loss)
    none = averaged(kept(setting, tuple(head for head in circuit if head not in role.heads)).loss)
    return Observation(
        {"cost/mean": Quantity(without - whole, setting.gain), "alone/mean": Quantity(none - only, none - whole)},
        "of the gain",
    )


def complement(setting: Setting, spec: TestSpec) -> Observation:
    """What ablating half of the unclaimed heads costs, for random halves of which some part each pair of heads.

    Two heads that undo each other's work are not seen when both are ablated. Of four that do, each half of one order
    may hold as many of one sign as of the other; that it is so in several orders is unlikely. For a claim of one role
    also what ablating all of them costs: two that each do the role's work would otherwise cover for each other.
    """
    runner = setting.runner
    if not setting.claim.is_part and not setting.once(_worth_more):
        return Observation({}, "of the gain", not_run="the circuit alone explains too little")
    rest = uninvolved_heads(setting.claim, runner.config)
    generator = torch.Generator().manual_seed(runner.seed_for(*spec.key))
    bits = max(1, math.ceil(math.log2(len(rest))))
    costs: dict[str, np.ndarray] = {}
    if setting.claim.is_part:
        costs["half/all"] = averaged(setting.cost(tuple(rest), MEAN))
    for turn in range(ORDERS):
        order = torch.randperm(len(rest), generator=generator).tolist()
        for bit in range(bits):
            for side, name in enumerate("ab"):
                half = tuple(rest[at] for i, at in enumerate(order) if (i >> bit & 1) == side)
                costs[f"half/{turn * bits + bit}{name}"] = averaged(setting.cost(half, MEAN))
    worst = sorted(costs, key=lambda name: -costs[name].mean())
    return Observation({name: Quantity(costs[name], setting.gain) for name in worst}, "of the gain")


def off_task(setting: Setting, spec: TestSpec) -> Observation:
    """The change of the loss on ordinary text with the circuit ablated, as a share of the change on the task: its mean,
    and the mean of each token's change whatever its sign, as gains and losses may cancel.
    """
    text, heads = setting.text_runner, setting.claim.heads
    cost = text.cost(heads, MEAN)
    on_text, by_token = averaged(cost), averaged(np.abs(cost))
    on_task = float(averaged(setting.cost(heads, MEAN)).mean())

    def share(change: PerSequence) -> Quantity:
        return Quantity(change / on_task if on_task else np.full_like(change, np.nan))

    return Observation(
        {"text": share(on_text), "by_token": share(by_token)},
        "of the change on the task",
        controls={
            "nats on text": float(on_text.mean()),
            "nats on the task": on_task,
            "loss on text": float(averaged(text.clean.loss).mean()),
        },
    )


def alone(setting: Setting) -> Readout:
    """The claimed heads alone, all others at their mean."""
    return kept(setting, setting.claim.heads)


def kept(setting: Setting, circuit: tuple[Head, ...]) -> Readout:
    """All heads but those of `circuit` at their per-position mean."""
    return setting.runner.ablate([head for head in setting.every_head if head not in circuit], MEAN)
