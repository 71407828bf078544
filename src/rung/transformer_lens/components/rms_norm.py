"""`RMSNorm`, where classic code imports it from."""

from ...model.components import RMSNorm

__all__ = ["RMSNorm"]
