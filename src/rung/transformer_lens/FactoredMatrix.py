"""`FactoredMatrix` where classic code looks for it."""

from ..engine.factored import FactoredMatrix

__all__ = ["FactoredMatrix"]
