"""One description of a decoder-only transformer, whatever family it came from.

Torch-free and frozen. An absent part is `None` (no MLP: `d_mlp=None`; no norm: `normalization_type=None`), an
absent bias is a name that `biases` does not list. `weight_shapes` derives every weight from it.
"""

import sys
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Literal, get_args

from ..errors import ConfigError, near

Normalization = Literal["LN", "LNPre", "RMS", "RMSPre"]
Placement = Literal["pre", "post", "both"]
Positions = Literal["standard", "sinusoidal", "shortformer", "rotary", "alibi"]
Direction = Literal["causal", "bidirectional"]
Activation = Literal["gelu", "gelu_new", "quick_gelu", "relu", "silu"]
Scaling = Literal["linear", "dynamic", "llama3", "yarn", "longrope"]

WEIGHT_PATHS: Mapping[str, str] = {
    "W_E": "embed.W_E",
    "ln_embed_w": "embed.ln.w",
    "ln_embed_b": "embed.ln.b",
    "W_pos": "pos_embed.W_pos",
    "ln1_w": "blocks.{l}.ln1.w",
    "ln1_b": "blocks.{l}.ln1.b",
    "W_Q": "blocks.{l}.attn.W_Q",
    "W_K": "blocks.{l}.attn.W_K",
    "W_V": "blocks.{l}.attn.W_V",
    "W_O": "blocks.{l}.attn.W_O",
    "b_Q": "blocks.{l}.attn.b_Q",
    "b_K": "blocks.{l}.attn.b_K",
    "b_V": "blocks.{l}.attn.b_V",
    "b_O": "blocks.{l}.attn.b_O",
    "q_norm_w": "blocks.{l}.attn.q_norm.w",
    "q_norm_b": "blocks.{l}.attn.q_norm.b",
    "k_norm_w": "blocks.{l}.attn.k_norm.w",
    "k_norm_b": "blocks.{l}.attn.k_norm.b",
    "ln1_post_w": "blocks.{l}.ln1_post.w",
    "ln2_w": "blocks.{l}.ln2.w",
    "ln2_b": "blocks.{l}.ln2.b",
    "W_router": "blocks.{l}.mlp.W_router",
    "W_gate": "blocks.{l}.mlp.W_gate",
    "W_in": "blocks.{l}.mlp.W_in",
    "W_out": "blocks.{l}.mlp.W_out",
    "b_gate": "blocks.{l}.mlp.b_gate",
    "b_in": "blocks.{l}.mlp.b_in",
    "b_out": "blocks.{l}.mlp.b_out",
    "W_router_shared": "blocks.{l}.mlp.shared.W_router",
    "W_gate_shared": "blocks.{l}.mlp.shared.W_gate",
    "W_in_shared": "blocks.{l}.mlp.shared.W_in",
    "W_out_shared": "blocks.{l}.mlp.shared.W_out",
    "ln2_post_w": "blocks.{l}.ln2_post.w",
    "ln_final_w": "ln_final.w",
    "ln_final_b": "ln_final.b",
    "W_U": "unembed.W_U",
    "b_U": "unembed.b_U",
}
"""Each weight's name in the engine, and the classic name it has in a module tree and in files."""

_ALL_BIASES = tuple(name for name in WEIGHT_PATHS if name.startswith("b_") or name.endswith("_b"))
BIASES = tuple(name for name in _ALL_BIASES if name not in ("ln_embed_b", "q_norm_b", "k_norm_b"))
"""Those of a model whose norms stand before attention, MLP and unembedding only."""
GROUPED = ("W_K", "W_V", "b_K", "b_V")
"""Weights with one entry per key/value head, stored under a leading underscore when heads share them."""


