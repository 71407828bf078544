"""`Unembed`, where classic code imports it from."""

from ...model.components import Unembed

__all__ = ["Unembed"]
