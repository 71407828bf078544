"""Direct attribution: decomposes a logit into a sum over the model's components.

The residual stream is the sum of the outputs of all components. With the norms' scales frozen at their values in this
run, reading the stream is linear, so that a logit, or a later head's attention score, is a sum with one term for each
component. Indirect effects, through later components, are attributed to those components. (Elhage et al. 2021,
"A Mathematical Framework for Transformer Circuits"; Wang et al. 2022, arXiv:2211.00593, section 3.1.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..circuits.heads import head_label
from ..config import ModelConfig
from ..engine.cache import ActivationCache
from ..engine.linearize import norms_after
from ..engine.sites import Site
from ..engine.transformer import unembed, upcast
from ..engine.weights import Weights, block_weights, unembedding, unlayered
from ..errors import InterventionError, PromptError
from ..model.model import HookedTransformer

Parts = Iterator[tuple[str, Float[Tensor, "batch pos d_model"]]]


@dataclass(frozen=True, eq=False)
class Attribution:
    """A quantity at each query of each example, as a sum over components. Exact: nothing is sampled."""

    what: str
    """The quantity that is decomposed."""
    unit: str
    labels: tuple[str, ...]
    """One for each component: embed, pos_embed, 0.0, 0.1, …, 0.b_O, 0.mlp, …, and the final biases."""
    values: Float[Tensor, "part batch query"]
    total: Float[Tensor, "batch query"]
    """The quantity as the model computes it."""
    residual: Float[Tensor, "batch query"]
    """`total` minus the sum of `values`: rounding errors only."""
    queries: tuple[int, ...]
    """The query positions along the last axis."""

    @classmethod
    def of_parts(
        cls, what: str, unit: str, labels: Sequence[str], values: list[Tensor], total: Tensor, queries: tuple[int, ...]
    ) -> Attribution:
        """With the residual that follows."""
        stack = torch.stack(values)
        return cls(what, unit, tuple(labels), stack, total, total - stack.sum(0), queries)

    @property
    def n(self) -> int:
        """Number of examples."""
        return self.total.shape[0]

    def of(self, label: str) -> Float[Tensor, "batch query"]:
        """The attribution of one component. Raises InterventionError if there is none of that label."""
        if label not in self.labels:
            raise InterventionError(f"no component {label!r}; the components are {', '.join(self.labels)}")
        return self.values[self.labels.index(label)]


@torch.no_grad()
def attribute_logits(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    targets: Int[Tensor, "batch query"],
    minus: Int[Tensor, "batch query other"] | None = None,
    queries: Sequence[int] | None = None,
) -> Attribution:
    """Decomposes the logit of each target, minus the mean logit of the tokens in `minus`, at `queries` (None: all).

    component · (W_U[:, target] − mean W_U[:, minus]), with the scales of the final norm and of norms after attention
    frozen at this run's values. The terms sum to the logit (before a soft cap): heads, MLPs (with b_out), attention
    biases, positional embeddings if they are added to the stream, the final norm's b, and b_U. A head's b_V is in its
    own term.

    Raises PromptError if targets do not fit the queries, or tokens do not fit the model.
    """
    at = check_queries(tokens, queries)
    for name, given in (("targets", targets), ("minus", minus)):
        if given is not None and given.shape[:2] != (len(tokens), len(at)):
            raise PromptError(
                f"{name} have shape {list(given.shape)}, not that of {len(tokens)} examples and {len(at)} queries"
            )
    targets, minus = targets.to(model.device), None if minus is None else minus.to(model.device)
    config = model.config
    sites = written_sites(config, config.n_layers) + ([] if config.normalization_type is None else [_LAST_SCALE])
    if config.n_layers:
        sites.append(Site("resid_post", config.n_layers - 1))
    _, cache = model.run_with_cache(tokens, names_filter=[site.path for site in sites], pos_slice=list(at))
    logits = uncapped_logits(
        config, model.weights, cache.decompose_resid(0).sum(0) if not config.n_layers else cache["resid_post", -1]
    )

    W_U = upcast(unembedding(model.weights))
    direction = _contrast(lambda ids: W_U.T[ids], targets, minus) * config.logit_scale
    labels, values = [], []
    for label, part in written_parts(model, cache, config.n_layers):
        labels.append(label)
        values.append((cache.apply_ln_to_stack(upcast(part)[None])[0] * direction).sum(-1))
    b_final, b_U = unlayered(model.weights, "ln_final_b"), unlayered(model.weights, "b_U")
    if b_final is not None:
        labels.append("ln_final.b")
        values.append(direction @ upcast(b_final))
    if b_U is not None:
        labels.append("b_U")
        values.append(_contrast(lambda ids: upcast(b_U)[ids], targets, minus) * config.logit_scale)
    what = "logit of the target" + ("" if minus is None else f" minus the mean of {minus.shape[-1]} others")
    what += "" if config.output_logits_soft_cap is None else ", before the cap"
    total = _contrast(lambda ids: logits.gather(-1, ids.unsqueeze(-1)).squeeze(-1), targets, minus)
    return Attribution.of_parts(what, "logit", labels, values, total, at)


def _contrast(
    pick: Callable[[Int[Tensor, "batch query"]], Tensor],
    targets: Int[Tensor, "batch query"],
    minus: Int[Tensor, "batch query other"] | None,
) -> Tensor:
    """`pick` of the targets minus its mean over the tokens in `minus`, one at a time to save memory."""
    found = pick(targets)
    return found if minus is None else found - sum(map(pick, minus.unbind(-1))) / minus.shape[-1]


def check_queries(tokens: Tensor, queries: Sequence[int] | None) -> tuple[int, ...]:
    """The query positions (None: all). Raises PromptError for none, or one that is not there."""
    n = tokens.shape[-1]
    found = tuple(range(n)) if queries is None else tuple(int(at) for at in queries)
    if not found or not all(0 <= at < n for at in found):
        raise PromptError(f"queries {found} were requested; the tokens have positions 0 to {n - 1}")
    return found


def uncapped_logits(
    config: ModelConfig, weights: Weights, x: Float[Tensor, "batch pos d_model"]
) -> Float[Tensor, "batch pos d_vocab"]:
    """Logits from the stream after the last layer, before a soft cap."""
    return upcast(unembed(replace(config, output_logits_soft_cap=None), weights, x))


_LAST_SCALE = Site("ln_final.scale")


def written_sites(config: ModelConfig, end: int) -> list[Site]:
    """The sites of all outputs added to the stream before layer `end`, and of the scales of norms after attention."""
    sites = [Site("embed")]
    if config.positional_embedding_type in ("standard", "sinusoidal"):
        sites.append(Site("pos_embed"))
    for layer in range(end):
        sites += [Site("z", layer)] + ([Site("ln1_post.scale", layer)] if norms_after(config) else [])
        sites += [] if config.attn_only else [Site("mlp_out", layer)]
    return sites


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
