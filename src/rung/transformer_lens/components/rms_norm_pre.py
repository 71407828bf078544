"""`RMSNormPre`, where classic code imports it from."""

from ...model.components import RMSNormPre

__all__ = ["RMSNormPre"]
