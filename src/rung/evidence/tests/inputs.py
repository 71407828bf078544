"""What the heads of a claim read at a token, for tests of weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ...circuits.heads import Head, embedded, head_label
from ...circuits.positional import mean_positions
from ...engine.sites import Site
from ...engine.taps import NO_TAP, CacheTap
from ...engine.transformer import norm_before, upcast
from ...engine.weights import embedding
from ...errors import NotDefinedError
from ...methods.runner import TaskRunner
from ...tasks.builtin import draw_distinct, ordinary_tokens
from ..observation import Quantity
from ..setting import Setting

MOST_TOKENS = 2048
"""Tokens that the weights are asked about; a sample of larger vocabularies."""
CONTEXTS = 8
"""Random contexts that a token's stream is averaged over."""
OFFSETS = 5
"""Distances at which rotary queries and keys are held against each other."""


class Inputs:
    """What a head of each layer reads at a token: the effective embedding, and its name."""

    def __init__(self, runner: TaskRunner, layers: Iterable[int], tokens: Int[Tensor, " token"] | None = None) -> None:
        """`tokens`: these first, as many as there is room for (None: a draw from the task's or the ordinary ones)."""
        self.runner = runner
        self.layers = sorted(set(layers) - {0})
        generator = torch.Generator().manual_seed(runner.seed_for("tokens"))
        named = runner.batch.candidates if tokens is None else tokens
        ordinary = ordinary_tokens(runner.config, runner.model.tokenizer) if named is None else named
        order = torch.randperm(len(ordinary), generator=generator) if tokens is None else torch.arange(len(ordinary))
        self.tokens: Int[Tensor, " token"] = ordinary[order[:MOST_TOKENS]]
        self.whole = len(ordinary) <= MOST_TOKENS
        self._held: dict[int, Tensor] = {}
        self._generator = generator

    def name(self, layer: int) -> str:
        """How the table of this layer was made."""
        return "embedding" if not layer else f"mean residual stream before layer {layer}, {CONTEXTS} contexts a token"

    def at(self, layer: int) -> Float[Tensor, "token d_model"]:
        """One normalized row a token, the norm's weights left to be folded into what reads it."""
        if layer not in self._held:
            for at, stream in ({0: self._embedded()} if not layer else self._mean_streams()).items():
                self._held[at] = norm_before(self.runner.config, None, None, "ln1", at, stream, NO_TAP)
        return self._held[layer]

    def share(self, right: np.ndarray | Tensor) -> Quantity:
        """The share of tokens (positions) for which the weights are right; exact where none was left out."""
        top = np.asarray(torch.as_tensor(right).double().cpu())
        return Quantity(top, share=True, exact=self.whole)

    def _embedded(self) -> Float[Tensor, "token d_model"]:
        model = self.runner.model
        rows = embedded(model, self.tokens)
        if model.config.positional_embedding_type in ("standard", "sinusoidal"):
            rows = rows + (mean_positions(model) - embedded(model).mean(0)).mean(0)
        return rows

    @torch.no_grad()
    def _mean_streams(self) -> dict[int, Float[Tensor, "token d_model"]]:
        runner, count = self.runner, len(self.tokens)
        width = runner.batch.tokens.shape[1]
        start = int(runner.config.bos_token_id is not None)
        wide = upcast(embedding(runner.weights))
        total = {layer: wide.new_zeros(count, runner.config.d_model) for layer in self.layers}
        seen = wide.new_zeros(count, 1)
        sites = {layer: Site("resid_post", layer - 1) for layer in self.layers}
        length = min(width - start, count)
        for _ in range(CONTEXTS):
            order = draw_distinct(torch.arange(count), count, 1, self._generator)[0]
            order = torch.cat((order, order[: -count % length]))
            rows = order.view(-1, length)
            tokens = self.tokens[rows]
            if runner.config.bos_token_id is not None:
                first = torch.full((len(tokens), 1), runner.config.bos_token_id)
                tokens = torch.cat((first, tokens), 1)
            where = rows.flatten().to(seen.device)
            tap = CacheTap(sites.values())
            runner.run(tokens, tap, stop=max(self.layers))
            for layer, site in sites.items():
                total[layer].index_add_(0, where, upcast(tap.store[site.path])[:, start:].flatten(0, 1))
            seen.index_add_(0, where, seen.new_ones(len(where), 1))
        return {layer: summed / seen for layer, summed in total.items()}


def inputs_of(setting: Setting) -> Inputs:
    """The claim's heads' inputs."""
    return Inputs(setting.runner, (layer for layer, _ in setting.claim.heads))


def at_worst(
    runner: TaskRunner, head: Head, back: Int[Tensor, " query"], right: Callable[[int | None], np.ndarray]
) -> np.ndarray:
    """`right` of no distance; rotary: the worst at several of the distances `back` that the head sees. Raises
    NotDefinedError where it sees none.
    """
    window = runner.config.window(head[0])
    back = back[back < (torch.inf if window is None else window)].double()
    if not len(back):
        raise NotDefinedError(f"{head_label(head)} sees {window} positions, and no key of the task is so near")
    if runner.config.rotary_of(head[0]) is None:
        return right(None)
    distances = [int(back.quantile(at)) for at in torch.linspace(0, 1, OFFSETS, dtype=torch.float64)]
    return min((right(distance) for distance in distances), key=lambda found: float(found.mean()))
