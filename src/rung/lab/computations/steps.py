"""Section 10: route, match, copy on one sequence, with any heads ablated; and which heads can reach which."""

from __future__ import annotations

import msgspec

from ...circuits.composition import check_edge
from ...circuits.heads import Head, head_label
from ...errors import RungError
from ...methods import steps
from ...methods.interventions import Mean, on_head
from ...methods.patterns import CLUE, HeadScores, head_scores
from ...model.model import HookedTransformer
from ...tasks.builtin import RandomTokens, repeated_tokens
from ..computation import (
    DEFAULT_MODEL,
    MOST_HEADS,
    MOST_TOKENS,
    Answer,
    Array,
    Ask,
    Job,
    Lab,
    check_at_most,
    computation,
)

DONORS = 32
"""Other sequences of the same shape, whose mean an ablated head writes."""


class WalkAsk(Ask, frozen=True, kw_only=True):
    """One sequence of repeated random tokens, one query of its second copy, and the heads that are ablated."""

    model: str = DEFAULT_MODEL
    length: int = 12
    seed: int = 0
    at: int = 4
    """The query, counted in the copy from 0."""
    route: tuple[int, int] | None = None
    """(layer, head); None: the head with the highest previous-token score."""
    match: tuple[int, int] | None = None
    """None: the head with the highest induction score in a later layer."""
    ablate: tuple[tuple[int, int], ...] = ()


class Walk(msgspec.Struct, frozen=True):
    """The numbers of each step in one run."""

    route_attention: float
    route_score: float
    match_score: float
    match_attention: float
    copy_logit: float
    logit: float
    probability: float
    loss: float


class WalkAnswer(Answer, frozen=True, kw_only=True):
    """The steps in the clean run and under the ablation."""

    tokens: list[str]
    period: int
    start: int
    query: int
    source: int
    route: str
    match: str
    route_signature: float
    """The route head's previous-token score."""
    match_signature: float
    """The match head's induction score."""
    clean: Walk
    edited: Walk | None
    """None: nothing is ablated."""
    broken: list[str]
    """Steps that do less than `broken_below` of their clean work."""
    broken_below: float
    clue: float
    """The least signature score that counts as a clue."""
    heads: list[str]


@computation("steps.walk")
def walk(lab: Lab, ask: WalkAsk, job: Job) -> WalkAnswer:
    """Route, match and copy at one query, live."""
    model, task = _one(lab, ask.model, ask.length, ask.seed)
    if not 0 <= ask.at < ask.length:
        raise RungError(f"position {ask.at} of the copy was requested; a copy has positions 0 to {ask.length - 1}")
    donors = repeated_tokens(model, period=ask.length, sequences=DONORS, seed=ask.seed + 1)
    looks: HeadScores = lab.keep(
        f"steps.scores {ask.model} {ask.length} {ask.seed}", lambda: head_scores(model, donors)
    )
    route, match = _roles(model, looks, ask.route, ask.match)
    query, tokens = task.second + ask.at, task.tokens[0]
    clean = steps.induction_steps(model, tokens, route, match, query)
    edited = None
    if ask.ablate:
        cells = [on_head(head, Mean(donors.tokens)) for head in dict.fromkeys(ask.ablate)]
        edited = steps.induction_steps(model, tokens, route, match, query, cells)
    return WalkAnswer(
        tokens=[model.token_text(token) for token in tokens.tolist()],
        period=task.period,
        start=task.start,
        query=query,
        source=clean.source,
        route=head_label(route),
        match=head_label(match),
        route_signature=float(looks["previous_token"][route]),
        match_signature=float(looks["induction"][match]),
        clean=_walk(clean),
        edited=None if edited is None else _walk(edited),
        broken=[] if edited is None else list(edited.broken(clean)),
        broken_below=steps.BROKEN,
        clue=CLUE,
        heads=[label for row in looks.labels for label in row],
    )


class ReachAsk(Ask, frozen=True, kw_only=True):
    """A few sequences of repeated random tokens."""

    model: str = DEFAULT_MODEL
    length: int = 12
    seed: int = 0


class ReachAnswer(Answer, frozen=True, kw_only=True):
    """How far each head's attention moves when another head is ablated."""

    heads: list[str]
    change: Array
    """[ablated, reader]: the largest change of any attention weight."""
    n_heads: int
    """Heads in a layer."""
    refused: str
    """What the library says to an edge between two heads of one layer; empty for a model with one layer or one head."""
    n: int


@computation("steps.reach", lane="long")
def reach(lab: Lab, ask: ReachAsk, job: Job) -> ReachAnswer:
    """Can heads of one layer wait for each other?"""
    model, task = _one(lab, ask.model, ask.length, ask.seed)
    config = model.config
    if config.n_layers:
        check_at_most("heads", config.n_layers * config.n_heads, MOST_HEADS)
    donors = repeated_tokens(model, period=ask.length, sequences=DONORS, seed=ask.seed + 1).tokens

    def report(done: int, total: int) -> None:
        job.progress("ablating each head", done, total)

    found = steps.pattern_reach(model, task.tokens, donors, report)
    refused = ""
    if config.n_heads > 1 and config.n_layers > 1:
        try:
            check_edge(config, (0, 1), (0, 0))
        except RungError as error:
            refused = str(error)
    return ReachAnswer(
        heads=list(found.heads), change=Array.of(found.change), n_heads=config.n_heads, refused=refused, n=found.n
    )


def _one(lab: Lab, name: str, length: int, seed: int) -> tuple[HookedTransformer, RandomTokens]:
    model = lab.model(name)
    check_at_most("tokens in a copy", length, MOST_TOKENS // 2)
    return model, repeated_tokens(model, period=length, sequences=1, seed=seed)


def _roles(model: HookedTransformer, looks: HeadScores, route: Head | None, match: Head | None) -> tuple[Head, Head]:
    """The heads that were asked for, or those with the highest scores that can work together."""
    if model.config.n_layers < 2:
        raise RungError(
            f"{model.config.model_name} has {model.config.n_layers} layer(s): one head has to write before another "
            "reads, so route and match need two"
        )
    if match is None:
        later = [head for head in looks.ranked("induction") if head[0] > (0 if route is None else route[0])]
        if not later:
            raise RungError(f"no head is in a later layer than {head_label(route or (0, 0))}; choose an earlier route")
        match = later[0]
    if route is None:
        earlier = [head for head in looks.ranked("previous_token") if head[0] < match[0]]
        if not earlier:
            raise RungError(f"no head is in an earlier layer than {head_label(match)}; choose a later match")
        route = earlier[0]
    return route, match


def _walk(found: steps.InductionSteps) -> Walk:
    return Walk(**{name: getattr(found, name) for name in Walk.__struct_fields__})


COMPUTATIONS = (walk, reach)
