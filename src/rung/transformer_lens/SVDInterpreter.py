"""What singular directions of a model's weights write, as logits (Millidge & Black 2022)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..engine.transformer import upcast
from ..errors import RungError
from ..model.model import HookedTransformer


class SVDInterpreter:
    """Singular vectors of heads and MLPs, read by the unembedding."""

    def __init__(self, model: HookedTransformer) -> None:
        self.model = model
        self.cfg = model.cfg

    @torch.no_grad()
    def get_singular_vectors(
        self,
        vector_type: str,
        layer_index: int,
        num_vectors: int = 10,
        head_index: int | None = None,
    ) -> Tensor:
        """The first right singular vectors, each times W_U: [d_vocab, 1, vector].

        OV: of one head; w_in: of W_inᵀ; w_out: of W_out. Raises RungError for another type, or OV without a head.
        """
        block: Any = self.model.blocks[layer_index]
        if vector_type == "OV":
            if head_index is None:
                raise RungError("the OV circuit is a head's: give head_index")
            V = block.attn.OV[head_index].V
        elif vector_type in ("w_in", "w_out"):
            matrix = block.mlp.W_in.T if vector_type == "w_in" else block.mlp.W_out
            V = torch.linalg.svd(upcast(matrix), full_matrices=False).Vh.mT.to(matrix.dtype)
        else:
            raise RungError(f"vector_type is {vector_type!r}; known are OV, w_in and w_out")
        read: Tensor = self.model.W_U.T @ V[:, :num_vectors]
        return read.unsqueeze(1)


__all__ = ["SVDInterpreter"]
