"""Rung: see the circuit, then prove it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import ModelConfig as ModelConfig
    from .engine.cache import ActivationCache as ActivationCache
    from .engine.factored import FactoredMatrix as FactoredMatrix
    from .model.hooks import HookedRootModule as HookedRootModule
    from .model.hooks import HookPoint as HookPoint
    from .model.model import HookedTransformer as HookedTransformer

_HOMES = {
    "ActivationCache": "engine.cache",
    "FactoredMatrix": "engine.factored",
    "HookPoint": "model.hooks",
    "HookedRootModule": "model.hooks",
    "HookedTransformer": "model.model",
    "ModelConfig": "config",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rung' has no attribute {name!r}; it has {', '.join(_HOMES)}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
