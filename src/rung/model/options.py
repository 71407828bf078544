"""Keyword options of a model's calls, for type checkers and editors: what the overloads of its methods share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import torch
from torch import Tensor

from ..engine.kv_cache import KeyValueCache
from ..engine.slicing import SliceInput
from .hooks import NameFilter
from .text import Side


class RunOptions(TypedDict, total=False):
    """Of `HookedTransformer.forward`, but for what decides its output's type."""

    loss_per_token: bool
    prepend_bos: bool | None
    padding_side: Side | None
    start_at_layer: int | None
    tokens: Tensor | None
    shortformer_pos_embed: Tensor | None
    attention_mask: Tensor | None
    past_kv_cache: KeyValueCache | None


class CacheOptions(RunOptions, total=False):
    """Of `HookedTransformer.run_with_cache`, likewise."""

    names_filter: NameFilter
    device: torch.device | str | None
    remove_batch_dim: bool
    incl_bwd: bool
    reset_hooks_end: bool
    clear_contexts: bool
    pos_slice: SliceInput


class GenerateOptions(TypedDict, total=False):
    """Of `HookedTransformer.generate`, likewise."""

    stop_at_eos: bool
    eos_token_id: int | Sequence[int] | None
    do_sample: bool
    top_k: int | None
    top_p: float | None
    temperature: float
    freq_penalty: float
    use_past_kv_cache: bool
    prepend_bos: bool | None
    padding_side: Side | None
    verbose: bool
    seed: int | None
    repetition_penalty: float
    attention_mask: Tensor | None


class KeptGenerateOptions(GenerateOptions, total=False):
    """Of a `generate` that keeps activations."""

    names_filter: NameFilter
