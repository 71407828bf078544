"""One set of interventions, looked at closely: what it does to each position, where a sweep gives one number a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..display import Shown
from ..engine.sites import Site
from ..engine.taps import CacheTap
from ..engine.transformer import upcast
from ..errors import PromptError
from ..model.model import HookedTransformer
from .cells import CellPlan, CellRuns, Rows
from .interventions import Intervention, Patch, Resample, donor_rows, find_targets, hooks_of, n_draws, taps


@dataclass(frozen=True, eq=False)
class NextTokens:
    """One run's predictions of every token except the first; column t is predicted from position t."""

    loss: Float[Tensor, "batch target"]
    """−log p(next token), in nats."""
    logit: Float[Tensor, "batch target"]
    """The logit of the next token, less the mean logit: a constant added to all logits changes no prediction."""
    rival: Float[Tensor, "batch target"]
    """The highest logit of another token, less the mean logit."""
    top: Int[Tensor, "batch target"]
    """The token with the highest logit."""

    @classmethod
    def of(cls, rows: Rows, tokens: Int[Tensor, "batch pos"]) -> NextTokens:
        """From the logits at every position but the last, example by example."""
        targets = tokens[:, 1:]
        logits = upcast(rows).view(*targets.shape, -1)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view_as(targets)
        mean, at = logits.mean(-1), targets.unsqueeze(-1)
        others = logits.scatter(-1, at, -torch.inf)
        return cls(loss, logits.gather(-1, at)[..., 0] - mean, others.amax(-1) - mean, logits.argmax(-1))


@dataclass(frozen=True, eq=False, repr=False)
class BeforeAfter(Shown):
    """The predictions of the clean run, and of the run under all interventions together."""

    clean: NextTokens
    edited: NextTokens


@torch.no_grad()
def before_after(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], interventions: Sequence[Intervention]
) -> BeforeAfter:
    """The predictions at every position, clean and under `interventions`; the logits of draws are averaged.

    The numbers are those of `run_with_interventions`, at the cost of a sweep of one cell. Raises as `sweep` does,
    PromptError for a sequence of one token or a batch with padding.
    """
    if tokens.shape[1] < 2:
        raise PromptError("a sequence of one token has no next token to predict; two are needed")

    def all_but_last(tokens: Tensor) -> Bool[Tensor, "batch pos"]:
        mask = torch.ones_like(tokens, dtype=torch.bool)
        mask[:, -1] = False
        return mask

    cells = [tuple(interventions)] if interventions else []
    if not cells:
        clean = NextTokens.of(upcast(model(tokens))[:, :-1].flatten(0, 1), tokens.to(model.device))
        return BeforeAfter(clean, clean)
    plan = CellPlan(model, tokens, cells, all_but_last)
    if plan.padding is not None:
        raise PromptError("the batch is padded; give sequences of one length, or one at a time")
    runs = CellRuns(plan)
    clean = NextTokens.of(runs.take_clean(), plan.tokens)
    ((_, rows),) = runs
    return BeforeAfter(clean, NextTokens.of(rows, plan.tokens))


@torch.no_grad()
def record_under(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    interventions: Sequence[Intervention],
    sites: Sequence[Site],
    example: int = 0,
) -> dict[Site, Tensor]:
    """The activations of one example at `sites` under all of `interventions` together, averaged over the draws.

    The draws run together, as copies of the example that are patched from its donors. The run stops after the last of
    `sites`, which lie in blocks. Raises as `taps` does.
    """
    stop = max(site.layer for site in sites if site.layer is not None) + 1
    find_targets(model, tokens, interventions)
    copies = n_draws(interventions)
    own = [_of_example(one, example, len(tokens), copies) for one in interventions]
    row = tokens[example : example + 1].expand(copies, -1)
    kept = CacheTap(sites)
    (tap,) = taps(model, row, own)
    model.run_with_hooks(row, return_type=None, stop_at_layer=stop, fwd_hooks=[*hooks_of(tap), *hooks_of(kept)])
    return {site: upcast(kept.store[site.path]).mean(0) for site in sites}


def _of_example(one: Intervention, example: int, batch: int, copies: int) -> Intervention:
    """The same intervention on `copies` of one example, each with the value of one draw."""
    put, positions = one.put, one.positions
    if isinstance(put, Resample):
        put = Patch(put.donors[donor_rows(put, batch)[:, example]])
    elif isinstance(put, Patch):
        put = Patch(put.run[example : example + 1].expand(copies, -1))
    elif isinstance(put, Tensor) and put.ndim and len(put) == batch:
        put = put[example : example + 1]
    if isinstance(positions, Tensor):
        positions = positions[example : example + 1].expand(copies, -1)
    return replace(one, put=put, positions=positions)
