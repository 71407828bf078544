"""Section 9: which components push the right token, whether ablation agrees, and why a head attends where it does."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import torch

from ...circuits.heads import Head, head_label
from ...engine.sites import Site
from ...errors import RungError
from ...evidence.observation import Floors
from ...evidence.statistics import bounds
from ...methods import attribution as direct
from ...methods import scores
from ...methods.behaviour import loss_by_position
from ...methods.grids import ablate_each_head
from ...methods.interventions import Mean, Resample, record
from ...methods.paths import INPUTS, patch_all_senders
from ...methods.patterns import SIGNATURES, head_scores
from ...model.model import HookedTransformer
from ...tasks.builtin import RandomTokens, repeated_tokens
from ...tasks.metrics import next_token_loss
from ..computation import (
    DEFAULT_MODEL,
    MOST_HEADS,
    MOST_SEQUENCES,
    MOST_TOKENS,
    Answer,
    Array,
    Ask,
    Job,
    Lab,
    check_at_most,
    computation,
    text_tokens,
)

RECEIVERS = 4
"""Heads, those whose ablation costs most, whose inputs are patched one sender at a time."""
FLOORS = Floors()


class RepeatsAsk(Ask, frozen=True, kw_only=True):
    """Repeated random tokens, several sequences."""

    model: str = DEFAULT_MODEL
    length: int = 12
    sequences: int = 16
    seed: int = 0


class Bar(msgspec.Struct, frozen=True):
    """One component's mean over sequences, with its bounds, each missed with probability `alpha` at most."""

    label: str
    value: float
    low: float | None
    high: float | None


class HeadsAnswer(Answer, frozen=True, kw_only=True):
    """Direct attribution to the right token's logit, less the mean logit of the copy's other tokens."""

    what: str
    unit: str
    bars: list[Bar]
    total: Bar
    residual: float
    """The largest |total − sum of parts| over sequences and queries."""
    heads: list[str]
    n: int
    queries: int
    alpha: float
    floor: float
    """A head's share of the strongest component below which its push counts as weak."""


@computation("attribution.heads")
def heads(lab: Lab, ask: RepeatsAsk, job: Job) -> HeadsAnswer:
    """Every component's push for the right token on repeated random tokens."""
    model, task = _task(lab, ask)
    found = _attribute(model, task)
    return HeadsAnswer(
        what=found.what,
        unit=found.unit,
        bars=[_bar(label, found.of(label).mean(1)) for label in found.labels],
        total=_bar("total", found.total.mean(1)),
        residual=float(found.residual.abs().max()),
        heads=_head_labels(model),
        n=found.n,
        queries=len(found.queries),
        alpha=FLOORS.alpha,
        floor=FLOORS.contribution,
    )


class ContrastAsk(Ask, frozen=True, kw_only=True):
    """The next token A against B, after a text."""

    text: str
    target: str
    other: str
    model: str = DEFAULT_MODEL


class Part(msgspec.Struct, frozen=True):
    """One term of a sum."""

    label: str
    value: float


class ContrastAnswer(Answer, frozen=True, kw_only=True):
    """The logit of A minus that of B, as a sum over components."""

    tokens: list[str]
    target: str
    other: str
    unit: str
    parts: list[Part]
    total: float
    residual: float
    logits: tuple[float, float]
    """Of A and of B, as the model gives them."""
    best: str
    """The token that the model finds most likely."""


@computation("attribution.contrast")
def contrast(lab: Lab, ask: ContrastAsk, job: Job) -> ContrastAnswer:
    """Target A against B on a text."""
    model = lab.model(ask.model)
    tokens = text_tokens(model, ask.text)
    target, other = (_one_token(model, spelled) for spelled in (ask.target, ask.other))
    if target == other:
        raise RungError(f"A and B are the same token, {ask.target!r}; choose two different ones")
    last = tokens.shape[1] - 1
    found = direct.attribute_logits(model, tokens, torch.tensor([[target]]), torch.tensor([[[other]]]), [last])
    with torch.no_grad():
        logits = model(tokens)[0, last].float()
    return ContrastAnswer(
        tokens=[model.token_text(token) for token in tokens[0].tolist()],
        target=model.token_text(target),
        other=model.token_text(other),
        unit=found.unit,
        parts=[Part(label, float(found.of(label))) for label in found.labels],
        total=float(found.total),
        residual=float(found.residual),
        logits=(float(logits[target]), float(logits[other])),
        best=model.token_text(int(logits.argmax())),
    )


