"""Attribution patching: first-order estimates of what interventions and edges do, from one backward pass.

(value put − clean value) · ∂metric/∂value, for as many sites as there are, at the cost of a few runs. It is a screen:
`methods.sweep` and `methods.paths` give the exact effects, and `compare_screen` says how well the two agree. (Nanda
2023, "Attribution Patching"; Syed et al. 2023, arXiv:2310.10348, "EAP"; Hanna et al. 2024, arXiv:2403.17806, "EAP-IG";
Kramár et al. 2024, arXiv:2403.00745, "AtP*", for the correction of queries and keys.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..circuits.heads import head_label
from ..config import ModelConfig
from ..display import Shown
from ..engine.positions import PositionInfo, apply_rotary, position_info
from ..engine.sites import Site
from ..engine.taps import NO_TAP, CacheTap
from ..engine.transformer import attend_stepwise, norm_before, qk_norm, upcast
from ..engine.weights import BlockWeights, block_weights, read_of_stream
from ..errors import InterventionError, NotDefinedError
from ..model.model import HookedTransformer
from ..tasks.metrics import Metric
from .interventions import Intervention, Sources, Target, Window, every_source, find_targets, n_draws, value_of
from .paths import Component, check_corrupted, component_label, record_component_sites, senders_before, sent
from .scoring import check_padding, one_per_example
from .sweep import Cell

_EMBED = Site("embed")


@dataclass(frozen=True, eq=False, repr=False)
class Screen(Shown):
    """First-order estimates of the change of a metric, for each example. Nothing is sampled."""

    labels: tuple[str, ...]
    method: str
    metric: str
    unit: str
    clean: Float[Tensor, " batch"]
    scores: Float[Tensor, "part batch"]
    """The estimate of edited minus clean metric."""

    @property
    def n(self) -> int:
        """Number of examples."""
        return self.clean.shape[0]

    def top(self, count: int) -> list[int]:
        """The indices of the `count` largest mean |scores|, largest first."""
        return self.scores.mean(1).abs().argsort(descending=True, stable=True)[:count].tolist()


@dataclass(frozen=True, repr=False)
class ScreenCheck(Shown):
    """How well a screen's mean scores agree with exact effects."""

    correlation: float
    """Pearson, over parts."""
    chance_correlation: float
    """The 95th percentile of |correlation| when the scores are shuffled among the parts."""
    recall: float
    """The share of the `top` exact effects that are among the `top` scores."""
    chance_recall: float
    """That of a random choice: top / number of parts."""
    top: int
    n: int
    """Number of parts."""
    seed: int


def compare_screen(
    screen: Screen, exact: Float[Tensor, "part batch"], top: int = 20, shuffles: int = 1000, seed: int = 0
) -> ScreenCheck:
    """Compares a screen with the exact `change` of the same parts, as `sweep` or path patching gives it.

    Raises InterventionError for another shape, values that are not finite, fewer than three parts, or `top` of none.
    """
    if exact.shape != screen.scores.shape:
        raise InterventionError(
            f"exact effects have shape {list(exact.shape)}, the screen's scores {list(screen.scores.shape)}"
        )
    n = len(exact)
    if n < 3 or not 1 <= top <= n:
        raise InterventionError(
            f"{n} parts and their top {top} were compared; needed are 3 parts, and 1 to all of them"
        )
    found, true = screen.scores.mean(1).double().cpu(), exact.mean(1).double().cpu()
    if not bool(torch.isfinite(true).all()):
        raise InterventionError("exact effects hold values that are not finite; were all cells of the sweep measured?")
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.stack([found[torch.randperm(n, generator=generator)] for _ in range(shuffles)])
    largest = set(true.abs().argsort(descending=True, stable=True)[:top].tolist())
    return ScreenCheck(
        correlation=float(_correlation(found, true)),
        chance_correlation=float(_correlation(shuffled, true).abs().quantile(0.95)),
        recall=len(largest & set(screen.top(top))) / top,
        chance_recall=top / n,
        top=top,
        n=n,
        seed=seed,
    )


