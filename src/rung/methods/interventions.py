"""Replacing what a part of the model computes, and measuring what that changes.

An `Intervention` is a value: where, and what to put there. `taps` turns several into what a forward pass runs with,
`measure` into a metric before and after, and `ablate_heads` is that for heads.

A resampled head does not fall silent: it asserts what it would say of another sequence. A mean does fall silent, but
may lie where no run ever is. Zero is a stress test. (Wang et al. 2022, arXiv:2211.00593, section 3; Chan et al. 2022,
"Causal Scrubbing".)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..circuits.heads import Head, head_label
from ..engine.cache import ActivationCache
from ..engine.sites import LAST, Site, SiteKey, check_head, find_site
from ..engine.taps import Edit, EditTap, Tap
from ..engine.transformer import upcast
from ..errors import InterventionError
from ..model.model import HookedTransformer
from ..tasks.metrics import Metric

FEWEST_DONORS = 8
"""One donor asserts one wrong token; over this many, averaged logits come near to asserting none."""


@dataclass(frozen=True)
class Zero:
    """Nothing at all."""

    def __str__(self) -> str:
        return "zero"


@dataclass(frozen=True, eq=False)
class Mean:
    """The mean over reference sequences, for each position; those that are padded there are left out."""

    reference: Int[Tensor, "reference pos"]

    def __str__(self) -> str:
        return f"mean over {len(self.reference)} reference sequences, per position"


@dataclass(frozen=True, eq=False)
class Resample:
    """The value from other sequences: each example takes `draws` different ones in turn, and their logits are averaged.

    `donors` hold no scored example. Several parts resampled together take one and the same donor in each draw.
    """

    donors: Int[Tensor, "donor pos"]
    draws: int = FEWEST_DONORS
    seed: int = 0

    def __str__(self) -> str:
        return f"resample, {self.draws} of {len(self.donors)} donors, logits averaged, seed {self.seed}"


@dataclass(frozen=True, eq=False)
class Patch:
    """The value from another run: example i takes it from sequence i."""

    run: Int[Tensor, "batch pos"]

    def __str__(self) -> str:
        return "patch from another run"


Replacement = Zero | Mean | Resample | Patch | Tensor
"""What to put at a site. A tensor must broadcast to the part that it replaces."""


@dataclass(frozen=True, eq=False)
class Intervention:
    """One replacement: at `site`, of one head if the site has heads and one is given, at `positions` (None: all)."""

    site: SiteKey
    put: Replacement
    head: int | None = None
    positions: tuple[int, ...] | None = None

    def __str__(self) -> str:
        name = self.site if isinstance(self.site, str) else " ".join(str(x) for x in self.site if x is not None)
        head = "" if self.head is None else f", head {self.head}"
        return f"{name}{head}{'' if self.positions is None else f', positions {self.positions}'}: {_name(self.put)}"


@dataclass(frozen=True, eq=False)
class Effect:
    """A metric of each example, in the clean run and in the edited one."""

    labels: tuple[str, ...]
    """What was replaced, all of it together."""
    put: str
    """By what."""
    metric: str
    unit: str
    clean: Float[Tensor, " batch"]
    edited: Float[Tensor, " batch"]
    seed: int | None = None
    """What donors were drawn with; None: nothing was drawn."""
    draws: int = 1
    """Edited runs whose logits were averaged."""

    @property
    def change(self) -> Float[Tensor, " batch"]:
        """Edited minus clean, of each example."""
        return self.edited - self.clean

    @property
    def n(self) -> int:
        """Examples."""
        return self.clean.shape[0]


def on_head(head: Head, put: Replacement, positions: tuple[int, ...] | None = None) -> Intervention:
    """Replaces what `head` writes to the stream, by way of its z: [batch, pos, d_head], result = z W_O."""
    return Intervention(Site("z", head[0]), put, head[1], positions)


@torch.no_grad()
def taps(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], interventions: Sequence[Intervention]
) -> list[Tap]:
    """A tap for a run over `tokens` with all of `interventions`: one, or one for each draw if any is resampled.

    Where two write to the same place, the later one stands. Raises SiteError for a place that is not there,
    InterventionError for what cannot be put there.
    """
    places = [_Place.find(model, one) for one in interventions]
    sources = _record_sources(model, tokens, places)
    drawn = [one.put for one in interventions if isinstance(one.put, Resample)]
    if any(
        put.donors is not drawn[0].donors or (put.draws, put.seed) != (drawn[0].draws, drawn[0].seed) for put in drawn
    ):
        raise InterventionError("parts that are resampled together need the same donors, draws and seed")
    return [_tap(places, sources, tokens, draw) for draw in range(drawn[0].draws if drawn else 1)]


def hooks_of(tap: Tap) -> list[tuple[str, Callable[..., Tensor]]]:
    """A tap as `fwd_hooks` for `model.run_with_hooks`."""

    def through(x: Tensor, *, hook: Any, site: Site) -> Tensor:
        return tap(site.name, site.layer, x)

    return [(site.path, partial(through, site=site)) for site in tap.sites]


@torch.no_grad()
def run_with_interventions(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], interventions: Sequence[Intervention]
) -> Float[Tensor, "batch pos d_vocab"]:
    """Logits under all of `interventions` at once, averaged over the draws if any is resampled.

    Whatever hooks the model has run too, before these. Raises as `taps` does.
    """
    every = taps(model, tokens, interventions)
    total: Tensor | None = None
    for tap in every:
        logits = model.run_with_hooks(tokens, fwd_hooks=hooks_of(tap))
        total = upcast(logits) if total is None else total + logits
    assert total is not None
    return total / len(every)


def measure(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    interventions: Sequence[Intervention],
    metric: Metric,
    labels: Sequence[str] | None = None,
) -> Effect:
    """`metric` of each example in the clean run and under all of `interventions` at once.

    `labels` (None: the interventions themselves) name what was replaced. Raises as `taps` does.
    """
    drawn = next((one.put for one in interventions if isinstance(one.put, Resample)), None)
    edited = metric(run_with_interventions(model, tokens, interventions), tokens)
    with torch.no_grad():
        clean = metric(model(tokens), tokens)
    return Effect(
        labels=tuple(map(str, interventions)) if labels is None else tuple(labels),
        put="; ".join(dict.fromkeys(_name(one.put) for one in interventions)),
        metric=metric.name,
        unit=metric.unit,
        clean=clean,
        edited=edited,
        seed=None if drawn is None else drawn.seed,
        draws=1 if drawn is None else drawn.draws,
    )


def ablate_heads(
    model: HookedTransformer,
    tokens: Int[Tensor, "batch pos"],
    heads: Sequence[Head],
    put: Replacement,
    metric: Metric,
) -> Effect:
    """`metric` of each example with all of `heads` replaced together, and without.

    Raises SiteError for a head that is not there, InterventionError for no head or fewer than eight draws of donors.
    """
    if not heads:
        raise InterventionError("no head was given to ablate")
    if isinstance(put, Resample) and put.draws < FEWEST_DONORS:
        raise InterventionError(
            f"{put.draws} draws were asked for; a resampled head asserts a wrong token, so at least {FEWEST_DONORS} "
            "donors are averaged"
        )
    for head in heads:
        check_head(model.config, *head)
    return measure(model, tokens, [on_head(head, put) for head in heads], metric, [head_label(head) for head in heads])


@torch.no_grad()
def record(model: HookedTransformer, tokens: Int[Tensor, "batch pos"], sites: Sequence[Site]) -> ActivationCache:
    """What `sites` hold in a run over `tokens`, which ends where the last of them has been met."""
    layers = [site.layer for site in sites if site.layer is not None]
    to_the_end = any(site.name in LAST for site in sites)
    stop = None if to_the_end else max(layers, default=-1) + 1
    _, cache = model.run_with_cache(
        tokens, names_filter=[site.path for site in sites], return_type=None, stop_at_layer=stop
    )
    assert isinstance(cache, ActivationCache)
    return cache


@dataclass(frozen=True, eq=False)
class _Place:
    """An intervention and the axes it lies along."""

    site: Site
    put: Replacement
    head: int | None
    head_axis: int | None
    position_axis: int
    """Once the head is picked."""
    positions: tuple[int, ...] | None

    @classmethod
    def find(cls, model: HookedTransformer, one: Intervention) -> _Place:
        site = find_site(model.config, one.site)
        axes = list(site.kind.axes)
        along = None
        if one.head is not None:
            along = next((axis for axis in ("head", "kv_head") if axis in axes), None)
            if along is None or site.layer is None:
                raise InterventionError(f"head {one.head} was given for {site.path}, whose axes are {', '.join(axes)}")
            # Inputs of keys and values are shared by a group, though their axis is called head.
            shared = along == "kv_head" or site.name in ("k_input", "v_input")
            if shared and not 0 <= one.head < model.config.n_kv:
                raise InterventionError(
                    f"key/value head {one.head} was given for {site.path}, which has {model.config.n_kv}"
                )
            check_head(model.config, site.layer, one.head)
        head_axis = None if along is None else axes.index(along)
        if along is not None:
            axes.remove(along)
        position_axis = axes.index("pos" if "pos" in axes else "query_pos")
        return cls(site, one.put, one.head, head_axis, position_axis, one.positions)

    def part(self, x: Tensor) -> Tensor:
        """The view of the site's value that is replaced (but for positions)."""
        return x if self.head is None or self.head_axis is None else x.select(self.head_axis, self.head)

    def edit(self, x: Tensor, value: Tensor) -> Tensor:
        """The site's value with `value` in its place."""
        x = x.clone()
        part = self.part(x)
        try:
            value = value.to(x).broadcast_to(part.shape)
        except RuntimeError:
            raise InterventionError(
                f"a tensor of shape {list(value.shape)} cannot be put at {self.site.path}, where {list(part.shape)} is"
            ) from None
        if self.positions is None:
            part.copy_(value)
            return x
        n = part.shape[self.position_axis]
        if not all(-n <= at < n for at in self.positions):
            raise InterventionError(f"positions {self.positions} were given for {self.site.path}, which has {n}")
        at = torch.tensor([at % n for at in self.positions], device=x.device, dtype=torch.long)
        part.index_copy_(self.position_axis, at, value.index_select(self.position_axis, at))
        return x