class AgreementRow(msgspec.Struct, frozen=True):
    """One head by three methods."""

    head: str
    direct: Bar
    mean: Bar
    """Rise of the loss on the second copy, with the head's output replaced by its mean."""
    resample: Bar
    signature: str
    """The signature with the head's highest score."""
    score: float


class Link(msgspec.Struct, frozen=True):
    """One direct path: the rise of the loss if only this edge carries another sequence's values."""

    sender: str
    receiver: str
    into: str
    change: Bar


class AgreementAnswer(Answer, frozen=True, kw_only=True):
    """Attribution beside ablation beside pattern scores, and the paths through which heads act on other heads."""

    rows: list[AgreementRow]
    links: list[Link]
    receivers: list[str]
    clean: float
    """Loss on the second copy."""
    gain: float
    """Loss on the first copy less that on the second: what there is to lose."""
    correlation: float
    """Of direct attribution with the cost of mean ablation, over heads."""
    n: int
    alpha: float
    weak: float
    """Share of the strongest head's push below which a push counts as weak."""
    needed: float
    """Share of the gain from which a head counts as needed."""


@computation("attribution.agreement", lane="long")
def agreement(lab: Lab, ask: RepeatsAsk, job: Job) -> AgreementAnswer:
    """Does ablation pick out the heads that attribution does?"""
    model, task = _task(lab, ask)
    labels, metric = _head_labels(model), next_token_loss(task.predictable)
    if not labels:
        raise RungError(f"{model.config.model_name} has no layers, so no heads to compare")
    check_at_most("heads", len(labels), MOST_HEADS)
    donors = repeated_tokens(model, period=ask.length, sequences=MOST_SEQUENCES, seed=ask.seed + 1).tokens
    pushes, looks = _attribute(model, task), head_scores(model, task)
    costs = {}
    for name, put in (("mean", Mean(donors)), ("resample", Resample(donors, seed=ask.seed))):
        step = f"{name} ablation of each head"
        grid = ablate_each_head(model, task, metric, put, progress=_reports(job, step))
        costs[name] = grid.change.flatten(0, 1)
    clean = grid.result.clean
    order = costs["mean"].mean(1).argsort(descending=True).tolist()
    n_heads = model.config.n_heads
    receivers: list[Head] = [divmod(at, n_heads) for at in order if at >= n_heads][:RECEIVERS]
    rows = []
    for at, label in enumerate(labels):
        signature = max(SIGNATURES, key=lambda name: float(looks[name].flatten()[at]))
        rows.append(
            AgreementRow(
                head=label,
                direct=_bar(label, pushes.of(label).mean(1)),
                mean=_bar(label, costs["mean"][at]),
                resample=_bar(label, costs["resample"][at]),
                signature=signature,
                score=float(looks[signature].flatten()[at]),
            )
        )
    both = np.corrcoef([row.direct.value for row in rows], [row.mean.value for row in rows])
    return AgreementAnswer(
        rows=rows,
        links=_links(model, task, donors[: len(task.tokens)], receivers, job),
        receivers=[head_label(head) for head in receivers],
        clean=float(clean.mean()),
        gain=_gain(model, task),
        correlation=float(both[0, 1]),
        n=len(task.tokens),
        alpha=FLOORS.alpha,
        weak=FLOORS.contribution,
        needed=FLOORS.necessity,
    )


class WhyAsk(Ask, frozen=True, kw_only=True):
    """A head's attention from one position to another, in a text or (without one) in repeated random tokens."""

    layer: int
    head: int
    query: int
    key: int
    model: str = DEFAULT_MODEL
    text: str = ""
    length: int = 12
    seed: int = 0


