"""`HookedTransformerConfig`: a model described in the classic field names, and what each means to `ModelConfig`.

`model.cfg` is one that belongs to its model: it can be read as ever, bookkeeping can be written, and a write that
would change the computation raises, for the model is already built.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, get_args

import torch
from torch import Tensor

from ..config import (
    BIASES,
    Activation,
    ModelConfig,
    Rotary,
    RotaryScaling,
    bias_shapes,
)
from ..engine.weights import Weights, build_weights, to_kernel_layout
from ..errors import ConfigError, near
from .tokenizer import Tokenizer, says_first_token

_ACTIVATIONS = {name: name for name in get_args(Activation)} | {
    "gelu_fast": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
}
"""gelu_fast is the same formula as gelu_new, with its constants rounded."""

_WITHOUT_EFFECT = {
    "use_attn_result", "use_split_qkv_input", "use_hook_mlp_in", "use_attn_in", "tokenizer_name", "model_name",
    "original_architecture", "from_checkpoint", "checkpoint_index", "checkpoint_label_type", "checkpoint_value",
    "seed", "init_weights", "init_mode", "initializer_range", "tokenizer_prepends_bos", "trust_remote_code",
    "n_devices", "n_params", "quantization_method", "layer_norm_folding", "uses_rms_norm", "train_seq_length",
}  # fmt: skip
"""Fields that say something about a model, or switch something on that Rung has anyway: free to write at any time."""

_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "use_qk_norm": (False,),
    "use_logn_attn": (False,),
    "use_dynamic_ntk_rope": (False,),
    "use_local_attn": (False,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "post_embedding_ln": (False,),
    "use_normalization_before_and_after": (False,),
    "load_in_4bit": (False,),
    "num_experts": (None,),
    "experts_per_token": (None,),
    "relative_attention_max_distance": (None,),
    "relative_attention_num_buckets": (None,),
    "decoder_start_token_id": (None,),
    "use_yarn_rope": (False,),
    "use_attention_sinks": (False,),
    "rotary_base_local": (None,),
    "clip_qkv": (None,),
    "attn_scores_soft_cap": (None, -1.0, 0.0),
    "output_logits_soft_cap": (None, -1.0, 0.0),
}
"""Fields that change the computation in ways a model made from classic fields does not have, and the values that
change nothing. Families that need them are loaded by `from_pretrained`, which knows their weights.
"""


@dataclass(init=False)
class HookedTransformerConfig:
    """What `HookedTransformer` is to be, in the classic names. Raises ConfigError for a field that is not known."""

    n_layers: int
    d_model: int
    n_ctx: int
    d_head: int
    n_heads: int = -1
    """-1: d_model / d_head."""
    d_mlp: int | None = None
    """None: 4 d_model, unless attention only."""
    d_vocab: int = -1
    """-1: the tokenizer's."""
    d_vocab_out: int = -1
    """-1: d_vocab."""
    act_fn: str | None = "relu"
    eps: float = 1e-5
    normalization_type: str | None = "LN"
    positional_embedding_type: str | None = "standard"
    attn_only: bool = False
    gated_mlp: bool = False
    parallel_attn_mlp: bool = False
    final_rms: bool = False
    attention_dir: str = "causal"
    use_attn_scale: bool = True
    attn_scale: float = -1.0
    """-1: sqrt(d_head)."""
    n_key_value_heads: int | None = None
    rotary_dim: int | None = None
    rotary_base: float = 10000
    rotary_adjacent_pairs: bool = False
    rotary_scaling_factor: float = 1.0
    use_NTK_by_parts_rope: bool = False
    NTK_by_parts_low_freq_factor: float = 1.0
    NTK_by_parts_high_freq_factor: float = 4.0
    NTK_by_parts_factor: float = 8.0
    NTK_original_ctx_len: int = 8192
    tie_word_embeddings: bool = False
    default_prepend_bos: bool = True
    model_name: str = "custom"
    tokenizer_name: str | None = None
    original_architecture: str | None = None
    seed: int | None = None
    """None: weights are drawn from a seed that torch's global generator gives."""
    init_weights: bool = True
    init_mode: str = "gpt2"
    initializer_range: float = -1.0
    """Deviation for init_mode gpt2 (-1: 0.8 / sqrt(d_model)), gain for the others (-1: 1)."""
    device: Any = None
    dtype: torch.dtype = torch.float32
    use_attn_result: bool = False
    use_split_qkv_input: bool = False
    use_hook_mlp_in: bool = False
    use_attn_in: bool = False
    use_hook_tokens: bool = False
    """Whether the model has `hook_tokens`, which sees what is read and may change it."""
    ungroup_grouped_query_attention: bool = False
    others: dict[str, Any] = field(default_factory=dict, repr=False)
    """Classic fields beyond these, as given: bookkeeping, or at a value that changes nothing."""

    def __init__(self, **values: Any) -> None:
        known = {each.name for each in fields(self)} - {"others"}
        object.__setattr__(self, "others", {})
        for each in fields(self):
            if each.name != "others" and each.name not in values:
                if each.name in ("n_layers", "d_model", "n_ctx", "d_head"):
                    raise ConfigError(f"HookedTransformerConfig lacks {each.name}.{near(each.name, values)}")
                object.__setattr__(self, each.name, each.default)
        for name, value in values.items():
            if name not in known and name not in _WITHOUT_EFFECT and name not in _NEUTRAL and name not in _READ_WITH:
                everything = (*known, *_WITHOUT_EFFECT, *_NEUTRAL)
                raise ConfigError(f"HookedTransformerConfig has no field {name!r}.{near(name, everything)}")
            setattr(self, name, value)
        self._complete()

    def _complete(self) -> None:
        if self.n_heads == -1:
            if self.d_model % self.d_head:
                raise ConfigError(
                    f"n_heads is not given, and d_head {self.d_head} does not divide d_model {self.d_model}"
                )
            self.n_heads = self.d_model // self.d_head
        if self.d_mlp is None and not self.attn_only:
            self.d_mlp = 4 * self.d_model
        if self.d_vocab_out == -1:
            self.d_vocab_out = self.d_vocab
        if self.positional_embedding_type == "rotary" and self.rotary_dim is None:
            self.rotary_dim = self.d_head
        if isinstance(self.dtype, str):
            self.dtype = getattr(torch, self.dtype)
        if self.use_attn_scale and self.attn_scale == -1.0:
            self.attn_scale = math.sqrt(self.d_head)
        if self.initializer_range < 0:
            self.initializer_range = 0.8 / math.sqrt(self.d_model) if self.init_mode == "gpt2" else 1.0

    @classmethod
    def from_dict(cls, config_dict: Mapping[str, Any]) -> HookedTransformerConfig:
        """The config of these fields."""
        return cls(**config_dict)

    @classmethod
    def unwrap(cls, config: Any) -> HookedTransformerConfig:
        """A classic config from itself, a dict, or a ModelConfig."""
        if isinstance(config, cls):
            return config
        return describe(config) if isinstance(config, ModelConfig) else cls.from_dict(config)

    def to_dict(self) -> dict[str, Any]:
        """Every field by name; `from_dict` reads it back."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "others"}
        return own | self.others

    @property
    def n_params(self) -> int:
        """Weights of heads and MLPs alone, without embeddings, biases and norms, as scaling laws count them."""
        heads = 4 * self.d_model * self.d_head * self.n_heads
        mlp = 0 if self.attn_only or self.d_mlp is None else self.d_model * self.d_mlp * (2 + self.gated_mlp)
        return self.n_layers * (heads + mlp)

    def is_layer_norm_activation(self) -> bool:
        """Whether the activation holds a norm of its own; none that Rung has does."""
        return self.act_fn is not None and self.act_fn.endswith("_ln")

    def __getattr__(self, name: str) -> Any:
        # A copy and an unpickled config are asked for special methods before they have a field.
        if name.startswith("__"):
            raise AttributeError(name)
        others = self.__dict__.get("others", {})
        for known in (others, others.get("engine_fields", {})):
            if name in known:
                return known[name]
        if name in _NEUTRAL:
            return _NEUTRAL[name][0]
        if name in _WITHOUT_EFFECT:
            return None
        raise AttributeError(f"HookedTransformerConfig has no field {name!r}.{near(name, self.to_dict())}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "n_params":  # what is counted cannot be set; classic dicts carry it
            return
        built = self._built()
        if built is not None and name not in _WITHOUT_EFFECT:
            self._change_built(built, name, value)
        elif name in self.__dataclass_fields__ or name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            self.others[name] = value

    def _change_built(self, built: ModelConfig, name: str, value: Any) -> None:
        """A write to `model.cfg`: what takes effect at once does, what cannot raises ConfigError."""
        if name == "use_hook_tokens":
            if self.owner is not None:
                self.owner.hook_tokens_too(bool(value))
        elif name == "default_prepend_bos":
            changed = replace(built, default_prepend_bos=bool(value))
            self.__dict__["_built_as"] = changed
            if self.owner is not None:
                self.owner.config = changed
        elif name == "ungroup_grouped_query_attention" and value and built.grouped:
            raise ConfigError(
                f"keys and values of {built.model_name} are hooked once for each of its {built.n_kv} "
                "key/value heads, and cannot be ungrouped; z, pattern and result have an axis of all heads"
            )
        elif name in self.__dataclass_fields__ or name in _NEUTRAL:
            if getattr(self, name) == value:
                return
            if name not in ("ungroup_grouped_query_attention", "use_hook_tokens"):
                raise ConfigError(
                    f"{name} is {getattr(self, name)!r} in a model that is built; for {value!r}, change a copy of its "
                    "config (copy.copy(model.cfg)) and make a model of that"
                )
        object.__setattr__(self, name, value)

    def __copy__(self) -> HookedTransformerConfig:
        """The same fields, belonging to no model: every one of them can be written."""
        return type(self)(**self.to_dict())

    def __deepcopy__(self, memo: dict[int, Any]) -> HookedTransformerConfig:
        return self.__copy__()

    def __getstate__(self) -> dict[str, Any]:
        """Its fields: a config is pickled without the model that it belongs to."""
        return {name: value for name, value in self.__dict__.items() if name != "_owner"}

    def bind(self, model: Any) -> HookedTransformerConfig:
        """A copy that is `model`'s own."""
        bound = self.__copy__()
        # Weak: a model and its config that held each other would be freed by the garbage collector alone.
        bound.__dict__.update(_owner=weakref.ref(model), _built_as=model.config)
        return bound

    @property
    def owner(self) -> Any:
        """The model that this config belongs to; None if it belongs to none, or that is gone."""
        found = self.__dict__.get("_owner")
        return None if found is None else found()

    def _built(self) -> ModelConfig | None:
        """The config of the model that this one describes, also when that is gone; None if it describes none."""
        built: ModelConfig | None = self.__dict__.get("_built_as") if self.owner is None else self.owner.config
        return built

    def to_model_config(self, tokenizer: Any = None) -> ModelConfig:
        """The same model as Rung's own config, every bias present. Raises ConfigError for what Rung does not have."""
        built = self._built()
        if built is not None:
            return built
        self._check()
        d_vocab = self.d_vocab
        if d_vocab == -1:
            if tokenizer is None:
                raise ConfigError("d_vocab is not given, and there is no tokenizer to take it from")
            d_vocab = max(len(tokenizer), 1)
        bos = first_token(tokenizer)
        wanted = self.default_prepend_bos and says_first_token(tokenizer) is not False
        own: dict[str, Any] = dict(
            n_layers=self.n_layers, d_model=self.d_model, n_heads=self.n_heads, d_head=self.d_head,
            d_vocab=d_vocab, n_ctx=self.n_ctx, n_key_value_heads=self.n_key_value_heads,
            d_vocab_out=None if self.d_vocab_out in (-1, d_vocab) else self.d_vocab_out,
            d_mlp=None if self.attn_only else self.d_mlp, act_fn=None if self.attn_only else self._activation(),
            gated_mlp=self.gated_mlp and not self.attn_only,
            parallel_attn_mlp=self.parallel_attn_mlp and not self.attn_only,
            normalization_type=self.normalization_type, eps=self.eps,
            positional_embedding_type=self.positional_embedding_type,
            rotary=self._rotary(), attention_dir=self.attention_dir,
            attn_scale=self._scale(), tied_embeddings=False, bos_token_id=bos,
            default_prepend_bos=wanted and bos is not None, model_name=self.model_name,
        )  # fmt: skip
        written = {_SAME_AS.get(name, name) for name in self.others}
        more = {name: value for name, value in self.others.get("engine_fields", {}).items() if name not in written}
        bare = ModelConfig(**(own | more))
        return (
            bare
            if "biases" in more
            else replace(bare, biases=frozenset(BIASES) & (bias_shapes(bare).keys() - {"b_gate"}))
        )

    def _check(self) -> None:
        for name, harmless in _NEUTRAL.items():
            if name in self.others and self.others[name] not in harmless:
                raise ConfigError(
                    f"{name} is {self.others[name]!r}; a HookedTransformer made from a HookedTransformerConfig has "
                    f"{harmless[0]!r}. A checkpoint that needs it is loaded with from_pretrained, and ModelConfig "
                    "lists what the engine can do"
                )
        if self.final_rms and self.normalization_type in ("LN", "LNPre"):
            raise ConfigError("final_rms is set beside LayerNorm; a model has one kind of norm throughout")
        if self.ungroup_grouped_query_attention and self.n_key_value_heads not in (None, self.n_heads):
            raise ConfigError(
                "ungroup_grouped_query_attention is set; keys and values are hooked once a key/value head"
            )

    def _activation(self) -> Any:
        if self.act_fn not in _ACTIVATIONS:
            said = f"act_fn is {self.act_fn!r}" if self.act_fn else "act_fn is not given, and there is an MLP"
            raise ConfigError(f"{said}; known are {', '.join(_ACTIVATIONS)}")
        return _ACTIVATIONS[self.act_fn]

    def _scale(self) -> float | None:
        if not self.use_attn_scale:
            return 1.0
        return None if math.isclose(self.attn_scale, math.sqrt(self.d_head)) else float(self.attn_scale)

    def _rotary(self) -> Rotary | None:
        if self.positional_embedding_type != "rotary":
            return None
        scaling = None
        if self.use_NTK_by_parts_rope:
            scaling = RotaryScaling(
                kind="llama3", factor=self.NTK_by_parts_factor, low_freq_factor=self.NTK_by_parts_low_freq_factor,
                high_freq_factor=self.NTK_by_parts_high_freq_factor, original_n_ctx=self.NTK_original_ctx_len,
            )  # fmt: skip
        elif self.rotary_scaling_factor != 1.0:
            scaling = RotaryScaling(kind="linear", factor=self.rotary_scaling_factor)
        assert self.rotary_dim is not None
        pairing = "adjacent" if self.rotary_adjacent_pairs else "halves"
        return Rotary(dim=self.rotary_dim, base=float(self.rotary_base), pairing=pairing, scaling=scaling)  # type: ignore[arg-type]


