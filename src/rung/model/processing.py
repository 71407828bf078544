"""Changes of weights that leave every log-probability as it was, and make the weights easier to read.

Each takes (config, weights) and gives new ones; those it was given stay as they were. Each raises ProcessingError where
it would alter the model, or has nothing to do. (Elhage et al. 2021; the names are the field's.)
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial, update_wrapper

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import ModelConfig, Normalization, norms, weight_shapes
from ..engine.factored import FactoredMatrix
from ..engine.taps import NO_TAP
from ..engine.transformer import norm, upcast
from ..engine.weights import (
    BlockWeights,
    WeightEntry,
    Weights,
    block_weights,
    changed,
    embedding,
    present,
    read_of_stream,
    to_kernel_layout,
    unembedding,
    unlayered,
)
from ..errors import NothingToProcess, ProcessingError, ProcessingNote

Processed = tuple[ModelConfig, Weights]
MutableWeights = dict[str, WeightEntry]


class Process:
    """A change of weights: called, it makes new ones; `in_place` replaces the entries of a dict.

    No tensor is written to either way, but in place the old ones of a name can go before those of the next are made:
    a model is processed without being held twice.
    """

    def __init__(self, in_place: Callable[[ModelConfig, MutableWeights], ModelConfig]) -> None:
        self.in_place = in_place
        update_wrapper(self, in_place)

    def __call__(self, config: ModelConfig, weights: Weights) -> Processed:
        own = dict(weights)
        return self.in_place(config, own), own


_READERS: Mapping[str, Mapping[str, str | None]] = {
    "ln1": {"W_Q": "b_Q", "W_K": "b_K", "W_V": "b_V"} | dict.fromkeys(("W_DQ", "W_DKV", "W_KR")),
    "q_latent": dict.fromkeys(("W_QR", "W_UQ")),
    "kv_latent": dict.fromkeys(("W_UK", "W_UV")),
    "ln2": {"W_in": "b_in", "W_gate": "b_gate"}
    | dict.fromkeys(("W_router", "W_router_shared", "W_gate_shared", "W_in_shared")),
    "ln_final": {"W_U": "b_U"},
}
"""What reads each norm, and the bias that takes up the norm's; None: it has none."""


def _readers(config: ModelConfig, norm: str) -> Mapping[str, str | None]:
    """What reads this norm: queries are made from the stream itself where they have no latent."""
    straight = norm == "ln1" and config.latent is not None and config.latent.q_rank is None
    return {**_READERS[norm], **(_READERS["q_latent"] if straight else {})}


@Process
def fold_ln(config: ModelConfig, weights: MutableWeights) -> ModelConfig:
    """Norm weights moved into what reads the norm: W ← w·W, b ← b + b_norm W; LN becomes LNPre, RMS becomes RMSPre.

    After LayerNorm, whose output has no mean, each reader's mean over d_model is taken out as well: it reads nothing.
    Norms that nothing reads alone (after attention and MLP, of queries and keys) keep their weights.
    """
    if config.normalization_type not in ("LN", "RMS"):
        raise ProcessingError(
            f"no norm weights to fold: {config.model_name} has {config.normalization_type or 'no norm'}"
        )
    if config.positional_embedding_type == "shortformer" and "ln1" in norms(config):
        raise ProcessingError(
            f"{config.model_name} adds shortformer positions behind the norm: queries and keys read them unscaled, so "
            "its weights cannot be folded into what reads both"
        )
    if config.n_experts is not None and "ln2_b" in config.biases:
        raise ProcessingError(f"{config.model_name} has experts, which have no biases that could take up the norm's")
    centred = config.normalization_type == "LN"
    config = _apart(config, weights)
    biases = set(config.biases)
    for name in norms(config):
        w, b = weights.pop(f"{name}_w"), weights.pop(f"{name}_b", None)
        biases.discard(f"{name}_b")
        for W, bias in _readers(config, name).items():
            if W not in weights:
                continue
            parts = zip(_all(weights[W]), present(w), _padded(b, w), strict=True)
            folded = [
                (None, None) if one is None else _fold(W, one, gain, shift, centred) for one, gain, shift in parts
            ]
            weights[W] = _like(weights[W], [matrix for matrix, _ in folded])
            added = [shift for _, shift in folded if shift is not None]
            if added and bias is not None:
                weights[bias] = _like(weights[W], _added(weights.get(bias), added))
                biases.add(bias)
    kind: Normalization = "LNPre" if centred else "RMSPre"
    return _done("fold_ln", replace(config, normalization_type=kind, biases=frozenset(biases)), weights)


def _fold(name: str, W: Tensor, w: Tensor, b: Tensor | None, centred: bool) -> tuple[Tensor, Tensor | None]:
    """(w·W, b W) with d_model as W's last axis but one."""
    shift = None if b is None else torch.einsum("d,...de->...e", b, W)
    W = w.unsqueeze(-1) * W
    if centred:
        W -= W.mean(-2, keepdim=True)  # of a tensor made just now
    return to_kernel_layout(name, W), shift


