"""The config of a decoder-only transformer of any family. Does not import torch."""

from .model import Alibi, Latent, ModelConfig, Rotary, RotaryScaling
from .shapes import (
    BIASES,
    GROUPED,
    WEIGHT_PATHS,
    bias_shapes,
    is_layered,
    norms,
    weight_path,
    weight_shapes,
)
from .validate import Activation, Normalization, Positions

__all__ = [
    "BIASES",
    "GROUPED",
    "WEIGHT_PATHS",
    "Activation",
    "Alibi",
    "Latent",
    "ModelConfig",
    "Normalization",
    "Positions",
    "Rotary",
    "RotaryScaling",
    "bias_shapes",
    "is_layered",
    "norms",
    "weight_path",
    "weight_shapes",
]
