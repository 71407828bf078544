"""Path patching along one edge: what a sender tells one receiver, and nobody else.

The sender's output is swapped for that of a corrupted run only where the receiver's input reads it. Everything between
the two stays as it was in the clean run, so that only the direct edge is tested; everything after the receiver is
computed again. (Wang et al. 2022, arXiv:2211.00593, section 3.1; Goldowsky-Dill et al. 2023, arXiv:2304.05969.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..circuits.composition import Into, check_edge
from ..circuits.heads import Head, head_label, kv_head
from ..config import ModelConfig
from ..engine.linearize import attention_write, norms_after
from ..engine.sites import Site, check_head
from ..engine.taps import Edit, EditTap, Tap
from ..engine.weights import Weights, block_weights
from ..errors import InterventionError
from ..model.model import HookedTransformer
from ..tasks.metrics import Metric
from .interventions import Effect, hooks_of, record


@dataclass(frozen=True)
class Edge:
    """From `sender` to the receiver's Q, K or V input; without a receiver, straight to the logits.

    Keys and values are shared by a group of query heads: an edge into K or V of one is an edge into all of its group.
    """

    sender: Head
    receiver: Head | None = None
    into: Into | None = None

    def __str__(self) -> str:
        end = "logits" if self.receiver is None else f"{head_label(self.receiver)}.{self.into}"
        return f"{head_label(self.sender)} → {end}"

    def check(self, config: ModelConfig) -> None:
        """Raises SiteError for a missing head, RungError for an edge that does not run forwards."""
        if self.receiver is None:
            check_head(config, *self.sender)
        else:
            check_edge(config, self.sender, self.receiver)
        if (self.receiver is None) != (self.into is None):
            raise InterventionError(f"an edge has a receiver and its input (Q, K or V), or neither; not {self}")

    def end(self, config: ModelConfig) -> tuple[Site, int | None]:
        """Where it arrives: the site, and which head of it."""
        if self.receiver is None or self.into is None:
            return Site("resid_post", config.n_layers - 1), None
        index = self.receiver[1] if self.into == "Q" else kv_head(config, self.receiver)
        return Site(f"{self.into.lower()}_input", self.receiver[0]), index


@torch.no_grad()
def patch_paths(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    corrupted: Int[Tensor, "other_batch other_pos"],
    edges: Sequence[Edge],
    metric: Metric,
) -> Effect:
    """`metric` of each example in the clean run, and with all of `edges` carrying what they carry in the corrupted run.

    The receiver's input gets (z' − z) W_O added, z the sender's in the clean run, z' in that of `corrupted`, example by
    example: what swapping z for z' changes in what its layer's attention writes, a norm after it computed again, as is
    the norm before the receiver. Raises RungError for an edge within a layer or
    backwards, InterventionError for no edge or corrupted sequences that do not match.
    """
    if not edges:
        raise InterventionError("no edge was given to patch")
    for edge in edges:
        edge.check(model.config)
    if corrupted.shape != tokens.shape:
        raise InterventionError(
            f"each example needs its corrupted sequence: tokens are {list(tokens.shape)}, corrupted "
            f"{list(corrupted.shape)}"
        )
    clean = metric(model(tokens), tokens)
    tap = path_tap(model, tokens, corrupted, edges)
    edited = metric(model.run_with_hooks(tokens, fwd_hooks=hooks_of(tap)), tokens)
    return Effect(tuple(map(str, edges)), "path patch from a corrupted run", metric.name, metric.unit, clean, edited)


def message(
    config: ModelConfig,
    weights: Weights,
    senders: Sequence[Head],
    before: Mapping[str, Tensor],
    after: Mapping[str, Tensor],
) -> Float[Tensor, "batch pos d_model"]:
    """What changes in what attention writes when `senders` average what they do in the run `after`: Σ (z' − z) W_O, the
    norm after it computed again. Both runs hold z, by path; layers do not hear of each other's change.
    """
    total: Tensor | None = None
    for layer in sorted({layer for layer, _ in senders}):
        z, w = before[Site("z", layer).path], block_weights(weights, layer)
        heads = [head for at, head in senders if at == layer]
        if norms_after(config):
            swapped = z.clone()
            swapped[:, :, heads] = after[Site("z", layer).path][:, :, heads]
            change = attention_write(config, w, layer, swapped) - attention_write(config, w, layer, z)
        else:
            change = torch.einsum(
                "bphe,hed->bpd", after[Site("z", layer).path][:, :, heads] - z[:, :, heads], w.W_O[heads]
            )
        total = change if total is None else total + change
    assert total is not None
    return total


def path_tap(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    corrupted: Int[Tensor, "batch pos"],
    edges: Sequence[Edge],
) -> Tap:
    """What a clean run runs with, so that `edges` carry what they carry in the corrupted run."""
    sites = [Site("z", layer) for layer in sorted({edge.sender[0] for edge in edges})]
    before, after = record(model, tokens, sites), record(model, corrupted, sites)

    # Edges into one group's K are one edge: they are not added twice. Senders of one end are swapped together.
    senders: dict[tuple[Site, int | None], dict[Head, None]] = {}
    for edge in edges:
        senders.setdefault(edge.end(model.config), {})[edge.sender] = None
    by_site: dict[Site, list[tuple[int | None, Tensor]]] = {}
    for (site, index), heads in senders.items():
        delta = message(model.config, model.weights, tuple(heads), before.cache_dict, after.cache_dict)
        by_site.setdefault(site, []).append((index, delta))

    def add(x: Tensor, here: list[tuple[int | None, Tensor]]) -> Tensor:
        x = x.clone()
        for index, delta in here:
            part = x if index is None else x[:, :, index]
            part += delta
        return x

    edits: dict[Site, Edit] = {site: partial(add, here=here) for site, here in by_site.items()}
    return EditTap(edits)
