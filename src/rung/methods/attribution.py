"""Direct attribution: decomposes a logit into a sum over the model's components.

The residual stream is the sum of the outputs of all components. With the norms' scales frozen at their values in this
run, reading the stream is linear, so that a logit, or a later head's attention score, is a sum with one term for each
component. Indirect effects, through later components, are attributed to those components. (Elhage et al. 2021,
"A Mathematical Framework for Transformer Circuits"; Wang et al. 2022, arXiv:2211.00593, section 3.1.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..circuits.heads import Head, head_label, kv_head
from ..config import ModelConfig
from ..display import Shown
from ..engine.cache import ActivationCache
from ..engine.linearize import norms_after
from ..engine.sites import Site, check_head
from ..engine.taps import CacheTap
from ..engine.transformer import centred, norm, upcast
from ..engine.weights import block_weights, unembedding, unlayered
from ..errors import InterventionError, NotDefinedError, PromptError
from ..model.model import HookedTransformer


@dataclass(frozen=True, eq=False, repr=False)
class Attribution(Shown):
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
    frozen at this run's values. The direction is projected back through each W_O, so that no head's output is made.
    The terms sum to the logit (before a soft cap): heads, MLPs (with b_out), attention biases, positional embeddings
    if they are added to the stream, the final norm's b, and b_U. A head's b_V is in its own term.

    Raises PromptError if targets do not fit the queries, or tokens do not fit the model.
    """
    at, config = check_queries(tokens, queries), model.config
    asked = Asked.of(model, tokens, targets, minus, at)
    sites = written_sites(config, config.n_layers)
    x, cache = _run(model, tokens, sites, at)
    read = LogitRead.of(model, x[:, list(at)], asked.contrast)
    terms = [(part if isinstance(part, str) else head_label(part), value) for part, value in read.terms(cache)]
    labels, values = zip(*terms, strict=True)
    return Attribution.of_parts(asked.what, "logit", labels, list(values), read.total, at)


@torch.no_grad()
def attribute_neurons(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    targets: Int[Tensor, "batch query"],
    minus: Int[Tensor, "batch query other"] | None = None,
    queries: Sequence[int] | None = None,
    count: int | None = 100,
) -> Attribution:
    """Decomposes what the MLPs add to the logit of each target, as in `attribute_logits`, over their neurons.

    post[neuron] · (W_out[neuron] · direction). The `count` neurons of the largest mean |attribution| are kept (None:
    all), labelled "0.mlp.17"; "other neurons" is the sum of the rest, "0.b_out" an output bias, and the total the
    MLPs' own attribution. One layer's neurons are held at a time.

    Raises NotDefinedError for a model without MLPs, or whose MLPs are mixtures of experts; PromptError as there.
    """
    config = model.config
    if config.attn_only or config.n_experts is not None:
        kind = "no MLPs" if config.attn_only else "mixtures of experts, whose neurons fire for their own tokens only"
        raise NotDefinedError(f"neurons were asked of {config.model_name}, which has {kind}")
    if count is not None and count < 1:
        raise InterventionError(f"count is {count}; it is the number of neurons to keep, at least 1, or None for all")
    at = check_queries(tokens, queries)
    asked = Asked.of(model, tokens, targets, minus, at)
    last, _ = _run(model, tokens, [], at)
    read = LogitRead.of(model, last[:, list(at)], asked.contrast)
    total = torch.zeros_like(read.total)
    best, biases = _Largest(count, total), {}
    mask = model.find_padding(tokens.to(model.device))
    x = model(tokens, stop_at_layer=0)
    for layer in range(config.n_layers):
        sites = [Site("post", layer), Site("mlp_out", layer)]
        sites += [Site("ln2_post.scale", layer)] if norms_after(config) else []
        paths = [site.path for site in sites]
        x, cache = model.run_with_cache(
            x,
            names_filter=paths,
            start_at_layer=layer,
            stop_at_layer=layer + 1,
            attention_mask=mask,
            pos_slice=list(at),
        )
        total += (upcast(cache["mlp_out", layer]) * read.direction).sum(-1)
        w, direction = block_weights(model.weights, layer), read.before_norm_after(layer, cache, "ln2_post")
        assert w.W_out is not None
        best.add(layer, upcast(cache["post", layer]) * (direction @ upcast(w.W_out).T))
        if w.b_out is not None:
            biases[f"{layer}.b_out"] = direction @ upcast(w.b_out)
    labels = [f"{layer}.mlp.{neuron}" for layer, neuron in best.neurons]
    return Attribution.of_parts(
        f"{asked.what}, what MLPs add",
        "logit",
        [*labels, *(["other neurons"] if best.dropped else []), *biases],
        [*best.values, *([best.others] if best.dropped else []), *biases.values()],
        total,
        at,
    )


