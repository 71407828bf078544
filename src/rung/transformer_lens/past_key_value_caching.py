"""Keys and values of what was read before, for `model(tokens, past_kv_cache=…)`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..config import ModelConfig
from ..engine.kv_cache import KeyValueCache
from ..model.classic import HookedTransformerConfig


class HookedTransformerKeyValueCache(KeyValueCache):
    """Room for a whole context of keys and values in every layer; each run of the model fills in its own."""

    frozen = False

    @classmethod
    def init_cache(
        cls, cfg: HookedTransformerConfig | dict[str, Any], device: Any = None, batch_size: int = 1
    ) -> HookedTransformerKeyValueCache:
        """An empty one for `batch_size` sequences of a model with this config."""
        cfg = HookedTransformerConfig.unwrap(cfg)
        config: ModelConfig = cfg.to_model_config()
        return cls(config, batch_size, config.n_ctx, torch.empty(0, device=device, dtype=cfg.dtype))

    def freeze(self) -> None:
        """From now on runs read what is kept, and leave nothing."""
        self.frozen = True

    def unfreeze(self) -> None:
        """From now on runs leave their own again."""
        self.frozen = False

    def advance(self, count: int, mask: Tensor | None = None) -> None:
        """Marks `count` more positions as read, unless frozen."""
        if not self.frozen:
            super().advance(count, mask)


TransformerLensKeyValueCache = HookedTransformerKeyValueCache

__all__ = ["HookedTransformerKeyValueCache", "TransformerLensKeyValueCache"]
