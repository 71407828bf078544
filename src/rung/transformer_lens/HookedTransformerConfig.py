"""`HookedTransformerConfig` where classic code looks for it."""

from ..model.classic import HookedTransformerConfig

__all__ = ["HookedTransformerConfig"]