def _name(put: Replacement) -> str:
    return f"a tensor of shape {list(put.shape)}" if isinstance(put, Tensor) else str(put)


def _source(put: Replacement) -> Tensor | None:
    """The sequences that a value is taken from."""
    match put:
        case Mean(reference=tokens) | Resample(donors=tokens) | Patch(run=tokens):
            return tokens
    return None


class _Source(NamedTuple):
    """What the places hold in a run that values come from, and where that run is padding (False; None: nowhere)."""

    cache: ActivationCache
    mask: Tensor | None


def _record_sources(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], places: Sequence[_Place]
) -> dict[int, _Source]:
    """What the places hold in the runs that their values come from, each run once: by id of its tokens."""
    wanted: dict[int, tuple[Tensor, list[Site]]] = {}
    for place in places:
        source = _source(place.put)
        if source is not None:
            _check_source(place.put, source, tokens)
            wanted.setdefault(id(source), (source, []))[1].append(place.site)
    return {
        key: _Source(record(model, source, sites), model.find_padding(source.to(model.device)))
        for key, (source, sites) in wanted.items()
    }


def _check_source(put: Replacement, source: Tensor, tokens: Tensor) -> None:
    if source.ndim != 2 or source.shape[1] != tokens.shape[1] or not len(source):
        raise InterventionError(
            f"values come from sequences as long as those scored, {tokens.shape[1]} tokens; "
            f"for {put} they have shape {list(source.shape)}"
        )
    if isinstance(put, Patch) and len(source) != len(tokens):
        raise InterventionError(f"a patch needs one sequence for each of {len(tokens)} examples; it has {len(source)}")
    if isinstance(put, Resample):
        if not 1 <= put.draws <= len(source):
            raise InterventionError(
                f"{put.draws} different donors were asked for each example; there are {len(source)}"
            )
        if (source.to(tokens.device)[:, None] == tokens).all(-1).any():
            raise InterventionError("a donor is one of the scored examples; donors come from outside the scored batch")


