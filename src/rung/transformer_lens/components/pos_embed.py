"""`PosEmbed`, where classic code imports it from."""

from ...model.components import PosEmbed

__all__ = ["PosEmbed"]
