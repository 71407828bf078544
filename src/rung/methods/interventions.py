"""Interventions on activations: what is replaced, and by which value.

An `Intervention` is a site and a replacement value. `taps` makes the taps of a forward pass from several
interventions; `methods.sweep` measures a metric under many of them.

Resample ablation does not remove a head's output: the head writes what it would write on another sequence. Mean
ablation removes the information, but the mean may be off-distribution. Zero ablation is a stress test. (Wang et al.
2022, arXiv:2211.00593, section 3; Chan et al. 2022, "Causal Scrubbing".)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple, SupportsIndex

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..circuits.heads import AnyHead, whole_head
from ..config import ModelConfig
from ..display import Shown
from ..engine.cache import ActivationCache
from ..engine.sites import LAST, Site, SiteKey, check_head, find_site
from ..engine.slicing import is_whole, whole
from ..engine.taps import Edit, EditTap, Tap
from ..engine.transformer import upcast
from ..errors import InterventionError
from ..model.model import HookedTransformer
from .footprint import MAX_MEMORY, TOKENS_AT_ONCE, run_bytes, site_floats

AFTER_BLOCKS = (*LAST, "unembed_out")
"""Sites after the last block."""

FEWEST_DONORS = 8
"""Least number of donors: one donor raises one wrong token's logit, which averaging over several nearly removes."""


@dataclass(frozen=True)
class Zero:
    """Zero ablation."""

    def __str__(self) -> str:
        return "zero"


@dataclass(frozen=True, eq=False)
class Mean:
    """Mean ablation: the mean over reference sequences, at each position; those padded there are left out."""

    reference: Int[Tensor, "reference pos"]

    def __str__(self) -> str:
        return f"mean over {len(self.reference)} reference sequences, per position"


@dataclass(frozen=True, eq=False)
class Resample:
    """Resample ablation: values from `draws` different donor sequences for each example; the logits are averaged.

    `donors` must not contain a scored example. Values that are resampled together come from the same donor in a draw.
    """

    donors: Int[Tensor, "donor pos"]
    draws: int = FEWEST_DONORS
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "draws", whole(self.draws))
        object.__setattr__(self, "seed", whole(self.seed))

    def __str__(self) -> str:
        return f"resample, {self.draws} of {len(self.donors)} donors, logits averaged, seed {self.seed}"


@dataclass(frozen=True, eq=False)
class Patch:
    """Activation patching: example i takes its value from sequence i of another run."""

    run: Int[Tensor, "batch pos"]

    def __str__(self) -> str:
        return "patch from another run"


@dataclass(frozen=True, eq=False)
class Edited:
    """A function of the value that is replaced.

    `edit(x, first)` is given the value from position `first` on and returns a tensor of the same shape. It may change
    no position outside the intervention's positions, and must not need the positions before `first`.
    """

    edit: Callable[[Tensor, int], Tensor]

    def __str__(self) -> str:
        return "a function of the value"


Replacement = Zero | Mean | Resample | Patch | Edited | Tensor
"""A replacement value. A tensor must broadcast to the shape of what it replaces."""


Positions = tuple[int, ...] | Bool[Tensor, "batch pos"] | None
"""Positions of every example, or a mask; None: all."""


@dataclass(frozen=True, eq=False)
class Intervention:
    """A replacement at `site`, for one `head` (None: all) and at `positions` (None: all).

    `positions` may be a mask with a row for each example, which has positions of its own.
    """

    site: SiteKey
    put: Replacement
    head: int | None = None
    positions: Positions = None

    def __post_init__(self) -> None:
        # Whole numbers of any library become Python's own.
        object.__setattr__(self, "head", whole(self.head))
        if isinstance(self.site, Site):
            object.__setattr__(self, "site", Site(self.site.name, whole(self.site.layer)))
        elif not isinstance(self.site, str):
            object.__setattr__(self, "site", tuple(whole(x) if is_whole(x) else x for x in self.site))
        if self.positions is not None and not isinstance(self.positions, Tensor):
            object.__setattr__(self, "positions", tuple(map(whole, self.positions)))

    def __str__(self) -> str:
        name = self.site if isinstance(self.site, str) else " ".join(str(x) for x in self.site if x is not None)
        head = "" if self.head is None else f", head {self.head}"
        if isinstance(self.positions, Tensor):
            positions = ", positions of each example's own"
        else:
            positions = "" if self.positions is None else f", positions {self.positions}"
        return f"{name}{head}{positions}: {replacement_name(self.put)}"


