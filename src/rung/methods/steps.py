"""The three steps of an induction circuit on one sequence, with live numbers: route, match, copy.

    … A B … A → B      route: a head at B reads A, the token before it, and writes it into B's position
                       match: a later head's query at the second A finds what was written at B
                       copy:  that head moves B to the output

(Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; Olsson et al. 2022, arXiv:2209.11895.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..circuits.composition import check_edge
from ..circuits.heads import Head, head_label
from ..display import Shown
from ..engine.sites import Site, check_head
from ..engine.transformer import upcast
from ..errors import InterventionError, PromptError
from ..model.model import HookedTransformer
from .attribution import attribute_logits
from .interventions import Intervention, Mean, Resample, hooks_of, on_head, record, taps
from .scores import attribute_scores

if TYPE_CHECKING:
    from collections.abc import Iterator

BROKEN = 0.5
"""Share of its clean value below which a step counts as broken."""


@dataclass(frozen=True, repr=False)
class InductionSteps(Shown):
    """What each step is worth on one sequence, in one run. Exact: nothing is sampled."""

    route: Head
    match: Head
    query: int
    """The position of the second A."""
    source: int
    """The position of B, after the first A."""
    answer: int
    """The token B."""
    route_attention: float
    """The share of its attention that the route head, at B, gives to the token before."""
    route_score: float
    """What the route head's output adds, through the match head's keys, to the score of B less the mean score of the
    other keys."""
    match_score: float
    """The match head's score of B, as the second A asks, less the mean score of the other keys."""
    match_attention: float
    """The share of its attention that the match head, at the second A, gives to B."""
    copy_logit: float
    """The match head's direct attribution to B's logit less the mean logit of the sequence's other tokens."""
    logit: float
    """B's logit less the mean logit of the sequence's other tokens: the model's own."""
    probability: float
    """Of B as the next token."""
    loss: float
    """−ln probability, in nats."""

    @property
    def values(self) -> dict[str, float]:
        """The number of each step that its work is measured by."""
        return {"route": self.route_score, "match": self.match_attention, "copy": self.copy_logit}

    def broken(self, clean: InductionSteps) -> tuple[str, ...]:
        """The steps that do less than `BROKEN` of what they do in a clean run, in order; a step that did nothing there
        cannot break.
        """
        before = clean.values
        return tuple(name for name, value in self.values.items() if before[name] > 0 and value < BROKEN * before[name])


@torch.no_grad()
def induction_steps(
    model: HookedTransformer,
    tokens: Int[Tensor, " pos"],
    route: Head,
    match: Head,
    query: int,
    interventions: Sequence[Intervention] = (),
) -> InductionSteps:
    """The steps at one query of one sequence, under `interventions`; norms' scales are frozen at that run's values.

    Raises SiteError for a missing head, RungError unless `match` is in a later layer than `route`, PromptError for a
    query whose token did not occur before, InterventionError for a replacement that is drawn more than once.
    """
    check_edge(model.config, route, match)
    source = follower(tokens, query)
    batch, answer = tokens[None], int(tokens[source])
    others = torch.tensor([token for token in sorted(set(tokens.tolist())) if token != answer])
    with intervened(model, batch, interventions) as edited:
        cache = record(edited, batch, [Site("pattern", layer) for layer in sorted({route[0], match[0]})])
        score = attribute_scores(edited, batch, match, "K", [query], torch.tensor([[source]]))
        pushed = attribute_logits(edited, batch, torch.tensor([[answer]]), others[None, None], [query])
        log_probabilities = upcast(edited(batch)[0, query]).log_softmax(-1)
    return InductionSteps(
        route=route,
        match=match,
        query=query,
        source=source,
        answer=answer,
        route_attention=float(cache["pattern", route[0]][0, route[1], source, source - 1]),
        route_score=float(score.of(head_label(route))),
        match_score=float(score.total),
        match_attention=float(cache["pattern", match[0]][0, match[1], query, source]),
        copy_logit=float(pushed.of(head_label(match))),
        logit=float(pushed.total),
        probability=float(log_probabilities[answer].exp()),
        loss=-float(log_probabilities[answer]),
    )


def follower(tokens: Int[Tensor, " pos"], query: int) -> int:
    """The position after the last earlier occurrence of the token at `query`.

    Raises PromptError if the token did not occur before, or only just before.
    """
    if not 0 <= query < len(tokens):
        raise PromptError(f"the query {query} was requested; the tokens have positions 0 to {len(tokens) - 1}")
    earlier = (tokens[:query] == tokens[query]).nonzero()[:, 0].tolist()
    if not earlier or earlier[-1] + 1 == query:
        raise PromptError(
            f"the token at position {query} does not occur before, with another token after it: there is nothing to "
            "route, match and copy; choose a query in the second copy"
        )
    return int(earlier[-1]) + 1


@dataclass(frozen=True, eq=False, repr=False)
class PatternReach(Shown):
    """How far each head's attention moves when another head is ablated: zero wherever nothing can reach it. Exact."""

    heads: tuple[str, ...]
    change: Float[Tensor, "ablated reader"]
    """Largest absolute change of any attention weight of the reader, over queries, keys and sequences."""
    n: int
    """Number of sequences."""
    unit: str = "attention, 0 to 1"


@torch.no_grad()
def pattern_reach(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    reference: Int[Tensor, "reference pos"],
    progress: Callable[[int, int], None] | None = None,
) -> PatternReach:
    """Mean-ablates each head over `reference`, and compares every head's pattern with the clean run's.

    Heads of one layer read the same stream, so that a head cannot move the attention of its own layer, nor of an
    earlier one: those entries are exactly 0.
    """
    config = model.config
    heads = [(layer, head) for layer in range(config.n_layers) for head in range(config.n_heads)]
    if not heads:
        raise InterventionError(f"{config.model_name} has no layers, so no heads to ablate")
    sites = [Site("pattern", layer) for layer in range(config.n_layers)]

    def patterns(run: HookedTransformer) -> Float[Tensor, "reader batch query key"]:
        cache = record(run, tokens, sites)
        return torch.cat([upcast(cache[site.path]) for site in sites], 1).transpose(0, 1)

    clean, change = patterns(model), []
    for done, head in enumerate(heads, 1):
        with intervened(model, tokens, [on_head(head, Mean(reference))]) as edited:
            change.append((patterns(edited) - clean).abs().amax((1, 2, 3)))
        if progress is not None:
            progress(done, len(heads))
    return PatternReach(tuple(map(head_label, heads)), torch.stack(change), len(tokens))


@contextmanager
def intervened(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], interventions: Sequence[Intervention]
) -> Iterator[HookedTransformer]:
    """The model under interventions that fit `tokens`: a copy with the same weights, so that `model` is not changed.

    Raises as `taps` does, and InterventionError for a resampled value, which has no one run.
    """
    if not interventions:
        yield model
        return
    for one in interventions:
        if isinstance(one.put, Resample):
            raise InterventionError("resampling averages several runs, but steps are read off one: use a mean or zero")
        if one.head is not None and isinstance(one.site, Site):
            check_head(model.config, one.site.layer or 0, one.head)
    (tap,) = taps(model, tokens, interventions)
    edited = HookedTransformer(model.config, model.weights, model.tokenizer)
    with edited.hooks(fwd_hooks=hooks_of(tap)):
        yield edited
