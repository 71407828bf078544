"""The direct path and the paths through attention: what each adds to the logits, and the prediction without each.

The stream that the unembedding reads is the embedding plus what attention and MLPs wrote. Without attention, each
position knows its own token only: such a model reads bigrams. (Elhage et al. 2021, "A Mathematical Framework for
Transformer Circuits", on zero-layer transformers and paths.)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..display import Shown
from ..engine.cache import ActivationCache
from ..engine.decompose import writers
from ..engine.sites import Site
from ..engine.transformer import scale_and_cap, upcast
from ..engine.weights import unembedding
from ..errors import PromptError
from ..model.model import HookedTransformer
from .interventions import Intervention, Zero, run_with_interventions


@dataclass(frozen=True, eq=False, repr=False)
class PathSplit(Shown):
    """Logits at one query of each example: with both paths, and with either one off.

    `parts` sum to `both` before its cap and scale: the direct path, each layer's attention and MLP, and the biases of
    the last norm and the unembedding.
    """

    query: int
    both: Float[Tensor, "batch token"]
    without_attention: Float[Tensor, "batch token"]
    """Zero ablation of what attention writes in every layer: only embed → (MLPs →) unembed is left."""
    without_direct: Float[Tensor, "batch token"]
    """Less what the unembedding reads of the embedding itself; the last norm's scale stays that of the run."""
    labels: tuple[str, ...]
    """"direct", "0.attn", "0.mlp", …, "biases"."""
    parts: Float[Tensor, "part batch token"]
    residual: Float[Tensor, "batch token"]
    """The logits less the sum of `parts`: rounding errors only."""


@torch.no_grad()
def split_paths(model: HookedTransformer, tokens: Int[Tensor, "batch pos"], query: int = -1) -> PathSplit:
    """The logits at position `query` by path, and without the one or the other. Raises PromptError for no such query.

    direct = norm(embed) W_U with the norm's scale frozen at the run's value; positions that are added to the stream
    belong to it.
    """
    config, n = model.config, tokens.shape[-1]
    if not -n <= query < n:
        raise PromptError(f"query {query} was requested; the tokens have positions 0 to {n - 1}")
    at = query % n
    made = writers(config)
    sites = [site.path for _, site in made] + [site.path for site in (Site("unembed_out"), Site("unembed_in"))]
    scale = [] if config.normalization_type is None else [Site("ln_final.scale").path]
    _, cache = model.run_with_cache(tokens, names_filter=[*sites, *scale], pos_slice=[at])
    assert isinstance(cache, ActivationCache)
    stack = torch.stack([upcast(cache[site.path]) for _, site in made])
    read = cache.apply_ln_to_stack(stack, None, pos_slice=[at])[:, :, 0] @ upcast(unembedding(model.weights))
    names = {"embed": "direct", "pos_embed": "direct"}
    labels = [names.get(site.name, f"{site.layer}.{site.name.partition('_')[0]}") for _, site in made]
    direct = sum(part for part, label in zip(read, labels, strict=True) if label == "direct")
    assert isinstance(direct, Tensor)
    whole = upcast(cache[Site("unembed_out").path])[:, 0]
    biases = _biases(model, whole)
    others = [part for part, label in zip(read, labels, strict=True) if label != "direct"]
    parts = torch.stack([direct, *others, biases])
    off = [Intervention(Site("attn_out", layer), Zero()) for layer in range(config.n_layers)]
    alone = run_with_interventions(model, tokens, off) if off else model(tokens)
    return PathSplit(
        query=at,
        both=scale_and_cap(config, whole),
        without_attention=upcast(alone[:, at]),
        without_direct=scale_and_cap(config, whole - direct),
        labels=("direct", *(label for label in labels if label != "direct"), "biases"),
        parts=parts,
        residual=whole - parts.sum(0),
    )


def _biases(model: HookedTransformer, like: Float[Tensor, "batch token"]) -> Float[Tensor, "batch token"]:
    """What the last norm's b and b_U add to each logit."""
    total = torch.zeros_like(like)
    b, b_U = model.weights.get("ln_final_b"), model.weights.get("b_U")
    if isinstance(b, Tensor):
        total = total + upcast(b) @ upcast(unembedding(model.weights))
    return total + upcast(b_U) if isinstance(b_U, Tensor) else total


@dataclass(frozen=True, repr=False)
class Bigram(Shown):
    """A token, and the one that the direct path alone expects after it."""

    first: int
    second: int
    probability: float


@torch.no_grad()
def learned_bigrams(model: HookedTransformer, k: int = 20, among: Int[Tensor, " token"] | None = None) -> list[Bigram]:
    """The `k` bigrams that the model without attention is surest of, surest first.

    softmax(norm(MLPs(embed)) W_U) of each token by itself at position 0. `among`: both tokens are of these.
    """
    config = model.config
    ids = torch.arange(config.d_vocab) if among is None else among.cpu()
    off = [Intervention(Site("attn_out", layer), Zero()) for layer in range(config.n_layers)]
    found: list[Bigram] = []
    for chunk in ids.split(1024):
        alone = chunk[:, None].to(model.device)
        logits = run_with_interventions(model, alone, off) if off else model(alone)
        chances, best = upcast(logits[:, 0]).softmax(-1).max(-1)
        rows = zip(chunk.tolist(), best.tolist(), chances.tolist(), strict=True)
        found += [Bigram(*row) for row in rows]
    allowed = set(ids.tolist())
    return sorted((one for one in found if one.second in allowed), key=lambda one: -one.probability)[:k]
