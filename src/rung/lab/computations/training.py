"""Section 6: the phase change on kept checkpoints, the tiny model trained here, and when each rung turns on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from ...circuits.heads import head_label
from ...errors import RungError
from ...evidence.claim import find_claim
from ...evidence.prove import prove
from ...methods.behaviour import loss_by_position
from ...methods.patterns import head_scores
from ...methods.values import weighted_patterns
from ...model.model import HookedTransformer
from ...tasks.builtin import repeated_tokens
from ...training.card import checkpoints, read_card, read_curve
from ...training.loop import PROGRESS, train
from ...training.loop import Progress as Measured
from ...training.recipes import find_recipe
from ...views.training import progress_line
from ...views.wording import verdict_sentence
from ..computation import (
    MOST_SEQUENCES,
    MOST_TOKENS,
    Answer,
    Array,
    Ask,
    Computation,
    Job,
    Lab,
    check_at_most,
    computation,
)
from .board import Sequence

RECIPE = "two-layer-tiny"
MOST_STEPS = 32
"""Checkpoints that one request proves."""
MOST_SEED = 2**31
MOST_TAKES = 9


class Point(msgspec.Struct, frozen=True):
    """One measurement during training, on 64 sequences of repeated random tokens."""

    step: int
    stage: int
    seconds: float
    first: float
    second: float
    previous_token: list[list[float]]
    """[layer][head]"""
    induction: list[list[float]]


class Kept(msgspec.Struct, frozen=True):
    """What a run of training has left so far."""

    points: list[Point]
    checkpoints: list[int]
    """The steps whose weights were kept."""
    steps: int
    """How many the recipe takes."""
    finished: bool
    stages: int


class SourceAsk(Ask, frozen=True, kw_only=True):
    """Which run: the one trained here from `seed`, or, without a seed, the one whose checkpoints are shipped."""

    seed: int | None = None
    take: int = 0
    """Which attempt with that seed."""


class Curve(Answer, frozen=True, kw_only=True):
    """The curve so far, and how long the shipped model took."""

    kept: Kept
    shipped_seconds: list[float]
    """Of the shipped run, and of the same recipe from other seeds, on one thread of the machine that made them."""


class CheckpointAsk(Ask, frozen=True, kw_only=True):
    """One kept step, looked at on repeated random tokens drawn from `draw`."""

    step: int
    seed: int | None = None
    take: int = 0
    length: int = 20
    draw: int = 0
    sequences: int = 16


class Checkpoint(Answer, frozen=True, kw_only=True):
    """The loss by position, the scores and the patterns of one kept step."""

    step: int
    sequence: Sequence
    by_position: Array
    """[target], mean over sequences"""
    first: float
    second: float
    in_context: float
    """Second-copy loss − first-copy loss: how much lower the loss is once there is a context to use."""
    ln_vocabulary: float
    heads: list[str]
    previous_token: list[float]
    induction: list[float]
    patterns: Array
    """[head, query, key] of the first sequence"""
    kept: Kept


class TrainAsk(Ask, frozen=True, kw_only=True):
    """Train from `seed`, or go on where this run was stopped; another `take` begins at step 0."""

    seed: int = 0
    take: int = 0


class RungsAsk(Ask, frozen=True, kw_only=True):
    """Prove the induction claim at each of these kept steps."""

    steps: list[int]
    seed: int | None = None
    take: int = 0


class Reached(msgspec.Struct, frozen=True):
    """The verdict at one step."""

    step: int
    rung: int
    """−1 nothing to explain, 0 behaviour, 1 clue, 2 contribution, 3 causal support, 4 mechanism"""
    name: str
    sentence: str
    stopped_by: list[str] | None
    """Id and subject of the weakest required test; None where nothing stopped it."""
    heads: dict[str, list[str]]


class Rungs(Answer, frozen=True, kw_only=True):
    """The verdict at each step, in order."""

    reached: list[Reached]


@computation("training.curve", shared=False)
def curve(lab: Lab, ask: SourceAsk, job: Job) -> Curve:
    """The curve of the shipped run, or of the one trained here, also while it is trained."""
    card = read_card(RECIPE)
    return Curve(
        kept=_kept(_folder(lab, ask.seed, ask.take)),
        shipped_seconds=[float(run["seconds"]) for run in (card, *card.get("other_seeds", ()))],
    )


@computation("training.checkpoint", shared=False)
def checkpoint(lab: Lab, ask: CheckpointAsk, job: Job) -> Checkpoint:
    """One kept step on repeated random tokens."""
    check_at_most("tokens a copy", ask.length, MOST_TOKENS // 2)
    check_at_most("sequences", ask.sequences, MOST_SEQUENCES)
    folder = _folder(lab, ask.seed, ask.take)
    model = _model(lab, folder, ask.step)
    task = repeated_tokens(model, period=ask.length, sequences=ask.sequences, seed=ask.draw)
    found, scores = loss_by_position(model, task), head_scores(model, task)
    return Checkpoint(
        step=ask.step,
        sequence=Sequence.of(model, task),
        by_position=Array.of(found.by_position),
        first=found.first_copy_loss,
        second=found.second_copy_loss,
        in_context=-found.gain,
        ln_vocabulary=found.ln_vocabulary,
        heads=[label for row in scores.labels for label in row],
        previous_token=scores["previous_token"].flatten().tolist(),
        induction=scores["induction"].flatten().tolist(),
        patterns=Array.of(weighted_patterns(model, task.tokens[:1]).pattern[0].flatten(0, 1)),
        kept=_kept(folder),
    )


@computation("training.train", lane="long", shared=False)
def train_here(lab: Lab, ask: TrainAsk, job: Job) -> Curve:
    """Trains the tiny model with its recipe, and keeps every measured step. Cancelling stops it; the same request goes
    on from the last measurement.
    """
    folder = _trained(lab, ask.seed, ask.take)
    recipe = find_recipe(RECIPE)
    recipe = replace(recipe, keep=tuple(range(0, recipe.steps + 1, recipe.measure_every)))

    def told(measured: Measured) -> None:
        job.progress(progress_line(recipe, measured), measured.step, measured.steps)

    if not _finished(folder):
        job.progress("preparing the made-up language", 0, recipe.steps)
        train(recipe, folder, seed=ask.seed, progress=told)
    return curve.run(lab, SourceAsk(seed=ask.seed, take=ask.take), job)  # type: ignore[return-value]


@computation("training.rungs", lane="long", shared=False)
def rungs(lab: Lab, ask: RungsAsk, job: Job) -> Rungs:
    """The verdict on the induction claim at each of some kept steps; heads are found by the search at each."""
    check_at_most("steps", len(ask.steps), MOST_STEPS)
    folder, found = _folder(lab, ask.seed, ask.take), []
    for at, step in enumerate(ask.steps):
        found.append(_prove(lab, folder, step, job, at, len(ask.steps)))
    job.progress("done", len(ask.steps), len(ask.steps))
    return Rungs(reached=found)


def _prove(lab: Lab, folder: Path | str, step: int, job: Job, at: int, total: int) -> Reached:
    model = _model(lab, folder, step)

    def told(what: str, done: int, of: int) -> None:
        job.progress(f"step {step}: {what}", at, total)

    def proved() -> Reached:
        proof = prove(find_claim("induction"), model, progress=told)
        verdict = proof.verdict
        return Reached(
            step=step,
            rung=verdict.rung,
            name=verdict.name,
            sentence=verdict_sentence(proof),
            stopped_by=None if verdict.stopped_by is None else list(verdict.stopped_by),
            heads={role.name: [head_label(head) for head in role.heads] for role in proof.claim.roles},
        )

    job.progress(f"step {step}", at, total)
    kept: Reached = lab.keep(f"training.rungs {model.checkpoint_digest()}", proved)
    return kept if kept.step == step else msgspec.structs.replace(kept, step=step)


def _folder(lab: Lab, seed: int | None, take: int) -> Path | str:
    """Where a run's files are: the folder of the shipped model, or one of this session."""
    return RECIPE if seed is None else _trained(lab, seed, take)


