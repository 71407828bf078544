"""The module tree as data: which weights and hook points a model has, and under which names."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from ..config import ModelConfig, is_layered, weight_shapes
from ..engine.sites import Site, sites_of
from ..engine.weights import Weights, flatten, present
from ..errors import CheckpointError


@dataclass
class ModuleTree:
    """One module of the tree: its weights, its hook points and its children, as data."""

    weights: dict[str, tuple[str, Tensor]] = field(default_factory=dict)
    """By leaf ("_W_K"): the engine's name for it, and the tensor."""
    sites: dict[str, Site] = field(default_factory=dict)
    """By leaf ("hook_z")."""
    children: dict[str, ModuleTree] = field(default_factory=dict)

    def at(self, path: str) -> ModuleTree:
        """The subtree at a dotted path, made if it is not there; this one for the empty path."""
        node = self
        for name in filter(None, path.split(".")):
            node = node.children.setdefault(name, ModuleTree())
        return node


def module_tree(config: ModelConfig, weights: Weights) -> ModuleTree:
    """The whole tree of a model. Raises CheckpointError if `weights` are not those that the config calls for."""
    check_weights(config, weights)
    root = ModuleTree()
    fixed = ["embed", *(["pos_embed"] if "W_pos" in weights else []), "blocks"]
    parts = ("ln1", "attn") if config.attn_only else ("ln1", "attn", "ln2", "mlp")
    fixed += [f"blocks.{layer}.{part}" for layer in range(config.n_layers) for part in parts]
    for path in (*fixed, "ln_final", "unembed"):
        root.at(path)
    names = (name for name, held in weights.items() for _ in present(held))
    for name, (path, tensor) in zip(names, flatten(config, weights), strict=True):
        owner, _, leaf = path.rpartition(".")
        root.at(owner).weights[leaf] = (name, tensor)
    for site in sites_of(config):
        owner, _, leaf = site.path.rpartition(".")
        root.at(owner).sites[leaf] = site
    return root


def check_weights(config: ModelConfig, weights: Weights) -> None:
    """Raises CheckpointError unless names, shapes and types are those that the config calls for."""
    shapes = weight_shapes(config)
    odd = sorted(set(shapes) ^ set(weights))
    if odd:
        said = "lack {}; the config calls for it" if odd[0] in shapes else "have {}; the config does not call for it"
        raise CheckpointError(f"the weights {said.format(odd[0])}")
    of_layer = {layer: weight_shapes(config, layer) for layer in (None, *range(config.n_layers))}
    for name in shapes:
        held = weights[name]
        if is_layered(name) and not (isinstance(held, tuple) and len(held) == config.n_layers):
            raise CheckpointError(f"{name} must be a tuple of {config.n_layers} tensors, one for each layer")
        for layer, tensor in enumerate(held) if isinstance(held, tuple) else ((None, held),):
            shape = of_layer[layer].get(name)
            if (tensor is None) != (shape is None):
                raise CheckpointError(f"{name} of layer {layer} must be {'None' if shape is None else 'a tensor'}")
            if tensor is None or shape is None:
                continue
            if tuple(tensor.shape) != shape or not tensor.is_floating_point():
                raise CheckpointError(
                    f"{name} is {tensor.dtype} of shape {list(tensor.shape)}; "
                    f"the config calls for floating-point numbers of shape {list(shape)}"
                )
