"""`HookedTransformer`: config, weights and tokenizer of one model, with hooks at every site of its forward pass.

The maths is `engine.transformer`; this class reads its input, turns hooks into a tap, and shapes what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, SupportsIndex, Unpack, overload

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..config import ModelConfig
from ..engine import generate as generation
from ..engine import transformer
from ..engine.cache import ActivationCache
from ..engine.kv_cache import KeyValueCache
from ..engine.positions import position_info
from ..engine.sites import LAST, find_site, select_sites, sites_of
from ..engine.slicing import is_whole, whole
from ..engine.taps import Tap
from ..engine.weights import Weights, init_weights
from ..errors import CheckpointError, ConfigError, NoTokenizerError, PromptError, SiteError
from .checkpoint import as_saved, convert, round_in_place, save_checkpoint, with_ends
from .classic import HookedTransformerConfig, draw_weights
from .compatibility import ClassicTopic, check_options, first_layers, only_one, step_revision
from .components import ClassicConfig, build_modules, check_module
from .fetch import load_checkpoint, load_tokenizer
from .hooks import HookedRootModule, HookPoint, NameFilter, tap_of
from .options import CacheOptions, GenerateOptions, KeptGenerateOptions, RunOptions
from .processing import process_in_place
from .text import Input, Side, TextTopic
from .tokenizer import Tokenizer, noted_pair, says_first_token, with_padding

ReturnType = Literal["logits", "loss", "both"] | None
GeneratedType = Literal["input", "str", "tokens", "tensor"] | None


class Output(NamedTuple):
    """What `return_type="both"` gives."""

    logits: Tensor
    loss: Tensor


class HookedTransformer(ClassicTopic, HookedRootModule, TextTopic):
    """A transformer that can be looked into: `model(tokens)`, `run_with_cache`, `run_with_hooks`, `model.W_OV`, …"""

    blocks: nn.ModuleList

    def __init__(
        self,
        config: ClassicConfig | None = None,
        weights: Weights | Tokenizer | None = None,
        tokenizer: Tokenizer | None = None,
        *,
        cfg: ClassicConfig | None = None,
        seed: int | None = None,
        move_to_device: bool = True,
        default_padding_side: Side | None = None,
    ) -> None:
        """A model of `config` with `weights`, or with fresh ones.

        A ModelConfig draws them from `seed` (None: 0). A HookedTransformerConfig, or a dict of its fields, says itself
        how they are drawn, and on which device (left on the CPU if not `move_to_device`) and as what type they are
        kept, and which tokenizer it has, by name, if none is given; classic code gives the tokenizer second, and may
        call the config `cfg`.
        """
        super().__init__()
        if weights is not None and not isinstance(weights, Mapping):
            weights, tokenizer = None, weights
        config = only_one(config, cfg)
        cfg = None if isinstance(config, ModelConfig) else HookedTransformerConfig.unwrap(config)
        if cfg is not None and cfg.tokenizer_name and tokenizer is None:
            tokenizer = load_tokenizer(cfg.tokenizer_name)
        shape = config if cfg is None else cfg.to_model_config(tokenizer)
        assert isinstance(shape, ModelConfig)
        shape = noted_pair(shape, tokenizer)
        self.tokenizer = with_padding(tokenizer)
        if default_padding_side is not None:
            self.set_padding_side(default_padding_side)
        if weights is None and cfg is not None and seed is None:
            weights = draw_weights(cfg, shape)
        self.install(shape, init_weights(shape, seed or 0) if weights is None else weights)
        if cfg is not None:
            self.keep_cfg(cfg)
            self.to(cfg.device if move_to_device else None)

    def __setattr__(self, name: str, value: Any) -> None:
        check_module(self, name, value)
        super().__setattr__(name, value)

    def install(self, config: ModelConfig, weights: Weights) -> None:
        """Makes this a model of `config` with `weights`; the hooks it had are gone."""
        for name in list(self._modules):
            delattr(self, name)
        self.keep_origin(None)
        self.config = config
        self._slots = build_modules(self, config, weights)
        self.setup()
        self._points = {site: self.hook_dict[site.path] for site in sites_of(config)}

    @classmethod
    def from_pretrained(
        cls,
        model_name: str | Path,
        fold_ln: bool | None = None,
        center_writing_weights: bool | None = None,
        center_unembed: bool | None = None,
        refactor_factored_attn_matrices: bool | None = False,
        *,
        fold_value_biases: bool | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype | str = torch.float32,
        default_prepend_bos: bool | None = None,
        default_padding_side: Side | None = None,
        hf_model: Any = None,
        tokenizer: Tokenizer | None = None,
        first_n_layers: SupportsIndex | None = None,
        move_to_device: bool = True,
        revision: str | None = None,
        base: str | Path | None = None,
        **classic: Any,
    ) -> HookedTransformer:
        """A trained model: a folder, a GGUF file, a bundled or fetched name, a repository of the Hugging Face hub
        (ORG/NAME, at `revision`) or the short name of one, or `hf_model` that transformers has loaded. A LoRA adapter
        is merged into its base, `base` or what its file names.

        Weights are processed as code written for this class expects; log-probabilities stay the checkpoint's. For each
        process: None does it where it fits, True also warns where it does not, False leaves it.
        `config.processing` and `config.notes` say what was done. `first_n_layers` keeps that many, the rest is dropped.
        """
        revision = step_revision(model_name, classic, revision)
        check_options(classic)
        dtype = getattr(torch, dtype, dtype) if isinstance(dtype, str) else dtype
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise CheckpointError(f"dtype is {dtype}; weights are floating-point")
        wanted = {
            "fold_ln": fold_ln,
            "center_writing_weights": center_writing_weights,
            "center_unembed": center_unembed,
            "refactor_factored_attn_matrices": refactor_factored_attn_matrices,
            "fold_value_biases": fold_value_biases,
        }
        # Narrow types are rounded to once, after processing.
        plain = all(asked is False for asked in wanted.values())
        wide = dtype if plain else torch.promote_types(dtype, torch.float32)
        given = tokenizer
        if hf_model is None:
            config, weights, found, origin = load_checkpoint(model_name, wide, revision, base)
            if found is not None:
                found.name_or_path = str(model_name)
            tokenizer = found if tokenizer is None else tokenizer
        else:
            if not hasattr(hf_model, "state_dict") or not hasattr(hf_model, "config"):
                raise CheckpointError(
                    f"hf_model is a {type(hf_model).__name__}; give a model that transformers has loaded"
                )
            origin = None
            config, weights = convert(hf_model.config.to_diff_dict(), as_saved(hf_model), wide)
            config = replace(config, model_name=str(model_name))
            generation_config = getattr(hf_model, "generation_config", None)
            config = with_ends(config, {"eos_token_id": getattr(generation_config, "eos_token_id", None)})
        if first_n_layers is not None:
            config, kept = first_layers(config, weights, whole(first_n_layers))
            weights = dict(kept)
        config = process_in_place(config, weights, wanted)
        said = None if given is None else says_first_token(given)
        config = _with_first_token(config, tokenizer, said if default_prepend_bos is None else default_prepend_bos)
        if wide != dtype:
            round_in_place(weights, dtype)
        model = cls(config, weights, tokenizer=tokenizer, default_padding_side=default_padding_side)
        model = model.to(device if move_to_device else None)
        model.keep_origin(origin)
        return model

    @classmethod
    def from_pretrained_no_processing(
        cls, model_name: str | Path, *processes: Any, **options: Any
    ) -> HookedTransformer:
        """The checkpoint's weights as they are. `processes`, which classic code may give by position, are not done."""
        as_is = dict.fromkeys(("fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases"), False)
        return cls.from_pretrained(model_name, **{**as_is, **options})

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes config.json, model.safetensors and the tokenizer, as `from_pretrained(folder)` reads them."""
        save_checkpoint(folder, self.config, self.weights, self.tokenizer)

    @overload
    def forward(
        self,
        input: Input,
        return_type: Literal["logits", "loss"] = "logits",
        *,
        stop_at_layer: None = None,
        **options: Unpack[RunOptions],
    ) -> Tensor: ...
    @overload
    def forward(
        self, input: Input, return_type: Literal["both"], *, stop_at_layer: None = None, **options: Unpack[RunOptions]
    ) -> Output: ...
    @overload
    def forward(
        self, input: Input, return_type: None, *, stop_at_layer: None = None, **options: Unpack[RunOptions]
    ) -> None: ...
    @overload
    def forward(
        self, input: Input, return_type: ReturnType = "logits", *, stop_at_layer: int, **options: Unpack[RunOptions]
    ) -> Tensor: ...
    @overload
    def forward(
        self,
        input: Input,
        return_type: ReturnType = "logits",
        *rest: Any,
        stop_at_layer: int | None = None,
        **options: Unpack[RunOptions],
    ) -> Any: ...
    def forward(  # type: ignore[misc]  # `rest`: any of these by position
        self,
        input: Input,
        return_type: ReturnType = "logits",
        loss_per_token: bool = False,
        prepend_bos: bool | None = None,
        padding_side: Side | None = None,
        start_at_layer: SupportsIndex | None = None,
        tokens: Tensor | None = None,
        shortformer_pos_embed: Tensor | None = None,
        attention_mask: Tensor | None = None,
        stop_at_layer: SupportsIndex | None = None,
        past_kv_cache: KeyValueCache | None = None,
    ) -> Any:
        """Logits [batch, pos, d_vocab], next-token loss in nats, both, or None.

        `start_at_layer`: `input` is the residual stream [batch, pos, d_model] before that layer; `tokens` are then what
        a loss is taken on, and `shortformer_pos_embed` replaces the positions of a shortformer model. `stop_at_layer`:
        returns the stream before that layer instead. `attention_mask`: 0 at padding, for `input` or for what was read
        before too; None: padding is what `find_padding` says. `past_kv_cache`: keys and values of what was read before,
        and room for those of `input`.
        """
        config, weights, tap = self.config, self.weights, self.attached_hooks()
        if return_type not in ("logits", "loss", "both", None):
            raise PromptError(f"return_type is {return_type!r}; known are 'logits', 'loss', 'both' and None")
        start, stop = self._span(whole(start_at_layer), whole(stop_at_layer))
        mask = None
        if start_at_layer is None:
            tokens, mask = self.read(input, prepend_bos, padding_side)
            tokens = self.hooked_tokens(tokens)
        elif tokens is not None:
            tokens, mask = self.read(tokens, prepend_bos, padding_side)
        if return_type in ("loss", "both") and stop_at_layer is None:
            _check_loss(tokens, loss_per_token)
        if start_at_layer is None:
            assert tokens is not None
            mask = self._mask(input, mask, attention_mask, tokens.shape, past_kv_cache)
            positions = position_info(config, weights, tokens.shape, tokens.device, mask=mask, past=past_kv_cache)
            x = transformer.embed(config, weights, tokens, positions, tap)
        else:
            x = self._residual(input)
            mask = self._mask(input, mask, attention_mask, x.shape[:2], past_kv_cache)
            positions = position_info(config, weights, x.shape[:2], x.device, mask=mask, past=past_kv_cache)
            if shortformer_pos_embed is not None and config.positional_embedding_type == "shortformer":
                positions = positions._replace(qk_pos_embed=shortformer_pos_embed)
        x = transformer.blocks(config, weights, x, positions, tap, start, stop)
        if stop_at_layer is not None:
            return x
        if return_type is None and not any(site.name in LAST for site in tap.sites):
            return None
        logits = transformer.unembed(config, weights, x, tap)
        if return_type is None:
            return None
        if return_type == "logits":
            return logits
        assert tokens is not None
        mask = None if positions.mask is None else positions.mask[:, -tokens.shape[1] :]
        loss = next_token_loss(logits, tokens, mask, loss_per_token)
        return loss if return_type == "loss" else Output(logits, loss)

    if TYPE_CHECKING:  # torch says of a module's call nothing but Any
        __call__ = forward

    def loss_fn(
        self, logits: Tensor, tokens: Tensor, attention_mask: Tensor | None = None, per_token: bool = False
    ) -> Tensor:
        """−log p(next token) in nats; see `next_token_loss`. Without a mask, padding is what `find_padding` says."""
        tokens = tokens.to(logits.device)
        mask = self.find_padding(tokens) if attention_mask is None else attention_mask.to(logits.device).bool()
        return next_token_loss(logits, tokens, mask, per_token)

    def input_to_embed(
        self,
        input: Input,
        prepend_bos: bool | None = None,
        padding_side: Side | None = None,
        attention_mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """What the first block reads: the stream, its tokens, shortformer positions and the mask, if any."""
        tokens, padding = self.read(input, prepend_bos, padding_side)
        tokens = self.hooked_tokens(tokens)
        mask = self._mask(input, padding, attention_mask, tokens.shape)
        positions = position_info(self.config, self.weights, (*tokens.shape,), tokens.device, mask=mask)
        x = transformer.embed(self.config, self.weights, tokens, positions, self.attached_hooks())
        shortformer = positions.qk_pos_embed
        return x, tokens, None if shortformer is None else shortformer.expand_as(x), mask

    def _residual(self, x: Input) -> Float[Tensor, "batch pos d_model"]:
        if not isinstance(x, Tensor) or x.ndim != 3 or x.shape[-1] != self.config.d_model:
            found = list(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise PromptError(
                f"start_at_layer takes the residual stream, [batch, pos, {self.config.d_model}]; it was given {found}"
            )
        if x.shape[0] == 0 or not 0 < x.shape[1] <= self.config.n_ctx:
            raise PromptError(
                f"the residual stream has shape {list(x.shape)}; {self.config.model_name} reads 1 to "
                f"{self.config.n_ctx} positions of at least one example"
            )
        if x.dtype != self.dtype:
            raise PromptError(f"the residual stream is {x.dtype}; the weights are {self.dtype}")
        return x.to(self.device)

    def _mask(
        self,
        input: Input,
        padding: Tensor | None,
        given: Tensor | None,
        shape: Sequence[int],
        past: KeyValueCache | None = None,
    ) -> Tensor | None:
        """False at padding: what the caller says is padding, and that of texts; of tokens, where nothing is said."""
        if given is None:
            return padding
        given = given[None] if given.ndim == 1 else given
        batch, n = shape
        before = 0 if past is None else past.length
        if tuple(given.shape) not in ((batch, n), (batch, before + n)):
            whole = f" or, with what was read before, {[batch, before + n]}" if before else ""
            raise PromptError(
                f"attention_mask has shape {list(given.shape)}; the input calls for {[batch, n]}{whole}, 0 at padding"
            )
        given = given.to(self.device).bool()
        if padding is not None and not isinstance(input, Tensor):
            given = torch.cat((given[:, :-n], given[:, -n:] & padding), 1)
        return given if torch.compiler.is_compiling() or not bool(given.all()) else None

    def _span(self, start: int | None, stop: int | None) -> tuple[int, int]:
        n = self.config.n_layers
        ends = []
        for name, layer, default in (("start_at_layer", start, 0), ("stop_at_layer", stop, n)):
            at = default if layer is None else layer + n if layer < 0 else layer
            if not 0 <= at <= n:
                raise SiteError(f"{name} is {layer}; {self.config.model_name} has {n} layers")
            ends.append(at)
        if ends[0] > ends[1]:
            raise SiteError(f"start_at_layer is {start} and stop_at_layer is {stop}: nothing lies between them")
        return ends[0], ends[1]

    def find_hook(self, name: Any) -> HookPoint:
        """The hook point of a full or short name; SiteError with near names if there is none."""
        if name == "hook_tokens":
            return super().find_hook(name)
        return self.hook_dict[find_site(self.config, name).path]

    def select_hooks(self, wanted: NameFilter) -> list[HookPoint]:
        """The points that names pick, in the order of the forward pass; ("pattern", 1) and "pattern" are names too."""
        if wanted is None or callable(wanted):
            return super().select_hooks(wanted)
        # A tuple is one key, ("pattern", 1), or a sequence of them.
        one = isinstance(wanted, str) or (isinstance(wanted, tuple) and _is_layer((*wanted, "", "")[1]))
        keys: Any = [wanted] if one else [*wanted]
        on_tokens = [self.find_hook(key) for key in keys if isinstance(key, str) and key == "hook_tokens"]
        chosen = select_sites(self.config, [key for key in keys if not (isinstance(key, str) and key == "hook_tokens")])
        return on_tokens + [point for site, point in self._points.items() if site in chosen]

    def attached_hooks(self) -> Tap:
        """The hooks that are attached now, as the tap of a forward pass."""
        return tap_of(self._points)

    def default_hooks(self) -> list[HookPoint]:
        """Everything that the forward computes anyway, and the patterns."""
        on_tokens = [self.hook_tokens] if "hook_tokens" in self._modules else []
        return on_tokens + [point for site, point in self._points.items() if not site.kind.on_request]

    @overload  # type: ignore[override]  # what is run has a name
    def run_with_cache(
        self,
        input: Input,
        return_type: Literal["logits", "loss"] = "logits",
        *,
        stop_at_layer: None = None,
        return_cache_object: Literal[True] = True,
        **options: Unpack[CacheOptions],
    ) -> tuple[Tensor, ActivationCache]: ...
    @overload
    def run_with_cache(
        self,
        input: Input,
        return_type: Literal["both"],
        *,
        stop_at_layer: None = None,
        return_cache_object: Literal[True] = True,
        **options: Unpack[CacheOptions],
    ) -> tuple[Output, ActivationCache]: ...
    @overload
    def run_with_cache(
        self,
        input: Input,
        return_type: None,
        *,
        stop_at_layer: None = None,
        return_cache_object: Literal[True] = True,
        **options: Unpack[CacheOptions],
    ) -> tuple[None, ActivationCache]: ...
    @overload
    def run_with_cache(
        self,
        input: Input,
        return_type: ReturnType = "logits",
        *,
        stop_at_layer: int,
        return_cache_object: Literal[True] = True,
        **options: Unpack[CacheOptions],
    ) -> tuple[Tensor, ActivationCache]: ...
    @overload
    def run_with_cache(
        self,
        input: Input,
        return_type: ReturnType = "logits",
        *,
        stop_at_layer: int | None = None,
        return_cache_object: Literal[False],
        **options: Unpack[CacheOptions],
    ) -> tuple[Any, dict[str, Tensor]]: ...
    @overload
    def run_with_cache(
        self,
        input: Input,
        return_type: ReturnType = "logits",
        *rest: Any,
        stop_at_layer: int | None = None,
        return_cache_object: bool = True,
        **options: Unpack[CacheOptions],
    ) -> tuple[Any, Any]: ...
    def run_with_cache(
        self, *model_args: Any, return_cache_object: bool = True, remove_batch_dim: bool = False, **options: Any
    ) -> tuple[Any, Any]:
        """One run's output, and an ActivationCache of what `names_filter` picks (None: all that costs nothing).

        Options as in `HookedRootModule.run_with_cache`, and those of a call of the model.
        """
        out, store = super().run_with_cache(*model_args, remove_batch_dim=remove_batch_dim, **options)
        return out, ActivationCache(store, self, not remove_batch_dim) if return_cache_object else store

    @overload
    def generate(
        self,
        input: Tensor,
        max_new_tokens: int = 10,
        *,
        return_type: Literal["input"] = "input",
        **options: Unpack[GenerateOptions],
    ) -> Tensor: ...
    @overload
    def generate(
        self,
        input: Input = "",
        max_new_tokens: int = 10,
        *,
        return_type: Literal["tokens", "tensor"],
        **options: Unpack[GenerateOptions],
    ) -> Tensor: ...
    @overload
    def generate(
        self,
        input: str = "",
        max_new_tokens: int = 10,
        *,
        return_type: Literal["input", "str"] | None = "input",
        **options: Unpack[GenerateOptions],
    ) -> str: ...
    @overload
    def generate(
        self,
        input: list[str] | tuple[str, ...],
        max_new_tokens: int = 10,
        *,
        return_type: Literal["input", "str"] | None = "input",
        **options: Unpack[GenerateOptions],
    ) -> list[str]: ...
    @overload
    def generate(
        self,
        input: Tensor,
        max_new_tokens: int = 10,
        *,
        return_type: Literal["str"] | None,
        **options: Unpack[GenerateOptions],
    ) -> str | list[str]: ...
    @overload
    def generate(
        self,
        input: Tensor,
        max_new_tokens: int = 10,
        *,
        return_type: Literal["input"] = "input",
        return_cache: Literal[True],
        **options: Unpack[KeptGenerateOptions],
    ) -> tuple[Tensor, ActivationCache]: ...
    @overload
    def generate(
        self,
        input: Input = "",
        max_new_tokens: int = 10,
        *,
        return_type: Literal["tokens", "tensor"],
        return_cache: Literal[True],
        **options: Unpack[KeptGenerateOptions],
    ) -> tuple[Tensor, ActivationCache]: ...
    @overload
    def generate(
        self,
        input: str = "",
        max_new_tokens: int = 10,
        *,
        return_type: Literal["input", "str"] | None = "input",
        return_cache: Literal[True],
        **options: Unpack[KeptGenerateOptions],
    ) -> tuple[str, ActivationCache]: ...
    @overload
    def generate(
        self,
        input: Input = "",
        max_new_tokens: int = 10,
        *rest: Any,
        return_type: GeneratedType = "input",
        return_cache: bool = False,
        **options: Unpack[KeptGenerateOptions],
    ) -> Any: ...
    def generate(  # type: ignore[misc]  # `rest`: any of these by position
        self,
        input: Input = "",
        max_new_tokens: SupportsIndex = 10,
        stop_at_eos: bool | None = None,
        eos_token_id: SupportsIndex | Sequence[SupportsIndex] | None = None,
        do_sample: bool = True,
        top_k: SupportsIndex | None = None,
        top_p: float | None = None,
        temperature: float = 1.0,
        freq_penalty: float = 0.0,
        use_past_kv_cache: bool = True,
        prepend_bos: bool | None = None,
        padding_side: Side | None = None,
        return_type: GeneratedType = "input",
        verbose: bool = True,
        *,
        seed: SupportsIndex | Sequence[SupportsIndex] | None = 0,
        repetition_penalty: float = 1.0,
        attention_mask: Tensor | None = None,
        names_filter: NameFilter = None,
        return_cache: bool = False,
    ) -> Any:
        """`input` and up to `max_new_tokens` more, as text for text and tokens for tokens.

        `stop_at_eos`: a row ends at any of `eos_token_id` (None: those that the tokenizer and the checkpoint's files
        name). None: where one is known; True: PromptError where none is.

        Greedy if `do_sample` is False or `temperature` 0. Draws come from `seed`: one a row, or one for all, of which
        the first row's draws are those that it has alone, and the others' are their own (None: torch's global
        generator). `freq_penalty` · (times it occurred) is taken off each token's logit; `repetition_penalty` divides
        the logit of what occurred (Keskar et al. 2019, arXiv:1909.05858).

        Padding is read no more than in a call of the model: texts are padded on the left unless `padding_side` says
        otherwise, `attention_mask` is 0 at that of tokens. Hooks that are set see every step: the new token alone, or
        the whole sequence if not `use_past_kv_cache`. Nothing is printed: `verbose` is for classic code.

        With `return_cache`, or a `names_filter`: (the same, an ActivationCache of what the hook points saw over all
        tokens of the result, each position as it was when its token was first read).
        """
        max_new_tokens = whole(max_new_tokens)
        if max_new_tokens < 0:
            raise PromptError(f"max_new_tokens is {max_new_tokens}; it must be at least 0")
        if return_type not in ("input", "str", "tokens", "tensor", None):
            raise PromptError(f"return_type is {return_type!r}; known are 'input', 'str', 'tokens' and 'tensor'")
        side = padding_side if padding_side is not None or isinstance(input, Tensor) else "left"
        tokens, padding = self.read(input, prepend_bos, side)
        stops = self._stops(eos_token_id, stop_at_eos)
        keeps = return_cache or names_filter is not None
        chosen = set(self.select_hooks(names_filter)) if keeps else set()
        found = generation.generate(
            self.config,
            self.weights,
            tokens,
            max_new_tokens,
            sampling=generation.Sampling(
                temperature if do_sample else 0.0, whole(top_k), top_p, freq_penalty, repetition_penalty
            ),
            generator=_generators(seed, len(tokens), self.device),
            stop_tokens=stops,
            fill=getattr(self.tokenizer, "pad_token_id", None),
            mask=self._mask(input, padding, attention_mask, tokens.shape),
            tap=self.attached_hooks(),
            use_cache=use_past_kv_cache,
            keep=[site for site, point in self._points.items() if point in chosen],
        )
        out: Any = found.tokens
        as_given = return_type == "input" and isinstance(input, Tensor)
        if return_type not in ("tokens", "tensor") and not as_given:
            out = self._texts(input, found, tokens.shape[1], prepend_bos, stops)
        return (out, ActivationCache(found.seen, self)) if keeps else out

    def _texts(
        self, input: Input, found: generation.Generated, prompt: int, prepend_bos: bool | None, stops: Sequence[int]
    ) -> str | list[str]:
        """The texts given and what follows them: without padding, what was put before, and the stop."""
        put = 0 if isinstance(input, Tensor) else len(self._first(prepend_bos))
        texts = []
        for at, row in enumerate(found.tokens):
            end = _stop(row, prompt, stops)
            real = row[:end] if found.mask is None else row[:end][found.mask[at, :end]]
            texts.append(str(self.to_string(real[put:])))
        return texts[0] if isinstance(input, str) or (isinstance(input, Tensor) and len(texts) == 1) else texts

    def _stops(self, given: SupportsIndex | Sequence[SupportsIndex] | None, asked: bool | None) -> tuple[int, ...]:
        """Every end token, the tokenizer's first; none if unwanted.

        Raises NoTokenizerError where one is asked for and none is known.
        """
        if asked is False:
            return ()
        if given is not None:
            return (whole(given),) if is_whole(given) else tuple(map(whole, given))  # type: ignore[arg-type]
        eos = getattr(self.tokenizer, "eos_token_id", None)
        found = tuple(dict.fromkeys([*([] if eos is None else [eos]), *self.config.eos_token_ids]))
        if asked and not found:
            raise NoTokenizerError(
                f"stop_at_eos was asked for, but no end token is known for {self.config.model_name}: give it as "
                "eos_token_id"
            )
        return found

    def to(self, *args: Any, **kwargs: Any) -> HookedTransformer:
        """Moves parameters to a device or dtype; `to(None)` changes nothing."""
        kwargs.pop("print_details", None)  # classic code may pass it; nothing is printed
        return super().to(*args, **kwargs) if any(arg is not None for arg in (*args, *kwargs.values())) else self

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Parameters by classic name, each contiguous."""
        held = super().state_dict(*args, **kwargs)
        for name, tensor in held.items():
            held[name] = tensor.contiguous()
        return held

    def __repr__(self) -> str:
        c = self.config
        return (
            f"HookedTransformer({c.model_name}: {c.n_layers} layers × {c.n_heads} heads, d_model {c.d_model}, "
            f"vocabulary {c.d_vocab}, {c.n_params:,} parameters)"
        )


