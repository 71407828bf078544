"""`HookedTransformerConfig`."""

from . import HookedTransformerConfig

__all__ = ["HookedTransformerConfig"]
