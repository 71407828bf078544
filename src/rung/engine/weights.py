"""A model's weights as data: a flat mapping from a name to a tensor, or to one tensor a layer.

Shapes are the field's (`config.weight_shapes`); strides lie over the layout that a product reads without a copy.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from ..config import WEIGHT_PATHS, ModelConfig, is_layered, weight_path, weight_shapes
from ..errors import CheckpointError

Weights = Mapping[str, Tensor | tuple[Tensor, ...]]

_INPUTS_INNERMOST = frozenset(
    name for name in WEIGHT_PATHS if name.startswith("W_") and name not in ("W_E", "W_pos", "W_O")
)
"""Weights whose last two axes change places in memory: products run along contiguous input axes."""


class BlockWeights(NamedTuple):
    """One layer's weights; None where the model has no such part. Shapes: `config.weight_shapes`."""

    W_Q: Tensor
    W_K: Tensor
    W_V: Tensor
    W_O: Tensor
    b_Q: Tensor | None = None
    b_K: Tensor | None = None
    b_V: Tensor | None = None
    b_O: Tensor | None = None
    q_norm_w: Tensor | None = None
    q_norm_b: Tensor | None = None
    k_norm_w: Tensor | None = None
    k_norm_b: Tensor | None = None
    ln1_w: Tensor | None = None
    ln1_b: Tensor | None = None
    ln2_w: Tensor | None = None
    ln2_b: Tensor | None = None
    ln1_post_w: Tensor | None = None
    ln2_post_w: Tensor | None = None
    W_gate: Tensor | None = None
    W_in: Tensor | None = None
    W_out: Tensor | None = None
    b_gate: Tensor | None = None
    b_in: Tensor | None = None
    b_out: Tensor | None = None
    W_router: Tensor | None = None
    W_router_shared: Tensor | None = None
    W_gate_shared: Tensor | None = None
    W_in_shared: Tensor | None = None
    W_out_shared: Tensor | None = None


@runtime_checkable
class ModelLike(Protocol):
    """A model as the maths needs it: what it is, and what it weighs."""

    @property
    def config(self) -> ModelConfig: ...
    @property
    def weights(self) -> Weights: ...


def block_weights(weights: Weights, layer: int) -> BlockWeights:
    """What `layer` holds."""
    return BlockWeights(**{name: held[layer] for name, held in weights.items() if isinstance(held, tuple)})


def unlayered(weights: Weights, name: str) -> Tensor | None:
    """A weight that is not layered, or None if the model has none of that name."""
    held = weights.get(name)
    assert not isinstance(held, tuple), f"{name} is layered"
    return held


def embedding(weights: Weights) -> Tensor:
    """W_E: [d_vocab, d_model]."""
    W_E = unlayered(weights, "W_E")
    assert W_E is not None
    return W_E


def unembedding(weights: Weights) -> Tensor:
    """W_U: [d_model, d_vocab], a view of W_E where they are tied."""
    W_U = unlayered(weights, "W_U")
    return embedding(weights).T if W_U is None else W_U


def weights_on(weights: Weights, device: torch.device) -> Weights:
    """The weights as they are on `device`: themselves, or copies that are made one at a time, as each is read."""
    return weights if embedding(weights).device == device else _WeightsOn(weights, device)


class _WeightsOn(Mapping[str, Tensor | tuple[Tensor, ...]]):
    def __init__(self, weights: Weights, device: torch.device) -> None:
        self._weights, self._device = weights, device

    def __getitem__(self, name: str) -> Tensor | tuple[Tensor, ...]:
        held = self._weights[name]
        return _LayersOn(held, self._device) if isinstance(held, tuple) else held.to(self._device)

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)


class _LayersOn(tuple[Tensor, ...]):
    _device: torch.device

    def __new__(cls, held: tuple[Tensor, ...], device: torch.device) -> "_LayersOn":
        made = super().__new__(cls, held)
        made._device = device
        return made

    def __getitem__(self, layer: Any) -> Any:
        found = super().__getitem__(layer)
        return found.to(self._device) if isinstance(found, Tensor) else _LayersOn(found, self._device)

    def __iter__(self) -> Iterator[Tensor]:
        return (tensor.to(self._device) for tensor in super().__iter__())


def to_kernel_layout(name: str, tensor: Tensor) -> Tensor:
    """The same values and shape, in memory as products read them fastest; no copy if they lie so already."""
    return tensor.mT.contiguous().mT if name in _INPUTS_INNERMOST else tensor.contiguous()


def flatten(config: ModelConfig, weights: Weights) -> Iterator[tuple[str, Tensor]]:
    """Each tensor under its classic name: ("blocks.0.attn.W_Q", …)."""
    for name, held in weights.items():
        if isinstance(held, tuple):
            for layer, tensor in enumerate(held):
                yield weight_path(config, name, layer), tensor
        else:
            yield weight_path(config, name), held


def gather(config: ModelConfig, flat: Mapping[str, Tensor]) -> dict[str, Tensor | tuple[Tensor, ...]]:
    """The inverse of `flatten`, laid out for products. Raises CheckpointError on a wrong shape; asserts presence."""
    weights: dict[str, Tensor | tuple[Tensor, ...]] = {}
    for name, shape in weight_shapes(config).items():
        layers = range(config.n_layers) if is_layered(name) else (None,)
        held = []
        for layer in layers:
            path = weight_path(config, name, layer)
            if tuple(flat[path].shape) != shape:
                raise CheckpointError(f"{path} has shape {list(flat[path].shape)}; the config calls for {list(shape)}")
            held.append(to_kernel_layout(name, flat[path]))
        weights[name] = tuple(held) if is_layered(name) else held[0]
    return weights


def init_weights(config: ModelConfig, seed: int, dtype: torch.dtype = torch.float32) -> Weights:
    """Fresh weights: normal of deviation 1/sqrt(inputs) for products, 0.02 for tables; ones and zeros for the rest."""
    generator = torch.Generator().manual_seed(seed)
    fan_in = {"W_O": config.n_heads * config.d_head, "W_out": config.d_mlp or 1}
    fan_in |= {"W_out_shared": config.d_mlp_shared or 1}

    def draw(name: str, shape: tuple[int, ...]) -> Tensor:
        if not name.startswith("W_"):
            return (torch.ones if name.endswith("_w") else torch.zeros)(shape, dtype=dtype)
        deviation = 0.02 if name in ("W_E", "W_pos") else fan_in.get(name, config.d_model) ** -0.5
        return to_kernel_layout(name, (torch.randn(shape, generator=generator) * deviation).to(dtype))

    return {
        name: tuple(draw(name, shape) for _ in range(config.n_layers)) if is_layered(name) else draw(name, shape)
        for name, shape in weight_shapes(config).items()
    }
