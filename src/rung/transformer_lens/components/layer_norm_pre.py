"""`LayerNormPre`, where classic code imports it from."""

from ...model.components import LayerNormPre

__all__ = ["LayerNormPre"]
