"""Transformers whose circuit is known because it was wired by hand: true ones, and decoys that only look like one."""

from .decoys import DECOYS
from .models import KINDS, PLANTED, Planted, plant
from .wiring import ARCHITECTURES, Architecture

__all__ = ["ARCHITECTURES", "DECOYS", "KINDS", "PLANTED", "Architecture", "Planted", "plant"]