def _trained(lab: Lab, seed: int, take: int) -> Path:
    """The folder of a run of this session. Raises RungError for a seed or take that is out of range."""
    if not 0 <= seed < MOST_SEED:
        raise RungError(f"the seed is {seed}; one from 0 to {MOST_SEED - 1} is needed")
    check_at_most("runs from one seed", take + 1, MOST_TAKES)
    return lab.folder / f"{RECIPE}-{seed}-{take}"


def _finished(folder: Path | str) -> bool:
    return isinstance(folder, str) or ((folder / "card.json").exists() and not (folder / PROGRESS).exists())


def _kept(folder: Path | str) -> Kept:
    """What a run has left so far; nothing yet is no error."""
    recipe = find_recipe(RECIPE)
    begun = isinstance(folder, str) or (folder / "curve.jsonl").exists()
    return Kept(
        points=[_point(line) for line in read_curve(folder)] if begun else [],
        checkpoints=sorted(checkpoints(folder)) if begun else [],
        steps=recipe.steps,
        finished=_finished(folder),
        stages=len(recipe.stages),
    )


def _point(line: Mapping[str, Any]) -> Point:
    return Point(
        step=line["step"],
        stage=line["stage"],
        seconds=float(line["seconds"]),
        first=line["first_copy_loss"],
        second=line["second_copy_loss"],
        previous_token=line["previous_token"],
        induction=line["induction"],
    )


def _model(lab: Lab, folder: Path | str, step: int) -> HookedTransformer:
    """The weights of a kept step, loaded once. Raises RungError for a step that was not kept."""
    found = checkpoints(folder) if isinstance(folder, str) or folder.exists() else {}
    if step not in found:
        which = f"kept are {', '.join(map(str, found))}" if found else "nothing was trained from this seed yet"
        raise RungError(f"the weights of step {step} were requested; {which}")
    path = found[step]
    model: HookedTransformer = lab.keep(
        f"training.model {path} {path.stat().st_mtime_ns}", lambda: HookedTransformer.from_pretrained(str(path))
    )
    return model


COMPUTATIONS: tuple[Computation, ...] = (curve, checkpoint, train_here, rungs)