def _generators(
    seed: SupportsIndex | Sequence[SupportsIndex] | None, rows: int, device: torch.device
) -> list[torch.Generator] | None:
    """One a row, so that what a row draws does not depend on the others; None: torch's global one."""
    if seed is None:
        return None
    if is_whole(seed):
        first = whole(seed)
        # Far apart, so that the next seed gives no row's draws again.
        seeds = [first, *((first + row * 0x9E3779B97F4A7C15) % 2**63 for row in range(1, rows))]
    else:
        seeds = list(map(whole, seed))  # type: ignore[arg-type]
    if len(seeds) != rows:
        raise PromptError(f"{len(seeds)} seeds were given for {rows} rows; one for all, or one a row")
    return [torch.Generator(device).manual_seed(one) for one in seeds]


def _is_layer(value: object) -> bool:
    return value is None or is_whole(value)


def _stop(row: Tensor, prompt: int, stops: Sequence[int]) -> int:
    """Where the row's first stop after its prompt is, or its end."""
    found = torch.isin(row[prompt:], torch.tensor(stops, device=row.device, dtype=row.dtype)).nonzero()
    return prompt + int(found[0]) if len(found) else len(row)


def _check_loss(tokens: Tensor | None, per_token: bool) -> None:
    if tokens is None:
        raise PromptError("a loss needs tokens, and start_at_layer was given a residual stream")
    if tokens.shape[1] == 1 and not per_token:
        raise PromptError("a loss is taken at the token after each one, and the prompt has one token alone")


