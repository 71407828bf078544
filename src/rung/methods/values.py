"""Attention weighted by what it moves: a pattern says where a head looks, not how much it writes from there.

A head writes Σ_key pattern[query, key] · v[key] W_O. The length of one term, pattern · ‖v W_O‖, is how much is moved
from that key; keys that a head parks on often hold values that are close to zero. (Kobayashi et al. 2020, "Attention is
Not Only a Weight", arXiv:2004.10102.)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..display import Shown
from ..engine.linearize import write_matrix
from ..engine.sites import Site
from ..engine.transformer import upcast
from ..engine.weights import block_weights
from ..errors import SiteError
from ..model.model import HookedTransformer
from .interventions import record


@dataclass(frozen=True, eq=False, repr=False)
class WeightedPatterns(Shown):
    """Every head's pattern, and the length of what each key would write if it were attended to fully."""

    pattern: Float[Tensor, "batch layer head query_pos key_pos"]
    written: Float[Tensor, "batch layer head key_pos"]
    """‖v W_O‖, with the linear part of a norm after attention."""

    @property
    def weighted(self) -> Float[Tensor, "batch layer head query_pos key_pos"]:
        """pattern · ‖v W_O‖: the length of what each key adds to each query's stream."""
        return self.pattern * self.written[..., None, :]


@torch.no_grad()
def weighted_patterns(model: HookedTransformer, tokens: Int[Tensor, "batch pos"]) -> WeightedPatterns:
    """The patterns of all heads and the length of what each key's value writes. Raises SiteError without layers."""
    config = model.config
    if not config.n_layers:
        raise SiteError(f"{config.model_name} has no layers, so no patterns")
    layers = range(config.n_layers)
    cache = record(model, tokens, [Site(name, layer) for layer in layers for name in ("v", "pattern")])
    group = config.n_heads // config.n_kv
    written = []
    for layer in layers:
        w, values = block_weights(model.weights, layer), upcast(cache["v", layer])
        heads = [values[:, :, head // group] @ write_matrix(config, w, head) for head in range(config.n_heads)]
        written.append(torch.stack([one.norm(dim=-1) for one in heads], 1))
    pattern = torch.stack([upcast(cache["pattern", layer]) for layer in layers], 1)
    return WeightedPatterns(pattern, torch.stack(written, 1))