_READ_WITH = {
    "window_size", "attn_types", "norm_topk_prob", "yarn_factor", "yarn_attention_factor", "yarn_beta_fast",
    "yarn_beta_slow", "yarn_original_max_position_embeddings", "yarn_truncate", "yarn_global_attn_only",
    "engine_fields",
}  # fmt: skip
"""Fields that are read only beside one of `_NEUTRAL`; and `engine_fields`, what a `ModelConfig` says beyond the classic
fields, which a copy of `model.cfg` keeps.
"""

_SAME_AS = {
    "num_experts": "n_experts",
    "use_qk_norm": "qk_norm",
    "use_local_attn": "windows",
    "use_normalization_before_and_after": "norm_placement",
}
"""Classic fields that say what a field of `ModelConfig` of another name does."""

_BOOKKEEPING = {
    "tied_embeddings", "biases", "bos_token_id", "eos_token_ids", "default_prepend_bos", "family", "model_name",
    "processing", "notes", "residual_scale", "scores_over_layer", "d_vocab_out", "attn_scale",
}  # fmt: skip
"""Fields of `ModelConfig` that the forward ignores, or that a classic config says in its own way."""
_DEFAULTS = {each.name: each.default for each in fields(ModelConfig)}


def describe(config: ModelConfig) -> HookedTransformerConfig:
    """A config in the classic names, as far as they reach."""
    rotary, scaling = config.rotary, None if config.rotary is None else config.rotary.scaling
    cfg = HookedTransformerConfig(
        n_layers=config.n_layers, d_model=config.d_model, n_ctx=config.n_ctx, d_head=config.d_head,
        n_heads=config.n_heads, d_mlp=config.d_mlp, d_vocab=config.d_vocab, d_vocab_out=config.n_out,
        act_fn=config.act_fn, eps=config.eps, normalization_type=config.normalization_type,
        positional_embedding_type=config.positional_embedding_type, attn_only=config.attn_only,
        gated_mlp=config.gated_mlp, parallel_attn_mlp=config.parallel_attn_mlp, attention_dir=config.attention_dir,
        attn_scale=math.sqrt(config.d_head) if config.attn_scale is None else config.attn_scale,
        n_key_value_heads=config.n_key_value_heads, tie_word_embeddings=config.tied_embeddings,
        default_prepend_bos=config.default_prepend_bos, model_name=config.model_name,
        original_architecture=None if config.family == "native" else config.family,
    )  # fmt: skip
    if rotary is not None:
        cfg.rotary_dim, cfg.rotary_base = rotary.dim, rotary.base
        cfg.rotary_adjacent_pairs = rotary.pairing == "adjacent"
    if scaling is not None and scaling.kind == "linear":
        cfg.rotary_scaling_factor = scaling.factor
    elif scaling is not None and scaling.kind == "llama3":
        cfg.use_NTK_by_parts_rope = True
        cfg.NTK_by_parts_factor, cfg.NTK_original_ctx_len = scaling.factor, scaling.original_n_ctx
        cfg.NTK_by_parts_low_freq_factor = scaling.low_freq_factor
        cfg.NTK_by_parts_high_freq_factor = scaling.high_freq_factor
    classic = {each.name for each in fields(HookedTransformerConfig)} | _BOOKKEEPING | {"rotary"}
    more = {each.name: getattr(config, each.name) for each in fields(config) if each.name not in classic}
    more = {name: value for name, value in more.items() if value != _DEFAULTS[name]}
    if cfg._rotary() != rotary:
        more["rotary"] = rotary
    if more:
        cfg.others["engine_fields"] = more | {"biases": config.biases}
    return cfg


