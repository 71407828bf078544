"""Finding the heads of a claim's empty roles, on sequences that confirm nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import count

import numpy as np
import torch

from ..circuits.heads import Head
from ..circuits.vocabulary import SkipTrigram, skip_trigrams
from ..errors import ClaimError, NotDefinedError
from ..methods.runner import MEAN, Progress, averaged, no_progress, sub_seed
from ..methods.task_runners import task_runner
from ..methods.triples_runner import TriplesRunner
from ..model.model import HookedTransformer
from ..tasks.builtin import ordinary_tokens
from ..tasks.task import find_task, task_batch
from ..tasks.triples import FEWEST_PAIRS, LONGEST, OPEN, TABLE, TriplesTask, triples_batch
from .claim import Claim, Role
from .decide import summarize
from .looks import look_alpha
from .observation import Floors, Outcome, TestSpec
from .setting import Setting
from .tests import MEASURES

MOST_CANDIDATES = 8
"""Heads of one signature that the search looks at more closely."""
MOST_TABLES = 4
"""Tables of skip-trigrams that the search runs."""
MOST_TRIGRAMS = 400
"""Skip-trigrams of a head that a table is made from."""
CONSIDERED = 32
"""Pairs that are read off a head's weights."""
MOST_PAIRS = 8
"""Pairs of a table that a search finds."""
APART = 1.0
"""Nats by which a source's own output must be more likely than any other of the table."""
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
    if claim.task == OPEN:
        claim = with_table(claim, model, seed, sequences)
    batch = task_batch(model, find_task(claim.task), sequences=sequences, seed=seed)
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


def with_table(claim: Claim, model: HookedTransformer, seed: int, sequences: int) -> Claim:
    """The claim about the skip-trigrams whose sources take most off the loss of their outputs.

    Tables are read off the weights of the heads given, or of the first layer's, whose input is the embedding alone; the
    few with the largest products run on the discovery sequences. Where the model tells no table's outputs apart, the
    strongest is claimed, and the behaviour will be found to be lacking. Raises ClaimError where no head has a table.
    """
    heads = claim.heads or tuple((0, head) for head in range(model.config.n_heads))
    found: list[tuple[float, TriplesTask]] = []
    for head in heads if model.config.n_layers else ():
        size, task = strongest_table(model, head)
        if task is not None:
            found.append((size, task))
    best: tuple[float, TriplesTask] | None = None
    for _, whole in sorted(found, key=lambda one: -one[0])[:MOST_TABLES]:
        batch = triples_batch(model, whole, sequences=sequences * whole.rows, seed=seed)
        task = told_apart(TriplesRunner(model, batch, seed=seed))
        if task is None:
            continue
        batch = triples_batch(model, task, sequences=sequences * task.rows, seed=seed)
        gain = float(TriplesRunner(model, batch, seed=seed).gain.mean())
        if best is None or gain > best[0]:
            best = (gain, task)
    if best is None and found:
        strongest = max(found, key=lambda one: one[0])
        best = (0.0, replace(strongest[1], pairs=strongest[1].pairs[:MOST_PAIRS]))
    if best is None:
        raise ClaimError(
            f"no head of {model.config.model_name} has a table of skip-trigrams: at least {FEWEST_PAIRS} sources that "
            "one query attends to, each raising an output of its own; a table is claimed by its task: " + TABLE
        )
    return replace(claim, task=best[1].name)


def told_apart(runner: TriplesRunner) -> TriplesTask | None:
    """The table without the pairs whose outputs the model mixes up, by its mean logits; None if too few are left."""
    batch, task = runner.batch, runner.batch.task
    logits = runner.output_logits(batch.tokens)
    means = torch.stack([logits[batch.pair == at].mean(0) for at in range(len(task.pairs))]).nan_to_num()
    left = list(range(len(task.pairs)))
    while left:
        mixed = means[left][:, left] + APART >= means.diagonal()[left][:, None]
        mixed.fill_diagonal_(False)
        wrong = mixed.sum(0) + mixed.sum(1)
        if not wrong.any():
            break
        del left[int(wrong.argmax())]
    pairs = tuple(task.pairs[at] for at in left)[:MOST_PAIRS]
    return TriplesTask(task.queries, pairs) if len(pairs) >= FEWEST_PAIRS else None


def strongest_table(model: HookedTransformer, head: Head) -> tuple[float, TriplesTask | None]:
    """The query whose sources and outputs have the largest products of attention and logit, and their sum; None where
    a head has no table. Each source has one output, which is not itself, and each output one source.
    """
    ordinary = set(ordinary_tokens(model.config, model.tokenizer).tolist())
    try:
        strongest = skip_trigrams(model, head, MOST_TRIGRAMS)
        queries = Counter(one.query for one in strongest if one.query in ordinary)
        tables = {query: skip_trigrams(model, head, MOST_TRIGRAMS, query=query) for query, _ in queries.most_common(4)}
    except NotDefinedError:
        return 0.0, None
    considered = min(CONSIDERED, (len(ordinary) - LONGEST - 2) // 2)  # sequences hold tokens beside the table
    best: tuple[float, TriplesTask | None] = (0.0, None)
    for query, trigrams in tables.items():
        pairs: dict[int, SkipTrigram] = {}
        for one in trigrams:
            new = one.source not in pairs and one.output not in {other.output for other in pairs.values()}
            apart = one.source not in (one.output, query) and {one.source, one.output} <= ordinary
            if new and apart and len(pairs) < considered:
                pairs[one.source] = one
        size = sum(one.score for one in pairs.values())
        if len(pairs) >= FEWEST_PAIRS and size > best[0]:
            best = (size, TriplesTask((query,), tuple((one.source, one.output) for one in pairs.values())))
    return best


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
