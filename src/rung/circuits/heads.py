"""One head read from its weights: what its queries and keys match (QK), what it moves to the output (OV).

Row vectors throughout, as in the engine: a query x and a key y score x W_Q W_Kᵀ yᵀ, and what is read from y and
written is y W_V W_O. The weights of the norm before a head are folded into what it reads, so that its inputs are
normalized vectors. (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits".)
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..config import ModelConfig
from ..engine.cache import Opened
from ..engine.factored import FactoredMatrix
from ..engine.sites import check_head
from ..engine.taps import NO_TAP
from ..engine.transformer import norm, upcast
from ..engine.weights import block_weights, embedding, single, unembedding
from .diagonal import Diagonal, diagonal

Head = tuple[int, int]
"""(layer, head), written "1.4"."""


class HeadWeights(NamedTuple):
    """One head's weights with the norm before it folded in; keys and values are those of its group."""

    W_Q: Float[Tensor, "d_model d_head"]
    W_K: Float[Tensor, "d_model d_head"]
    W_V: Float[Tensor, "d_model d_head"]
    W_O: Float[Tensor, "d_head d_model"]
    b_Q: Float[Tensor, " d_head"]
    """b_K is not here: it moves all scores of a query alike, which softmax does not see."""


def head_label(head: Head) -> str:
    """(1, 4) as "1.4"."""
    return f"{head[0]}.{head[1]}"


def kv_head(config: ModelConfig, head: Head) -> int:
    """Which key/value head of its layer this head shares with its group."""
    return head[1] // (config.n_heads // config.n_kv)


@torch.no_grad()
def head_weights(model: Opened, head: Head) -> HeadWeights:
    """What `head` reads and writes with: W ← w·W, b ← b + b_norm W; after LayerNorm, centred over d_model.

    Raises SiteError if the model has no such head.
    """
    layer, index = check_head(model.config, *head)
    w, group = block_weights(model.weights, layer), kv_head(model.config, head)
    W_Q = upcast(w.W_Q[index])
    b_Q = W_Q.new_zeros(W_Q.shape[1]) if w.b_Q is None else upcast(w.b_Q[index])
    if w.ln1_b is not None:
        b_Q = b_Q + upcast(w.ln1_b) @ W_Q
    W_Q, W_K, W_V = (fold(model.config, w.ln1_w, W) for W in (W_Q, w.W_K[group], w.W_V[group]))
    return HeadWeights(W_Q, W_K, W_V, upcast(w.W_O[index]), b_Q)


def fold(
    config: ModelConfig, w: Float[Tensor, " d_model"] | None, W: Float[Tensor, "d_model width"]
) -> Float[Tensor, "d_model width"]:
    """The linear part of a norm moved into what reads it: diag(w) W, then its mean over d_model taken out under
    LayerNorm, whose output is centred before w. The scale, a positive number for each position, is not in it.
    """
    W = upcast(W) if w is None else upcast(w).unsqueeze(-1) * upcast(W)
    return W - W.mean(0, keepdim=True) if config.normalization_type in ("LN", "LNPre") else W


def QK(model: Opened, head: Head) -> FactoredMatrix:
    """W_Q W_Kᵀ: [d_model (query), d_model (key)], not divided by the attention scale."""
    w = head_weights(model, head)
    return FactoredMatrix(w.W_Q, w.W_K.T)


def OV(model: Opened, head: Head) -> FactoredMatrix:
    """W_V W_O: [d_model (read), d_model (written)]."""
    w = head_weights(model, head)
    return FactoredMatrix(w.W_V, w.W_O)


def attention_scale(config: ModelConfig) -> float:
    """What scores are divided by."""
    return math.sqrt(config.d_head) if config.attn_scale is None else config.attn_scale


