"""Where models lie on this machine: those that ship with the package, and those that were fetched."""

import os
import sys
from pathlib import Path

BUNDLED = Path(__file__).parent / "bundled"


def bundled_names() -> list[str]:
    """The trained models that ship with the package."""
    return sorted(path.parent.name for path in BUNDLED.glob("*/config.json"))


def rung_home() -> Path:
    """Where caches live: RUNG_HOME, else the platform's place for them."""
    asked = os.environ.get("RUNG_HOME")
    if asked:
        return Path(asked).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "rung"
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "rung"


def fetched_folder() -> Path:
    """The folder with one folder for each fetched model."""
    return rung_home() / "models"


def fetched_names() -> list[str]:
    """The models that `rung fetch` has put there, whole."""
    return sorted(path.parent.name for path in fetched_folder().glob("*/config.json") if path.parent.name[0] != ".")
