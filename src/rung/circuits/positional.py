"""The positional QK circuit of a head: attention scores by absolute position, or by distance from query to key."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..config import ModelConfig
from ..display import Shown
from ..engine.factored import FactoredMatrix
from ..engine.linearize import head_keys
from ..engine.positions import alibi_bias, sinusoids
from ..engine.sites import check_head
from ..engine.taps import NO_TAP
from ..engine.transformer import norm_before, shares, soft_cap, upcast
from ..engine.weights import ModelLike, block_weights, embedding, read_of_stream, unlayered
from ..errors import NotDefinedError, RungError
from .heads import Head, attention_scale, embedded, full_qk, head_label, kv_head, queries_of, turned_apart

RELATIVE = ("rotary", "alibi")
"""Relative positions: the score depends on the distance from query to key, and there is no position embedding."""


@dataclass(frozen=True, eq=False, repr=False)
class PositionalQK(Shown):
    """The key that each query scores highest by position alone. Exact: nothing is sampled."""

    head: str
    offset: int
    """The tested distance from query to key."""
    best: Int[Tensor, " query"]
    """The best visible key of each query from position `offset` on; for a kernel, the best distance of each token."""
    margin: Float[Tensor, " query"]
    """Score of the key at distance `offset` minus the best other score."""
    attention: Float[Tensor, " query"]
    """Softmax attention to the key at distance `offset`, by position alone."""
    unit: str = "score"

    @property
    def n(self) -> int:
        """Number of queries."""
        return self.best.shape[0]

    @property
    def share(self) -> float:
        """Share of queries whose best key is at distance `offset`."""
        return (self.margin > 0).double().mean().item()


@torch.no_grad()
def positional_qk(model: ModelLike, head: Head) -> FactoredMatrix:
    """Score of query position against key position, [pos, pos], for learned, shortformer or sinusoidal positions.

    (p W_Q + b_Q)(p' W_K)ᵀ / scale, before a soft cap. Shortformer positions are used as they are; positions that are
    added to the stream are normalized together with the mean token embedding. Raises NotDefinedError for a model
    without positions, for relative positions (see `offset_kernel`), and for shortformer positions with QK norm or
    clamping, which depend on the token too.
    """
    config = model.config
    layer, index = check_head(config, *head)
    kind = config.positional_embedding_type
    if kind is None or kind in RELATIVE:
        raise NotDefinedError(
            f"{config.model_name} has {kind or 'no'} positions, so no position embedding that {head_label(head)} could "
            "read; learned, shortformer or sinusoidal positions are needed"
        )
    if kind == "shortformer":
        if config.qk_norm is not None or config.clip_qkv is not None:
            raise NotDefinedError(
                f"{config.model_name} normalizes or clamps queries and keys: the contribution of a position depends on "
                "the token at that position"
            )
        # Shortformer positions are added after the norm, so its weights must not be folded in.
        w, positions = block_weights(model.weights, layer), _positions(model)
        q = positions @ upcast(read_of_stream(config, w, "Q")[index]) + (0 if w.b_Q is None else upcast(w.b_Q[index]))
        k = positions @ upcast(read_of_stream(config, w, "K")[kv_head(config, head)])
        return FactoredMatrix(q / attention_scale(config), k.T)
    inputs = norm_before(config, None, None, "ln1", layer, mean_positions(model), NO_TAP)
    return full_qk(model, head, inputs, inputs)


@torch.no_grad()
def looks_back(model: ModelLike, head: Head, offset: int = 1, n: int | None = None) -> PositionalQK:
    """For each of the first `n` positions (None: all): is the key at distance `offset` the best visible key?

    Raises NotDefinedError as `positional_qk` does, and RungError if no query has a key at that distance.
    """
    config, product = model.config, positional_qk(model, head)
    n = product.ldim if n is None else n
    if not 0 <= offset < n <= product.ldim:
        raise RungError(f"no key {offset} back in {n} positions; {config.model_name} has {product.ldim}")
    scores = product.A[offset:n] @ product.B[:, :n]
    scores = scores if config.attn_scores_soft_cap is None else soft_cap(scores, config.attn_scores_soft_cap)
    back = torch.arange(offset, n, device=scores.device)[:, None] - torch.arange(n, device=scores.device)
    right = torch.arange(n - offset, device=scores.device)[:, None]
    return _compare(head, offset, scores, right, _seen(config, head, back), _sink(model, head))


@torch.no_grad()
def offset_kernel(
    model: ModelLike, head: Head, inputs: Float[Tensor, "token d_model"], n: int
) -> Float[Tensor, "token back"]:
    """Score of each token as query against a mean key at distance 0, 1, …, n − 1.

    The key is the mean over the keys of all `inputs` (normalized rows, one for each token); at distance 0 it is the
    query token's own key. Rotary embeddings and the ALiBi bias are applied. Raises SiteError for a missing head.
    """
    config, layer = model.config, check_head(model.config, *head)[0]
    w = block_weights(model.weights, layer)
    q, k = queries_of(model, head, inputs), head_keys(config, w, kv_head(config, head), inputs)
    mean = k.mean(0, keepdim=True)
    columns = []
    for back in range(n):
        queries, keys = turned_apart(config, layer, q, mean if back else k, back, n)
        columns.append((queries * keys).sum(-1))
    kernel = torch.stack(columns, 1) / attention_scale(config)
    kernel = kernel if config.attn_scores_soft_cap is None else soft_cap(kernel, config.attn_scores_soft_cap)
    if config.alibi is not None:
        kernel = kernel + alibi_bias(config.alibi, torch.arange(n, device=kernel.device))[head[1]].flip(-1)
    return kernel


@torch.no_grad()
def kernel_looks_back(
    model: ModelLike, head: Head, inputs: Float[Tensor, "token d_model"], n: int, offset: int = 1
) -> PositionalQK:
    """For each token as query: is the score at distance `offset` the highest of `offset_kernel`?

    Raises SiteError for a missing head, RungError unless `offset` is less than `n`.
    """
    if not 0 <= offset < n:
        raise RungError(f"no key {offset} back in {n} positions")
    kernel = offset_kernel(model, head, inputs, n)
    back = torch.arange(n, device=kernel.device).expand_as(kernel)
    right = torch.full((len(kernel), 1), offset, device=kernel.device)
    return _compare(head, offset, kernel, right, _seen(model.config, head, back), _sink(model, head))


def _seen(config: ModelConfig, head: Head, back: Int[Tensor, "query key"]) -> Bool[Tensor, "query key"]:
    window = config.window(head[0])
    return (back >= 0) & (back < (torch.inf if window is None else window))


def _sink(model: ModelLike, head: Head) -> Float[Tensor, " one"] | None:
    """The score of the head's sink, which takes attention that no key gets."""
    sinks = block_weights(model.weights, head[0]).sinks
    return None if sinks is None else upcast(sinks[head[1] : head[1] + 1])


def _compare(
    head: Head,
    offset: int,
    scores: Float[Tensor, "query key"],
    right: Int[Tensor, "query one"],
    seen: Bool[Tensor, "query key"],
    sink: Float[Tensor, " one"] | None,
) -> PositionalQK:
    scores = scores.masked_fill(~seen, -torch.inf)
    own, others = scores.gather(1, right), scores.scatter(1, right, -torch.inf)
    margin = torch.where(own.isfinite(), own - others.amax(1, keepdim=True), -torch.inf)[:, 0]
    attention = shares(scores[None, None], sink)[0, 0].gather(1, right)[:, 0]
    return PositionalQK(head_label(head), offset, scores.argmax(1), margin, attention)


def mean_positions(model: ModelLike) -> Float[Tensor, "pos d_model"]:
    """The mean token embedding plus each position's embedding, for positions that are added to the stream."""
    return _positions(model) + embedded(model).mean(0)


def _positions(model: ModelLike) -> Float[Tensor, "pos d_model"]:
    config = model.config
    if config.positional_embedding_type == "sinusoidal":
        at = torch.arange(config.n_ctx, device=embedding(model.weights).device)
        return sinusoids(at, config.d_model, config.sinusoidal_base)
    W_pos = unlayered(model.weights, "W_pos")
    assert W_pos is not None
    return upcast(W_pos)
