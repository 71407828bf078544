"""`HookedTransformer`, and the names beside it."""

import torch
from torch import Tensor

from ..model.model import HookedTransformer, Output

SingleLoss = LossPerToken = Loss = Tensor
DTYPE_FROM_STRING = {
    name: getattr(torch, full)
    for name, full in (
        ("float32", "float32"), ("fp32", "float32"), ("float16", "float16"), ("fp16", "float16"),
        ("bfloat16", "bfloat16"), ("bf16", "bfloat16"),
    )
}  # fmt: skip

__all__ = ["DTYPE_FROM_STRING", "HookedTransformer", "Loss", "LossPerToken", "Output", "SingleLoss"]
