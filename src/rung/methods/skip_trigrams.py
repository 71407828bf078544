"""Skip-trigrams `source … destination → output` that a one-layer model learned from its text, and their bug.

A skip-trigram is an output that the source makes likely, in the text and in the model: replaced by other tokens, it
loses the output. The bug is an output that the text has after the same source and *another* destination, and that the
model predicts here too, far above the text: one layer's QK and OV are separate tables, so that attention from a second
destination to the source raises all outputs of the first. (Elhage et al. 2021, "A Mathematical Framework for
Transformer Circuits", section on skip-trigrams.) `circuits.vocabulary.skip_trigrams` lists the weights' strongest
ones; here they are found in a text, and their tables are edited.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from ..circuits.heads import Head, head_label, vocabulary_ov, vocabulary_qk
from ..display import Shown
from ..engine.sites import check_head
from ..errors import NotDefinedError, PromptError
from ..model.model import HookedTransformer

OFTEN = 60
"""A context counts if the text has it at least so many times."""
BEFORE = 40
"""Tokens of text before a context when the model reads it."""
PLACES = 32
"""Places in the text at which a context is read."""


@dataclass(frozen=True, repr=False)
class Finding(Shown):
    """One output after one context. Probabilities; `without_source` puts other tokens there."""

    source: str
    between: str
    destination: str
    output: str
    count: int
    text: float
    text_after_destination: float
    model: float
    model_without_source: float
    most_likely_in_text: str
    model_for_that: float
    right_after: str | None = None
    """For a bug: the destination after which, with the same source, the text has this output."""


@dataclass(frozen=True)
class Square:
    """Two destinations of one source and two outputs: both right triples, and with them both wrong ones.

    `outputs[i]` is right after `destinations[i]`; `between[i]` is the token before it.
    """

    source: str
    between: tuple[str, str]
    destinations: tuple[str, str]
    outputs: tuple[str, str]
    text: tuple[tuple[float | None, float | None], tuple[float | None, float | None]]
    """[destination][output]: its probability in the text; None: not among the findings."""


def listed_squares(file: Path) -> list[Square]:
    """The squares of a `skip_trigrams.json`: those with both bugs first, then one of each further bug.

    A bug (source, destination, output) has the destination that its output is right after, and the output that is
    right here; a square needs both to be words.
    """
    listed = json.loads(file.read_text(encoding="utf-8"))
    findings = [Finding(**each) for kind in ("skip_trigrams", "bugs") for each in listed[kind]]
    pairs = [Finding(**each[0]) for each in listed["squares"]]
    found: list[Square] = []
    for bug in [*pairs, *(each for each in findings if each.right_after is not None)]:
        square = _square(bug, findings)
        known = [{*one.destinations, *one.outputs, one.source} for one in found]
        if square is not None and {*square.destinations, *square.outputs, square.source} not in known:
            found.append(square)
    return found


def _square(bug: Finding, findings: Sequence[Finding]) -> Square | None:
    other, right = bug.right_after, bug.most_likely_in_text
    partner = [f for f in findings if f.source == bug.source and f.destination == other and f.right_after is not None
               and f.right_after == bug.destination]  # fmt: skip
    right = partner[0].output if partner else right
    if other is None or not all(
        text.startswith(" ") and len(text) > 3 and text.strip().isalpha() for text in (right, bug.output)
    ):
        return None
    if right == bug.output:
        return None
    between = {f.destination: f.between for f in findings if f.source == bug.source}
    destinations, outputs = (other, bug.destination), (bug.output, right)
    known = {(f.destination, f.output): f.text for f in findings if f.source == bug.source}
    first, second = (tuple(known.get((d, o)) for o in outputs) for d in destinations)
    return Square(
        bug.source,
        (between.get(other, bug.between), between.get(bug.destination, bug.between)),
        destinations,
        outputs,
        ((first[0], first[1]), (second[0], second[1])),
    )


@dataclass(frozen=True)
class TableEdit:
    """Adds `by` to one entry of a head's token-by-token table.

    QK [query, key]: the score of every such pair of positions. OV [source, output]: the logit that attending to the
    source adds.
    """

    circuit: str
    row: int
    column: int
    by: float


@torch.no_grad()
def edited_logits(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], head: Head, edits: Sequence[TableEdit]
) -> Float[Tensor, "batch pos token"]:
    """Logits with some entries of a head's QK and OV tables changed, exactly as if the weights held such tables.

    score[q, k] += by where the tokens at q and k are those of a QK edit; logit[output] += by · Σ pattern[q, k] over
    positions k of the source of an OV edit.

    Raises NotDefinedError unless the model has one layer, no norms and no MLP: elsewhere a head's effect on the logits
    is not one table. SiteError for a missing head.
    """
    check_tables(model, head)
    layer, index = head
    patterns: list[Tensor] = []

    def through_scores(scores: Tensor, hook: object) -> Tensor:
        scores = scores.clone()
        for edit in edits:
            if edit.circuit == "QK":
                pairs = (tokens == edit.row)[:, :, None] & (tokens == edit.column)[:, None]
                scores[:, index] += edit.by * pairs.to(scores)
        return scores

    def keep_pattern(pattern: Tensor, hook: object) -> None:
        patterns.append(pattern[:, index])

    sites: list[tuple[str, Callable[..., Tensor | None]]] = [
        (f"blocks.{layer}.attn.hook_attn_scores", through_scores),
        (f"blocks.{layer}.attn.hook_pattern", keep_pattern),
    ]
    logits: Tensor = model.run_with_hooks(tokens, fwd_hooks=sites).clone()
    for edit in edits:
        if edit.circuit == "OV":
            looked = (patterns[0] * (tokens == edit.row)[:, None].to(logits)).sum(-1)
            logits[..., edit.column] += edit.by * looked
    return logits


def check_tables(model: HookedTransformer, head: Head) -> None:
    """Raises NotDefinedError unless a head's effect on the logits is one table; SiteError for a missing head."""
    config = model.config
    check_head(config, *head)
    if config.n_layers != 1 or config.normalization_type is not None or not config.attn_only:
        raise NotDefinedError(
            f"{head_label(head)}'s effect on the logits of {config.model_name} is not one table of tokens: that needs "
            "one layer, without norms and MLP. Of the bundled models, one-layer is so"
        )