@torch.no_grad()
def attribute_sources(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    head: Head,
    targets: Int[Tensor, "batch query"],
    minus: Int[Tensor, "batch query other"] | None = None,
    queries: Sequence[int] | None = None,
) -> Attribution:
    """Decomposes a head's own term of `attribute_logits` over the source positions that it attends to.

    pattern[query, source] · (v[source] W_O · direction[query]). Labels are the source positions, "0", "1", …; the
    total is the head's direct attribution. (Elhage et al. 2021, on the OV circuit.)

    Raises SiteError for a missing head, PromptError as `attribute_logits` does.
    """
    at = check_queries(tokens, queries)
    asked = Asked.of(model, tokens, targets, minus, at)
    onto, pattern, cache = read_head(model, tokens, head, asked, at)
    layer, index = head
    v = upcast(cache["v", layer][:, :, kv_head(model.config, head)])
    values = pattern * (onto @ v.mT)
    total = (upcast(cache["z", layer][:, list(at), index]) * onto).sum(-1)
    what = f"{asked.what}: direct attribution of {head_label(head)}, by source position"
    sources = list(map(str, range(tokens.shape[1])))
    return Attribution.of_parts(what, "logit", sources, list(values.unbind(-1)), total, at)


def read_head(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    head: Head,
    asked: Asked,
    at: tuple[int, ...],
    sites: Sequence[Site] = (),
) -> tuple[Float[Tensor, "batch query d_head"], Float[Tensor, "batch query key"], ActivationCache]:
    """W_O · direction of a head's z at the queries `at`, its pattern there, and v, pattern, z and `sites` of the run.

    Raises SiteError for a missing head.
    """
    layer, index = check_head(model.config, *head)
    own = [Site(name, layer) for name in ("v", "pattern", "z")]
    own += [Site("ln1_post.scale", layer)] if norms_after(model.config) else []
    x, cache = _run(model, tokens, [*dict.fromkeys((*own, *sites))])
    read = LogitRead.of(model, x[:, list(at)], asked.contrast)
    scale = {path: value[:, list(at)] for path, value in cache.items() if "ln1_post" in path}
    onto = read.before_norm_after(layer, scale) @ upcast(block_weights(model.weights, layer).W_O[index]).T
    return onto, upcast(cache["pattern", layer][:, index])[:, list(at)], cache


@dataclass(frozen=True, eq=False)
class Asked:
    """The tokens whose logit is decomposed, and those whose mean logit is subtracted."""

    targets: Int[Tensor, "batch query"]
    minus: Int[Tensor, "batch query other"] | None
    what: str

    @classmethod
    def of(
        cls, model: HookedTransformer, tokens: Tensor, targets: Tensor, minus: Tensor | None, at: Sequence[int]
    ) -> Asked:
        """Raises PromptError if targets or the others do not fit the queries, or the vocabulary."""
        for name, given, axes in (("targets", targets, 2), ("minus", minus, 3)):
            if given is None:
                continue
            if given.ndim != axes or given.shape[:2] != (len(tokens), len(at)):
                raise PromptError(
                    f"{name} have shape {list(given.shape)}, not that of {len(tokens)} examples and {len(at)} queries"
                    + ("" if axes == 2 else ", with an axis of tokens")
                )
            if ((given < 0) | (given >= model.config.n_out)).any():
                raise PromptError(f"{name} must be token ids from 0 to {model.config.n_out - 1}")
        count = 0 if minus is None else minus.shape[-1]
        others = {0: "", 1: " minus that of the other token"}.get(count, f" minus the mean of {count} others")
        what = f"logit of the target{others}"
        what += "" if model.config.output_logits_soft_cap is None else ", before the cap"
        return cls(targets.to(model.device), None if minus is None else minus.to(model.device), what)

    def contrast(self, table: Float[Tensor, "token *width"]) -> Float[Tensor, "batch query *width"]:
        """A row of each target minus the mean row of the others, one at a time to save memory."""
        if self.minus is None:
            return table[self.targets]
        return table[self.targets] - sum(table[other] for other in self.minus.unbind(-1)) / self.minus.shape[-1]


