"""Activation patching: what becomes of a metric when one activation of a corrupted run is that of a clean run.

Each result is a cell of a sweep (`methods.sweep`) and runs only from the layer and position that are patched: what
comes before them is the corrupted run's, which is read once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..engine.cache import ActivationCache
from ..errors import InterventionError
from ..methods.cells import CellPlan, CellRuns
from ..methods.interventions import Edited, Intervention
from ..model.model import HookedTransformer
from .utils import get_act_name

if TYPE_CHECKING:
    import pandas as pd

Metric = Callable[[Tensor], Any]
PatchSetter = Callable[[Tensor, Sequence[int], Tensor], Tensor]
AxisNames = str
Logits = CorruptedActivation = PatchedActivation = Tensor


def make_df_from_ranges(column_max_ranges: Sequence[int], column_names: Sequence[str]) -> pd.DataFrame:
    """A pandas table with a row for every tuple of indices below these ends, the last running fastest."""
    import pandas

    return pandas.DataFrame(itertools.product(*map(range, column_max_ranges)), columns=list(column_names))


def generic_activation_patch(
    model: HookedTransformer,
    corrupted_tokens: Tensor,
    clean_cache: ActivationCache,
    patching_metric: Metric,
    patch_setter: PatchSetter,
    activation_name: str,
    index_axis_names: Sequence[AxisNames] | None = None,
    index_df: pd.DataFrame | None = None,
    return_index_df: bool = False,
) -> Any:
    """`patching_metric` of the logits of `corrupted_tokens` with one activation patched, for every index.

    `patch_setter(corrupted, index, clean)` says what an index means: [layer, …], as `index_axis_names` lists them, each
    from 0 to its end, or as the rows of `index_df` say. The result has an axis for each name, or one for the rows.
    Raises InterventionError unless exactly one of the two is given.
    """
    if (index_axis_names is None) == (index_df is None):
        raise InterventionError("give index_axis_names or index_df, and not both")
    if index_df is not None:
        indices = [tuple(int(i) for i in row) for _, row in index_df.iterrows()]
        shape: tuple[int, ...] = (len(indices),)
    else:
        assert index_axis_names is not None
        shape = tuple(_ends(model, corrupted_tokens, activation_name)[axis] for axis in index_axis_names)
        indices = list(itertools.product(*map(range, shape)))
    tokens, _ = model.read(corrupted_tokens)
    patches = [_patch(clean_cache, patch_setter, activation_name, index, tokens.shape[1]) for index in indices]
    results = measure_each(model, tokens, patches, patching_metric).view(shape)
    if not return_index_df:
        return results
    if index_df is None:
        assert index_axis_names is not None
        index_df = make_df_from_ranges(shape, index_axis_names)
    return results, index_df


def measure_each(
    model: HookedTransformer, tokens: Tensor, interventions: Sequence[Intervention], metric: Metric
) -> Float[Tensor, " intervention"]:
    """`metric` of all logits under each intervention by itself."""
    results = torch.zeros(len(interventions), device=model.device)
    if interventions:
        plan = CellPlan(model, tokens, [[one] for one in interventions], partial(torch.ones_like, dtype=torch.bool))
        for at, rows in CellRuns(plan):
            results[at] = float(metric(rows.view(*tokens.shape, -1)))
    return results


def _patch(
    clean_cache: ActivationCache, setter: PatchSetter, activation_name: str, index: Sequence[int], length: int
) -> Intervention:
    """What a setter does at one index, as an intervention; a setter of this module changes one position only, if any.

    Setters are given the positions from the first that is run, and the index counts from there.
    """
    name = get_act_name(activation_name, index[0])
    slot, axis = POSITIONS.get(setter, (None, 0))

    def edit(x: Tensor, first: int) -> Tensor:
        clean, shifted = clean_cache[name], list(index)
        if slot is not None:
            shifted[slot] = index[slot] % length - first
            clean = clean.narrow(axis, first, length - first)
        return setter(x, shifted, clean)

    return Intervention(name, Edited(edit), positions=None if slot is None else (index[slot],))


def _ends(model: HookedTransformer, tokens: Tensor, activation_name: str) -> dict[str, int]:
    """How far each kind of index runs."""
    config, length = model.config, tokens.shape[-1]
    heads = config.n_kv if activation_name in ("k", "v") else config.n_heads
    ends = {"layer": config.n_layers, "head": heads, "head_index": heads}
    return ends | dict.fromkeys(("pos", "src_pos", "dest_pos"), length)


def layer_pos_patch_setter(corrupted_activation: Tensor, index: Sequence[int], clean_activation: Tensor) -> Tensor:
    """index = [layer, pos] of [batch, pos, …]."""
    _, pos = index
    corrupted_activation[:, pos] = clean_activation[:, pos]
    return corrupted_activation


def layer_pos_head_vector_patch_setter(
    corrupted_activation: Tensor, index: Sequence[int], clean_activation: Tensor
) -> Tensor:
    """index = [layer, pos, head] of [batch, pos, head, …]."""
    _, pos, head = index
    corrupted_activation[:, pos, head] = clean_activation[:, pos, head]
    return corrupted_activation


def layer_head_vector_patch_setter(
    corrupted_activation: Tensor, index: Sequence[int], clean_activation: Tensor
) -> Tensor:
    """index = [layer, head] of [batch, pos, head, …]."""
    _, head = index
    corrupted_activation[:, :, head] = clean_activation[:, :, head]
    return corrupted_activation


def layer_head_pattern_patch_setter(
    corrupted_activation: Tensor, index: Sequence[int], clean_activation: Tensor
) -> Tensor:
    """index = [layer, head] of a pattern [batch, head, dest_pos, src_pos]."""
    _, head = index
    corrupted_activation[:, head] = clean_activation[:, head]
    return corrupted_activation


def layer_head_pos_pattern_patch_setter(
    corrupted_activation: Tensor, index: Sequence[int], clean_activation: Tensor
) -> Tensor:
    """index = [layer, head, dest_pos] of a pattern."""
    _, head, dest = index
    corrupted_activation[:, head, dest] = clean_activation[:, head, dest]
    return corrupted_activation


def layer_head_dest_src_pos_pattern_patch_setter(
    corrupted_activation: Tensor, index: Sequence[int], clean_activation: Tensor
) -> Tensor:
    """index = [layer, head, dest_pos, src_pos] of a pattern."""
    _, head, dest, src = index
    corrupted_activation[:, head, dest, src] = clean_activation[:, head, dest, src]
    return corrupted_activation


POSITIONS: Mapping[PatchSetter, tuple[int, int]] = {
    layer_pos_patch_setter: (1, 1),
    layer_pos_head_vector_patch_setter: (1, 1),
    layer_head_pos_pattern_patch_setter: (2, 2),
    layer_head_dest_src_pos_pattern_patch_setter: (2, 2),
}
"""Of setters that change one position: which entry of their index it is, and which axis of the activation."""


def _patches(activation_name: str, setter: PatchSetter, *axes: str) -> Callable[..., Any]:
    """f(model, corrupted_tokens, clean_cache, patching_metric): a result for every index of `axes`."""
    return partial(
        generic_activation_patch, patch_setter=setter, activation_name=activation_name, index_axis_names=axes
    )


get_act_patch_resid_pre = _patches("resid_pre", layer_pos_patch_setter, "layer", "pos")
get_act_patch_resid_mid = _patches("resid_mid", layer_pos_patch_setter, "layer", "pos")
get_act_patch_attn_out = _patches("attn_out", layer_pos_patch_setter, "layer", "pos")
get_act_patch_mlp_out = _patches("mlp_out", layer_pos_patch_setter, "layer", "pos")
get_act_patch_attn_head_out_by_pos = _patches("z", layer_pos_head_vector_patch_setter, "layer", "pos", "head")
get_act_patch_attn_head_q_by_pos = _patches("q", layer_pos_head_vector_patch_setter, "layer", "pos", "head")
get_act_patch_attn_head_k_by_pos = _patches("k", layer_pos_head_vector_patch_setter, "layer", "pos", "head")
get_act_patch_attn_head_v_by_pos = _patches("v", layer_pos_head_vector_patch_setter, "layer", "pos", "head")
get_act_patch_attn_head_pattern_by_pos = _patches(
    "pattern", layer_head_pos_pattern_patch_setter, "layer", "head_index", "dest_pos"
)
get_act_patch_attn_head_pattern_dest_src_pos = _patches(
    "pattern", layer_head_dest_src_pos_pattern_patch_setter, "layer", "head_index", "dest_pos", "src_pos"
)
get_act_patch_attn_head_out_all_pos = _patches("z", layer_head_vector_patch_setter, "layer", "head")
get_act_patch_attn_head_q_all_pos = _patches("q", layer_head_vector_patch_setter, "layer", "head")
get_act_patch_attn_head_k_all_pos = _patches("k", layer_head_vector_patch_setter, "layer", "head")
get_act_patch_attn_head_v_all_pos = _patches("v", layer_head_vector_patch_setter, "layer", "head")
get_act_patch_attn_head_pattern_all_pos = _patches("pattern", layer_head_pattern_patch_setter, "layer", "head_index")


def get_act_patch_attn_head_all_pos_every(
    model: HookedTransformer, corrupted_tokens: Tensor, clean_cache: ActivationCache, metric: Metric
) -> Tensor:
    """Heads over all positions: [z q k v pattern, layer, head]. Missing heads of grouped keys and values are 0."""
    kinds = (
        get_act_patch_attn_head_out_all_pos,
        get_act_patch_attn_head_q_all_pos,
        get_act_patch_attn_head_k_all_pos,
        get_act_patch_attn_head_v_all_pos,
        get_act_patch_attn_head_pattern_all_pos,
    )
    return _side_by_side([kind(model, corrupted_tokens, clean_cache, metric) for kind in kinds])


def get_act_patch_attn_head_by_pos_every(
    model: HookedTransformer, corrupted_tokens: Tensor, clean_cache: ActivationCache, metric: Metric
) -> Tensor:
    """Heads by position: [z q k v pattern, layer, pos, head]. Missing heads of grouped keys and values are 0."""
    kinds = (
        get_act_patch_attn_head_out_by_pos,
        get_act_patch_attn_head_q_by_pos,
        get_act_patch_attn_head_k_by_pos,
        get_act_patch_attn_head_v_by_pos,
    )
    results = [kind(model, corrupted_tokens, clean_cache, metric) for kind in kinds]
    pattern = get_act_patch_attn_head_pattern_by_pos(model, corrupted_tokens, clean_cache, metric)
    return _side_by_side([*results, pattern.mT])


def get_act_patch_block_every(
    model: HookedTransformer, corrupted_tokens: Tensor, clean_cache: ActivationCache, metric: Metric
) -> Tensor:
    """Blocks by position: [resid_pre attn_out mlp_out, layer, pos]."""
    kinds = (get_act_patch_resid_pre, get_act_patch_attn_out, get_act_patch_mlp_out)
    return torch.stack([kind(model, corrupted_tokens, clean_cache, metric) for kind in kinds])


def _side_by_side(results: list[Tensor]) -> Tensor:
    widest = max(result.shape[-1] for result in results)
    return torch.stack([F.pad(result, (0, widest - result.shape[-1])) for result in results])