@torch.no_grad()
def token_inputs(model: Opened, tokens: Int[Tensor, " token"] | None = None) -> Float[Tensor, "token d_model"]:
    """The embedding of each token (all, if None), normalized: the simplest effective embedding.

    Exact for the first layer of a model whose positions stay out of the stream. Deeper heads also read what was
    written in between: give functions that take `inputs` another table there, one row a token.
    """
    W_E = upcast(embedding(model.weights))
    rows = W_E if tokens is None else W_E[tokens]
    return norm(model.config, None, None, "ln1", 0, rows, NO_TAP)


@torch.no_grad()
def token_outputs(model: Opened, tokens: Int[Tensor, " token"] | None = None) -> Float[Tensor, "d_model token"]:
    """W_U of each token (all, if None), the last norm's weights folded in."""
    W_U = fold(model.config, single(model.weights, "ln_final_w"), unembedding(model.weights))
    return W_U if tokens is None else W_U[:, tokens]


@torch.no_grad()
def full_qk(
    model: Opened, head: Head, queries: Float[Tensor, "query d_model"], keys: Float[Tensor, "key d_model"]
) -> FactoredMatrix:
    """Attention score of every query against every key: (x W_Q + b_Q) (y W_K)ᵀ / scale, [query, key].

    Rows are normalized inputs (`token_inputs`). Scores are exact up to a number for each query. Without positions:
    rotary ones turn queries and keys by their offset, which is not in it.
    """
    w = head_weights(model, head)
    return FactoredMatrix((queries @ w.W_Q + w.b_Q) / attention_scale(model.config), (keys @ w.W_K).T)


@torch.no_grad()
def full_ov(
    model: Opened, head: Head, inputs: Float[Tensor, "source d_model"], outputs: Float[Tensor, "d_model target"]
) -> FactoredMatrix:
    """What attending to each source adds to the logit of each target: x W_V W_O u, [source, target].

    Up to the positive scale of the last norm.
    """
    w = head_weights(model, head)
    return FactoredMatrix(inputs @ w.W_V, w.W_O @ outputs)


def qk_diagonal(
    model: Opened,
    head: Head,
    tokens: Int[Tensor, " token"] | None = None,
    inputs: Float[Tensor, "token d_model"] | None = None,
) -> Diagonal:
    """For each key token: is the query that scores it highest the same token? (A head that looks for itself.)

    `inputs` replaces the effective embedding of `tokens`.
    """
    x = token_inputs(model, tokens) if inputs is None else inputs
    return diagonal(full_qk(model, head, x, x).T, f"{head_label(head)} QK, key token × query token")


def ov_copying(
    model: Opened,
    head: Head,
    tokens: Int[Tensor, " token"] | None = None,
    inputs: Float[Tensor, "token d_model"] | None = None,
) -> Diagonal:
    """For each token attended to: does the head raise that token's own logit most?

    `share` is the top-1 share, `rank` how many other tokens are raised at least as much.
    """
    x = token_inputs(model, tokens) if inputs is None else inputs
    product = full_ov(model, head, x, token_outputs(model, tokens))
    return diagonal(product, f"{head_label(head)} OV, token read × token raised", "logit, up to the last norm's scale")


def eigenvalue_copying(
    model: Opened,
    head: Head,
    tokens: Int[Tensor, " token"] | None = None,
    inputs: Float[Tensor, "token d_model"] | None = None,
) -> float:
    """Σλ / Σ|λ| over the eigenvalues of W_E W_V W_O W_U: 1 where every direction is copied, −1 where each is inverted.

    Taken from the [d_head, d_head] product of the factors, which has the same nonzero ones; 0 for a head that writes
    nothing. Describes more than it proves: heads that copy little score high too. (Elhage et al. 2021, "copying
    heads".)
    """
    x = token_inputs(model, tokens) if inputs is None else inputs
    eigenvalues = full_ov(model, head, x, token_outputs(model, tokens)).eigenvalues
    size = eigenvalues.abs().sum().item()
    return eigenvalues.real.sum().item() / size if size else 0.0
