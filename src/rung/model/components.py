"""The module tree: parameters and hook points under the names people know. The maths is the engine's."""

from typing import Any

from torch import Tensor, nn

from ..config import GROUPED, WEIGHT_PATHS, ModelConfig, bias_shapes, is_layered, weight_path, weight_shapes
from ..engine.sites import sites_of
from ..engine.weights import Weights
from ..errors import CheckpointError
from .hooks import HookPoint


class Part(nn.Module):
    """A node of the tree: holds the parameters whose paths end here. Biases the model lacks read as zeros."""

    def __init__(self, config: ModelConfig, place: str = "", embed: "Part | None" = None) -> None:
        """`place`: the node's name, "attn" or "unembed". `embed`: for zeros, where this node holds no weights."""
        super().__init__()
        self.config = config
        self._ours = {path.rpartition(".")[2]: name for name, path in WEIGHT_PATHS.items() if _place(path) == place}
        # In a tuple: the embedding is no child of this node.
        self._embed = (embed,)

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
            shapes = bias_shapes(self.config)
            if ours not in shapes or ours in self.config.biases:
                raise
            like = next(self.parameters()) if self._embed[0] is None else self._embed[0].W_E
            zeros = like.new_zeros(shapes[ours])
            return self._for_every_head(zeros) if self.config.grouped and name in GROUPED else zeros

    def _for_every_head(self, few: Tensor) -> Tensor:
        return few.repeat_interleave(self.config.n_heads // self.config.n_kv, 0)

    def __setattr__(self, name: str, value: Any) -> None:
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
        wanted = weight_shapes(config)[ours]
        if isinstance(value, Tensor) and tuple(value.shape) != wanted:
            raise CheckpointError(f"{name} was given shape {list(value.shape)}; the config calls for {list(wanted)}")


class Block(nn.Module):
    """One layer: `ln1`, `attn`, and `ln2`, `mlp` if there is an MLP."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.ln1 = Part(config, "ln1")
        self.attn = Part(config, "attn")
        if not config.attn_only:
            self.ln2 = Part(config, "ln2")
            self.mlp = Part(config, "mlp")


def grow(root: nn.Module, config: ModelConfig, weights: Weights) -> dict[str, list[tuple[nn.Module, str]]]:
    """Hangs the tree, its parameters and its hook points under `root`; returns where each weight is kept.

    Raises CheckpointError if `weights` are not those that the config calls for.
    """
    _check_weights(config, weights)
    root.embed = embed = Part(config, "embed")
    if config.positional_embedding_type in ("standard", "shortformer"):
        root.pos_embed = Part(config, "pos_embed")
    root.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
    root.ln_final = Part(config, "ln_final")
    root.unembed = Part(config, "unembed", embed)
    slots: dict[str, list[tuple[nn.Module, str]]] = {}
    for name in weight_shapes(config):
        held = weights[name]
        tensors = held if isinstance(held, tuple) else (held,)
        slots[name] = []
        for layer, tensor in enumerate(tensors):
            path, leaf = weight_path(config, name, layer if is_layered(name) else None).rsplit(".", 1)
            owner = root.get_submodule(path)
            owner.register_parameter(leaf, nn.Parameter(tensor))
            slots[name].append((owner, leaf))
    for site in sites_of(config):
        path, _, leaf = site.path.rpartition(".")
        root.get_submodule(path).add_module(leaf, HookPoint())
    return slots


def _place(path: str) -> str:
    """The node that a weight's path ends in: "blocks.{l}.attn.W_Q" is in "attn"."""
    return path.split(".")[-2]


def _check_weights(config: ModelConfig, weights: Weights) -> None:
    shapes = weight_shapes(config)
    odd = sorted(set(shapes) ^ set(weights))
    if odd:
        said = "lack {}; the config calls for it" if odd[0] in shapes else "have {}; the config does not call for it"
        raise CheckpointError(f"the weights {said.format(odd[0])}")
    for name, shape in shapes.items():
        held = weights[name]
        if is_layered(name) and not (isinstance(held, tuple) and len(held) == config.n_layers):
            raise CheckpointError(f"{name} must be a tuple of {config.n_layers} tensors, one for each layer")
        for tensor in held if isinstance(held, tuple) else (held,):
            if tuple(tensor.shape) != shape or not tensor.is_floating_point():
                raise CheckpointError(
                    f"{name} is {tensor.dtype} of shape {list(tensor.shape)}; "
                    f"the config calls for floating-point numbers of shape {list(shape)}"
                )
