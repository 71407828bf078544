"""A model's weights as data: a flat mapping from a name to a tensor, or to one a layer (None where a layer has none).

Shapes are the field's (`config.weight_shapes`); strides lie over the layout that a product reads without a copy.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from ..config import WEIGHT_PATHS, ModelConfig, is_layered, weight_path, weight_shapes
from ..errors import CheckpointError, NotDefinedError

WeightEntry = Tensor | tuple[Tensor | None, ...]
Weights = Mapping[str, WeightEntry]

_INPUTS_INNERMOST = frozenset(
    name for name in WEIGHT_PATHS if name.startswith("W_") and name not in ("W_E", "W_pos", "W_O")
)
"""Weights whose last two axes change places in memory: products run along contiguous input axes."""


class BlockWeights(NamedTuple):
    """One layer's weights; None where the model has no such part. Shapes: `config.weight_shapes`."""

    W_O: Tensor
    W_Q: Tensor | None = None
    W_K: Tensor | None = None
    W_V: Tensor | None = None
    W_DQ: Tensor | None = None
    q_latent_w: Tensor | None = None
    W_QR: Tensor | None = None
    W_UQ: Tensor | None = None
    W_DKV: Tensor | None = None
    kv_latent_w: Tensor | None = None
    W_KR: Tensor | None = None
    W_UK: Tensor | None = None
    W_UV: Tensor | None = None
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
    sinks: Tensor | None = None
    ln1_post_w: Tensor | None = None
    ln2_post_w: Tensor | None = None
    W_gate: Tensor | None = None
    W_in: Tensor | None = None
    W_out: Tensor | None = None
    b_gate: Tensor | None = None
    b_in: Tensor | None = None
    b_out: Tensor | None = None
    W_router: Tensor | None = None
    b_router: Tensor | None = None
    b_select: Tensor | None = None
    W_router_shared: Tensor | None = None
    W_gate_shared: Tensor | None = None
    W_in_shared: Tensor | None = None
    W_out_shared: Tensor | None = None


LATENT_WEIGHTS = ("W_DQ", "q_latent_w", "W_QR", "W_UQ", "W_DKV", "kv_latent_w", "W_KR", "W_UK", "W_UV")
"""What latent attention makes queries, keys and values with."""


FULL_PRECISION = frozenset({"b_select"})
"""Read as float32 whatever the other weights are rounded to: experts are chosen by small differences between them."""


@runtime_checkable
class ModelLike(Protocol):
    """A model as the maths needs it: what it is, and what it weighs."""

    @property
    def config(self) -> ModelConfig: ...
    @property
    def weights(self) -> Weights: ...


def block_weights(weights: Weights, layer: int) -> BlockWeights:
    """What `layer` holds."""
    its: dict[str, Any] = {name: held[layer] for name, held in weights.items() if isinstance(held, tuple)}
    return BlockWeights(**its)


def read_of_stream(config: ModelConfig, w: BlockWeights, into: str) -> Tensor:
    """W_Q, W_K or W_V (`into` "Q", "K" or "V") of every head, [heads, d_model, width]. Raises NotDefinedError where no
    one matrix stands between the stream and them.
    """
    W: Tensor | None = getattr(w, f"W_{into}")
    if W is None:
        raise NotDefinedError(
            f"{config.model_name} has no W_{into}: queries, keys or values are made from compressed vectors, and a "
            "norm between the two products keeps them from being one matrix (see W_DQ, W_UQ, W_DKV, W_UK, W_UV)"
        )
    return W


def present(held: WeightEntry) -> list[Tensor]:
    """The tensors of an entry, one layer's after the other's."""
    return [tensor for tensor in held if tensor is not None] if isinstance(held, tuple) else [held]


def changed(held: WeightEntry, change: Callable[[Tensor], Tensor]) -> WeightEntry:
    """Every tensor of an entry through `change`; a layer without one stays without."""
    if isinstance(held, tuple):
        return tuple(None if tensor is None else change(tensor) for tensor in held)
    return change(held)


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


class _WeightsOn(Mapping[str, WeightEntry]):
    def __init__(self, weights: Weights, device: torch.device) -> None:
        self._weights, self._device = weights, device

    def __getitem__(self, name: str) -> WeightEntry:
        held = self._weights[name]
        return _LayersOn(held, self._device) if isinstance(held, tuple) else held.to(self._device)

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)


class _LayersOn(tuple[Tensor | None, ...]):
    _device: torch.device

    def __new__(cls, held: tuple[Tensor | None, ...], device: torch.device) -> "_LayersOn":
        made = super().__new__(cls, held)
        made._device = device
        return made

    def __getitem__(self, layer: Any) -> Any:
        found = super().__getitem__(layer)
        return _LayersOn(found, self._device) if isinstance(found, tuple) else self._moved(found)

    def __iter__(self) -> Iterator[Tensor | None]:
        return map(self._moved, super().__iter__())

    def _moved(self, held: Tensor | None) -> Tensor | None:
        return None if held is None else held.to(self._device)


def to_kernel_layout(name: str, tensor: Tensor) -> Tensor:
    """The same values and shape, in memory as products read them fastest; no copy if they lie so already."""
    return tensor.mT.contiguous().mT if name in _INPUTS_INNERMOST else tensor.contiguous()


def flatten(config: ModelConfig, weights: Weights) -> Iterator[tuple[str, Tensor]]:
    """Each tensor under its classic name: ("blocks.0.attn.W_Q", …)."""
    for name, held in weights.items():
        if isinstance(held, tuple):
            for layer, tensor in enumerate(held):
                if tensor is not None:
                    yield weight_path(config, name, layer), tensor
        else:
            yield weight_path(config, name), held


def build_weights(
    config: ModelConfig, make: Callable[[str, int | None, tuple[int, ...]], Tensor]
) -> dict[str, WeightEntry]:
    """Every weight that the config calls for, each from make(name, layer, shape)."""
    of_layer = [weight_shapes(config, layer) for layer in range(config.n_layers)]
    return {
        name: tuple(make(name, at, own[name]) if name in own else None for at, own in enumerate(of_layer))
        if is_layered(name)
        else make(name, None, shape)
        for name, shape in weight_shapes(config).items()
    }


def gather(config: ModelConfig, flat: Mapping[str, Tensor]) -> dict[str, WeightEntry]:
    """The inverse of `flatten`, laid out for products. Raises CheckpointError on a wrong shape; asserts presence."""

    def taken(name: str, layer: int | None, shape: tuple[int, ...]) -> Tensor:
        path = weight_path(config, name, layer)
        if tuple(flat[path].shape) != shape:
            raise CheckpointError(f"{path} has shape {list(flat[path].shape)}; the config calls for {list(shape)}")
        return to_kernel_layout(name, flat[path])

    return build_weights(config, taken)


def init_weights(config: ModelConfig, seed: int, dtype: torch.dtype = torch.float32) -> Weights:
    """Fresh weights: normal of deviation 1/sqrt(inputs) for products, 0.02 for tables; ones and zeros for the rest."""
    generator = torch.Generator().manual_seed(seed)

    def draw(name: str, layer: int | None, shape: tuple[int, ...]) -> Tensor:
        if not name.startswith("W_"):
            return (torch.ones if name.endswith("_w") else torch.zeros)(shape, dtype=dtype)
        inputs = config.n_heads * config.d_v if name == "W_O" else shape[-2]
        deviation = 0.02 if name in ("W_E", "W_pos") else inputs**-0.5
        return to_kernel_layout(name, (torch.randn(shape, generator=generator) * deviation).to(dtype))

    return build_weights(config, draw)