@dataclass(frozen=True, kw_only=True)
class RotaryScaling:
    """How rotary frequencies are stretched beyond the context a model was first trained on, `original_n_ctx`.

    `linear` divides every angle by `factor`. `dynamic` raises the base with the length of what is read, once that is
    longer. `llama3` divides only the slow ones: wavelengths above `original_n_ctx / low_freq_factor` fully, those below
    `original_n_ctx / high_freq_factor` not at all, a ramp between. `yarn` (Peng et al. 2023, arXiv:2309.00071) does so
    by coordinate, between those that turn `beta_fast` and `beta_slow` times. `longrope` (Ding et al. 2024,
    arXiv:2402.13753) divides each frequency by its own number, one set for short inputs and one for longer.
    """

    kind: Scaling
    factor: float
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_n_ctx: int = 8192
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    whole_coordinates: bool = True
    """yarn's ramp begins and ends at whole coordinates."""
    short_factors: tuple[float, ...] = ()
    long_factors: tuple[float, ...] = ()
    attention_factor: float = 1.0
    """Cosines and sines are multiplied by this."""

    def __post_init__(self) -> None:
        _check_fields(vars(self))
        if self.low_freq_factor >= self.high_freq_factor:
            raise ConfigError(
                f"rotary scaling low_freq_factor is {self.low_freq_factor} and high_freq_factor is "
                f"{self.high_freq_factor}; the first must be the smaller"
            )
        if self.beta_slow > self.beta_fast:
            raise ConfigError(f"rotary scaling beta_slow is {self.beta_slow}, above beta_fast, {self.beta_fast}")


@dataclass(frozen=True, kw_only=True)
class Rotary:
    """Rotary positions: the first `dim` coordinates of q and k turn by position (Su et al. 2021, arXiv:2104.09864).

    Coordinates are paired as two `halves` (x[i] with x[i + dim/2]) or `adjacent` (x[2i] with x[2i + 1]).
    """

    dim: int
    base: float = 10000.0
    pairing: Literal["halves", "adjacent"] = "halves"
    scaling: RotaryScaling | None = None

    def __post_init__(self) -> None:
        _check_fields(vars(self))
        if self.dim % 2:
            raise ConfigError(f"rotary dim is {self.dim}; it must be even, for coordinates turn in pairs")
        kind = None if self.scaling is None else self.scaling.kind
        if kind == "dynamic" and self.dim < 4:
            raise ConfigError(
                f"dynamic scaling raises the base to dim / (dim - 2); rotary dim is {self.dim}, not above 2"
            )
        if kind == "yarn" and self.base <= 1:
            raise ConfigError(f"yarn scaling takes the logarithm of the base; rotary base is {self.base}, not above 1")
        if self.scaling is not None and kind == "longrope":
            for factors in (self.scaling.short_factors, self.scaling.long_factors):
                if len(factors) != self.dim // 2:
                    raise ConfigError(
                        f"longrope has {len(factors)} factors; {self.dim // 2} frequencies call for as many"
                    )


