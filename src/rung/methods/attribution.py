"""Direct attribution: which part of the model pushed a number, where the number is a sum over parts.

The residual stream is a sum of what every part wrote, and with the norm's scale taken as it was in this run, reading
it is linear: so a logit, or a later head's attention score, is a sum with one term for each part. What a part does
through others that read it is theirs, not its own. (Elhage et al. 2021, "A Mathematical Framework for Transformer
Circuits"; Wang et al. 2022, arXiv:2211.00593, section 3.1.)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..circuits.heads import Head, attention_scale, head_label, kv_head
from ..engine.cache import ActivationCache
from ..engine.sites import Site, check_head
from ..engine.transformer import locate, turn, upcast
from ..engine.weights import block_weights, single, unembedding
from ..errors import InterventionError, PromptError
from ..model.model import HookedTransformer
from .interventions import record

Parts = Iterator[tuple[str, Float[Tensor, "batch pos d_model"]]]


@dataclass(frozen=True, eq=False)
class Attribution:
    """A number at each query of each example, as a sum over parts. Exact: no seed."""

    what: str
    """The number that is taken apart."""
    unit: str
    labels: tuple[str, ...]
    """One for each part: embed, pos_embed, 0.0, 0.1, …, 0.b_O, 0.mlp, …, and the biases on the way out."""
    values: Float[Tensor, "part batch query"]
    total: Float[Tensor, "batch query"]
    """The number as the model computes it."""
    residual: Float[Tensor, "batch query"]
    """`total` minus the sum of `values`: rounding, and nothing else."""
    queries: tuple[int, ...]
    """The positions of the last axis."""

    @property
    def n(self) -> int:
        """Examples."""
        return self.total.shape[0]

    def of(self, label: str) -> Float[Tensor, "batch query"]:
        """One part's share. Raises InterventionError if there is no such part."""
        if label not in self.labels:
            raise InterventionError(f"no part {label!r}; the parts are {', '.join(self.labels)}")
        return self.values[self.labels.index(label)]


@torch.no_grad()
def attribute_logits(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    targets: Int[Tensor, "batch query"],
    minus: Int[Tensor, "batch query other"] | None = None,
    queries: Sequence[int] | None = None,
) -> Attribution:
    """The logit of each target, less the mean logit of the tokens in `minus`, taken apart at `queries` (None: all).

    part · (W_U[:, target] − mean W_U[:, minus]) through the last norm as it scaled this run. Sums to the logit: heads,
    MLPs (b_out in them), attention biases, positions where the stream holds them, the last norm's b and b_U. A head's
    b_V is in its own term.

    Raises PromptError where targets do not fit the queries, or tokens the model.
    """
    at = _positions(tokens, queries)
    for name, given in (("targets", targets), ("minus", minus)):
        if given is not None and given.shape[:2] != (len(tokens), len(at)):
            raise PromptError(
                f"{name} have shape {list(given.shape)}; {len(tokens)} examples and {len(at)} queries were given"
            )
    targets, minus = targets.to(model.device), None if minus is None else minus.to(model.device)
    sites = _written(model, model.config.n_layers)
    if model.config.normalization_type is not None:
        sites.append(Site("ln_final.scale"))
    logits, cache = model.run_with_cache(tokens, names_filter=[site.path for site in sites], pos_slice=list(at))
    logits = upcast(logits[:, list(at)])

    W_U = upcast(unembedding(model.weights))
    direction = _contrast(lambda ids: W_U.T[ids], targets, minus)
    labels, values = [], []
    for label, part in _parts(model, cache, model.config.n_layers):
        labels.append(label)
        values.append((cache.apply_ln_to_stack(upcast(part)[None])[0] * direction).sum(-1))
    b_final, b_U = single(model.weights, "ln_final_b"), single(model.weights, "b_U")
    if b_final is not None:
        labels.append("ln_final.b")
        values.append(direction @ upcast(b_final))
    if b_U is not None:
        labels.append("b_U")
        values.append(_contrast(lambda ids: upcast(b_U)[ids], targets, minus))
    what = "logit of the target" + ("" if minus is None else f" minus the mean of {minus.shape[-1]} others")
    total = _contrast(lambda ids: logits.gather(-1, ids.unsqueeze(-1)).squeeze(-1), targets, minus)
    return _attribution(what, "logit", labels, values, total, at)


