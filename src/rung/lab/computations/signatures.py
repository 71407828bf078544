"""Section 7: the patterns of all heads with their labels, and two heads of which one is a decoy."""

from __future__ import annotations

import hashlib

import msgspec

from ...circuits.heads import Head, head_label
from ...methods.attribution import attribute_logits
from ...methods.patterns import HeadScores, attention_split, floor_of, head_scores, label_head
from ...methods.values import weighted_patterns
from ...planted.models import Planted, plant
from ...tasks.builtin import RandomTokens, ordinary_tokens, repeated_tokens, unrepeated_tokens
from ..computation import MOST_HEADS, Answer, Array, Ask, Computation, Job, Lab, check_at_most, computation
from ..estimate import Estimate
from .board import Repeats, Sequence, find_task

DECOYS = "passenger"
"""The kind of planted model with two heads that look alike, one of which writes nothing."""
DECOY_LENGTH = 12
MOST_DECOYS = 1000


class HeadSignature(msgspec.Struct, frozen=True):
    """One head: its label with the score and floor behind it, all scores, and where its attention goes."""

    head: str
    label: str
    """A signature, "mixed" or "none fits"."""
    signature: str
    """The signature that `score`, `floor` and `control` belong to."""
    score: float
    floor: float
    control: float | None
    """The same score on sequences that do not repeat; None: the vocabulary is too small for them."""
    estimate: Estimate
    """The score with its bounds over sequences."""
    scores: dict[str, float]
    floors: dict[str, float]
    split: dict[str, float]


class Signatures(Answer, frozen=True, kw_only=True):
    """Every head, the highest signature first; patterns are those of the first sequence, in the same order."""

    sequence: Sequence
    heads: list[HeadSignature]
    patterns: Array
    """[head, query, key]"""
    written: Array
    """[head, key]: the length of what each position's value writes."""
    n: int


class QuizAsk(Ask, frozen=True, kw_only=True):
    """Which pair of heads."""

    seed: int = 0


class Quiz(Answer, frozen=True, kw_only=True):
    """Two heads of a planted model that score alike; one writes nothing."""

    sequence: Sequence
    patterns: Array
    """[2, query, key], A and B"""
    induction: list[float]
    """Their induction scores, A and B."""
    control: list[float]


class Solution(Answer, frozen=True, kw_only=True):
    """Which is the decoy, and what each adds to the right token's logit."""

    decoy: str
    """"A" or "B"."""
    direct: list[Estimate]
    """Direct attribution to the logit of the right token, A and B."""
    total: Estimate
    """The logit of the right token."""
    unit: str
    why: str


@computation("signatures.heads")
def heads(lab: Lab, ask: Repeats, job: Job) -> Signatures:
    """Scores, labels, splits and patterns of every head on repeated random tokens."""
    model, task = find_task(lab, ask.model, ask.length, ask.seed, ask.sequences)
    config = model.config
    check_at_most("heads", config.n_layers * config.n_heads, MOST_HEADS)
    scores = head_scores(model, task, lambda done, total: job.progress("scores of every head", done, total))
    control = None
    if 2 * task.period <= len(ordinary_tokens(config, model.tokenizer)):
        control = head_scores(
            model, unrepeated_tokens(model, task), lambda done, total: job.progress("the control", done, total)
        )
    split = attention_split(model, task, lambda done, total: job.progress("where attention goes", done, total))
    found = weighted_patterns(model, task.tokens[:1])
    order = scores.ranked()
    at = [layer * config.n_heads + head for layer, head in order]
    return Signatures(
        sequence=Sequence.of(model, task),
        heads=[_describe(head, scores, control, {n: float(v[head]) for n, v in split.items()}) for head in order],
        patterns=Array.of(found.pattern[0].flatten(0, 1)[at]),
        written=Array.of(found.written[0].flatten(0, 1)[at]),
        n=scores.n_sequences,
    )


def _describe(head: Head, scores: HeadScores, control: HeadScores | None, split: dict[str, float]) -> HeadSignature:
    label = label_head(scores, control, *head)
    signature = label.signature
    return HeadSignature(
        head=head_label(head),
        label=label.name,
        signature=signature,
        score=label.score,
        floor=label.floor,
        control=None if control is None else float(control[signature][head]),
        estimate=Estimate.of(scores.per_sequence[signature][:, head[0], head[1]]),
        scores={name: float(scores[name][head]) for name in scores.names},
        floors={name: floor_of(name, control, *head) for name in ("previous_token", "induction", "duplicate_token")},
        split=split,
    )


@computation("signatures.quiz")
def quiz(lab: Lab, ask: QuizAsk, job: Job) -> Quiz:
    """Two heads with the same stripe, in an order that the seed decides."""
    planted, pair, task = _pair(lab, ask.seed)
    scores = head_scores(planted.model, task)
    control = head_scores(planted.model, unrepeated_tokens(planted.model, task))
    patterns = weighted_patterns(planted.model, task.tokens[:1]).pattern[0]
    return Quiz(
        sequence=Sequence.of(planted.model, task),
        patterns=Array.of([patterns[head].numpy() for head in pair]),
        induction=[float(scores["induction"][head]) for head in pair],
        control=[float(control["induction"][head]) for head in pair],
    )


@computation("signatures.solution")
def solution(lab: Lab, ask: QuizAsk, job: Job) -> Solution:
    """The decoy of that pair, told by what each head adds to the right token's logit."""
    planted, pair, task = _pair(lab, ask.seed)
    queries = range(task.predictable.start, task.predictable.stop)
    targets = task.tokens[:, task.predictable.start + 1 : task.predictable.stop + 1]
    found = attribute_logits(planted.model, task.tokens, targets, queries=queries)
    decoy = planted.heads["induction"][1]
    return Solution(
        decoy="AB"[pair.index(decoy)],
        direct=[Estimate.of(found.of(head_label(head)).mean(1)) for head in pair],
        total=Estimate.of(found.total.mean(1)),
        unit=found.unit,
        why=planted.why,
    )


def _pair(lab: Lab, seed: int) -> tuple[Planted, list[Head], RandomTokens]:
    """The planted model, its two induction-like heads as A and B, and the sequences that they are shown on."""
    check_at_most("decoys", seed + 1, MOST_DECOYS)
    planted: Planted = lab.keep(f"signatures.planted {seed}", lambda: plant(DECOYS, seed))
    task = repeated_tokens(planted.model, period=DECOY_LENGTH, sequences=16, seed=seed)
    pair = list(planted.heads["induction"])
    swapped = hashlib.sha256(f"decoy {seed}".encode()).digest()[0] % 2
    return planted, pair[::-1] if swapped else pair, task


COMPUTATIONS: tuple[Computation, ...] = (heads, quiz, solution)
