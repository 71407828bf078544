"""`HookedRootModule` where classic code looks for it."""

from ..model.hooks import HookedRootModule

__all__ = ["HookedRootModule"]
