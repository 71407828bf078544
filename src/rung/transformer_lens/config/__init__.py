"""`HookedTransformerConfig` in the place that classic code of version 3 takes it from."""

from typing import Any

from ...model.classic import HookedTransformerConfig
from ..left_out import left_out

TransformerLensConfig = HookedTransformerConfig
"""What version 3 calls the config that its classes share: here one class is all of them."""

_WHY = {"TransformerBridgeConfig": "HookedTransformerConfig describes every model"}

__all__ = ["HookedTransformerConfig", "TransformerLensConfig"]


def __getattr__(name: str) -> Any:
    raise left_out("transformer_lens.config", name, _WHY, __all__)
