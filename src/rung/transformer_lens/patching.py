"""Activation patching: what becomes of a metric when one activation of a corrupted run is that of a clean run.

Each result runs only from the layer that is patched: what comes before it is the corrupted run's, which is read once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine.cache import ActivationCache
from ..engine.sites import Site
from ..errors import InterventionError
from ..model.hooks import HookPoint
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
    values = _patched(model, corrupted_tokens, clean_cache, patch_setter, activation_name, indices)
    results = torch.tensor([float(patching_metric(logits)) for logits in values], device=model.device).view(shape)
    if not return_index_df:
        return results
    if index_df is None:
        assert index_axis_names is not None
        index_df = make_df_from_ranges(shape, index_axis_names)
    return results, index_df


@torch.no_grad()
def _patched(
    model: HookedTransformer,
    tokens: Tensor,
    clean_cache: ActivationCache,
    patch_setter: PatchSetter,
    activation_name: str,
    indices: Sequence[Sequence[int]],
) -> Iterator[Tensor]:
    """Logits of the corrupted run with each patch in turn."""
    starts = sorted({index[0] for index in indices})
    names = [Site("resid_pre", layer).path for layer in starts]
    tokens, padding = model.read(tokens)
    _, streams = model.run_with_cache(tokens, names_filter=names, return_type=None)
    for layer, same in itertools.groupby(indices, key=lambda index: index[0]):
        stream, name = streams["resid_pre", layer], get_act_name(activation_name, layer)
        rows = len(stream)
        most = min(TOKENS_AT_ONCE, LOGITS_AT_ONCE // model.config.n_out)
        room = max(1, most // stream[..., 0].numel())
        group = list(same)
        for chunk in (group[at : at + room] for at in range(0, len(group), room)):

            def patch(
                x: Tensor, hook: HookPoint, chunk: Sequence[Sequence[int]] = chunk, name: str = name, rows: int = rows
            ) -> Tensor:
                parts = zip(x.split(rows), chunk, strict=True)
                return torch.cat([patch_setter(part.clone(), index, clean_cache[name]) for part, index in parts])

            # A generator keeps no context: each run turns gradients off for itself.
            with torch.no_grad():
                logits = model.run_with_hooks(
                    stream.repeat(len(chunk), 1, 1),
                    start_at_layer=layer,
                    attention_mask=None if padding is None else padding.repeat(len(chunk), 1),
                    fwd_hooks=[(name, patch)],
                )
            yield from logits.split(rows)


TOKENS_AT_ONCE = 1024
"""Patches of one layer share a run as long as it reads no more: weights are then fetched once for all of them."""
LOGITS_AT_ONCE = 2**26
"""And as long as it gives no more of them: 256 MiB in float32."""


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
