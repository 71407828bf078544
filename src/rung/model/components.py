"""The module tree: parameters and hook points under the names people know. The maths is the engine's."""

from typing import Any

import torch
from torch import Tensor, nn

from ..config import GROUPED, ModelConfig, bias_shapes, is_layered, weight_path, weight_shapes
from ..engine.sites import sites_of
from ..engine.weights import Weights
from ..errors import CheckpointError
from .hooks import HookPoint


class Part(nn.Module):
    """A node of the tree: holds the parameters whose paths end here. Biases the model lacks read as zeros."""

    def __init__(self, config: ModelConfig, layer: int | None = None) -> None:
        super().__init__()
        self.config = config
        self.layer = layer

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            held = self.__dict__.get("_parameters", {})
            if name in GROUPED and f"_{name}" in held:
                few = held[f"_{name}"]
                return few.repeat_interleave(self.config.n_heads // self.config.n_kv, 0)
            absent = bias_shapes(self.config) if name.startswith("b_") and "config" in self.__dict__ else {}
            if name in absent and name not in self.config.biases:
                few = torch.zeros(absent[name], dtype=_any(self).dtype, device=_any(self).device)
                expand = self.config.grouped and name in GROUPED
                return few.repeat_interleave(self.config.n_heads // self.config.n_kv, 0) if expand else few
            raise

    def __setattr__(self, name: str, value: Any) -> None:
        if name in GROUPED and "config" in self.__dict__ and self.config.grouped:
            raise CheckpointError(
                f"{name} is shown here once for each of {self.config.n_heads} query heads; "
                f"write to _{name}, which holds the {self.config.n_kv} that exist"
            )
        super().__setattr__(name, value)


class Block(Part):
    """One layer: `ln1`, `attn`, and `ln2`, `mlp` if there is an MLP."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__(config, layer)
        self.ln1 = Part(config, layer)
        self.attn = Part(config, layer)
        if not config.attn_only:
            self.ln2 = Part(config, layer)
            self.mlp = Part(config, layer)


def grow(root: nn.Module, config: ModelConfig, weights: Weights) -> dict[str, list[tuple[nn.Module, str]]]:
    """Hangs the tree, its parameters and its hook points under `root`; returns where each weight is kept."""
    root.embed = Part(config)
    if config.positional_embedding_type in ("standard", "shortformer"):
        root.pos_embed = Part(config)
    root.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layers))
    root.ln_final = Part(config)
    root.unembed = Part(config)
    slots: dict[str, list[tuple[nn.Module, str]]] = {}
    for name in weight_shapes(config):
        held = weights[name]
        tensors = held if isinstance(held, tuple) else (held,)
        slots[name] = []
        for layer, tensor in enumerate(tensors):
            path, leaf = weight_path(config, name, layer if is_layered(name) else None).rsplit(".", 1)
            owner = root.get_submodule(path)
            owner.register_parameter(leaf, nn.Parameter(tensor, requires_grad=tensor.is_floating_point()))
            slots[name].append((owner, leaf))
    for site in sites_of(config):
        path, _, leaf = site.path.rpartition(".")
        root.get_submodule(path).add_module(leaf, HookPoint())
    return slots


def _any(part: nn.Module) -> Tensor:
    return next(part.parameters())