@Process
def center_writing_weights(config: ModelConfig, weights: MutableWeights) -> ModelConfig:
    """The mean over d_model taken out of everything that writes to the stream. Needs LayerNorm before everything that
    reads, which takes it out anyway: elsewhere the mean is part of what is read.
    """
    if config.normalization_type not in ("LN", "LNPre"):
        raise ProcessingError(
            f"{config.model_name} has {config.normalization_type or 'no norm'}, so the mean of the stream is read: "
            "centring what writes to it would change the model"
        )
    if config.positional_embedding_type == "sinusoidal":
        raise ProcessingError("sinusoidal positions are a formula, not weights: they cannot be centred")
    if config.norm_placement == "post":
        raise ProcessingError(f"attention and MLPs of {config.model_name} read the stream without a norm, mean and all")
    if config.norm_placement == "both":
        raise ProcessingError(
            f"norms stand behind attention and MLPs of {config.model_name}: the mean of what they write is not in the "
            "weights, and cannot be taken out of them"
        )
    config = _apart(config, weights)
    for name in ("W_E", "W_pos", "W_O", "b_O", "W_out", "b_out", "W_out_shared"):
        # Shortformer positions are read, not written.
        if name in weights and not (name == "W_pos" and config.positional_embedding_type == "shortformer"):
            weights[name] = changed(weights[name], partial(_centred, name))
    return _done("center_writing_weights", config, weights)


def _centred(name: str, W: Tensor) -> Tensor:
    return to_kernel_layout(name, W - W.mean(-1, keepdim=True))


@Process
def center_unembed(config: ModelConfig, weights: MutableWeights) -> ModelConfig:
    """The mean over the vocabulary taken out of W_U and b_U: all logits of a position move together, which softmax
    does not see. The logits themselves change, so that it cannot be done where they are capped.
    """
    if config.output_logits_soft_cap is not None:
        raise ProcessingError(
            f"logits of {config.model_name} are capped at {config.output_logits_soft_cap:g}: moving them all alike "
            "before the cap would change their distances behind it"
        )
    config = _apart(config, weights)
    W_U, b_U = unembedding(weights), unlayered(weights, "b_U")
    weights["W_U"] = to_kernel_layout("W_U", W_U - W_U.mean(-1, keepdim=True))
    if b_U is not None:
        weights["b_U"] = b_U - b_U.mean()
    return _done("center_unembed", config, weights)


@Process
def fold_value_biases(config: ModelConfig, weights: MutableWeights) -> ModelConfig:
    """b_O ← b_O + Σ_h b_V[h] W_O[h], and no b_V: rows of a pattern sum to 1, so each head writes b_V W_O wherever it
    looks. A head's `z` and `result` are then without it, and under hooks that change those sums it no longer follows.
    """
    if "b_V" not in config.biases:
        raise NothingToProcess(f"no value biases to fold: {config.model_name} has none")
    if config.attn_sinks:
        raise ProcessingError(
            f"rows of patterns of {config.model_name} sum to less than 1: b_V is written in part only"
        )
    if config.clip_qkv is not None:
        raise ProcessingError(
            f"values of {config.model_name} are cut off at ±{config.clip_qkv:g}, bias and all: it is no constant"
        )
    group = config.n_heads // config.n_kv
    added = [
        torch.einsum("he,hed->d", b.repeat_interleave(group, 0), W_O)
        for b, W_O in zip(present(weights.pop("b_V")), present(weights["W_O"]), strict=True)
    ]
    weights["b_O"] = tuple(_added(weights.get("b_O"), added))
    return _done("fold_value_biases", replace(config, biases=config.biases - {"b_V"} | {"b_O"}), weights)


@Process
def refactor_factored_attn_matrices(config: ModelConfig, weights: MutableWeights) -> ModelConfig:
    """Each head's two products as they were, from factors that share their size evenly: W_Q, W_K ← U √S, V √S with
    U S Vᵀ = W_Q W_Kᵀ, and W_V, W_O ← U √S, √S Vᵀ with U S Vᵀ = W_V W_O. Columns are orthogonal, the largest first.

    A bias is one more row of its matrix, so that scores and writes stay the same functions of what a head reads.
    """
    if reason := _more_than_products(config):
        raise ProcessingError(f"{config.model_name} {reason}: its heads are more than the products of their factors")
    made = [_even(config, block_weights(weights, layer)) for layer in range(config.n_layers)]
    weights |= {name: tuple(layer[name] for layer in made) for name in (made[0] if made else ())}
    return _done("refactor_factored_attn_matrices", config, weights)


def _more_than_products(config: ModelConfig) -> str | None:
    """What stands between a head's two factors, if anything does."""
    if config.rotary is not None:
        return "turns queries and keys by position"
    if config.qk_norm is not None:
        return "normalizes queries and keys"
    if config.clip_qkv is not None:
        return "cuts off queries, keys and values"
    return "shares keys and values between query heads" if config.grouped else None


