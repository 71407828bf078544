"""Finding the heads of a claim's empty roles, on sequences that confirm nothing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

import numpy as np

from ..circuits.heads import Head
from ..methods.names_runner import task_runner
from ..methods.runner import MEAN, Progress, averaged, no_progress, sub_seed
from ..model.model import HookedTransformer
from ..tasks.task import TASKS, task_batch
from .claim import Claim, Role
from .decide import summarize
from .looks import look_alpha
from .observation import Floors, Outcome, TestSpec
from .setting import Setting
from .tests import MEASURES

MOST_CANDIDATES = 8
"""Heads of one signature that the search looks at more closely."""
MARGIN = 1.2
"""How far above a floor the search wants a member: one that barely passes may fail on the confirming sequences."""


def search(
    claim: Claim,
    model: HookedTransformer,
    floors: Floors,
    seed: int,
    sequences: int,
    progress: Progress = no_progress,
) -> Claim:
    """Fills the claim's empty roles: heads with the signature that, on the discovery sequences, are needed.

    A model that lacks the behaviour gets the claim back as it is; one in which it is undecided is searched, since the
    search confirms nothing.
    """
    seed = sub_seed(seed, "discovery")
    batch = task_batch(model, TASKS[claim.task], sequences=sequences, seed=seed)
    setting = Setting(task_runner(model, batch, seed=seed), claim, floors)
    runs = count(1)
    setting.on_run = lambda: progress(f"search, run {next(runs)}", 0, 1)
    progress("search", 0, 1)
    if not model.config.n_layers or lacks_behaviour(setting):
        return claim
    chosen: dict[str, tuple[Head, ...]] = {role.name: role.heads for role in claim.roles if role.heads}
    # Receivers first: a sender must come before every receiver.
    for role in reversed(claim.roles):
        if role.heads:
            continue
        scores = setting.scores[role.signature]
        means = np.nanmean(scores, axis=(-2, -1))
        # What must hold in every stratum later is asked of every stratum now.
        strata = [where.numpy() for where in batch.strata.values()]
        least = np.min([scores[..., where].mean(-1) for where in strata if where.any()], axis=0)
        candidates = [
            h for h in np.ndindex(means.shape) if least[h] >= floors.clue and _may_send(claim, role, h, chosen)
        ]
        ranked = sorted(candidates, key=lambda head: -means[head])[:MOST_CANDIDATES]
        chosen[role.name] = _needed([(int(layer), int(head)) for layer, head in ranked], setting)
    return claim.with_heads(chosen)


def lacks_behaviour(setting: Setting) -> bool:
    """Whether the discovery sequences show that the behaviour is not there."""
    alpha = look_alpha(setting.floors.alpha, setting.runner.sequences, setting.floors.sequences)
    specs = (TestSpec("behaviour.gain", 0, "the model"), TestSpec("behaviour.order", 0, "the model"))
    found = [summarize(spec, MEASURES[spec.id](setting, spec), setting.floors, alpha) for spec in specs]
    return any(m.outcome in (Outcome.FAILS, Outcome.CONTRADICTED) for m in found)


def _may_send(claim: Claim, role: Role, head: tuple[int, ...], chosen: Mapping[str, tuple[Head, ...]]) -> bool:
    taken = {other for heads in chosen.values() for other in heads}
    after = [chosen.get(edge.receiver, ()) for edge in claim.edges if edge.sender == role.name]
    before = [chosen.get(edge.sender, ()) for edge in claim.edges if edge.receiver == role.name]
    return (
        head not in taken
        and all(head[0] < layer for heads in after for layer, _ in heads)
        and all(layer < head[0] for heads in before for layer, _ in heads)
    )


def _needed(heads: list[Head], setting: Setting) -> tuple[Head, ...]:
    """Prunes the candidates: from the weakest up, drops a head that is neither necessary nor sufficient."""
    kept, gain, floors = list(heads), setting.gain.mean(), setting.floors

    def cost(some: list[Head]) -> float:
        return float(averaged(setting.cost(tuple(some), MEAN)).mean())

    for head in reversed(heads):
        if len(kept) == 1:
            break
        whole, left = cost(kept), cost([other for other in kept if other != head])
        if cost([head]) < MARGIN * floors.member * gain and 1 - left / whole < MARGIN * floors.alone:
            kept.remove(head)
    return tuple(sorted(kept))
