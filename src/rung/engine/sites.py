"""The places of a forward pass that have a name: where a tap can read and edit.

The one list of names. A site is written in full as people know it from module trees (`blocks.1.attn.hook_pattern`),
or in short as a name and a layer (`("pattern", 1)`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, SupportsIndex

from ..config import ModelConfig
from ..errors import SiteError, near
from .slicing import is_whole, whole


@dataclass(frozen=True)
class SiteKind:
    """What one name means: where it hangs in the module tree, its axes, and whether watching it costs a product."""

    path: str
    axes: tuple[str, ...]
    meaning: str
    on_request: bool = False
    """True: kept only when asked for by name, because it makes a tensor that the forward does not need, or one that
    the call returns.
    """


class Site(NamedTuple):
    """A kind of site in one layer; `layer` is None for those outside the blocks."""

    name: str
    layer: int | None = None

    @property
    def path(self) -> str:
        """The full hook name."""
        return SITE_KINDS[self.name].path.format(l=self.layer)

    @property
    def kind(self) -> SiteKind:
        return SITE_KINDS[self.name]


_RESID = ("batch", "pos", "d_model")
_HEADS = ("batch", "pos", "head", "d_head")
_KV_HEADS = ("batch", "pos", "kv_head", "d_head")
_SPLIT = ("batch", "pos", "head", "d_model")
_KV_SPLIT = ("batch", "pos", "kv_head", "d_model")
_PATTERN = ("batch", "head", "query_pos", "key_pos")
_SCALE = ("batch", "pos", "1")
_MLP = ("batch", "pos", "d_mlp")
_LOGITS = ("batch", "pos", "d_vocab")
_ROUTER = ("batch", "pos", "expert")

SITE_KINDS: dict[str, SiteKind] = {
    "embed": SiteKind("hook_embed", _RESID, "token embedding"),
    "pos_embed": SiteKind("hook_pos_embed", _RESID, "position embedding"),
    "resid_pre": SiteKind("blocks.{l}.hook_resid_pre", _RESID, "residual stream entering the block"),
    "attn_in": SiteKind("blocks.{l}.hook_attn_in", _SPLIT, "what each head reads, one copy a head", True),
    "q_input": SiteKind("blocks.{l}.hook_q_input", _SPLIT, "what each head's queries read, before the norm", True),
    "k_input": SiteKind("blocks.{l}.hook_k_input", _KV_SPLIT, "what each key head reads, before the norm", True),
    "v_input": SiteKind("blocks.{l}.hook_v_input", _KV_SPLIT, "what each value head reads, before the norm", True),
    "ln1.scale": SiteKind("blocks.{l}.ln1.hook_scale", _SCALE, "what the norm before attention divides by"),
    "ln1.normalized": SiteKind("blocks.{l}.ln1.hook_normalized", _RESID, "normalized input of attention"),
    "q": SiteKind("blocks.{l}.attn.hook_q", _HEADS, "queries"),
    "k": SiteKind("blocks.{l}.attn.hook_k", _KV_HEADS, "keys"),
    "v": SiteKind("blocks.{l}.attn.hook_v", _KV_HEADS, "values"),
    "rot_q": SiteKind("blocks.{l}.attn.hook_rot_q", _HEADS, "queries, turned by position"),
    "rot_k": SiteKind("blocks.{l}.attn.hook_rot_k", _KV_HEADS, "keys, turned by position"),
    "attn_scores": SiteKind("blocks.{l}.attn.hook_attn_scores", _PATTERN, "scores, −∞ at later keys"),
    "pattern": SiteKind("blocks.{l}.attn.hook_pattern", _PATTERN, "each query's weights over keys"),
    "z": SiteKind("blocks.{l}.attn.hook_z", _HEADS, "values averaged by the pattern"),
    "result": SiteKind("blocks.{l}.attn.hook_result", _SPLIT, "each head's own write to the stream", True),
    "ln1_post.scale": SiteKind("blocks.{l}.ln1_post.hook_scale", _SCALE, "what the norm after attention divides by"),
    "ln1_post.normalized": SiteKind("blocks.{l}.ln1_post.hook_normalized", _RESID, "normalized output of attention"),
    "attn_out": SiteKind("blocks.{l}.hook_attn_out", _RESID, "what attention writes to the stream"),
    "resid_mid": SiteKind("blocks.{l}.hook_resid_mid", _RESID, "residual stream between attention and MLP"),
    "mlp_in": SiteKind("blocks.{l}.hook_mlp_in", _RESID, "what the MLP reads, before the norm", True),
    "ln2.scale": SiteKind("blocks.{l}.ln2.hook_scale", _SCALE, "what the norm before the MLP divides by"),
    "ln2.normalized": SiteKind("blocks.{l}.ln2.hook_normalized", _RESID, "normalized input of the MLP"),
    "pre": SiteKind("blocks.{l}.mlp.hook_pre", _MLP, "neurons before the nonlinearity (the gate's, if gated)"),
    "pre_linear": SiteKind("blocks.{l}.mlp.hook_pre_linear", _MLP, "what the gate multiplies"),
    "post": SiteKind("blocks.{l}.mlp.hook_post", _MLP, "neurons after the nonlinearity (and the gate)"),
    "expert_weights": SiteKind("blocks.{l}.mlp.hook_expert_weights", _ROUTER, "weight of each expert, 0 if not chosen"),
    "ln2_post.scale": SiteKind("blocks.{l}.ln2_post.hook_scale", _SCALE, "what the norm after the MLP divides by"),
    "ln2_post.normalized": SiteKind("blocks.{l}.ln2_post.hook_normalized", _RESID, "normalized output of the MLP"),
    "mlp_out": SiteKind("blocks.{l}.hook_mlp_out", _RESID, "what the MLP writes to the stream"),
    "resid_post": SiteKind("blocks.{l}.hook_resid_post", _RESID, "residual stream leaving the block"),
    "ln_final.scale": SiteKind("ln_final.hook_scale", _SCALE, "what the last norm divides by"),
    "ln_final.normalized": SiteKind("ln_final.hook_normalized", _RESID, "output of the last norm, before w and b"),
    "unembed_in": SiteKind("unembed.hook_in", _RESID, "what the unembedding reads"),
    "unembed_out": SiteKind("unembed.hook_out", _LOGITS, "logits, before a scale or cap", True),
}  # fmt: skip

LAST = ("ln_final.scale", "ln_final.normalized", "unembed_in", "unembed_out")
"""Sites after the last block."""

_ALIASES = {
    "attn": "pattern",
    "attn_logits": "attn_scores",
    "key": "k",
    "query": "q",
    "value": "v",
    "mlp_pre": "pre",
    "mlp_post": "post",
}
"""Other short names that the field's code uses."""