Contrast = Callable[[Float[Tensor, "token *width"]], Float[Tensor, "batch query *width"]]
"""From a table with a row for each output token, the combination of rows that is read at each query."""


@dataclass(frozen=True, eq=False)
class LogitRead:
    """A logit, or a difference of logits, as a linear function of the stream after the last layer.

    component · `direction`, with the linear part of the final norm folded in and its scale frozen at this run's values.
    """

    model: HookedTransformer
    direction: Float[Tensor, "batch query d_model"]
    constants: Mapping[str, Float[Tensor, "batch query"]]
    """The terms that do not come from the stream: "ln_final.b" and "b_U"."""
    total: Float[Tensor, "batch query"]
    """As the model computes it."""

    @classmethod
    def of(cls, model: HookedTransformer, x: Float[Tensor, "batch query d_model"], contrast: Contrast) -> LogitRead:
        """`x` is the stream after the last layer at the queries; `contrast` says which logits are read there."""
        config, weights = model.config, model.weights
        W_U = upcast(unembedding(weights))
        onto = contrast(W_U.T) * config.logit_scale
        w, b = unlayered(weights, "ln_final_w"), unlayered(weights, "ln_final_b")
        tap = CacheTap([Site("ln_final.scale")])
        total = (upcast(norm(config, w, b, "ln_final", None, x, tap)) * onto).sum(-1)
        constants = {} if b is None else {"ln_final.b": onto @ upcast(b)}
        b_U = unlayered(weights, "b_U")
        if b_U is not None:
            constants["b_U"] = contrast(upcast(b_U)) * config.logit_scale
            total = total + constants["b_U"]
        if config.normalization_type is not None:
            onto = _transposed_norm(config, w, onto) / tap.store["ln_final.hook_scale"]
        return cls(model, onto, constants, total)

    def terms(self, run: Mapping[str, Tensor]) -> Iterator[tuple[Head | str, Float[Tensor, "batch query"]]]:
        """What each component adds, and each constant; `run` holds the activations at `written_sites`, at the queries.

        Components are heads, "embed", "pos_embed", "0.mlp" and the attention biases "0.b_O".
        """
        config = self.model.config
        for site in written_sites(config, config.n_layers):
            if site.name in ("embed", "pos_embed", "mlp_out"):
                yield component_name(site), (upcast(run[site.path]) * self.direction).sum(-1)
            elif site.name == "z" and site.layer is not None:
                layer, w = site.layer, block_weights(self.model.weights, site.layer)
                direction = self.before_norm_after(layer, run)
                yield from zip(
                    ((layer, head) for head in range(config.n_heads)),
                    _of_heads(run[site.path], direction, w.W_O),
                    strict=True,
                )
                if w.b_O is not None:
                    yield f"{layer}.b_O", direction @ upcast(w.b_O)
        yield from self.constants.items()

    def before_norm_after(
        self, layer: int, run: Mapping[str, Tensor], name: str = "ln1_post"
    ) -> Float[Tensor, "batch query d_model"]:
        """The direction that reads the output of a layer's attention (`name` "ln1_post") or MLP, before its norm."""
        if not norms_after(self.model.config):
            return self.direction
        w = block_weights(self.model.weights, layer)
        onto = _transposed_norm(self.model.config, w.ln1_post_w if name == "ln1_post" else w.ln2_post_w, self.direction)
        return onto / run[Site(f"{name}.scale", layer).path]