@torch.no_grad()
def attribute_scores(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    receiver: Head,
    into: Literal["Q", "K"],
    queries: Sequence[int],
    keys: Int[Tensor, "batch query"],
) -> Attribution:
    """What each part writes into the receiver's Q or K, as the attention score that it adds at the right key.

    score(query, key) − mean of score(query, other keys not after the query), taken apart over what the receiver's keys
    (for K: each query as it was) or queries (for Q: each key as it was) are made from, the norm's scale as in this run.
    Sums to the score: earlier heads and MLPs, embeddings, shortformer positions ("pos"), and the biases.

    Raises SiteError for a missing head, InterventionError for a query without another key, or a key after its query.
    """
    layer, head = check_head(model.config, *receiver)
    at = _positions(tokens, queries)
    if keys.shape != (len(tokens), len(at)):
        raise PromptError(f"keys have shape {list(keys.shape)}; {len(tokens)} examples, {len(at)} queries were given")
    keys, rows = keys.to(model.device), torch.tensor(at, device=model.device)
    if (rows < 1).any() or (keys < 0).any() or (keys > rows).any():
        raise InterventionError("each query needs its key among the positions up to its own, and one other beside it")
    turned = "rot_" if model.config.rotary is not None else ""
    sites = [*_written(model, layer), Site(f"{turned}q", layer), Site(f"{turned}k", layer)]
    if model.config.normalization_type is not None:
        sites.append(Site("ln1.scale", layer))
    cache = record(model, tokens, sites)
    group = kv_head(model.config, receiver)
    q = upcast(cache[Site(f"{turned}q", layer)][:, list(at), head])
    k = upcast(cache[Site(f"{turned}k", layer)][:, :, group])

    def score(q: Float[Tensor, "batch query d_head"], k: Float[Tensor, "batch pos d_head"]) -> Tensor:
        scores = q @ k.mT / attention_scale(model.config)
        seen = torch.arange(k.shape[1], device=k.device) <= rows[:, None]
        own = scores.gather(-1, keys.unsqueeze(-1)).squeeze(-1)
        return own - (scores.masked_fill(~seen, 0).sum(-1) - own) / rows

    labels, values = [], []
    for label, part in _projected(model, cache, receiver, into):
        labels.append(label)
        values.append(score(part[:, list(at)], k) if into == "Q" else score(q, part))
    what = f"score of {head_label(receiver)} at the right key minus the mean of the others, through {into}"
    return _attribution(what, "attention score", labels, values, score(q, k), at)


def _attribution(
    what: str, unit: str, labels: list[str], values: list[Tensor], total: Tensor, queries: tuple[int, ...]
) -> Attribution:
    stack = torch.stack(values)
    return Attribution(what, unit, tuple(labels), stack, total, total - stack.sum(0), queries)


def _contrast(
    pick: Callable[[Int[Tensor, "batch query"]], Tensor],
    targets: Int[Tensor, "batch query"],
    minus: Int[Tensor, "batch query other"] | None,
) -> Tensor:
    """What `pick` gives for the targets, less its mean over the others, one at a time: directions are long."""
    found = pick(targets)
    return found if minus is None else found - sum(map(pick, minus.unbind(-1))) / minus.shape[-1]


def _positions(tokens: Tensor, queries: Sequence[int] | None) -> tuple[int, ...]:
    n = tokens.shape[-1]
    found = tuple(range(n)) if queries is None else tuple(int(at) for at in queries)
    if not found or not all(0 <= at < n for at in found):
        raise PromptError(f"queries {found} were asked for; the tokens have positions 0 to {n - 1}")
    return found


def _written(model: HookedTransformer, end: int) -> list[Site]:
    """The sites that hold what is written to the stream before layer `end`."""
    config = model.config
    sites = [Site("embed")]
    if config.positional_embedding_type in ("standard", "sinusoidal"):
        sites.append(Site("pos_embed"))
    for layer in range(end):
        sites += [Site("z", layer)] + ([] if config.attn_only else [Site("mlp_out", layer)])
    return sites


def _parts(model: HookedTransformer, cache: ActivationCache, end: int) -> Parts:
    """Everything that was written to the stream before layer `end`, one part at a time."""
    for site in _written(model, end):
        x = cache[site]
        if site.name != "z" or site.layer is None:
            yield site.name if site.layer is None else f"{site.layer}.mlp", x
            continue
        w = block_weights(model.weights, site.layer)
        for head in range(model.config.n_heads):
            yield head_label((site.layer, head)), x[:, :, head] @ w.W_O[head]
        if w.b_O is not None:
            yield f"{site.layer}.b_O", w.b_O.expand(*x.shape[:2], -1)


def _projected(
    model: HookedTransformer, cache: ActivationCache, receiver: Head, into: Literal["Q", "K"]
) -> Iterator[tuple[str, Float[Tensor, "batch pos d_head"]]]:
    """Each part of the receiver's queries or keys, turned by position where they are."""
    config, (layer, head) = model.config, receiver
    w = block_weights(model.weights, layer)
    held, bias, index = (w.W_Q, w.b_Q, head) if into == "Q" else (w.W_K, w.b_K, kv_head(config, receiver))
    W = upcast(held[index])
    like = upcast(cache["embed"])
    frame = locate(config, model.weights, tuple(like.shape[:2]), like.device)

    def turned(x: Tensor) -> Tensor:
        return turn(config, layer, x.unsqueeze(2), frame).squeeze(2)

    for label, part in _parts(model, cache, layer):
        yield label, turned(cache.apply_ln_to_stack(upcast(part)[None], layer)[0] @ W)
    if config.positional_embedding_type == "shortformer" and frame.pos_embed is not None:
        yield "pos", (upcast(frame.pos_embed) @ W).expand(*like.shape[:2], -1)
    constants = [("ln1.b", None if w.ln1_b is None else upcast(w.ln1_b) @ W), (f"b_{into}", bias)]
    for label, vector in constants:
        if vector is not None:
            row = vector if label == "ln1.b" else upcast(vector[index])
            yield label, turned(row.expand(*like.shape[:2], -1))
