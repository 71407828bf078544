"""The models and kept values that computations share."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FetchError
from ..model.paths import bundled_names, fetched_names

if TYPE_CHECKING:
    from ..model.model import HookedTransformer

MOST_MODELS = 4
"""Models that are held at a time, beside the one that the lab was started with."""
MOST_BYTES = 2 << 30
"""Bytes of their weights, beside the one that was used last."""
MOST_KEPT = 32
"""Values that `keep` holds."""


class Models:
    """Models by name, each loaded once, and of each a twin for every lane.

    A twin shares the weights and has hook points of its own, so that the hooks of one lane's run are not seen by
    another's.
    """

    def __init__(self, default: str) -> None:
        self.default = default
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self._loaded: OrderedDict[str, HookedTransformer] = OrderedDict()
        self._twins: dict[tuple[str, str], HookedTransformer] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The models that the page offers: the default one, the bundled and the fetched ones."""
        return tuple(dict.fromkeys((self.default, *bundled_names(), *fetched_names())))

    def get(self, name: str, lane: str) -> HookedTransformer:
        """The lane's twin of the model of that name. Raises RungError if there is none on this machine."""
        with self._lock:
            gate = self._loading.setdefault(name, threading.Lock())
        with gate:
            with self._lock:
                model = self._loaded.get(name)
            if model is None:
                model = load_local(name)
            return self._twin(name, lane, model)

    def _twin(self, name: str, lane: str, model: HookedTransformer) -> HookedTransformer:
        with self._lock:
            self._loaded[name] = model
            self._loaded.move_to_end(name)
            for other in self._surplus(name):
                del self._loaded[other]
                for key in [key for key in self._twins if key[0] == other]:
                    del self._twins[key]
            found = self._twins.get((name, lane))
            if found is None:
                found = self._twins[name, lane] = twin(model)
            return found

    def _surplus(self, name: str) -> list[str]:
        """The models to let go of: those that were used longest ago, beyond what may be held."""
        others = [other for other in reversed(self._loaded) if other not in (self.default, name)]
        room, dropped = MOST_BYTES, []
        for count, other in enumerate(others, 1):
            room -= sum(weight.nbytes for weight in self._loaded[other].parameters())
            if room < 0 or count >= MOST_MODELS:
                dropped.append(other)
        return dropped


def twin(model: HookedTransformer) -> HookedTransformer:
    """A model over the same weights, with hook points of its own."""
    from ..model.model import HookedTransformer

    made = HookedTransformer(model.config, model.weights, model.tokenizer)
    made.keep_origin(model.origin)
    return made.eval()


def load_local(name: str) -> HookedTransformer:
    """The model of that name, from this machine. Raises RungError; the network is not asked."""
    from ..model import hub
    from ..model.model import HookedTransformer
    from ..model.resolve import ModelLocation, resolve_model

    found = resolve_model(name)
    if not isinstance(found, ModelLocation) and hub.cached(found) is None:
        raise FetchError(f"{name} is not on this machine; this brings it here, once: rung fetch {name}")
    return HookedTransformer.from_pretrained(name).eval()


class Kept:
    """The last few values that computations made, by key; each is made once, whoever asks meanwhile waits for it."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}
        self._values: OrderedDict[str, Any] = OrderedDict()

    def get(self, key: str, make: Callable[[], Any]) -> Any:
        """The value under `key`, made if it is not there."""
        with self._lock:
            gate = self._making.setdefault(key, threading.Lock())
        with gate:
            with self._lock:
                if key in self._values:
                    self._values.move_to_end(key)
                    return self._values[key]
            value = make()
            with self._lock:
                self._values[key] = value
                while len(self._values) > self._most:
                    self._making.pop(self._values.popitem(last=False)[0], None)
            return value


class LaneLab:
    """What computations of one lane may use of the running lab (the `Lab` of `computation`)."""

    def __init__(self, models: Models, kept: Kept, folder: Path, lane: str) -> None:
        self._models = models
        self._kept = kept
        self._lane = lane
        self._folder = folder

    @property
    def names(self) -> tuple[str, ...]:
        """Models that the page offers."""
        return self._models.names

    @property
    def folder(self) -> Path:
        """A folder of this run, removed at its end."""
        return self._folder

    def model(self, name: str) -> HookedTransformer:
        """The model of that name, loaded once and shared: it must not be changed. Raises RungError."""
        return self._models.get(name, self._lane)

    def keep(self, key: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, kept under `key` among the last few."""
        return self._kept.get(key, make)