def _even(config: ModelConfig, w: BlockWeights) -> dict[str, Tensor]:
    """One layer's factors, evened out, under the names of those that there are."""
    W_Q, W_K, W_V = (read_of_stream(config, w, into) for into in "QKV")
    rows = W_Q.shape[1]
    products = {
        ("Q", "K"): FactoredMatrix(_with_row(W_Q, w.b_Q), _with_row(W_K, w.b_K).mT),
        ("V", "O"): FactoredMatrix(_with_row(W_V, w.b_V), upcast(w.W_O)),
    }
    found: dict[str, Tensor] = {}
    for (left, right), product in products.items():
        even = product.make_even()
        for name, factor in ((left, even.A), (right, even.B.mT)):
            # A product of fewer rows than heads are wide has a smaller rank: the rest is zeros.
            width = config.d_head if left == "Q" else config.d_v
            whole = F.pad(factor, (0, width - factor.shape[-1])).to(W_Q.dtype)
            W = whole[:, :rows]
            found[f"W_{name}"] = to_kernel_layout(f"W_{name}", W.mT if name == "O" else W)
            if whole.shape[1] > rows:
                found[f"b_{name}"] = whole[:, rows].contiguous()
    return found


def _with_row(W: Tensor, b: Tensor | None) -> Tensor:
    return upcast(W) if b is None else torch.cat((upcast(W), upcast(b).unsqueeze(1)), 1)


def _apart(config: ModelConfig, weights: MutableWeights) -> ModelConfig:
    """W_U as a weight of its own, and what stands between it or W_E and the stream put into them: W_E[tokens] is what
    enters the stream, x W_U + b_U the logits (before a cap).
    """
    W_E, W_U = embedding(weights), unembedding(weights)
    W_E = W_E if config.embed_scale == 1 else W_E * config.embed_scale
    if config.post_embedding_ln:
        W_E = norm(
            config, unlayered(weights, "ln_embed_w"), unlayered(weights, "ln_embed_b"), "ln_embed", None, W_E, NO_TAP
        )
        del weights["ln_embed_w"]
        weights.pop("ln_embed_b", None)
    weights |= {"W_E": W_E, "W_U": W_U if config.logit_scale == 1 else W_U * config.logit_scale}
    b_U = unlayered(weights, "b_U")
    if b_U is not None:
        weights["b_U"] = b_U * config.logit_scale
    biases = config.biases - {"ln_embed_b"}
    return replace(
        config, tied_embeddings=False, embed_scale=1.0, logit_scale=1.0, post_embedding_ln=False, biases=biases
    )


PROCESSES: dict[str, Process] = {
    "fold_ln": fold_ln,
    "center_writing_weights": center_writing_weights,
    "center_unembed": center_unembed,
    "fold_value_biases": fold_value_biases,
    "refactor_factored_attn_matrices": refactor_factored_attn_matrices,
}
"""In the order they are applied: norms add to value biases, centring changes what these are multiplied with."""


def process(config: ModelConfig, weights: Weights, wanted: dict[str, bool | None]) -> Processed:
    """Applies what is wanted: True, or None for "where it fits". What was done before is not done again. What does not
    fit is skipped and noted in the config, unless nothing was there to change; where it was asked for with True, a
    ProcessingNote warning says so too.
    """
    own = dict(weights)
    return process_in_place(config, own, wanted, 4), own


@torch.no_grad()
def process_in_place(
    config: ModelConfig, weights: MutableWeights, wanted: dict[str, bool | None], stacklevel: int = 3
) -> ModelConfig:
    """`process`, but modifies `weights` in place; `stacklevel` as in `warnings.warn`."""
    for name, change in PROCESSES.items():
        if wanted.get(name, False) is False or name in config.processing:
            continue
        try:
            config = change.in_place(config, weights)
        except ProcessingError as error:
            if isinstance(error, NothingToProcess) and not wanted[name]:
                continue
            note = f"{name} skipped: {error}"
            if note not in config.notes:
                config = replace(config, notes=(*config.notes, note))
            if wanted.get(name):
                warnings.warn(note, ProcessingNote, stacklevel=stacklevel)
    return config


def _all(held: WeightEntry) -> list[Tensor | None]:
    return list(held) if isinstance(held, tuple) else [held]


def _padded(held: WeightEntry | None, like: WeightEntry) -> list[Tensor | None]:
    return [None] * len(_all(like)) if held is None else _all(held)


def _like(held: WeightEntry, tensors: Sequence[Tensor | None]) -> WeightEntry:
    if isinstance(held, tuple):
        return tuple(tensors)
    (one,) = tensors
    assert one is not None
    return one


def _added(old: WeightEntry | None, shifts: list[Tensor]) -> list[Tensor]:
    return shifts if old is None else [o + shift for o, shift in zip(present(old), shifts, strict=True)]


def _done(name: str, config: ModelConfig, weights: MutableWeights) -> ModelConfig:
    config = replace(config, processing=(*config.processing, name))
    kept = {name: weights[name] for name in weight_shapes(config)}
    weights.clear()
    weights.update(kept)
    return config
