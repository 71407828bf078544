"""`GatedMLP`, where classic code imports it from."""

from ....model.components import GatedMLP

__all__ = ["GatedMLP"]
