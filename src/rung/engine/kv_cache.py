"""Keys and values of the tokens already read, so that generation reads each token once."""

from torch import Tensor

from ..config import ModelConfig
from ..errors import PromptError


class KeyValueCache:
    """Room for `n_ctx` positions of keys and values in every layer; `length` of them are filled."""

    def __init__(self, config: ModelConfig, batch: int, room: int, like: Tensor) -> None:
        self.length = 0
        self.room = room
        shape = (config.n_layers, batch, room, config.n_kv, config.d_head)
        self._keys = like.new_empty(shape)
        self._values = like.new_empty(shape)

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Stores `k` and `v` ([batch, pos, kv_head, d_head]) after the filled part; returns all of both.

        `length` moves on with `advance`, after every layer has stored its own.
        """
        end = self.length + k.shape[1]
        if end > self.room:
            raise PromptError(f"{end} tokens asked of a key-value cache with room for {self.room}")
        self._keys[layer, :, self.length : end] = k
        self._values[layer, :, self.length : end] = v
        return self._keys[layer, :, :end], self._values[layer, :, :end]

    def advance(self, count: int) -> None:
        """Marks `count` more positions as read."""
        self.length += count
