"""The description of a model: config, tokenizer, hooks and weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..config import ModelConfig, is_layered, weight_path, weight_shapes
from ..display import Shown
from ..engine.sites import Site, select_sites, sites_of
from ..model.model import HookedTransformer


@dataclass(frozen=True, repr=False)
class HookFacts(Shown):
    """One hook point: its `axes` and their `sizes`, where a size that depends on the input is the axis name."""

    name: str
    meaning: str
    axes: tuple[str, ...]
    sizes: tuple[int | str, ...]
    on_request: bool
    """Computed only when requested by name."""

    @property
    def shape(self) -> str:
        """The shape as text: "[batch, pos, d_model 128]"."""
        pairs = zip(self.axes, self.sizes, strict=True)
        return f"[{', '.join(axis if axis == size else f'{axis} {size}' for axis, size in pairs)}]"


@dataclass(frozen=True)
class TokenizerFacts:
    """A model's tokenizer: vocabulary size, and special tokens as (id, text)."""

    size: int
    special: dict[str, tuple[int, str]]


@dataclass(frozen=True, repr=False)
class Inspection(Shown):
    """A loaded model, after the processing that `config.processing` lists."""

    config: ModelConfig
    tokenizer: TokenizerFacts | None
    hooks: tuple[HookFacts, ...]
    weights: dict[str, tuple[int, ...]]
    """Shapes by classic name; weights of layers are listed once, with "{l}" for the layer."""

    def to_dict(self) -> dict[str, Any]:
        """The description as JSON values."""
        tokenizer = self.tokenizer and {"size": self.tokenizer.size, "special": self.tokenizer.special}
        return {
            "config": self.config.to_dict(),
            "parameters": self.config.n_params,
            "tokenizer": tokenizer,
            "hooks": [{"name": h.name, "meaning": h.meaning, "axes": h.axes, "sizes": h.sizes} for h in self.hooks],
            "weights": self.weights,
        }


def inspect(model: HookedTransformer) -> Inspection:
    """Describes `model`."""
    config = model.config
    weights = {
        weight_path(config, name).replace(".None.", ".{l}."): shape for name, shape in weight_shapes(config).items()
    }
    if not config.n_layers:
        weights = {weight_path(config, n): s for n, s in weight_shapes(config).items() if not is_layered(n)}
    hooks = tuple(hook_facts(config, site) for site in sites_of(config))
    return Inspection(config, _tokenizer(model), hooks, weights)


def find_hooks(config: ModelConfig, name: str) -> tuple[HookFacts, ...]:
    """The hooks with a full name, or with a short name in every layer. Raises SiteError if there are none."""
    wanted = select_sites(config, [name])
    return tuple(hook_facts(config, site) for site in sites_of(config) if site in wanted)


def hook_facts(config: ModelConfig, site: Site) -> HookFacts:
    """The shape and meaning of one site of this model."""
    sizes = {"d_model": config.d_model, "d_head": config.d_head, "head": config.n_heads, "kv_head": config.n_kv}
    if site.name in ("v", "z"):
        sizes["d_head"] = config.d_v
    neurons = None if site.layer is None else config.mlp_width(site.layer)
    if neurons is not None:
        sizes["d_mlp"] = neurons
    kind = site.kind
    return HookFacts(site.path, kind.meaning, kind.axes, tuple(sizes.get(a, a) for a in kind.axes), kind.on_request)


def _tokenizer(model: HookedTransformer) -> TokenizerFacts | None:
    tokenizer = model.tokenizer
    if tokenizer is None:
        return None
    ids = {"BOS": tokenizer.bos_token_id, "EOS": tokenizer.eos_token_id, "padding": tokenizer.pad_token_id}
    return TokenizerFacts(
        len(tokenizer), {name: (i, tokenizer.decode([i])) for name, i in ids.items() if i is not None}
    )
