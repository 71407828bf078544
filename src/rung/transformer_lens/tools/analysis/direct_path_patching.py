"""Direct path patching: what one head writes, patched into what one later head's queries, keys or values read.

The norm before the receiver is taken as it scaled the corrupted run, so that the patch is linear in what was written:
with folded norms, (clean − corrupted result) / scale through W_Q, W_K or W_V. Each run begins at the receiver's layer.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from rung.circuits.heads import kv_head
from rung.engine.cache import ActivationCache
from rung.engine.sites import Site, check_head
from rung.engine.weights import block_weights, read_of_stream
from rung.errors import SiteError
from rung.methods.interventions import Edited, Intervention
from rung.model.model import HookedTransformer
from rung.transformer_lens.patching import measure_each


def get_act_patch_direct_path(
    model: HookedTransformer,
    corrupted_tokens: Tensor,
    clean_cache: ActivationCache,
    corrupted_cache: ActivationCache,
    patching_metric: Callable[[Tensor], Any],
    src_layer: int,
    src_head: int,
    component: Literal["q", "k", "v"] = "q",
    verbose: bool = True,
) -> Float[Tensor, "layer head"]:
    """The metric for every receiver after `src_layer`; 0 for those that are not. Nothing is printed: `verbose` is for
    classic code. Keys and values of grouped queries are patched for all that share them.
    """
    config = model.config
    check_head(config, src_layer, src_head)
    if component not in ("q", "k", "v"):
        raise SiteError(f"component is {component!r}; known are 'q', 'k' and 'v'")
    _check_fold_ln(model)
    results = torch.zeros(config.n_layers, config.n_heads, device=model.device)
    W_O: Tensor = block_weights(model.weights, src_layer).W_O[src_head]
    z = Site("z", src_layer).path
    delta = (clean_cache[z] - corrupted_cache[z])[:, :, src_head] @ W_O

    def add(x: Tensor, first: int, layer: int, index: int) -> Tensor:
        scale = corrupted_cache.get(Site("ln1.scale", layer).path, torch.ones((), device=model.device))
        W = read_of_stream(config, block_weights(model.weights, layer), component.upper())
        more: Tensor = ((delta / scale) @ W[index])[:, first : first + x.shape[1]]
        return x + more

    patches = []
    for layer in range(src_layer + 1, config.n_layers):
        for head in range(config.n_heads):
            index = head if component == "q" else kv_head(config, (layer, head))
            put = Edited(partial(add, layer=layer, index=index))
            patches.append(Intervention(Site(component, layer), put, index))
    found = measure_each(model, model.read(corrupted_tokens)[0], patches, patching_metric)
    results[src_layer + 1 :] = found.view(config.n_layers - src_layer - 1, config.n_heads)
    return results


def get_act_patch_direct_path_all_sources(
    model: HookedTransformer,
    corrupted_tokens: Tensor,
    clean_cache: ActivationCache,
    corrupted_cache: ActivationCache,
    patching_metric: Callable[[Tensor], Any],
    component: Literal["q", "k", "v"] = "q",
    verbose: bool = True,
) -> Float[Tensor, "layer head receiver_layer receiver_head"]:
    """`get_act_patch_direct_path` from every head."""
    config = model.config
    rows: list[Tensor] = [
        get_act_patch_direct_path(
            model, corrupted_tokens, clean_cache, corrupted_cache, patching_metric, layer, head, component
        )
        for layer in range(config.n_layers)
        for head in range(config.n_heads)
    ]
    every: Tensor = torch.stack(rows).unflatten(0, (config.n_layers, config.n_heads))
    return every


def _check_fold_ln(model: Any) -> None:
    """Warns where a norm has weights of its own, which the patch leaves out."""
    try:
        w = getattr(model.blocks[0].ln1, "w", None)
    except (AttributeError, TypeError, IndexError):
        return
    if w is not None and not torch.allclose(w, torch.ones_like(w), atol=1e-3):
        warnings.warn(
            "direct path patching leaves out the weights of norms that are not folded: call model.process_weights_(), "
            "or load with fold_ln=True",
            UserWarning,
            stacklevel=3,
        )
