"""Changes of weights that leave every log-probability as it was, and make the weights easier to read.

Each takes (config, weights) and gives new ones; nothing is changed in place. Each raises ProcessingError where it
would alter the model. (Elhage et al. 2021; the names are the field's.)
"""

import warnings
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ..config import ModelConfig, Normalization, weight_shapes
from ..engine.weights import Weights, lay, single, unembedding
from ..errors import ProcessingError, ProcessingNote

Processed = tuple[ModelConfig, Weights]
Process = Callable[[ModelConfig, Weights], Processed]


def fold_ln(config: ModelConfig, weights: Weights) -> Processed:
    """Norm weights moved into what reads the norm: W ← w·W, b ← b + b_norm W; LN becomes LNPre, RMS becomes RMSPre.

    After LayerNorm, whose output has no mean, each reader's mean over d_model is taken out as well: it reads nothing.
    """
    if config.normalization_type not in ("LN", "RMS"):
        raise ProcessingError(
            f"no norm weights to fold: {config.model_name} has {config.normalization_type or 'no norm'}"
        )
    if config.positional_embedding_type == "shortformer":
        raise ProcessingError(
            f"{config.model_name} adds shortformer positions behind the norm: queries and keys read them unscaled, so "
            "its weights cannot be folded into what reads both"
        )
    centred = config.normalization_type == "LN"
    new = dict(weights)
    biases = set(config.biases)
    new["W_U"] = unembedding(weights)
    readers = {"ln1": {"W_Q": "b_Q", "W_K": "b_K", "W_V": "b_V"}, "ln_final": {"W_U": "b_U"}}
    if not config.attn_only:
        readers["ln2"] = {"W_in": "b_in"} | ({"W_gate": "b_gate"} if config.gated_mlp else {})
    for norm, read_by in readers.items():
        w, b = new.pop(f"{norm}_w"), new.pop(f"{norm}_b", None)
        biases.discard(f"{norm}_b")
        for W, bias in read_by.items():
            folded = [_fold(W, *parts, centred) for parts in zip(_all(new[W]), _all(w), _padded(b, w), strict=True)]
            new[W] = _like(new[W], [matrix for matrix, _ in folded])
            added = [shift for _, shift in folded if shift is not None]
            if added:
                old = _all(new[bias]) if bias in new else [torch.zeros_like(shift) for shift in added]
                new[bias] = _like(new[W], [o + shift for o, shift in zip(old, added, strict=True)])
                biases.add(bias)
    kind: Normalization = "LNPre" if centred else "RMSPre"
    config = replace(
        config, normalization_type=kind, tied_embeddings=False, biases=frozenset(biases),
        processing=(*config.processing, "fold_ln"),
    )  # fmt: skip
    return config, _ordered(config, new)


def _fold(name: str, W: Tensor, w: Tensor, b: Tensor | None, centred: bool) -> tuple[Tensor, Tensor | None]:
    """(w·W, b W) with d_model as W's last axis but one."""
    shift = None if b is None else torch.einsum("d,...de->...e", b, W)
    W = w.unsqueeze(-1) * W
    if centred:
        W = W - W.mean(-2, keepdim=True)
    return lay(name, W), shift


def center_writing_weights(config: ModelConfig, weights: Weights) -> Processed:
    """The mean over d_model taken out of everything that writes to the stream. Needs LayerNorm, which takes it out
    anyway: without one, or with RMSNorm, the mean is part of what is read.
    """
    if config.normalization_type not in ("LN", "LNPre"):
        raise ProcessingError(
            f"{config.model_name} has {config.normalization_type or 'no norm'}, so the mean of the stream is read: "
            "centring what writes to it would change the model"
        )
    if config.positional_embedding_type == "sinusoidal":
        raise ProcessingError("sinusoidal positions are a formula, not weights: they cannot be centred")
    new = dict(weights)
    if config.tied_embeddings:
        new["W_U"] = unembedding(weights)
    for name in ("W_E", "W_pos", "W_O", "b_O", "W_out", "b_out"):
        # Shortformer positions are read, not written.
        if name in new and not (name == "W_pos" and config.positional_embedding_type == "shortformer"):
            new[name] = _like(new[name], [lay(name, W - W.mean(-1, keepdim=True)) for W in _all(new[name])])
    config = replace(config, tied_embeddings=False, processing=(*config.processing, "center_writing_weights"))
    return config, _ordered(config, new)


def center_unembed(config: ModelConfig, weights: Weights) -> Processed:
    """The mean over the vocabulary taken out of W_U and b_U: all logits of a position move together, which softmax
    does not see. The logits themselves change.
    """
    new = dict(weights)
    W_U = unembedding(weights)
    new["W_U"] = lay("W_U", W_U - W_U.mean(-1, keepdim=True))
    b_U = single(weights, "b_U")
    if b_U is not None:
        new["b_U"] = b_U - b_U.mean()
    config = replace(config, tied_embeddings=False, processing=(*config.processing, "center_unembed"))
    return config, _ordered(config, new)


PROCESSES: dict[str, Process] = {
    "fold_ln": fold_ln,
    "center_writing_weights": center_writing_weights,
    "center_unembed": center_unembed,
}
"""In the order they are applied."""


@torch.no_grad()
def process(config: ModelConfig, weights: Weights, wanted: dict[str, bool | None]) -> Processed:
    """Applies what is wanted: True, or None for "where it fits". What was done before is not done again. What does not
    fit is skipped and noted in the config; where it was asked for with True, a ProcessingNote warning says so too.
    """
    for name, change in PROCESSES.items():
        if wanted.get(name) is False or name in config.processing:
            continue
        try:
            config, weights = change(config, weights)
        except ProcessingError as error:
            note = f"{name} skipped: {error}"
            if note not in config.notes:
                config = replace(config, notes=(*config.notes, note))
            if wanted.get(name):
                warnings.warn(note, ProcessingNote, stacklevel=3)
    return config, weights


def _all(held: Tensor | tuple[Tensor, ...]) -> list[Tensor]:
    return list(held) if isinstance(held, tuple) else [held]


def _padded(held: Tensor | tuple[Tensor, ...] | None, like: Tensor | tuple[Tensor, ...]) -> list[Tensor | None]:
    return [None] * len(_all(like)) if held is None else list(_all(held))


def _like(held: Tensor | tuple[Tensor, ...], tensors: list[Tensor]) -> Tensor | tuple[Tensor, ...]:
    return tuple(tensors) if isinstance(held, tuple) else tensors[0]


def _ordered(config: ModelConfig, weights: Weights) -> Weights:
    return {name: weights[name] for name in weight_shapes(config)}
