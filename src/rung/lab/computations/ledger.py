"""Section 4: every write to the residual stream as a term of the next token's logit, and who can hear whom."""

from __future__ import annotations

from torch import Tensor

from ...circuits.overlap import overlap
from ...errors import RungError
from ...methods.attribution import attribute_logits
from ...tasks.builtin import repeated_tokens
from ..computation import (
    DEFAULT_MODEL,
    MOST_HEADS,
    MOST_TOKENS,
    Answer,
    Array,
    Ask,
    Computation,
    Job,
    Lab,
    check_at_most,
    computation,
    text_tokens,
)


class WritesAsk(Ask, frozen=True, kw_only=True):
    """A text; with none, random tokens twice."""

    model: str = DEFAULT_MODEL
    text: str = ""
    length: int = 8
    seed: int = 0


class Writes(Answer, frozen=True, kw_only=True):
    """What each component adds to the logit of each next token, at the position before it."""

    tokens: list[str]
    """All tokens; row t of `values` is read at token t, and is about token t + 1."""
    components: list[str]
    layers: list[int | None]
    """Each component's layer; None: the embeddings, and the biases of the last norm and the unembedding."""
    values: Array
    """[query, component]"""
    total: list[float]
    """The logit as the model computes it."""
    residual: list[float]
    """The logit less the sum of its row: rounding errors only."""
    unit: str
    has_mlp: bool


class OverlapAsk(Ask, frozen=True, kw_only=True):
    """A model's weights."""

    model: str = DEFAULT_MODEL


class Overlaps(Answer, frozen=True, kw_only=True):
    """How much of what each component writes lies where each later one reads, in multiples of chance."""

    writers: list[str]
    readers: list[str]
    times_chance: Array
    """[writer, reader]; NaN where the reader is not later."""
    spread: Array
    """The standard deviation over random turns of the writer; the mean is 1."""
    stands_out: Array
    """1 where the overlap is more than five such deviations above 1."""
    unit: str


@computation("ledger.writes")
def writes(lab: Lab, ask: WritesAsk, job: Job) -> Writes:
    """The terms of each next token's logit."""
    model = lab.model(ask.model)
    config = model.config
    check_at_most("heads", max(1, config.n_layers * config.n_heads), MOST_HEADS)
    tokens: Tensor
    if ask.text.strip():
        tokens = text_tokens(model, ask.text)
    else:
        check_at_most("tokens a copy", ask.length, MOST_TOKENS // 2)
        tokens = repeated_tokens(model, period=ask.length, sequences=1, seed=ask.seed).tokens
    n = tokens.shape[1]
    if n < 2:
        raise RungError("the text is one token, so that none comes next; type at least two")
    job.progress("each component's write", 0, 1)
    found = attribute_logits(model, tokens, tokens[:, 1:], queries=range(n - 1))
    layers = [int(label.partition(".")[0]) if label[0].isdigit() else None for label in found.labels]
    return Writes(
        tokens=[model.token_text(token) for token in tokens[0].tolist()],
        components=list(found.labels),
        layers=layers,
        values=Array.of(found.values[:, 0].T),
        total=found.total[0].tolist(),
        residual=found.residual[0].tolist(),
        unit=found.unit,
        has_mlp=not config.attn_only,
    )


@computation("ledger.overlap")
def overlaps(lab: Lab, ask: OverlapAsk, job: Job) -> Overlaps:
    """The overlap matrix of a model's weights with its random baseline."""
    model = lab.model(ask.model)
    check_at_most("heads", max(1, model.config.n_layers * model.config.n_heads), MOST_HEADS)
    job.progress("every pair of writer and reader", 0, 1)
    found = overlap(model)
    return Overlaps(
        writers=list(found.writers),
        readers=list(found.readers),
        times_chance=Array.of(found.times_chance),
        spread=Array.of(found.spread),
        stands_out=Array.of(found.stands_out()),
        unit=found.unit,
    )


COMPUTATIONS: tuple[Computation, ...] = (writes, overlaps)
