"""`TransformerLensConfig`."""

from . import TransformerLensConfig

__all__ = ["TransformerLensConfig"]