def _correlation(x: Float[Tensor, "*many part"], y: Float[Tensor, " part"]) -> Float[Tensor, "*many"]:
    x, y = x - x.mean(-1, keepdim=True), y - y.mean()
    found: Tensor = (x * y).sum(-1) / (x.norm(dim=-1) * y.norm()).clamp(min=torch.finfo(x.dtype).tiny)
    return found


def screen_interventions(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    interventions: Sequence[Cell],
    metric: Metric,
    toward: Int[Tensor, "other_batch other_pos"] | None = None,
    steps: int = 1,
) -> Screen:
    """Estimates what `sweep` of the same interventions measures: Σ (value put − clean value) · ∂metric/∂value.

    Where queries or keys are replaced (sites q and k), the new pattern is computed, and its change is multiplied by
    ∂metric/∂pattern: a saturated softmax has no gradient (AtP*, section 3.1.1). With `toward`, gradients are means over
    `steps` embeddings on the way from those of `tokens` to those of `toward`, at the middles of equal parts
    (integrated gradients); scores of the whole embedding then sum to the metric's change, up to O(1/steps²).

    Raises as `sweep` does, and InterventionError for steps without `toward`, or `toward` of another shape.
    """
    if not interventions:
        raise InterventionError("no interventions were given to screen")
    cells = [(cell,) if isinstance(cell, Intervention) else tuple(cell) for cell in interventions]
    if not all(cells):
        raise InterventionError("a cell of the screen has no interventions; each needs at least one")
    tokens = tokens.to(model.device)
    targets = [find_targets(model, tokens, cell) for cell in cells]
    with torch.no_grad():
        sources = every_source(model, tokens, [target for cell in targets for target in cell])
    sites = {target.site for cell in targets for target in cell}
    for layer in {site.layer for site in sites if site.name in ("q", "k")}:
        sites |= {Site(name, layer) for name in ("q", "k", "v", "pattern")}
    run = _gradients(model, tokens, sites, metric, toward, steps)
    padding = model.find_padding(tokens)
    positions = position_info(model.config, model.weights, tuple(tokens.shape), model.device, mask=padding)
    scores = run.metric.new_zeros(len(cells), len(tokens))
    with torch.no_grad():
        for at, (cell, here) in enumerate(zip(cells, targets, strict=True)):
            draws = n_draws(cell)
            for draw in range(draws):
                edited = _edited(run.values, here, sources, Window.whole(tokens), draw)
                scores[at] += sum(_first_order(model, run, edited, positions)) / draws
    labels = tuple("; ".join(map(str, cell)) for cell in cells)
    return Screen(labels, _method("attribution patching", toward, steps), metric.name, metric.unit, run.metric, scores)


def screen_edges(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    corrupted: Int[Tensor, "other_batch other_pos"],
    metric: Metric,
    steps: int | None = None,
) -> Screen:
    """Estimates what path patching measures, of every direct edge: (sender' − sender) · ∂metric/∂(receiver's input).

    Senders: the embedding, heads, MLPs. Receivers: Q, K and V of heads, MLPs ("1.mlp"), "logits". Heads of a group
    share their keys and values, and one edge into them: "0.1 → 1.2+1.3.K". `steps`: None for gradients of the clean run
    (EAP), a number for integrated gradients (EAP-IG), as in `screen_interventions`.

    Raises InterventionError for corrupted sequences of another shape, or a model without layers; NotDefinedError where
    the queries of all heads are normed as one.
    """
    config = model.config
    check_corrupted(tokens, corrupted)
    if not config.n_layers:
        raise InterventionError(f"{config.model_name} has no layers, so no edges to screen")
    if config.qk_norm == "heads":
        raise NotDefinedError(
            f"{config.model_name} norms the queries of all heads as one, so that gradients do not separate the edges "
            "into one head's Q and K; patch_all_senders measures them"
        )
    tokens = tokens.to(model.device)
    sites = {Site("resid_post", config.n_layers - 1)}
    for layer in range(config.n_layers):
        sites |= {Site(name, layer) for name in ("resid_pre", "q", "k", "v")}
        sites |= set() if config.attn_only else {Site("mlp_in", layer)}
    toward = None if steps is None else corrupted
    run = _gradients(model, tokens, sites, metric, toward, 1 if steps is None else steps)
    every = senders_before(config, "logits")
    before, after = (record_component_sites(model, one, every) for one in (tokens, corrupted))
    labels, scores = [], []
    with torch.no_grad():
        for receiver, names, gradient in _receivers(model, run):
            for sender in senders_before(config, receiver):
                change = upcast(sent(config, model.weights, sender, before, after))
                labels += [f"{component_label(sender)} → {name}" for name in names]
                scores += list(torch.einsum("bpd,bpnd->nb", change, upcast(gradient)))
    method = _method("edge attribution patching", toward, steps)
    return Screen(tuple(labels), method, metric.name, metric.unit, run.metric, torch.stack(scores))


