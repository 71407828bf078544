"""Corners of token-by-token circuits, to look at, beside what the same circuit does over the whole vocabulary.

A tile of a few tokens flatters: to be the largest of sixteen is easier than of all. Each tile therefore comes with the
share of the whole. A transposed product is the reading that goes wrong most often: its tile looks as plausible, and
says something else.
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
from .argmax_diagonal import Diagonal, diagonal
from .composition import check_edge, routed_qk
from .heads import (
    OV,
    QK,
    Head,
    attention_scale,
    head_label,
    head_weights,
    token_inputs,
    token_outputs,
    vocabulary_ov,
    vocabulary_qk,
)

Circuit = Literal["OV", "QK", "composed QK"]


@dataclass(frozen=True, eq=False, repr=False)
class Tile(Shown):
    """A few rows and columns of a square circuit, token by token, and its diagonal over the vocabulary."""

    what: str
    """The matrix and its axes."""
    values: Float[Tensor, "row column"]
    """Rows: the token read (OV), the key (QK). Columns: the token raised (OV), the query (QK)."""
    sample: Diagonal
    """Of the tile alone."""
    whole: Diagonal
    """Of all tokens' columns; of all rows, or of those that were drawn."""


@torch.no_grad()
def tile(
    model: ModelLike,
    head: Head,
    circuit: Circuit,
    tokens: Int[Tensor, " token"],
    *,
    sender: Head | None = None,
    rows: Int[Tensor, " row"] | None = None,
) -> Tile:
    """The tile of `tokens`, and the diagonal over the vocabulary (`rows`: of these rows only).

    OV: token read × token raised. QK: key × query, on embeddings. Composed QK: the key is what `sender` writes there.
    Raises RungError for fewer than two tokens, and for a composed QK without a sender in an earlier layer.
    """
    _check(tokens)
    if circuit == "composed QK":
        if sender is None:
            raise RungError(f"the composed QK of {head_label(head)} was requested without a sender")
        check_edge(model.config, sender, head)
        x = token_inputs(model)
        product, name = routed_qk(model, {sender: x}, head, x).T, f"{head_label(sender)} → {head_label(head)} "
    elif circuit == "QK":
        product, name = vocabulary_qk(model, head).T, f"{head_label(head)} "
    else:
        product, name = vocabulary_ov(model, head), f"{head_label(head)} "
    axes = "token read × token raised" if circuit == "OV" else "key token × query token"
    return _tile(product, f"{name}{circuit}, {axes}", tokens, rows)


@torch.no_grad()
def transposed_tile(
    model: ModelLike,
    head: Head,
    circuit: Circuit,
    tokens: Int[Tensor, " token"],
    *,
    sender: Head | None = None,
    rows: Int[Tensor, " row"] | None = None,
) -> Tile:
    """The wrong reading of the same circuit: the head's d_model × d_model product the other way round.

    (W_V W_O)ᵀ in place of W_V W_O, (W_Q W_Kᵀ)ᵀ in place of W_Q W_Kᵀ: the shapes fit, so that nothing warns. Biases and
    QK norms are left out. Raises as `tile` does.
    """
    _check(tokens)
    x = token_inputs(model)
    if circuit == "OV":
        matrix, outputs = OV(model, head).T, token_outputs(model)
        product = FactoredMatrix(x @ matrix.A, matrix.B @ outputs)
    else:
        turned, keys = QK(model, head).T, x
        if circuit == "composed QK":
            if sender is None:
                raise RungError(f"the composed QK of {head_label(head)} was requested without a sender")
            check_edge(model.config, sender, head)
            w = head_weights(model, sender)
            keys = (x @ w.W_V) @ w.W_O
        product = FactoredMatrix(x @ turned.A / attention_scale(model.config), turned.B @ keys.T).T
    return _tile(product, f"{head_label(head)} {circuit}, transposed product", tokens, rows)


def _check(tokens: Int[Tensor, " token"]) -> None:
    if len(tokens) < 2:
        raise RungError(f"a tile of {len(tokens)} tokens was requested; a diagonal needs at least two")


def _tile(product: FactoredMatrix, what: str, tokens: Tensor, rows: Tensor | None) -> Tile:
    part = FactoredMatrix(product.A[tokens], product.B[:, tokens])
    held = product if rows is None else FactoredMatrix(product.A[rows], product.B)
    return Tile(what, part.AB, diagonal(part, what), diagonal(held, what, rows=rows))
