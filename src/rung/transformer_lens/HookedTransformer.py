"""`HookedTransformer` where classic code looks for it."""

from ..model.model import HookedTransformer

__all__ = ["HookedTransformer"]
