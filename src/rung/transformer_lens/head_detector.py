"""Which heads attend as a head of a known kind would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from ..engine.cache import ActivationCache
from ..errors import PromptError, RungError, near
from ..model.model import HookedTransformer
from .utils import is_lower_triangular


def get_previous_token_head_detection_pattern(tokens: Tensor) -> Tensor:
    """1 from each position to the one before it."""
    return torch.ones(tokens.shape[-1] - 1).diag(-1)


def get_duplicate_token_head_detection_pattern(tokens: Tensor) -> Tensor:
    """1 from each token to every earlier one that is the same."""
    row = tokens.flatten().cpu()
    return (row[:, None] == row).float().tril(-1)


def get_induction_head_detection_pattern(tokens: Tensor) -> Tensor:
    """1 from each token to what followed every earlier one that is the same."""
    shifted = get_duplicate_token_head_detection_pattern(tokens).roll(1, dims=1)
    shifted[:, 0] = 0
    return shifted.tril()


_MAKERS = {
    "previous_token_head": get_previous_token_head_detection_pattern,
    "duplicate_token_head": get_duplicate_token_head_detection_pattern,
    "induction_head": get_induction_head_detection_pattern,
}
HEAD_NAMES = list(_MAKERS)
HeadName = Literal["previous_token_head", "duplicate_token_head", "induction_head"]
ErrorMeasure = Literal["abs", "mul"]
LayerHeadTuple = tuple[int, int]
LayerToHead = dict[int, list[int]]


def get_supported_heads() -> None:
    """Prints the names of the kinds that are known."""
    print(f"Supported heads: {HEAD_NAMES}")


def detect_head(
    model: HookedTransformer,
    seq: str | list[str],
    detection_pattern: Tensor | str,
    heads: Sequence[tuple[int, int]] | Mapping[int, Sequence[int]] | None = None,
    cache: ActivationCache | None = None,
    *,
    exclude_bos: bool = False,
    exclude_current_token: bool = False,
    error_measure: Literal["mul", "abs"] = "mul",
) -> Tensor:
    """How well each head's pattern on `seq` fits `detection_pattern`: [layer, head]; −1 for heads not in `heads`.

    mul: the share of attention that lies where the pattern is 1. abs: 1 minus the mean over queries of the summed
    difference. Raises RungError for a pattern that is unknown, or does not fit the text.
    """
    if isinstance(seq, list):
        if cache is not None:
            raise RungError("a cache holds the run of one prompt; several were given")
        options: Any = {"exclude_bos": exclude_bos, "exclude_current_token": exclude_current_token}
        scores = [
            detect_head(model, one, detection_pattern, heads, error_measure=error_measure, **options) for one in seq
        ]
        return torch.stack(scores).mean(0)
    tokens = model.to_tokens(seq)
    if not 1 < tokens.shape[-1] <= model.config.n_ctx:
        raise PromptError(f"the text has {tokens.shape[-1]} tokens; 2 to {model.config.n_ctx} are compared")
    wanted = _pattern(detection_pattern, tokens).to(model.device)
    if cache is None:
        _, cache = model.run_with_cache(tokens, names_filter="pattern", remove_batch_dim=True)
    chosen = _chosen(model, heads)
    found = -torch.ones(model.config.n_layers, model.config.n_heads, dtype=model.dtype, device=model.device)
    for layer, head in chosen:
        pattern = cache["pattern", layer][head].clone()
        found[layer, head] = compute_head_attention_similarity_score(
            pattern,
            wanted,
            exclude_bos=exclude_bos,
            exclude_current_token=exclude_current_token,
            error_measure=error_measure,
        )
    return found


def compute_head_attention_similarity_score(
    attention_pattern: Tensor,
    detection_pattern: Tensor,
    *,
    exclude_bos: bool,
    exclude_current_token: bool,
    error_measure: Literal["mul", "abs"],
) -> float:
    """How well one pattern [pos, pos] fits another; see `detect_head`."""
    if error_measure not in ("mul", "abs"):
        raise RungError(f"error_measure is {error_measure!r}; known are 'mul' and 'abs'")
    counted = torch.ones_like(attention_pattern)
    if exclude_bos:
        counted[:, 0] = 0
    if exclude_current_token:
        counted.fill_diagonal_(0)
    attention_pattern = attention_pattern * counted
    if error_measure == "mul":
        return float((attention_pattern * detection_pattern).sum() / attention_pattern.sum())
    missed = (attention_pattern - detection_pattern * counted).abs()
    return 1 - float(missed.sum() / len(missed))


def _pattern(given: Tensor | str, tokens: Tensor) -> Tensor:
    if isinstance(given, str):
        if given not in _MAKERS:
            raise RungError(f"no detection pattern {given!r}; known are {', '.join(_MAKERS)}.{near(given, _MAKERS)}")
        return _MAKERS[given](tokens)
    length = tokens.shape[-1]
    if given.shape != (length, length) or not is_lower_triangular(given):
        raise RungError(
            f"the detection pattern has shape {list(given.shape)}; it must be lower triangular, {length} by {length}"
        )
    return given


def _chosen(
    model: HookedTransformer, heads: Sequence[tuple[int, int]] | Mapping[int, Sequence[int]] | None
) -> list[tuple[int, int]]:
    if heads is None:
        return [(layer, head) for layer in range(model.config.n_layers) for head in range(model.config.n_heads)]
    return (
        [(layer, head) for layer, some in heads.items() for head in some] if isinstance(heads, Mapping) else list(heads)
    )
