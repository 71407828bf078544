"""`TransformerBlock`, where classic code imports it from."""

from ...model.components import TransformerBlock

__all__ = ["TransformerBlock"]
