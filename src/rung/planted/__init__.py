"""Transformers whose circuit is known because it was wired by hand: true ones, and decoys that only look like one."""

from .decoys import DECOYS
from .models import KINDS, PLANTED, Planted, plant
from .tracr import from_tracr
from .wiring import ARCHITECTURES, Architecture

__all__ = ["ARCHITECTURES", "DECOYS", "KINDS", "PLANTED", "Architecture", "Planted", "from_tracr", "plant"]