@dataclass(frozen=True, eq=False, repr=False)
class Effect(Shown):
    """A metric of each example, in the clean run and in the edited run."""

    labels: tuple[str, ...]
    """What was replaced, all together."""
    put: str
    """The replacement values."""
    metric: str
    unit: str
    clean: Float[Tensor, " batch"]
    edited: Float[Tensor, " batch"]
    seed: int | None = None
    """The seed of the donor draws; None: nothing was drawn."""
    draws: int = 1
    """Number of edited runs whose logits were averaged."""

    @property
    def change(self) -> Float[Tensor, " batch"]:
        """Edited minus clean metric of each example."""
        return self.edited - self.clean

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON holds it."""
        return {
            "replaced": list(self.labels),
            "by": self.put,
            "metric": self.metric,
            "unit": self.unit,
            "seed": self.seed,
            "draws": self.draws,
            "clean": self.clean.tolist(),
            "edited": self.edited.tolist(),
        }

    @property
    def n(self) -> int:
        """Number of examples."""
        return self.clean.shape[0]


def on_head(
    head: AnyHead, put: Replacement, positions: tuple[SupportsIndex, ...] | Bool[Tensor, "batch pos"] | None = None
) -> Intervention:
    """An intervention on the output of `head`, at its z: [batch, pos, d_head], result = z W_O."""
    layer, index = whole_head(head)
    at = positions if positions is None or isinstance(positions, Tensor) else tuple(map(whole, positions))
    return Intervention(Site("z", layer), put, index, at)


BEFORE_PATTERN = ("resid_pre", "attn_in", "q_input", "k_input", "v_input", "ln1.scale", "ln1.normalized", "q", "k", "v")
"""Sites of a block that its pattern, or what it averages, is made from; and `rot_q`, `rot_k`."""


def with_frozen_patterns(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], interventions: Sequence[Intervention]
) -> list[Intervention]:
    """The same interventions, with every attention pattern that they could change held at the clean run's.

    What remains is the effect through values, MLPs and the logits. Patterns are patched from a run over `tokens` in
    all layers after the first touched one, and in that layer if the intervention comes before its pattern; a pattern
    that is itself replaced is replaced after that. Raises SiteError for a site or head that is not there,
    InterventionError for an edit of attention scores, which a frozen pattern would undo.
    """
    config, clean = model.config, Patch(tokens)
    sites = [target.site for target in find_targets(model, tokens, interventions)]
    if any(site.name == "attn_scores" for site in sites):
        raise InterventionError("attention scores are replaced, which a frozen pattern would undo: replace the pattern")
    before = (*BEFORE_PATTERN, "rot_q", "rot_k")
    starts = [
        (config.n_layers if site.name in AFTER_BLOCKS else 0)
        if site.layer is None
        else site.layer + (site.name not in before)
        for site in sites
    ]
    layers = range(min(starts, default=config.n_layers), config.n_layers)
    return [*(Intervention(Site("pattern", layer), clean) for layer in layers), *interventions]


@torch.no_grad()
def taps(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], interventions: Sequence[Intervention]
) -> list[Tap]:
    """The taps of a run over `tokens` with all of `interventions`: one, or one for each draw if any is resampled.

    If two interventions edit the same values, the later one applies. Raises SiteError for a site that the model does
    not have, InterventionError for a replacement that does not fit.
    """
    targets = find_targets(model, tokens, interventions)
    sources = every_source(model, tokens, targets)
    return [edit_tap([(targets, draw)], sources, Window.whole(tokens)) for draw in range(n_draws(interventions))]


def hooks_of(tap: Tap) -> list[tuple[str, Callable[..., Tensor]]]:
    """A tap as the `fwd_hooks` argument of `model.run_with_hooks`."""

    def through(x: Tensor, *, hook: Any, site: Site) -> Tensor:
        return tap(site.name, site.layer, x)

    return [(site.path, partial(through, site=site)) for site in tap.sites]


@torch.no_grad()
def run_with_interventions(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], interventions: Sequence[Intervention]
) -> Float[Tensor, "batch pos d_vocab"]:
    """Logits under all of `interventions` together, averaged over the draws if any is resampled.

    The model's own hooks run before the interventions. Raises as `taps` does.
    """
    every = taps(model, tokens, interventions)
    total: Tensor | None = None
    for tap in every:
        logits = model.run_with_hooks(tokens, fwd_hooks=hooks_of(tap))
        total = upcast(logits) if total is None else total + logits
    assert total is not None
    return total / len(every)


@torch.no_grad()
def record(model: HookedTransformer, tokens: Int[Tensor, "batch pos"], sites: Sequence[Site]) -> ActivationCache:
    """The activations at `sites` in a run over `tokens`, which stops after the last of them."""
    stop = _stop_after(sites)
    _, cache = model.run_with_cache(
        tokens,
        names_filter=[site.path for site in sites],
        return_type="logits" if stop is None else None,
        stop_at_layer=stop,
    )
    assert isinstance(cache, ActivationCache)
    return cache


def _stop_after(sites: Collection[Site]) -> int | None:
    """The layer that a run which reads `sites` may stop before; None: it has to go to the end."""
    if any(site.name in AFTER_BLOCKS for site in sites):
        return None
    return max((site.layer for site in sites if site.layer is not None), default=-1) + 1


class Window(NamedTuple):
    """What a run computes: the positions `first` to `end` (exclusive) of `total`, of `rows` among all `examples`."""

    rows: slice | Int[Tensor, " row"]
    examples: int
    first: int
    end: int
    total: int

    @classmethod
    def whole(cls, tokens: Int[Tensor, "batch pos"]) -> Window:
        """All positions of all examples."""
        return cls(slice(None), len(tokens), 0, tokens.shape[1], tokens.shape[1])

    @property
    def batch(self) -> int:
        """Number of examples that are computed."""
        rows = self.rows
        return len(range(self.examples)[rows]) if isinstance(rows, slice) else len(rows)

    def rows_of(self, value: Tensor) -> Tensor:
        """A value of all examples, [example, …], for those that are computed."""
        return value[self.rows if isinstance(self.rows, slice) else self.rows.to(value.device)]


@dataclass(frozen=True, eq=False)
class Target:
    """The slice of a site that an intervention replaces."""

    site: Site
    put: Replacement
    head: int | None
    head_axis: int | None
    axes: tuple[str, ...]
    """The names of the slice's axes, after the head is selected."""
    positions: Positions
    """Counted from the first."""

    @classmethod
    def find(cls, config: ModelConfig, one: Intervention, shape: Sequence[int]) -> Target:
        """The slice that `one` replaces in tokens of `shape` [batch, pos].

        Raises SiteError for a site or head that the model does not have, InterventionError for a position that is not
        there or a head at a site without heads of their own.
        """
        site = find_site(config, one.site)
        axes = list(site.kind.axes)
        along = None if one.head is None else check_head_at(config, site, one.head)
        head_axis = None if along is None else axes.index(along)
        if along is not None:
            axes.remove(along)
        positions, length = one.positions, shape[1]
        if isinstance(positions, Tensor):
            if positions.dtype != torch.bool or positions.shape != torch.Size(shape):
                raise InterventionError(
                    f"positions of {site.path} are a {positions.dtype} tensor of shape {list(positions.shape)}; a mask "
                    f"of {list(shape)} examples and positions, or a tuple, is needed"
                )
        elif positions is not None:
            if not all(-length <= at < length for at in positions):
                raise InterventionError(f"positions {positions} were given for {site.path}, which has {length}")
            positions = tuple(at % length for at in positions)
        return cls(site, one.put, one.head, head_axis, tuple(axes), positions)

    @property
    def position_axis(self) -> int:
        """The position axis, or that of the queries, after the head is selected."""
        return self.axes.index("pos" if "pos" in self.axes else "query_pos")

    @property
    def first(self) -> int:
        """The first position that is replaced."""
        if isinstance(self.positions, Tensor):
            return int(self.positions.any(0).byte().argmax())
        return 0 if self.positions is None else min(self.positions, default=0)

    def part(self, x: Tensor) -> Tensor:
        """The view of the site's value that is replaced, at all positions."""
        return x if self.head is None or self.head_axis is None else x.select(self.head_axis, self.head)

    def write(self, x: Tensor, value: Tensor | Edited, window: Window) -> None:
        """Replaces the slice of the site's value `x`, which has the positions of `window`, in place."""
        part, axis = self.part(x), self.position_axis
        if isinstance(value, Edited):
            part.copy_(value.edit(part.clone(), window.first))
            return
        spans = {axis: (window.first, part.shape[axis])}
        if "key_pos" in self.axes:
            spans[self.axes.index("key_pos")] = (0, window.end)
        shape = [window.total if along in spans else size for along, size in enumerate(part.shape)]
        try:
            value = value.to(x).broadcast_to(shape)
        except RuntimeError:
            raise InterventionError(
                f"a tensor of shape {list(value.shape)} cannot replace {self.site.path}, of shape {shape}"
            ) from None
        for along, (start, count) in spans.items():
            value = value.narrow(along, start, count)
        if self.positions is None:
            part.copy_(value)
            return
        if isinstance(self.positions, Tensor):
            here = window.rows_of(self.positions)[:, window.first : window.end].to(x.device)
            sizes = [1] * part.ndim
            sizes[0], sizes[axis] = here.shape
            part.copy_(torch.where(here.view(sizes), value, part))
            return
        inside = [place - window.first for place in self.positions if window.first <= place < window.end]
        at = torch.tensor(inside, device=x.device, dtype=torch.long)
        part.index_copy_(axis, at, value.index_select(axis, at))


