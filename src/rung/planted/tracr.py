"""Programs compiled by Tracr, as models: a truth that nobody here wired (Lindner et al. 2023, arXiv:2301.05062).

Tracr compiles a RASP program to the parameters of a transformer in haiku's layout: a mapping from modules to arrays.

    token_embed/embeddings [d_vocab, d_model]               pos_embed/embeddings [n_ctx, d_model]
    transformer/layer_0/attn/query|key|value  w [d_model, heads · d_head], b [heads · d_head]
    transformer/layer_0/attn/linear           w [heads · d_head, d_model], b [d_model]
    transformer/layer_0/mlp/linear_1          w [d_model, d_mlp], b [d_mlp]
    transformer/layer_0/mlp/linear_2          w [d_mlp, d_model], b [d_model]

Each coordinate of the stream has a meaning, which Tracr lists as `residual_labels`. There is no norm; every layer has
attention and an MLP, empty where the program needs none; the unembedding is no parameter, but reads some coordinates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from ..config import Activation, ModelConfig
from ..engine.weights import to_kernel_layout
from ..errors import CheckpointError, near
from ..model.model import HookedTransformer

Params = Mapping[str, Any]
"""Arrays by module and name, nested as haiku has them, or flat with a slash between."""

_BIASES = frozenset({"b_Q", "b_K", "b_V", "b_O", "b_in", "b_out"})


def from_tracr(
    params: Params,
    *,
    n_heads: int,
    causal: bool = False,
    output: Sequence[int] | None = None,
    act_fn: Activation = "relu",
    name: str = "tracr",
) -> HookedTransformer:
    """The model that computes what the compiled program computes, in float32.

    Args:
        params: what Tracr's `AssembledTransformerModel.params` holds, each array anything that torch can copy.
        n_heads: `model_config.num_heads`; the arrays do not say it.
        causal: `model_config.causal`.
        output: the coordinates of the stream that the logits are, in the order of the output's values: where
            `residual_labels` has them. None: all of them.
        act_fn: Tracr compiles for "relu".
        name: the model's name.

    Raises CheckpointError for a parameter that is missing, unknown, of another shape or not finite, for heads that do
    not share an array evenly, and for coordinates that are not there.
    """
    arrays = _flat(params)
    vocabulary, positions = (_take(arrays, f"{one}/embeddings", None, None) for one in ("token_embed", "pos_embed"))
    d_model, wide = vocabulary.shape[1], _first_size(arrays)
    if n_heads < 1 or wide[0] % n_heads:
        raise CheckpointError(f"{n_heads} heads cannot share {wide[0]} columns of queries evenly")
    if positions.shape[1] != d_model:
        raise CheckpointError(f"pos_embed is {positions.shape[1]} wide, and token_embed {d_model}")
    W_U = _reads(d_model, range(d_model) if output is None else output)
    config = ModelConfig(
        n_layers=_n_layers(arrays),
        d_model=d_model,
        n_heads=n_heads,
        d_head=wide[0] // n_heads,
        d_mlp=wide[1],
        act_fn=act_fn,
        d_vocab=len(vocabulary),
        d_vocab_out=W_U.shape[1],
        n_ctx=len(positions),
        normalization_type=None,
        attention_dir="causal" if causal else "bidirectional",
        biases=_BIASES,
        model_name=name,
    )
    weights: dict[str, Tensor | tuple[Tensor, ...]] = {"W_E": vocabulary, "W_pos": positions, "W_U": W_U}
    layers = [_layer(arrays, layer, config) for layer in range(config.n_layers)]
    if arrays:
        raise CheckpointError(f"these parameters are none of a compiled program's: {', '.join(sorted(arrays))}")
    weights |= {one: tuple(layer[one] for layer in layers) for one in layers[0]}
    laid = {
        one: tuple(to_kernel_layout(one, x) for x in W) if isinstance(W, tuple) else to_kernel_layout(one, W)
        for one, W in weights.items()
    }
    return HookedTransformer(config, laid)


def _layer(arrays: dict[str, Tensor], layer: int, config: ModelConfig) -> dict[str, Tensor]:
    """One layer's weights in the field's names and orientation; they are taken out of `arrays`."""
    here, d, heads = f"transformer/layer_{layer}", config.d_model, config.n_heads
    columns = heads * config.d_head
    found = {}
    for ours, theirs in (("Q", "query"), ("K", "key"), ("V", "value")):
        w = _take(arrays, f"{here}/attn/{theirs}/w", d, columns)
        found[f"W_{ours}"] = rearrange(w, "d (h e) -> h d e", h=heads)
        b = _take(arrays, f"{here}/attn/{theirs}/b", columns)
        found[f"b_{ours}"] = rearrange(b, "(h e) -> h e", h=heads)
    found["W_O"] = rearrange(_take(arrays, f"{here}/attn/linear/w", columns, d), "(h e) d -> h e d", h=heads)
    found["b_O"] = _take(arrays, f"{here}/attn/linear/b", d)
    assert config.d_mlp is not None
    for ours, theirs, shape in (("in", "linear_1", (d, config.d_mlp)), ("out", "linear_2", (config.d_mlp, d))):
        found[f"W_{ours}"] = _take(arrays, f"{here}/mlp/{theirs}/w", *shape)
        found[f"b_{ours}"] = _take(arrays, f"{here}/mlp/{theirs}/b", shape[1])
    return found


def _flat(params: Params) -> dict[str, Tensor]:
    """Every array by its whole name. Raises CheckpointError for what is no array of finite numbers."""
    found: dict[str, Tensor] = {}
    for module, value in params.items():
        named = value.items() if isinstance(value, Mapping) else (("", value),)
        for name, array in named:
            whole = f"{module}/{name}" if name else module
            try:
                tensor = torch.tensor(array.tolist() if hasattr(array, "tolist") else array, dtype=torch.float32)
            except (TypeError, ValueError) as error:
                raise CheckpointError(f"the parameter {whole} is no array of numbers: {error}") from None
            if not bool(tensor.isfinite().all()):
                raise CheckpointError(f"the parameter {whole} holds numbers that are not finite")
            found[whole] = tensor
    return found


def _take(arrays: dict[str, Tensor], name: str, *shape: int | None) -> Tensor:
    """The parameter of this name, which is removed; None in a shape is any size."""
    if name not in arrays:
        raise CheckpointError(f"the parameter {name} is missing.{near(name, arrays)}")
    found = arrays.pop(name)
    if len(found.shape) != len(shape) or any(
        want not in (None, size) for want, size in zip(shape, found.shape, strict=True)
    ):
        wanted = " × ".join("any" if size is None else str(size) for size in shape)
        raise CheckpointError(f"the parameter {name} has shape {tuple(found.shape)}; {wanted} would fit")
    return found


def _first_size(arrays: Mapping[str, Tensor]) -> tuple[int, int]:
    """Columns of all heads, and neurons, as the first layer has them."""
    sizes = []
    for name in ("attn/query/b", "mlp/linear_1/b"):
        whole = f"transformer/layer_0/{name}"
        if whole not in arrays:
            raise CheckpointError(f"the parameter {whole} is missing.{near(whole, arrays)}")
        sizes.append(arrays[whole].numel())
    return sizes[0], sizes[1]


def _n_layers(arrays: Mapping[str, Tensor]) -> int:
    found = {int(m[1]) for name in arrays if (m := re.match(r"transformer/layer_([0-9]{1,6})/", name))}
    return max(found) + 1


def _reads(d_model: int, output: Sequence[int]) -> Float[Tensor, "d_model out"]:
    """An unembedding whose logits are these coordinates of the stream."""
    wrong = [at for at in output if not 0 <= at < d_model]
    if wrong or not output:
        raise CheckpointError(
            f"the output is read from the coordinates {list(output)}; the stream has those from 0 to {d_model - 1}"
        )
    return torch.eye(d_model)[:, list(output)]
