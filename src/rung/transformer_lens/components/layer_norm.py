"""`LayerNorm`, where classic code imports it from."""

from ...model.components import LayerNorm

__all__ = ["LayerNorm"]
