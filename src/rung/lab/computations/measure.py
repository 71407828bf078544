"""Section 8: cache, hook, measure: a stack of interventions on repeated random tokens, and every head by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import msgspec
import torch
from torch import Tensor

from ...circuits.heads import Head, head_label
from ...engine.sites import Site, check_head
from ...errors import InterventionError
from ...methods.before_after import NextTokens, before_after, record_under
from ...methods.grids import ablate_each_head
from ...methods.interventions import (
    FEWEST_DONORS,
    Intervention,
    Mean,
    Patch,
    Replacement,
    Resample,
    Zero,
    donor_rows,
    on_head,
    record,
)
from ...methods.sweep import sweep
from ...model.model import HookedTransformer
from ...tasks.builtin import RandomTokens, repeated_tokens, unrepeated_tokens
from ...tasks.metrics import next_token_loss
from ..computation import (
    DEFAULT_MODEL,
    MOST_HEADS,
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
from .board import Repeats, Sequence, find_task

Put = Literal["zero", "mean", "resample", "patch"]
Where = Literal["z", "attn_out", "mlp_out", "resid_pre", "resid_post"]
MOST_MOVES = 16


class Move(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One intervention: where, and what is put there."""

    layer: int
    site: Where = "z"
    """z with `head`: that head's output."""
    head: int | None = None
    put: Put = "mean"
    positions: list[int] | None = None
    """None: all."""


class EditAsk(Ask, frozen=True, kw_only=True):
    """Repeated random tokens, a stack of moves that apply together, and what to look at."""

    model: str = DEFAULT_MODEL
    length: int = 20
    seed: int = 0
    sequences: int = 8
    moves: tuple[Move, ...] = ()
    query: int | None = None
    """The position whose next token is the target (None: in the middle of the second copy)."""
    show: str | None = None
    """The head whose attention is shown before and after, "1.0" (None: the first of the last layer)."""


class Side(msgspec.Struct, frozen=True):
    """One run: its losses, and what it says at the query."""

    by_position: Array
    """[target]: the mean loss over sequences"""
    example: Array
    """[target]: the first sequence's loss"""
    first: Estimate
    second: Estimate
    logit: float
    """The target's logit at the query of the first sequence, less the mean logit."""
    probability: float
    top: str
    """The first sequence's top-1 prediction at the query."""
    pattern: Array | None
    """[query, key]: the shown head's attention on the first sequence."""


class Edit(Answer, frozen=True, kw_only=True):
    """The clean run and the edited one."""

    sequence: Sequence
    query: int
    target: str
    show: str | None
    moves: list[str]
    """Each intervention in the library's words."""
    hooks: list[str]
    """The hook point of each."""
    clean: Side
    edited: Side
    change: Estimate
    """Second-copy loss, edited minus clean."""
    ln_vocabulary: float
    n: int
    layers: int
    heads: int
    mlps: bool
    """What there is to hook."""


class SweepAsk(Repeats, frozen=True, kw_only=True):
    """Every head by itself."""

    put: Literal["zero", "mean", "resample"] = "mean"


class Swept(Answer, frozen=True, kw_only=True):
    """The change of the second copy's loss for each head, the largest first."""

    heads: list[str]
    change: list[Estimate]
    clean: Estimate
    put: str
    unit: str
    n: int


class LieAsk(Ask, frozen=True, kw_only=True):
    """Some heads ablated together, in every way."""

    model: str = "two-layer-redundant"
    length: int = 20
    seed: int = 0
    sequences: int = 16
    heads: tuple[str, ...] = ("1.0", "1.1")


class Way(msgspec.Struct, frozen=True):
    """One way to take heads away, and what the model then says in the second copy, mean over queries."""

    put: str
    words: str
    """The library's words for it."""
    change: Estimate
    """Loss, edited minus clean"""
    right: Estimate
    """The right token's logit, edited minus clean; logits are counted from their mean"""
    rival: Estimate
    """The highest wrong token's logit, edited minus clean"""
    named: Estimate
    """Share of queries at which the top-1 prediction is the token that comes next in the (first) donor: what its head
    copies there"""
    accuracy: float


class Alone(msgspec.Struct, frozen=True):
    """Mean ablation of one head alone."""

    head: str
    change: Estimate


class Lie(Answer, frozen=True, kw_only=True):
    """Heads taken away together in four ways, and each alone."""

    heads: list[str]
    ways: list[Way]
    alone: list[Alone]
    clean: Estimate
    clean_accuracy: float
    n: int


