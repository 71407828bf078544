"""The exercise notebooks that come with Rung, rendered from examples/course by scripts/course.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import RungError

FOLDER = Path(__file__).parent


def notebook_files() -> tuple[Path, ...]:
    """The notebooks, one a part, in order."""
    return tuple(sorted(FOLDER.glob("part*.ipynb")))


def copy_notebooks(folder: Path, force: bool = False) -> Sequence[Path]:
    """Copies the notebooks into `folder`, which is made where it is missing, and returns the copies.

    Raises RungError, before anything is written, if one of them is there already and `force` is not set.
    """
    if folder.exists() and not folder.is_dir():
        raise RungError(f"{folder} is a file; the notebooks need a folder")
    targets = [folder / file.name for file in notebook_files()]
    there = [target.name for target in targets if target.exists()]
    if there and not force:
        raise RungError(
            f"{folder} already holds {', '.join(there)}; name another folder, or use --force to lose what is in them"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for file, target in zip(notebook_files(), targets, strict=True):
        target.write_bytes(file.read_bytes())
    return targets
