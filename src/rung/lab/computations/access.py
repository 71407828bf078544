"""Section 2, the inspector: hooks and weights by name, their shape, meaning and values on the reader's text."""

from __future__ import annotations

from textwrap import dedent

import msgspec
import torch
from torch import Tensor

from ...config import ModelConfig, is_layered, weight_path, weight_shapes
from ...engine.sites import Site, sites_of
from ...errors import RungError, near
from ...methods.inspection import hook_facts, inspect
from ...methods.source_lines import hook_source
from ..computation import DEFAULT_MODEL, Answer, Array, Ask, Computation, Job, Lab, computation, text_tokens

DEFAULT_TEXT = "The President of the United States"
MOST_VALUES = 2**16
"""Numbers of one tensor that travel to the page; of a larger one, the first of its last axis."""
MOST_COLUMNS = 128


class ModelAsk(Ask, frozen=True, kw_only=True):
    """A model and the reader's text."""

    model: str = DEFAULT_MODEL
    text: str = DEFAULT_TEXT


class HookName(msgspec.Struct, frozen=True):
    """One hook point, with the sizes that it has for this text."""

    name: str
    meaning: str
    axes: tuple[str, ...]
    sizes: list[int]
    layer: int | None
    on_request: bool
    """Made only when it is asked for by name."""


class WeightName(msgspec.Struct, frozen=True):
    """One weight."""

    name: str
    meaning: str
    sizes: list[int]
    layer: int | None


class Names(Answer, frozen=True, kw_only=True):
    """What a model is made of."""

    model: str
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_model: int
    d_head: int
    d_mlp: int | None
    n_ctx: int
    parameters: int
    vocabulary: int
    """Tokens that the model can predict."""
    bos: str | None
    tokens: list[str]
    ids: list[int]
    hooks: list[HookName]
    weights: list[WeightName]


class HookAsk(Ask, frozen=True, kw_only=True):
    """One hook's values on the reader's text."""

    name: str
    """As in `hooks`: "blocks.1.attn.hook_pattern"."""
    model: str = DEFAULT_MODEL
    text: str = DEFAULT_TEXT


class Line(msgspec.Struct, frozen=True):
    """One line of a file."""

    number: int
    code: str


class Source(msgspec.Struct, frozen=True):
    """Where in the forward pass a hook is called, with lines around it."""

    file: str
    function: str
    line: int
    lines: list[Line]
    caller: Line | None
    """Where several hooks share the line: the line that says which of them it is."""
    caller_function: str | None


class Values(Answer, frozen=True, kw_only=True):
    """One tensor: its numbers and what they are like."""

    name: str
    meaning: str
    axes: tuple[str, ...]
    sizes: list[int]
    values: Array
    """Without the batch axis; −∞, at keys that a query may not see, is NaN."""
    cut: bool
    """Whether the last axis was longer than what is in `values`."""
    low: float
    high: float
    mean: float
    std: float
    tokens: list[str]
    """The text's tokens, for axes of positions; of W_E, W_pos and W_U the rows or columns are tokens, or positions."""
    source: Source | None


class WeightAsk(Ask, frozen=True, kw_only=True):
    """One weight's values."""

    name: str
    """As in `weights`: "blocks.0.attn.W_Q"."""
    model: str = DEFAULT_MODEL


WEIGHT_MEANINGS = {
    "W_E": ("token", "d_model", "each token's embedding: what enters the stream"),
    "W_pos": ("pos", "d_model", "each position's embedding"),
    "W_Q": ("head", "d_model", "d_head", "makes queries of the stream: what a head asks for"),
    "W_K": ("kv_head", "d_model", "d_head", "makes keys of the stream: what a position offers to be found by"),
    "W_V": ("kv_head", "d_model", "d_head", "makes values of the stream: what is carried from a position"),
    "W_O": ("head", "d_head", "d_model", "writes what was carried back to the stream"),
    "W_in": ("d_model", "d_mlp", "what each neuron reads"),
    "W_gate": ("d_model", "d_mlp", "what opens each neuron's gate"),
    "W_out": ("d_mlp", "d_model", "what each neuron writes"),
    "W_U": ("d_model", "token", "reads each token's logit off the stream"),
}
"""Axes, and then a few words, for the weights that every reader meets."""


@computation("access.names")
def names(lab: Lab, ask: ModelAsk, job: Job) -> Names:
    """A model's sizes, its tokens of the text, and every hook and weight by name."""
    model = lab.model(ask.model)
    config, found = model.config, inspect(model)
    ids = text_tokens(model, ask.text)[0].tolist()
    bos = config.bos_token_id
    return Names(
        model=config.model_name,
        n_layers=config.n_layers,
        n_heads=config.n_heads,
        n_kv_heads=config.n_kv,
        d_model=config.d_model,
        d_head=config.d_head,
        d_mlp=config.d_mlp,
        n_ctx=config.n_ctx,
        parameters=config.n_params,
        vocabulary=config.n_out,
        bos=None if bos is None else model.token_text(bos),
        tokens=[model.token_text(token) for token in ids],
        ids=ids,
        hooks=[
            HookName(
                facts.name,
                facts.meaning,
                facts.axes,
                _sizes(facts.sizes, len(ids), config),
                site.layer,
                facts.on_request,
            )
            for site, facts in zip(sites_of(config), found.hooks, strict=True)
        ],
        weights=[
            WeightName(path, _weight_meaning(name)[1], list(shape), layer)
            for path, (name, layer, shape) in _weights(lab, ask.model).items()
        ],
    )