@dataclass(frozen=True, eq=False)
class _Runs:
    """The scored sequences, and the others that replacements come from, as `rung ablate` draws them."""

    task: RandomTokens
    others: Tensor
    control: Tensor
    """Sequences that do not repeat: those that a patch comes from."""
    seed: int

    @classmethod
    def of(cls, model: HookedTransformer, task: RandomTokens, seed: int) -> _Runs:
        others = repeated_tokens(
            model, period=task.period, sequences=max(len(task.tokens), FEWEST_DONORS), seed=seed + 1
        )
        return cls(task, others.tokens, unrepeated_tokens(model, task).tokens, seed)

    def put(self, name: str) -> Replacement:
        """The replacement of that name."""
        if name == "zero":
            return Zero()
        if name == "mean":
            return Mean(self.others)
        if name == "resample":
            return Resample(self.others, seed=self.seed)
        return Patch(self.control)


@computation("measure.edit")
def edit(lab: Lab, ask: EditAsk, job: Job) -> Edit:
    """The loop once: a cached clean run, hooks, and what changed."""
    model, runs = _runs(lab, ask.model, ask.length, ask.seed, ask.sequences)
    task, config = runs.task, model.config
    check_at_most("interventions, plus one,", len(ask.moves) + 1, MOST_MOVES + 1)
    puts: dict[str, Replacement] = {move.put: runs.put(move.put) for move in ask.moves}
    moves = [_intervention(model, move, puts[move.put]) for move in ask.moves]
    query = task.second + task.period // 2 if ask.query is None else ask.query
    if not 0 <= query < task.tokens.shape[1] - 1:
        raise InterventionError(f"position {query} has no next token; choose one from 0 to {task.tokens.shape[1] - 2}")
    shown = _shown(model, ask.show)
    found = before_after(model, task.tokens, moves)
    sites = [] if shown is None else [Site("pattern", shown[0])]
    before = after = None
    if shown is not None:
        before = lab.keep(
            f"measure.pattern {ask.model} {ask.length} {ask.seed} {shown[0]}",
            lambda: record(model, task.tokens[:1], sites)["pattern", shown[0]][0],
        )[shown[1]]
        after = before if not moves else record_under(model, task.tokens, moves, sites)[sites[0]][shown[1]]
    return Edit(
        sequence=Sequence.of(model, task),
        query=query,
        target=model.token_text(int(task.tokens[0, query + 1])),
        show=None if shown is None else head_label(shown),
        moves=[str(move) for move in moves],
        hooks=[Site(move.site, move.layer).path for move in ask.moves],
        clean=_side(model, task, found.clean, query, before),
        edited=_side(model, task, found.edited, query, after),
        change=Estimate.of((found.edited.loss - found.clean.loss)[:, task.predictable].mean(1)),
        ln_vocabulary=float(torch.tensor(config.d_vocab, dtype=torch.float64).log()),
        n=len(task.tokens),
        layers=config.n_layers,
        heads=config.n_heads,
        mlps=not config.attn_only,
    )


@computation("measure.sweep", lane="long")
def sweep_heads(lab: Lab, ask: SweepAsk, job: Job) -> Swept:
    """Every head ablated by itself, as `rung ablate` does."""
    model, runs = _runs(lab, ask.model, ask.length, ask.seed, ask.sequences)
    config, value = model.config, runs.put(ask.put)
    check_at_most("heads", config.n_layers * config.n_heads, MOST_HEADS)
    assert isinstance(value, Zero | Mean | Resample)

    def told(done: int, total: int) -> None:
        job.progress("heads ablated, one at a time", done, total)

    grid = ablate_each_head(model, runs.task, next_token_loss(runs.task.predictable), value, progress=told)
    labels = [head_label(head) for head in product(range(config.n_layers), range(config.n_heads))]
    order = grid.result.change.mean(1).argsort(descending=True, stable=True).tolist()
    return Swept(
        heads=[labels[at] for at in order],
        change=[Estimate.of(grid.result.change[at]) for at in order],
        clean=Estimate.of(grid.result.clean),
        put=str(value),
        unit=grid.result.unit,
        n=grid.result.n,
    )


