"""Lists of names, where version 3 has them."""

from .loading_from_pretrained import DEFAULT_MODEL_ALIASES, MODEL_ALIASES, OFFICIAL_MODEL_NAMES

__all__ = ["DEFAULT_MODEL_ALIASES", "MODEL_ALIASES", "OFFICIAL_MODEL_NAMES"]
