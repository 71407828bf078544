"""The QK and OV circuits of one head, from its weights.

Row vectors throughout, as in the engine: a query x and a key y have the score x W_Q W_Kᵀ yᵀ, and attending to y
writes y W_V W_O. The weights of the norm before a head are folded into W_Q, W_K and W_V, so that inputs are normalized
vectors. Queries, keys and values of a table of inputs are clamped and normed as in the model. Of a norm whose scale
depends on the run, only the linear part is applied: results are then known up to that positive
factor. (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits".)
"""

import math
from typing import NamedTuple, SupportsIndex

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..config import ModelConfig
from ..engine.factored import FactoredMatrix
from ..engine.linearize import (
    fold,
    fold_before,
    head_keys,
    head_queries,
    head_values,
    linear_norm,
    read_matrix,
    write_matrix,
)
from ..engine.positions import PositionInfo, cos_sin, rotate
from ..engine.sites import check_head
from ..engine.slicing import whole
from ..engine.taps import NO_TAP
from ..engine.transformer import embed, norm_before, upcast
from ..engine.weights import ModelLike, block_weights, embedding, read_of_stream, unembedding, unlayered
from ..errors import NotDefinedError, RungError
from .argmax_diagonal import MAX_MEMORY, Diagonal, diagonal

Head = tuple[int, int]
"""(layer, head), written "1.4"."""
AnyHead = tuple[SupportsIndex, SupportsIndex]
"""A head as people's code has it: NumPy's whole numbers, or tensors without axes."""


def whole_head(head: AnyHead) -> Head:
    """A head whose numbers may be of any library, with Python's own."""
    layer, index = head
    return whole(layer), whole(index)


class HeadWeights(NamedTuple):
    """One head's weights, with the linear parts of the norms before and after attention and of the QK norm folded in.

    W_K and W_V are those of the head's group.
    """

    W_Q: Float[Tensor, "d_model d_head"]
    W_K: Float[Tensor, "d_model d_head"]
    W_V: Float[Tensor, "d_model d_head"]
    W_O: Float[Tensor, "d_head d_model"]


def head_label(head: Head) -> str:
    """(1, 4) as "1.4"."""
    return f"{head[0]}.{head[1]}"


def kv_head(config: ModelConfig, head: Head) -> int:
    """The index of the key/value head that this head uses."""
    return head[1] // (config.n_heads // config.n_kv)


@torch.no_grad()
def head_weights(model: ModelLike, head: Head) -> HeadWeights:
    """The weights of `head` with norms folded in: W ← w·W; with LayerNorm also centred over d_model.

    Raises SiteError if the model has no such head, NotDefinedError if its queries, keys or values are not one product
    with the stream.
    """
    (layer, index), config = check_head(model.config, *head), model.config
    w, group = block_weights(model.weights, layer), kv_head(config, head)
    return HeadWeights(
        read_matrix(config, w, "Q", index),
        read_matrix(config, w, "K", group),
        fold_before(config, w.ln1_w, read_of_stream(config, w, "V")[group]),
        write_matrix(config, w, index),
    )


@torch.no_grad()
def queries_of(model: ModelLike, head: Head, x: Float[Tensor, "query d_model"]) -> Float[Tensor, "query d_head"]:
    """The head's queries of normalized rows, with biases, before any rotary embedding."""
    layer, index = check_head(model.config, *head)
    return head_queries(model.config, block_weights(model.weights, layer), index, x)


@torch.no_grad()
def keys_of(model: ModelLike, head: Head, y: Float[Tensor, "key d_model"]) -> Float[Tensor, "key d_head"]:
    """Its keys of normalized rows, as the model makes them but for turning, less what all rows have in common.

    That is b_K and k_norm.b: they move all scores of a query alike, which softmax does not see. A bias that keys are
    normed or clamped with stays.
    """
    layer, _ = check_head(model.config, *head)
    w, group = block_weights(model.weights, layer), kv_head(model.config, head)
    if model.config.qk_norm is None and model.config.clip_qkv is None and model.config.latent is None:
        return y @ head_weights(model, head).W_K
    keys = head_keys(model.config, w, group, y)
    return keys if w.k_norm_b is None else keys - upcast(w.k_norm_b)[group]


@torch.no_grad()
def writes_of(
    model: ModelLike, head: Head, y: Float[Tensor, "source d_model"]
) -> tuple[Float[Tensor, "source d_head"], Float[Tensor, "d_head d_model"]]:
    """The head's output from attending to each normalized row, as the factors values and W_O.

    Up to the scale of a norm after attention. b_V, which does not depend on the input, is left out unless values are
    clamped with it.
    """
    (layer, index), config = check_head(model.config, *head), model.config
    if config.clip_qkv is None and config.latent is None:
        w = head_weights(model, head)
        return y @ w.W_V, w.W_O
    held = block_weights(model.weights, layer)
    return head_values(config, held, kv_head(config, head), y), write_matrix(config, held, index)