def check_head_at(config: ModelConfig, site: Site, head: int) -> str:
    """The axis along which `site` has heads, or an error if it has none or not this one."""
    axes = site.kind.axes
    along = next((axis for axis in ("head", "kv_head") if axis in axes), None)
    if along is None or site.layer is None:
        raise InterventionError(f"head {head} was given for {site.path}, whose axes are {', '.join(axes)}")
    check_head(config, site.layer, head)
    if along == "kv_head" and head >= config.n_kv:
        group = config.n_heads // config.n_kv
        shared = head // group
        raise InterventionError(
            f"key/value head {head} was given for {site.path}, which has {config.n_kv}: head {site.layer}.{head} has "
            f"none of its own, but belongs to the group of heads {shared * group} to {shared * group + group - 1}, "
            f"which share key/value head {shared}"
        )
    return along


def find_targets(
    model: HookedTransformer, tokens: Int[Tensor, "batch pos"], interventions: Sequence[Intervention]
) -> list[Target]:
    """What interventions that apply together replace. Raises as `taps` does."""
    targets = [Target.find(model.config, one, tokens.shape) for one in interventions]
    drawn = [one.put for one in interventions if isinstance(one.put, Resample)]
    if any(
        put.donors is not drawn[0].donors or (put.draws, put.seed) != (drawn[0].draws, drawn[0].seed) for put in drawn
    ):
        raise InterventionError("interventions that are resampled together need the same donors, draws and seed")
    return targets