@dataclass(frozen=True, eq=False)
class _Gradients:
    """Activations of the clean run, and the gradients of the metric."""

    metric: Float[Tensor, " batch"]
    values: Mapping[Site, Tensor]
    gradients: Mapping[Site, Tensor]


def _gradients(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    sites: set[Site],
    metric: Metric,
    toward: Tensor | None,
    steps: int,
) -> _Gradients:
    if toward is None:
        if steps != 1:
            raise InterventionError(f"{steps} steps were requested; with more than one, `toward` is needed")
        return _gradients_at(model, tokens, sites, metric, None)
    check_corrupted(tokens, toward)
    if steps < 1:
        raise InterventionError(f"{steps} steps were requested; at least 1 is needed")
    with torch.no_grad():
        start, end = (model.run_with_cache(x, names_filter="hook_embed")[1]["embed"] for x in (tokens, toward))
    clean = _gradients_at(model, tokens, sites, metric, None)
    total = {site: torch.zeros_like(value) for site, value in clean.values.items()}
    for step in range(steps):
        between = start + (step + 0.5) / steps * (end - start)
        for site, gradient in _gradients_at(model, tokens, sites, metric, between).gradients.items():
            total[site] += gradient / steps
    return _Gradients(clean.metric, clean.values, total)


def _gradients_at(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], sites: set[Site], metric: Metric, embed: Tensor | None
) -> _Gradients:
    """With `embed` instead of the token embedding. Gradients are those of activations only, not of weights."""
    kept: dict[Site, Tensor] = {}

    def keep(x: Tensor, *, hook: object, site: Site) -> Tensor:
        if site == _EMBED:
            x = (x if embed is None else embed).detach().requires_grad_()
        kept[site] = x
        return x

    check_padding(metric, tokens, model.find_padding(tokens))
    # Without gradients of weights there is a graph from the embedding on.
    hooks = [(site.path, partial(keep, site=site)) for site in {*sites, _EMBED}]
    with torch.enable_grad():
        logits = model.run_with_hooks(tokens, fwd_hooks=hooks)
        rows = logits[metric.positions(tokens)]
        rows = rows if metric.answers is None else rows.gather(-1, metric.answers(tokens))
        found = one_per_example(metric, rows, tokens)
        wanted = [site for site in kept if kept[site].requires_grad]
        gradients = torch.autograd.grad(found.sum(), [kept[site] for site in wanted], allow_unused=True)
    zeros = {site: torch.zeros_like(kept[site]) for site in kept}
    known = {site: one for site, one in zip(wanted, gradients, strict=True) if one is not None}
    return _Gradients(found.detach(), {site: x.detach() for site, x in kept.items()}, zeros | known)


def _edited(
    values: Mapping[Site, Tensor], targets: Sequence[Target], sources: Sources, window: Window, draw: int
) -> dict[Site, Tensor]:
    """The sites that a cell replaces, with what it puts there."""
    edited: dict[Site, Tensor] = {}
    for target in targets:
        x = edited.setdefault(target.site, values[target.site].clone())
        target.write(x, value_of(target, sources, window, draw), window)
    return edited


