"""How a result shows itself: one line by `repr`, and in a notebook what the views draw.

Results stand below the views and know nothing of them: `rung` itself says who draws (`set_drawer`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

Drawer = Callable[[Any], dict[str, str]]
"""From a result to what a notebook shows, by MIME type."""

LONGEST = 60
"""Characters of one field in a `repr`."""
MOST = 6
"""Items of a tuple or mapping that a `repr` lists."""

_drawers: list[Drawer] = []


def set_drawer(drawer: Drawer) -> None:
    """Says who draws results in notebooks; the last one that was set does."""
    _drawers[:] = [drawer]


class Shown:
    """Base of results that are dataclasses: a `repr` in which tensors are their shapes, and a drawing in notebooks."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={brief(value)}' for name, value in named(self).items())})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return _drawers[0](self) if _drawers else {"text/plain": repr(self)}


def named(result: Any) -> dict[str, Any]:
    """The fields of a dataclass and their values."""
    return {field.name: getattr(result, field.name) for field in fields(result) if field.repr}


def brief(value: Any) -> str:
    """A value in a few characters: a tensor by its shape, a long collection by its length."""
    if hasattr(value, "shape") and hasattr(value, "tolist"):
        return f"{value.tolist():.6g}" if not value.shape and hasattr(value, "item") else f"tensor{[*value.shape]}"
    if is_dataclass(value) and not isinstance(value, type):
        return f"{type(value).__name__}(…)"
    if isinstance(value, (tuple, list, Mapping)) and len(value) > MOST:
        return f"({len(value)} items)"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(brief(one) for one in value)}{',' if len(value) == 1 else ''})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {brief(one)}' for key, one in value.items())}}}"
    text = f"{value:.6g}" if isinstance(value, float) else " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