@dataclass(frozen=True, eq=False, repr=False)
class SourceTable(Shown):
    """One source's entries of a head's tables: what a destination's attention and an output's logit are made of."""

    attention: Float[Tensor, " destination"]
    """QK[destination, source] less its mean over all sources: softmax does not see the mean."""
    logits: Float[Tensor, " output"]
    """OV[source, output] less its mean over all outputs."""

    @property
    def product(self) -> Float[Tensor, "destination output"]:
        """The grid: rank one, so that no entry of it changes without its row and column."""
        return self.attention[:, None] * self.logits


@torch.no_grad()
def source_table(
    model: HookedTransformer, head: Head, source: int, destinations: Sequence[int], outputs: Sequence[int]
) -> SourceTable:
    """The tables' entries for one source, from weights; raises PromptError for a token outside the vocabulary."""
    for token in (source, *destinations, *outputs):
        if not 0 <= token < model.config.d_vocab:
            raise PromptError(f"token {token} was given; {model.config.model_name} has 0 to {model.config.d_vocab - 1}")
    qk, ov = vocabulary_qk(model, head), vocabulary_ov(model, head)
    scores, logits = qk.A[list(destinations)] @ qk.B, ov.A[source] @ ov.B
    return SourceTable(scores[:, source] - scores.mean(1), logits[list(outputs)] - logits.mean())


def squares(bugs: list[Finding]) -> Iterator[tuple[Finding, Finding]]:
    """Pairs of bugs with one source, where each has the other's destination as its right one.

    Both right triples are there, and with them both wrong ones: the bug in full.
    """
    for one, other in combinations(bugs, 2):
        crossed = (one.right_after, one.destination) == (other.destination, other.right_after)
        if crossed and one.source == other.source and one.output != other.output:
            yield one, other