def n_draws(interventions: Sequence[Intervention]) -> int:
    """The number of runs whose logits are averaged."""
    return next((one.put.draws for one in interventions if isinstance(one.put, Resample)), 1)


def replacement_name(put: Replacement) -> str:
    """A replacement in words."""
    return f"a tensor of shape {list(put.shape)}" if isinstance(put, Tensor) else str(put)


class SourceKey(NamedTuple):
    """A token tensor, by id, and what is kept of its run: the mean of its sequences, all of them, or those of the
    examples that run.
    """

    tokens: int
    kept: Literal["mean", "all", "own"]


Sources = Mapping[SourceKey, Mapping[Site, Tensor]]
"""What sites hold in the runs that values come from."""


def source_key(put: Replacement) -> SourceKey:
    """Where among the sources a replacement's values are found."""
    return SourceKey(id(_source(put)), "mean" if isinstance(put, Mean) else "own" if isinstance(put, Patch) else "all")


def _source(put: Replacement) -> Tensor | None:
    """The sequences that replacement values are taken from, if any."""
    match put:
        case Mean(reference=tokens) | Resample(donors=tokens) | Patch(run=tokens):
            return tokens
    return None


def every_source(model: HookedTransformer, tokens: Int[Tensor, "batch pos"], targets: Sequence[Target]) -> Sources:
    """Activations at the targets' sites on the source sequences, of all examples."""
    check_sources(tokens, targets)
    return {**record_sources(model, targets), **record_patches(model, targets)}


