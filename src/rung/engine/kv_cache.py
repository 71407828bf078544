"""Keys and values of the tokens already read, so that generation reads each token once."""

import torch
from torch import Tensor

from ..config import ModelConfig
from ..errors import PromptError


class KeyValueCache:
    """Room for `n_ctx` positions of keys and values in every layer; `length` of them are filled.

    It remembers which of its keys are padding, so that no later run reads them.
    """

    def __init__(self, config: ModelConfig, batch: int, room: int, like: Tensor) -> None:
        self.length = 0
        self.room = room
        self.batch = batch
        shape = (config.n_layers, batch, room, config.n_kv)
        self._keys = like.new_empty((*shape, config.d_head))
        self._values = like.new_empty((*shape, config.d_v))
        self._mask: Tensor | None = None

    @property
    def mask(self) -> Tensor | None:
        """False at the keys that are padding, [batch, length]; None where none is."""
        return None if self._mask is None else self._mask[:, : self.length]

    def with_new(self, count: int, mask: Tensor | None) -> Tensor | None:
        """Which keys are real, those held and `count` new ones: [batch, length + count], or None where all are.

        `mask` speaks of the new keys or of all; padding that is remembered stays padding.
        """
        held = self.mask
        if mask is not None and mask.shape[1] == self.length + count:
            past, new = mask[:, : self.length], mask[:, self.length :]
            return mask if held is None else torch.cat((past & held.to(mask.device), new), 1)
        if mask is None and held is None:
            return None
        like = mask if held is None else held
        assert like is not None
        held = like.new_ones(self.batch, self.length) if held is None else held
        new = like.new_ones(self.batch, count) if mask is None else mask
        return torch.cat((held, new.to(held.device)), 1)

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Stores `k` and `v` ([batch, pos, kv_head, d_head or d_v]) after the filled part; returns all of both.

        `length` moves on with `advance`, after every layer has stored its own.
        """
        end = self.length + k.shape[1]
        if k.shape[0] != self.batch:
            raise PromptError(f"{k.shape[0]} examples were given with a key-value cache of {self.batch}")
        if end > self.room:
            raise PromptError(f"{end} tokens asked of a key-value cache with room for {self.room}")
        self._keys[layer, :, self.length : end] = k
        self._values[layer, :, self.length : end] = v
        return self._keys[layer, :, :end], self._values[layer, :, :end]

    def advance(self, count: int, mask: Tensor | None = None) -> None:
        """Marks `count` more positions as read; `mask` is False at padding among all that are read by then."""
        self.length += count
        self._mask = mask


class KeyValueRecord(KeyValueCache):
    """Keys and values of one run over whole sequences, by layer; the run that fills it reads nothing before itself."""

    def __init__(self) -> None:
        self.length = 0
        self.held: dict[int, tuple[Tensor, Tensor]] = {}
        self._mask = None

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keeps `k` and `v` of a layer, and returns them."""
        self.held[layer] = (k, v)
        return k, v

    def advance(self, count: int, mask: Tensor | None = None) -> None:
        """Nothing: a run may go through the layers in several parts."""

    def before(self, length: int, copies: int) -> KeyValueCache:
        """The first `length` positions as the past of `copies` stacked runs over the same examples."""
        return _KeyValuePrefix(self, length, copies)


class _KeyValuePrefix(KeyValueCache):
    """Keys and values before a position, which several runs read and none changes."""

    def __init__(self, record: KeyValueRecord, length: int, copies: int) -> None:
        self.length = length
        self._record = record
        self._copies = copies
        self._mask = None

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """The recorded keys and values before the position, and `k` and `v` after them."""
        past_k, past_v = self._record.held[layer]
        return self._join(past_k, k), self._join(past_v, v)

    def advance(self, count: int, mask: Tensor | None = None) -> None:
        """Nothing: no later run reads what this one added."""

    def _join(self, past: Tensor, new: Tensor) -> Tensor:
        whole = new.new_empty(new.shape[0], self.length + new.shape[1], *new.shape[2:])
        whole.view(self._copies, -1, *whole.shape[1:])[:, :, : self.length] = past[:, : self.length]
        whole[:, self.length :] = new
        return whole
