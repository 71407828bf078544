"""What classic code asks of a model beyond its maths: `cfg`, switches, state dicts. A topic of `HookedTransformer`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from ..config import ModelConfig, bias_shapes, is_layered, weight_path, weight_shapes
from ..engine.weights import Weights, changed
from ..errors import CheckpointError, ConfigError, near
from .catalog import SHORT_NAMES
from .classic import HookedTransformerConfig, describe, first_token
from .hooks import HookPoint
from .older_methods import OlderMethods
from .older_names import checkpoint_revision
from .origin import OriginTopic
from .processing import process
from .tokenizer import Tokenizer, noted_pair, says_first_token, with_padding
from .weights import WeightsTopic

_BUFFERS = (".mask", ".IGNORE", ".rotary_sin", ".rotary_cos")
"""Ends of classic names that hold no weight: constants the engine makes itself."""


class ClassicTopic(OlderMethods, WeightsTopic, OriginTopic):
    """`model.cfg`, `set_use_attn_result`, `load_state_dict` and their kin."""

    tokenizer: Tokenizer | None

    if TYPE_CHECKING:  # the class that mixes this in has it

        def install(self, config: ModelConfig, weights: Weights) -> None: ...

        unembed: Any

        def setup(self) -> None: ...

    @property
    def cfg(self) -> HookedTransformerConfig:
        """The config in the classic names. Bookkeeping can be written; a write that would change what the built model
        computes raises ConfigError.
        """
        found = self.__dict__.get("_cfg")
        if found is None or found.owner is not self:
            found = (describe(self.config) if found is None else found).bind(self)
            self.__dict__["_cfg"] = found
        like = next(self.parameters())
        # Where the weights are now: `to`, `double` and their kin move them without asking.
        found.__dict__.update(device=str(like.device), dtype=like.dtype, _built_as=self.config)
        found.__dict__["tokenizer_name"] = getattr(self.tokenizer, "name_or_path", "") or found.tokenizer_name
        return found

    def keep_cfg(self, cfg: HookedTransformerConfig | None) -> None:
        """Makes `cfg` what `self.cfg` says beyond the config (None: nothing)."""
        said = {} if cfg is None else cfg.to_dict()
        shape = {name: value for name, value in describe(self.config).to_dict().items() if name in _SHAPE}
        self.__dict__["_cfg"] = HookedTransformerConfig(**{**said, **shape}).bind(self)
        self.hook_tokens_too(self.cfg.use_hook_tokens)

    def hook_tokens_too(self, wanted: bool) -> None:
        """Gives the model a `hook_tokens`, or takes it away."""
        if wanted == ("hook_tokens" in self._modules):
            return
        if wanted:
            self.hook_tokens = HookPoint()
        else:
            del self.hook_tokens
        self.setup()

    def hooked_tokens(self, tokens: Tensor) -> Tensor:
        """What `hook_tokens` makes of them, where the model has it."""
        return self.hook_tokens(tokens) if "hook_tokens" in self._modules else tokens

    def set_use_attn_result(self, use_attn_result: bool) -> None:
        """Changes nothing: `result` is there when asked for by name."""
        self.cfg.use_attn_result = use_attn_result

    def set_use_split_qkv_input(self, use_split_qkv_input: bool) -> None:
        """Changes nothing: `q_input`, `k_input`, `v_input` are there when asked for by name."""
        self.cfg.use_split_qkv_input = use_split_qkv_input

    def set_use_hook_mlp_in(self, use_hook_mlp_in: bool) -> None:
        """Changes nothing: `mlp_in` is there when asked for by name."""
        self.cfg.use_hook_mlp_in = use_hook_mlp_in

    def set_use_attn_in(self, use_attn_in: bool) -> None:
        """Changes nothing: `attn_in` is there when asked for by name."""
        self.cfg.use_attn_in = use_attn_in

    def set_ungroup_grouped_query_attention(self, ungroup_grouped_query_attention: bool) -> None:
        """Changes nothing in a model without groups; raises ConfigError in one with, whose keys stay grouped."""
        self.cfg.ungroup_grouped_query_attention = ungroup_grouped_query_attention

    def set_tokenizer(self, tokenizer: Tokenizer, default_padding_side: Literal["left", "right"] | None = None) -> None:
        """Reads and writes text with `tokenizer` from now on.

        Its first token is put before texts if it says so; where it says nothing, if the model's config does.
        """
        self.config = noted_pair(self.config, tokenizer)
        self.tokenizer = with_padding(tokenizer)
        bos = first_token(tokenizer)
        bos = bos if bos is None or bos < self.config.d_vocab else None
        said = says_first_token(tokenizer)
        wanted = (self.cfg.default_prepend_bos if said is None else said) and bos is not None
        self.config = replace(self.config, bos_token_id=bos, default_prepend_bos=wanted)
        if default_padding_side is not None:
            self.set_padding_side(default_padding_side)

    def set_padding_side(self, side: str) -> None:
        """Where texts of unequal length are padded when a call does not say; the tokenizer remembers it."""
        if side not in ("left", "right"):
            raise ConfigError(f"the padding side is {side!r}; known are 'left' and 'right'")
        if self.tokenizer is None:
            raise ConfigError("a padding side was given, but there is no tokenizer whose texts could be padded")
        self.tokenizer.padding_side = side  # type: ignore[attr-defined]

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Weights under their classic names, of any floating-point type, into this model's.

        Constants (`mask`, `IGNORE`, `rotary_sin`, `rotary_cos`) are left out. Keys and values of grouped queries may
        come once for each query head. A bias that this model lacks may be given as zeros.
        """
        found = {name: tensor for name, tensor in state_dict.items() if not name.endswith(_BUFFERS)}
        if self.config.tied_embeddings and "unembed.W_U" in found:
            W_U, W_E = found.pop("unembed.W_U"), found.get("embed.W_E", self.W_E)
            if not torch.equal(W_U, W_E.T):
                raise CheckpointError(
                    f"unembed.W_U is not the transpose of embed.W_E, and {self.config.model_name} has them tied"
                )
        found = _regrouped(self.config, _without_zeros(self.config, found))
        return super().load_state_dict(found, strict=strict, assign=assign)

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Parameter]]:
        """Every parameter by classic name. A tied `unembed.W_U` is a view of the embedding, a `b_U` that is not there
        zeros that cannot be written to: neither takes a gradient, and `parameters()` leaves both out.
        """
        yield from super().named_parameters(prefix, recurse, remove_duplicate)
        for name, tensor in self.unembed.classic_extras().items() if recurse else ():
            held = tensor if name == "W_U" else tensor[:1].expand(tensor.shape)
            yield f"{prefix}{'.' if prefix else ''}unembed.{name}", nn.Parameter(held, requires_grad=False)

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """Every parameter that there is, once."""
        return (parameter for _, parameter in super().named_parameters(recurse=recurse))

    def load_and_process_state_dict(
        self,
        state_dict: Mapping[str, Tensor],
        fold_ln: bool | None = None,
        center_writing_weights: bool | None = None,
        center_unembed: bool | None = None,
        fold_value_biases: bool | None = None,
        refactor_factored_attn_matrices: bool | None = False,
    ) -> None:
        """`load_state_dict`, then `process_weights_`."""
        self.load_state_dict(state_dict)
        self.process_weights_(
            fold_ln, center_writing_weights, center_unembed, refactor_factored_attn_matrices, fold_value_biases
        )

    def process_weights_(
        self,
        fold_ln: bool | None = None,
        center_writing_weights: bool | None = None,
        center_unembed: bool | None = None,
        refactor_factored_attn_matrices: bool | None = False,
        fold_value_biases: bool | None = None,
    ) -> None:
        """Processes the weights of this very model as `from_pretrained` would; hooks that were set are gone.

        For each: None does it where it fits, True also warns where it does not, False leaves it. `config.notes` says
        what was skipped.
        """
        wanted = {
            "fold_ln": fold_ln,
            "center_writing_weights": center_writing_weights,
            "center_unembed": center_unembed,
            "refactor_factored_attn_matrices": refactor_factored_attn_matrices,
            "fold_value_biases": fold_value_biases,
        }
        weights = {name: changed(held, Tensor.detach) for name, held in self.weights.items()}
        said, origin = self.cfg, self.origin
        self.install(*process(self.config, weights, wanted))
        self.keep_cfg(said)
        self.keep_origin(origin)


