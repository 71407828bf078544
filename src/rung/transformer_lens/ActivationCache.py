"""`ActivationCache` where classic code looks for it."""

from ..engine.cache import ActivationCache

__all__ = ["ActivationCache"]
