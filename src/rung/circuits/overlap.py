"""Who can hear whom: how much of what each component writes lies where each later one reads, from weights.

‖WR‖² / (‖W‖² ‖R‖²), with W what the component writes (rows of d_model) and R what the reader reads: the square of the
composition score (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"), here for embeddings, MLPs
and the unembedding too. Times d_model, it is 1 for a writer in random directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..config import ModelConfig
from ..display import Shown
from ..engine.linearize import fold_before, linear_after
from ..engine.transformer import upcast
from ..engine.weights import ModelLike, block_weights
from .heads import OV, QK, Head, embedded, head_label, token_outputs


@dataclass(frozen=True, eq=False, repr=False)
class Overlap(Shown):
    """The overlap of each writer with each reader, in multiples of chance; NaN unless the reader comes later."""

    writers: tuple[str, ...]
    """embed, 0.0, 0.1, …, 0.mlp, …"""
    readers: tuple[str, ...]
    """0.0.Q, 0.0.K, 0.0.V, …, 0.mlp, …, unembed."""
    times_chance: Float[Tensor, "writer reader"]
    """The overlap times d_model; its expectation is 1 for a writer turned at random."""
    spread: Float[Tensor, "writer reader"]
    """The standard deviation of `times_chance` over all random turns of the writer, exactly."""
    unit: str = "times chance"

    def stands_out(self, deviations: float = 5.0) -> Tensor:
        """Pairs further above 1 than so many deviations: at most 1 random turn in 26 gives as much (Cantelli)."""
        return self.times_chance > 1 + deviations * self.spread


@dataclass(frozen=True, eq=False)
class _Side:
    """One writer or reader: a factor [rows, d_model] whose Gram matrix is all that counts, and when it acts."""

    label: str
    factor: Tensor
    time: int

    @classmethod
    def of(cls, label: str, matrix: Float[Tensor, "row d_model"], time: int) -> _Side:
        """A long matrix is replaced by its triangular factor, and each scaled to norm 1."""
        matrix = upcast(matrix)
        if matrix.shape[0] > matrix.shape[1]:
            matrix = torch.linalg.qr(matrix, mode="r").R
        return cls(label, matrix / matrix.norm().clamp(min=torch.finfo(matrix.dtype).tiny), time)

    def traceless(self) -> Tensor:
        """‖G − tr(G)/d‖² of the Gram matrix G of a factor of norm 1: ‖G‖² − 1/d."""
        gram = self.factor @ self.factor.T
        return (gram.square().sum() - 1 / self.factor.shape[1]).clamp(min=0)


@torch.no_grad()
def overlap(model: ModelLike) -> Overlap:
    """Every component that writes against every later input that reads.

    A head writes W_V W_O and reads through W_Q W_Kᵀ (Q), W_K W_Qᵀ (K) and W_V W_O (V); an MLP writes W_out and reads
    W_in, with the gate; the linear parts of norms are folded in. Mixtures of experts are left out.

    For a random turn U of the writer, E tr(G U F Uᵀ) = 1/d for Gram matrices of trace 1, and its variance is
    2 ‖G₀‖² ‖F₀‖² / ((d − 1)(d + 2)), with G₀ and F₀ their traceless parts.
    """
    writes, reads = _writers(model), _readers(model)
    d = model.config.d_model
    times = writes[0].factor.new_full((len(writes), len(reads)), torch.nan)
    spread = times.clone()
    loose = torch.stack([one.traceless() for one in reads])
    for i, writer in enumerate(writes):
        later = [j for j, reader in enumerate(reads) if reader.time > writer.time]
        pairs = [torch.linalg.matrix_norm(writer.factor @ reads[j].factor.T) for j in later]
        times[i, later] = d * torch.stack(pairs).square()
        variance = 2 * writer.traceless() * loose[later] / ((d - 1) * (d + 2))
        spread[i, later] = d * variance.sqrt()
    return Overlap(tuple(one.label for one in writes), tuple(one.label for one in reads), times, spread)


def _heads(config: ModelConfig, layer: int) -> list[Head]:
    return [(layer, head) for head in range(config.n_heads)]


def _has_mlp(config: ModelConfig, layer: int) -> bool:
    return not config.attn_only and not config.routed(layer)


def _writers(model: ModelLike) -> list[_Side]:
    config = model.config
    found = [_Side.of("embed", embedded(model), -1)]
    for layer in range(config.n_layers):
        for head in _heads(config, layer):
            ov = OV(model, head)
            found.append(_Side.of(head_label(head), _triangle(ov.A) @ upcast(ov.B), 2 * layer))
        w = block_weights(model.weights, layer)
        if _has_mlp(config, layer) and w.W_out is not None:
            found.append(_Side.of(f"{layer}.mlp", linear_after(config, w.ln2_post_w, upcast(w.W_out)), 2 * layer + 1))
    return found


def _readers(model: ModelLike) -> list[_Side]:
    """Components of one layer read at one time; a parallel MLP reads with the heads."""
    config = model.config
    found = []
    for layer in range(config.n_layers):
        for head in _heads(config, layer):
            qk, ov = QK(model, head), OV(model, head)
            for name, product in (("Q", qk), ("K", qk.T), ("V", ov)):
                rows = _triangle(upcast(product.B).T) @ upcast(product.A).T
                found.append(_Side.of(f"{head_label(head)}.{name}", rows, 2 * layer))
        w = block_weights(model.weights, layer)
        if _has_mlp(config, layer) and w.W_in is not None:
            read = [W for W in (w.W_in, w.W_gate) if W is not None]
            rows = fold_before(config, w.ln2_w, torch.cat(read, -1)).T
            found.append(_Side.of(f"{layer}.mlp", rows, 2 * layer + (0 if config.parallel_attn_mlp else 1)))
    found.append(_Side.of("unembed", token_outputs(model).T, 2 * config.n_layers))
    return found


def _triangle(matrix: Float[Tensor, "row width"]) -> Float[Tensor, "width_2 width"]:
    """R of matrix = Q R: the same Gram matrix in few rows."""
    triangle: Tensor = torch.linalg.qr(upcast(matrix), mode="r").R
    return triangle