_SHAPE = {
    "n_layers", "d_model", "n_ctx", "d_head", "n_heads", "d_mlp", "d_vocab", "d_vocab_out", "act_fn", "eps",
    "normalization_type", "positional_embedding_type", "attn_only", "gated_mlp", "parallel_attn_mlp", "attention_dir",
    "n_key_value_heads", "tie_word_embeddings", "default_prepend_bos",
}  # fmt: skip
"""Classic fields that the config decides."""


_INSTEAD = {
    "checkpoint_label": "a step of training is a revision of its repository: revision='step1000'",
    "n_devices": "a model lies on one device: device='cuda:1'",
    "n_ctx": "a model reads as far as its checkpoint says",
    "cache_dir": "the hub's cache is where HF_HOME says",
    "local_files_only": "HF_HUB_OFFLINE=1 keeps the hub out",
    "token": "HF_TOKEN is what the hub is asked with",
    "torch_dtype": "dtype",
    "trust_remote_code": "code of a repository is never run",
    "load_in_4bit": "weights are floating-point",
}


def step_revision(name: str | Path, options: dict[str, Any], revision: str | None) -> str | None:
    """`revision`, or that of the step of training that `checkpoint_index` or `checkpoint_value` asks for; takes both
    out of `options`. Raises ConfigError where there is no such step, or a revision was given too.
    """
    index, value = options.pop("checkpoint_index", None), options.pop("checkpoint_value", None)
    if index is None and value is None:
        return revision
    if revision is not None:
        raise ConfigError(f"revision {revision!r} was given beside a step of training, which is a revision too")
    return checkpoint_revision(SHORT_NAMES.get(str(name).lower(), str(name)), index, value)