@lru_cache(maxsize=64)
def sites_of(config: ModelConfig) -> tuple[Site, ...]:
    """Every site this model has, in the order the forward pass meets them."""
    absent: set[str] = set()
    if config.positional_embedding_type in (None, "rotary", "alibi"):
        absent |= {"pos_embed"}
    if config.rotary is None:
        absent |= {"rot_q", "rot_k"}
    if config.normalization_type is None:
        absent |= {name for name in SITE_KINDS if name.startswith("ln")}
    if config.norm_placement == "pre":
        absent |= {name for name in SITE_KINDS if "_post." in name}
    if config.norm_placement == "post":
        absent |= {"ln1.scale", "ln1.normalized", "ln2.scale", "ln2.normalized"}
    if config.attn_only:
        absent |= {"resid_mid", "mlp_in", "pre", "post", "mlp_out", *(name for name in SITE_KINDS if "ln2" in name)}
    if config.parallel_attn_mlp:
        absent |= {"resid_mid"}
    if not config.gated_mlp:
        absent |= {"pre_linear"}
    present = [name for name in SITE_KINDS if name not in absent]
    before = [Site(name) for name in present if name in ("embed", "pos_embed")]
    after = [Site(name) for name in present if name in LAST]
    within = [name for name in present if "{l}" in SITE_KINDS[name].path]
    # Each expert's neurons fire for its own tokens only: there is no one tensor of them.
    lacks = {True: {"pre", "pre_linear", "post"}, False: {"expert_weights"}}
    return (
        *before,
        *(
            Site(name, layer)
            for layer in range(config.n_layers)
            for name in within
            if name not in lacks[config.routed(layer)]
        ),
        *after,
    )