@computation("measure.lie")
def lie(lab: Lab, ask: LieAsk, job: Job) -> Lie:
    """Some heads taken away together, silenced (zero, mean) or made to lie (resample), and each of them alone."""
    model, runs = _runs(lab, ask.model, ask.length, ask.seed, ask.sequences)
    check_at_most("heads", len(ask.heads), MOST_MOVES)
    heads = [_head(model, spelled) for spelled in ask.heads]
    many = runs.put("resample")
    assert isinstance(many, Resample)
    puts: dict[str, Replacement] = {
        "zero": Zero(),
        "mean": Mean(runs.others),
        "resample": many,
        "one donor": replace(many, draws=1),
    }
    ways, clean = [], None
    for done, (name, put) in enumerate(puts.items()):
        job.progress(f"{name} ablation", done, len(puts))
        found = before_after(model, runs.task.tokens, [on_head(head, put) for head in heads])
        clean = found.clean
        ways.append(_way(name, put, runs, found.clean, found.edited))
    assert clean is not None
    alone = sweep(
        model, runs.task, [on_head(head, puts["mean"]) for head in heads], next_token_loss(runs.task.predictable)
    )
    return Lie(
        heads=[head_label(head) for head in heads],
        ways=ways,
        alone=[Alone(head_label(h), Estimate.of(alone.change[at])) for at, h in enumerate(heads)],
        clean=Estimate.of(alone.clean),
        clean_accuracy=_accuracy(runs.task, clean),
        n=alone.n,
    )


def _way(name: str, put: Replacement, runs: _Runs, clean: NextTokens, edited: NextTokens) -> Way:
    part = runs.task.predictable

    def change(of: str) -> Estimate:
        return Estimate.of((getattr(edited, of) - getattr(clean, of))[:, part].mean(1))

    return Way(
        put=name,
        words=str(put),
        change=change("loss"),
        right=change("logit"),
        rival=change("rival"),
        named=Estimate.of(_named(edited.top[:, part], runs).mean(1)),
        accuracy=_accuracy(runs.task, edited),
    )


def _named(top: Tensor, runs: _Runs) -> Tensor:
    """1.0 where the prediction is the first donor's next token, which a head taken from that donor copies there."""
    resample = runs.put("resample")
    assert isinstance(resample, Resample)
    donors = runs.others[donor_rows(resample, len(runs.task.tokens))[0]]
    return (top == donors[:, 1:][:, runs.task.predictable].to(top.device)).double()


def _accuracy(task: RandomTokens, found: NextTokens) -> float:
    right = found.top[:, task.predictable] == task.tokens[:, 1:][:, task.predictable].to(found.top.device)
    return float(right.double().mean())


def _side(model: HookedTransformer, task: RandomTokens, found: NextTokens, query: int, pattern: Tensor | None) -> Side:
    first = slice(max(task.start, 1) - 1, task.second - 1)
    return Side(
        by_position=Array.of(found.loss.mean(0)),
        example=Array.of(found.loss[0]),
        first=Estimate.of(found.loss[:, first].mean(1)),
        second=Estimate.of(found.loss[:, task.predictable].mean(1)),
        logit=float(found.logit[0, query]),
        probability=float((-found.loss[0, query]).exp()),
        top=model.token_text(int(found.top[0, query])),
        pattern=None if pattern is None else Array.of(pattern),
    )


def _runs(lab: Lab, name: str, length: int, seed: int, sequences: int) -> tuple[HookedTransformer, _Runs]:
    model, task = find_task(lab, name, length, seed, sequences)
    return model, _Runs.of(model, task, seed)


def _intervention(model: HookedTransformer, move: Move, put: Replacement) -> Intervention:
    if move.head is not None and move.site != "z":
        raise InterventionError(f"head {move.head} was given for {move.site}, which has no heads; leave the head out")
    if move.site == "z" and move.head is None:
        raise InterventionError(f"a head is needed in layer {move.layer}, from 0 to {model.config.n_heads - 1}")
    positions = None if move.positions is None else tuple(move.positions)
    return Intervention(Site(move.site, move.layer), put, move.head, positions)


def _head(model: HookedTransformer, spelled: str) -> Head:
    layer, _, head = spelled.partition(".")
    if not (layer.isdecimal() and head.isdecimal()):
        raise InterventionError(f"{spelled!r} is no head; write layer.head, for example 1.0")
    return check_head(model.config, int(layer), int(head))


def _shown(model: HookedTransformer, show: str | None) -> Head | None:
    if not model.config.n_layers:
        return None
    return (model.config.n_layers - 1, 0) if show is None else _head(model, show)


COMPUTATIONS: tuple[Computation, ...] = (edit, sweep_heads, lie)