class WhyAnswer(Answer, frozen=True, kw_only=True):
    """One attention score as a sum over pairs: what wrote into the query, with what wrote into the key."""

    head: str
    tokens: list[str]
    pattern: Array
    """[query, key] of this head."""
    query: int
    key: int
    score: float
    mean_score: float
    attention: float
    query_parts: list[str]
    key_parts: list[str]
    values: Array
    """[query part, key part]"""
    alibi: float
    residual: float
    before_cap: bool


@computation("attribution.why")
def why(lab: Lab, ask: WhyAsk, job: Job) -> WhyAnswer:
    """Why does this head attend from the query to the key?"""
    model = lab.model(ask.model)
    if ask.text.strip():
        tokens = text_tokens(model, ask.text)
    else:
        _check_length(ask.length)
        tokens = repeated_tokens(model, period=ask.length, sequences=1, seed=ask.seed).tokens
    found = scores.why_attend(model, tokens, (ask.layer, ask.head), ask.query, ask.key)
    with torch.no_grad():
        pattern = record(model, tokens, [Site("pattern", ask.layer)])["pattern", ask.layer][0, ask.head]
    return WhyAnswer(
        head=head_label(found.head),
        tokens=list(found.texts),
        pattern=Array.of(pattern),
        query=found.query,
        key=found.key,
        score=found.score,
        mean_score=found.mean_score,
        attention=found.pattern,
        query_parts=list(found.query_labels),
        key_parts=list(found.key_labels),
        values=Array.of(found.values),
        alibi=found.alibi,
        residual=found.residual,
        before_cap=found.capped,
    )


def _task(lab: Lab, ask: RepeatsAsk) -> tuple[HookedTransformer, RandomTokens]:
    model = lab.model(ask.model)
    check_at_most("sequences", ask.sequences, MOST_SEQUENCES)
    _check_length(ask.length)
    return model, repeated_tokens(model, period=ask.length, sequences=ask.sequences, seed=ask.seed)


def _check_length(length: int) -> None:
    check_at_most("tokens in a copy", length, MOST_TOKENS // 2)


def _attribute(model: HookedTransformer, task: RandomTokens) -> direct.Attribution:
    return direct.attribute_logits(model, task.tokens, task.targets, task.others, task.queries)


def _bar(label: str, values: torch.Tensor) -> Bar:
    found = bounds(values.double().cpu().numpy(), alpha=FLOORS.alpha)
    low, high = (bound if np.isfinite(bound) else None for bound in (found.low, found.high))
    return Bar(label, found.value, low, high)


def _head_labels(model: HookedTransformer) -> list[str]:
    config = model.config
    return [f"{layer}.{head}" for layer in range(config.n_layers) for head in range(config.n_heads)]


def _gain(model: HookedTransformer, task: RandomTokens) -> float:
    return loss_by_position(model, task).gain


def _links(
    model: HookedTransformer, task: RandomTokens, corrupted: torch.Tensor, receivers: list[Head], job: Job
) -> list[Link]:
    """Every direct path from a head into the receivers' queries, keys and values."""
    found, metric = [], next_token_loss(task.predictable)
    edges = [(receiver, into) for receiver in receivers for into in INPUTS]
    for done, (receiver, into) in enumerate(edges):
        job.progress(f"path patching into {head_label(receiver)}.{into}", done, len(edges))
        effects = patch_all_senders(model, task.tokens, corrupted, (receiver, into), metric)
        for sender in effects.senders:
            if sender[0].isdecimal() and not sender.endswith("mlp"):
                found.append(Link(sender, head_label(receiver), into, _bar(sender, effects.of(sender))))
    return found


def _reports(job: Job, step: str) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        job.progress(step, done, total)

    return report


def _one_token(model: HookedTransformer, spelled: str) -> int:
    if not spelled:
        raise RungError("type one token for A and one for B, with the space before it where it has one")
    return int(model.to_single_token(spelled))


COMPUTATIONS = (heads, contrast, agreement, why)
