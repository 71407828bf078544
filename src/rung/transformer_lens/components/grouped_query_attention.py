"""`GroupedQueryAttention`, where classic code imports it from."""

from ...model.components import GroupedQueryAttention

__all__ = ["GroupedQueryAttention"]