def draw_weights(cfg: HookedTransformerConfig, config: ModelConfig) -> Weights:
    """Fresh weights as `init_mode` says: matrices drawn, biases 0, norms 1. Drawn from `seed` or, without one, from a
    seed that torch's global generator gives.

    gpt2: normal of deviation `initializer_range`. xavier (Glorot & Bengio 2010): variance 2 / (inputs + outputs).
    kaiming (He et al. 2015, arXiv:1502.01852): variance 2 / inputs. Uniform or normal, times the gain.
    """
    seed = int(torch.randint(2**31, ())) if cfg.seed is None else cfg.seed
    generator = torch.Generator().manual_seed(seed)
    mode, _, shape_of_draw = cfg.init_mode.partition("_")
    if (mode, shape_of_draw) not in {
        ("gpt2", ""),
        *((m, d) for m in ("xavier", "kaiming") for d in ("uniform", "normal")),
    }:
        raise ConfigError(
            f"init_mode is {cfg.init_mode!r}; known are gpt2, and xavier or kaiming with _uniform or _normal"
        )

    def draw(name: str, layer: int | None, shape: tuple[int, ...]) -> Tensor:
        if not name.startswith("W_"):
            return (torch.ones if name.endswith("_w") else torch.zeros)(shape, dtype=cfg.dtype)
        # [inputs, outputs], or [head, inputs, outputs of one head].
        inputs, outputs = shape[-2], math.prod(shape) // shape[-2]
        deviation = cfg.initializer_range
        if mode != "gpt2":
            deviation *= math.sqrt(2 / (inputs + outputs if mode == "xavier" else inputs))
        if shape_of_draw == "uniform":
            values = (torch.rand(shape, generator=generator) * 2 - 1) * math.sqrt(3)
        else:
            values = torch.randn(shape, generator=generator)
        return to_kernel_layout(name, (values * deviation).to(cfg.dtype))

    return build_weights(config, draw)


def first_token(tokenizer: Tokenizer | None) -> int | None:
    """What a sequence begins with: the tokenizer's first token or, for want of one, its last."""
    if tokenizer is None:
        return None
    return tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
