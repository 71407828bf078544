"""What a head does token by token: strongest entries, skip-trigrams, and the tokens of singular directions.

Nothing of size vocabulary × vocabulary is held: the rows that can hold a strongest entry are found by their maxima.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..display import Shown
from ..engine.factored import FactoredMatrix
from ..engine.weights import ModelLike
from ..errors import RungError
from .argmax_diagonal import EDGE
from .heads import OV, QK, Head, head_label, token_inputs, token_outputs, vocabulary_ov, vocabulary_qk

Circuit = Literal["OV", "QK"]


@dataclass(frozen=True)
class Entry:
    """One entry of a token-by-token circuit: OV source → output (logits), QK query → key (score)."""

    row: int
    column: int
    value: float


@dataclass(frozen=True, repr=False)
class SkipTrigram(Shown):
    """source … query → output: the query attends to the source, which raises the output."""

    source: int
    query: int
    output: int
    attention: float
    """QK score less its mean over all sources for this query."""
    logit: float
    """Effect on the output's logit less its mean over all outputs."""

    @property
    def score(self) -> float:
        """The product of both."""
        return self.attention * self.logit


@torch.no_grad()
def strongest(product: FactoredMatrix, k: int) -> list[Entry]:
    """The `k` largest entries, largest first. Raises RungError unless 1 ≤ k ≤ entries.

    They lie in the k rows with the largest maxima: a row outside has k rows with an entry at least as large as its own.
    """
    _check_count(k, product.ldim * product.rdim, "entries")
    rows = _row_maxima(product).topk(min(k, product.ldim)).indices
    values, at = (product.A[rows] @ product.B).flatten().topk(k)
    found = zip(values.tolist(), at.tolist(), strict=True)
    return [Entry(int(rows[index // product.rdim]), index % product.rdim, value) for value, index in found]


@torch.no_grad()
def skip_trigrams(
    model: ModelLike,
    head: Head,
    k: int = 20,
    source: int | None = None,
    query: int | None = None,
    back: int | None = None,
) -> list[SkipTrigram]:
    """The `k` strongest skip-trigrams of a head by score = attention × logit, both positive.

    attention = QK[query, source] − mean over sources, logit = OV[source, output] − mean over outputs: softmax does not
    see the means. `source` and `query` fix a token (None: any); `back` turns rotary queries and keys by a distance.
    Later layers also read earlier heads' output, which is left out. There are fewer than k where fewer are positive.
    (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits", on skip-trigrams.)

    Raises RungError for a token outside the vocabulary or k < 1, SiteError and NotDefinedError as `QK`.
    """
    n = model.config.d_vocab
    _check_count(k, n * n * model.config.n_out, "skip-trigrams")
    for name, token in (("source", source), ("query", query)):
        if token is not None and not 0 <= token < n:
            raise RungError(f"{name} is token {token}; {model.config.model_name} has tokens 0 to {n - 1}")
    found = vocabulary_qk(model, head, back)
    keys = found.B - found.B.mean(1, keepdim=True)
    queries = found.A if query is None else found.A[query : query + 1]
    attends = FactoredMatrix(keys.T, queries.T)  # [source, query]
    moved = vocabulary_ov(model, head)
    moves = FactoredMatrix(moved.A, moved.B - moved.B.mean(1, keepdim=True))  # [source, output]
    if source is None:
        bound = _row_maxima(attends).clamp(min=0) * _row_maxima(moves).clamp(min=0)
        rows = bound.topk(min(k, n)).indices
    else:
        rows = torch.tensor([source], device=keys.device)
    attention, asked = (attends.A[rows] @ attends.B).clamp(min=0).topk(min(k, len(queries)))
    logits, raised = (moves.A[rows] @ moves.B).clamp(min=0).topk(min(k, moves.rdim))
    scores = attention[:, :, None] * logits[:, None]
    best = scores.flatten().topk(min(k, scores.numel()))
    trigrams = []
    for score, at in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        row, rest = divmod(at, scores.shape[1] * scores.shape[2])
        i, j = divmod(rest, scores.shape[2])
        if score > 0:
            asking = int(asked[row, i]) if query is None else query
            one, other = attention[row, i].item(), logits[row, j].item()
            trigrams.append(SkipTrigram(int(rows[row]), asking, int(raised[row, j]), one, other))
    return trigrams


@dataclass(frozen=True, eq=False, repr=False)
class Directions(Shown):
    """Singular directions of a head's circuit, strongest first, and the tokens with the largest products.

    OV: `left` is read, `right` written; QK: `left` is the query's side, `right` the key's. A direction's sign is that
    with which its first left token is positive; a pair works the same with both signs turned.
    """

    head: str
    circuit: Circuit
    values: Float[Tensor, " rank"]
    """All singular values."""
    left: Int[Tensor, "direction k"]
    right: Int[Tensor, "direction k"]


@torch.no_grad()
def singular_directions(
    model: ModelLike, head: Head, circuit: Circuit = "OV", directions: int = 3, k: int = 5
) -> Directions:
    """The SVD of W_V W_O or W_Q W_Kᵀ from its factors, and each direction's `k` top tokens on both sides.

    (Millidge & Black 2022, "The Singular Value Decompositions of Transformer Weight Matrices are Highly
    Interpretable".) Raises SiteError for a missing head, RungError for more directions than the rank or k tokens than
    there are.
    """
    matrix = OV(model, head) if circuit == "OV" else QK(model, head)
    U, S, V = matrix.svd()
    _check_count(directions, len(S), "singular directions")
    _check_count(k, min(model.config.d_vocab, model.config.n_out), "tokens")
    U, V = U[:, :directions], V[:, :directions]
    inputs = token_inputs(model)
    left, right = inputs @ U, (token_outputs(model).T if circuit == "OV" else inputs) @ V
    sign = left.gather(0, left.abs().argmax(0, keepdim=True)).sign()
    return Directions(
        head_label(head), circuit, S, (left * sign).topk(k, 0).indices.T, (right * sign).topk(k, 0).indices.T
    )


def _row_maxima(product: FactoredMatrix) -> Float[Tensor, " row"]:
    found = []
    for band in product.A.split(EDGE):
        blocks = [(band @ block).amax(1) for block in product.B.split(EDGE, 1)]
        found.append(torch.stack(blocks).amax(0))
    return torch.cat(found)


def _check_count(k: int, most: int, what: str) -> None:
    if not 1 <= k <= most:
        raise RungError(f"{k} {what} were asked for; there are 1 to {most}")