def turned_apart(
    config: ModelConfig,
    layer: int,
    q: Float[Tensor, "query d_head"],
    k: Float[Tensor, "key d_head"],
    back: int,
    n: int | None = None,
) -> tuple[Float[Tensor, "query d_head"], Float[Tensor, "key d_head"]]:
    """Queries and keys after rotary embedding at a distance of `back` positions; unchanged without rotary positions.

    `n` is the sequence length (None: `back` + 1), on which some rotary scalings depend.
    """
    rotary = config.rotary_of(layer)
    if rotary is None:
        return q, k
    cos, sin = cos_sin(rotary, torch.arange(back + 1 if n is None else n, device=q.device))
    q = rotate(q[:, None, None], rotary, cos[back : back + 1], sin[back : back + 1])
    return q[:, 0, 0], rotate(k[:, None, None], rotary, cos[:1], sin[:1])[:, 0, 0]


def check_offset(config: ModelConfig, layer: int, back: int) -> None:
    """Raises NotDefinedError unless the layer has rotary positions, RungError for a distance that cannot be."""
    kind = config.positional_embedding_type
    if config.rotary_of(layer) is None:
        why = {
            "alibi": "an ALiBi bias is the same for all keys at one distance",
            None: "without positions no distance changes a score",
        }.get(kind, f"{kind} positions are read as vectors beside the tokens (see positional_qk)")
        raise NotDefinedError(f"a QK circuit at a distance needs rotary positions; layer {layer} has none: {why}")
    window = config.window(layer)
    most = config.n_ctx if window is None else min(window, config.n_ctx)
    if not 0 <= back < most:
        raise RungError(f"no query of layer {layer} sees a key {back} back; distances are 0 to {most - 1}")


def QK(model: ModelLike, head: Head, back: int | None = None) -> FactoredMatrix:
    """W_Q W_Kᵀ: [d_model (query), d_model (key)], without the attention scale and without QK norm.

    `back`: W_Q R W_Kᵀ with R the rotary embedding of that distance from query to key (Su et al. 2021, section 3.4);
    raises NotDefinedError without rotary positions. None: no rotation.
    """
    w, (layer, _) = head_weights(model, head), head
    q, k = w.W_Q, w.W_K
    if back is not None:
        check_offset(model.config, layer, back)
        q, k = turned_apart(model.config, layer, q, k, back)
    return FactoredMatrix(q, k.T)


def OV(model: ModelLike, head: Head) -> FactoredMatrix:
    """W_V W_O: [d_model (input), d_model (output)]."""
    w = head_weights(model, head)
    return FactoredMatrix(w.W_V, w.W_O)


def attention_scale(config: ModelConfig) -> float:
    """The divisor of attention scores."""
    return math.sqrt(config.d_head) if config.attn_scale is None else config.attn_scale


@torch.no_grad()
def token_inputs(model: ModelLike, tokens: Int[Tensor, " token"] | None = None) -> Float[Tensor, "token d_model"]:
    """The embedding of each token (None: all), normalized by the first layer's norm without its weights: the simplest
    effective embedding.

    Exact for the first layer of a model whose positional embeddings are not added to the stream. Later heads also read
    the output of earlier layers: for those, give another table as `inputs`, with one row for each token.
    """
    return norm_before(model.config, None, None, "ln1", 0, embedded(model, tokens), NO_TAP)


@torch.no_grad()
def embedded(model: ModelLike, tokens: Int[Tensor, " token"] | None = None) -> Float[Tensor, "token d_model"]:
    """The token embeddings (None: of all tokens) as they enter the stream, without positions."""
    W_E = embedding(model.weights)
    ids = torch.arange(W_E.shape[0], device=W_E.device) if tokens is None else tokens.to(W_E.device)
    return upcast(embed(model.config, model.weights, ids[None], PositionInfo(None, (), None, (), None), NO_TAP)[0])


@torch.no_grad()
def token_outputs(model: ModelLike, tokens: Int[Tensor, " token"] | None = None) -> Float[Tensor, "d_model token"]:
    """W_U of each token (None: all), with the final norm's weights and the logit scale folded in."""
    W_U = unembedding(model.weights)
    W_U = W_U if tokens is None else W_U[:, tokens.to(W_U.device)]
    return fold(model.config, unlayered(model.weights, "ln_final_w"), W_U) * model.config.logit_scale


@torch.no_grad()
def full_qk(
    model: ModelLike,
    head: Head,
    queries: Float[Tensor, "query d_model"],
    keys: Float[Tensor, "key d_model"],
    back: int | None = None,
) -> FactoredMatrix:
    """Attention score of every query against every key: (x W_Q + b_Q) (y W_K)ᵀ / scale, [query, key].

    Rows are normalized inputs (`token_inputs`); queries and keys are clamped and normed if the model does so. Scores
    are before a soft cap and exact up to an additive constant for each query. Positions are left out: no ALiBi bias or
    window is applied, and the rotary embedding of a distance only where `back` gives one (see `QK`).
    """
    q, k = queries_of(model, head, queries), keys_of(model, head, keys)
    if back is not None:
        check_offset(model.config, head[0], back)
        q, k = turned_apart(model.config, head[0], q, k, back)
    return FactoredMatrix(q / attention_scale(model.config), k.T)


