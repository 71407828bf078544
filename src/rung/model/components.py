"""The module tree: parameters and hook points under the names people know. The maths is the engine's.

The model's own forward does not call these modules. Called by hand, each does its part of it and fires its hooks; made
by hand from a config (`LayerNorm(cfg)`), each stands alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import BIASES, GROUPED, WEIGHT_PATHS, ModelConfig, bias_shapes, is_layered, weight_shapes
from ..engine import transformer
from ..engine.factored import FactoredMatrix
from ..engine.kv_cache import KeyValueCache
from ..engine.positions import PositionInfo, position_info
from ..engine.sites import Site
from ..engine.weights import BlockWeights, Weights, read_of_stream
from ..errors import CheckpointError, ConfigError, PromptError
from .classic import HookedTransformerConfig, describe, draw_weights
from .hooks import HookPoint, tap_of
from .tree import ModuleTree, module_tree

ClassicConfig = ModelConfig | HookedTransformerConfig | Mapping[str, Any]
_CLASSIC = frozenset(("W_U", *BIASES)) - {"b_gate"}
"""Weights that the classic state dict holds for every model."""


Slots = dict[str, list[tuple[nn.Module, str] | None]]
"""Where each weight is kept: in which module, under which name; one a layer, None in a layer without it."""


class Component(nn.Module):
    """A module of the tree. Biases the model lacks read as zeros."""

    path: ClassVar[str] = ""
    """Where such a component hangs: "attn", "unembed"."""

    def __init__(
        self,
        cfg: ClassicConfig,
        layer: int = 0,
        tree: ModuleTree | None = None,
        path: str | None = None,
        embed: Component | None = None,
    ) -> None:
        """`tree`: what hangs here; None: fresh weights, for a part that stands alone. `embed`: for zeros and tied
        weights, where this component holds none itself.
        """
        super().__init__()
        self.config = _config_of(cfg, self.path if path is None else path)
        self._given = None if isinstance(cfg, ModelConfig) else HookedTransformerConfig.unwrap(cfg)
        self.layer = layer
        path = self.path if path is None else path
        tree = _alone(cfg, self.config, path, layer) if tree is None else tree
        self._ours = {
            full.rpartition(".")[2]: name for name, full in WEIGHT_PATHS.items() if path and _owner(full) == path
        }
        # In a tuple: the embedding is no child of this tree.
        self._embed = (embed,)
        self._leaves = {name: leaf for leaf, (name, _) in tree.weights.items()}
        self._points: dict[Site, HookPoint] = {}
        for name, child in tree.children.items():
            made = _class_of(self.config, name)(self.config, layer=layer, tree=child, path=f"{path}.{name}".lstrip("."))
            self.add_module(name, made)
            self._points |= made._points
        for leaf, (_, tensor) in tree.weights.items():
            self.register_parameter(leaf, nn.Parameter(tensor))
        for leaf, site in tree.sites.items():
            self._points[site] = HookPoint()
            self.add_module(leaf, self._points[site])

    @property
    def cfg(self) -> HookedTransformerConfig:
        """The config in its classic names: the one that this part was made from by hand, else a copy."""
        return describe(self.config) if self._given is None else self._given

    def slots(self) -> dict[str, tuple[nn.Module, str]]:
        """Where each weight of this part is kept, by the engine's name: its own, and those of its children."""
        # Worked out when asked: a module that kept itself would be freed by the garbage collector alone.
        found: dict[str, tuple[nn.Module, str]] = {name: (self, leaf) for name, leaf in self._leaves.items()}
        for child in self.children():
            found |= child.slots() if isinstance(child, Component) else {}
        return found

    def weights(self) -> dict[str, Tensor]:
        """The weights of this part by the engine's names."""
        return {name: getattr(*slot) for name, slot in self.slots().items()}

    def block_weights(self) -> BlockWeights:
        """What is held here, as the engine takes a layer's weights."""
        nothing = torch.empty(0)
        return BlockWeights(**({"W_O": nothing} | self.weights()))  # a layer has W_O; an MLP alone does not

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if "_ours" not in self.__dict__ or name not in self._ours:
                raise
            ours, held = self._ours[name], self.__dict__["_parameters"]
            if f"_{name}" in held:
                return self._for_every_head(held[f"_{name}"])
            if ours == "W_U" and self.config.tied_embeddings and self._embed[0] is not None:
                return self._embed[0].W_E.T
            shapes = bias_shapes(self.config, self.layer)
            if ours not in shapes or ours in self.config.biases:
                raise
            zeros = self._like().new_zeros(shapes[ours])
            return self._for_every_head(zeros) if self.config.grouped and name in GROUPED else zeros

    def classic_extras(self) -> dict[str, Tensor]:
        """What the classic state dict holds for this part beside its weights: W_U where it is tied, biases that this
        model lacks as zeros, and the constants of attention.
        """
        found = {}
        for name, ours in self._ours.items():
            if f"_{name}" in self._parameters or name in self._parameters or ours not in _CLASSIC:
                continue
            tied = ours == "W_U" and self.config.tied_embeddings and self._embed[0] is not None
            shape = bias_shapes(self.config, self.layer).get(ours)
            if tied:
                found[name] = self.W_U.detach()
            elif shape is not None:
                grouped = self.config.grouped and name in GROUPED
                found[f"_{name}" if grouped else name] = self._like().detach().new_zeros(shape)
        return found

    def _like(self) -> Tensor:
        """A weight of the model, for its type and device."""
        return next(self.parameters()) if self._embed[0] is None else self._embed[0].W_E

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        for name, tensor in self.classic_extras().items():
            destination[prefix + name] = tensor

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *others: Any) -> None:
        for name, own in self.classic_extras().items():
            given = state_dict.get(prefix + name)
            if given is not None and (name in ("mask", "IGNORE") or torch.equal(given.to(own), own)):
                del state_dict[prefix + name]
        super()._load_from_state_dict(state_dict, prefix, *others)

    def _for_every_head(self, few: Tensor) -> Tensor:
        return few.repeat_interleave(self.config.n_heads // self.config.n_kv, 0)

    def __setattr__(self, name: str, value: Any) -> None:
        check_module(self, name, value)
        ours = self.__dict__.get("_ours", {}).get(name.removeprefix("_"))
        if ours is not None:
            self._check_write(name, ours, value)
        super().__setattr__(name, value)

    def _check_write(self, name: str, ours: str, value: Any) -> None:
        """Raises CheckpointError for a write that the forward pass would not see, or could not use."""
        config = self.config
        if name in GROUPED and config.grouped:
            raise CheckpointError(
                f"{name} is shown here once for each of {config.n_heads} query heads; "
                f"write to _{name}, which holds the {config.n_kv} that exist"
            )
        if name not in self._parameters:
            raise CheckpointError(f"{config.model_name} has no {name} to write to; its config says which weights exist")
        wanted = weight_shapes(config, self.layer)[ours]
        if isinstance(value, Tensor) and tuple(value.shape) != wanted:
            raise CheckpointError(f"{name} was given shape {list(value.shape)}; the config calls for {list(wanted)}")

    def register_forward_hook(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: the model's forward does not call this module, so the hook would never run in it."""
        raise ConfigError(
            f"{type(self).__name__}.register_forward_hook: the model's forward does not call its sub-modules, so a "
            "torch hook on one would never run; hook one of its hook points instead (model.add_hook, model.hook_dict)"
        )

    register_forward_pre_hook = register_full_backward_hook = register_forward_hook


class Embed(Component):
    """Token embedding."""

    path = "embed"

    def forward(self, tokens: Tensor) -> Tensor:
        """[batch, pos] to [batch, pos, d_model]."""
        bare = replace(
            self.config, positional_embedding_type=None, rotary=None, rotary_local=None, alibi=None, latent=None
        )
        positions = position_info(bare, {}, (*tokens.shape[:2],), tokens.device)
        return transformer.embed(bare, self.weights(), tokens, positions, tap_of(self._points))


class PosEmbed(Component):
    """Learned positions."""

    path = "pos_embed"

    def forward(self, tokens: Tensor, past_kv_pos_offset: int = 0, attention_mask: Tensor | None = None) -> Tensor:
        """The positions of `tokens` [batch, pos]: [batch, pos, d_model]; padding (mask 0) takes none."""
        length = tokens.shape[-1]
        if attention_mask is None:
            positions = torch.arange(past_kv_pos_offset, past_kv_pos_offset + length, device=tokens.device)
        else:
            positions = (attention_mask.long().cumsum(-1) - 1).clamp(min=0)[..., past_kv_pos_offset:]
        return F.embedding(positions, self.W_pos).expand(*tokens.shape, -1)


class Norm(Component):
    """LayerNorm or RMSNorm, or nothing where the model has no norm."""

    def __init__(self, cfg: ClassicConfig, length: int | None = None, **where: Any) -> None:
        super().__init__(cfg, **where)
        if length not in (None, self.config.d_model):
            raise ConfigError(
                f"a norm of length {length} was asked for; this one is over d_model, {self.config.d_model}"
            )
        self._name = next(name.removesuffix("_w") for name in self._ours.values() if name.endswith("_w"))

    path = "ln1"

    def forward(self, x: Tensor) -> Tensor:
        """[..., d_model], normalized."""
        layer = None if self._name == "ln_final" else self.layer
        held = self.weights()
        w, b = held.get(f"{self._name}_w"), held.get(f"{self._name}_b")
        return transformer.norm(self.config, w, b, self._name, layer, x, tap_of(self._points))


class LayerNorm(Norm):
    """(x − mean) / sqrt(var + eps) · w + b."""


class LayerNormPre(Norm):
    """LayerNorm whose weights were folded into what reads it."""


class RMSNorm(Norm):
    """x / sqrt(mean square + eps) · w."""


class RMSNormPre(Norm):
    """RMSNorm whose weights were folded into what reads it."""


class Attention(Component):
    """All heads of one layer."""

    path = "attn"

    def __init__(
        self, cfg: ClassicConfig, attn_type: str = "global", layer_id: int | None = None, layer: int = 0, **where: Any
    ) -> None:
        super().__init__(cfg, layer=layer if layer_id is None else layer_id, **where)
        if attn_type != "global" and self.config.window(self.layer) is None:
            raise ConfigError(f"attn_type is {attn_type!r}, but layer {self.layer} of the config has no window")

    def forward(
        self,
        query_input: Tensor,
        key_input: Tensor | None = None,
        value_input: Tensor | None = None,
        past_kv_cache_entry: KeyValueCache | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """What the heads write [batch, pos, d_model], from what queries, keys and values read (norm applied)."""
        inputs = (
            query_input,
            query_input if key_input is None else key_input,
            query_input if value_input is None else value_input,
        )
        positions = _position_info(self.config, query_input, past_kv_cache_entry, attention_mask)
        w, tap = self.block_weights(), tap_of(self._points)
        z = transformer.heads(self.config, w, self.layer, inputs, positions, tap)
        return transformer.sum_heads(w, self.layer, z, tap)

    @property
    def layer_id(self) -> int:
        """Which layer this is, under its classic name."""
        return self.layer

    @property
    def mask(self) -> Tensor:
        """[n_ctx, n_ctx], True where a query (row) may see a key: made when it is asked for, read by nothing here."""
        n, window = self.config.n_ctx, self.config.window(self.layer)
        seen = torch.ones(n, n, dtype=torch.bool, device=self.W_O.device)
        seen = seen if self.config.attention_dir == "bidirectional" else seen.tril()
        return seen if window is None else seen.triu(1 - window)

    @property
    def IGNORE(self) -> Tensor:
        """What the score of a key that is not seen is set to: −∞."""
        return torch.tensor(-torch.inf, device=self.W_O.device)

    def classic_extras(self) -> dict[str, Tensor]:
        """Of the mask, which is made when it is asked for, an empty one is kept."""
        constants = {"mask": self.IGNORE.new_zeros((0, 0), dtype=torch.bool), "IGNORE": self.IGNORE}
        return super().classic_extras() | constants

    @property
    def QK(self) -> FactoredMatrix:
        """W_Q W_Kᵀ of every head: [head, d_model (query), d_model (key)]."""
        self._check_products("Q", "K")
        return FactoredMatrix(self.W_Q, self.W_K.mT)

    @property
    def OV(self) -> FactoredMatrix:
        """W_V W_O of every head: [head, d_model (read), d_model (written)]."""
        self._check_products("V")
        return FactoredMatrix(self.W_V, self.W_O)

    def _check_products(self, *into: str) -> None:
        """Raises NotDefinedError where W_Q, W_K or W_V is no one matrix."""
        for each in into:
            read_of_stream(self.config, self.block_weights(), each)


class GroupedQueryAttention(Attention):
    """Heads of which several share their keys and values."""


class MLP(Component):
    """The neurons of one layer."""

    path = "mlp"

    def forward(self, x: Tensor) -> Tensor:
        """What they write [batch, pos, d_model], from what they read (norm applied)."""
        return transformer.mlp_from(self.config, self.block_weights(), self.layer, x, tap_of(self._points))


class GatedMLP(MLP):
    """Neurons with a gate."""


class TransformerBlock(Component):
    """One layer: `ln1`, `attn`, and `ln2`, `mlp` if there is an MLP."""

    path = "block"

    def __init__(self, cfg: ClassicConfig, block_index: int | None = None, layer: int = 0, **where: Any) -> None:
        super().__init__(cfg, layer=layer if block_index is None else block_index, **{"path": "", **where})

    def forward(
        self,
        resid_pre: Tensor,
        shortformer_pos_embed: Tensor | None = None,
        past_kv_cache_entry: KeyValueCache | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """The residual stream after this layer [batch, pos, d_model], from the one before it."""
        config = self.config
        if config.positional_embedding_type == "shortformer" and shortformer_pos_embed is None:
            raise PromptError(
                "a block of a shortformer model adds positions to its queries and keys: give them as "
                "shortformer_pos_embed, model.pos_embed(tokens)"
            )
        positions = _position_info(config, resid_pre, past_kv_cache_entry, attention_mask)
        if config.positional_embedding_type == "shortformer":
            positions = positions._replace(qk_pos_embed=shortformer_pos_embed)
        return transformer.block(config, self.block_weights(), self.layer, resid_pre, positions, tap_of(self._points))


class Unembed(Component):
    """Logits from the normalized stream."""

    path = "unembed"

    def forward(self, residual: Tensor) -> Tensor:
        """[batch, pos, d_model] to [batch, pos, d_vocab_out]."""
        tap = tap_of(self._points)
        logits = F.linear(tap("unembed_in", None, residual), self.W_U.T, self.weights().get("b_U"))
        return tap("unembed_out", None, logits)


def build_modules(root: nn.Module, config: ModelConfig, weights: Weights) -> Slots:
    """Hangs the tree, its parameters and its hook points under `root`; returns where each weight is kept.

    Raises CheckpointError if `weights` are not those that the config calls for.
    """
    tree = module_tree(config, weights)
    embed: Component | None = None
    for name, node in tree.children.items():
        if name == "blocks":
            made: nn.Module = nn.ModuleList(
                TransformerBlock(config, layer=int(layer), tree=block) for layer, block in node.children.items()
            )
        else:
            made = _class_of(config, name)(config, tree=node, path=name, embed=embed)
        root.add_module(name, made)
        embed = made if isinstance(made, Embed) else embed
    for leaf in tree.sites:
        root.add_module(leaf, HookPoint())
    slots: Slots = {name: [None] * (config.n_layers if is_layered(name) else 1) for name in weights}
    for part in _tops(root):
        for name, slot in part.slots().items():
            slots[name][part.layer if is_layered(name) else 0] = slot
    return slots


def check_module(owner: nn.Module, name: str, value: Any) -> None:
    """Raises ConfigError where a sub-module of a model would be replaced: its forward would not call the new one."""
    if isinstance(owner.__dict__.get("_modules", {}).get(name), Component | nn.ModuleList) and value is not getattr(
        owner, name
    ):
        raise ConfigError(
            f"{name} was to be replaced by a {type(value).__name__}, which the model's forward would never call: edit "
            "what it gives out with a hook, or write to its weights"
        )


def _tops(root: nn.Module) -> Iterator[Component]:
    for child in root.children():
        yield from (child,) if isinstance(child, Component) else _tops(child)


def _class_of(config: ModelConfig, name: str) -> type[Component]:
    """The class of the part that hangs under this name."""
    if name.startswith("ln"):
        norms = {"LN": LayerNorm, "LNPre": LayerNormPre, "RMS": RMSNorm, "RMSPre": RMSNormPre, None: Norm}
        # Norms after attention and MLP keep their weights when those before them are folded.
        after = name.endswith("_post") and config.normalization_type is not None
        return norms[config.normalization_type.removesuffix("Pre") if after else config.normalization_type]  # type: ignore
    kinds: dict[str, type[Component]] = {
        "embed": Embed,
        "pos_embed": PosEmbed,
        "attn": GroupedQueryAttention if config.grouped else Attention,
        "mlp": GatedMLP if config.gated_mlp else MLP,
        "unembed": Unembed,
    }
    return kinds.get(name, Component)


def _config_of(cfg: ClassicConfig, path: str) -> ModelConfig:
    if isinstance(cfg, ModelConfig):
        return cfg
    classic = HookedTransformerConfig.unwrap(cfg)
    if classic.d_vocab == -1 and path not in ("embed", "unembed"):
        classic = replace_fields(classic, d_vocab=1, d_vocab_out=1)
    return classic.to_model_config()


def replace_fields(cfg: HookedTransformerConfig, **changes: Any) -> HookedTransformerConfig:
    """A copy of the config with other values."""
    return HookedTransformerConfig(**{**cfg.to_dict(), **changes})


def _alone(cfg: ClassicConfig, config: ModelConfig, path: str, layer: int) -> ModuleTree:
    """A part of the tree of a model with fresh weights, for a component that stands alone."""
    if not 0 <= layer < max(1, config.n_layers):
        raise ConfigError(f"layer {layer} was asked for; the config has {config.n_layers}")
    tree = module_tree(config, draw_weights(HookedTransformerConfig.unwrap(cfg), config))
    return tree.at(path if path in tree.children else f"blocks.{layer}.{path}")


def _position_info(
    config: ModelConfig, x: Tensor, past: KeyValueCache | None, attention_mask: Tensor | None
) -> PositionInfo:
    """The positions of `x`, for what adds none of its own to the stream."""
    if config.positional_embedding_type in ("standard", "shortformer", "sinusoidal"):
        config = replace(config, positional_embedding_type=None)
    mask = None if attention_mask is None else attention_mask.bool()
    return position_info(config, {}, (x.shape[0], x.shape[1]), x.device, mask=mask, past=past)


def _owner(path: str) -> str:
    """The component that a weight's path ends in: "blocks.{l}.attn.W_Q" is in "attn"."""
    return path.removeprefix("blocks.{l}.").rpartition(".")[0]