def _first_order(
    model: HookedTransformer, run: _Gradients, edited: Mapping[Site, Tensor], positions: PositionInfo
) -> Iterator[Float[Tensor, " batch"]]:
    """The terms of a cell's estimate; queries and keys of a layer have one, through its pattern."""
    through: dict[Site, Tensor] = {}
    for site, value in edited.items():
        if site.name in ("q", "k") and site.layer is not None:
            pattern = Site("pattern", site.layer)
            if pattern not in through:
                w = block_weights(model.weights, site.layer)
                through[pattern] = _pattern_of(model.config, w, site.layer, {**run.values, **edited}, positions)
        else:
            through[site] = through[site] + value - run.values[site] if site in through else value
    for site, value in through.items():
        change = upcast(value) - upcast(run.values[site])
        yield (upcast(run.gradients[site]) * change).flatten(1).sum(1)


def _pattern_of(
    config: ModelConfig, w: BlockWeights, layer: int, run: Mapping[Site, Tensor], positions: PositionInfo
) -> Float[Tensor, "batch head query_pos key_pos"]:
    """The pattern of a layer's queries and keys, as they are before their norm and rotary embedding."""
    q, k, v = (run[Site(name, layer)] for name in ("q", "k", "v"))
    q, k = qk_norm(config, w.q_norm_w, w.q_norm_b, q), qk_norm(config, w.k_norm_w, w.k_norm_b, k)
    if config.rotary is not None:
        q, k = apply_rotary(config, layer, q, positions), apply_rotary(config, layer, k, positions)
    tap = CacheTap([Site("pattern", layer)])
    attend_stepwise(config, layer, q, k, v, positions, tap, w.sinks)
    return tap.store[Site("pattern", layer).path]


def _receivers(model: HookedTransformer, run: _Gradients) -> Iterator[tuple[Component, list[str], Tensor]]:
    """(receiver, names of the inputs that read the stream where it does, gradients [batch pos name d_model])."""
    config = model.config
    for layer in range(config.n_layers):
        w = block_weights(model.weights, layer)
        for into in ("Q", "K", "V"):
            W = read_of_stream(config, w, into)
            size = config.n_heads // len(W)
            groups = [[head_label((layer, at * size + one)) for one in range(size)] for at in range(len(W))]
            made, gradient = (one[Site(into.lower(), layer)] for one in (run.values, run.gradients))
            if config.clip_qkv is not None:
                gradient = gradient * (made.abs() < config.clip_qkv)
            read = torch.einsum("bphe,hde->bphd", gradient, W)
            stream = run.values[Site("resid_pre", layer)]
            names = [f"{'+'.join(group)}.{into}" for group in groups]
            yield (layer, 0), names, _through_norm(config, w, layer, stream, read)
        if not config.attn_only:
            yield f"{layer}.mlp", [f"{layer}.mlp"], run.gradients[Site("mlp_in", layer)].unsqueeze(2)
    yield "logits", ["logits"], run.gradients[Site("resid_post", config.n_layers - 1)].unsqueeze(2)


def _through_norm(
    config: ModelConfig,
    w: BlockWeights,
    layer: int,
    x: Float[Tensor, "batch pos d_model"],
    gradient: Float[Tensor, "batch pos head d_model"],
) -> Float[Tensor, "batch pos head d_model"]:
    """Gradients at what attention reads, taken back through the norm before it, its scale included."""
    with torch.enable_grad():
        copies = x.unsqueeze(2).expand(gradient.shape).detach().requires_grad_()
        normed = norm_before(config, w.ln1_w, w.ln1_b, "ln1", layer, copies, NO_TAP)
        (found,) = torch.autograd.grad(normed, copies, gradient)
    return found


def _method(name: str, toward: Tensor | None, steps: int | None) -> str:
    return name if toward is None else f"{name}, integrated gradients of {steps} steps"
