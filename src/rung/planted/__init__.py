"""Transformers whose circuit is known because it was wired by hand: true ones, and decoys that only look like one."""

from .models import PLANTED, Planted, plant

__all__ = ["PLANTED", "Planted", "plant"]
