"""Attention scores as sums: what raises one head's score at the right key, and what wrote into a query and a key.

With the norms' scales frozen at their values in this run, a head's queries and keys are linear functions of the
residual stream, so that a score is a sum over the components that wrote into the query or into the key. (Elhage et al.
2021, "A Mathematical Framework for Transformer Circuits".)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..circuits.composition import Into
from ..circuits.heads import Head, attention_scale, head_label, kv_head
from ..config import ModelConfig
from ..display import Shown
from ..engine.cache import ActivationCache
from ..engine.linearize import (
    fold_before,
    linear_after,
    linear_heads,
    norms_after,
    norms_before,
    qk_scale,
    read_matrix,
    write_matrix,
)
from ..engine.positions import PositionInfo, apply_rotary, position_info
from ..engine.sites import Site, check_head
from ..engine.transformer import qk_norm, upcast
from ..engine.weights import Weights, block_weights, read_of_stream
from ..errors import InterventionError, NotDefinedError, PromptError
from ..model.model import HookedTransformer
from .attribution import Asked, Attribution, check_queries, component_name, read_head, written_sites
from .interventions import record

Parts = Iterator[tuple[str, Float[Tensor, "batch pos d_model"]]]


@torch.no_grad()
def attribute_scores(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    receiver: Head,
    into: Literal["Q", "K"],
    queries: Sequence[int],
    keys: Int[Tensor, "batch query"],
) -> Attribution:
    """Decomposes a receiver's attention score at the right key over the components that its Q or K input reads.

    score(query, right key) − mean score(query, other visible keys). For K, the keys are decomposed and the queries
    frozen at this run's values; for Q the other way round; the scales of norms are frozen too. The terms sum to the
    score before a soft cap: earlier heads and MLPs, embeddings, shortformer positions ("pos"), biases, and the ALiBi
    bias ("alibi").

    Raises SiteError for a missing head, InterventionError for a query that sees only one key or does not see its right
    key, NotDefinedError if queries or keys were clamped (`clip_qkv`), which makes them non-linear.
    """
    config = model.config
    layer, head = check_head(config, *receiver)
    at = check_queries(tokens, queries)
    if keys.shape != (len(tokens), len(at)):
        raise PromptError(
            f"keys have shape {list(keys.shape)}, which does not fit {len(tokens)} examples and {len(at)} queries"
        )
    keys, rows = keys.to(model.device), torch.tensor(at, device=model.device)
    padding = model.find_padding(tokens.to(model.device))
    positions = position_info(config, model.weights, tuple(tokens.shape), model.device, mask=padding)
    visible = seen_keys(positions, layer, tokens.shape[1])[..., rows, :]
    in_range = (keys >= 0) & (keys < tokens.shape[1])
    key_visible = visible.expand(len(tokens), -1, -1).gather(-1, (keys * in_range).unsqueeze(-1))[..., 0] & in_range
    if not key_visible.all() or (visible.sum(-1) < 2).any():
        raise InterventionError(
            "each query must see its right key (at or before its own position, within its window) and at least one "
            "other key"
        )
    sites = [*written_sites(config, layer), *reading_sites(config, layer)]
    cache = record(model, tokens, sites)
    read = LinearizedRead.of(model, (layer, head), into, cache, positions)
    q, k = query_key_vectors(model, (layer, head), cache)
    q = q[:, list(at)]

    def contrast(scores: Tensor) -> Float[Tensor, "batch query"]:
        scores = scores.expand(len(tokens), len(at), -1)
        own = scores.gather(-1, keys.unsqueeze(-1)).squeeze(-1)
        return own - (scores.masked_fill(~visible, 0).sum(-1) - own) / (visible.sum(-1) - 1)

    def score(q: Float[Tensor, "batch query d_head"], k: Float[Tensor, "batch pos d_head"]) -> Tensor:
        return contrast(q @ k.mT / attention_scale(config))

    labels, values = [], []
    for component, part in read.terms(model.weights, cache):
        labels.append(_label(component))
        values.append(score(part[:, list(at)], k) if into == "Q" else score(q, part))
    total = score(q, k)
    what = f"score of {head_label(receiver)} at the right key minus the mean of the others, through {into}"
    if config.attn_scores_soft_cap is not None:
        what += ", before the cap"
    if positions.alibi is not None:
        labels.append("alibi")
        values.append(contrast(positions.alibi[..., head, :, :].to(total.dtype)))
        total = total + values[-1]
    return Attribution.of_parts(what, "attention score", labels, values, total, at)


@torch.no_grad()
def attribute_values(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    receiver: Head,
    targets: Int[Tensor, "batch query"],
    minus: Int[Tensor, "batch query other"] | None = None,
    queries: Sequence[int] | None = None,
) -> Attribution:
    """Decomposes a receiver's own term of `attribute_logits` over the components that its V input reads.

    Σ_key pattern[query, key] · (component[key] W_V W_O · direction[query]), with the pattern and the scales of norms
    frozen at this run's values: the V counterpart of `attribute_scores`.

    Raises SiteError for a missing head, PromptError as `attribute_logits` does, NotDefinedError if values were clamped
    (`clip_qkv`) or are made from compressed vectors.
    """
    config, at = model.config, check_queries(tokens, queries)
    layer, index = check_head(config, *receiver)
    group, w = kv_head(config, receiver), block_weights(model.weights, layer)
    asked, W_V = Asked.of(model, tokens, targets, minus, at), read_of_stream(config, w, "V")
    sites = [*written_sites(config, layer), *([Site("ln1.scale", layer)] if norms_before(config) else [])]
    onto, pattern, cache = read_head(model, tokens, receiver, asked, at, sites)
    if config.clip_qkv is not None and (cache["v", layer][:, :, group].abs() >= config.clip_qkv).any():
        raise NotDefinedError(f"values of {head_label(receiver)} were clamped at ±{config.clip_qkv:g} in this run")
    matrix = fold_before(config, w.ln1_w, W_V[group])
    scale = upcast(cache["scale", layer, "ln1"]) if norms_before(config) else 1

    def share(values: Float[Tensor, "*batch_and_pos d_head"]) -> Float[Tensor, "batch query"]:
        return ((pattern @ values.expand(*tokens.shape, -1)) * onto).sum(-1)

    labels, found = [], []
    for label, part in written_parts(model, cache, layer):
        labels.append(label)
        found.append(share(upcast(part) @ matrix / scale))
    biases = {
        "ln1.b": None if w.ln1_b is None else upcast(w.ln1_b) @ upcast(W_V[group]),
        "b_V": None if w.b_V is None else upcast(w.b_V[group]),
    }
    for label, bias in biases.items():
        if bias is not None:
            labels.append(label)
            found.append(share(bias))
    total = (upcast(cache["z", layer][:, list(at), index]) * onto).sum(-1)
    what = f"{asked.what}: direct attribution of {head_label(receiver)}, through V"
    return Attribution.of_parts(what, "logit", labels, found, total, at)


@dataclass(frozen=True, eq=False, repr=False)
class ScoreParts(Shown):
    """One attention score as a sum over pairs: what wrote into the query, with what wrote into the key. No seed: exact.

    The stream's parts, and the constants of the head itself, of the query in rows and of the key in columns.
    """

    model_name: str
    head: Head
    query: int
    key: int
    tokens: tuple[int, ...]
    texts: tuple[str, ...]
    query_labels: tuple[str, ...]
    key_labels: tuple[str, ...]
    values: Float[Tensor, "query_part key_part"]
    alibi: float
    """What the slope adds for the key's position; 0 where there are none."""
    score: float
    """As the model computes it: before its cap, where it caps scores. `values` and `alibi` sum to it."""
    pattern: float
    """The share of the query's attention that the key has."""
    mean_score: float
    """Of the query with the keys that it sees. What all of them share moves no attention."""
    capped: bool

    @property
    def residual(self) -> float:
        """`score` minus the sum of its parts: rounding, and nothing else."""
        return self.score - float(self.values.sum()) - self.alibi

    def ranked(self, count: int | None = None) -> list[tuple[str, str, float]]:
        """(query part, key part, score), the largest first, whether they raise the score or lower it."""
        order = self.values.abs().flatten().argsort(descending=True, stable=True)[:count].tolist()
        width = len(self.key_labels)
        return [
            (self.query_labels[at // width], self.key_labels[at % width], float(self.values.flatten()[at]))
            for at in order
        ]

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON holds it."""
        return {
            "model": self.model_name,
            "head": head_label(self.head),
            "query": self.query,
            "key": self.key,
            "tokens": list(self.tokens),
            "texts": list(self.texts),
            "unit": "attention score",
            "score": self.score,
            "mean_score": self.mean_score,
            "pattern": self.pattern,
            "before_cap": self.capped,
            "residual": self.residual,
            "alibi": self.alibi,
            "query_parts": list(self.query_labels),
            "key_parts": list(self.key_labels),
            "values": self.values.tolist(),
        }


@torch.no_grad()
def why_attend(
    model: HookedTransformer, tokens: Int[Tensor, "*batch_one pos"], head: Head, query: int, key: int
) -> ScoreParts:
    """The score of one query with one key, split over everything that wrote into either.

    score = (Σ_i q_i) · (Σ_j k_j) / scale, with a term for each pair: q_i is what part i of the stream at `query` makes
    of the head's query, k_j what part j at `key` makes of its key, turned by their positions, the scale of every norm
    on the way as in this run. Parts: embeddings, earlier heads and MLPs, and what the head adds itself (biases, the
    norm's b, shortformer positions). Negative positions count from the end. (Elhage et al. 2021, "A Mathematical
    Framework for Transformer Circuits", section on QK circuits.)

    Raises SiteError for a missing head, PromptError for several prompts or a position that is not there,
    InterventionError for a key that the query does not see, or queries or keys that were clamped (`clip_qkv`).
    """
    config = model.config
    layer, index = check_head(config, *head)
    tokens = tokens[None] if tokens.ndim == 1 else tokens
    if len(tokens) != 1:
        raise PromptError(f"tokens have shape {list(tokens.shape)}; one prompt is explained at a time")
    n = tokens.shape[1]
    at = [position + n if position < 0 else position for position in (query, key)]
    check_queries(tokens, at)
    positions = position_info(config, model.weights, (1, n), model.device)
    seen = seen_keys(positions, layer, n)[at[0]].to(model.device)
    if not seen[at[1]]:
        raise InterventionError(
            f"position {at[0]} does not see position {at[1]} in layer {layer}: a query sees the positions up to its "
            "own, within its window"
        )
    sites = [*written_sites(config, layer), *reading_sites(config, layer), Site("pattern", layer)]
    cache = record(model, tokens, sites)
    labels, made = [], []
    for into, position in (("Q", at[0]), ("K", at[1])):
        read = LinearizedRead.of(model, (layer, index), "Q" if into == "Q" else "K", cache, positions)
        parts = [(_label(component), part[0, position]) for component, part in read.terms(model.weights, cache)]
        labels.append(tuple(label for label, _ in parts))
        made.append(torch.stack([part for _, part in parts]))
    q, k = query_key_vectors(model, (layer, index), cache)
    scores = k[0] @ q[0, at[0]] / attention_scale(config)
    slope = torch.zeros_like(scores)
    if positions.alibi is not None:
        slope = positions.alibi[index, 0].to(scores.dtype)
    return ScoreParts(
        model_name=config.model_name,
        head=(layer, index),
        query=at[0],
        key=at[1],
        tokens=tuple(tokens[0].tolist()),
        texts=tuple(model.token_text(token) for token in tokens[0].tolist()),
        query_labels=labels[0],
        key_labels=labels[1],
        values=made[0] @ made[1].T / attention_scale(config),
        alibi=float(slope[at[1]]),
        score=float((scores + slope)[at[1]]),
        pattern=float(cache["pattern", layer][0, index, at[0], at[1]]),
        mean_score=float((scores + slope)[seen].mean()),
        capped=config.attn_scores_soft_cap is not None,
    )


def _label(component: Head | str) -> str:
    return component if isinstance(component, str) else head_label(component)


def seen_keys(positions: PositionInfo, layer: int, n: int) -> Bool[Tensor, "*batch pos pos"]:
    """The keys that each of `n` queries sees; for each row, where some are padded."""
    allowed = positions.allowed[layer]
    if allowed is None:
        return torch.ones(n, n, dtype=torch.bool).tril()
    return allowed if positions.mask is None else allowed[:, 0]


def written_parts(model: HookedTransformer, cache: ActivationCache, end: int) -> Parts:
    """The output of each component before layer `end`, as it was added to the stream."""
    for site in written_sites(model.config, end):
        x, layer = cache[site], site.layer
        if site.name in ("embed", "pos_embed"):
            yield site.name, x
        elif site.name == "mlp_out":
            yield f"{layer}.mlp", x
        elif site.name == "z" and layer is not None:
            w = block_weights(model.weights, layer)
            for head in range(model.config.n_heads):
                yield head_label((layer, head)), cache.as_written(x[:, :, head] @ w.W_O[head], "attn_out", layer)
            if w.b_O is not None:
                yield f"{layer}.b_O", cache.as_written(w.b_O.expand(*x.shape[:2], -1), "attn_out", layer)


_READ: Mapping[Into, str] = {"Q": "queries", "K": "keys", "V": "values"}


def reading_sites(config: ModelConfig, layer: int) -> list[Site]:
    """The sites that `LinearizedRead` needs of its layer."""
    rotated = [Site("rot_q", layer), Site("rot_k", layer)] if config.rotary is not None else []
    scale = [Site("ln1.scale", layer)] if norms_before(config) else []
    return [Site("q", layer), Site("k", layer), *rotated, *scale]


@dataclass(frozen=True, eq=False)
class LinearizedRead:
    """A head's queries, keys or values as a linear function of the stream, norms' scales frozen at one run's values.

    component → apply_rotary(component @ `matrix` / (`before` · `after`)). `matrix` is W_Q or W_K with the linear parts
    of the norm before attention and of the QK norm folded in; `before` and `after` are the scales of those two norms.
    Values are W_V's, have no norm of their own, and are not turned.
    """

    config: ModelConfig
    layer: int
    into: Into
    index: int
    """The index of the query head or key head."""
    matrix: Float[Tensor, "d_model d_head"]
    before: Float[Tensor, "batch pos 1"]
    after: Float[Tensor, "batch pos 1"]
    positions: PositionInfo

    @classmethod
    def of(
        cls,
        model: HookedTransformer,
        receiver: Head,
        into: Into,
        run: Mapping[str, Tensor],
        positions: PositionInfo,
    ) -> LinearizedRead:
        """Made from a run's activations at `reading_sites`. Raises NotDefinedError if a value was clamped."""
        config, layer = model.config, receiver[0]
        index = receiver[1] if into == "Q" else kv_head(config, receiver)
        made = upcast(run[Site(into.lower(), layer).path])
        own = made if config.qk_norm == "heads" else made[:, :, index : index + 1]
        if config.clip_qkv is not None and (own.abs() >= config.clip_qkv).any():
            raise NotDefinedError(
                f"{_READ[into]} of {head_label(receiver)} were clamped at "
                f"±{config.clip_qkv:g} in this run, so they are not a sum over components"
            )
        one = made.new_ones(*made.shape[:2], 1)
        before = upcast(run[Site("ln1.scale", layer).path]) if norms_before(config) else one
        w = block_weights(model.weights, layer)
        if into == "V":
            matrix = fold_before(config, w.ln1_w, read_of_stream(config, w, "V")[index])
            return cls(config, layer, into, index, matrix, before, one, positions)
        after = one if config.qk_norm is None else qk_scale(config, own)[:, :, 0]
        matrix = read_matrix(config, w, into, index)
        return cls(config, layer, into, index, matrix, before, after, positions)

    def turned(self, x: Float[Tensor, "batch pos d_head"]) -> Float[Tensor, "batch pos d_head"]:
        """Applies the layer's rotary embedding, if it has one, to queries and keys."""
        if self.into == "V":
            return x
        return apply_rotary(self.config, self.layer, x.unsqueeze(2), self.positions).squeeze(2)

    def of_stream(self, part: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_head"]:
        """The contribution of a component of the stream to the queries or keys."""
        return self.turned(upcast(part) @ self.matrix / (self.before * self.after))

    def terms(
        self, weights: Weights, run: Mapping[str, Tensor]
    ) -> Iterator[tuple[Head | str, Float[Tensor, "batch pos d_head"]]]:
        """What each component before the layer adds to the queries or keys, and what does not come from the stream.

        Components are heads, "embed", "pos_embed", "0.mlp" and the attention biases "0.b_O"; `run` holds the
        activations at `written_sites`. No head's output is made: its W_O and this matrix, which is thin, are
        multiplied first.
        """
        config = self.config
        for site in written_sites(config, self.layer):
            if site.name in ("embed", "pos_embed", "mlp_out"):
                yield component_name(site), self.of_stream(run[site.path])
            elif site.name == "z" and site.layer is not None:
                w, z = block_weights(weights, site.layer), upcast(run[site.path])
                scale = self.before * self.after
                if norms_after(config):
                    scale = scale * run[Site("ln1_post.scale", site.layer).path]
                for head in range(config.n_heads):
                    part = z[:, :, head] @ (write_matrix(config, w, head) @ self.matrix) / scale
                    yield (site.layer, head), self.turned(part)
                if w.b_O is not None:
                    bias = linear_after(config, w.ln1_post_w, upcast(w.b_O)) @ self.matrix / scale
                    yield f"{site.layer}.b_O", self.turned(bias)
        yield from self.constants(weights)

    def constants(self, weights: Weights) -> Iterator[tuple[str, Float[Tensor, "batch pos d_head"]]]:
        """The terms that do not come from the stream: shortformer positions and biases. Values' are left out: they are
        the same at every position.
        """
        if self.into == "V":
            return
        w = block_weights(weights, self.layer)
        W = read_of_stream(self.config, w, self.into)
        b, norm_w, norm_b = (w.b_Q, w.q_norm_w, w.q_norm_b) if self.into == "Q" else (w.b_K, w.k_norm_w, w.k_norm_b)

        def read(x: Float[Tensor, "*rows d_model"]) -> Float[Tensor, "*rows heads d_head"]:
            return torch.einsum("...d,hde->...he", upcast(x), upcast(W))

        pos = self.positions.qk_pos_embed
        made: dict[str, Tensor | None] = {
            "pos": None if pos is None else read(pos),
            "ln1.b": None if w.ln1_b is None else read(w.ln1_b),
            f"b_{self.into}": None if b is None else upcast(b),
        }
        for label, heads in made.items():
            if heads is not None:
                own = linear_heads(self.config, norm_w, heads, self.index)
                yield label, self.turned(own / self.after)
        if norm_b is not None:
            yield (
                f"{self.into.lower()}_norm.b",
                self.turned(upcast(norm_b)[self.index].expand(*self.after.shape[:2], -1)),
            )


def query_key_vectors(
    model: HookedTransformer, receiver: Head, run: Mapping[str, Tensor]
) -> tuple[Float[Tensor, "batch query d_head"], Float[Tensor, "batch pos d_head"]]:
    """A head's queries and keys after QK norm and rotary embedding, from a run's activations at `reading_sites`."""
    config, (layer, head) = model.config, receiver
    group, w = kv_head(config, receiver), block_weights(model.weights, layer)
    if config.rotary is not None:
        q, k = run[Site("rot_q", layer).path], run[Site("rot_k", layer).path]
    else:
        q, k = run[Site("q", layer).path], run[Site("k", layer).path]
        if config.qk_norm is not None:
            q, k = qk_norm(config, w.q_norm_w, w.q_norm_b, q), qk_norm(config, w.k_norm_w, w.k_norm_b, k)
    return upcast(q[:, :, head]), upcast(k[:, :, group])
