"""Section 6: loss by position on repeated random tokens, and the guess that the reader makes first."""

from __future__ import annotations

import msgspec

from ...evidence.observation import Floors
from ...methods.behaviour import loss_by_position
from ...model.model import HookedTransformer
from ...tasks.builtin import RandomTokens, repeated_tokens
from ..computation import (
    DEFAULT_MODEL,
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
from ..estimate import Estimate


class Repeats(Ask, frozen=True, kw_only=True):
    """Repeated random tokens: `length` of them, twice."""

    model: str = DEFAULT_MODEL
    length: int = 20
    seed: int = 0
    sequences: int = 16


class Sequence(msgspec.Struct, frozen=True):
    """One sequence as text, and the positions at which its two copies begin."""

    texts: list[str]
    period: int
    start: int
    second: int

    @staticmethod
    def of(model: HookedTransformer, task: RandomTokens) -> Sequence:
        """The first sequence of a task."""
        texts = [model.token_text(token) for token in task.tokens[0].tolist()]
        return Sequence(texts, task.period, task.start, task.second)


class GuessAsk(Ask, frozen=True, kw_only=True):
    """The sequence in which the reader guesses; it is the first of those that `board.loss` measures."""

    model: str = DEFAULT_MODEL
    length: int = 20
    seed: int = 0


class Guess(Answer, frozen=True, kw_only=True):
    """A sequence up to a `?`, and how often a guess is right with what one may know."""

    sequence: Sequence
    query: int
    """The last position that is shown; the token after it is asked for."""
    answer: int
    """The position in the first copy that holds the token asked for."""
    vocabulary: int
    """A guess that knows nothing is right once in so many times."""


class Losses(Answer, frozen=True, kw_only=True):
    """Loss in nats of every token except the first, and the means of both copies."""

    sequence: Sequence
    by_position: Array
    """[target]: the mean over sequences; column t is for the token at position t + 1."""
    example: Array
    """[target]: the first sequence's."""
    right: Array
    """[target]: the share of sequences in which the model's top-1 prediction was right."""
    first: Estimate
    second: Estimate
    gain: Estimate
    floor: float
    """The least gain that the ladder calls a behaviour."""
    accuracy: float
    ln_vocabulary: float
    ln_period: float
    n: int


@computation("board.guess")
def guess(lab: Lab, ask: GuessAsk, job: Job) -> Guess:
    """The sequence up to a token in the middle of the second copy, for the reader to go on."""
    model, task = find_task(lab, ask.model, ask.length, ask.seed, 1)
    offset = task.period // 2
    return Guess(
        sequence=Sequence.of(model, task),
        query=task.second + offset,
        answer=task.start + offset + 1,
        vocabulary=model.config.d_vocab,
    )


@computation("board.loss")
def loss(lab: Lab, ask: Repeats, job: Job) -> Losses:
    """Loss by position, with the means of both copies and what a uniform guess would lose."""
    model, task = find_task(lab, ask.model, ask.length, ask.seed, ask.sequences)
    found = loss_by_position(model, task, lambda done, total: job.progress("loss by position", done, total))
    first, second = (found.loss[:, part].mean(1) for part in (found.first_copy, found.second_copy))
    return Losses(
        sequence=Sequence.of(model, task),
        by_position=Array.of(found.by_position),
        example=Array.of(found.loss[0]),
        right=Array.of(found.right.double().mean(0)),
        first=Estimate.of(first),
        second=Estimate.of(second),
        gain=Estimate.of(first - second),
        floor=Floors().gain,
        accuracy=found.accuracy,
        ln_vocabulary=found.ln_vocabulary,
        ln_period=found.ln_period,
        n=found.n_sequences,
    )


def find_task(lab: Lab, name: str, length: int, seed: int, sequences: int) -> tuple[HookedTransformer, RandomTokens]:
    """The model, and its repeated random tokens within the lab's limits. Raises RungError."""
    check_at_most("tokens a copy", length, MOST_TOKENS // 2)
    check_at_most("sequences", sequences, MOST_SEQUENCES)
    model = lab.model(name)
    return model, repeated_tokens(model, period=length, sequences=sequences, seed=seed)


COMPUTATIONS: tuple[Computation, ...] = (guess, loss)