def next_token_loss(
    logits: Float[Tensor, "batch pos d_vocab"],
    tokens: Int[Tensor, "batch pos"],
    mask: Tensor | None = None,
    per_token: bool = False,
) -> Float[Tensor, "*batch_and_one_less"]:
    """−log p(next token) in nats: [batch, pos − 1] per token, zero at padding (`mask` False) and where no other token
    comes next; else the mean over the real ones. Raises PromptError where there is none.
    """
    # The last position has no next token: marked ignored, so that the logits need no copy without it.
    targets = F.pad(tokens[:, 1:], (0, 1), value=-100)
    if mask is not None:
        targets = next_real(tokens, mask)
        if not per_token and not torch.compiler.is_compiling() and not bool((targets >= 0).any()):
            raise PromptError("a loss is taken at the token after each one, and no row has two that are no padding")
    flat = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    loss = flat.view(tokens.shape)[:, :-1]
    if per_token or mask is None:
        return loss if per_token else loss.mean()
    return loss.sum() / (targets[:, :-1] >= 0).sum()


def next_real(tokens: Int[Tensor, "batch pos"], mask: Tensor) -> Int[Tensor, "batch pos"]:
    """The token that comes next where padding is left out; −100 at padding, and at a row's last token."""
    n = tokens.shape[1]
    at = torch.arange(n, device=tokens.device).where(mask, n)
    following = F.pad(at[:, 1:].flip(1).cummin(1).values.flip(1), (0, 1), value=n)
    return tokens.gather(1, following.clamp(max=n - 1)).where(mask & (following < n), -100)


def _with_first_token(config: ModelConfig, tokenizer: Tokenizer | None, wanted: bool | None) -> ModelConfig:
    """The config with a first token: the one it has, else the tokenizer's; put by default if there is one."""
    bos = None if tokenizer is None else tokenizer.bos_token_id
    if config.bos_token_id is None and bos is not None and bos < config.d_vocab:
        config = replace(config, bos_token_id=bos, default_prepend_bos=True)
    if wanted and config.bos_token_id is None:
        raise ConfigError(f"default_prepend_bos was asked for, but no first token is known for {config.model_name}")
    return config if wanted is None else replace(config, default_prepend_bos=wanted)
