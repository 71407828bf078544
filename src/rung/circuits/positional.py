"""Where a head looks by position alone: the QK circuit between position embeddings."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..engine.cache import Opened
from ..engine.factored import FactoredMatrix
from ..engine.positions import sinusoids
from ..engine.sites import check_head
from ..engine.taps import NO_TAP
from ..engine.transformer import norm, upcast
from ..engine.weights import block_weights, embedding, single
from ..errors import RungError
from .heads import Head, attention_scale, full_qk, head_label, kv_head


@dataclass(frozen=True, eq=False)
class PositionalQK:
    """The key position that each query position scores highest, by positions alone. Exact: no seed."""

    head: str
    offset: int
    """How far back the head is asked to look."""
    best: Int[Tensor, " query"]
    """The best key of query `offset`, `offset` + 1, …, among keys that are not later."""
    margin: Float[Tensor, " query"]
    """Score of the key `offset` back minus the best other one."""
    unit: str = "score"

    @property
    def n(self) -> int:
        """Queries looked at."""
        return self.best.shape[0]

    @property
    def share(self) -> float:
        """Share of queries whose best key is the one `offset` back."""
        return (self.margin > 0).double().mean().item()


@torch.no_grad()
def positional_qk(model: Opened, head: Head) -> FactoredMatrix:
    """Score of query position against key position, [pos, pos], for learned, shortformer or sinusoidal positions.

    (p W_Q + b_Q)(p' W_K)ᵀ / scale. Shortformer positions are read as they are; those that are added to the stream are
    read as the first norm leaves them beside the mean token embedding. Raises RungError for rotary or no positions.
    """
    config = model.config
    layer, index = check_head(config, *head)
    kind = config.positional_embedding_type
    if kind in (None, "rotary"):
        raise RungError(
            f"{config.model_name} has {kind or 'no'} positions, so no position embedding that {head_label(head)} could "
            "read; this needs learned, shortformer or sinusoidal ones"
        )
    if kind == "shortformer":
        # They are added after the norm, whose weights must not be folded in.
        w, positions = block_weights(model.weights, layer), _positions(model)
        q = positions @ upcast(w.W_Q[index]) + (0 if w.b_Q is None else upcast(w.b_Q[index]))
        k = positions @ upcast(w.W_K[kv_head(config, head)])
        return FactoredMatrix(q / attention_scale(config), k.T)
    inputs = _positions(model) + upcast(embedding(model.weights)).mean(0)
    inputs = norm(config, None, None, "ln1", layer, inputs, NO_TAP)
    return full_qk(model, head, inputs, inputs)


@torch.no_grad()
def looks_back(model: Opened, head: Head, offset: int = 1, n: int | None = None) -> PositionalQK:
    """Does each of the first `n` positions (all, if None) score the key `offset` back above every other it can see?

    Raises RungError as `positional_qk` does, and where no query has a key that far back.
    """
    product = positional_qk(model, head)
    n = product.ldim if n is None else n
    if not 0 <= offset < n <= product.ldim:
        raise RungError(f"no key {offset} back in {n} positions; {model.config.model_name} has {product.ldim}")
    scores = product.A[offset:n] @ product.B[:, :n]
    query = torch.arange(offset, n, device=scores.device)[:, None]
    scores = scores.masked_fill(torch.arange(n, device=scores.device) > query, -torch.inf)
    own = scores.gather(1, query - offset)
    others = scores.scatter(1, query - offset, -torch.inf)
    return PositionalQK(head_label(head), offset, scores.argmax(1), own[:, 0] - others.amax(1))


def _positions(model: Opened) -> Float[Tensor, "pos d_model"]:
    config = model.config
    if config.positional_embedding_type == "sinusoidal":
        at = torch.arange(config.n_ctx, device=embedding(model.weights).device)
        return sinusoids(at, config.d_model, config.sinusoidal_base)
    W_pos = single(model.weights, "W_pos")
    assert W_pos is not None
    return upcast(W_pos)