def _tap(places: Sequence[_Place], sources: dict[int, _Source], tokens: Tensor, draw: int) -> EditTap:
    """The tap of one draw. Values are picked when the run meets their site, so that draws hold no copies."""
    by_site: dict[Site, list[_Place]] = {}
    for place in places:
        by_site.setdefault(place.site, []).append(place)

    def edit(x: Tensor, here: list[_Place]) -> Tensor:
        for place in here:
            x = place.edit(x, _value(place, sources, len(tokens), draw))
        return x

    edits: dict[Site, Edit] = {site: partial(edit, here=here) for site, here in by_site.items()}
    return EditTap(edits)


def _value(place: _Place, sources: dict[int, _Source], batch: int, draw: int) -> Tensor:
    put = place.put
    if isinstance(put, Tensor):
        return put
    source = _source(put)
    if source is None:
        return torch.zeros(())
    cache, mask = sources[id(source)]
    held = place.part(cache[place.site])
    if isinstance(put, Mean):
        return held.mean(0, keepdim=True) if mask is None else _mean_of_real(held, mask, place.position_axis)
    if isinstance(put, Resample):
        return held[donor_rows(put, batch)[draw].to(held.device)]
    return held


def _mean_of_real(held: Tensor, mask: Bool[Tensor, "reference pos"], position_axis: int) -> Tensor:
    """The mean over sequences for each position, of those that are not padded there."""
    shape = [1] * held.ndim
    shape[0], shape[position_axis] = mask.shape
    real = mask.view(shape)
    if not bool(mask.any(0).all()):
        at = int(mask.any(0).long().argmin())
        raise InterventionError(f"every reference sequence is padded at position {at}, so there is no mean of it")
    total: Tensor = held.masked_fill(~real, 0).sum(0, keepdim=True)
    return total / real.sum(0, keepdim=True)


def donor_rows(put: Resample, batch: int) -> Int[Tensor, "draw batch"]:
    """Which donor each example takes in each draw; an example never takes the same one twice."""
    generator = torch.Generator().manual_seed(put.seed)
    order = torch.rand(batch, len(put.donors), generator=generator).argsort(1)
    return order[:, : put.draws].T