def _transposed_norm(
    config: ModelConfig, w: Float[Tensor, " d_model"] | None, onto: Float[Tensor, "*rows d_model"]
) -> Float[Tensor, "*rows d_model"]:
    """The transpose of `linear_norm`: linear_norm(x) · onto = x · this."""
    onto = onto if w is None else onto * upcast(w)
    return onto - onto.mean(-1, keepdim=True) if centred(config) else onto


def _of_heads(
    z: Float[Tensor, "batch query head d_head"],
    direction: Float[Tensor, "batch query d_model"],
    W_O: Float[Tensor, "head d_head d_model"],
) -> Float[Tensor, "head batch query"]:
    """z · (W_O direction) of every head."""
    onto = (direction @ upcast(W_O).flatten(0, 1).T).view(z.shape)
    return (upcast(z) * onto).sum(-1).movedim(-1, 0)


class _Largest:
    """The neurons of the largest mean |attribution| among those that were added, and the sum of all others."""

    def __init__(self, count: int | None, like: Float[Tensor, "batch query"]) -> None:
        self._count = count
        self.neurons: list[tuple[int, int]] = []
        self.values: Float[Tensor, "neuron batch query"] = like.new_zeros(0, *like.shape)
        self.others: Float[Tensor, "batch query"] = torch.zeros_like(like)
        self.dropped = False

    def add(self, layer: int, found: Float[Tensor, "batch query d_mlp"]) -> None:
        """One layer's neurons."""
        self.neurons += [(layer, neuron) for neuron in range(found.shape[-1])]
        self.values = torch.cat((self.values, found.movedim(-1, 0)))
        if self._count is None or len(self.neurons) <= self._count:
            return
        kept = torch.zeros(len(self.neurons), dtype=torch.bool, device=found.device)
        kept[self.values.abs().mean((1, 2)).topk(self._count).indices] = True
        self.others += self.values[~kept].sum(0)
        self.neurons = [self.neurons[at] for at in kept.nonzero()[:, 0].tolist()]
        self.values, self.dropped = self.values[kept], True


def _run(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], sites: Sequence[Site], at: Sequence[int] | None = None
) -> tuple[Float[Tensor, "batch pos d_model"], ActivationCache]:
    """The stream after the last layer, and the activations at `sites` at the positions `at` (None: all)."""
    x, cache = model.run_with_cache(
        tokens,
        names_filter=[site.path for site in sites],
        stop_at_layer=model.config.n_layers,
        pos_slice=None if at is None else list(at),
    )
    assert isinstance(cache, ActivationCache)
    return x, cache


def check_queries(tokens: Tensor, queries: Sequence[int] | None) -> tuple[int, ...]:
    """The query positions (None: all). Raises PromptError for none, or one that is not there."""
    n = tokens.shape[-1]
    found = tuple(range(n)) if queries is None else tuple(int(at) for at in queries)
    if not found or not all(0 <= at < n for at in found):
        raise PromptError(f"queries {found} were requested; the tokens have positions 0 to {n - 1}")
    return found


def component_name(site: Site) -> str:
    """The label of an embedding or an MLP that writes at `site`."""
    return site.name if site.layer is None else f"{site.layer}.mlp"


def written_sites(config: ModelConfig, end: int) -> list[Site]:
    """The sites of all outputs added to the stream before layer `end`, and of the scales of norms after attention."""
    sites = [Site("embed")]
    if config.positional_embedding_type in ("standard", "sinusoidal"):
        sites.append(Site("pos_embed"))
    for layer in range(end):
        sites += [Site("z", layer)] + ([Site("ln1_post.scale", layer)] if norms_after(config) else [])
        sites += [] if config.attn_only else [Site("mlp_out", layer)]
    return sites