def check_sources(tokens: Int[Tensor, "batch pos"], targets: Sequence[Target]) -> None:
    """Raises InterventionError for source sequences that do not fit the examples."""
    for put in {id(target.put): target.put for target in targets}.values():
        source = _source(put)
        if source is not None:
            _check_source(put, source, tokens)


def record_sources(model: HookedTransformer, targets: Sequence[Target], max_memory: int = MAX_MEMORY) -> Sources:
    """Activations at the targets' sites on the sources that examples share; each source is run once."""
    found: dict[SourceKey, Mapping[Site, Tensor]] = {}
    for key, (source, sites) in _wanted(targets).items():
        if key.kept == "mean":
            found[key] = _record_means(model, _Source(source, sites, max_memory))
        elif key.kept == "all":
            kept = sum(site_floats(model.config, site, source.shape[1]) for site in sites) * model.dtype.itemsize
            found[key] = _record_each(model, _Source(source, sites, max_memory - len(source) * kept))
    return found


def record_patches(
    model: HookedTransformer, targets: Sequence[Target], examples: slice = slice(None), max_memory: int = MAX_MEMORY
) -> Sources:
    """Activations at the targets' sites on the sequences that these examples are patched from."""
    return {
        key: _record_each(model, _Source(source, sites, max_memory, examples))
        for key, (source, sites) in _wanted(targets).items()
        if key.kept == "own"
    }


def _wanted(targets: Sequence[Target]) -> Mapping[SourceKey, tuple[Tensor, set[Site]]]:
    """The source sequences, and the sites that they are read at."""
    wanted: dict[SourceKey, tuple[Tensor, set[Site]]] = {}
    for target in targets:
        source = _source(target.put)
        if source is not None:
            wanted.setdefault(source_key(target.put), (source, set()))[1].add(target.site)
    return wanted


