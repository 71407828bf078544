"""`Attention`, where classic code imports it from."""

from ...model.components import Attention

__all__ = ["Attention"]
