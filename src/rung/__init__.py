"""Rung: see the circuit, then prove it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .display import set_drawer as _set_drawer

if TYPE_CHECKING:
    from .config import ModelConfig as ModelConfig
    from .engine.cache import ActivationCache as ActivationCache
    from .engine.factored import FactoredMatrix as FactoredMatrix
    from .evidence import claim as _claim
    from .model.classic import HookedTransformerConfig as HookedTransformerConfig
    from .model.hooks import HookedRootModule as HookedRootModule
    from .model.hooks import HookPoint as HookPoint
    from .model.model import HookedTransformer as HookedTransformer
    from .views.notebook import prove as prove
    from .views.wording import read_record as load_record  # noqa: F401

    claims = _claim

_HOMES = {
    "ActivationCache": "engine.cache",
    "FactoredMatrix": "engine.factored",
    "HookPoint": "model.hooks",
    "HookedRootModule": "model.hooks",
    "HookedTransformer": "model.model",
    "HookedTransformerConfig": "model.classic",
    "ModelConfig": "config",
    "claims": "evidence.claim",
    "load_record": "views.wording",
    "prove": "views.notebook",
}
"""Each name and the module that it is taken from."""
_MODULES = ("claims",)
"""Names that are that module itself."""

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rung' has no attribute {name!r}; it has {', '.join(_HOMES)}")
    home = import_module(f"{__name__}.{_HOMES[name]}")
    return home if name in _MODULES else getattr(home, name)


def _drawn(result: Any) -> dict[str, str]:
    """What a notebook shows of a result: the views draw, and are imported when something is shown."""
    bundle: dict[str, str] = import_module(f"{__name__}.views.notebook").bundle(result)
    return bundle


_set_drawer(_drawn)


def __dir__() -> list[str]:
    return sorted(_HOMES)