class _Source(NamedTuple):
    """Sequences, the sites that are read on them, and how many bytes their runs may hold."""

    tokens: Int[Tensor, "batch pos"]
    sites: set[Site]
    max_memory: int
    examples: slice = slice(None)
    """The sequences that are run."""

    def at_once(self, model: HookedTransformer) -> int:
        """Sequences that run together; all of them where the model's own hooks see whole batches."""
        if any(point.fwd_hooks or point.bwd_hooks for point in model.hook_points()):
            return len(self.tokens)
        length = self.tokens.shape[1]
        most = self.max_memory // max(1, run_bytes(model, self.sites, length, length))
        return max(1, most if model.device.type != "cpu" else min(most, TOKENS_AT_ONCE // max(1, length)))


def _run_some(
    model: HookedTransformer, source: _Source, tap_of: Callable[[Bool[Tensor, "some pos"] | None], Tap]
) -> None:
    """Runs a source, some sequences at a time, up to the last site that is read, with a tap that is made from the
    padding of those that run.
    """
    stop, size = _stop_after(source.sites), source.at_once(model)
    mask, tokens = model.find_padding(source.tokens.to(model.device)), source.tokens[source.examples]
    mask = None if mask is None else mask[source.examples]
    for at in range(0, len(tokens), size):
        real = None if mask is None else mask[at : at + size]
        model.run_with_hooks(
            tokens[at : at + size],
            return_type="logits" if stop is None else None,
            stop_at_layer=stop,
            fwd_hooks=hooks_of(tap_of(real)),
            attention_mask=real,
        )


def _record_each(model: HookedTransformer, source: _Source) -> Mapping[Site, Tensor]:
    parts: dict[Site, list[Tensor]] = {site: [] for site in source.sites}

    def keep(x: Tensor, site: Site) -> None:
        # Copied: what follows may change it in place.
        parts[site].append(x.clone())

    tap = EditTap({site: partial(keep, site=site) for site in parts})
    _run_some(model, source, lambda real: tap)
    # One site after the other, so that few are held twice.
    return {site: torch.cat(parts.pop(site)) for site in source.sites}


def _record_means(model: HookedTransformer, source: _Source) -> Mapping[Site, Tensor]:
    """The mean of each site over the sequences that are not padded there; other activations are not kept."""
    reference = source.tokens
    mask = model.find_padding(reference.to(model.device))
    counts = torch.full(reference.shape[1:], len(reference)) if mask is None else mask.sum(0)
    if not bool(counts.all()):
        at = int((counts == 0).byte().argmax())
        raise InterventionError(f"every reference sequence is padded at position {at}, so there is no mean of it")
    totals: dict[Site, Tensor] = {}
    dtype = model.dtype

    def add(x: Tensor, site: Site, real: Bool[Tensor, "some pos"] | None) -> None:
        held = x if real is None else x.masked_fill(~_along_positions(real, site), 0)
        total = upcast(held).sum(0, keepdim=True)
        totals[site] = totals[site] + total if site in totals else total

    def tap_of(real: Bool[Tensor, "some pos"] | None) -> Tap:
        return EditTap({site: partial(add, site=site, real=real) for site in source.sites})

    _run_some(model, source, tap_of)
    return {
        site: (total / _along_positions(counts[None].to(total.device), site)).to(dtype)
        for site, total in totals.items()
    }


def _along_positions(values: Tensor, site: Site) -> Tensor:
    """[batch, pos] as it is broadcast along a site's axes."""
    axes = site.kind.axes
    shape = [1] * len(axes)
    shape[0], shape[axes.index("pos" if "pos" in axes else "query_pos")] = values.shape
    return values.view(shape)


def _check_source(put: Replacement, source: Tensor, tokens: Tensor) -> None:
    if source.ndim != 2 or source.shape[1] != tokens.shape[1] or not len(source):
        raise InterventionError(
            f"{put}: the source sequences have shape {list(source.shape)}; they must be as long as the scored ones, "
            f"{tokens.shape[1]} tokens"
        )
    if isinstance(put, Patch) and len(source) != len(tokens):
        raise InterventionError(
            f"a patch needs one source sequence for each of {len(tokens)} examples; it has {len(source)}"
        )
    if isinstance(put, Resample):
        if not 1 <= put.draws <= len(source):
            raise InterventionError(
                f"{put.draws} different donors were requested for each example; there are {len(source)}"
            )
        if (source.to(tokens.device)[:, None] == tokens).all(-1).any():
            raise InterventionError("a donor is one of the scored examples; donors must be other sequences")


def edit_tap(runs: Sequence[tuple[Sequence[Target], int]], sources: Sources, window: Window) -> EditTap:
    """The tap of a run that stacks several: (what is replaced, the draw) of each, on copies of the same examples.

    Values are selected when the run reaches their site, so that draws hold no copies.
    """
    by_site: dict[Site, list[tuple[int, Target, int]]] = {}
    for at, (targets, draw) in enumerate(runs):
        for target in targets:
            by_site.setdefault(target.site, []).append((at, target, draw))

    def edit(x: Tensor, here: Sequence[tuple[int, Target, int]]) -> Tensor:
        x = x.clone()
        for at, target, draw in here:
            own = x[at * window.batch : (at + 1) * window.batch]
            target.write(own, value_of(target, sources, window, draw), window)
        return x

    edits: dict[Site, Edit] = {site: partial(edit, here=here) for site, here in by_site.items()}
    return EditTap(edits)


def value_of(target: Target, sources: Sources, window: Window, draw: int) -> Tensor | Edited:
    """The value that a target is given in one of its draws, for the examples of `window`."""
    put = target.put
    if isinstance(put, Edited):
        return put
    source = _source(put)
    if source is not None:
        value = target.part(sources[source_key(put)][target.site])
    else:
        value = put if isinstance(put, Tensor) else torch.zeros(())
    if isinstance(put, Resample):
        return value[window.rows_of(donor_rows(put, window.examples)[draw]).to(value.device)]
    if isinstance(put, Patch) or value.ndim < len(target.axes) or len(value) == 1:
        return value
    if len(value) != window.examples:
        raise InterventionError(
            f"a tensor of shape {list(value.shape)} cannot replace {target.site.path} of {window.examples} examples"
        )
    return window.rows_of(value)


def donor_rows(put: Resample, batch: int) -> Int[Tensor, "draw batch"]:
    """The donor of each example in each draw, without replacement for an example."""
    generator = torch.Generator().manual_seed(put.seed)
    order = torch.rand(batch, len(put.donors), generator=generator).argsort(1)
    return order[:, : put.draws].T