def strength(finding: Finding) -> float:
    """How much probability the source gives the output, as far as the text agrees."""
    return min(finding.text, finding.model) - finding.model_without_source


def excess(finding: Finding) -> float:
    """How far the model goes beyond the text."""
    return finding.model - finding.text


def find(model: HookedTransformer, text: Tensor) -> Iterator[Finding]:
    """Every skip-trigram and bug among the text's frequent contexts."""
    assert model.tokenizer is not None
    size = model.config.d_vocab
    codes = (text[:-2] * size + text[1:-1]) * size + text[2:]
    contexts, which, counts = codes.unique(return_inverse=True, return_counts=True)
    places = which.argsort(stable=True)
    ends = counts.cumsum(0)
    followers = text[:-1].mul(size).add(text[1:]).bincount(minlength=size * size).view(size, size)
    after = followers / followers.sum(1, keepdim=True).clamp(min=1)
    names = [model.tokenizer.decode([token]) for token in range(size)]
    chosen = (counts >= OFTEN).nonzero().flatten().tolist()
    tables: dict[int, Tensor] = {}
    by_source: dict[int, list[int]] = {}
    for i in chosen:
        at = places[ends[i] - counts[i] : ends[i]]
        at = at[at < len(text) - 3]
        next_tokens = text[at + 3]
        tables[i] = next_tokens.bincount(minlength=size) / len(at)
        source, between, destination = _triple(int(contexts[i]), size)
        if all(names[token].startswith(" ") for token in (source, between, destination)):
            by_source.setdefault(source, []).append(i)
    generator = Generator().manual_seed(0)
    for source, group in by_source.items():
        destinations = {i: _triple(int(contexts[i]), size)[2] for i in group}
        for i in group:
            _, between, destination = _triple(int(contexts[i]), size)
            at = places[ends[i] - counts[i] : ends[i]]
            with_source, without = _read(model, text, at, generator)
            likely = int(tables[i].argmax())
            for output in (with_source > 0.03).nonzero().flatten().tolist():
                if with_source[output] < 2 * without[output] or not names[output].startswith(" "):
                    continue
                if len(names[output].strip()) < 3 or names[output].lower() == names[source].lower():
                    continue  # the beginning of a word, or a copy
                here = float(tables[i][output])
                rival = None
                if here < with_source[output] / 3:
                    rival = _better_destination(tables, destinations, i, output)
                    if rival is None:
                        continue
                elif here < 0.05 or after[destination][output] > here / 3:
                    continue
                yield Finding(
                    names[source],
                    names[between],
                    names[destination],
                    names[output],
                    int(counts[i]),
                    round(here, 4),
                    round(float(after[destination][output]), 4),
                    round(float(with_source[output]), 4),
                    round(float(without[output]), 4),
                    names[likely],
                    round(float(with_source[likely]), 4),
                    None if rival is None else names[destinations[rival]],
                )


def _better_destination(
    tables: dict[int, Tensor], destinations: dict[int, int], context: int, output: int
) -> int | None:
    """The context of the same source, with another destination, that has the output most."""
    rivals = [i for i in destinations if destinations[i] != destinations[context]]
    best = max(rivals, key=lambda i: float(tables[i][output]), default=None)
    return best if best is not None and tables[best][output] >= 0.1 else None


def _triple(code: int, size: int) -> tuple[int, int, int]:
    return code // size // size, code // size % size, code % size


@torch.no_grad()
def _read(model: HookedTransformer, text: Tensor, at: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """The model's mean prediction after a context at some of its places, with its source and with
    tokens from elsewhere in the source's stead.
    """
    at = at[at >= BEFORE]
    at = at[torch.randperm(len(at), generator=generator)[:PLACES]]
    tokens = text[at[:, None] + torch.arange(-BEFORE, 3)]
    tokens[:, 0] = 0
    other = tokens.clone()
    other[:, BEFORE] = text[torch.randint(len(text), (len(at),), generator=generator)]
    logits = model(torch.cat([tokens, other]))[:, -1]
    with_source, without = logits.softmax(-1).chunk(2)
    return with_source.mean(0), without.mean(0)