def check_options(options: Mapping[str, Any]) -> None:
    """Raises ConfigError for an option of `from_pretrained` that Rung does not have, unless it asks for nothing."""
    for name, value in options.items():
        if name not in _INSTEAD:
            raise ConfigError(f"from_pretrained has no option {name!r}.{near(name, (*_INSTEAD, *_OPTIONS))}")
        if value is not None and value is not False and (name, value) != ("n_devices", 1):
            raise ConfigError(f"from_pretrained was given {name}={value!r}; instead: {_INSTEAD[name]}")


_OPTIONS = (
    "checkpoint_index", "checkpoint_value",
    "fold_ln", "center_writing_weights", "center_unembed", "refactor_factored_attn_matrices", "fold_value_biases",
    "device", "dtype", "default_prepend_bos", "default_padding_side", "hf_model", "tokenizer", "first_n_layers",
    "move_to_device", "revision", "base",
)  # fmt: skip


def only_one(config: Any, cfg: Any) -> Any:
    """The config, by either name. Raises ConfigError unless exactly one is given."""
    if (config is None) == (cfg is None):
        raise ConfigError("a HookedTransformer is made of one config: HookedTransformer(cfg)")
    return cfg if config is None else config


def first_layers(config: ModelConfig, weights: Weights, count: int) -> tuple[ModelConfig, Weights]:
    """A model that ends after its first `count` layers. Raises ConfigError if it has fewer."""
    if not 0 <= count <= config.n_layers:
        raise ConfigError(f"the first {count} layers were asked for; {config.model_name} has {config.n_layers}")
    windows = None if config.windows is None else config.windows[:count]
    unrotated, dense = (
        tuple(layer for layer in layers if layer < count) for layers in (config.unrotated_layers, config.dense_layers)
    )
    shorter = replace(
        config,
        n_layers=count,
        windows=windows,
        unrotated_layers=unrotated,
        dense_layers=dense,
        d_mlp_dense=config.d_mlp_dense if dense else None,
        biases=frozenset(),
    )
    config = replace(shorter, biases=config.biases.intersection(bias_shapes(shorter)))
    kept = {name: held[:count] if isinstance(held, tuple) else held for name, held in weights.items()}
    return config, {name: kept[name] for name in weight_shapes(config)}


def _paths(config: ModelConfig, name: str) -> list[str]:
    layers = range(config.n_layers) if is_layered(name) else (None,)
    return [weight_path(config, name, layer) for layer in layers]


def _without_zeros(config: ModelConfig, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` without the biases that the model lacks, where they are zero and so change nothing."""
    lacking = {path for name in bias_shapes(config) if name not in config.biases for path in _paths(config, name)}
    return {name: tensor for name, tensor in given.items() if name not in lacking or bool((tensor != 0).any())}


def _regrouped(config: ModelConfig, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` with one key and value for each key/value head, under the names that say so."""
    found = dict(given)
    if not config.grouped:
        # Classic files of a grouped kind of attention without groups.
        return {name.replace("._W_", ".W_").replace("._b_", ".b_"): tensor for name, tensor in found.items()}
    for name in ("W_K", "W_V", "b_K", "b_V"):
        for path in _paths(config, name):
            whole = path.replace("._", ".")
            if whole in found and path not in found:
                every = found.pop(whole)
                few = every[:: config.n_heads // config.n_kv]
                if not torch.equal(few.repeat_interleave(config.n_heads // config.n_kv, 0), every):
                    raise CheckpointError(
                        f"{whole} differs between heads that share one of {config.n_kv} keys and values in this model"
                    )
                found[path] = few
    return found