@torch.no_grad()
def full_ov(
    model: ModelLike, head: Head, inputs: Float[Tensor, "source d_model"], outputs: Float[Tensor, "d_model target"]
) -> FactoredMatrix:
    """The effect of attending to each source on the logit of each target: x W_V W_O u, [source, target].

    Up to the positive scales of the final norm and of a norm after attention; before a soft cap.
    """
    values, W_O = writes_of(model, head, inputs)
    return FactoredMatrix(values, W_O @ outputs)


CHUNK = 4096
"""Tokens whose embeddings are read at once."""


@torch.no_grad()
def vocabulary_qk(model: ModelLike, head: Head, back: int | None = None) -> FactoredMatrix:
    """`full_qk` of every token as query and as key. Embeddings are read in chunks: only the factors are held."""
    parts = [full_qk(model, head, x, x, back) for x in map(lambda ids: token_inputs(model, ids), _chunks(model))]
    return FactoredMatrix(torch.cat([part.A for part in parts]), torch.cat([part.B for part in parts], 1))


@torch.no_grad()
def vocabulary_ov(model: ModelLike, head: Head, sources: Int[Tensor, " source"] | None = None) -> FactoredMatrix:
    """`full_ov` of `sources` (None: every token) on the logit of every token. Embeddings are read in chunks."""
    ids = _chunks(model) if sources is None else sources.split(CHUNK)
    parts = [writes_of(model, head, token_inputs(model, chunk)) for chunk in ids]
    # The last norm's linear part is applied to what the head writes: `token_outputs` would copy W_U for it.
    w, W_U = unlayered(model.weights, "ln_final_w"), unembedding(model.weights)
    written = linear_norm(model.config, None if w is None else upcast(w), parts[0][1]) * model.config.logit_scale
    logits = [written @ upcast(chunk) for chunk in W_U.split(CHUNK, 1)]
    return FactoredMatrix(torch.cat([values for values, _ in parts]), torch.cat(logits, 1))


def _chunks(model: ModelLike) -> tuple[Int[Tensor, " token"], ...]:
    chunks: tuple[Tensor, ...] = torch.arange(model.config.d_vocab).split(CHUNK)
    return chunks


def sampled_copying(
    model: ModelLike, head: Head, sample: int | None, seed: int = 0, max_memory: int = MAX_MEMORY
) -> Diagonal:
    """OV copying over the full vocabulary: for each token, or for `sample` tokens drawn from `seed`, the rank of its
    own logit among all tokens'.

    Every row that is compared is exact; `Diagonal.interval` bounds the share of all rows. Raises RungError for a
    sample that is larger than the vocabulary.
    """
    n = model.config.d_vocab
    if sample is not None and not 1 <= sample <= n:
        raise RungError(f"a sample of {sample} tokens; {model.config.model_name} has {n}")
    rows = None if sample is None else torch.randperm(n, generator=torch.Generator().manual_seed(seed))[:sample]
    product = vocabulary_ov(model, head, rows)
    unit = "logit, up to the last norm's scale"
    return diagonal(product, _ov_name(head), unit, rows=rows, max_memory=max_memory)


def _ov_name(head: Head) -> str:
    return f"{head_label(head)} OV, token read × token raised"


def qk_diagonal(
    model: ModelLike,
    head: Head,
    tokens: Int[Tensor, " token"] | None = None,
    inputs: Float[Tensor, "token d_model"] | None = None,
) -> Diagonal:
    """For each key token: does the same token as query score it highest? (As in a duplicate-token head.)

    `inputs` replaces the effective embedding of `tokens`.
    """
    x = token_inputs(model, tokens) if inputs is None else inputs
    return diagonal(full_qk(model, head, x, x).T, f"{head_label(head)} QK, key token × query token")


def ov_copying(
    model: ModelLike,
    head: Head,
    tokens: Int[Tensor, " token"] | None = None,
    inputs: Float[Tensor, "token d_model"] | None = None,
) -> Diagonal:
    """OV copying: for each token attended to, is that token's own logit raised most?

    `share` is the top-1 share, `rank` the number of other tokens whose logit is raised at least as much.
    """
    x = token_inputs(model, tokens) if inputs is None else inputs
    product = full_ov(model, head, x, token_outputs(model, tokens))
    return diagonal(product, _ov_name(head), "logit, up to the last norm's scale")


def eigenvalue_copying(
    model: ModelLike,
    head: Head,
    tokens: Int[Tensor, " token"] | None = None,
    inputs: Float[Tensor, "token d_model"] | None = None,
) -> float:
    """Σλ / Σ|λ| over the eigenvalues of W_E W_V W_O W_U: 1 if all are positive (copying), −1 if all are negative.

    Computed from the [d_head, d_head] product of the factors, which has the same nonzero eigenvalues; 0 for a head that
    writes nothing. Descriptive only: heads that copy little may score high too. (Elhage et al. 2021, "copying
    heads".)
    """
    x = token_inputs(model, tokens) if inputs is None else inputs
    eigenvalues = full_ov(model, head, x, token_outputs(model, tokens)).eigenvalues
    size = eigenvalues.abs().sum().item()
    return eigenvalues.real.sum().item() / size if size else 0.0