@lru_cache(maxsize=64)
def _by_path(config: ModelConfig) -> dict[str, Site]:
    return {site.path: site for site in sites_of(config)}


SiteKey = str | tuple[str, SupportsIndex] | tuple[str, SupportsIndex, str] | tuple[str, None] | Site


def find_site(config: ModelConfig, key: SiteKey) -> Site:
    """The site that `key` names: a full hook name, a short name, or a tuple (name, layer[, "ln1" | "ln2"]).

    Negative layers count from the end. Raises SiteError with near names when this model has no such site.
    """
    path = _spelled(config, key)
    found = _by_path(config).get(path) or _by_path(config).get(hook_name(path))
    if found is None:
        names = list(_by_path(config))
        raise SiteError(
            f"no hook named {path!r} in {config.model_name} "
            f"({config.n_layers} layers, {len(names)} hooks).{near(path, names)}"
        )
    return found


def _spelled(config: ModelConfig, key: object) -> str:
    match key:
        case str():
            return key
        case (str(name),) | (str(name), None):
            # A short name without its layer names no hook: it is left short for the error to quote.
            return name if "{l}" in hook_name(name) else hook_name(name)
        case (str(name), layer, *rest) if is_whole(layer):
            layer = whole(layer)
            at = layer + config.n_layers if layer < 0 else layer
            match rest:
                case []:
                    return hook_name(name, at)
                case [str(kind)]:
                    return hook_name(name, at, kind)
    raise SiteError(f'{key!r} names no hook: give a name, or a tuple like ("pattern", 1) or ("scale", 0, "ln1")')


def hook_name(name: str, layer: int | None = None, layer_type: str | None = None) -> str:
    """The full hook name for a short one: ("pattern", 1) → "blocks.1.attn.hook_pattern", ("scale", 0, "ln1") → ….

    A layer may be part of the name: "pattern1", "scale0ln1". A name that is already full, or unknown, comes back as it
    is.
    """
    joined = re.fullmatch(r"([a-z]+(?:_[a-z]+)*)(\d+)([a-z]\w*)?", name)
    if joined is not None and layer is None:
        name, layer, layer_type = joined[1], int(joined[2]), joined[3] or layer_type
    kind = _ALIASES.get(name, name)
    if kind in ("scale", "normalized"):
        kind = f"{layer_type or 'ln_final'}.{kind}"
    if kind not in SITE_KINDS:
        return name
    path = SITE_KINDS[kind].path
    return path if "{l}" in path and layer is None else path.format(l=layer)


def select_sites(config: ModelConfig, keys: Iterable[SiteKey]) -> frozenset[Site]:
    """The sites that `keys` name; a short name without a layer ("pattern") means every layer's."""
    chosen: set[Site] = set()
    for key in keys:
        short = _ALIASES.get(key, key) if isinstance(key, str) else None
        everywhere = [site for site in sites_of(config) if site.name == short]
        chosen |= set(everywhere) if everywhere else {find_site(config, key)}
    return frozenset(chosen)


def check_head(config: ModelConfig, layer: SupportsIndex, head: SupportsIndex) -> tuple[int, int]:
    """(layer, head), or SiteError if this model has no such head."""
    layer, head = whole(layer), whole(head)
    if not (0 <= layer < config.n_layers and 0 <= head < config.n_heads):
        layers = f"layers 0 to {config.n_layers - 1}" if config.n_layers else "no layers"
        raise SiteError(
            f"no head {layer}.{head} in {config.model_name}: it has {layers}, heads 0 to {config.n_heads - 1} in each"
        )
    return layer, head