@dataclass(frozen=True, kw_only=True)
class Alibi:
    """Positions as a score that grows with the key's: + slope · position, one slope a head (Press et al. 2021,
    arXiv:2108.12409).
    """

    slopes: tuple[float, ...]
    scale: float = 1.0
    """The product is multiplied by this."""
    rounded: bool = False
    """It is rounded to bfloat16 before, as in the code that some models were trained with."""

    def __post_init__(self) -> None:
        _check_fields(vars(self))


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of one transformer: what is there, how large, and how its parts are joined."""

    n_layers: int
    """Blocks; 0 is the direct path alone."""
    d_model: int
    """Width of the residual stream."""
    n_heads: int
    """Query heads of each layer."""
    d_head: int
    """Width of one head."""
    d_vocab: int
    """Tokens the model reads, and predicts unless d_vocab_out says otherwise."""
    n_ctx: int
    """Longest sequence it was made for."""
    d_vocab_out: int | None = None
    """Classes the model predicts, where they are not the tokens it reads; None: d_vocab."""
    n_key_value_heads: int | None = None
    """Key/value heads shared by groups of query heads; None: one for each query head."""
    d_mlp: int | None = None
    """Neurons of each MLP (of each expert); None: attention only."""
    act_fn: Activation | None = None
    """The MLP's nonlinearity; None exactly when there is no MLP."""
    gated_mlp: bool = False
    """post = act(x W_gate) * (x W_in) instead of act(x W_in)."""
    n_experts: int | None = None
    """MLPs of each layer, among which a router chooses for each token; None: one MLP for all."""
    experts_per_token: int | None = None
    """How many it chooses; given exactly when there are experts."""
    norm_expert_weights: bool = False
    """Whether the weights of those chosen are divided by their sum."""
    d_mlp_shared: int | None = None
    """Neurons of one more gated MLP that every token takes, beside the experts."""
    parallel_attn_mlp: bool = False
    """Attention and MLP both read the block's input, instead of one after the other."""
    normalization_type: Normalization | None = "LN"
    """LayerNorm or RMSNorm; ...Pre: weights folded into what reads the norm."""
    norm_placement: Placement = "pre"
    """What blocks normalize: what attention and MLP read, what they write, or both."""
    qk_norm: Literal["head", "heads"] | None = None
    """Queries and keys are normalized before positions turn them: each head's alone, or all heads' as one vector."""
    post_embedding_ln: bool = False
    """Embeddings are normalized before the first block."""
    eps: float = 1e-5
    """Added to the variance before the root."""
    positional_embedding_type: Positions | None = "standard"
    """standard: learned and added; sinusoidal: fixed and added; shortformer: learned, added to query and key inputs
    only; rotary: turns q and k; alibi: raises the scores of later keys; None: no positions."""
    sinusoidal_base: float = 10000.0
    """Longest wavelength of sinusoidal positions, over 2 pi."""
    rotary: Rotary | None = None
    """Given exactly when positions are rotary."""
    rotary_local: Rotary | None = None
    """Those of layers with a window, where they differ."""
    alibi: Alibi | None = None
    """Given exactly when positions are alibi."""
    windows: tuple[int | None, ...] | None = None
    """For each layer, how many keys back a query sees, itself included; None: all of them."""
    attn_scale: float | None = None
    """Scores are divided by this; None: sqrt(d_head)."""
    attention_dir: Direction = "causal"
    """causal: a query sees keys up to its own position; bidirectional: all of them."""
    attn_scores_soft_cap: float | None = None
    """Scores become cap · tanh(score / cap)."""
    output_logits_soft_cap: float | None = None
    """Logits become cap · tanh(logit / cap)."""
    clip_qkv: float | None = None
    """Queries, keys and values are cut off at plus and minus this."""
    embed_scale: float = 1.0
    """Token embeddings are multiplied by this; 1 once it is in W_E."""
    logit_scale: float = 1.0
    """Logits are multiplied by this, before a cap; 1 once it is in W_U."""
    residual_scale: float = 1.0
    """What the checkpoint multiplies all that blocks write by. W_O and W_out hold it: no computation reads it."""
    scores_over_layer: bool = False
    """The checkpoint divides a layer's scores by its number, counted from 1. W_Q holds it: no computation reads it."""
    tied_embeddings: bool = False
    """W_U is the transpose of W_E and not a weight of its own."""
    biases: frozenset[str] = frozenset()
    """Which biases exist, in the names of `WEIGHT_PATHS`."""
    bos_token_id: int | None = None
    """The token that begins a sequence; None: none is known."""
    default_prepend_bos: bool = False
    """Whether `to_tokens` puts it there when not told otherwise."""
    family: str = "native"
    """Where the weights' layout came from; never read by computation."""
    model_name: str = "unnamed"
    """For people: what reports call it."""
    processing: tuple[str, ...] = ()
    """Weight changes that were applied, in order."""
    notes: tuple[str, ...] = ()
    """What was skipped or assumed on the way in."""

    def __post_init__(self) -> None:
        _check(self)

    @property
    def n_kv(self) -> int:
        """Key/value heads of each layer."""
        return self.n_heads if self.n_key_value_heads is None else self.n_key_value_heads

    @property
    def grouped(self) -> bool:
        """Whether several query heads share one key/value head."""
        return self.n_kv != self.n_heads

    @property
    def attn_only(self) -> bool:
        """Whether blocks have no MLP."""
        return self.d_mlp is None

    def window(self, layer: int) -> int | None:
        """Keys that a query of `layer` sees, itself included; None: all that are not later."""
        return None if self.windows is None else self.windows[layer]

    def rotary_of(self, layer: int) -> Rotary | None:
        """How `layer` turns queries and keys, if it does."""
        return self.rotary_local if self.rotary_local is not None and self.window(layer) is not None else self.rotary

    @property
    def n_out(self) -> int:
        """Length of the logits."""
        return self.d_vocab if self.d_vocab_out is None else self.d_vocab_out

    @property
    def n_params(self) -> int:
        """Weights in all, norms and biases included."""
        total = 0
        for name, shape in weight_shapes(self).items():
            size = 1
            for length in shape:
                size *= length
            total += size * (self.n_layers if is_layered(name) else 1)
        return total

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` reads them back to an equal config."""
        return asdict(self) | {
            "biases": sorted(self.biases),
            "processing": list(self.processing),
            "notes": list(self.notes),
            "windows": None if self.windows is None else list(self.windows),
        }

    @classmethod
    def from_dict(cls, values: Any) -> "ModelConfig":
        """The config that `to_dict` wrote, read from JSON. Raises ConfigError on keys that are missing, unknown,
        contradictory or of the wrong type.
        """
        read = _arguments("config", values, cls)
        for name in ("rotary", "rotary_local"):
            if read.get(name) is not None:
                rotary = _arguments(name, read[name], Rotary)
                if rotary.get("scaling") is not None:
                    rotary["scaling"] = RotaryScaling(**_arguments("scaling", rotary["scaling"], RotaryScaling))
                read[name] = Rotary(**rotary)
        if read.get("alibi") is not None:
            read["alibi"] = Alibi(**_arguments("alibi", read["alibi"], Alibi))
        return cls(**read)


def _arguments(what: str, values: Any, kind: type) -> dict[str, Any]:
    """A JSON object as arguments of a dataclass, once its keys and the type of each value are known to fit it."""
    if not isinstance(values, Mapping):
        raise ConfigError(f"{what} is {values!r}; it must be an object of keys and values")
    known = {field.name for field in fields(kind)}
    unknown = sorted(str(key) for key in set(values) - known)
    if unknown:
        raise ConfigError(f"{what} key {unknown[0]!r} is not one of Rung's.{near(unknown[0], known)}")
    missing = [field.name for field in fields(kind) if field.default is MISSING and field.name not in values]
    if missing:
        raise ConfigError(f"{what} lacks {missing[0]!r}.{near(missing[0], values)}")
    _check_fields(values)
    read = dict(values)
    for name in _NUMBERS & set(read):
        read[name] = None if read[name] is None else float(read[name])
    for name in (_LISTS | _ROWS) & set(read):
        if read[name] is not None:
            read[name] = (frozenset if name == "biases" else tuple)(read[name])
    return read


def _check(config: ModelConfig) -> None:
    _check_fields(vars(config))
    if config.n_heads % config.n_kv:
        raise ConfigError(f"{config.n_heads} query heads cannot share {config.n_kv} key/value heads evenly")
    if (config.act_fn is None) != (config.d_mlp is None):
        raise ConfigError(f"act_fn is {config.act_fn!r} and d_mlp is {config.d_mlp!r}: give both, or neither")
    if config.gated_mlp and config.d_mlp is None:
        raise ConfigError("gated_mlp is set, but there is no MLP: d_mlp is None")
    _check_positions(config)
    _check_experts(config)
    if config.normalization_type is None and (config.qk_norm or config.post_embedding_ln):
        raise ConfigError("qk_norm and post_embedding_ln say where a norm is, but normalization_type is None")
    unknown = sorted(config.biases - set(_ALL_BIASES))
    if unknown:
        raise ConfigError(f"bias {unknown[0]!r} is unknown.{near(unknown[0], _ALL_BIASES)}")
    homeless = sorted(config.biases - set(bias_shapes(config)))
    if homeless:
        raise ConfigError(f"bias {homeless[0]!r} is listed, but this model has nothing it would belong to")
    bos = config.bos_token_id
    if bos is not None and bos >= config.d_vocab:
        raise ConfigError(f"bos_token_id is {bos}, outside the vocabulary of {config.d_vocab}")
    if config.tied_embeddings and config.n_out != config.d_vocab:
        raise ConfigError(f"tied embeddings predict the {config.d_vocab} tokens read; d_vocab_out is {config.n_out}")
    if config.default_prepend_bos and bos is None:
        raise ConfigError("default_prepend_bos is set, but there is no bos_token_id")


def _check_positions(config: ModelConfig) -> None:
    kind = config.positional_embedding_type
    for name in ("rotary", "alibi"):
        if (getattr(config, name) is None) != (kind != name):
            raise ConfigError(f"{name} settings belong with positional_embedding_type={name!r}, and only there")
    for rotary in (config.rotary, config.rotary_local):
        if rotary and rotary.dim > config.d_head:
            raise ConfigError(f"rotary dim is {rotary.dim}; it must be at most d_head = {config.d_head}")
    if config.windows is not None and len(config.windows) != config.n_layers:
        raise ConfigError(f"windows are given for {len(config.windows)} layers; there are {config.n_layers}")
    if config.rotary_local is not None and (config.rotary is None or config.windows is None):
        raise ConfigError(
            "rotary_local is for layers with a window, beside rotary for the rest: give windows and rotary"
        )
    if config.alibi and len(config.alibi.slopes) != config.n_heads:
        raise ConfigError(f"alibi has {len(config.alibi.slopes)} slopes; {config.n_heads} heads call for as many")


def _check_experts(config: ModelConfig) -> None:
    n, k = config.n_experts, config.experts_per_token
    if (n is None) != (k is None):
        raise ConfigError(f"n_experts is {n} and experts_per_token is {k}: give both, or neither")
    if n is not None and k is not None and k > n:
        raise ConfigError(f"experts_per_token is {k}; there are {n} experts")
    if n is not None and config.d_mlp is None:
        raise ConfigError("n_experts is set, but there is no MLP: d_mlp is None")
    if n is None and (config.d_mlp_shared is not None or config.norm_expert_weights):
        raise ConfigError("d_mlp_shared and norm_expert_weights belong with n_experts, which is None")


_WHOLE = dict.fromkeys(("d_model", "n_heads", "d_head", "d_vocab", "n_ctx", "dim", "original_n_ctx"), 1)
_WHOLE |= {"n_layers": 0, "n_key_value_heads": 1, "d_vocab_out": 1, "d_mlp": 1, "bos_token_id": 0}
_WHOLE |= dict.fromkeys(("n_experts", "experts_per_token", "d_mlp_shared"), 1)
"""The least value of each whole number."""
_NUMBERS = {"eps", "sinusoidal_base", "attn_scale", "base", "factor", "low_freq_factor", "high_freq_factor"}
_NUMBERS |= {"beta_fast", "beta_slow", "attention_factor", "scale", "embed_scale", "logit_scale", "residual_scale"}
_NUMBERS |= {"attn_scores_soft_cap", "output_logits_soft_cap", "clip_qkv"}
_FLAGS = {"gated_mlp", "parallel_attn_mlp", "tied_embeddings", "default_prepend_bos", "norm_expert_weights"}
_FLAGS |= {"post_embedding_ln", "whole_coordinates", "rounded", "scores_over_layer"}
_TEXTS = {"family", "model_name"}
_LISTS = {"biases", "processing", "notes"}
_ROWS = {"windows", "slopes", "short_factors", "long_factors"}
"""Lists of numbers."""
_CHOICES: Mapping[str, tuple[str | None, ...]] = {
    "normalization_type": (*get_args(Normalization), None),
    "positional_embedding_type": (*get_args(Positions), None),
    "act_fn": (*get_args(Activation), None),
    "attention_dir": get_args(Direction),
    "pairing": ("halves", "adjacent"),
    "kind": get_args(Scaling),
    "norm_placement": get_args(Placement),
    "qk_norm": ("head", "heads", None),
}
_MAY_BE_NONE = {"n_key_value_heads", "d_vocab_out", "d_mlp", "bos_token_id", "attn_scale"}
_MAY_BE_NONE |= {"n_experts", "experts_per_token"}
_MAY_BE_NONE |= {"d_mlp_shared", "attn_scores_soft_cap", "output_logits_soft_cap", "clip_qkv", "windows"}


def _check_fields(values: Mapping[str, Any]) -> None:
    """Each value alone, whatever type JSON gave it; ConfigError names the first that cannot be."""
    for name, value in values.items():
        wanted = None if value is None and name in _MAY_BE_NONE else _unmet(name, value)
        if wanted is not None:
            raise ConfigError(f"{name} is {value!r}; {wanted}")


def _unmet(name: str, value: Any) -> str | None:
    """What would fit a field of this name; None if `value` does."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in _WHOLE:
        fits = number and isinstance(value, int) and value >= _WHOLE[name]
        return None if fits else f"it must be a whole number of at least {_WHOLE[name]}"
    if name in _NUMBERS:
        # Python reads NaN and Infinity from JSON. No variance is 0 for long, so eps may be.
        fits = number and (0 < value <= sys.float_info.max or (name == "eps" and value == 0))
        return None if fits else "it must be a finite number above 0"
    if name in _FLAGS:
        return None if isinstance(value, bool) else "it must be true or false"
    if name in _TEXTS:
        return None if isinstance(value, str) else "it must be text"
    if name in _LISTS:
        fits = isinstance(value, list | tuple | frozenset) and all(isinstance(item, str) for item in value)
        return None if fits else "it must be a list of texts"
    if name == "windows":
        fits = isinstance(value, list | tuple) and all(each is None or _unmet("n_ctx", each) is None for each in value)
        return None if fits else "it must be a list of whole numbers of at least 1, or null, one a layer"
    if name in _ROWS:
        fits = isinstance(value, list | tuple) and all(_unmet("factor", each) is None for each in value)
        return None if fits else "it must be a list of finite numbers above 0"
    if name in _CHOICES:
        return None if value in _CHOICES[name] else f"known are {', '.join(map(str, _CHOICES[name]))}"
    return None


def is_layered(name: str) -> bool:
    """Whether a weight has one tensor for each layer."""
    return "{l}" in WEIGHT_PATHS[name]


def weight_path(config: ModelConfig, name: str, layer: int | None = None) -> str:
    """The classic name: ("W_Q", 1) is "blocks.1.attn.W_Q"; shared keys and values are "blocks.1.attn._W_K"."""
    path = WEIGHT_PATHS[name].format(l=layer)
    if config.grouped and name in GROUPED:
        path = path.replace(f".{name}", f"._{name}")
    return path


def weight_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Every weight the model has, in the engine's names, with the shape of one tensor (one layer's, if layered).

    W_Q: [n_heads, d_model, d_head] · W_K, W_V: [n_kv, d_model, d_head] · W_O: [n_heads, d_head, d_model] ·
    W_in, W_gate: [d_model, d_mlp] · W_out: [d_mlp, d_model] · W_E: [d_vocab, d_model] · W_U: [d_model, n_out].
    """
    d, h, k, e, v = config.d_model, config.n_heads, config.n_kv, config.d_head, config.d_vocab
    shapes: dict[str, tuple[int, ...]] = {"W_E": (v, d)}
    if config.positional_embedding_type in ("standard", "shortformer"):
        shapes["W_pos"] = (config.n_ctx, d)
    shapes |= {"W_Q": (h, d, e), "W_K": (k, d, e), "W_V": (k, d, e), "W_O": (h, e, d)}
    if config.qk_norm is not None:
        shapes |= {"q_norm_w": (h, e), "k_norm_w": (k, e)}
    shapes |= _mlp_shapes(config)
    if config.normalization_type in ("LN", "RMS"):
        shapes |= {f"{norm}_w": (d,) for norm in norms(config)}
    if config.normalization_type is not None and config.norm_placement != "pre":
        # Nothing reads these norms alone, so their weights are never folded away.
        shapes |= {f"{norm}_post_w": (d,) for norm in (("ln1",) if config.attn_only else ("ln1", "ln2"))}
    if config.post_embedding_ln:
        shapes["ln_embed_w"] = (d,)
    if not config.tied_embeddings:
        shapes["W_U"] = (d, config.n_out)
    shapes |= {name: shape for name, shape in bias_shapes(config).items() if name in config.biases}
    return {name: shapes[name] for name in WEIGHT_PATHS if name in shapes}


def _mlp_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    if config.d_mlp is None:
        return {}
    d, m = config.d_model, config.d_mlp
    experts = () if config.n_experts is None else (config.n_experts,)
    shapes = {"W_in": (*experts, d, m), "W_out": (*experts, m, d)}
    if config.gated_mlp:
        shapes["W_gate"] = (*experts, d, m)
    if config.n_experts is not None:
        shapes["W_router"] = (d, config.n_experts)
    if config.d_mlp_shared is not None:
        m = config.d_mlp_shared
        shapes |= {"W_router_shared": (d, 1), "W_gate_shared": (d, m), "W_in_shared": (d, m), "W_out_shared": (m, d)}
    return shapes


def bias_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Every bias this model could have, whether or not it does."""
    d, k, e = config.d_model, config.n_kv, config.d_head
    shapes: dict[str, tuple[int, ...]] = {"b_Q": (config.n_heads, e), "b_K": (k, e), "b_V": (k, e), "b_O": (d,)}
    if config.d_mlp is not None and config.n_experts is None:
        shapes |= {"b_in": (config.d_mlp,), "b_out": (d,)}
        if config.gated_mlp:
            shapes["b_gate"] = (config.d_mlp,)
    if config.normalization_type == "LN":
        shapes |= {f"{norm}_b": (d,) for norm in norms(config)}
    if config.qk_norm is not None:
        shapes |= {"q_norm_b": (config.n_heads, e), "k_norm_b": (k, e)}
    if config.post_embedding_ln and config.normalization_type in ("LN", "LNPre"):
        shapes["ln_embed_b"] = (d,)
    return shapes | {"b_U": (config.n_out,)}


def norms(config: ModelConfig) -> tuple[str, ...]:
    """The norms whose output is read by weights of their own: what `fold_ln` folds."""
    before = () if config.norm_placement == "post" else ("ln1",) if config.attn_only else ("ln1", "ln2")
    return (*before, "ln_final")
