"""`Embed`, where classic code imports it from."""

from ...model.components import Embed

__all__ = ["Embed"]
