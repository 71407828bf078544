"""A transformer's forward pass again, in NumPy and float64, written out for the checkers.

It shares no code with the engine. It reads attention-only models without norms: what the course's exercises run on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from ..model.model import HookedTransformer

Array = np.ndarray[Any, np.dtype[np.float64]]
Head = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Run:
    """What a forward pass holds; axes as in the engine: batch, head, query, key; batch, pos, head, d_head."""

    embed: Array
    pos_embed: Array
    resid_pre: list[Array]
    q: list[Array]
    k: list[Array]
    v: list[Array]
    scores: list[Array]
    pattern: list[Array]
    z: list[Array]
    result: list[Array]
    """Of each layer: batch pos head d_model."""
    resid_post: Array
    logits: Array


def weight(value: Any) -> Array:
    """A weight as a float64 array."""
    tensor = value if isinstance(value, Tensor) else value.AB
    return np.asarray(tensor.detach().cpu().double().numpy())


def softmax(x: Array) -> Array:
    """Over the last axis."""
    top = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(top / top.sum(-1, keepdims=True))


def log_softmax(x: Array) -> Array:
    """Over the last axis."""
    shifted = x - x.max(-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))


def losses(logits: Array, tokens: Any) -> Array:
    """−log p of each next token: [batch, pos − 1]."""
    ids = np.asarray(tokens)
    picked = np.take_along_axis(log_softmax(logits[:, :-1]), ids[:, 1:, None], -1)
    return np.asarray(-picked[..., 0])


def run(model: HookedTransformer, tokens: Tensor, z: Mapping[Head, Array] | None = None) -> Run:
    """The forward pass. `z`: what the outputs of these heads are replaced by, [batch pos d_head] or what broadcasts."""
    config = model.config
    assert config.normalization_type is None and config.d_mlp is None, "the reference has no norm and no MLP"
    ids = tokens.cpu().numpy()
    length = ids.shape[1]
    where = weight(model.W_pos)[:length]
    shortformer = config.positional_embedding_type == "shortformer"
    embed = weight(model.W_E)[ids]
    pos_embed = np.broadcast_to(where, embed.shape)
    stream = embed if shortformer else embed + pos_embed
    scale = config.d_head**0.5 if config.attn_scale is None else config.attn_scale
    hidden = np.triu(np.ones((length, length), dtype=bool), 1)
    kept: dict[str, list[Array]] = {
        name: [] for name in ("resid_pre", "q", "k", "v", "scores", "pattern", "z", "result")
    }
    for layer in range(config.n_layers):
        seen = stream + where if shortformer else stream
        q, k, v = (
            np.einsum("bpm,hmd->bphd", of, weight(by[layer]))
            for of, by in ((seen, model.W_Q), (seen, model.W_K), (stream, model.W_V))
        )
        scores = np.where(hidden, -np.inf, np.einsum("bqhd,bkhd->bhqk", q, k) / scale)
        pattern = softmax(scores)
        mixed = np.einsum("bhqk,bkhd->bqhd", pattern, v)
        for (at, head), value in (z or {}).items():
            if at == layer:
                mixed[:, :, head] = value
        result = np.einsum("bqhd,hdm->bqhm", mixed, weight(model.W_O[layer]))
        for name, one in zip(kept, (stream, q, k, v, scores, pattern, mixed, result), strict=True):
            kept[name].append(one)
        stream = stream + result.sum(2)
    return Run(embed, pos_embed, resid_post=stream, logits=read_out(model, stream), **kept)


def read_out(model: HookedTransformer, stream: Array) -> Array:
    """stream W_U + b_U."""
    b_U = model.weights.get("b_U")
    return np.asarray(stream @ weight(model.W_U) + (0.0 if b_U is None else weight(b_U)))
