"""`utils` under its newer name."""

from typing import Any

from . import utils
from .utils import *  # noqa: F403
from .utils import __all__ as __all__


def __getattr__(name: str) -> Any:
    return getattr(utils, name)
