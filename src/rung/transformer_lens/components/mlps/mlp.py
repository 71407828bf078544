"""`MLP`, where classic code imports it from."""

from ....model.components import MLP

__all__ = ["MLP"]