@computation("access.hook")
def hook(lab: Lab, ask: HookAsk, job: Job) -> Values:
    """One hook's values on the text, and the line of the forward pass where it is called."""
    model = lab.model(ask.model)
    sites = {site.path: site for site in sites_of(model.config)}
    if ask.name not in sites:
        raise RungError(f"{model.config.model_name} has no hook {ask.name!r}.{near(ask.name, sites)}")
    site, tokens = sites[ask.name], text_tokens(model, ask.text)
    job.progress(f"running {ask.model} with {ask.name} kept", 0, 1)
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens, names_filter=[ask.name])
    facts = hook_facts(model.config, site)
    return _values(
        ask.name,
        facts.meaning,
        facts.axes[1:],
        cache[ask.name][0],
        [model.token_text(token) for token in tokens[0].tolist()],
        _source(lab, ask.model, site),
    )


@computation("access.weight")
def weight(lab: Lab, ask: WeightAsk, job: Job) -> Values:
    """One weight's values."""
    model = lab.model(ask.model)
    known = _weights(lab, ask.model)
    if ask.name not in known:
        raise RungError(f"{model.config.model_name} has no weight {ask.name!r}.{near(ask.name, known)}")
    name, layer, _ = known[ask.name]
    held = model.weights[name]
    tensor = held if isinstance(held, Tensor) else held[layer or 0]
    assert tensor is not None
    axes, meaning = _weight_meaning(name)
    axes = axes or tuple(f"axis {at}" for at in range(tensor.ndim))
    texts = [model.token_text(token) for token in range(min(model.config.d_vocab, MOST_COLUMNS))]
    return _values(ask.name, meaning, axes, tensor, texts if "token" in axes else [], None)


def _weights(lab: Lab, name: str) -> dict[str, tuple[str, int | None, tuple[int, ...]]]:
    """Every weight by its full name, as (engine's name, layer, shape)."""
    config = lab.model(name).config
    found: dict[str, tuple[str, int | None, tuple[int, ...]]] = {}
    for each, shape in weight_shapes(config).items():
        if not is_layered(each):
            found[weight_path(config, each)] = (each, None, shape)
    for layer in range(config.n_layers):
        for each, shape in weight_shapes(config, layer).items():
            if is_layered(each):
                found[weight_path(config, each, layer)] = (each, layer, shape)
    return found


def _weight_meaning(name: str) -> tuple[tuple[str, ...], str]:
    """The axes (empty: not among those with names) and a few words."""
    if name in WEIGHT_MEANINGS:
        *axes, meaning = WEIGHT_MEANINGS[name]
        return tuple(axes), meaning
    return (), "a bias: added whatever is read" if name.startswith("b_") or name.endswith("_b") else ""


def _sizes(sizes: tuple[int | str, ...], n_tokens: int, config: ModelConfig) -> list[int]:
    """Numbers for all sizes: one text, its tokens, and the vocabulary."""
    known = {"batch": 1, "1": 1, "d_vocab": config.n_out, "expert": config.n_experts or 0}
    known |= dict.fromkeys(("pos", "query_pos", "key_pos"), n_tokens)
    return [size if isinstance(size, int) else known[size] for size in sizes]


def _values(
    name: str, meaning: str, axes: tuple[str, ...], tensor: Tensor, tokens: list[str], source: Source | None
) -> Values:
    values = tensor.detach().float()
    finite = values[values.isfinite()]
    shown = values.masked_fill(~values.isfinite(), torch.nan)
    # A reader looks at one matrix at a time; wide ones are cut, and so are long tables of tokens.
    if shown.ndim and shown.shape[-1] > MOST_COLUMNS:
        shown = shown[..., :MOST_COLUMNS]
    if axes and axes[0] == "token" and len(shown) > MOST_COLUMNS:
        shown = shown[:MOST_COLUMNS]
    if shown.numel() > MOST_VALUES:
        shown = shown[: max(1, MOST_VALUES // max(1, shown[0].numel()))]
    return Values(
        name=name,
        meaning=meaning,
        axes=axes,
        sizes=list(values.shape),
        values=Array.of(shown),
        cut=shown.shape != values.shape,
        low=float(finite.min()),
        high=float(finite.max()),
        mean=float(finite.mean()),
        std=float(finite.std(correction=0)),
        tokens=tokens,
        source=source,
    )


def _source(lab: Lab, name: str, site: Site) -> Source:
    found = hook_source(lab.model(name).config, site)
    code = dedent("\n".join(text for _, text in found.lines)).split("\n")
    return Source(
        found.file,
        found.tap.function,
        found.tap.number,
        [Line(number, text) for (number, _), text in zip(found.lines, code, strict=True)],
        None if found.caller is None else Line(found.caller.number, found.caller.code),
        None if found.caller is None else found.caller.function,
    )


COMPUTATIONS: tuple[Computation, ...] = (names, hook, weight)
